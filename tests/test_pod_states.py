"""Pods: what they name, which images they run, and what their siblings share."""

from typing import Any

import pytest

from kubediscovery.compact import Compactor
from kubediscovery.objects import Condition, PodState, Reference
from tests.reading import read, spelled

Document = dict[str, Any]


def pod(**spec: Any) -> Document:
    return {"metadata": {"name": "a", "namespace": "n"}, "spec": spec}


def volume(source: str, content: Document) -> Document:
    return pod(volumes=[{"name": "v", source: content}])


def variable(**source: Any) -> Document:
    return pod(containers=[{"name": "c", "env": [{"name": "PLAIN", "value": "x"}, {"name": "V", "valueFrom": source}]}])


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (pod(), []),
        (pod(serviceAccountName="sa"), ["serviceAccount ServiceAccount sa"]),
        (pod(priorityClassName="p"), ["priorityClass PriorityClass.scheduling.k8s.io p"]),
        (pod(runtimeClassName="r"), ["runtimeClass RuntimeClass.node.k8s.io r"]),
        (pod(imagePullSecrets=[{"name": "a"}, {}, {"name": "b"}]), ["secret Secret a", "secret Secret b"]),
        (variable(secretKeyRef={"name": "s", "key": "k"}), ["secret Secret s"]),
        (variable(configMapKeyRef={"name": "c", "key": "k", "optional": True}), ["configMap ConfigMap c"]),
        (variable(fieldRef={"fieldPath": "metadata.name"}), []),
        (pod(containers=[{"envFrom": [{"secretRef": {"name": "s"}}]}]), ["secret Secret s"]),
        (pod(initContainers=[{"envFrom": [{"configMapRef": {"name": "c"}}]}]), ["configMap ConfigMap c"]),
        (pod(ephemeralContainers=[{"envFrom": [{"configMapRef": {"name": "c"}}]}]), ["configMap ConfigMap c"]),
        (volume("configMap", {"name": "c"}), ["configMap ConfigMap c"]),
        (volume("secret", {"secretName": "s"}), ["secret Secret s"]),
        (volume("secret", {}), []),
        (volume("persistentVolumeClaim", {"claimName": "c"}), ["claim PersistentVolumeClaim c"]),
        (
            volume("projected", {"sources": [{"secret": {"name": "s"}}, {"configMap": {"name": "c"}}, {}]}),
            ["secret Secret s", "configMap ConfigMap c"],
        ),
        (
            volume("csi", {"driver": "d", "nodePublishSecretRef": {"name": "s"}}),
            ["csiDriver CSIDriver.storage.k8s.io d", "secret Secret s"],
        ),
        (volume("azureFile", {"secretName": "s"}), ["secret Secret s"]),
        *(
            (volume(source, {"secretRef": {"name": "s"}}), ["secret Secret s"])
            for source in ("iscsi", "rbd", "flexVolume", "cinder", "cephfs", "scaleIO", "storageos")
        ),
        (volume("emptyDir", {}), []),
        # Its claim is made for the pod, and owned by it.
        (volume("ephemeral", {"volumeClaimTemplate": {"spec": {}}}), []),
    ],
)
def test_a_pod_names(document: Document, found: list[str]) -> None:
    assert spelled(read("pods", document).references) == found


def test_what_is_named_twice_is_one_reference() -> None:
    document = pod(
        imagePullSecrets=[{"name": "s"}],
        containers=[{"envFrom": [{"secretRef": {"name": "s"}}]}] * 2,
        volumes=[{"name": "v", "secret": {"secretName": "s"}}],
    )
    assert read("pods", document).references == (Reference("secret", "", "Secret", "s"),)


def test_the_node_is_named_beside_what_siblings_share() -> None:
    compactor = Compactor()
    mounted = [{"name": f"kube-api-access-{number}", "projected": {"sources": []}} for number in range(2)]
    first, second = (
        read("pods", pod(serviceAccountName="sa", nodeName=f"node-{number}", volumes=[found]), compactor)
        for number, found in enumerate(mounted)
    )
    assert first.references is second.references
    assert [spelled(found.named) for found in (first, second)] == [
        ["serviceAccount ServiceAccount sa", f"node Node node-{number}"] for number in range(2)
    ]
    assert read("pods", pod()).named == ()


