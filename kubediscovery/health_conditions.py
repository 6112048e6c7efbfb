"""What a status says by convention, whatever its kind: kstatus's generic rules (pkg/kstatus/status/generic.go,
status.go), and the conditions and fields that kinds without a rule of their own have in common.
"""

from collections.abc import Iterable

from kubediscovery.health_terms import HEALTHY, Health, Verdict, by_condition, condition_of
from kubediscovery.objects import Condition, Object, StatusState

UNOBSERVED = Verdict(Health.PROGRESSING, "GenerationNotObserved", "the last change has not been seen yet")
_NOT_TRUE = ("False", "Unknown")


def unobserved(item: Object, observed_generation: int) -> Verdict | None:
    """Progressing where the status is about another generation than the present one; neither known says nothing."""
    if item.generation and observed_generation > -1 and observed_generation != item.generation:
        # Before all else: the conditions are about what was wanted before.
        return UNOBSERVED
    return None


def announced(conditions: Iterable[Condition]) -> Verdict | None:
    """What the first of kstatus's own conditions says that holds: Reconciling or Stalled."""
    for condition in conditions:
        if condition.status == "True" and (health := _STANDARD.get(condition.type)):
            return by_condition(health, condition)
    return None


_STANDARD = {"Reconciling": Health.PROGRESSING, "Stalled": Health.DEGRADED}


def by_convention(state: StatusState, *, counts: bool) -> Verdict:
    """The verdict on a kind that has no rule: by its conditions, first by those that say most.

    ``counts`` says that the numbers of a status are of replicas.
    """
    conditions = state.conditions
    if dict(state.flags).get("suspended") == "true":
        return Verdict(Health.SUSPENDED, "Suspended", "suspended by its spec")
    if failed := condition_of(conditions, "Degraded", "True") or _overdue(conditions):
        return by_condition(Health.DEGRADED, failed)
    if ready := condition_of(conditions, "Ready", "True", *_NOT_TRUE):
        return by_condition(Health.HEALTHY if ready.status == "True" else Health.PROGRESSING, ready)
    if unavailable := condition_of(conditions, "Available", *_NOT_TRUE):
        return by_condition(Health.PROGRESSING, unavailable)
    progressing = condition_of(conditions, "Progressing", "True")
    if progressing and progressing.reason != "NewReplicaSetAvailable":
        return by_condition(Health.PROGRESSING, progressing)
    return (_counted(state) if counts else None) or HEALTHY


def _counted(state: StatusState) -> Verdict | None:
    """Progressing where fewer are ready than wanted; nothing where either is not counted."""
    if -1 < state.ready < state.desired:
        return Verdict(Health.PROGRESSING, "NotReady", f"{state.ready} of {state.desired} ready")
    return None


def _overdue(conditions: Iterable[Condition]) -> Condition | None:
    found = condition_of(conditions, "Progressing", "False")
    return found if found and found.reason == "ProgressDeadlineExceeded" else None
