"""What others say of the same objects: their rules, written down in their own order, slowly and obviously.

kstatus: kubernetes-sigs/cli-utils, pkg/kstatus/status. Argo CD: gitops-engine, pkg/health, and resource_customizations.
kubectl: k8s.io/kubectl, pkg/polymorphichelpers/rollout_status.go.
"""

from collections.abc import Callable

from kubediscovery.objects import (
    Condition,
    CronJobState,
    JobState,
    Object,
    Phase,
    PodState,
    StatusState,
    WorkloadState,
)

CURRENT, IN_PROGRESS, FAILED, TERMINATING = "Current", "InProgress", "Failed", "Terminating"
HEALTHY, SUSPENDED, PROGRESSING, DEGRADED, UNKNOWN = "Healthy", "Suspended", "Progressing", "Degraded", "Unknown"
DONE, WAITS, ERROR, SILENT = "done", "waits", "error", "-"


def held(conditions: tuple[Condition, ...], type_: str, status: str = "True") -> Condition | None:
    return next((found for found in conditions if (found.type, found.status) == (type_, status)), None)


def flag(state: StatusState, name: str) -> str:
    return dict(state.flags).get(name, "")


# kstatus


def kstatus(item: Object) -> str:
    state = item.state
    if item.deleting:
        return TERMINATING
    observed = getattr(state, "observed_generation", -1)
    if isinstance(state, WorkloadState) and not observed:
        observed = -1
    if item.generation and observed != -1 and observed != item.generation:
        return IN_PROGRESS
    conditions = () if isinstance(state, PodState) else getattr(state, "conditions", ())
    for found in conditions:
        if found.status == "True" and found.type in ("Reconciling", "Stalled"):
            return IN_PROGRESS if found.type == "Reconciling" else FAILED
    rule = KSTATUS.get((item.kind.group, item.kind.kind))
    if rule:
        return rule(item, state)
    for found in conditions:
        if found.type == "Ready" and found.status in ("True", "False", "Unknown"):
            return CURRENT if found.status == "True" else IN_PROGRESS
    return CURRENT


def kstatus_deployment(item: Object, state: WorkloadState) -> str:
    if any((found.type, found.reason) == ("Progressing", "ProgressDeadlineExceeded") for found in state.conditions):
        return FAILED
    progressing = any(
        (found.type, found.status, found.reason) == ("Progressing", "True", "NewReplicaSetAvailable")
        for found in state.conditions
    )
    waiting = (
        state.desired > state.replicas,
        state.desired > state.updated,
        state.replicas > state.desired,
        state.updated > state.available,
        state.desired > state.ready,
        not progressing and state.progress_deadline not in (0, 2**31 - 1),
        held(state.conditions, "Available") is None,
    )
    return IN_PROGRESS if any(waiting) else CURRENT


def kstatus_replica_set(item: Object, state: WorkloadState) -> str:
    waiting = (
        held(state.conditions, "ReplicaFailure") is not None,
        state.desired > state.updated,
        state.desired > state.available,
        state.desired > state.ready,
        state.replicas > state.desired,
    )
    return IN_PROGRESS if any(waiting) else CURRENT


def kstatus_stateful_set(item: Object, state: WorkloadState) -> str:
    """kube-apiserver sets a partition of 0 where there is none, so there always is one."""
    if state.strategy == "OnDelete":
        return CURRENT
    waiting = (
        state.desired > state.replicas,
        state.desired > state.ready,
        state.replicas > state.desired,
        state.updated < state.desired - state.partition,
    )
    return IN_PROGRESS if any(waiting) else CURRENT


def kstatus_daemon_set(item: Object, state: WorkloadState) -> str:
    counts = (state.replicas, state.updated, state.available, state.ready)
    unobserved = not item.generation or not state.observed_generation
    return IN_PROGRESS if unobserved or any(state.desired > count for count in counts) else CURRENT


def kstatus_job(item: Object, state: JobState) -> str:
    for found in state.conditions:
        if found.status == "True" and found.type in ("Complete", "Failed"):
            return CURRENT if found.type == "Complete" else FAILED
        if found.status == "True" and found.type == "Suspended" and state.suspended:
            return CURRENT
    return CURRENT if state.started else IN_PROGRESS


