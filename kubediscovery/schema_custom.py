"""What is decoded of a custom kind, whose schema is anybody's: a field may hold whatever JSON can."""

from typing import Any

from kubediscovery.schema import Message, ObjectMeta


class CustomStatus(Message, frozen=True):
    observed_generation: Any = None
    conditions: Any = None
    phase: Any = None
    ready_replicas: Any = None
    addresses: Any = None
    parents: Any = None


class CustomSpec(Message, frozen=True):
    replicas: Any = None
    suspend: Any = None
    paused: Any = None


class CustomObject(Message, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: CustomSpec | list[Any] | str | int | float | bool | None = None
    status: CustomStatus | list[Any] | str | int | float | bool | None = None


class GatewaySpec(CustomSpec, frozen=True):
    """The spec of a Gateway or of a Route (sigs.k8s.io/gateway-api, apis/v1)."""

    gateway_class_name: Any = None
    listeners: Any = None
    parent_refs: Any = None
    rules: Any = None


class GatewayObject(Message, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: GatewaySpec | list[Any] | str | int | float | bool | None = None
    status: CustomStatus | list[Any] | str | int | float | bool | None = None
