"""Query parameters: read once, validated whole, refused by name."""

from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.continuation import LATEST, Continuation, Key, encode_continuation
from kubediscovery.drawing import DEFAULT, Direction, Drawing, KindFilter
from kubediscovery.errors import BadRequest, Invalid, MethodNotAllowed
from kubediscovery.options import Listing, Options, Terms, parse_listing, parse_options, parse_terms, wants_watch
from kubediscovery.selectors import EVERYTHING

KEY = Key("shop", "deployments.apps.web", "deployments.apps")


def continued(version: int) -> bytes:
    return f"continue={encode_continuation(Continuation(version, KEY))}".encode()


def test_what_kubectl_sends_asks_for_everything() -> None:
    assert parse_options(b"limit=500") == Options(limit=500)
    assert parse_options(b"limit=0") == Options()
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
    assert (options.least_version, options.exact) == (42, False)
    assert options.include_object == "Object"


@pytest.mark.parametrize("value", ["true", "TRUE", "1", "false", "0", ""])
def test_booleans_as_kubernetes_writes_them(value: str) -> None:
    assert parse_options(f"pretty={value}".encode()) == Options()


def test_of_a_repeated_parameter_the_first_counts() -> None:
    assert parse_options(b"resourceVersion=1&resourceVersion=x").least_version == 1
    with pytest.raises(BadRequest):
        parse_options(b"resourceVersion=x&resourceVersion=1")


def test_unknown_parameters_are_ignored_and_told_of() -> None:
    assert parse_options(b"zeta=1&alpha&limit=1&timeout=30s").ignored == ("alpha", "zeta")


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
        ("timeoutSeconds=9223372036854775808", ["timeoutSeconds", "whole number"]),
        ("timeoutSeconds=1.5", ["timeoutSeconds"]),
        ("resourceVersion=0x10", ["resourceVersion"]),
        ("resourceVersion=1%0A", ["resourceVersion"]),
        ("continue=x", ["continue key is not valid"]),
        ("limit=500&continue=eyJ2", ["continue key is not valid"]),
        ("labelSelector=" + ",".join(["a"] * 1001), ["labelSelector", "1001", "1000"]),
        ("pretty=please", ["pretty", "true or false", '"please"']),
        ("allowWatchBookmarks=maybe", ["allowWatchBookmarks"]),
        ("watch=perhaps", ["watch", "true or false"]),
        ("includeObject=All", ["includeObject", "'Metadata', 'Object', 'None'", '"All"']),
        ("includeObject=none", ["includeObject"]),
        ("depth=none", ["depth", '"none"']),
        ("hideInactive=perhaps", ["hideInactive", '"perhaps"']),
        ("direction=sideways", ["direction", '"sideways"', "children", "owners", "users", "uses", "collected"]),
        ("relations=scale,guesses", ["relations", '"guesses"', "scale"]),
        ("kinds=Pod;drop", ["kinds", '"Pod;drop"']),
        ("waitFor=Healthy,Fine", ["waitFor", '"Fine"', "Complete", "Paused", "Degraded"]),
        ("waitFor=Complete&resourceVersion=1&resourceVersionMatch=Exact", ["waitFor", "Exact"]),
        ("waitFor=Complete&timeoutSeconds=soon", ["timeoutSeconds"]),
        ("fieldSelector=status.rollout.state%3DDone", ["Complete, Failed, Paused, Progressing"]),
        ("pretty=%ff", ["query"]),
        ("&".join(f"a{number}" for number in range(101)), ["100 parameters"]),
    ],
)
def test_a_bad_parameter_is_named_with_what_is_accepted(query: str, words: list[str]) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_options(query.encode(), relations=("scale", "endpoints"))
    assert [word for word in words if word not in str(caught.value)] == []


def test_what_is_drawn_can_be_chosen() -> None:
    drawing = parse_options(
        b"relations=all,!scale&direction=users&depth=2&kinds=Pod,!jobs&hideInactive=true", relations=("scale", "tls")
    ).drawing
    assert drawing == Drawing(
        frozenset({"tls"}), Direction.USERS, 2, KindFilter(("pod",), ("jobs",)), hide_inactive=True
    )
    assert parse_options(b"relations=&direction=&depth=&kinds=&hideInactive=").drawing is DEFAULT