def kstatus_pod(item: Object, state: PodState) -> str:
    if state.phase in ("Succeeded", "Failed"):
        return CURRENT
    if state.phase == "Running":
        if state.is_ready:
            return CURRENT
        looping = [found for found in state.troubles if found.reason == "CrashLoopBackOff" and not found.init]
        return FAILED if any(found.phase is Phase.WAITING for found in looping) else IN_PROGRESS
    if state.phase == "Pending":
        found = held(state.conditions, "PodScheduled", "False")
        return FAILED if state.overdue and found and found.reason == "Unschedulable" else IN_PROGRESS
    return UNKNOWN if state.phase else IN_PROGRESS


def kstatus_definition(item: Object, state: StatusState) -> str:
    for found in state.conditions:
        if (found.type, found.status) == ("NamesAccepted", "False"):
            return FAILED
        if found.type == "Established":
            if found.status == "False" and found.reason != "Installing":
                return FAILED
            if found.status == "True":
                return CURRENT
    return IN_PROGRESS


def kstatus_service(item: Object, state: StatusState) -> str:
    return IN_PROGRESS if flag(state, "type") == "LoadBalancer" and not flag(state, "clusterIP") else CURRENT


def kstatus_claim(item: Object, state: StatusState) -> str:
    return CURRENT if state.phase == "Bound" else IN_PROGRESS


def always_current(item: Object, state: object) -> str:
    return CURRENT


KSTATUS: dict[tuple[str, str], Callable[..., str]] = {
    ("apps", "Deployment"): kstatus_deployment,
    ("apps", "ReplicaSet"): kstatus_replica_set,
    ("apps", "StatefulSet"): kstatus_stateful_set,
    ("apps", "DaemonSet"): kstatus_daemon_set,
    ("batch", "Job"): kstatus_job,
    ("batch", "CronJob"): always_current,
    ("", "Pod"): kstatus_pod,
    ("", "Service"): kstatus_service,
    ("", "PersistentVolumeClaim"): kstatus_claim,
    ("policy", "PodDisruptionBudget"): always_current,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): kstatus_definition,
}


# Argo CD


def argo_cd(item: Object) -> str:
    if item.deleting:
        return PROGRESSING
    rule = ARGO_CD.get((item.kind.group, item.kind.kind))
    return rule(item, item.state) if rule else SILENT


def argo_deployment(item: Object, state: WorkloadState) -> str:
    if state.paused:
        return SUSPENDED
    if item.generation > state.observed_generation:
        return PROGRESSING
    if any((found.type, found.reason) == ("Progressing", "ProgressDeadlineExceeded") for found in state.conditions):
        return DEGRADED
    waiting = state.updated < state.desired or state.replicas > state.updated or state.available < state.updated
    return PROGRESSING if waiting else HEALTHY


def argo_replica_set(item: Object, state: WorkloadState) -> str:
    if item.generation > state.observed_generation:
        return PROGRESSING
    if held(state.conditions, "ReplicaFailure"):
        return DEGRADED
    return PROGRESSING if state.available < state.desired else HEALTHY


def argo_stateful_set(item: Object, state: WorkloadState) -> str:
    if not state.observed_generation or item.generation > state.observed_generation or state.ready < state.desired:
        return PROGRESSING
    rolling = state.strategy == "RollingUpdate"
    return PROGRESSING if rolling and state.updated < state.desired - state.partition else HEALTHY


def argo_daemon_set(item: Object, state: WorkloadState) -> str:
    if item.generation > state.observed_generation:
        return PROGRESSING
    waiting = state.updated < state.desired or state.available < state.desired
    return PROGRESSING if state.strategy != "OnDelete" and waiting else HEALTHY


def argo_job(item: Object, state: JobState) -> str:
    types = {found.type for found in state.conditions}
    if "Failed" in types:
        return DEGRADED
    if held(state.conditions, "Suspended"):
        return SUSPENDED
    return HEALTHY if types & {"Complete", "Suspended"} else PROGRESSING


def argo_cron_job(item: Object, state: CronJobState) -> str:
    ended = not state.suspended and state.last_success and not state.active
    return DEGRADED if ended and state.last_success < state.last_schedule else HEALTHY


def argo_pod(item: Object, state: PodState) -> str:
    waiting = [found.reason for found in state.troubles if found.phase is Phase.WAITING and not found.init]
    always = state.restart_policy == "Always"
    if always and any(found.startswith("Err") or found.endswith(("Error", "BackOff")) for found in waiting):
        return DEGRADED
    if state.phase == "Running":
        if always and state.is_ready:
            return HEALTHY
        ended = any(found.terminated_before for found in state.troubles if not found.init)
        return DEGRADED if always and ended else PROGRESSING
    phases = {"Pending": PROGRESSING, "Succeeded": HEALTHY, "Failed": DEGRADED}
    return phases.get(state.phase, UNKNOWN)


