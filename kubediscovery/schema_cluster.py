"""The part of the kinds that order a cluster that is decoded; the rules are those of :mod:`kubediscovery.schema`."""

from typing import Annotated

from kubediscovery.schema import (
    NO_TIME,
    LabelSelector,
    LocalObjectReference,
    Message,
    ObjectCondition,
    ObjectMeta,
    ObjectReference,
    ProbedCondition,
    ServiceReference,
    Time,
)


class ScaleTarget(Message, frozen=True):
    kind: Annotated[str, 1] = ""
    name: Annotated[str, 2] = ""
    api_version: Annotated[str, 3] = ""


class HorizontalPodAutoscalerSpec(Message, frozen=True):
    scale_target_ref: Annotated[ScaleTarget, 1] = ScaleTarget()


class HorizontalPodAutoscalerStatus(Message, frozen=True):
    observed_generation: Annotated[int, 1] = 0
    current_replicas: Annotated[int, 3] = 0
    desired_replicas: Annotated[int, 4] = 0
    conditions: Annotated[list[ObjectCondition], 6] = []


class HorizontalPodAutoscaler(Message, frozen=True):
    """Of ``autoscaling/v2``."""

    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[HorizontalPodAutoscalerSpec, 2] = HorizontalPodAutoscalerSpec()
    status: Annotated[HorizontalPodAutoscalerStatus, 3] = HorizontalPodAutoscalerStatus()


class PodDisruptionBudgetSpec(Message, frozen=True):
    selector: Annotated[LabelSelector | None, 2] = None


class PodDisruptionBudgetStatus(Message, frozen=True):
    observed_generation: Annotated[int, 1] = 0
    current_healthy: Annotated[int, 4] = 0
    desired_healthy: Annotated[int, 5] = 0
    conditions: Annotated[list[ProbedCondition], 7] = []


class PodDisruptionBudget(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[PodDisruptionBudgetSpec, 2] = PodDisruptionBudgetSpec()
    status: Annotated[PodDisruptionBudgetStatus, 3] = PodDisruptionBudgetStatus()


class RoleRef(Message, frozen=True):
    api_group: Annotated[str, 1] = ""
    kind: Annotated[str, 2] = ""
    name: Annotated[str, 3] = ""


class Subject(Message, frozen=True):
    kind: Annotated[str, 1] = ""
    api_group: Annotated[str, 2] = ""
    name: Annotated[str, 3] = ""
    namespace: Annotated[str, 4] = ""


class RoleBinding(Message, frozen=True):
    """A ClusterRoleBinding has the same fields."""

    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    subjects: Annotated[list[Subject], 2] = []
    role_ref: Annotated[RoleRef, 3] = RoleRef()


class AggregationRule(Message, frozen=True):
    cluster_role_selectors: Annotated[list[LabelSelector], 1] = []


class ClusterRole(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    aggregation_rule: Annotated[AggregationRule, 3] = AggregationRule()


class WebhookClientConfig(Message, frozen=True):
    service: Annotated[ServiceReference, 1] = ServiceReference()


class Webhook(Message, frozen=True):
    client_config: Annotated[WebhookClientConfig, 2] = WebhookClientConfig()


class WebhookConfiguration(Message, frozen=True):
    """A MutatingWebhookConfiguration or a ValidatingWebhookConfiguration."""

    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    webhooks: Annotated[list[Webhook], 2] = []


class APIServiceSpec(Message, frozen=True):
    service: Annotated[ServiceReference, 1] = ServiceReference()


class APIServiceStatus(Message, frozen=True):
    conditions: Annotated[list[ObjectCondition], 1] = []


class APIService(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[APIServiceSpec, 2] = APIServiceSpec()
    status: Annotated[APIServiceStatus, 3] = APIServiceStatus()


class CustomResourceNames(Message, frozen=True):
    plural: Annotated[str, 1] = ""
    kind: Annotated[str, 4] = ""


class WebhookConversion(Message, frozen=True):
    client_config: Annotated[WebhookClientConfig, 2] = WebhookClientConfig()


class CustomResourceConversion(Message, frozen=True):
    webhook: Annotated[WebhookConversion, 2] = WebhookConversion()


class CustomResourceDefinitionSpec(Message, frozen=True):
    group: Annotated[str, 1] = ""
    names: Annotated[CustomResourceNames, 3] = CustomResourceNames()
    conversion: Annotated[CustomResourceConversion, 9] = CustomResourceConversion()


class CustomResourceDefinitionStatus(Message, frozen=True):
    conditions: Annotated[list[ObjectCondition], 1] = []
    observed_generation: Annotated[int, 4] = 0


class CustomResourceDefinition(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[CustomResourceDefinitionSpec, 2] = CustomResourceDefinitionSpec()
    status: Annotated[CustomResourceDefinitionStatus, 3] = CustomResourceDefinitionStatus()


class ServiceAccount(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    secrets: Annotated[list[ObjectReference], 2] = []
    image_pull_secrets: Annotated[list[LocalObjectReference], 3] = []


class NamespaceStatus(Message, frozen=True):
    phase: Annotated[str, 1] = ""
    conditions: Annotated[list[ProbedCondition], 2] = []


class Namespace(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    status: Annotated[NamespaceStatus, 3] = NamespaceStatus()


class NodeSpec(Message, frozen=True):
    unschedulable: Annotated[bool, 4] = False


class NodeStatus(Message, frozen=True):
    conditions: Annotated[list[ProbedCondition], 4] = []


class Node(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[NodeSpec, 2] = NodeSpec()
    status: Annotated[NodeStatus, 3] = NodeStatus()


class EventSeries(Message, frozen=True):
    count: Annotated[int, 1] = 0
    last_observed_time: Annotated[Time | None, 2] = NO_TIME


class CoreEvent(Message, frozen=True):
    """An Event of the core group."""

    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    involved_object: Annotated[ObjectReference, 2] = ObjectReference()
    reason: Annotated[str, 3] = ""
    message: Annotated[str, 4] = ""
    first_timestamp: Annotated[Time | None, 6] = NO_TIME
    last_timestamp: Annotated[Time | None, 7] = NO_TIME
    count: Annotated[int, 8] = 0
    type: Annotated[str, 9] = ""
    event_time: Annotated[Time | None, 10] = NO_TIME
    series: Annotated[EventSeries, 11] = EventSeries()


class Event(Message, frozen=True):
    """An Event of ``events.k8s.io``: the same object under other names."""

    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    event_time: Annotated[Time | None, 2] = NO_TIME
    series: Annotated[EventSeries, 3] = EventSeries()
    reason: Annotated[str, 7] = ""
    regarding: Annotated[ObjectReference, 8] = ObjectReference()
    note: Annotated[str, 10] = ""
    type: Annotated[str, 11] = ""
    deprecated_first_timestamp: Annotated[Time | None, 13] = NO_TIME
    deprecated_last_timestamp: Annotated[Time | None, 14] = NO_TIME
    deprecated_count: Annotated[int, 15] = 0
