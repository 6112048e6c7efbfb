"""Has what was asked for been rolled out? One verdict from a workload's own status and, from the pods up, all below it.

The counts are compared as ``kubectl rollout status`` does it (k8s.io/kubectl,
``pkg/polymorphichelpers/rollout_status.go``). Beyond that the pods of the new revision tell of a failure long before
any deadline, a pod of a former one never does, and pods of former revisions that are still terminating keep a rollout
from being complete.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from kubediscovery.culprit import Culprit, broken, by_condition, first, unready
from kubediscovery.health_terms import condition_of
from kubediscovery.objects import Condition, Object, WorkloadState
from kubediscovery.outcome import Outcome, Rollout, RolloutState
from kubediscovery.revisions import (
    Below,
    Revisions,
    of_daemon_set,
    of_deployment,
    of_stateful_set,
)
from kubediscovery.runs import of_cron_job, of_job

_ON_DELETE = "OnDelete"
_COMPLETE, _PROGRESSING, _PAUSED, _FAILED = RolloutState


class _Case(NamedTuple):
    """What an outcome is reached from."""

    root: Object
    state: WorkloadState
    pods: Revisions


_Rule = Callable[[_Case], Outcome | None]


def rollout_below(root: Object, children: Below) -> Rollout | None:
    """The verdict on a Deployment, StatefulSet, DaemonSet, Job or CronJob; None for an object of any other kind.

    ``children`` gives what an object owns and may be seen, in any order: nothing else has a part in the verdict, and
    only what has one is looked at.
    """
    judge = _KINDS.get((root.kind.group, root.kind.kind))
    return judge(root, children) if judge is not None else None


def _workload(find: Callable[[Object, Below], Revisions], rules: Sequence[_Rule]) -> Callable[..., Rollout | None]:
    def judge(root: Object, below: Below) -> Rollout | None:
        state = root.state
        if not isinstance(state, WorkloadState):
            return None
        pods = find(root, below)
        case = _Case(root, state, pods)
        outcome = next(filter(None, (rule(case) for rule in rules)), Outcome(_COMPLETE))
        return Rollout(
            state=outcome.state,
            desired=state.desired,
            ready=state.ready,
            old=len(pods.old) if pods.known else max(state.replicas - state.updated, 0),
            terminating=len(pods.terminating),
            updated=state.updated,
            available=state.available,
            revision=pods.revision,
            reason=outcome.reason,
            message=outcome.message,
            culprit=outcome.culprit,
            revisions=pods.counts,
        )

    return judge


def _failed_at(culprit: Culprit, *, prefix: str = "") -> Outcome:
    return Outcome(_FAILED, culprit.reason, prefix + culprit.message, culprit)


def _deleting(case: _Case) -> Outcome | None:
    return Outcome(_PROGRESSING, "Terminating", "being deleted") if case.root.deleting else None


def _unobserved(case: _Case) -> Outcome | None:
    """Before all that the status says: it is about what was wanted before."""
    if case.state.observed_generation < case.root.generation:
        return Outcome(_PROGRESSING, "GenerationNotObserved", "the last change has not been seen yet")
    return None


def _paused(case: _Case) -> Outcome | None:
    return Outcome(_PAUSED, "DeploymentPaused", "the rollout is paused") if case.state.paused else None


def _broken(case: _Case) -> Outcome | None:
    culprit = first(case.pods.unready, broken)
    return _failed_at(culprit) if culprit is not None else None


def _blocked(case: _Case) -> Outcome | None:
    """A StatefulSet that keeps an order replaces nothing while a pod is not ready, be it of a former revision.

    (k8s.io/kubernetes, ``pkg/controller/statefulset/stateful_set_control.go``, processReplica)
    """
    if case.state.parallel or case.state.updated >= _wanted(case.state):
        return None
    culprit = first(case.pods.old, broken)
    return _failed_at(culprit, prefix="blocked by a pod of a former revision: ") if culprit is not None else None


def _refused(case: _Case) -> Outcome | None:
    """By a quota or at admission: the new ReplicaSet says so, or where it may not be seen its Deployment.

    The Deployment's condition may be that of a former ReplicaSet (``pkg/controller/deployment/progress.go``).
    """
    item = case.pods.newest or case.root
    condition = _condition(item, "ReplicaFailure")
    if condition is None or condition.status != "True":
        return None
    culprit = by_condition(item, condition)
    return Outcome(_FAILED, culprit.reason, culprit.message, culprit)


def _late(case: _Case) -> Outcome | None:
    condition = _condition(case.root, "Progressing")
    if condition is None or condition.reason != "ProgressDeadlineExceeded":
        return None
    culprit = first(case.pods.unready, unready)
    said = f"{condition.message}; {culprit.message}" if culprit is not None else condition.message
    return Outcome(_FAILED, condition.reason, said, culprit or by_condition(case.root, condition))


def _condition(item: Object, type_: str) -> Condition | None:
    conditions = item.state.conditions if isinstance(item.state, WorkloadState) else ()
    return condition_of(conditions, type_)


def _wanted(state: WorkloadState) -> int:
    """How many pods are to be updated: all that a StatefulSet's partition does not keep back."""
    return max(state.desired - state.partition, 0)


