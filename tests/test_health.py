"""Health: each rule of each kind, beside what ``kubectl rollout status`` and kstatus say of the same object."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.health import Health, assess, worst
from kubediscovery.kinds import Kind
from kubediscovery.objects import Condition, ContainerTrouble, Phase, WorkloadState
from tests.objects import (
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    FLEET,
    JOB,
    POD,
    REPLICA_SET,
    REVISION,
    RUNNING_JOB,
    RUNNING_POD,
    STATEFUL_SET,
    WAITING_CRON_JOB,
    WORKLOAD,
    make,
)

HEALTHY, SUSPENDED, PROGRESSING, DEGRADED = Health.HEALTHY, Health.SUSPENDED, Health.PROGRESSING, Health.DEGRADED

Case = tuple[str, dict[str, Any], Health, str, str]


def verdict(kind: Kind, state: Any, **fields: Any) -> tuple[Health, str, str]:
    return tuple(assess(make(kind, "x", state=state, **fields)))  # type: ignore[return-value]


def cases(*rows: Case) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("changes", "health", "reason", "message"), [row[1:] for row in rows], ids=[row[0] for row in rows]
    )


DEADLINE = Condition("Progressing", "False", "ProgressDeadlineExceeded", "has timed out progressing.")
QUOTA = Condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota")
UPDATING = Condition("Progressing", "True", "ReplicaSetUpdated", "is progressing.")
DONE = Condition("Progressing", "True", "NewReplicaSetAvailable", "has successfully progressed.")


@cases(
    ("rolled out", {}, HEALTHY, "", ""),
    ("with its own reason", {"conditions": (DONE,)}, HEALTHY, "NewReplicaSetAvailable", ""),
    ("scaled to nothing", dict.fromkeys(("desired", "replicas", "updated", "ready", "available"), 0), HEALTHY, "", ""),
    ("paused", {"paused": True}, SUSPENDED, "DeploymentPaused", "the rollout is paused"),
    (
        "paused after a failure",
        {"paused": True, "conditions": (DEADLINE,)},
        SUSPENDED,
        "DeploymentPaused",
        "the rollout is paused",
    ),
    ("too late", {"conditions": (DEADLINE,)}, DEGRADED, "ProgressDeadlineExceeded", "has timed out progressing."),
    ("over quota", {"conditions": (UPDATING, QUOTA)}, DEGRADED, "FailedCreate", "exceeded quota"),
    (
        "no failure any more",
        {"conditions": (structs.replace(QUOTA, status="False"),)},
        HEALTHY,
        "",
        "",
    ),
    (
        "not seen",
        {"observed_generation": 0},
        PROGRESSING,
        "GenerationNotObserved",
        "the last change has not been seen yet",
    ),
    (
        "changed after a failure, not seen yet",
        {"observed_generation": 0, "conditions": (DEADLINE,)},
        PROGRESSING,
        "GenerationNotObserved",
        "the last change has not been seen yet",
    ),
    ("updating", {"updated": 1, "conditions": (UPDATING,)}, PROGRESSING, "ReplicaSetUpdated", "1 of 2 pods updated"),
    ("old ones left", {"replicas": 3}, PROGRESSING, "", "3 pods, 2 of them updated: old ones are to go"),
    ("not available", {"available": 1}, PROGRESSING, "", "1 of 2 updated pods available"),
    ("not ready", {"ready": 1}, PROGRESSING, "", "1 of 2 pods ready"),
    ("scaling down", {"desired": 1}, PROGRESSING, "", "2 pods of 1 wanted: some are to go"),
)
def test_a_deployment(changes: dict[str, Any], health: Health, reason: str, message: str) -> None:
    assert verdict(DEPLOYMENT, structs.replace(WORKLOAD, **changes)) == (health, reason, message)


@cases(
    ("whole", {}, HEALTHY, "", ""),
    (
        "not seen",
        {"observed_generation": 0},
        PROGRESSING,
        "GenerationNotObserved",
        "the last change has not been seen yet",
    ),
    ("over quota", {"conditions": (QUOTA,), "replicas": 0}, DEGRADED, "FailedCreate", "exceeded quota"),
    ("pods missing", {"replicas": 1}, PROGRESSING, "", "1 of 2 pods made"),
    ("labels missing", {"updated": 1}, PROGRESSING, "", "1 of 2 pods with all labels of the template"),
    ("not ready", {"ready": 0}, PROGRESSING, "", "0 of 2 pods ready"),
    ("not available", {"available": 1}, PROGRESSING, "", "1 of 2 pods available"),
    ("too many", {"replicas": 3}, PROGRESSING, "", "3 pods of 2 wanted: some are to go"),
)
def test_a_replica_set(changes: dict[str, Any], health: Health, reason: str, message: str) -> None:
    assert verdict(REPLICA_SET, structs.replace(WORKLOAD, **changes)) == (health, reason, message)


@cases(
    ("whole", {}, HEALTHY, "", ""),
    (
        "not seen",
        {"observed_generation": 0},
        PROGRESSING,
        "GenerationNotObserved",
        "the last change has not been seen yet",
    ),
    ("pods missing", {"replicas": 1}, PROGRESSING, "", "1 of 2 pods made"),
    ("not ready", {"ready": 1}, PROGRESSING, "", "1 of 2 pods ready"),
    ("too many", {"replicas": 3}, PROGRESSING, "", "3 pods of 2 wanted: some are to go"),
    ("updating", {"updated": 1}, PROGRESSING, "", "1 of 2 pods updated"),
    ("a new revision", {"update_revision": "b"}, PROGRESSING, "", "revision b is being rolled out"),
    ("the partition not reached", {"partition": 1, "updated": 0}, PROGRESSING, "", "0 of 1 pods updated"),
    ("the partition reached", {"partition": 1, "updated": 1, "update_revision": "b"}, HEALTHY, "", ""),
    ("all of it partitioned", {"partition": 5, "updated": 0, "update_revision": "b"}, HEALTHY, "", ""),
    ("updated by hand", {"strategy": "OnDelete", "updated": 0, "update_revision": "b"}, HEALTHY, "", ""),
    ("updated by hand, not ready", {"strategy": "OnDelete", "ready": 1}, PROGRESSING, "", "1 of 2 pods ready"),
)
def test_a_stateful_set(changes: dict[str, Any], health: Health, reason: str, message: str) -> None:
    usual = structs.replace(WORKLOAD, strategy="RollingUpdate", current_revision="a", update_revision="a")
    assert verdict(STATEFUL_SET, structs.replace(usual, **changes)) == (health, reason, message)


@cases(
    ("whole", {}, HEALTHY, "", ""),
    ("no node", dict.fromkeys(("desired", "replicas", "updated", "ready", "available"), 0), HEALTHY, "", ""),
    (
        "not seen",
        {"observed_generation": 0},
        PROGRESSING,
        "GenerationNotObserved",
        "the last change has not been seen yet",
    ),
    ("updating", {"updated": 1}, PROGRESSING, "", "1 of 2 pods updated"),
    ("pods missing", {"replicas": 1}, PROGRESSING, "", "1 of 2 pods made"),
    ("not available", {"available": 1}, PROGRESSING, "", "1 of 2 pods available"),
    ("not ready", {"ready": 1}, PROGRESSING, "", "1 of 2 pods ready"),
    ("updated by hand", {"strategy": "OnDelete", "updated": 0}, HEALTHY, "", ""),
    ("pods on nodes that should have none", {"replicas": 3}, HEALTHY, "", ""),
)
def test_a_daemon_set(changes: dict[str, Any], health: Health, reason: str, message: str) -> None:
    usual = structs.replace(WORKLOAD, strategy="RollingUpdate")
    assert verdict(DAEMON_SET, structs.replace(usual, **changes)) == (health, reason, message)


def held(type_: str, reason: str = "", status: str = "True") -> Condition:
    return Condition(type_, status, reason, "said")


@cases(
    ("running", {}, PROGRESSING, "Running", "1 active, 0 succeeded, 0 failed"),
    ("not started", {"started": False}, PROGRESSING, "NotStarted", "the job has not started"),
    ("complete", {"conditions": (held("Complete", "CompletionsReached"),)}, HEALTHY, "CompletionsReached", "said"),
    ("complete without a reason", {"conditions": (held("Complete"),)}, HEALTHY, "Complete", "said"),
    ("failed", {"conditions": (held("Failed", "BackoffLimitExceeded"),)}, DEGRADED, "BackoffLimitExceeded", "said"),
    (
        "about to fail",
        {"conditions": (held("FailureTarget", "BackoffLimitExceeded"),)},
        PROGRESSING,
        "Running",
        "1 active, 0 succeeded, 0 failed",
    ),
    ("suspended", {"conditions": (held("Suspended", "JobSuspended"),)}, SUSPENDED, "JobSuspended", "said"),
    ("suspended, not seen yet", {"suspended": True}, SUSPENDED, "JobSuspended", "the job is suspended"),
    (
        "resumed",
        {"conditions": (held("Suspended", "JobResumed", status="False"),)},
        PROGRESSING,
        "Running",
        "1 active, 0 succeeded, 0 failed",
    ),
    (
        "failed while suspended",
        {"conditions": (held("Suspended", "JobSuspended"), held("Failed", "DeadlineExceeded")), "suspended": True},
        DEGRADED,
        "DeadlineExceeded",
        "said",
    ),
)
def test_a_job(changes: dict[str, Any], health: Health, reason: str, message: str) -> None:
    assert verdict(JOB, structs.replace(RUNNING_JOB, **changes)) == (health, reason, message)


@cases(
    ("never run", {}, HEALTHY, "", ""),
    ("suspended", {"suspended": True, "last_schedule": 9}, SUSPENDED, "CronJobSuspended", "the schedule is suspended"),
    ("running", {"active": 1, "last_schedule": 9}, HEALTHY, "", ""),
    ("succeeded", {"last_schedule": 9, "last_success": 12}, HEALTHY, "", ""),
    ("succeeded in the same second", {"last_schedule": 9, "last_success": 9}, HEALTHY, "", ""),
    (
        "failed",
        {"last_schedule": 9, "last_success": 8},
        DEGRADED,
        "LastRunFailed",
        "the last scheduled job did not succeed",
    ),
    ("never succeeded", {"last_schedule": 9}, DEGRADED, "LastRunFailed", "the last scheduled job did not succeed"),
)
def test_a_cron_job(changes: dict[str, Any], health: Health, reason: str, message: str) -> None:
    assert verdict(CRON_JOB, structs.replace(WAITING_CRON_JOB, **changes)) == (health, reason, message)


def container(phase: Phase, reason: str = "", message: str = "", **changes: Any) -> ContainerTrouble:
    plain = ContainerTrouble("app", phase, False, reason, message, 0, "", 0, terminated_before=False)
    return structs.replace(plain, **changes)


def pod(*troubles: ContainerTrouble, conditions: tuple[Condition, ...] = (), **changes: Any) -> dict[str, Any]:
    """A pod that is not ready."""
    return {"is_ready": False, "ready": 0, "troubles": troubles, "conditions": conditions, **changes}


NOT_READY = Condition("Ready", "False", "ContainersNotReady", "containers with unready status: [app]")
UNSCHEDULABLE = Condition("PodScheduled", "False", "Unschedulable", "0/2 nodes are available")
CREATING = container(Phase.WAITING, "ContainerCreating")
CRASHING = container(
    Phase.WAITING,
    "CrashLoopBackOff",
    "back-off 5m0s",
    last_reason="OOMKilled",
    last_exit_code=137,
    terminated_before=True,
)


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


@pytest.mark.parametrize(
    "kind", [DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET, REVISION, JOB, CRON_JOB, POD, FLEET], ids=str
)
def test_whatever_is_being_deleted_is_terminating(kind: Kind) -> None:
    assert tuple(assess(make(kind, "x", deleting=True))) == (PROGRESSING, "Terminating", "being deleted")


@pytest.mark.parametrize("kind", [REVISION, FLEET], ids=str)
def test_what_has_no_state_is_healthy(kind: Kind) -> None:
    assert assess(make(kind, "x")).health is HEALTHY


# Beside kubectl


def rolled_out(kind: Kind, generation: int, state: WorkloadState) -> bool | None:
    """Whether ``kubectl rollout status`` ends with success; None where it gives up, or does not say."""
    if kind == DEPLOYMENT and generation <= state.observed_generation:
        if any(found.type == "Progressing" and found.reason == DEADLINE.reason for found in state.conditions):
            return None
        return state.updated >= state.desired and state.replicas <= state.updated and state.available >= state.updated
    if kind != DEPLOYMENT and state.strategy != "RollingUpdate":
        return None
    if generation > state.observed_generation or (kind == STATEFUL_SET and not state.observed_generation):
        return False
    if kind == DAEMON_SET:
        return state.updated >= state.desired and state.available >= state.desired
    return state.ready >= state.desired and state.updated >= state.desired - state.partition


NUMBERS = st.integers(0, 3)
WORKLOADS = st.builds(
    WorkloadState,
    desired=NUMBERS,
    replicas=NUMBERS,
    updated=NUMBERS,
    ready=NUMBERS,
    available=NUMBERS,
    observed_generation=st.integers(0, 2),
    images=st.just(()),
    conditions=st.lists(st.sampled_from([DEADLINE, UPDATING, DONE]), max_size=1).map(tuple),
    current=NUMBERS,
    strategy=st.sampled_from(["RollingUpdate", "OnDelete"]),
    partition=NUMBERS,
    current_revision=st.sampled_from("ab"),
    update_revision=st.sampled_from("ab"),
)


@given(st.sampled_from([DEPLOYMENT, STATEFUL_SET, DAEMON_SET]), st.integers(1, 2), WORKLOADS)
@settings(max_examples=500)
def test_nothing_is_healthy_that_kubectl_still_waits_for(kind: Kind, generation: int, state: WorkloadState) -> None:
    found = assess(make(kind, "x", state=state, generation=generation)).health
    if found is HEALTHY:
        assert rolled_out(kind, generation, state) is not False
    assert (found is DEGRADED) == (generation <= state.observed_generation and DEADLINE in state.conditions)


def consistent(state: WorkloadState, available: int, ready: int, replicas: int) -> WorkloadState:
    """The same with numbers that a controller could write: nothing surplus, none available that is not ready."""
    low, middle, high = sorted((available, ready, replicas))
    updated = min(state.updated, high)
    return structs.replace(
        state, available=low, ready=middle, replicas=high, desired=high, updated=updated, conditions=()
    )


@given(st.sampled_from([DEPLOYMENT, DAEMON_SET]), st.builds(consistent, WORKLOADS, NUMBERS, NUMBERS, NUMBERS))
@settings(max_examples=200)
def test_what_kubectl_calls_rolled_out_is_healthy(kind: Kind, state: WorkloadState) -> None:
    if rolled_out(kind, 1, state):
        assert assess(make(kind, "x", state=state)).health is HEALTHY


# Of several


ORDER = [HEALTHY, SUSPENDED, PROGRESSING, Health.MISSING, DEGRADED, Health.UNKNOWN]


def test_the_order_is_argo_cds() -> None:
    assert list(Health) == ORDER


@given(st.lists(st.sampled_from(ORDER)))
def test_the_worst_is_the_last_in_the_order(healths: list[Health]) -> None:
    assert worst(healths) is (max(healths, key=ORDER.index) if healths else HEALTHY)
