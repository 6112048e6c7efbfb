"""Query parameters: read once, validated whole, refused by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.errors import BadRequest, Expired, MethodNotAllowed, ServerTimeout
from kubediscovery.options import Options, check_version, parse_listing, parse_options


def test_what_kubectl_sends_asks_for_everything() -> None:
    assert parse_options(b"limit=500") == Options()
    assert parse_options(b"") == Options()
    assert (
        parse_options(b"resourceVersion=&continue=&labelSelector=&fieldSelector=&includeObject=&watch=0") == Options()
    )


def test_what_is_asked_for_is_read() -> None:
    options = parse_options(
        b"labelSelector=app%3Dweb%2Ctier+in+%28a%2Cb%29&fieldSelector=status.health%3DDegraded"
        b"&resourceVersion=42&resourceVersionMatch=NotOlderThan&pretty=true&includeObject=Object"
    )
    assert options.labels.matches({"app": "web", "tier": "b"})
    assert not options.labels.matches({"app": "web"})
    assert options.fields.matches({"status.health": "Degraded"})
    assert not options.fields.matches({"status.health": "Healthy"})
    assert (options.least_version, options.pretty, options.include_object) == (42, True, "Object")


@pytest.mark.parametrize("value", ["true", "TRUE", "1", "false", "0", ""])
def test_booleans_as_kubernetes_writes_them(value: str) -> None:
    assert parse_options(f"pretty={value}".encode()).pretty == (value.lower() in ("true", "1"))


def test_of_a_repeated_parameter_the_first_counts() -> None:
    assert parse_options(b"resourceVersion=1&resourceVersion=x").least_version == 1
    with pytest.raises(BadRequest):
        parse_options(b"resourceVersion=x&resourceVersion=1")


def test_unknown_parameters_are_ignored_and_told_of() -> None:
    assert parse_options(b"zeta=1&alpha&limit=1&timeout=30s").ignored == ("alpha", "timeout", "zeta")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("labelSelector=a%20b", ["labelSelector", '"a b"', "key=value"]),
        ("fieldSelector=spec.x%3D1", ["fieldSelector", "spec.x", "status.health"]),
        ("fieldSelector=status.health%3Dgood", ["fieldSelector", "Healthy", "Degraded"]),
        ("limit=all", ["limit", "whole number", '"all"']),
        ("limit=-1", ["limit", '"-1"']),
        ("limit=%D9%A3", ["limit", "٣"]),
        ("limit=" + "9" * 20, ["limit"]),
        ("timeoutSeconds=1.5", ["timeoutSeconds"]),
        ("resourceVersion=0x10", ["resourceVersion"]),
        ("resourceVersion=1%0A", ["resourceVersion"]),
        ("resourceVersionMatch=Exact", ["resourceVersionMatch", "NotOlderThan", '"Exact"']),
        ("pretty=please", ["pretty", "true or false", '"please"']),
        ("allowWatchBookmarks=maybe", ["allowWatchBookmarks"]),
        ("watch=perhaps", ["watch", "true or false"]),
        ("includeObject=All", ["includeObject", "None, Metadata, Object", '"All"']),
        ("includeObject=none", ["includeObject"]),
        ("depth=2", ['"depth"', "not supported", "labelSelector"]),
        ("waitFor=Healthy", ['"waitFor"']),
        ("sendInitialEvents=true", ['"sendInitialEvents"']),
        ("pretty=%ff", ["query"]),
        ("&".join(f"a{number}" for number in range(101)), ["100 parameters"]),
    ],
)
def test_a_bad_parameter_is_named_with_what_is_accepted(query: str, words: list[str]) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_options(query.encode())
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    "query", ["watch=true", "watch=1", "watch", "watch=", "watch=1&sendInitialEvents=true&depth=1"]
)
def test_a_watch_is_refused_and_not_answered_as_a_list(query: str) -> None:
    with pytest.raises(MethodNotAllowed, match="accepted are get and list"):
        parse_options(query.encode())


def test_a_continue_token_is_expired_so_that_clients_start_again() -> None:
    with pytest.raises(Expired, match="start again"):
        parse_options(b"limit=500&continue=eyJ2")


def test_a_version_that_has_not_been_seen_is_a_timeout_to_try_again() -> None:
    check_version(Options(least_version=7), 7)
    check_version(Options(), 0)
    with pytest.raises(ServerTimeout) as caught:
        check_version(Options(least_version=8), 7)
    assert (caught.value.cause, caught.value.retry_after) == ("ResourceVersionTooLarge", 1)


@given(st.binary(max_size=80) | st.text(alphabet="watch=&fieldSelector%3D.,metadata.name", max_size=60).map(str.encode))
def test_no_query_does_more_than_be_refused(query: bytes) -> None:
    try:
        options = parse_options(query)
    except (BadRequest, Expired, MethodNotAllowed):
        options = None
    watches, name = parse_listing(query)
    if options is not None:
        assert not watches
        # Of a list whose review was narrowed to a name nothing else may pass.
        assert not name or not options.fields.matches({"metadata.name": name + "x"})