@pytest.mark.parametrize(
    ("query", "refused"), [("relations=scale", True), ("direction=owners", True), ("depth=2", False)]
)
def test_a_watch_is_of_what_is_owned(query: str, refused: bool) -> None:
    with pytest.raises(BadRequest, match="depth, kinds and hideInactive") if refused else nullcontext():
        parse_options(query.encode(), watch=True, relations=("scale",))


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", Terms(since=None, initial=True, marks_end=False, bookmarks=False, seconds=7)),
        (
            "resourceVersion=0&allowWatchBookmarks",
            Terms(None, initial=True, marks_end=False, bookmarks=True, seconds=7),
        ),
        (
            "resourceVersion=5&allowWatchBookmarks=true",
            Terms(since=5, initial=False, marks_end=False, bookmarks=True, seconds=7),
        ),
        (
            "resourceVersion=5&allowWatchBookmarks=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
            Terms(since=None, initial=True, marks_end=True, bookmarks=True, seconds=7),
        ),
        (
            "sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
            Terms(since=None, initial=True, marks_end=False, bookmarks=False, seconds=7),
        ),
        (
            "sendInitialEvents=false&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
            Terms(since=None, initial=False, marks_end=False, bookmarks=True, seconds=7),
        ),
        (
            "resourceVersion=5&sendInitialEvents=false&resourceVersionMatch=NotOlderThan",
            Terms(since=5, initial=False, marks_end=False, bookmarks=False, seconds=7),
        ),
    ],
)
def test_a_watch_begins_as_its_parameters_say(query: str, wanted: Terms) -> None:
    asked = (query + "&timeoutSeconds=7").encode()
    parse_options(asked, watch=True)
    assert parse_terms(asked) == wanted


def test_a_watch_without_a_time_lasts_about_three_quarters_of_an_hour() -> None:
    for query in (b"", b"timeoutSeconds=0", b"timeoutSeconds="):
        assert 1_800 <= parse_terms(query).seconds <= 3_600


@pytest.mark.parametrize(
    ("query", "wanted"),
    [("watch=true", True), ("watch=1", True), ("watch", True), ("watch=false", False), ("x=watch", False), ("", False)],
)
def test_whether_a_query_asks_to_watch(query: str, wanted: bool) -> None:
    assert wants_watch(query.encode()) is wanted


def test_a_page_must_have_seen_what_the_first_one_had() -> None:
    """It may be asked of another replica, which is a little behind."""
    options = parse_options(b"limit=2&" + continued(7))
    assert options == Options(limit=2, start=Continuation(7, KEY), least_version=7)
    assert parse_options(continued(LATEST)) == Options(start=Continuation(LATEST, KEY))


def test_a_page_has_the_version_of_its_list() -> None:
    for version in (b"", b"&resourceVersion=", b"&resourceVersion=0"):
        assert parse_options(continued(7) + version).least_version == 7
    with pytest.raises(BadRequest, match="specifying resource version is not allowed when using continue"):
        parse_options(continued(7) + b"&resourceVersion=7")


def test_one_exact_version_can_be_asked_for() -> None:
    options = parse_options(b"resourceVersion=42&resourceVersionMatch=Exact&limit=1")
    assert options == Options(limit=1, least_version=42, exact=True)


@pytest.mark.parametrize(
    "query",
    [
        b"resourceVersionMatch=Exact",
        b"resourceVersion=0&resourceVersionMatch=Exact",
        b"resourceVersion=7&resourceVersionMatch=exact",
        b"resourceVersion=7&resourceVersionMatch=NotOlderThan&" + continued(7),
        b"sendInitialEvents=true",
    ],
)
def test_what_does_not_go_together_is_invalid(query: bytes) -> None:
    with pytest.raises(Invalid, match=r'^ListOptions.meta.k8s.io "" is invalid: '):
        parse_options(query)


@given(st.binary(max_size=80) | st.text(alphabet="watch=&fieldSelector%3D.,metadata.name", max_size=60).map(str.encode))
def test_no_query_does_more_than_be_refused(query: bytes) -> None:
    try:
        options = parse_options(query)
    except (BadRequest, Invalid, MethodNotAllowed):
        options = None
    listing = parse_listing(query)
    if options is not None:
        # What is reviewed as narrowed is narrowed in the same way.
        assert (listing.fields, listing.labels) == (options.fields, options.labels)


def test_a_selector_that_cannot_be_read_counts_for_none_and_the_other_one_counts() -> None:
    listing = parse_listing(b"labelSelector=a%20b&fieldSelector=spec.x%3D1&watch=1&limit=x")
    assert (listing.watches, listing.labels, listing.fields.exact("spec.x")) == (True, EVERYTHING, "1")
    listing = parse_listing(b"labelSelector=a&fieldSelector=nonsense")
    assert (listing.fields, listing.labels.matches({"a": ""}), listing.labels.matches({})) == (EVERYTHING, True, False)
    assert parse_listing(b"labelSelector=%ff") == Listing()
