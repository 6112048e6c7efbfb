"""Is an object all right? One rule a kind, from its own status alone.

The rules follow kstatus (pkg/kstatus/status/core.go) and ``kubectl rollout status``
(pkg/polymorphichelpers/rollout_status.go); the distinctions Suspended and Degraded are Argo CD's (gitops-engine,
pkg/health).
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from kubediscovery.objects import (
    Condition,
    ContainerTrouble,
    CronJobState,
    JobState,
    Object,
    Phase,
    PodState,
    WorkloadState,
)


class Health(StrEnum):
    """From best to worst (gitops-engine, pkg/health/health.go)."""

    HEALTHY = "Healthy"
    SUSPENDED = "Suspended"
    PROGRESSING = "Progressing"
    MISSING = "Missing"
    DEGRADED = "Degraded"
    UNKNOWN = "Unknown"


class Verdict(NamedTuple):
    """``reason`` is CamelCase and the object's own where it gives one; ``message`` is for people."""

    health: Health
    reason: str = ""
    message: str = ""


HEALTHY = Verdict(Health.HEALTHY)
_SEVERITY = {health: rank for rank, health in enumerate(Health)}


def worst(healths: Iterable[Health]) -> Health:
    """The worst of them; Healthy of none."""
    return max(healths, key=_SEVERITY.__getitem__, default=Health.HEALTHY)


def assess(item: Object) -> Verdict:
    """The verdict on one object, without what it owns."""
    if item.deleting:
        return Verdict(Health.PROGRESSING, "Terminating", "being deleted")
    rule = _RULES.get(type(item.state))
    return rule(item) if rule else HEALTHY


def _assess_workload(item: Object) -> Verdict:
    state = item.state
    assert isinstance(state, WorkloadState)  # noqa: S101 - the table of rules is keyed by this type
    if state.paused:
        return Verdict(Health.SUSPENDED, "DeploymentPaused", "the rollout is paused")
    if state.observed_generation < item.generation:
        # Before all else: the conditions are about what was wanted before.
        return Verdict(Health.PROGRESSING, "GenerationNotObserved", "the last change has not been seen yet")
    if failure := _failure(state):
        return Verdict(Health.DEGRADED, failure.reason, failure.message)
    own = _own_reason(state)
    for holds, message in _WORKLOAD_STEPS.get(item.kind.kind, _REPLICA_STEPS):
        if holds(state):
            return Verdict(Health.PROGRESSING, own, message.format(s=state, target=_partitioned(state)))
    return Verdict(Health.HEALTHY, own)


def _failure(state: WorkloadState) -> Condition | None:
    """The condition by which the object's controller says that it gave up or cannot go on."""
    for condition in state.conditions:
        if condition.type == "ReplicaFailure" and condition.status == "True":
            return condition
        if condition.type == "Progressing" and condition.reason == "ProgressDeadlineExceeded":
            return condition
    return None


def _own_reason(state: WorkloadState) -> str:
    return next((condition.reason for condition in state.conditions if condition.type == "Progressing"), "")


def _partitioned(state: WorkloadState) -> int:
    """How many pods a StatefulSet's partition leaves to update."""
    return max(state.desired - state.partition, 0)


_Step = tuple[Callable[[WorkloadState], bool], str]

_MISSING: _Step = (lambda s: s.replicas < s.desired, "{s.replicas} of {s.desired} pods made")
_NOT_UPDATED: _Step = (lambda s: s.updated < s.desired, "{s.updated} of {s.desired} pods updated")
_SURPLUS: _Step = (lambda s: s.replicas > s.desired, "{s.replicas} pods of {s.desired} wanted: some are to go")
_NOT_AVAILABLE: _Step = (lambda s: s.available < s.desired, "{s.available} of {s.desired} pods available")
_NOT_READY: _Step = (lambda s: s.ready < s.desired, "{s.ready} of {s.desired} pods ready")

_REPLICA_STEPS: tuple[_Step, ...] = (
    _MISSING,
    (lambda s: s.updated < s.desired, "{s.updated} of {s.desired} pods with all labels of the template"),
    _NOT_READY,
    _NOT_AVAILABLE,
    _SURPLUS,
)
_WORKLOAD_STEPS: Mapping[str, tuple[_Step, ...]] = {
    "Deployment": (
        _NOT_UPDATED,
        (lambda s: s.replicas > s.updated, "{s.replicas} pods, {s.updated} of them updated: old ones are to go"),
        (lambda s: s.available < s.updated, "{s.available} of {s.updated} updated pods available"),
        _NOT_READY,
        _SURPLUS,
    ),
    "StatefulSet": (
        _MISSING,
        _NOT_READY,
        _SURPLUS,
        (
            lambda s: s.strategy != "OnDelete" and s.updated < _partitioned(s),
            "{s.updated} of {target} pods updated",
        ),
        (
            lambda s: s.strategy != "OnDelete" and not s.partition and s.current_revision != s.update_revision,
            "revision {s.update_revision} is being rolled out",
        ),
    ),
    "DaemonSet": (
        (lambda s: s.strategy != "OnDelete" and s.updated < s.desired, _NOT_UPDATED[1]),
        _MISSING,
        _NOT_AVAILABLE,
        _NOT_READY,
    ),
}


