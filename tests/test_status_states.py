"""Kinds beside those that make pods: what is kept of their status, what they name and what they select."""

from typing import Any

import pytest

from kubediscovery.objects import AggregationState, Condition, EventState, MetadataState, State, StatusState
from kubediscovery.readings import MESSAGE_LIMIT
from kubediscovery.selectors import EVERYTHING, Requirement, Selector
from tests.reading import read, spelled

Document = dict[str, Any]

CONDITION = {"type": "T", "status": "True", "reason": "R", "message": "m", "lastTransitionTime": "2026-01-01T00:00:00Z"}
KEPT = (Condition("T", "True", "R", "m"),)
WEB = Selector((Requirement("app", "in", frozenset(("web",))),))
HPAS, PDBS = "horizontalpodautoscalers.autoscaling", "poddisruptionbudgets.policy"
CRDS, ATTACHMENTS = "customresourcedefinitions.apiextensions.k8s.io", "volumeattachments.storage.k8s.io"
INGRESSES, POLICIES = "ingresses.networking.k8s.io", "networkpolicies.networking.k8s.io"
BINDINGS, ROLES = "rolebindings.rbac.authorization.k8s.io", "clusterroles.rbac.authorization.k8s.io"
MUTATING = "mutatingwebhookconfigurations.admissionregistration.k8s.io"
VALIDATING = "validatingwebhookconfigurations.admissionregistration.k8s.io"


@pytest.mark.parametrize(
    ("kind", "document", "state"),
    [
        ("services", {}, StatusState()),
        (
            "services",
            {
                "spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1"},
                "status": {"loadBalancer": {"ingress": [{"ports": []}, {"hostname": "h"}, {"ip": "192.0.2.1"}]}},
            },
            StatusState(flags=(("address", "h"), ("clusterIP", "10.0.0.1"), ("type", "LoadBalancer"))),
        ),
        (
            "services",
            {"spec": {"type": "ExternalName", "externalName": "e", "clusterIP": "None"}},
            StatusState(flags=(("clusterIP", "None"), ("type", "ExternalName"))),
        ),
        (
            INGRESSES,
            {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1", "hostname": "h"}]}}},
            StatusState(flags=(("address", "192.0.2.1"),)),
        ),
        (HPAS, {}, StatusState(desired=0, ready=0)),
        (
            HPAS,
            {
                "status": {
                    "observedGeneration": 2,
                    "desiredReplicas": 3,
                    "currentReplicas": 1,
                    "conditions": [CONDITION],
                }
            },
            StatusState(2, KEPT, desired=3, ready=1),
        ),
        (
            PDBS,
            {"status": {"observedGeneration": 2, "desiredHealthy": 3, "currentHealthy": 1, "conditions": [CONDITION]}},
            StatusState(2, KEPT, desired=3, ready=1),
        ),
        ("namespaces", {"status": {"phase": "Active", "conditions": [CONDITION]}}, StatusState(-1, KEPT, "Active")),
        (
            "persistentvolumeclaims",
            {"status": {"phase": "Lost", "conditions": [CONDITION]}},
            StatusState(-1, KEPT, "Lost"),
        ),
        (
            "persistentvolumes",
            {"spec": {"claimRef": {"namespace": "n", "name": "c", "uid": "u"}}, "status": {"phase": "Bound"}},
            StatusState(phase="Bound"),
        ),
        ("persistentvolumes", {"status": {"phase": "Available"}}, StatusState(phase="Available")),
        (ATTACHMENTS, {"status": {"attached": True}}, StatusState(flags=(("attached", "true"),))),
        (
            ATTACHMENTS,
            {"status": {"attachError": {"message": "a"}, "detachError": {"message": "d"}}},
            StatusState(flags=(("attached", "false"), ("error", "a"))),
        ),
        (
            ATTACHMENTS,
            {"status": {"attached": True, "detachError": {"message": "d"}}},
            StatusState(flags=(("attached", "true"), ("error", "d"))),
        ),
        ("nodes", {"status": {"conditions": [CONDITION]}}, StatusState(conditions=KEPT)),
        ("nodes", {"spec": {"unschedulable": True}}, StatusState(flags=(("unschedulable", "true"),))),
        ("apiservices.apiregistration.k8s.io", {"status": {"conditions": [CONDITION]}}, StatusState(conditions=KEPT)),
        (
            CRDS,
            {
                "metadata": {"annotations": {"resource/composition": "Pod", "resource/x": "y", "other/usage": "z"}},
                "spec": {"group": "g", "names": {"plural": "p", "kind": "K"}},
                "status": {"conditions": [CONDITION]},
            },
            StatusState(
                conditions=KEPT,
                flags=(("group", "g"), ("kind", "K"), ("plural", "p"), ("resource/composition", "Pod")),
            ),
        ),
        (
            CRDS,
            {"metadata": {"annotations": {"resource/usage": "u", "resource/label-relationship": "l"}}},
            StatusState(flags=(("resource/label-relationship", "l"), ("resource/usage", "u"))),
        ),
        ("limitranges", {"spec": {}}, MetadataState()),
        ("endpoints", {"subsets": []}, MetadataState()),
        ("storageclasses.storage.k8s.io", {}, MetadataState()),
    ],
)
def test_what_is_kept_of_a_status(kind: str, document: Document, state: State) -> None:
    assert read(kind, document).state == state


