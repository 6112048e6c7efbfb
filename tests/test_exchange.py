"""What is known of a request: names for metrics come from what is served, whatever a caller wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.authz import Attributes, NonResourceAttributes, ResourceAttributes
from kubediscovery.exchange import Exchange, RequestLabels
from kubediscovery.identity import ANONYMOUS, Caller, User
from tests.exchanges import exchange_of

GROUP, VERSION = "g.example.com", "v1"


def resource(verb: str, name: str = "", namespace: str = "") -> ResourceAttributes:
    return ResourceAttributes(verb, GROUP, VERSION, "deployments", "compositions", namespace, name)


@pytest.mark.parametrize(
    ("attributes", "verb", "scope"),
    [
        (resource("get", "web", "shop"), "GET", "resource"),
        (resource("get", "*"), "GET", "resource"),
        (resource("list", "", "shop"), "LIST", "namespace"),
        (resource("list"), "LIST", "cluster"),
        (resource("list", "web", "shop"), "LIST", "resource"),
        (resource("watch", "", "shop"), "WATCH", "namespace"),
        (resource("create", "", "shop"), "POST", "resource"),
        (resource("update", "web", "shop"), "PUT", "resource"),
        (resource("patch", "web", "shop"), "PATCH", "resource"),
        (resource("delete", "web", "shop"), "DELETE", "resource"),
        (resource("deletecollection", "", "shop"), "DELETE", "namespace"),
        (resource("", "web", "shop"), "other", "resource"),
        (resource("mkcol", "web", "shop"), "other", "resource"),
    ],
)
def test_a_request_for_a_resource_has_kubernetes_labels(attributes: ResourceAttributes, verb: str, scope: str) -> None:
    found = exchange_of(attributes, resource="deployments.apps", subresource="compositions").labels()
    assert found == RequestLabels(verb, GROUP, VERSION, "deployments.apps", "compositions", scope)


@pytest.mark.parametrize(
    ("path", "method", "verb", "named"),
    [
        ("/livez", "get", "GET", "/livez"),
        ("/readyz/ping", "head", "GET", "/readyz"),
        ("/apis/apps/v1/x", "get", "GET", "/apis"),
        ("/openapi/v3", "post", "POST", "/openapi"),
        ("/", "get", "GET", ""),
        ("/made-up", "brew", "other", ""),
    ],
)
def test_a_path_that_is_no_resource_is_named_by_its_beginning(path: str, method: str, verb: str, named: str) -> None:
    found = exchange_of(NonResourceAttributes(path, method)).labels()
    assert found == RequestLabels(verb, "", "", "", named, "")


def test_what_was_never_understood_has_no_name() -> None:
    assert exchange_of(None).labels() == RequestLabels("other", "", "", "", "", "")


words = st.text(max_size=8)
attributes = st.builds(ResourceAttributes, words, words, words, words, words, words, words) | st.builds(
    NonResourceAttributes, words.map(lambda word: f"/{word}"), words
)
SERVED = {"", "other", "GET", "LIST", "WATCH", "POST", "PUT", "PATCH", "DELETE"}
SERVED |= {f"/{path}" for path in ("healthz", "livez", "readyz", "metrics", "version", "api", "apis", "openapi")}


@given(attributes)
def test_nothing_that_is_not_served_makes_a_label(asked: Attributes) -> None:
    assert set(exchange_of(asked).labels()) <= SERVED


def test_whose_rights_count() -> None:
    exchange = exchange_of(None)
    assert exchange.user is ANONYMOUS
    exchange.caller = Caller(User("alice"))
    assert exchange.user.name == "alice"
    exchange.caller = Caller(User("bob"), impersonator=User("alice"))
    assert exchange.user.name == "bob"


@pytest.mark.parametrize(("verb", "lasts"), [("watch", True), ("list", False), ("get", False)])
def test_only_a_watch_lasts(verb: str, lasts: bool) -> None:
    exchange: Exchange = exchange_of(resource(verb))
    assert exchange.watching is lasts
