"""Health of pods: each rule, and what kubelets say of containers."""

from typing import Any

import pytest
from msgspec import structs

from kubediscovery.health import Health, assess
from kubediscovery.objects import Condition, ContainerTrouble, Phase
from tests.judging import DEGRADED, HEALTHY, PROGRESSING, cases, verdict
from tests.objects import POD, RUNNING_POD, make


def container(phase: Phase, reason: str = "", message: str = "", **changes: Any) -> ContainerTrouble:
    plain = ContainerTrouble("app", phase, False, reason, message, 0, "", 0, terminated_before=False)
    return structs.replace(plain, **changes)


def pod(*troubles: ContainerTrouble, conditions: tuple[Condition, ...] = (), **changes: Any) -> dict[str, Any]:
    """A pod that is not ready."""
    return {"is_ready": False, "ready": 0, "troubles": troubles, "conditions": conditions, **changes}


NOT_READY = Condition("Ready", "False", "ContainersNotReady", "containers with unready status: [app]")
UNSCHEDULABLE = Condition("PodScheduled", "False", "Unschedulable", "0/2 nodes are available")
GATED = Condition("PodScheduled", "False", "SchedulingGated", "held back")
CREATING = container(Phase.WAITING, "ContainerCreating")
CRASHING = container(
    Phase.WAITING,
    "CrashLoopBackOff",
    "back-off 5m0s",
    last_reason="OOMKilled",
    last_exit_code=137,
    terminated_before=True,
)


def test_what_the_kubelet_has_not_observed_yet_is_on_its_way() -> None:
    """As of any kind (kstatus, checkGeneration): kubelets give an observed generation since Kubernetes 1.34."""
    for observed, health in ((2, Health.HEALTHY), (-1, Health.HEALTHY), (1, Health.PROGRESSING)):
        state = structs.replace(RUNNING_POD, observed_generation=observed)
        found = assess(make(POD, "p", state=state, generation=2))
        assert (found.health, found.reason) == (health, "" if health is Health.HEALTHY else "GenerationNotObserved")
    ended = structs.replace(RUNNING_POD, phase="Succeeded", observed_generation=1)
    assert assess(make(POD, "p", state=ended, generation=2)).health is Health.PROGRESSING