REGARDED = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "n", "name": "d", "uid": "u"}
EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00.123456Z"
SECOND = 1_767_225_600


@pytest.mark.parametrize(
    ("core", "new", "count", "seen"),
    [
        ({}, {}, 1, 0),
        (
            {"count": 4, "firstTimestamp": EARLY, "lastTimestamp": LATE, "eventTime": None},
            {"deprecatedCount": 4, "deprecatedFirstTimestamp": EARLY, "deprecatedLastTimestamp": LATE},
            4,
            SECOND + 60,
        ),
        ({"firstTimestamp": EARLY}, {"deprecatedFirstTimestamp": EARLY}, 1, SECOND),
        ({"eventTime": LATE}, {"eventTime": LATE}, 1, SECOND + 60),
        (
            {"eventTime": EARLY, "series": {"count": 7, "lastObservedTime": LATE}},
            {"eventTime": EARLY, "series": {"count": 7, "lastObservedTime": LATE}},
            7,
            SECOND + 60,
        ),
    ],
)
def test_an_event_is_the_same_in_both_groups(core: Document, new: Document, count: int, seen: int) -> None:
    words = "x" * (MESSAGE_LIMIT + 1)
    common = {"type": "Warning", "reason": "Odd"}
    first = read("events", {**common, "message": words, "involvedObject": REGARDED, **core})
    second = read("events.events.k8s.io", {**common, "note": words, "regarding": REGARDED, **new})
    assert first.state == second.state == EventState("Warning", "Odd", words[:MESSAGE_LIMIT], count, seen, "u")
    assert spelled(first.references) == spelled(second.references) == ["event Deployment.apps n/d"]


def webhooks(*services: Document) -> Document:
    return {"webhooks": [{"clientConfig": service} for service in services]}


BACKEND = {"service": {"name": "b"}}
CSI = {"driver": "d", "nodeStageSecretRef": {"namespace": "s", "name": "a"}, "nodeExpandSecretRef": {"name": "b"}}
DRIVER = "csiDriver CSIDriver.storage.k8s.io d"