def argo_autoscaler(item: Object, state: StatusState) -> str:
    if any(found.reason.startswith("Failed") or found.reason == "InvalidSelector" for found in state.conditions):
        return DEGRADED
    scaling = held(state.conditions, "AbleToScale") or held(state.conditions, "ScalingLimited")
    return HEALTHY if scaling else PROGRESSING


def argo_budget(item: Object, state: StatusState) -> str:
    if any(found.status == "False" and found.reason != "InsufficientPods" for found in state.conditions):
        return DEGRADED
    return HEALTHY if state.conditions else PROGRESSING


def argo_definition(item: Object, state: StatusState) -> str:
    if not state.conditions:
        return PROGRESSING
    if held(state.conditions, "NamesAccepted", "False") or held(state.conditions, "NonStructuralSchema"):
        return DEGRADED
    return HEALTHY if held(state.conditions, "Established") else DEGRADED


def argo_gateway(item: Object, state: StatusState) -> str:
    if held(state.conditions, "ResolvedRefs", "False") or held(state.conditions, "Accepted", "False"):
        return DEGRADED
    waiting = any(found.type == "Programmed" and found.status != "True" for found in state.conditions)
    return PROGRESSING if waiting or not state.conditions else HEALTHY


def argo_address(item: Object, state: StatusState) -> str:
    needed = item.kind.kind == "Ingress" or flag(state, "type") == "LoadBalancer"
    return PROGRESSING if needed and not flag(state, "address") else HEALTHY


def argo_claim(item: Object, state: StatusState) -> str:
    return {"Lost": DEGRADED, "Pending": PROGRESSING, "Bound": HEALTHY}.get(state.phase, UNKNOWN)


ARGO_CD: dict[tuple[str, str], Callable[..., str]] = {
    ("apps", "Deployment"): argo_deployment,
    ("apps", "ReplicaSet"): argo_replica_set,
    ("apps", "StatefulSet"): argo_stateful_set,
    ("apps", "DaemonSet"): argo_daemon_set,
    ("batch", "Job"): argo_job,
    ("batch", "CronJob"): argo_cron_job,
    ("", "Pod"): argo_pod,
    ("", "Service"): argo_address,
    ("", "PersistentVolumeClaim"): argo_claim,
    ("networking.k8s.io", "Ingress"): argo_address,
    ("autoscaling", "HorizontalPodAutoscaler"): argo_autoscaler,
    ("policy", "PodDisruptionBudget"): argo_budget,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): argo_definition,
    ("apiregistration.k8s.io", "APIService"): lambda _, state: (
        HEALTHY if held(state.conditions, "Available") else PROGRESSING
    ),
    ("gateway.networking.k8s.io", "Gateway"): argo_gateway,
    ("gateway.networking.k8s.io", "HTTPRoute"): argo_gateway,
}


# kubectl rollout status


def kubectl(item: Object) -> str:
    state = item.state
    rule = KUBECTL.get((item.kind.group, item.kind.kind))
    return rule(item, state) if rule and isinstance(state, WorkloadState) else SILENT


def kubectl_deployment(item: Object, state: WorkloadState) -> str:
    if item.generation > state.observed_generation:
        return WAITS
    if any((found.type, found.reason) == ("Progressing", "ProgressDeadlineExceeded") for found in state.conditions):
        return ERROR
    waiting = state.updated < state.desired or state.replicas > state.updated or state.available < state.updated
    return WAITS if waiting else DONE


def kubectl_stateful_set(item: Object, state: WorkloadState) -> str:
    if state.strategy != "RollingUpdate":
        return ERROR
    if not state.observed_generation or item.generation > state.observed_generation:
        return WAITS
    waiting = state.ready < state.desired or state.updated < state.desired - state.partition
    return WAITS if waiting else DONE


def kubectl_daemon_set(item: Object, state: WorkloadState) -> str:
    if state.strategy != "RollingUpdate":
        return ERROR
    waiting = (
        item.generation > state.observed_generation or state.updated < state.desired or state.available < state.desired
    )
    return WAITS if waiting else DONE


KUBECTL: dict[tuple[str, str], Callable[..., str]] = {
    ("apps", "Deployment"): kubectl_deployment,
    ("apps", "StatefulSet"): kubectl_stateful_set,
    ("apps", "DaemonSet"): kubectl_daemon_set,
}