@cases(
    ("ready", {}, HEALTHY, "", ""),
    ("succeeded", pod(phase="Succeeded"), HEALTHY, "Succeeded", ""),
    ("evicted", pod(phase="Failed", reason="Evicted", message="low on disk"), DEGRADED, "Evicted", "low on disk"),
    ("failed without a word", pod(phase="Failed"), DEGRADED, "Failed", ""),
    (
        "failed by a container",
        pod(
            container(Phase.TERMINATED, "Completed"),
            container(Phase.TERMINATED, "OOMKilled", "killed", exit_code=137),
            phase="Failed",
        ),
        DEGRADED,
        "OOMKilled",
        "container app: killed; exit code 137",
    ),
    (
        "failed by a container without a reason",
        pod(container(Phase.TERMINATED, exit_code=2), phase="Failed"),
        DEGRADED,
        "Error",
        "container app: exit code 2",
    ),
    (
        "failed by an init container",
        pod(container(Phase.TERMINATED, "Error", exit_code=1, init=True), CREATING, phase="Failed"),
        DEGRADED,
        "Error",
        "init container app: exit code 1",
    ),
    ("on a lost node", pod(phase="Unknown"), Health.UNKNOWN, "Unknown", "its node does not answer"),
    (
        "on a lost node that has a reason",
        pod(phase="Unknown", reason="NodeLost", message="gone"),
        Health.UNKNOWN,
        "NodeLost",
        "gone",
    ),
    (
        "restarted without a reason",
        pod(container(Phase.RUNNING, last_exit_code=1, terminated_before=True)),
        DEGRADED,
        "Error",
        "container app: it ended before with exit code 1",
    ),
    ("pending", pod(phase="Pending"), PROGRESSING, "Pending", ""),
    (
        "creating",
        pod(CREATING, conditions=(NOT_READY,), phase="Pending"),
        PROGRESSING,
        NOT_READY.reason,
        NOT_READY.message,
    ),
    (
        "unschedulable",
        pod(conditions=(NOT_READY, UNSCHEDULABLE), phase="Pending"),
        PROGRESSING,
        "Unschedulable",
        "0/2 nodes are available",
    ),
    (
        "unschedulable for too long",
        pod(conditions=(NOT_READY, UNSCHEDULABLE), phase="Pending", overdue=True),
        DEGRADED,
        "Unschedulable",
        "0/2 nodes are available",
    ),
    (
        "held back by a gate for long",
        pod(conditions=(GATED,), phase="Pending", overdue=True),
        PROGRESSING,
        "SchedulingGated",
        "held back",
    ),
    ("not observed", pod(phase=""), PROGRESSING, "", ""),
    ("in a phase that nobody knows", pod(phase="Weird"), Health.UNKNOWN, "Unknown", "its node does not answer"),
    ("ready, still pending", {"phase": "Pending"}, PROGRESSING, "Pending", ""),
    (
        "running, not ready",
        pod(container(Phase.RUNNING), conditions=(NOT_READY,)),
        PROGRESSING,
        NOT_READY.reason,
        NOT_READY.message,
    ),
    (
        "refused by the kubelet",
        pod(phase="Pending", reason="NodeAffinity", message="no"),
        PROGRESSING,
        "NodeAffinity",
        "no",
    ),
    (
        "crash-looping",
        pod(CRASHING, conditions=(NOT_READY,)),
        DEGRADED,
        "CrashLoopBackOff",
        "container app: back-off 5m0s; it ended before with exit code 137 (OOMKilled)",
    ),
    (
        "running again after a crash, not ready",
        pod(structs.replace(CRASHING, phase=Phase.RUNNING, reason="", message="")),
        DEGRADED,
        "OOMKilled",
        "container app: it ended before with exit code 137 (OOMKilled)",
    ),
    (
        "crashed again",
        pod(container(Phase.TERMINATED, "Error", exit_code=1, terminated_before=True)),
        DEGRADED,
        "Error",
        "container app: exit code 1",
    ),
    (
        "crashed once",
        pod(container(Phase.TERMINATED, "Error", exit_code=1), conditions=(NOT_READY,)),
        PROGRESSING,
        NOT_READY.reason,
        NOT_READY.message,
    ),
    (
        "stuck in its init container",
        pod(structs.replace(CRASHING, init=True, message=""), CREATING),
        DEGRADED,
        "CrashLoopBackOff",
        "init container app: it ended before with exit code 137 (OOMKilled)",
    ),
    (
        "ready, with another container stuck",
        {"troubles": (container(Phase.WAITING, "ImagePullBackOff"),)},
        DEGRADED,
        "ImagePullBackOff",
        "container app",
    ),
)
def test_a_pod(changes: dict[str, Any], health: Health, reason: str, message: str) -> None:
    assert verdict(POD, structs.replace(RUNNING_POD, **changes)) == (health, reason, message)


@pytest.mark.parametrize(
    ("reason", "stuck"),
    [
        ("ErrImagePull", True),
        ("ErrImageNeverPull", True),
        ("ImagePullBackOff", True),
        ("CrashLoopBackOff", True),
        ("CreateContainerError", True),
        ("CreateContainerConfigError", True),
        ("RunContainerError", True),
        ("ImageInspectError", True),
        ("InvalidImageName", True),
        ("ContainerCreating", False),
        ("PodInitializing", False),
        ("", False),
    ],
)
def test_reasons_that_do_not_pass_by_themselves(reason: str, stuck: bool) -> None:
    found, said, _ = verdict(POD, structs.replace(RUNNING_POD, **pod(container(Phase.WAITING, reason))))
    assert found is (DEGRADED if stuck else PROGRESSING)
    assert not stuck or said == reason


@pytest.mark.parametrize("phase", [Phase.RUNNING, Phase.TERMINATED])
def test_the_reason_of_a_container_that_does_not_wait_is_not_being_stuck(phase: Phase) -> None:
    found, _, _ = verdict(POD, structs.replace(RUNNING_POD, **pod(container(phase, "StartError"))))
    assert found is PROGRESSING
