"""What is read of Kubernetes's own kinds beside those that make pods."""

from collections.abc import Iterator
from itertools import chain

from kubediscovery import references, schema, schema_cluster, schema_network, schema_storage
from kubediscovery.objects import AggregationState, EventState, MetadataState, StatusState
from kubediscovery.readings import (
    MESSAGE_LIMIT,
    Shape,
    conditions,
    exact,
    flags,
    label_selector,
    observed,
    row,
    seconds,
    spec_selector,
)
from kubediscovery.selectors import Requirement, Selector

# How kinds of custom resources declared what their objects lead to, for the first kubediscovery.
_DECLARING = ("resource/composition", "resource/usage")
_RELATIONSHIP = ("resource/", "-relationship")
_RBAC, _ADMISSION, _STORAGE = "rbac.authorization.k8s.io", "admissionregistration.k8s.io", "storage.k8s.io"


def _metadata(_: object) -> MetadataState:
    return MetadataState()


def _service(raw: schema_network.Service) -> StatusState:
    spec = raw.spec
    return StatusState(
        flags=flags(
            {
                "type": spec.type,
                "clusterIP": spec.cluster_ip,
                "address": _address(raw.status.load_balancer),
            }
        )
    )


def _address(balancer: schema_network.LoadBalancerStatus) -> str:
    return next(filter(None, chain.from_iterable((found.ip, found.hostname) for found in balancer.ingress)), "")


def _ingress(raw: schema_network.Ingress) -> StatusState:
    return StatusState(flags=flags({"address": _address(raw.status.load_balancer)}))


def _autoscaler(raw: schema_cluster.HorizontalPodAutoscaler) -> StatusState:
    status = raw.status
    return StatusState(
        observed_generation=observed(status.observed_generation),
        conditions=conditions(status.conditions),
        desired=status.desired_replicas,
        ready=status.current_replicas,
    )


def _budget(raw: schema_cluster.PodDisruptionBudget) -> StatusState:
    status = raw.status
    return StatusState(
        observed_generation=observed(status.observed_generation),
        conditions=conditions(status.conditions),
        desired=status.desired_healthy,
        ready=status.current_healthy,
    )


def _phased(raw: schema_storage.PersistentVolumeClaim | schema_cluster.Namespace) -> StatusState:
    return StatusState(conditions=conditions(raw.status.conditions), phase=raw.status.phase)


def _volume(raw: schema_storage.PersistentVolume) -> StatusState:
    return StatusState(phase=raw.status.phase)


def _attachment(raw: schema_storage.VolumeAttachment) -> StatusState:
    status = raw.status
    error = status.attach_error.message or status.detach_error.message
    attached = "true" if status.attached else "false"
    return StatusState(flags=flags({"attached": attached, "error": error[:MESSAGE_LIMIT]}))


def _node(raw: schema_cluster.Node) -> StatusState:
    unschedulable = "true" if raw.spec.unschedulable else ""
    return StatusState(conditions=conditions(raw.status.conditions), flags=flags({"unschedulable": unschedulable}))


def _api_service(raw: schema_cluster.APIService) -> StatusState:
    return StatusState(conditions=conditions(raw.status.conditions))


def _definition(raw: schema_cluster.CustomResourceDefinition) -> StatusState:
    spec, annotations = raw.spec, raw.metadata.annotations
    declared = {key: annotations[key] for key in annotations if _is_declaring(key)}
    return StatusState(
        observed_generation=observed(raw.status.observed_generation),
        conditions=conditions(raw.status.conditions),
        flags=flags({"group": spec.group, "kind": spec.names.kind, "plural": spec.names.plural, **declared}),
    )


def _is_declaring(key: str) -> bool:
    prefix, suffix = _RELATIONSHIP
    return key in _DECLARING or (key.startswith(prefix) and key.endswith(suffix))


def _aggregation(raw: schema_cluster.ClusterRole) -> AggregationState:
    return AggregationState(tuple(_role_selectors(raw)))


def _role_selectors(raw: schema_cluster.ClusterRole) -> Iterator[Selector]:
    for found in raw.aggregation_rule.cluster_role_selectors:
        selector = label_selector(found)
        if selector is not None:
            yield selector


