"""The table of kinds: names as Kubernetes has them, and finding a kind by what it is called."""

import pytest

from kubediscovery.kinds import BUILT_IN_KINDS, CONFIG_MAP, Kind, Kinds

DEPLOYMENT = BUILT_IN_KINDS[0]
POD = BUILT_IN_KINDS[-1]
NODE = Kind("", "v1", "nodes", "Node", "node", namespaced=False)
# The same plural in two groups, as of Knative's services and those of the core.
SERVICE = Kind("", "v1", "services", "Service", "service")
KNATIVE_SERVICE = Kind("serving.knative.dev", "v1", "services", "Service", "service")


@pytest.mark.parametrize(
    ("kind", "api_version", "group_resource", "list_path"),
    [
        (DEPLOYMENT, "apps/v1", "deployments.apps", "/apis/apps/v1/deployments"),
        (POD, "v1", "pods", "/api/v1/pods"),
        (NODE, "v1", "nodes", "/api/v1/nodes"),
        (
            KNATIVE_SERVICE,
            "serving.knative.dev/v1",
            "services.serving.knative.dev",
            "/apis/serving.knative.dev/v1/services",
        ),
    ],
    ids=str,
)
def test_names_are_kubernetes_own(kind: Kind, api_version: str, group_resource: str, list_path: str) -> None:
    assert (kind.api_version, kind.group_resource, kind.list_path) == (api_version, group_resource, list_path)
    assert str(kind) == group_resource


def test_the_tracked_kinds_are_those_of_the_contract() -> None:
    assert [kind.kind for kind in BUILT_IN_KINDS] == [
        "Deployment",
        "ReplicaSet",
        "StatefulSet",
        "DaemonSet",
        "ControllerRevision",
        "Job",
        "CronJob",
        "Pod",
    ]
    assert [kind.kind for kind in BUILT_IN_KINDS if not kind.workload] == ["ControllerRevision"]
    assert all(kind.namespaced for kind in BUILT_IN_KINDS)


def test_names_in_the_table_are_consistent() -> None:
    for kind in (*BUILT_IN_KINDS, CONFIG_MAP):
        assert kind.singular == kind.kind.lower()
        assert kind.resource == f"{kind.singular}s"
    assert len(set(BUILT_IN_KINDS)) == len(BUILT_IN_KINDS)


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        ("deployments", DEPLOYMENT),
        ("deployments.apps", DEPLOYMENT),
        ("pods", POD),
        ("services", SERVICE),
        ("services.serving.knative.dev", KNATIVE_SERVICE),
        ("", None),
        (".", None),
        ("Deployments", None),
        ("deployment", None),
        ("deployments.", None),
        ("deployments.v1.apps", None),
        ("deployments.extensions", None),
        ("pods.", None),
        ("configmaps", None),
    ],
)
def test_a_resource_means_one_kind_or_none(resource: str, kind: Kind | None) -> None:
    assert Kinds((*BUILT_IN_KINDS, SERVICE, KNATIVE_SERVICE)).by_resource(resource) == kind


def test_a_plural_alone_means_the_first_row() -> None:
    other = Kind("a.example.com", "v1", "services", "Service", "service")
    assert Kinds((KNATIVE_SERVICE, other)).by_resource("services") == KNATIVE_SERVICE
    assert Kinds((other, KNATIVE_SERVICE)).by_resource("services") == other


def test_a_core_kind_is_never_hidden_by_a_group_of_the_same_plural() -> None:
    assert Kinds((KNATIVE_SERVICE, SERVICE)).by_resource("services") == SERVICE


@pytest.mark.parametrize(
    ("api_version", "kind", "found"),
    [
        ("apps/v1", "Deployment", DEPLOYMENT),
        ("v1", "Pod", POD),
        ("apps/v1beta1", "Deployment", None),
        ("apps/v1", "deployment", None),
        ("/v1", "Pod", None),
        ("", "", None),
    ],
)
def test_a_manifest_means_one_kind_or_none(api_version: str, kind: str, found: Kind | None) -> None:
    assert Kinds().by_api_version(api_version, kind) == found


def test_kinds_are_given_in_the_order_of_the_table() -> None:
    assert tuple(Kinds()) == BUILT_IN_KINDS
    assert tuple(Kinds((POD, NODE))) == (POD, NODE)
