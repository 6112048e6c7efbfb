"""Health of what makes pods: Deployments, ReplicaSets and their like, StatefulSets, DaemonSets, Jobs and CronJobs.

The rules are kstatus's (pkg/kstatus/status/core.go); docs/health.md says where they are meant to differ.
"""

from collections.abc import Callable, Mapping

from kubediscovery.health_conditions import UNOBSERVED, announced, unobserved
from kubediscovery.health_terms import HEALTHY, Health, Verdict, by_condition, condition_of
from kubediscovery.objects import Condition, CronJobState, JobState, Object, WorkloadState

# What the Deployment's controller takes for no deadline (pkg/controller/deployment/util/deployment_util.go).
_NO_DEADLINE = (0, 2**31 - 1)
# Kinds of which nothing is said before their controllers have said what they observed.
_OBSERVED = ("DaemonSet", "StatefulSet")


def assess_workload(item: Object, state: WorkloadState) -> Verdict:
    """The verdict on a kind with replicas, by the numbers that its controller counts."""
    if state.paused:
        return Verdict(Health.SUSPENDED, "DeploymentPaused", "the rollout is paused")
    if verdict := unobserved(item, state.observed_generation or -1) or announced(state.conditions):
        return verdict
    if _is_new(item, state):
        return UNOBSERVED
    if failure := _failure(state):
        return by_condition(Health.DEGRADED, failure)
    own = _own_reason(state)
    for holds, message in _STEPS.get(item.kind.kind, _REPLICA_STEPS):
        if holds(state):
            return Verdict(Health.PROGRESSING, own, message.format(s=state, target=_partitioned(state)))
    return Verdict(Health.HEALTHY, own)


def _is_new(item: Object, state: WorkloadState) -> bool:
    """Whether its controller has not said anything of it yet."""
    if item.kind.kind in _OBSERVED:
        return not item.generation or not state.observed_generation
    return item.generation != 0 and not state.observed_generation


def _failure(state: WorkloadState) -> Condition | None:
    """The condition by which the object's controller says that it gave up or cannot go on."""
    for condition in state.conditions:
        if condition.type == "ReplicaFailure" and condition.status == "True":
            return condition
        if condition.type == "Progressing" and condition.reason == "ProgressDeadlineExceeded":
            return condition
    return None


def _own_reason(state: WorkloadState) -> str:
    found = condition_of(state.conditions, "Progressing")
    return found.reason if found else ""


def _partitioned(state: WorkloadState) -> int:
    """How many pods a StatefulSet's partition leaves to update."""
    return max(state.desired - state.partition, 0)


def _is_rolling(state: WorkloadState) -> bool:
    return state.strategy != "OnDelete"


def _has_new_replica_set(state: WorkloadState) -> bool:
    """Whether the new ReplicaSet has been reported as available; without a deadline nobody reports it."""
    found = condition_of(state.conditions, "Progressing", "True")
    return state.progress_deadline in _NO_DEADLINE or (found is not None and found.reason == "NewReplicaSetAvailable")


_Step = tuple[Callable[[WorkloadState], bool], str]

_MISSING: _Step = (lambda s: s.replicas < s.desired, "{s.replicas} of {s.desired} pods made")
_NOT_UPDATED: _Step = (lambda s: s.updated < s.desired, "{s.updated} of {s.desired} pods updated")
_SURPLUS: _Step = (lambda s: s.replicas > s.desired, "{s.replicas} pods of {s.desired} wanted: some are to go")
_NOT_AVAILABLE: _Step = (lambda s: s.available < s.desired, "{s.available} of {s.desired} pods available")
_NOT_READY: _Step = (lambda s: s.ready < s.desired, "{s.ready} of {s.desired} pods ready")

_REPLICA_STEPS: tuple[_Step, ...] = (
    _MISSING,
    (lambda s: s.updated < s.desired, "{s.updated} of {s.desired} pods with all labels of the template"),
    _NOT_AVAILABLE,
    _NOT_READY,
    _SURPLUS,
)
_STEPS: Mapping[str, tuple[_Step, ...]] = {
    "Deployment": (
        _NOT_UPDATED,
        (lambda s: s.replicas > s.updated, "{s.replicas} pods, {s.updated} of them updated: old ones are to go"),
        (lambda s: s.available < s.updated, "{s.available} of {s.updated} updated pods available"),
        _MISSING,
        _NOT_READY,
        _SURPLUS,
        (lambda s: not _has_new_replica_set(s), "the new ReplicaSet has not been reported as available yet"),
        (lambda s: not condition_of(s.conditions, "Available", "True"), "fewer pods are available than have to be"),
    ),
    "StatefulSet": (
        _MISSING,
        _NOT_READY,
        _SURPLUS,
        (lambda s: _is_rolling(s) and s.updated < _partitioned(s), "{s.updated} of {target} pods updated"),
        (
            lambda s: _is_rolling(s) and not s.partition and s.current < s.desired,
            "{s.current} of {s.desired} pods of the current revision",
        ),
        (
            lambda s: _is_rolling(s) and not s.partition and s.current_revision != s.update_revision,
            "revision {s.update_revision} is being rolled out",
        ),
    ),
    "DaemonSet": (
        (lambda s: _is_rolling(s) and s.updated < s.desired, _NOT_UPDATED[1]),
        _MISSING,
        _NOT_AVAILABLE,
        _NOT_READY,
    ),
}


def assess_job(item: Object, state: JobState) -> Verdict:
    """The verdict on a Job: what has ended is judged by how, and what has not is progressing."""
    del item
    if verdict := announced(state.conditions):
        return verdict
    holding = {condition.type: condition for condition in state.conditions if condition.status == "True"}
    for type_, health in _ENDS:
        if found := holding.get(type_):
            return by_condition(health, found)
    if state.suspended:
        said = holding.get("Suspended")
        words = by_condition(Health.SUSPENDED, said) if said else None
        return words or Verdict(Health.SUSPENDED, "JobSuspended", "the job is suspended")
    if not state.started:
        return Verdict(Health.PROGRESSING, "NotStarted", "the job has not started")
    counts = f"{state.active} active, {state.succeeded} succeeded, {state.failed} failed"
    return Verdict(Health.PROGRESSING, "Running", counts)


# In this order: a job can fail while it is suspended.
_ENDS = (("Failed", Health.DEGRADED), ("Complete", Health.HEALTHY))


def assess_cron_job(item: Object, state: CronJobState) -> Verdict:
    """The verdict on a CronJob, by how its last job ended (Argo CD, resource_customizations/batch/CronJob)."""
    del item
    if state.suspended:
        return Verdict(Health.SUSPENDED, "CronJobSuspended", "the schedule is suspended")
    if not state.active and state.last_success < state.last_schedule:
        return Verdict(Health.DEGRADED, "LastRunFailed", "the last scheduled job did not succeed")
    return HEALTHY
