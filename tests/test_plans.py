"""What a request to a typed handler asks for, read once and kept."""

from typing import Any

import pytest
from starlette.requests import Request

from kubediscovery.acting import NOT_ACTING
from kubediscovery.authz import ResourceAttributes
from kubediscovery.errors import BadRequest, Invalid, MethodNotAllowed, NotAcceptable
from kubediscovery.plans import Plan, Plans
from kubediscovery.registry import Registration, Registry
from tests.registering import IMAGES, Wanted, action_registry, image_registry, patch_registry

VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def registered(name: str) -> Registration:
    registries: tuple[Registry, ...] = (image_registry(), action_registry(), patch_registry())
    (found,) = [each for registry in registries for each in registry if each.name == name]
    return found


def plans(name: str) -> Plans:
    registration = registered(name)
    assert registration.contract is not None
    return Plans(registration, registration.contract)


def plan(
    of: Plans, query: str = "", method: str = "GET", *, verb: str = "", name: str = "web", headers: Any = ()
) -> Plan:
    scope = {
        "type": "http",
        "method": method,
        "path": "/",
        "query_string": query.encode(),
        "headers": [(key.lower().encode(), value.encode()) for key, value in headers],
    }
    asked = ResourceAttributes(verb or VERBS[method], IMAGES, "v1", "deployments", "images", "shop", name)
    return of.plan(Request(scope), asked)


def test_a_read_is_of_the_query_s_struct() -> None:
    found = plan(plans("images"), "least=3&short=true&of=a,b")
    assert found.query == Wanted(least=3, short=True, of=("a", "b"))
    assert (found.verb, found.watches, found.acting, dict(found.said)) == ("get", False, NOT_ACTING, {})
    assert plan(plans("health")).query is None


def test_what_was_read_is_kept_unless_it_is_long() -> None:
    of = plans("images")
    assert plan(of, "least=3") is plan(of, "least=3")
    assert plan(of, "least=3") is not plan(of, "least=4")
    assert plan(of, "least=3") is not plan(of, "least=3", headers=[("Accept", "application/yaml")])
    # What nobody reads makes no difference.
    assert plan(of, "least=3") is plan(of, "least=3", headers=[("Referer", "x")])
    long = "of=" + "a," * 2_000
    assert plan(of, long) is not plan(of, long)


@pytest.mark.parametrize(
    ("name", "method", "verb", "accepted"),
    [
        ("health", "POST", "", "GET, HEAD"),
        ("restart", "DELETE", "", "GET, HEAD, POST, PUT"),
        ("restart", "PATCH", "", "GET, HEAD, POST, PUT"),
        ("size", "POST", "", "GET, HEAD, PUT, PATCH"),
        ("label", "GET", "", "PATCH"),
        ("halt", "GET", "", "POST, DELETE"),
        ("tail", "PUT", "", "GET, HEAD, POST"),
        ("images", "POST", "watch", "GET, HEAD"),
    ],
)
def test_a_method_without_a_handler_is_refused_with_those_that_have_one(
    name: str, method: str, verb: str, accepted: str
) -> None:
    with pytest.raises(MethodNotAllowed, match=f"accepted are {accepted}$") as refused:
        plan(plans(name), "", method, verb=verb)
    assert refused.value.allowed == tuple(accepted.split(", "))


def test_a_watch_is_a_verb_or_a_parameter() -> None:
    of = plans("images")
    assert plan(of, "watch=true").watches
    assert plan(of, verb="watch").watches
    assert not plan(of, "watch=false").watches
    with pytest.raises(MethodNotAllowed, match=r'the subresource "health" of .* cannot be watched'):
        plan(plans("health"), "watch=1")


def test_who_connects_has_two_verbs() -> None:
    of = plans("tail")
    assert [plan(of, "", method).verb for method in ("GET", "POST")] == ["connect", "connect"]
    assert plan(of, "dryRun=All", "POST").acting.dry_run


@pytest.mark.parametrize(("name", "method"), [("restart", "POST"), ("size", "PATCH"), ("halt", "DELETE")])
def test_who_acts_has_options_and_one_object(name: str, method: str) -> None:
    found = plan(plans(name), "dryRun=All&fieldManager=me&pretty=true&timeout=1s", method)
    assert (found.acting.dry_run, found.acting.field_manager, found.ignored) == (True, "me", ())
    assert not found.known
    with pytest.raises(Invalid, match="fieldValidation: Unsupported value"):
        plan(plans(name), "fieldValidation=x", method)
    with pytest.raises(BadRequest, match=r"is for one object: give its name, \* is only read"):
        plan(plans(name), "", method, name="*")


@pytest.mark.parametrize(
    ("name", "method", "query", "ignored"),
    [
        ("images", "GET", "a=1&least=1&limit=1&dryRun=All", ("a", "dryRun")),
        ("restart", "POST", "limit=1&watch=1&force=1", ("force", "limit", "watch")),
        ("size", "PATCH", "force=1&labelSelector=a", ("labelSelector",)),
    ],
)
def test_what_means_nothing_is_ignored_with_a_warning(
    name: str, method: str, query: str, ignored: tuple[str, ...]
) -> None:
    found = plan(plans(name), query, method)
    assert found.ignored == tuple(f'unknown query parameter "{each}" was ignored' for each in ignored)
    assert found.said["Warning"].count("299 - ") == len(ignored)


def test_what_is_known_and_how_it_is_written_are_in_the_head() -> None:
    headers = [("If-None-Match", '"a", W/"b"'), ("Accept", "application/yaml")]
    found = plan(plans("images"), headers=headers)
    assert found.known == {'"a"', '"b"'}
    assert found.representation.media_type.encoding == "application/yaml"
    with pytest.raises(NotAcceptable):
        plan(plans("images"), headers=[("Accept", "text/html")])
    with pytest.raises(NotAcceptable):
        plan(plans("images"), "watch=true", headers=headers)
