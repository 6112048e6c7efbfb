"""The part of the kinds that lead to pods that is decoded; the rules are those of :mod:`kubediscovery.schema`."""

from typing import Annotated, ClassVar

import msgspec

from kubediscovery.schema import LabelSelector, Message, ObjectMeta, ObjectReference, inlined


class LoadBalancerIngress(Message, frozen=True):
    """The numbers are the same for a Service and an Ingress."""

    ip: Annotated[str, 1] = ""
    hostname: Annotated[str, 2] = ""


class LoadBalancerStatus(Message, frozen=True):
    ingress: Annotated[list[LoadBalancerIngress], 1] = []


class ServiceSpec(Message, frozen=True):
    selector: Annotated[dict[str, str], 2] = {}
    cluster_ip: Annotated[str, 3] = msgspec.field(default="", name="clusterIP")
    type: Annotated[str, 4] = ""


class ServiceStatus(Message, frozen=True):
    load_balancer: Annotated[LoadBalancerStatus, 1] = LoadBalancerStatus()


class Service(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[ServiceSpec, 2] = ServiceSpec()
    status: Annotated[ServiceStatus, 3] = ServiceStatus()


class Endpoint(Message, frozen=True):
    target_ref: Annotated[ObjectReference, 4] = ObjectReference()


class EndpointSlice(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    endpoints: Annotated[list[Endpoint], 2] = []


class TypedReference(Message, frozen=True):
    api_group: Annotated[str, 1] = ""
    kind: Annotated[str, 2] = ""
    name: Annotated[str, 3] = ""


class IngressServiceBackend(Message, frozen=True):
    name: Annotated[str, 1] = ""


class IngressBackend(Message, frozen=True):
    resource: Annotated[TypedReference, 3] = TypedReference()
    service: Annotated[IngressServiceBackend, 4] = IngressServiceBackend()


class IngressPath(Message, frozen=True):
    backend: Annotated[IngressBackend, 2] = IngressBackend()


class IngressPaths(Message, frozen=True):
    paths: Annotated[list[IngressPath], 1] = []


class IngressRuleValue(Message, frozen=True):
    http: Annotated[IngressPaths, 1] = IngressPaths()


class IngressRule(IngressRuleValue, frozen=True):
    ingress_rule_value: ClassVar[Annotated[IngressRuleValue, 2]] = inlined()


class IngressTLS(Message, frozen=True):
    secret_name: Annotated[str, 2] = ""


class IngressSpec(Message, frozen=True):
    default_backend: Annotated[IngressBackend, 1] = IngressBackend()
    tls: Annotated[list[IngressTLS], 2] = []
    rules: Annotated[list[IngressRule], 3] = []
    ingress_class_name: Annotated[str, 4] = ""


class IngressStatus(Message, frozen=True):
    load_balancer: Annotated[LoadBalancerStatus, 1] = LoadBalancerStatus()


class Ingress(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[IngressSpec, 2] = IngressSpec()
    status: Annotated[IngressStatus, 3] = IngressStatus()


class NetworkPolicySpec(Message, frozen=True):
    pod_selector: Annotated[LabelSelector, 1] = LabelSelector()


class NetworkPolicy(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[NetworkPolicySpec, 2] = NetworkPolicySpec()
