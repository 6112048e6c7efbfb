"""What the readers of all kinds share: conditions, images, times and selectors, of either encoding."""

import sys
from collections.abc import Callable, Container, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from kubediscovery import schema
from kubediscovery.objects import Condition, Reference, State
from kubediscovery.selectors import Label, Requirement, Selector
from kubediscovery.sharing import Sharing

# A container's message is shown, never parsed: 1 KB of it says enough.
MESSAGE_LIMIT = 1024
# Conditions that are remembered: of Deployments that are well all say the same.
_CONDITIONS = 512
# Go's names of the operators (k8s.io/apimachinery, pkg/apis/meta/v1/helpers.go, LabelSelectorAsSelector).
_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent"}


class Reading(NamedTuple):
    """What an object says beside its metadata; ``node`` is the one that a Pod is bound to."""

    state: State
    references: tuple[Reference, ...] = ()
    selector: Selector | None = None
    node: str = ""


class Shape(NamedTuple):
    """What is decoded of a kind, and what is made of it; ``metadata_only`` asks kube-apiserver for nothing else.

    One that ``selects`` reads a selector of the kind's own.
    """

    message: type[schema.Message]
    read: Callable[[Any, Sharing], Reading]
    metadata_only: bool = False
    custom: bool = False
    selects: bool = False


def row(
    message: type[schema.Message],
    state: Callable[[Any], State],
    references: Callable[[Any], Iterable[Reference]] | None = None,
    selector: Callable[[Any], Selector | None] | None = None,
    *,
    custom: bool = False,
) -> Shape:
    """A shape out of one function for each part of a reading. References are named once, empty ones never."""

    def read(raw: Any, sharing: Sharing) -> Reading:
        del sharing
        names = named(references(raw)) if references is not None else ()
        return Reading(state(raw), names, selector(raw) if selector is not None else None)

    return Shape(message, read, custom=custom, selects=selector is not None)


def named(references: Iterable[Reference]) -> tuple[Reference, ...]:
    """Each of the references that name something, once, in their order."""
    return tuple(dict.fromkeys(reference for reference in references if reference.name))


def seconds(time: schema.Time | None) -> int:
    """Seconds since 1970, 0 for no time."""
    return time.seconds if time is not None else 0


def observed(generation: int) -> int:
    """An observed generation, -1 for none: one that is 0 is not written (``omitempty``)."""
    return generation or -1


def group_of(api_version: str) -> str:
    """``apps`` of ``apps/v1``, empty for the core group."""
    return api_version.rpartition("/")[0]


def conditions(
    raw: Iterable[schema.ObjectCondition | schema.ProbedCondition], *, untold: Container[tuple[str, str]] = ()
) -> tuple[Condition, ...]:
    """Conditions in their order, with messages cut; what they say in the same words is kept once.

    Those with a type and status that are ``untold`` have no message.
    """

    def read(found: schema.ObjectCondition | schema.ProbedCondition) -> Condition:
        type_, status = found.type, found.status
        message = "" if (type_, status) in untold else found.message[:MESSAGE_LIMIT]
        return _condition(type_, status, found.reason, message)

    return tuple(map(read, raw))


@lru_cache(_CONDITIONS)
def _condition(kind: str, status: str, reason: str, message: str) -> Condition:
    intern = sys.intern
    return Condition(intern(kind), intern(status), intern(reason), message)


def images(*containers: Iterable[Any]) -> tuple[str, ...]:
    """Each image once, in the order of containers."""
    found = [sys.intern(image) for group in containers for container in group if (image := container.image)]
    return tuple(dict.fromkeys(found))


def flags(values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The flags of a state: sorted, without those that are empty."""
    return tuple(sorted((name, value) for name, value in values.items() if value))


def exact(labels: Mapping[str, str]) -> Selector | None:
    """The selector that a map of labels is; one without labels selects nothing (a Service's, for one)."""
    return Selector(_wanted(labels)) if labels else None


def _wanted(labels: Mapping[str, str]) -> tuple[Label, ...]:
    intern = sys.intern
    return tuple(sorted([(intern(key), intern(value)) for key, value in labels.items()]))


def label_selector(raw: schema.LabelSelector) -> Selector | None:
    """A LabelSelector that is there: an empty one selects everything. None for one that Kubernetes would refuse."""
    labels = _wanted(raw.match_labels)
    if not raw.match_expressions:
        return Selector(labels)
    if any(found.operator not in _OPERATORS for found in raw.match_expressions):
        return None
    requirements = (
        Requirement(found.key, _OPERATORS[found.operator], frozenset(found.values)) for found in raw.match_expressions
    )
    return Selector((*labels, *requirements))


def spec_selector(raw: Any) -> Selector | None:
    """``spec.selector``; one that is absent selects nothing."""
    return label_selector(raw.spec.selector) if schema.has(raw.spec, "selector") else None
