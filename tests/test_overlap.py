"""Whether two filters may mean the same kind: never no where they do."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.built_in import KUBERNETES_KINDS
from kubediscovery.drawing import EVERY_KIND, KindFilter, parse_kinds
from kubediscovery.kinds import Kind
from kubediscovery.overlap import _intersect, overlap

GLOBS = st.text(alphabet="ab*?", max_size=6)
WORDS = st.sampled_from(
    ["pods", "pod", "deployments", "deployments.apps", "deployment", "*.apps", "*s", "?ods", "replicasets.*", "kafka*"]
)
FILTERS = st.builds(
    lambda accepted, refused: parse_kinds(",".join([*accepted, *(f"!{word}" for word in refused)])),
    st.lists(WORDS, min_size=1, max_size=3),
    st.lists(WORDS, max_size=2),
)


@given(GLOBS, GLOBS, st.text(alphabet="ab", max_size=6))
def test_globs_intersect_where_a_text_matches_both(one: str, other: str, text: str) -> None:
    if fnmatchcase(text, one) and fnmatchcase(text, other):
        assert _intersect(one, other)
        assert _intersect(other, one)


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("a*", "*b", True),
        ("a*a", "b*", False),
        ("??", "a", False),
        ("*", "", True),
        ("a?c", "abc", True),
        ("a*b*c", "*x*", True),
    ],
)
def test_globs_that_do_and_that_do_not(one: str, other: str, meet: bool) -> None:
    assert _intersect(one, other) is meet


@given(FILTERS, FILTERS)
def test_filters_that_pass_the_same_kind_overlap(one: KindFilter, other: KindFilter) -> None:
    if any(one.passes(kind) and other.passes(kind) for kind in KUBERNETES_KINDS):
        assert overlap(one, other, KUBERNETES_KINDS)
        assert overlap(other, one, KUBERNETES_KINDS)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("deployments.apps", "statefulsets.apps", False),
        ("deployments", "*.apps", True),
        ("Deployment", "deployments.apps", True),
        ("*.example.org", "kafkas.example.org", True),
        ("*.example.org", "*.example.com", False),
        ("kafka*", "*.example.org", True),
        ("*,!pods", "pods", False),
        ("*,!*.apps", "deployments.apps", False),
        ("*.apps,!deployments", "deployments.apps", False),
        ("*", "*,!pods", True),
    ],
)
def test_what_overlaps(one: str, other: str, expected: bool) -> None:
    assert overlap(parse_kinds(one), parse_kinds(other), KUBERNETES_KINDS) is expected
    assert overlap(parse_kinds(other), parse_kinds(one), KUBERNETES_KINDS) is expected


def test_every_kind_meets_any() -> None:
    assert overlap(EVERY_KIND, parse_kinds("kafkas.example.org"))


def test_a_kind_that_is_called_by_its_name_is_known_only_where_it_is_known() -> None:
    kafka = Kind("example.org", "v1", "kafkas", "Kafka", "kafka")
    one, other = parse_kinds("kafka"), parse_kinds("kafkas.example.org")
    assert overlap(one, other, [kafka])
    assert not overlap(one, other)
