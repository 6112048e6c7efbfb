"""Health of pods: kstatus's rule (pkg/kstatus/status/core.go) and gitops-engine's (pkg/health/health_pod.go)."""

from kubediscovery.health_conditions import unobserved
from kubediscovery.health_terms import HEALTHY, Health, Verdict
from kubediscovery.objects import ContainerTrouble, Object, Phase, PodState

_KNOWN_PHASES = ("", "Pending", "Running")


def assess_pod(item: Object, state: PodState) -> Verdict:
    """The verdict on a pod, by its phase and by what its containers are in trouble with."""
    if state.observed_generation >= 0 and (verdict := unobserved(item, state.observed_generation)):
        return verdict
    if state.is_ready and state.phase == "Running" and not state.troubles:
        # What nearly all pods are: the rules below come to the same.
        return HEALTHY
    if state.phase == "Succeeded":
        return Verdict(Health.HEALTHY, "Succeeded")
    if state.phase == "Failed":
        return _failed(state)
    if state.phase not in _KNOWN_PHASES:
        return Verdict(Health.UNKNOWN, state.reason or "Unknown", state.message or "its node does not answer")
    if stuck := next((trouble for trouble in state.troubles if is_stuck(trouble)), None):
        return Verdict(Health.DEGRADED, stuck.reason, _container_message(stuck))
    if state.is_ready and state.phase == "Running":
        return HEALTHY
    if again := next((trouble for trouble in state.troubles if trouble.terminated_before), None):
        return Verdict(Health.DEGRADED, again.reason or again.last_reason or "Error", _container_message(again))
    return _waiting(state)


def is_stuck(trouble: ContainerTrouble) -> bool:
    """Waiting for a reason that does not pass by itself."""
    reason = trouble.reason
    stuck = reason.startswith("Err") or reason.endswith(("Error", "BackOff")) or reason == "InvalidImageName"
    return trouble.phase is Phase.WAITING and stuck


def is_unschedulable(state: PodState) -> bool:
    """Whether the scheduler has said that it finds no node for the pod."""
    return state.phase == "Pending" and any(
        found.type == "PodScheduled" and found.status == "False" and found.reason == "Unschedulable"
        for found in state.conditions
    )


def _waiting(state: PodState) -> Verdict:
    health = Health.DEGRADED if state.overdue and is_unschedulable(state) else Health.PROGRESSING
    condition = next(iter(sorted(state.conditions, key=lambda found: found.type != "PodScheduled")), None)
    if condition is None:
        return Verdict(health, state.reason or state.phase, state.message)
    return Verdict(health, condition.reason, condition.message)


def _failed(state: PodState) -> Verdict:
    ended = next((trouble for trouble in state.troubles if trouble.exit_code), None)
    if state.reason or ended is None:
        return Verdict(Health.DEGRADED, state.reason or "Failed", state.message)
    return Verdict(Health.DEGRADED, ended.reason or "Error", _container_message(ended))


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