def test_images_of_other_containers_are_kept_apart() -> None:
    state = read(
        "pods",
        pod(
            initContainers=[{"image": "init:1"}, {"image": "app:1"}],
            containers=[{"image": "app:1"}],
            ephemeralContainers=[{"image": "debug:1"}, {"image": "init:1"}, {}],
        ),
    ).state
    assert isinstance(state, PodState)
    assert (state.images, state.other_images, state.total) == (("app:1",), ("init:1", "debug:1"), 1)


def test_conditions_that_readiness_hangs_on_are_kept_where_they_are_not_true() -> None:
    types = ("Initialized", "Ready", "ContainersReady", "PodScheduled", "PodReadyToStartContainers")
    for status in ("False", "Unknown", "True"):
        conditions = [{"type": type_, "status": status, "message": "why"} for type_ in types]
        state = read("pods", {"status": {"conditions": conditions}}).state
        assert isinstance(state, PodState)
        kept = () if status == "True" else types[1:4]
        assert state.conditions == tuple(Condition(type_, status, "", "why") for type_ in kept)


RUNS: Document = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
DONE: Document = {"terminated": {"exitCode": 0, "finishedAt": "2026-01-01T00:00:00Z"}}
CRASHED: Document = {"terminated": {"exitCode": 1, "reason": "Error"}}


def with_sidecar(proxy: Document, *, initialized: str = "True", setup: Document | None = None) -> PodState:
    """A pod with an init container, a sidecar and a container that runs."""
    setup = setup or {"name": "setup", "ready": True, "restartCount": 1, "state": DONE}
    status = {
        "conditions": [{"type": "Initialized", "status": initialized}],
        "initContainerStatuses": [setup, {"name": "proxy", **proxy}],
        "containerStatuses": [{"name": "app", "ready": True, "restartCount": 3, "state": RUNS}],
    }
    spec = {
        "initContainers": [{"name": "setup"}, {"name": "proxy", "restartPolicy": "Always"}],
        "containers": [{"name": "app"}],
    }
    state = read("pods", {"spec": spec, "status": status}).state
    assert isinstance(state, PodState)
    return state


def test_sidecars_count_as_containers_do() -> None:
    """As ``kubectl get pods`` has it (k8s.io/kubernetes, pkg/printers/internalversion/printers.go, printPod)."""
    state = with_sidecar({"ready": True, "restartCount": 2, "state": RUNS})
    assert (state.ready, state.total, state.restarts, state.troubles) == (2, 2, 5, ())
    state = with_sidecar({"ready": False, "restartCount": 2, "state": RUNS, "lastState": CRASHED})
    assert (state.ready, state.total) == (1, 2)
    assert [(found.name, found.init, found.terminated_before) for found in state.troubles] == [("proxy", False, True)]


def test_what_fails_is_told_of_containers_before_sidecars() -> None:
    """At the end of a pod its sidecars are killed, and end with whatever code."""
    status = {
        "initContainerStatuses": [{"name": "proxy", "state": {"terminated": {"exitCode": 137}}}],
        "containerStatuses": [{"name": "app", "state": CRASHED}],
    }
    spec = {"initContainers": [{"name": "proxy", "restartPolicy": "Always"}], "containers": [{"name": "app"}]}
    state = read("pods", {"spec": spec, "status": status}).state
    assert isinstance(state, PodState)
    assert [found.name for found in state.troubles] == ["app", "proxy"]


def test_restarts_of_init_containers_count_until_the_pod_is_initialized() -> None:
    setup = {"name": "setup", "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    assert with_sidecar({"restartCount": 0}, initialized="False", setup=setup).restarts == 4 + 3
    assert with_sidecar({"restartCount": 0}, setup=setup).restarts == 3


def test_the_images_that_run_are_kept_by_their_digests() -> None:
    compactor = Compactor()
    status = {
        "initContainerStatuses": [{"name": "setup", "imageID": "setup@sha256:0"}],
        "containerStatuses": [
            {"name": "a", "imageID": "app@sha256:1"},
            {"name": "b", "imageID": "app@sha256:1"},
            {"name": "c", "imageID": "log@sha256:2"},
            {"name": "d", "imageID": ""},
        ],
    }
    first, second = (read("pods", {"spec": {"nodeName": node}, "status": status}, compactor).state for node in "mn")
    assert isinstance(first, PodState)
    assert isinstance(second, PodState)
    assert first.image_ids == ("app@sha256:1", "log@sha256:2")
    assert first.image_ids is second.image_ids