_Step = tuple[Callable[[WorkloadState], bool], str, str]


def _counts(*steps: _Step) -> _Rule:
    """Progressing at the first step that holds."""

    def rule(case: _Case) -> Outcome | None:
        for holds, reason, words in steps:
            if holds(case.state):
                said = words.format(s=case.state, wanted=_wanted(case.state))
                waiting = first(case.pods.unready, unready) if reason in _ABOUT_READINESS else None
                return Outcome(_PROGRESSING, reason, f"{said}; {waiting.message}" if waiting is not None else said)
        return None

    return rule


_ABOUT_READINESS = ("PodsNotReady", "PodsNotAvailable")
_MISSING: _Step = (lambda s: s.replicas < s.desired, "PodsMissing", "{s.replicas} of {s.desired} pods made")
_NOT_UPDATED: _Step = (
    lambda s: s.strategy != _ON_DELETE and s.updated < _wanted(s),
    "PodsNotUpdated",
    "{s.updated} of {wanted} pods updated",
)
_NOT_READY: _Step = (lambda s: s.ready < s.desired, "PodsNotReady", "{s.ready} of {s.desired} pods ready")
_NOT_AVAILABLE: _Step = (
    lambda s: s.available < s.desired,
    "PodsNotAvailable",
    "{s.available} of {s.desired} pods available",
)
_SURPLUS: _Step = (
    lambda s: s.replicas > s.desired,
    "PodsSurplus",
    "{s.replicas} pods of {s.desired} wanted: some are to go",
)


def _left_to_delete(case: _Case) -> Outcome | None:
    """With OnDelete nothing goes on until somebody deletes the pods of former revisions."""
    state = case.state
    left = len(case.pods.old) if case.pods.known else state.desired - state.updated
    if state.strategy != _ON_DELETE or left <= 0:
        return None
    return Outcome(_PAUSED, _ON_DELETE, f"{left} pods of former revisions wait for somebody to delete them")


def _old(case: _Case) -> Outcome | None:
    # What the partition keeps back is wanted.
    left = len(case.pods.old) - min(case.state.partition, case.state.desired)
    return Outcome(_PROGRESSING, "OldPodsLeft", f"{left} pods of former revisions are to go") if left > 0 else None


def _terminating(case: _Case) -> Outcome | None:
    count = len(case.pods.terminating)
    said = f"{count} pods of former revisions are still terminating"
    return Outcome(_PROGRESSING, "OldPodsTerminating", said) if count else None


def _unready(case: _Case) -> Outcome | None:
    """The pods may be seen before the workload's own status has taken notice of them."""
    count = len(case.pods.unready)
    return Outcome(_PROGRESSING, "PodsNotReady", f"{count} pods of the new revision are not ready") if count else None


def _other_revision(case: _Case) -> Outcome | None:
    state = case.state
    if state.strategy == _ON_DELETE or state.partition or state.current_revision == state.update_revision:
        return None
    return Outcome(_PROGRESSING, "RevisionNotCurrent", f"revision {state.update_revision} is not the current one yet")


def _done(case: _Case) -> Outcome | None:
    """Complete in the object's own words, where it has some."""
    state = case.state
    if state.partition and state.updated < state.desired and case.root.kind.kind == "StatefulSet":
        kept = state.desired - state.updated
        said = f"{state.updated} of {state.desired} pods updated, the partition keeps {kept} back"
        return Outcome(_COMPLETE, "PartitionReached", said)
    condition = _condition(case.root, "Progressing")
    return Outcome(_COMPLETE, condition.reason if condition is not None else "")


_FIRST: tuple[_Rule, ...] = (_deleting, _unobserved)
_LAST: tuple[_Rule, ...] = (_old, _terminating, _unready, _done)
_DEPLOYMENT: tuple[_Rule, ...] = (
    *_FIRST,
    _paused,
    _broken,
    _refused,
    _late,
    _counts(
        _NOT_UPDATED,
        (
            lambda s: s.replicas > s.updated,
            "OldPodsLeft",
            "{s.replicas} pods, {s.updated} of them updated: old ones are to go",
        ),
        _NOT_AVAILABLE,
        _NOT_READY,
        _SURPLUS,
    ),
    *_LAST,
)
_STATEFUL_SET: tuple[_Rule, ...] = (
    *_FIRST,
    _broken,
    _blocked,
    _counts(_MISSING, _NOT_UPDATED, _NOT_READY, _NOT_AVAILABLE, _SURPLUS),
    _left_to_delete,
    _other_revision,
    *_LAST,
)
_DAEMON_SET: tuple[_Rule, ...] = (
    *_FIRST,
    _broken,
    _counts(_MISSING, _NOT_UPDATED, _NOT_AVAILABLE, _NOT_READY),
    _left_to_delete,
    *_LAST,
)
_KINDS: Mapping[tuple[str, str], Callable[[Object, Below], Rollout | None]] = {
    ("apps", "Deployment"): _workload(of_deployment, _DEPLOYMENT),
    ("apps", "StatefulSet"): _workload(of_stateful_set, _STATEFUL_SET),
    ("apps", "DaemonSet"): _workload(of_daemon_set, _DAEMON_SET),
    ("batch", "Job"): of_job,
    ("batch", "CronJob"): of_cron_job,
}
