"""The table of Kubernetes's own kinds, and telling others from them."""

import pytest

from kubediscovery.built_in import KUBERNETES_GROUPS, KUBERNETES_KINDS, classified
from kubediscovery.kinds import BUILT_IN_KINDS, Kind
from kubediscovery.manifests import INSTALLED_KINDS


def test_those_with_rules_of_their_own_come_first_and_each_is_there_once() -> None:
    assert KUBERNETES_KINDS[: len(BUILT_IN_KINDS)] == BUILT_IN_KINDS
    assert len({(kind.group, kind.resource) for kind in KUBERNETES_KINDS}) == len(KUBERNETES_KINDS)
    assert len({(kind.group, kind.kind) for kind in KUBERNETES_KINDS}) == len(KUBERNETES_KINDS)
    assert not [kind for kind in KUBERNETES_KINDS if kind.custom]


def test_what_is_installed_is_among_them() -> None:
    known = {(kind.api_version, kind.resource, kind.kind, kind.singular, kind.namespaced) for kind in KUBERNETES_KINDS}
    assert {
        (kind.api_version, kind.resource, kind.kind, kind.singular, kind.namespaced) for kind in INSTALLED_KINDS
    } <= known


def test_roots_are_of_the_kinds_that_run_pods() -> None:
    assert {kind.resource for kind in KUBERNETES_KINDS if kind.workload} == {
        "deployments",
        "replicasets",
        "statefulsets",
        "daemonsets",
        "jobs",
        "cronjobs",
        "pods",
        "replicationcontrollers",
    }


@pytest.mark.parametrize(
    ("group", "resource", "workload", "custom"),
    [
        ("example.org", "kafkas", True, True),
        ("gateway.networking.k8s.io", "gateways", True, True),
        ("", "services", False, False),
        ("", "replicationcontrollers", True, False),
        ("autoscaling", "horizontalpodautoscalers", False, False),
        ("scheduling.k8s.io", "what-is-new", False, False),
        ("apps", "deployments", True, False),
    ],
)
def test_custom_is_what_is_of_no_group_of_kubernetes(group: str, resource: str, workload: bool, custom: bool) -> None:
    found = classified(Kind(group, "v1", resource, "Kind", "kind"))
    assert (found.workload, found.custom) == (workload, custom)


def test_a_kind_with_rules_of_its_own_keeps_its_row() -> None:
    for row in BUILT_IN_KINDS:
        assert classified(Kind(row.group, row.version, row.resource, row.kind, row.singular)) == row
    assert {kind.group for kind in KUBERNETES_KINDS} < KUBERNETES_GROUPS
