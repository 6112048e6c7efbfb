"""Compacting: what is kept of each kind, what is cut, and what objects share."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.compact import Compactor
from kubediscovery.decoding import Decoder
from kubediscovery.kinds import BUILT_IN_KINDS, CONFIG_MAP, Kind
from kubediscovery.objects import (
    Condition,
    ConfigMapState,
    ContainerTrouble,
    CronJobState,
    JobState,
    MetadataState,
    Object,
    Owner,
    Phase,
    PodState,
    RevisionState,
    State,
    WorkloadState,
)
from kubediscovery.readings import MESSAGE_LIMIT
from kubediscovery.selectors import Selector
from kubediscovery.shapes import CONFIG_MAP_DATA, METADATA, shape_of

DATA = Path(__file__).parent / "data"
DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET, REVISION, JOB, CRON_JOB, POD = BUILT_IN_KINDS
UNKNOWN = Kind("example.com", "v1", "deployments", "Deployment", "deployment")

Document = dict[str, Any]


def read(kind: Kind, document: Document, compactor: Compactor | None = None) -> Object:
    return Decoder(kind, compactor or Compactor()).object(json.dumps(document).encode())


def recorded(kind: Kind, name: str) -> Object:
    shape = CONFIG_MAP_DATA if kind == CONFIG_MAP else None
    items = (
        Decoder(kind, Compactor(), shape=shape)
        .page((DATA / f"{kind.resource}.json").read_bytes(), "application/json")
        .items
    )
    return next(item for item in items if item.name == name)


COMPLETE = tuple(
    Condition(type_, "True", "CompletionsReached", "Reached expected number of succeeded pods")
    for type_ in ("SuccessCriteriaMet", "Complete")
)
RECORDED: list[tuple[Kind, str, State]] = [
    (
        DEPLOYMENT,
        "web",
        WorkloadState(
            desired=1,
            replicas=1,
            updated=1,
            ready=1,
            available=1,
            observed_generation=5,
            images=("nginx:1.28", "nginx:1.27", "envoy:2"),
            conditions=(
                Condition("Available", "True", "MinimumReplicasAvailable", ""),
                Condition("Progressing", "True", "NewReplicaSetAvailable", ""),
            ),
            progress_deadline=600,
            revision="4",
        ),
    ),
    (
        REPLICA_SET,
        "web-9b665cb8f",
        WorkloadState(0, 0, 0, 0, 0, observed_generation=4, images=("nginx:1.27", "envoy:2"), revision="3"),
    ),
    (
        STATEFUL_SET,
        "db",
        WorkloadState(
            1,
            1,
            1,
            1,
            1,
            observed_generation=1,
            images=("postgres:16",),
            current=1,
            strategy="RollingUpdate",
            partition=1,
            current_revision="db-75948ccc56",
            update_revision="db-75948ccc56",
            revision="db-75948ccc56",
        ),
    ),
    (
        DAEMON_SET,
        "agent",
        WorkloadState(2, 2, 2, 2, 2, observed_generation=1, images=("agent:1",), current=2, strategy="OnDelete"),
    ),
    (REVISION, "agent-8658d5fbcb", RevisionState(1)),
    (
        JOB,
        "once",
        JobState(
            2,
            2,
            suspended=False,
            active=0,
            succeeded=2,
            failed=0,
            ready=0,
            started=True,
            images=("job:1",),
            conditions=COMPLETE,
        ),
    ),
    (
        CRON_JOB,
        "tick",
        CronJobState(
            "* * * * *",
            suspended=True,
            active=0,
            last_schedule=1_795_239_540,
            last_success=1_795_239_541,
            images=("cron:1",),
        ),
    ),
    (
        POD,
        "agent-wvrxn",
        PodState("Running", "Always", 1, 1, restarts=0, images=("agent:1",), is_ready=True),
    ),
    (
        POD,
        "crashing",
        PodState(
            "Running",
            "Always",
            0,
            2,
            restarts=7,
            images=("app:1", "app:2"),
            is_ready=False,
            reason="Because",
            message="größer als gedacht",
            conditions=(Condition("Ready", "False", "ContainersNotReady", "containers with unready status: [a b]"),),
            troubles=(
                ContainerTrouble(
                    "a",
                    Phase.WAITING,
                    init=False,
                    reason="CrashLoopBackOff",
                    message="back-off 5m0s restarting failed container",
                    exit_code=0,
                    last_reason="OOMKilled",
                    last_exit_code=137,
                    terminated_before=True,
                ),
                ContainerTrouble("b", Phase.RUNNING, False, "", "", 0, "", 0, terminated_before=False),
            ),
            other_images=("init:1",),
        ),
    ),
    (CONFIG_MAP, "settings", ConfigMapState((("a", "eins\nzwei"), ("b", "2"), ("empty", "")))),
]


@pytest.mark.parametrize(("kind", "name", "state"), RECORDED, ids=[f"{kind}/{name}" for kind, name, _ in RECORDED])
def test_what_is_kept_of_a_recorded_object(kind: Kind, name: str, state: State) -> None:
    assert recorded(kind, name).state == state


def test_metadata_is_kept_of_every_kind() -> None:
    metadata = {
        "name": "a",
        "namespace": "n",
        "uid": "u",
        "resourceVersion": "12",
        "generation": 3,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "deletionTimestamp": "2026-01-01T00:00:01Z",
        "labels": {"b": "2", "a": "1"},
        "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "o", "uid": "ou", "controller": True},
            {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "nu"},
        ],
    }
    for kind in (*BUILT_IN_KINDS, CONFIG_MAP, UNKNOWN):
        found = read(kind, {"metadata": metadata})
        assert (found.kind, found.namespace, found.name, found.uid) == (kind, "n", "a", "u")
        assert (found.resource_version, found.generation, found.created) == (12, 3, 1_767_225_600)
        assert found.deleting
        assert found.labels == (("a", "1"), ("b", "2"))
        assert found.owners == (Owner("apps/v1", "ReplicaSet", "o", "ou", True), Owner("v1", "Node", "n", "nu", False))


def test_an_empty_object_is_empty() -> None:
    for kind in (*BUILT_IN_KINDS, CONFIG_MAP, UNKNOWN):
        found = read(kind, {})
        assert (found.name, found.uid, found.resource_version, found.created, found.deleting) == ("", "", 0, 0, False)
        assert (found.labels, found.owners) == ((), ())


def test_a_kind_without_a_row_keeps_its_metadata_alone() -> None:
    assert read(UNKNOWN, {"spec": {"replicas": "three"}}).state == MetadataState()
    assert shape_of(UNKNOWN) is shape_of(CONFIG_MAP) is METADATA


@pytest.mark.parametrize(
    ("kind", "document", "field", "value"),
    [
        (DEPLOYMENT, {"spec": {"paused": True}}, "paused", True),
        (DEPLOYMENT, {"metadata": {"annotations": {"deployment.kubernetes.io/revision": "7"}}}, "revision", "7"),
        (DEPLOYMENT, {"status": {"unavailableReplicas": 3}}, "ready", 0),
        (REPLICA_SET, {"status": {"fullyLabeledReplicas": 2}}, "updated", 2),
        (STATEFUL_SET, {"spec": {"updateStrategy": {"type": "OnDelete"}}}, "strategy", "OnDelete"),
        (DAEMON_SET, {"status": {"desiredNumberScheduled": 4}}, "desired", 4),
        (DAEMON_SET, {"status": {"currentNumberScheduled": 4}}, "replicas", 4),
        (REVISION, {"revision": 2**40}, "revision", 2**40),
        (JOB, {"spec": {"suspend": True}}, "suspended", True),
        (JOB, {"status": {"startTime": "2026-01-01T00:00:00Z"}}, "started", True),
        (JOB, {"status": {"startTime": None}}, "started", False),
        (JOB, {}, "started", False),
        (CRON_JOB, {"status": {"active": [{"name": "a"}, {}]}}, "active", 2),
        (POD, {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, "is_ready", True),
        (POD, {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, "conditions", ()),
        (POD, {"status": {"conditions": [{"type": "Initialized", "status": "False"}]}}, "conditions", ()),
        (POD, {"spec": {"nodeName": "n1", "containers": [{}, {}]}}, "total", 2),
        (POD, {"status": {"containerStatuses": [{"restartCount": 2}, {"restartCount": 3}]}}, "restarts", 5),
        (POD, {"status": {"containerStatuses": [{"ready": True}, {}]}}, "ready", 1),
        (POD, {"status": {"observedGeneration": 3}}, "observed_generation", 3),
        (POD, {}, "observed_generation", -1),
    ],
)
def test_a_field_is_read(kind: Kind, document: Document, field: str, value: object) -> None:
    assert getattr(read(kind, document).state, field) == value


def test_the_node_of_a_pod_is_the_objects_own() -> None:
    assert recorded(POD, "agent-wvrxn").node == "node-2"
    assert [read(POD, document).node for document in ({"spec": {"nodeName": "n1"}}, {})] == ["n1", ""]
    assert read(DEPLOYMENT, {"spec": {"nodeName": "n1"}}).node == ""


def test_each_image_is_named_once_in_the_order_of_containers() -> None:
    containers = [{"image": image} for image in ("b", "a", "b", "", "c")]
    template = {"template": {"spec": {"containers": containers}}}
    assert read(POD, {"spec": {"containers": containers}}).state.images == ("b", "a", "c")  # type: ignore[union-attr]
    for kind in (DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET, JOB):
        assert read(kind, {"spec": template}).state.images == ("b", "a", "c")  # type: ignore[union-attr]
    found = read(CRON_JOB, {"spec": {"jobTemplate": {"spec": template}}}).state
    assert found.images == ("b", "a", "c")  # type: ignore[union-attr]


RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
FINISHED = {"terminated": {"exitCode": 0, "finishedAt": "2026-01-01T00:00:00Z"}}
FAILED = {"terminated": {"exitCode": 3, "reason": "Error", "message": "no"}}
WAITING = {"waiting": {"reason": "ErrImagePull", "message": "denied"}}


def troubles(container: Document, *, init: bool = False) -> list[tuple[Any, ...]]:
    name = "initContainerStatuses" if init else "containerStatuses"
    state = read(POD, {"status": {name: [container]}}).state
    assert isinstance(state, PodState)
    return [(found.phase, found.reason, found.exit_code, found.terminated_before) for found in state.troubles]


@pytest.mark.parametrize(
    ("container", "init", "found"),
    [
        ({"state": RUNNING, "ready": True}, False, []),
        ({"state": RUNNING}, False, [("running", "", 0, False)]),
        ({"state": RUNNING, "lastState": FAILED}, False, [("running", "", 0, True)]),
        ({"state": RUNNING, "ready": True, "lastState": FAILED}, False, []),
        ({"state": WAITING}, False, [("waiting", "ErrImagePull", 0, False)]),
        ({"state": WAITING, "lastState": FINISHED}, False, [("waiting", "ErrImagePull", 0, True)]),
        ({"state": FAILED}, False, [("terminated", "Error", 3, False)]),
        ({"state": FINISHED}, False, [("terminated", "", 0, False)]),
        ({"state": {"terminated": {"exitCode": 3}}}, False, [("terminated", "", 3, False)]),
        ({"state": {}}, False, [("waiting", "", 0, False)]),
        ({}, False, [("waiting", "", 0, False)]),
        ({"state": RUNNING}, True, []),
        ({"state": FINISHED}, True, []),
        ({"state": FAILED}, True, [("terminated", "Error", 3, False)]),
        ({"state": WAITING}, True, [("waiting", "ErrImagePull", 0, False)]),
        ({}, True, [("waiting", "", 0, False)]),
    ],
)
def test_what_counts_as_a_troubled_container(container: Document, init: bool, found: list[tuple[Any, ...]]) -> None:
    assert troubles(container, init=init) == found


def test_init_containers_are_named_first() -> None:
    status = {"initContainerStatuses": [{"name": "i", "state": FAILED}], "containerStatuses": [{"name": "c"}]}
    state = read(POD, {"status": status}).state
    assert isinstance(state, PodState)
    assert [(found.name, found.init) for found in state.troubles] == [("i", True), ("c", False)]


def test_long_messages_are_cut() -> None:
    long = "x" * (MESSAGE_LIMIT + 1)
    condition = [{"type": "Ready", "message": long}]
    container = [{"state": {"waiting": {"message": long}}}]
    pod = read(POD, {"status": {"message": long, "conditions": condition, "containerStatuses": container}}).state
    assert isinstance(pod, PodState)
    for message in (pod.message, pod.conditions[0].message, pod.troubles[0].message):
        assert message == "x" * MESSAGE_LIMIT
    deployment = read(DEPLOYMENT, {"status": {"conditions": condition}}).state
    assert isinstance(deployment, WorkloadState)
    assert len(deployment.conditions[0].message) == MESSAGE_LIMIT


# Sharing


def test_siblings_share_what_they_have_in_common() -> None:
    compactor = Compactor()
    document = {"metadata": {"labels": {"a": "1"}, "ownerReferences": [{"uid": "u"}]}, "spec": {"nodeName": "n"}}
    first, second = read(POD, document, compactor), read(POD, document, compactor)
    assert first.labels is second.labels
    assert first.owners is second.owners
    assert first.state is second.state


@pytest.mark.parametrize("wanted", [{"a": "1"}, {"a": "1", "b": "2"}, {"b": "2"}])
def test_a_selector_is_made_of_the_labels_of_who_selects(wanted: dict[str, str]) -> None:
    document = {"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"selector": {"matchLabels": wanted}}}
    found = read(REPLICA_SET, document)
    assert found.selector is not None
    assert found.selector == Selector(tuple(sorted(wanted.items())))
    assert {id(term) for term in found.selector.terms} <= {id(label) for label in found.labels}
    assert (found.selector.terms is found.labels) == (len(wanted) == 2)


def test_what_a_deployment_says_while_it_is_well_is_not_kept() -> None:
    said = {"reason": "R", "message": "m"}
    conditions = [
        {"type": type_, "status": status, **said}
        for type_ in ("Available", "Progressing", "ReplicaFailure")
        for status in ("True", "False")
    ]
    state = read(DEPLOYMENT, {"status": {"conditions": conditions}}).state
    assert isinstance(state, WorkloadState)
    assert [found.message for found in state.conditions] == ["", "m", "", "m", "m", "m"]


@given(st.lists(st.sampled_from([*RECORDED, (POD, "agent-zw9cp", None)]), max_size=8))
def test_sharing_changes_nothing(picked: list[tuple[Kind, str, State | None]]) -> None:
    compactor = Compactor()
    for kind, name, _ in picked:
        page = (DATA / f"{kind.resource}.pb").read_bytes()
        shape = CONFIG_MAP_DATA if kind == CONFIG_MAP else None
        items = Decoder(kind, compactor, shape=shape).page(page, "application/vnd.kubernetes.protobuf").items
        assert next(item for item in items if item.name == name) == recorded(kind, name)


def test_equal_values_of_different_types_are_not_mixed_up() -> None:
    compactor = Compactor()
    for kind in (DEPLOYMENT, REPLICA_SET, JOB, CRON_JOB, POD, REVISION, CONFIG_MAP, UNKNOWN) * 2:
        assert type(read(kind, {}, compactor).state) is type(read(kind, {}).state)


def test_every_kind_that_every_cluster_has_has_a_shape_of_its_own() -> None:
    for kind in BUILT_IN_KINDS:
        assert shape_of(kind).message.__name__ == kind.kind
        assert not shape_of(kind).metadata_only


# Helm


@pytest.mark.parametrize(
    ("metadata", "release"),
    [
        ({"annotations": {"meta.helm.sh/release-name": "a", "meta.helm.sh/release-namespace": "b"}}, "b/a"),
        ({"annotations": {"meta.helm.sh/release-name": "a"}}, ""),
        ({"annotations": {"meta.helm.sh/release-name": "", "meta.helm.sh/release-namespace": "b"}}, ""),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "a"}}, ""),
        ({"namespace": "n", "labels": {"owner": "helm", "name": "a"}}, ""),
        ({}, ""),
    ],
)
def test_the_release_is_that_of_the_annotations(metadata: Document, release: str) -> None:
    assert read(DEPLOYMENT, {"metadata": metadata}).release == release


def test_what_helm_keeps_of_a_release_is_of_it() -> None:
    for kind in (Kind("", "v1", "secrets", "Secret", "secret"), CONFIG_MAP):
        labels = {"owner": "helm", "name": "shop", "status": "deployed", "version": "3"}
        assert read(kind, {"metadata": {"namespace": "n", "labels": labels}}).release == "n/shop"
        assert read(kind, {"metadata": {"namespace": "n", "labels": {"owner": "me", "name": "shop"}}}).release == ""
