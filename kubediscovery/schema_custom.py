"""What is decoded of a custom kind, whose schema is anybody's: a field may hold whatever JSON can."""

from kubediscovery.schema import Message, ObjectMeta


class CustomStatus(Message, frozen=True):
    observed_generation: object = None
    conditions: object = None
    phase: object = None
    replicas: object = None
    ready_replicas: object = None
    addresses: object = None
    parents: object = None


class CustomSpec(Message, frozen=True):
    replicas: object = None
    suspend: object = None
    paused: object = None


class CustomObject(Message, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: CustomSpec | list[object] | str | int | float | bool | None = None
    status: CustomStatus | list[object] | str | int | float | bool | None = None


class GatewaySpec(CustomSpec, frozen=True):
    """The spec of a Gateway or of a Route (sigs.k8s.io/gateway-api, apis/v1)."""

    gateway_class_name: object = None
    listeners: object = None
    parent_refs: object = None
    rules: object = None


class GatewayObject(Message, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: GatewaySpec | list[object] | str | int | float | bool | None = None
    status: CustomStatus | list[object] | str | int | float | bool | None = None
