"""The part of Kubernetes's own types that is decoded, once for both encodings.

Each field carries its protobuf number (k8s.io/api and k8s.io/apimachinery, ``generated.proto``); its JSON name is the
camelCase of its Python name. msgspec decodes JSON into these classes, :mod:`kubediscovery.protobuf` derives messages
with the same attributes from them, so that what reads one reads the other. Fields that are not named here are skipped
by both.
"""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from msgspec import Struct


class Time:
    """A ``metav1.Time`` to the second; JSON has it as RFC 3339 text."""

    seconds: Annotated[int, 1]

    def __init__(self, seconds: int = 0) -> None:
        self.seconds = seconds


NO_TIME = Time()


class Quantity:
    """A ``resource.Quantity`` as it is written; JSON has it as text or as a number."""

    string: Annotated[str, 1]

    def __init__(self, string: str = "") -> None:
        self.string = string


class Message(Struct, frozen=True, rename="camel"):
    """What all decoded types have in common."""


class _Inlined:
    def __get__(self, holder: object, _: type) -> Any:
        return holder


def inlined() -> Any:
    """What protobuf nests where JSON has its fields among those of the holder, who inherits them.

    The attribute is a ``ClassVar`` of the annotated type, and its value the holder: both are read through it alike.
    """
    return _Inlined()


def has(raw: Any, name: str) -> bool:
    """Whether a message that may be absent is there; of protobuf it reads as an empty one where it is not."""
    return getattr(raw, name) is not None if isinstance(raw, Struct) else raw.HasField(name)


def present(raw: Any) -> Iterable[tuple[str, Any]]:
    """Name and value of each field that is set, of a message all whose fields may be absent."""
    if isinstance(raw, Struct):
        values = ((name, getattr(raw, name)) for name in raw.__struct_fields__)
        return [(name, value) for name, value in values if value is not None]
    return [(field.name, value) for field, value in raw.ListFields()]


class OwnerReference(Message, frozen=True):
    kind: Annotated[str, 1] = ""
    name: Annotated[str, 3] = ""
    uid: Annotated[str, 4] = ""
    api_version: Annotated[str, 5] = ""
    controller: Annotated[bool, 6] = False


class ObjectMeta(Message, frozen=True):
    name: Annotated[str, 1] = ""
    namespace: Annotated[str, 3] = ""
    uid: Annotated[str, 5] = ""
    resource_version: Annotated[str, 6] = ""
    generation: Annotated[int, 7] = 0
    creation_timestamp: Annotated[Time | None, 8] = NO_TIME
    deletion_timestamp: Annotated[Time | None, 9] = NO_TIME
    labels: Annotated[dict[str, str], 11] = {}
    annotations: Annotated[dict[str, str], 12] = {}
    owner_references: Annotated[list[OwnerReference], 13] = []


class ListMeta(Struct, frozen=True, rename={"resource_version": "resourceVersion", "continue_token": "continue"}):
    resource_version: Annotated[str, 2] = ""
    continue_token: Annotated[str, 3] = ""


class StatusDetails(Message, frozen=True):
    retry_after_seconds: Annotated[int, 5] = 0


class Status(Message, frozen=True):
    message: Annotated[str, 3] = ""
    reason: Annotated[str, 4] = ""
    code: Annotated[int, 6] = 0
    details: Annotated[StatusDetails, 5] = StatusDetails()


class PartialObjectMetadata(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()


class ConfigMap(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    data: Annotated[dict[str, str], 2] = {}


class ObjectCondition(Message, frozen=True):
    """A condition of Deployment, ReplicaSet, StatefulSet and DaemonSet."""

    type: Annotated[str, 1] = ""
    status: Annotated[str, 2] = ""
    reason: Annotated[str, 4] = ""
    message: Annotated[str, 5] = ""


class ProbedCondition(Message, frozen=True):
    """A condition of Pod and Job, whose numbers are one higher for a ``lastProbeTime``."""

    type: Annotated[str, 1] = ""
    status: Annotated[str, 2] = ""
    reason: Annotated[str, 5] = ""
    message: Annotated[str, 6] = ""


class LabelSelectorRequirement(Message, frozen=True):
    key: Annotated[str, 1] = ""
    operator: Annotated[str, 2] = ""
    values: Annotated[list[str], 3] = []


class LabelSelector(Message, frozen=True):
    match_labels: Annotated[dict[str, str], 1] = {}
    match_expressions: Annotated[list[LabelSelectorRequirement], 2] = []


class LocalObjectReference(Message, frozen=True):
    name: Annotated[str, 1] = ""


class NamedReference(LocalObjectReference, frozen=True):
    """A reference to an object of the same namespace, as env, envFrom and volumes have it."""

    local_object_reference: ClassVar[Annotated[LocalObjectReference, 1]] = inlined()


class ObjectReference(Message, frozen=True):
    kind: Annotated[str, 1] = ""
    namespace: Annotated[str, 2] = ""
    name: Annotated[str, 3] = ""
    uid: Annotated[str, 4] = ""
    api_version: Annotated[str, 5] = ""


class SecretReference(Message, frozen=True):
    name: Annotated[str, 1] = ""
    namespace: Annotated[str, 2] = ""


class ServiceReference(Message, frozen=True):
    """A Service as webhook configurations, CustomResourceDefinitions and APIServices name it."""

    namespace: Annotated[str, 1] = ""
    name: Annotated[str, 2] = ""
