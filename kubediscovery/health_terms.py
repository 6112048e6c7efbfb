"""The words in which health is told, and what all rules have in common."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from kubediscovery.objects import Condition


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


def by_condition(health: Health, condition: Condition) -> Verdict:
    """A verdict in the condition's own words; without a reason its type is one."""
    return Verdict(health, condition.reason or condition.type, condition.message)


def condition_of(conditions: Iterable[Condition], type_: str, *statuses: str) -> Condition | None:
    """The first condition of a type, with one of these statuses where some are given."""
    for condition in conditions:
        if condition.type == type_ and (not statuses or condition.status in statuses):
            return condition
    return None
