"""The part of pods that is decoded; the rules are those of :mod:`kubediscovery.schema`.

Of volumes only those that name a Secret, a ConfigMap, a claim or a driver are read (k8s.io/api, core/v1, VolumeSource).
"""

from typing import Annotated, ClassVar

import msgspec

from kubediscovery.schema import (
    LocalObjectReference,
    Message,
    NamedReference,
    ObjectMeta,
    ProbedCondition,
    Quantity,
    inlined,
)


class EnvVarSource(Message, frozen=True):
    config_map_key_ref: Annotated[NamedReference | None, 3] = None
    secret_key_ref: Annotated[NamedReference | None, 4] = None


class EnvVar(Message, frozen=True):
    value_from: Annotated[EnvVarSource | None, 3] = None


class EnvFromSource(Message, frozen=True):
    config_map_ref: Annotated[NamedReference | None, 2] = None
    secret_ref: Annotated[NamedReference | None, 3] = None


class ResourceRequirements(Message, frozen=True):
    requests: Annotated[dict[str, Quantity], 2] = {}


class Container(Message, frozen=True):
    name: Annotated[str, 1] = ""
    image: Annotated[str, 2] = ""
    env: Annotated[list[EnvVar], 7] = []
    resources: Annotated[ResourceRequirements, 8] = ResourceRequirements()
    env_from: Annotated[list[EnvFromSource], 19] = []
    restart_policy: Annotated[str, 24] = ""


class EphemeralContainer(Container, frozen=True):
    ephemeral_container_common: ClassVar[Annotated[Container, 1]] = inlined()


class SecretVolume(Message, frozen=True):
    secret_name: Annotated[str, 1] = ""


class AzureFileVolume(Message, frozen=True):
    secret_name: Annotated[str, 1] = ""


class ISCSIVolume(Message, frozen=True):
    secret_ref: Annotated[LocalObjectReference, 10] = LocalObjectReference()


class RBDVolume(Message, frozen=True):
    secret_ref: Annotated[LocalObjectReference, 7] = LocalObjectReference()


class CephFSVolume(Message, frozen=True):
    secret_ref: Annotated[LocalObjectReference, 5] = LocalObjectReference()


class CinderVolume(Message, frozen=True):
    secret_ref: Annotated[LocalObjectReference, 4] = LocalObjectReference()


class FlexVolume(Message, frozen=True):
    secret_ref: Annotated[LocalObjectReference, 3] = LocalObjectReference()


class ScaleIOVolume(Message, frozen=True):
    secret_ref: Annotated[LocalObjectReference, 3] = LocalObjectReference()


class StorageOSVolume(Message, frozen=True):
    secret_ref: Annotated[LocalObjectReference, 5] = LocalObjectReference()


class ClaimVolume(Message, frozen=True):
    claim_name: Annotated[str, 1] = ""


class VolumeProjection(Message, frozen=True):
    secret: Annotated[NamedReference | None, 1] = None
    config_map: Annotated[NamedReference | None, 3] = None


class ProjectedVolume(Message, frozen=True):
    sources: Annotated[list[VolumeProjection], 1] = []


class CSIVolume(Message, frozen=True):
    driver: Annotated[str, 1] = ""
    node_publish_secret_ref: Annotated[LocalObjectReference, 5] = LocalObjectReference()


class VolumeSource(Message, frozen=True):
    secret: Annotated[SecretVolume | None, 6] = None
    iscsi: Annotated[ISCSIVolume | None, 8] = None
    persistent_volume_claim: Annotated[ClaimVolume | None, 10] = None
    rbd: Annotated[RBDVolume | None, 11] = None
    flex_volume: Annotated[FlexVolume | None, 12] = None
    cinder: Annotated[CinderVolume | None, 13] = None
    cephfs: Annotated[CephFSVolume | None, 14] = None
    azure_file: Annotated[AzureFileVolume | None, 18] = None
    config_map: Annotated[NamedReference | None, 19] = None
    scale_io: Annotated[ScaleIOVolume | None, 25] = msgspec.field(default=None, name="scaleIO")
    projected: Annotated[ProjectedVolume | None, 26] = None
    storageos: Annotated[StorageOSVolume | None, 27] = None
    csi: Annotated[CSIVolume | None, 28] = None


