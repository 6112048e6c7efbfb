"""Which object holds a rollout up, and in which words: from its own status, never from its name or its age.

The reasons are the kubelet's (k8s.io/kubernetes, ``pkg/kubelet/container/sync_result.go`` and
``pkg/kubelet/images/types.go``) and the scheduler's.
"""

from collections.abc import Callable, Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from kubediscovery.health_pods import is_stuck, is_unschedulable
from kubediscovery.objects import Condition, ContainerTrouble, Object, Phase, PodState

# A first restart may be one too early for what it needs; the second is a loop.
_RESTARTS_OF_A_LOOP = 2
CRASH_LOOP = "CrashLoopBackOff"
_ENDED = ("Succeeded", "Failed")
# What a name ends with counts as a number as far as a StatefulSet has one.
_LONGEST_ORDINAL = 10
Order = tuple[str, int, str]


class Culprit(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The object that holds a rollout up, with its own words."""

    kind: Annotated[str, Meta(description="Kind of the object, as in Pod.")]
    name: Annotated[str, Meta(description="Name of the object.")]
    reason: Annotated[str, Meta(description="One CamelCase word for what is wrong, its own, as in CrashLoopBackOff.")]
    message: Annotated[str, Meta(description="What is wrong in a sentence, with the words that its status has.")] = ""
    namespace: Annotated[str, Meta(description="Namespace of the object; left out for cluster-scoped kinds.")] = ""
    container: Annotated[str | None, Meta(description="Name of the container that it is about.")] = None
    exit_code: Annotated[
        int | None, Meta(description="Exit code with which the container ended, the last time that it did.")
    ] = None
    last_reason: Annotated[
        str | None, Meta(description="Why the container ended, the last time that it did, as in OOMKilled.")
    ] = None
    restarts: Annotated[int | None, Meta(description="How often the pod's containers were restarted, in all.")] = None


def is_active(pod: Object) -> bool:
    """Whether a controller counts the pod (k8s.io/kubernetes, ``pkg/controller/controller_utils.go``, IsPodActive)."""
    return not pod.deleting and not (isinstance(pod.state, PodState) and pod.state.phase in _ENDED)


def has_ended(pod: Object) -> bool:
    """Whether the pod will never run again."""
    return isinstance(pod.state, PodState) and pod.state.phase in _ENDED


def is_ready(pod: Object) -> bool:
    """Whether the pod's condition Ready is True."""
    return isinstance(pod.state, PodState) and pod.state.is_ready


def broken(pod: Object) -> Culprit | None:
    """The pod as a culprit, where it will not become ready by itself; None for one that is ready or only slow.

    That is a container in back-off or one that cannot be started, one that is not ready after it was started again
    twice, and a pod that no node takes for longer than the scheduler is given.
    """
    state = pod.state
    if not isinstance(state, PodState) or not is_active(pod) or state.is_ready:
        return None
    if stuck := next(filter(is_stuck, state.troubles), None):
        return _of_container(pod, state, stuck, stuck.reason)
    if state.restarts >= _RESTARTS_OF_A_LOOP:
        looping = next((found for found in state.troubles if found.terminated_before and not found.init), None)
        if looping is not None:
            return _of_container(pod, state, looping, looping.reason or looping.last_reason or "Error")
    return _unscheduled(pod, state)


def unready(pod: Object) -> Culprit | None:
    """The pod as a culprit where it is not ready, whatever the reason; to be asked once its time is over."""
    state = pod.state
    if not isinstance(state, PodState) or not is_active(pod) or state.is_ready:
        return None
    waiting = next(iter(state.troubles), None)
    condition = next(iter(sorted(state.conditions, key=lambda found: found.type != "PodScheduled")), None)
    reason = (condition.reason if condition else "") or state.reason or "NotReady"
    message = (condition.message if condition else "") or state.message or "the pod is not ready"
    container = waiting.name if waiting else None
    return _culprit(pod, reason, f"pod {pod.name}: {message}", container=container, restarts=state.restarts or None)


def ended_badly(pod: Object) -> Culprit | None:
    """The pod as a culprit where it has failed, or where a container of it did and is to be started again."""
    state = pod.state
    if not isinstance(state, PodState):
        return None
    ended = next((found for found in state.troubles if found.exit_code or found.last_exit_code), None)
    if ended is not None:
        reason = state.reason or ended.reason or ended.last_reason or "Error"
        return _of_container(pod, state, ended, reason)
    if state.phase != "Failed":
        return None
    return _culprit(pod, state.reason or "Failed", f"pod {pod.name}: {state.message or 'it has failed'}")


def by_condition(item: Object, condition: Condition) -> Culprit:
    """An object as a culprit that says by a condition of its own what is wrong."""
    return _culprit(item, condition.reason or condition.type, condition.message)


def by_name(pod: Object) -> Order:
    """A pod's place by its name; a number at the end of it counts as one, as a StatefulSet has it."""
    stem, _, number = pod.name.rpartition("-")
    is_number = number.isascii() and number.isdecimal() and len(number) <= _LONGEST_ORDINAL
    return (stem, int(number), pod.uid) if is_number else (pod.name, -1, pod.uid)


def by_end(pod: Object) -> Order:
    """A pod's place by when it ended: what ended last says more than what was tried first."""
    return ("" if has_ended(pod) else "later", -pod.created, pod.uid)


def first(
    pods: Iterable[Object], judge: Callable[[Object], Culprit | None], order: Callable[[Object], Order] = by_name
) -> Culprit | None:
    """The first culprit among the pods; those whose containers fail before those that only wait."""
    found = [(culprit.container is None, order(pod), culprit) for pod in pods if (culprit := judge(pod)) is not None]
    return min(found, key=lambda place: place[:2])[2] if found else None


def _culprit(
    item: Object,
    reason: str,
    message: str,
    *,
    container: str | None = None,
    exit_code: int | None = None,
    last_reason: str | None = None,
    restarts: int | None = None,
) -> Culprit:
    return Culprit(
        kind=item.kind.kind,
        namespace=item.namespace,
        name=item.name,
        reason=reason,
        message=message,
        container=container,
        exit_code=exit_code,
        last_reason=last_reason,
        restarts=restarts,
    )


def _unscheduled(pod: Object, state: PodState) -> Culprit | None:
    if not state.overdue or not is_unschedulable(state):
        return None
    found = next(condition for condition in state.conditions if condition.type == "PodScheduled")
    return _culprit(pod, found.reason, f"pod {pod.name}: {found.message}")


def _of_container(pod: Object, state: PodState, trouble: ContainerTrouble, reason: str) -> Culprit:
    has_ended_now = trouble.phase is Phase.TERMINATED
    exit_code = trouble.exit_code if has_ended_now else trouble.last_exit_code if trouble.terminated_before else None
    last_reason = trouble.reason if has_ended_now else trouble.last_reason
    return _culprit(
        pod,
        reason,
        _words(pod, trouble, exit_code, last_reason),
        container=trouble.name,
        exit_code=exit_code,
        last_reason=last_reason or None,
        restarts=state.restarts or None,
    )


def _words(pod: Object, trouble: ContainerTrouble, exit_code: int | None, last_reason: str) -> str:
    """``pod web-1, container app: back-off 10s restarting failed container; it ended with exit code 1 (Error)``."""
    said = [trouble.message] if trouble.message else []
    if exit_code is not None:
        said.append(f"it ended with exit code {exit_code}" + (f" ({last_reason})" if last_reason else ""))
    what = "init container" if trouble.init else "container"
    where = f"pod {pod.name}, {what} {trouble.name}"
    return f"{where}: {'; '.join(said)}" if said else where