def _aggregating(raw: schema_cluster.ClusterRole) -> Selector | None:
    """One selector for any of several, where they ask for values of the same label alone."""
    selectors = list(_role_selectors(raw))
    if len(selectors) == 1:
        return selectors[0]
    requirements = [found for selector in selectors for found in selector.requirements]
    if len(requirements) != len(selectors) or {(found.key, found.operator) for found in requirements} != {
        (found.key, "in") for found in requirements[:1]
    }:
        return None
    values = frozenset[str]().union(*(found.values for found in requirements))
    return Selector((Requirement(requirements[0].key, "in", values),)) if requirements else None


def _core_event(raw: schema_cluster.CoreEvent) -> EventState:
    last = seconds(raw.last_timestamp) or seconds(raw.event_time) or seconds(raw.first_timestamp)
    return _event_state(raw.type, raw.reason, raw.message, raw.count, last, raw.series, raw.involved_object)


def _event(raw: schema_cluster.Event) -> EventState:
    last = seconds(raw.deprecated_last_timestamp) or seconds(raw.event_time) or seconds(raw.deprecated_first_timestamp)
    return _event_state(raw.type, raw.reason, raw.note, raw.deprecated_count, last, raw.series, raw.regarding)


def _event_state(
    type_: str,
    reason: str,
    message: str,
    count: int,
    last: int,
    series: schema_cluster.EventSeries,
    regarding: schema.ObjectReference,
) -> EventState:
    """Events in a series are told once, with how often they were seen and when last."""
    return EventState(
        type=type_,
        reason=reason,
        message=message[:MESSAGE_LIMIT],
        count=series.count or count or 1,
        last_seen=max(seconds(series.last_observed_time), last),
        about=regarding.uid,
    )


_WEBHOOKS = row(schema_cluster.WebhookConfiguration, _metadata, references.of_webhooks)
_BINDING = row(schema_cluster.RoleBinding, _metadata, references.of_binding)

SHAPES: dict[tuple[str, str], Shape] = {
    ("", "Service"): row(schema_network.Service, _service, selector=lambda raw: exact(raw.spec.selector)),
    ("discovery.k8s.io", "EndpointSlice"): row(schema_network.EndpointSlice, _metadata, references.of_endpoint_slice),
    ("networking.k8s.io", "Ingress"): row(schema_network.Ingress, _ingress, references.of_ingress),
    ("networking.k8s.io", "NetworkPolicy"): row(
        schema_network.NetworkPolicy, _metadata, selector=lambda raw: label_selector(raw.spec.pod_selector)
    ),
    ("autoscaling", "HorizontalPodAutoscaler"): row(
        schema_cluster.HorizontalPodAutoscaler, _autoscaler, references.of_autoscaler
    ),
    ("policy", "PodDisruptionBudget"): row(schema_cluster.PodDisruptionBudget, _budget, selector=spec_selector),
    ("", "PersistentVolumeClaim"): row(schema_storage.PersistentVolumeClaim, _phased, references.of_claim),
    ("", "PersistentVolume"): row(schema_storage.PersistentVolume, _volume, references.of_volume),
    (_STORAGE, "StorageClass"): row(schema_storage.StorageClass, _metadata, references.of_storage_class),
    (_STORAGE, "VolumeAttachment"): row(schema_storage.VolumeAttachment, _attachment, references.of_attachment),
    (_RBAC, "RoleBinding"): _BINDING,
    (_RBAC, "ClusterRoleBinding"): _BINDING,
    (_RBAC, "ClusterRole"): row(schema_cluster.ClusterRole, _aggregation, selector=_aggregating),
    (_ADMISSION, "MutatingWebhookConfiguration"): _WEBHOOKS,
    (_ADMISSION, "ValidatingWebhookConfiguration"): _WEBHOOKS,
    ("apiregistration.k8s.io", "APIService"): row(schema_cluster.APIService, _api_service, references.of_api_service),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): row(
        schema_cluster.CustomResourceDefinition, _definition, references.of_definition
    ),
    ("", "ServiceAccount"): row(schema_cluster.ServiceAccount, _metadata, references.of_account),
    ("", "Namespace"): row(schema_cluster.Namespace, _phased),
    ("", "Node"): row(schema_cluster.Node, _node),
    ("", "Event"): row(schema_cluster.CoreEvent, _core_event, references.of_core_event),
    ("events.k8s.io", "Event"): row(schema_cluster.Event, _event, references.of_event),
}