class Volume(VolumeSource, frozen=True):
    volume_source: ClassVar[Annotated[VolumeSource, 2]] = inlined()


class PodSpec(Message, frozen=True):
    volumes: Annotated[list[Volume], 1] = []
    containers: Annotated[list[Container], 2] = []
    restart_policy: Annotated[str, 3] = ""
    service_account_name: Annotated[str, 8] = ""
    node_name: Annotated[str, 10] = ""
    image_pull_secrets: Annotated[list[LocalObjectReference], 15] = []
    init_containers: Annotated[list[Container], 20] = []
    priority_class_name: Annotated[str, 24] = ""
    runtime_class_name: Annotated[str, 29] = ""
    overhead: Annotated[dict[str, Quantity], 32] = {}
    ephemeral_containers: Annotated[list[EphemeralContainer], 34] = []
    resources: Annotated[ResourceRequirements, 40] = ResourceRequirements()


class ContainerStateWaiting(Message, frozen=True):
    reason: Annotated[str, 1] = ""
    message: Annotated[str, 2] = ""


class ContainerStateRunning(Message, frozen=True):
    """That it is there is all: the time of the start would make each pod another one than its siblings."""


class ContainerStateTerminated(Message, frozen=True):
    exit_code: Annotated[int, 1] = 0
    reason: Annotated[str, 3] = ""
    message: Annotated[str, 4] = ""


class ContainerState(Message, frozen=True):
    waiting: Annotated[ContainerStateWaiting, 1] = ContainerStateWaiting()
    running: Annotated[ContainerStateRunning | None, 2] = None
    terminated: Annotated[ContainerStateTerminated | None, 3] = None


class ContainerStatus(Message, frozen=True):
    name: Annotated[str, 1] = ""
    state: Annotated[ContainerState, 2] = ContainerState()
    last_state: Annotated[ContainerState, 3] = ContainerState()
    ready: Annotated[bool, 4] = False
    restart_count: Annotated[int, 5] = 0
    image_id: Annotated[str, 7] = msgspec.field(default="", name="imageID")


class PodStatus(Message, frozen=True):
    phase: Annotated[str, 1] = ""
    conditions: Annotated[list[ProbedCondition], 2] = []
    message: Annotated[str, 3] = ""
    reason: Annotated[str, 4] = ""
    container_statuses: Annotated[list[ContainerStatus], 8] = []
    init_container_statuses: Annotated[list[ContainerStatus], 10] = []
    observed_generation: Annotated[int, 17] = 0


class Pod(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[PodSpec, 2] = PodSpec()
    status: Annotated[PodStatus, 3] = PodStatus()


class SealedMetadata(Message, frozen=True):
    """Metadata of which what siblings have in common stays as the bytes that it comes in: of protobuf alone."""

    name: Annotated[str, 1] = ""
    namespace: Annotated[str, 3] = ""
    uid: Annotated[str, 5] = ""
    resource_version: Annotated[str, 6] = ""
    generation: Annotated[int, 7] = 0
    creation_timestamp: Annotated[bytes, 8] = b""
    deletion_timestamp: Annotated[bytes, 9] = b""
    labels: Annotated[list[bytes], 11] = []
    annotations: Annotated[list[bytes], 12] = []
    owner_references: Annotated[list[bytes], 13] = []


class SealedPod(Message, frozen=True):
    """A pod as :mod:`kubediscovery.quick_pods` reads it."""

    metadata: Annotated[SealedMetadata, 1] = SealedMetadata()
    spec: Annotated[PodSpec, 2] = PodSpec()
    status: Annotated[PodStatus, 3] = PodStatus()


class MapEntry(Message, frozen=True):
    """One of a map (protobuf.dev, "Encoding", Maps)."""

    key: Annotated[str, 1] = ""
    value: Annotated[str, 2] = ""
