"""Is an object all right? One verdict an object, from its own status alone and from no clock.

In this order: what is being deleted; what the configuration judges; whether the status is about the present generation;
kstatus's own conditions; the rule of the kind; what kinds without a rule say by convention. docs/health.md says where
this is meant to differ from kstatus, from Argo CD and from ``kubectl rollout status``.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar, cast

from kubediscovery.health_conditions import announced, unobserved
from kubediscovery.health_kinds import by_kind
from kubediscovery.health_pods import assess_pod
from kubediscovery.health_terms import HEALTHY, Health, Verdict
from kubediscovery.health_workloads import assess_cron_job, assess_job, assess_workload
from kubediscovery.objects import CronJobState, JobState, Judgement, Object, PodState, State, StatusState, WorkloadState

__all__ = ["HEALTHY", "MISSING", "Health", "Verdict", "assess", "worst"]

S = TypeVar("S", bound=State)

#: The verdict on what something refers to and what is not there.
MISSING = Verdict(Health.MISSING, "NotFound", "there is no such object")
_SEVERITY = {health: rank for rank, health in enumerate(Health)}


def worst(healths: Iterable[Health]) -> Health:
    """The worst of them; Healthy of none."""
    return max(healths, key=_SEVERITY.__getitem__, default=Health.HEALTHY)


def assess(item: Object) -> Verdict:
    """The verdict on one object, without what it owns; of any object there is one."""
    if item.deleting:
        return Verdict(Health.PROGRESSING, "Terminating", "being deleted")
    if item.judgement is not None:
        return _judged(item.judgement)
    rule = _RULES.get(type(item.state))
    return rule(item, item.state) if rule else HEALTHY


def _judged(judgement: Judgement) -> Verdict:
    health = Health(judgement.health) if judgement.health in _SEVERITY else Health.UNKNOWN
    return Verdict(health, judgement.reason, judgement.message)


def _assess_status(item: Object, state: StatusState) -> Verdict:
    return unobserved(item, state.observed_generation) or announced(state.conditions) or by_kind(item.kind, state)


def _row(state: type[S], rule: Callable[[Object, S], Verdict]) -> tuple[type, Callable[[Object, State], Verdict]]:
    """A row of the table: its key is what makes the rule fit."""
    return state, cast(Callable[[Object, State], Verdict], rule)


_RULES: Mapping[type, Callable[[Object, State], Verdict]] = dict(
    (
        _row(WorkloadState, assess_workload),
        _row(JobState, assess_job),
        _row(CronJobState, assess_cron_job),
        _row(PodState, assess_pod),
        _row(StatusState, _assess_status),
    )
)
