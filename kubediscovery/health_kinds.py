"""Health of Kubernetes's own kinds whose status has no state of its own: one rule a kind.

A rule gives None where it has nothing to say. The sources are kstatus (pkg/kstatus/status/core.go) and Argo CD
(gitops-engine, pkg/health, and resource_customizations); where they differ, docs/health.md says who is followed.
"""

from collections.abc import Callable, Mapping

from kubediscovery.health_conditions import by_convention
from kubediscovery.health_terms import HEALTHY, Health, Verdict, by_condition, condition_of
from kubediscovery.kinds import Kind
from kubediscovery.objects import StatusState

Rule = Callable[[StatusState], Verdict | None]

_NOT_TRUE = ("False", "Unknown")


def by_kind(kind: Kind, state: StatusState) -> Verdict:
    """What the kind's own rule says, else what is convention."""
    rule = _RULES.get((kind.group, kind.kind)) or _GROUP_RULES.get(kind.group)
    return (rule(state) if rule else None) or by_convention(state, counts=kind.custom)


def _claim(state: StatusState) -> Verdict:
    if state.phase == "Lost":
        return Verdict(Health.DEGRADED, "Lost", "its volume is gone")
    if state.phase != "Bound":
        return Verdict(Health.PROGRESSING, "NotBound", f"the claim is {state.phase or 'new'}, not bound")
    return Verdict(Health.HEALTHY, "Bound")


def _volume(state: StatusState) -> Verdict | None:
    health = _VOLUME_PHASES.get(state.phase)
    return Verdict(health, state.phase, f"the volume is {state.phase}") if health else None


_VOLUME_PHASES = {"Pending": Health.PROGRESSING, "Failed": Health.DEGRADED}


def _attachment(state: StatusState) -> Verdict | None:
    flags = dict(state.flags)
    if error := flags.get("error"):
        return Verdict(Health.DEGRADED, "AttachFailed", error)
    if flags.get("attached") != "true":
        return Verdict(Health.PROGRESSING, "NotAttached", "the volume is not attached yet")
    return None


def _service(state: StatusState) -> Verdict:
    flags = dict(state.flags)
    if flags.get("type") != "LoadBalancer":
        return HEALTHY
    if not flags.get("clusterIP"):
        return Verdict(Health.PROGRESSING, "NoIPAssigned", "it has no cluster IP yet")
    return _addressed(state) or HEALTHY


def _addressed(state: StatusState) -> Verdict | None:
    if dict(state.flags).get("address"):
        return None
    return Verdict(Health.PROGRESSING, "NoAddress", "no load balancer has given it an address yet")


def _autoscaler(state: StatusState) -> Verdict:
    for condition in state.conditions:
        if condition.reason in _SCALING_FAULTS.get(condition.type, ()):
            return by_condition(Health.DEGRADED, condition)
    for type_ in ("AbleToScale", "ScalingLimited"):
        if scaling := condition_of(state.conditions, type_, "True"):
            return Verdict(Health.HEALTHY, scaling.reason)
    return Verdict(Health.PROGRESSING, "NotScaledYet", "waiting to scale")


_SCALING_FAULTS: Mapping[str, tuple[str, ...]] = {
    "AbleToScale": ("FailedGetScale", "FailedUpdateScale"),
    "ScalingActive": (
        "FailedGetResourceMetric",
        "FailedGetContainerResourceMetric",
        "FailedGetObjectMetric",
        "FailedGetPodsMetric",
        "FailedGetExternalMetric",
        "FailedComputeMetricsReplicas",
        "InvalidSelector",
    ),
}


def _budget(state: StatusState) -> Verdict:
    for condition in state.conditions:
        # Too few pods is what a budget is for, not its own fault.
        if condition.status == "False" and condition.reason != "InsufficientPods":
            return by_condition(Health.DEGRADED, condition)
    return HEALTHY


def _definition(state: StatusState) -> Verdict:
    if unstructured := condition_of(state.conditions, "NonStructuralSchema", "True"):
        return by_condition(Health.DEGRADED, unstructured)
    for condition in state.conditions:
        if condition.type == "NamesAccepted" and condition.status == "False":
            return by_condition(Health.DEGRADED, condition)
        if condition.type == "Established" and condition.status == "True":
            return Verdict(Health.HEALTHY, "Established")
        if condition.type == "Established" and condition.status == "False" and condition.reason != "Installing":
            return by_condition(Health.DEGRADED, condition)
    return Verdict(Health.PROGRESSING, "Installing", "it is being installed")


def _api_service(state: StatusState) -> Verdict:
    available = condition_of(state.conditions, "Available")
    if available is None:
        return Verdict(Health.PROGRESSING, "NotAvailable", "it has not been looked at yet")
    return by_condition(Health.HEALTHY if available.status == "True" else Health.PROGRESSING, available)


def _node(state: StatusState) -> Verdict | None:
    if lost := condition_of(state.conditions, "Ready", "Unknown"):
        return by_condition(Health.DEGRADED, lost)
    if unready := condition_of(state.conditions, "Ready", "False"):
        return by_condition(Health.PROGRESSING, unready)
    for type_ in ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"):
        if pressure := condition_of(state.conditions, type_, "True"):
            return by_condition(Health.DEGRADED, pressure)
    if dict(state.flags).get("unschedulable") == "true":
        return Verdict(Health.SUSPENDED, "Unschedulable", "new pods are not scheduled to it")
    return None


def _gateway_api(state: StatusState) -> Verdict | None:
    for type_ in ("ResolvedRefs", "Accepted"):
        if refused := condition_of(state.conditions, type_, "False"):
            return by_condition(Health.DEGRADED, refused)
    for type_ in ("Accepted", "Programmed"):
        if awaited := condition_of(state.conditions, type_, *_NOT_TRUE):
            return by_condition(Health.PROGRESSING, awaited)
    return None


def _attended(state: StatusState) -> Verdict | None:
    """What only works once a controller has said something of it."""
    if not state.conditions:
        return Verdict(Health.PROGRESSING, "NotAccepted", "no controller has said anything of it yet")
    return _gateway_api(state)


_GATEWAY_API = "gateway.networking.k8s.io"
_ATTENDED = ("Gateway", "GatewayClass", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
_RULES: Mapping[tuple[str, str], Rule] = {
    ("", "PersistentVolumeClaim"): _claim,
    ("", "PersistentVolume"): _volume,
    ("", "Service"): _service,
    ("", "Node"): _node,
    ("networking.k8s.io", "Ingress"): _addressed,
    ("storage.k8s.io", "VolumeAttachment"): _attachment,
    ("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
    ("policy", "PodDisruptionBudget"): _budget,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
    ("apiregistration.k8s.io", "APIService"): _api_service,
    **{(_GATEWAY_API, kind): _attended for kind in _ATTENDED},
}
_GROUP_RULES: Mapping[str, Rule] = {_GATEWAY_API: _gateway_api}