@pytest.mark.parametrize(
    ("kind", "document", "found"),
    [
        ("endpointslices.discovery.k8s.io", {"metadata": {"labels": {"app": "x"}}}, []),
        (
            "endpointslices.discovery.k8s.io",
            {
                "metadata": {"labels": {"kubernetes.io/service-name": "s"}},
                "endpoints": [
                    {"targetRef": {"kind": "Pod", "namespace": "n", "name": "p"}},
                    {"addresses": ["192.0.2.1"]},
                    {"targetRef": {"kind": "Pod", "name": "q"}},
                ],
            },
            ["endpoints Service s", "endpoints Pod n/p", "endpoints Pod q"],
        ),
        (INGRESSES, {"spec": {"defaultBackend": BACKEND}}, ["ingress Service b"]),
        (
            INGRESSES,
            {
                "spec": {
                    "ingressClassName": "c",
                    "rules": [{"host": "a"}, {"http": {"paths": [{"backend": BACKEND}, {"backend": BACKEND}]}}],
                    "tls": [{"hosts": ["a"]}, {"secretName": "s"}],
                }
            },
            ["ingressClass IngressClass.networking.k8s.io c", "ingress Service b", "tls Secret s"],
        ),
        (
            INGRESSES,
            {"spec": {"defaultBackend": {"resource": {"apiGroup": "example.com", "kind": "Bucket", "name": "b"}}}},
            ["ingress Bucket.example.com b"],
        ),
        (
            HPAS,
            {"spec": {"scaleTargetRef": {"apiVersion": "example.com/v1", "kind": "Fleet", "name": "f"}}},
            ["scale Fleet.example.com f"],
        ),
        (
            HPAS,
            {"spec": {"scaleTargetRef": {"apiVersion": "v1", "kind": "ReplicationController", "name": "r"}}},
            ["scale ReplicationController r"],
        ),
        (
            "persistentvolumeclaims",
            {"spec": {"volumeName": "v", "storageClassName": "c"}},
            ["volume PersistentVolume v", "storageClass StorageClass.storage.k8s.io c"],
        ),
        ("persistentvolumeclaims", {"spec": {"storageClassName": ""}}, []),
        (
            "persistentvolumes",
            {"spec": {"storageClassName": "c", "csi": CSI}},
            ["storageClass StorageClass.storage.k8s.io c", DRIVER, "secret Secret s/a", "secret Secret b"],
        ),
        ("storageclasses.storage.k8s.io", {"provisioner": "d"}, [DRIVER]),
        ("storageclasses.storage.k8s.io", {"provisioner": "kubernetes.io/no-provisioner"}, []),
        (
            ATTACHMENTS,
            {"spec": {"attacher": "d", "nodeName": "n", "source": {"persistentVolumeName": "v"}}},
            ["attachment PersistentVolume v", "attachment Node n", DRIVER],
        ),
        (
            BINDINGS,
            {
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"},
                "subjects": [
                    {"kind": "ServiceAccount", "namespace": "n", "name": "a"},
                    {"kind": "User", "name": "u"},
                    {"kind": "Group", "name": "g"},
                    {"kind": "ServiceAccount", "name": "b"},
                ],
            },
            [
                "role ClusterRole.rbac.authorization.k8s.io r",
                "subject ServiceAccount n/a",
                "subject ServiceAccount b",
            ],
        ),
        (MUTATING, webhooks({"service": {"namespace": "n", "name": "s"}}, {"url": "u"}), ["webhook Service n/s"]),
        (VALIDATING, webhooks({"service": {"namespace": "n", "name": "s"}}), ["webhook Service n/s"]),
        (
            CRDS,
            {"spec": {"conversion": {"webhook": {"clientConfig": {"service": {"namespace": "n", "name": "s"}}}}}},
            ["webhook Service n/s"],
        ),
        (CRDS, {"spec": {"conversion": {"strategy": "None"}}}, []),
        (
            "apiservices.apiregistration.k8s.io",
            {"spec": {"service": {"namespace": "n", "name": "s", "port": 443}}},
            ["apiService Service n/s"],
        ),
        ("apiservices.apiregistration.k8s.io", {"spec": {"service": None}}, []),
        (
            "serviceaccounts",
            {"secrets": [{"name": "t"}], "imagePullSecrets": [{"name": "p"}, {"name": "t"}]},
            ["tokenSecret Secret t", "tokenSecret Secret p"],
        ),
        (
            "secrets",
            {"metadata": {"annotations": {"kubernetes.io/service-account.name": "a"}}},
            ["tokenSecret ServiceAccount a"],
        ),
        ("secrets", {"metadata": {"annotations": {"kubernetes.io/service-account.uid": "u"}}}, []),
    ],
)
def test_what_is_named(kind: str, document: Document, found: list[str]) -> None:
    assert spelled(read(kind, document).references) == found


def test_bindings_of_both_kinds_are_read_alike() -> None:
    document = {"roleRef": {"kind": "ClusterRole", "name": "r"}, "subjects": [{"kind": "ServiceAccount", "name": "a"}]}
    first, second = read(BINDINGS, document), read("clusterrolebindings.rbac.authorization.k8s.io", document)
    assert first.references == second.references != ()


MATCHING = {"matchLabels": {"app": "web"}}


