"""How a Job stands, and a CronJob by the last of its Jobs."""

from collections.abc import Sequence

from msgspec import structs

from kubediscovery.culprit import CRASH_LOOP, Culprit, broken, by_condition, by_end, ended_badly, first
from kubediscovery.objects import Condition, CronJobState, JobState, Object
from kubediscovery.outcome import Outcome, Rollout, RolloutState
from kubediscovery.revisions import Below, counted, pods_of

# A Job that is to fail says so before its pods are gone (k8s.io/api, batch/v1/types.go, JobFailureTarget).
_FAILED = ("Failed", "FailureTarget")


def of_job(root: Object, below: Below) -> Rollout | None:
    """A Job fails when its controller says so, or at a pod that cannot begin; a pod that failed is tried again."""
    state = root.state
    if not isinstance(state, JobState):
        return None
    pods = pods_of(root, below)
    outcome = _job_outcome(root, state, pods)
    return Rollout(
        state=outcome.state,
        desired=state.completions or 1,
        ready=state.ready,
        old=0,
        terminating=0,
        active=state.active,
        succeeded=state.succeeded,
        failed=state.failed,
        reason=outcome.reason,
        message=outcome.message,
        culprit=outcome.culprit,
        revisions=counted(("", pod) for pod in pods),
    )


def _job_outcome(root: Object, state: JobState, pods: Sequence[Object]) -> Outcome:
    holding = {condition.type: condition for condition in state.conditions if condition.status == "True"}
    if failed := next((holding[type_] for type_ in _FAILED if type_ in holding), None):
        return _failed(root, failed, pods)
    if complete := holding.get("Complete"):
        return Outcome(RolloutState.COMPLETE, complete.reason, complete.message)
    if root.deleting:
        return Outcome(RolloutState.PROGRESSING, "Terminating", "being deleted")
    if state.suspended or "Suspended" in holding:
        return Outcome(RolloutState.PAUSED, "JobSuspended", "the job is suspended")
    if cannot_begin := first(pods, _cannot_begin):
        return Outcome(RolloutState.FAILED, cannot_begin.reason, cannot_begin.message, cannot_begin)
    if not state.started:
        return Outcome(RolloutState.PROGRESSING, "NotStarted", "the job has not started")
    said = f"{state.active} active, {state.succeeded} succeeded, {state.failed} failed"
    return Outcome(RolloutState.PROGRESSING, "Running", said)


def _failed(root: Object, condition: Condition, pods: Sequence[Object]) -> Outcome:
    culprit = first(pods, ended_badly, by_end) or by_condition(root, condition)
    said = condition.message if culprit.kind == root.kind.kind else f"{condition.message}; {culprit.message}"
    return Outcome(RolloutState.FAILED, condition.reason or condition.type, said.removeprefix("; "), culprit)


def _cannot_begin(pod: Object) -> Culprit | None:
    """A container that ends and is started again is what a Job has its backoffLimit for."""
    found = broken(pod)
    return found if found is not None and found.exit_code is None and found.reason != CRASH_LOOP else None


def of_cron_job(root: Object, below: Below) -> Rollout | None:
    """What its last Job says, by the time of creation; without one that may be seen, its own status."""
    state = root.state
    if not isinstance(state, CronJobState):
        return None
    jobs = [item for item in below(root) if isinstance(item.state, JobState)]
    latest = max(jobs, key=lambda job: (job.created, job.name), default=None)
    found = of_job(latest, below) if latest is not None else None
    if state.suspended:
        outcome = Outcome(RolloutState.PAUSED, "CronJobSuspended", "the schedule is suspended")
    elif found is not None:
        outcome = Outcome(found.state, found.reason, found.message, found.culprit)
    else:
        outcome = _cron_job_outcome(state)
    return structs.replace(
        found or Rollout(outcome.state, desired=0, ready=0, old=0, terminating=0, active=state.active),
        state=outcome.state,
        revision=latest.name if latest is not None else "",
        reason=outcome.reason,
        message=outcome.message,
        culprit=outcome.culprit,
    )


def _cron_job_outcome(state: CronJobState) -> Outcome:
    if state.active:
        return Outcome(RolloutState.PROGRESSING, "Running", f"{state.active} jobs active")
    if state.last_success < state.last_schedule:
        return Outcome(RolloutState.FAILED, "LastRunFailed", "the last scheduled job did not succeed")
    if not state.last_schedule:
        return Outcome(RolloutState.COMPLETE, "NotScheduled", "it has not been due yet")
    return Outcome(RolloutState.COMPLETE)
