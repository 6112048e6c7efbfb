"""What the server is let read, and what patterns mean by it."""

import pytest

from kubediscovery.built_in import KUBERNETES_KINDS
from kubediscovery.errors import ConfigurationError
from kubediscovery.granted import BY_DEFAULT, granted_by, needs_cluster, reading_rules
from kubediscovery.kinds import Kind
from kubediscovery.selection import KindPattern, Selection
from tests.discovering import KAFKA

TOPIC = Kind("example.org", "v1", "topics", "Topic", "topic", custom=True)
SERVED = (*KUBERNETES_KINDS, KAFKA, TOPIC)


def patterns(*texts: str) -> list[KindPattern]:
    return [KindPattern.parse(text) for text in texts]


def test_by_default_it_is_all_built_in_kinds_that_are_followed_but_secrets() -> None:
    followed = {(kind.group, kind.resource) for kind in Selection().of(KUBERNETES_KINDS)}
    assert followed - set(BY_DEFAULT) == {("", "secrets")}
    assert set(BY_DEFAULT) < followed


def test_rules_are_one_a_group_and_list_and_watch_alone() -> None:
    rules = reading_rules([("b.org", "two"), ("", "pods"), ("b.org", "one"), ("", "pods"), ("a.org", "*")])
    assert rules == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]},
        {"apiGroups": ["a.org"], "resources": ["*"], "verbs": ["list", "watch"]},
        {"apiGroups": ["b.org"], "resources": ["one", "two"], "verbs": ["list", "watch"]},
    ]


@pytest.mark.parametrize(
    ("text", "granted"),
    [
        ("secrets", ("", "secrets")),
        ("secrets.", ("", "secrets")),
        ("leases", ("coordination.k8s.io", "leases")),
        ("kafkas.example.org", ("example.org", "kafkas")),
        ("none.example.org", ("example.org", "none")),
        ("*.example.org", ("example.org", "*")),
    ],
)
def test_what_means_the_same_in_every_cluster(text: str, granted: tuple[str, str]) -> None:
    (pattern,) = patterns(text)
    assert not needs_cluster(pattern)
    assert granted_by([pattern]) == granted_by([pattern], SERVED) == (granted,)


@pytest.mark.parametrize(
    ("text", "granted"),
    [
        ("kafkas", {("example.org", "kafkas")}),
        ("*s.example.org", {("example.org", "kafkas"), ("example.org", "topics")}),
        ("events", {("", "events"), ("events.k8s.io", "events")}),
        ("*.apps", {("apps", kind.resource) for kind in KUBERNETES_KINDS if kind.group == "apps"}),
        ("*.example.*", {("example.org", "kafkas"), ("example.org", "topics")}),
    ],
)
def test_what_only_a_cluster_can_tell(text: str, granted: set[tuple[str, str]]) -> None:
    (pattern,) = patterns(text)
    assert needs_cluster(pattern)
    assert set(granted_by([pattern], SERVED)) == granted


@pytest.mark.parametrize("text", ["*", "*.", "secret*", "s*", "*s", "?ecrets."])
def test_no_glob_means_secrets(text: str) -> None:
    """RBAC cannot let read their metadata alone."""
    try:
        granted = granted_by(patterns(text), SERVED)
    except ConfigurationError:
        granted = ()
    assert ("", "secrets") not in granted
    assert not [resource for resource in granted if resource == ("", "*")]


def test_each_comes_once_in_the_order_of_the_patterns() -> None:
    assert granted_by(patterns("topics.example.org", "*s.example.org"), SERVED) == (
        ("example.org", "topics"),
        ("example.org", "kafkas"),
    )


def test_a_glob_that_means_nothing_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r'--kinds "none\*": the cluster serves no such kind'):
        granted_by(patterns("none*"), SERVED)