def _assess_job(item: Object) -> Verdict:
    state = item.state
    assert isinstance(state, JobState)  # noqa: S101 - the table of rules is keyed by this type
    holding = {condition.type: condition for condition in state.conditions if condition.status == "True"}
    for type_, health in _JOB_CONDITIONS:
        if found := holding.get(type_):
            return Verdict(health, found.reason or type_, found.message)
    if state.suspended:
        return Verdict(Health.SUSPENDED, "JobSuspended", "the job is suspended")
    if not state.started:
        return Verdict(Health.PROGRESSING, "NotStarted", "the job has not started")
    return Verdict(
        Health.PROGRESSING,
        "Running",
        f"{state.active} active, {state.succeeded} succeeded, {state.failed} failed",
    )


# In this order: a job can fail while it is suspended.
_JOB_CONDITIONS = (
    ("Failed", Health.DEGRADED),
    ("Complete", Health.HEALTHY),
    ("Suspended", Health.SUSPENDED),
)


def _assess_cron_job(item: Object) -> Verdict:
    state = item.state
    assert isinstance(state, CronJobState)  # noqa: S101 - the table of rules is keyed by this type
    if state.suspended:
        return Verdict(Health.SUSPENDED, "CronJobSuspended", "the schedule is suspended")
    if not state.active and state.last_success < state.last_schedule:
        return Verdict(Health.DEGRADED, "LastRunFailed", "the last scheduled job did not succeed")
    return HEALTHY


def _assess_pod(item: Object) -> Verdict:
    state = item.state
    assert isinstance(state, PodState)  # noqa: S101 - the table of rules is keyed by this type
    if state.phase == "Succeeded":
        return Verdict(Health.HEALTHY, "Succeeded")
    if state.phase == "Failed":
        return _failed_pod(state)
    if state.phase == "Unknown":
        return Verdict(Health.UNKNOWN, state.reason or "Unknown", state.message or "its node does not answer")
    if stuck := next((trouble for trouble in state.troubles if _is_stuck(trouble)), None):
        return Verdict(Health.DEGRADED, stuck.reason, _container_message(stuck))
    if state.is_ready:
        return HEALTHY
    if again := next((trouble for trouble in state.troubles if trouble.terminated_before), None):
        return Verdict(Health.DEGRADED, again.reason or again.last_reason or "Error", _container_message(again))
    condition = next(iter(sorted(state.conditions, key=lambda found: found.type != "PodScheduled")), None)
    if condition is None:
        return Verdict(Health.PROGRESSING, state.reason or state.phase, state.message)
    return Verdict(Health.PROGRESSING, condition.reason, condition.message)


def _failed_pod(state: PodState) -> Verdict:
    ended = next((trouble for trouble in state.troubles if trouble.exit_code), None)
    if state.reason or ended is None:
        return Verdict(Health.DEGRADED, state.reason or "Failed", state.message)
    return Verdict(Health.DEGRADED, ended.reason or "Error", _container_message(ended))


def _is_stuck(trouble: ContainerTrouble) -> bool:
    """Waiting for a reason that does not pass by itself (gitops-engine, pkg/health/health_pod.go)."""
    reason = trouble.reason
    stuck = reason.startswith("Err") or reason.endswith(("Error", "BackOff")) or reason == "InvalidImageName"
    return trouble.phase is Phase.WAITING and stuck


def _container_message(trouble: ContainerTrouble) -> str:
    """``container app: back-off restarting; it ended before with exit code 1 (Error)``."""
    said = [trouble.message] if trouble.message else []
    if trouble.phase is Phase.TERMINATED:
        said.append(f"exit code {trouble.exit_code}")
    elif trouble.terminated_before:
        why = f" ({trouble.last_reason})" if trouble.last_reason else ""
        said.append(f"it ended before with exit code {trouble.last_exit_code}{why}")
    name = f"init container {trouble.name}" if trouble.init else f"container {trouble.name}"
    return f"{name}: {'; '.join(said)}" if said else name


_RULES: Mapping[type, Callable[[Object], Verdict]] = {
    WorkloadState: _assess_workload,
    JobState: _assess_job,
    CronJobState: _assess_cron_job,
    PodState: _assess_pod,
}
