"""Which kinds are followed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.built_in import KUBERNETES_KINDS
from kubediscovery.errors import ConfigurationError
from kubediscovery.kinds import Kind
from kubediscovery.selection import KindPattern, Selection
from tests.discovering import KAFKA, SECRET
from tests.objects import DEPLOYMENT, POD

OTHER_EVENTS = Kind("example.org", "v1", "events", "Event", "event", custom=True)
EVENTS = tuple(kind for kind in KUBERNETES_KINDS if kind.resource == "events")


def patterns(*texts: str) -> tuple[KindPattern, ...]:
    return tuple(map(KindPattern.parse, texts))


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("*", {DEPLOYMENT, POD, KAFKA}),
        ("pods", {POD}),
        ("pods.", {POD}),
        ("*.", {POD}),
        ("deployments", {DEPLOYMENT}),
        ("deployments.apps", {DEPLOYMENT}),
        ("deployments.", set()),
        ("*.apps", {DEPLOYMENT}),
        ("*.example.org", {KAFKA}),
        ("*.org", set()),
        ("*.*.org", {KAFKA}),
        ("kaf*", {KAFKA}),
        ("[dk]*.*", {DEPLOYMENT, KAFKA}),
        ("pod", set()),
    ],
)
def test_a_pattern_is_a_plural_and_a_group(pattern: str, matched: set[Kind]) -> None:
    (parsed,) = patterns(pattern)
    assert {kind for kind in (DEPLOYMENT, POD, KAFKA) if parsed.matches(kind)} == matched


@pytest.mark.parametrize("text", ["", " ", "Pods", "pods/status", "!pods", ".apps", "pods apps", 5, None, ["pods"]])
def test_what_can_match_no_kind_is_refused(text: object) -> None:
    with pytest.raises(ConfigurationError, match=r"is no pattern for kinds: accepted are a plural \(pods\)"):
        KindPattern.parse(text)


def test_by_default_everything_is_followed_but_events_leases_and_endpoints() -> None:
    left = {str(kind) for kind in KUBERNETES_KINDS if not Selection().takes(kind)}
    assert left == {"events", "events.events.k8s.io", "leases.coordination.k8s.io", "endpoints"}
    assert Selection().of((KAFKA, SECRET, OTHER_EVENTS)) == (KAFKA, SECRET, OTHER_EVENTS)


def test_include_replaces_everything_and_exclude_what_is_excluded_by_default() -> None:
    assert Selection(include=patterns("*.apps")).of((DEPLOYMENT, POD, KAFKA)) == (DEPLOYMENT,)
    assert Selection(exclude=patterns("pods")).of((POD, *EVENTS)) == EVENTS
    assert Selection(patterns("*.apps"), patterns("deployments.apps")).of((DEPLOYMENT, POD)) == (DEPLOYMENT,)[:0]


def test_what_is_included_by_its_name_is_followed_whatever_is_excluded() -> None:
    assert Selection(include=patterns("*", "events")).of((POD, *EVENTS)) == (POD, *EVENTS)
    assert Selection(include=patterns("events.")).of((POD, *EVENTS)) == EVENTS[:1]
    assert Selection(include=patterns("event*")).of(EVENTS) == ()


@given(st.lists(st.sampled_from(KUBERNETES_KINDS), unique=True), st.sampled_from(["*", "*.apps", "[p-z]*"]))
def test_the_order_stays_and_nothing_comes_twice(kinds: list[Kind], pattern: str) -> None:
    found = Selection(include=patterns(pattern)).of(kinds)
    assert list(found) == [kind for kind in kinds if kind in found]