@pytest.mark.parametrize(
    ("kind", "document", "selector"),
    [
        ("services", {"spec": {"selector": {"app": "web"}}}, WEB),
        ("services", {"spec": {"selector": {}}}, None),
        ("services", {"spec": {}}, None),
        (PDBS, {"spec": {"selector": MATCHING}}, WEB),
        (PDBS, {"spec": {"selector": {}}}, EVERYTHING),
        (PDBS, {"spec": {"selector": None}}, None),
        (PDBS, {"spec": {}}, None),
        (POLICIES, {"spec": {"podSelector": MATCHING}}, WEB),
        (POLICIES, {"spec": {"podSelector": {}}}, EVERYTHING),
        (POLICIES, {"spec": {}}, EVERYTHING),
        ("replicationcontrollers", {"spec": {"selector": {"app": "web"}}}, WEB),
        ("replicationcontrollers", {"spec": {}}, None),
        *(
            (kind, {"spec": {"selector": MATCHING}}, WEB)
            for kind in ("deployments", "replicasets", "statefulsets", "daemonsets", "jobs")
        ),
        ("jobs", {"spec": {}}, None),
        ("cronjobs", {"spec": {}}, None),
        ("pods", {"spec": {}}, None),
    ],
)
def test_what_is_selected(kind: str, document: Document, selector: Selector | None) -> None:
    assert read(kind, document).selector == selector


@pytest.mark.parametrize(
    ("expression", "labels", "others"),
    [
        ({"operator": "In", "values": ["a", "b"]}, [{"k": "a"}, {"k": "b"}], [{"k": "c"}, {}]),
        ({"operator": "NotIn", "values": ["a"]}, [{"k": "b"}, {}], [{"k": "a"}]),
        ({"operator": "Exists"}, [{"k": ""}, {"k": "a"}], [{"x": "a"}]),
        ({"operator": "DoesNotExist"}, [{}, {"x": "a"}], [{"k": "a"}]),
    ],
)
def test_expressions_mean_what_they_mean_to_kubernetes(
    expression: Document, labels: list[dict[str, str]], others: list[dict[str, str]]
) -> None:
    selector = read(PDBS, {"spec": {"selector": {"matchExpressions": [{"key": "k", **expression}]}}}).selector
    assert selector is not None
    assert [selector.matches(found) for found in (*labels, *others)] == [True] * len(labels) + [False] * len(others)


def test_labels_and_expressions_must_both_hold() -> None:
    expressions = [{"key": "tier", "operator": "Exists"}]
    selector = read(PDBS, {"spec": {"selector": {**MATCHING, "matchExpressions": expressions}}}).selector
    assert selector is not None
    assert selector.matches({"app": "web", "tier": "x"})
    assert not selector.matches({"app": "web"})
    assert not selector.matches({"tier": "x"})


@pytest.mark.parametrize("operator", ["Gt", "in", "", None])
def test_an_operator_that_kubernetes_does_not_know_selects_nothing(operator: str | None) -> None:
    expressions = [{"key": "k", "operator": operator, "values": ["1"]}]
    assert read(PDBS, {"spec": {"selector": {"matchExpressions": expressions}}}).selector is None


def selector_of(*pairs: tuple[str, str]) -> Selector:
    return Selector(tuple(Requirement(key, "in", frozenset((value,))) for key, value in pairs))


@pytest.mark.parametrize(
    ("selectors", "read_as", "together"),
    [
        ([], [], None),
        ([{}], [EVERYTHING], EVERYTHING),
        ([MATCHING], [WEB], WEB),
        (
            [{"matchLabels": {"a": "1"}}, {"matchLabels": {"a": "2"}}],
            [selector_of(("a", "1")), selector_of(("a", "2"))],
            Selector((Requirement("a", "in", frozenset(("1", "2"))),)),
        ),
        (
            [{"matchLabels": {"a": "1"}}, {"matchLabels": {"b": "1"}}],
            [selector_of(("a", "1")), selector_of(("b", "1"))],
            None,
        ),
        (
            [{"matchLabels": {"a": "1", "b": "1"}}, {}],
            [selector_of(("a", "1"), ("b", "1")), EVERYTHING],
            None,
        ),
        (
            [{"matchLabels": {"a": "1"}}, {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}],
            [selector_of(("a", "1")), Selector((Requirement("a", "notin", frozenset(("1",))),))],
            None,
        ),
    ],
)
def test_any_selector_of_an_aggregation_is_enough(
    selectors: list[Document], read_as: list[Selector], together: Selector | None
) -> None:
    role = read(ROLES, {"aggregationRule": {"clusterRoleSelectors": selectors}})
    assert role.state == AggregationState(tuple(read_as))
    assert role.selector == together
