"""The part of the kinds of storage that is decoded; the rules are those of :mod:`kubediscovery.schema`."""

from typing import Annotated, ClassVar

from kubediscovery.schema import Message, ObjectMeta, ProbedCondition, SecretReference, inlined


class PersistentVolumeClaimSpec(Message, frozen=True):
    volume_name: Annotated[str, 3] = ""
    storage_class_name: Annotated[str, 5] = ""


class PersistentVolumeClaimStatus(Message, frozen=True):
    phase: Annotated[str, 1] = ""
    conditions: Annotated[list[ProbedCondition], 4] = []


class PersistentVolumeClaim(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[PersistentVolumeClaimSpec, 2] = PersistentVolumeClaimSpec()
    status: Annotated[PersistentVolumeClaimStatus, 3] = PersistentVolumeClaimStatus()


class CSIPersistentVolume(Message, frozen=True):
    driver: Annotated[str, 1] = ""
    controller_publish_secret_ref: Annotated[SecretReference, 6] = SecretReference()
    node_stage_secret_ref: Annotated[SecretReference, 7] = SecretReference()
    node_publish_secret_ref: Annotated[SecretReference, 8] = SecretReference()
    controller_expand_secret_ref: Annotated[SecretReference, 9] = SecretReference()
    node_expand_secret_ref: Annotated[SecretReference, 10] = SecretReference()


class PersistentVolumeSource(Message, frozen=True):
    csi: Annotated[CSIPersistentVolume, 22] = CSIPersistentVolume()


class PersistentVolumeSpec(PersistentVolumeSource, frozen=True):
    persistent_volume_source: ClassVar[Annotated[PersistentVolumeSource, 2]] = inlined()
    storage_class_name: Annotated[str, 6] = ""


class PersistentVolumeStatus(Message, frozen=True):
    phase: Annotated[str, 1] = ""


class PersistentVolume(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[PersistentVolumeSpec, 2] = PersistentVolumeSpec()
    status: Annotated[PersistentVolumeStatus, 3] = PersistentVolumeStatus()


class StorageClass(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    provisioner: Annotated[str, 2] = ""


class VolumeAttachmentSource(Message, frozen=True):
    persistent_volume_name: Annotated[str, 1] = ""


class VolumeAttachmentSpec(Message, frozen=True):
    attacher: Annotated[str, 1] = ""
    source: Annotated[VolumeAttachmentSource, 2] = VolumeAttachmentSource()
    node_name: Annotated[str, 3] = ""


class VolumeError(Message, frozen=True):
    message: Annotated[str, 2] = ""


class VolumeAttachmentStatus(Message, frozen=True):
    attached: Annotated[bool, 1] = False
    attach_error: Annotated[VolumeError, 3] = VolumeError()
    detach_error: Annotated[VolumeError, 4] = VolumeError()


class VolumeAttachment(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[VolumeAttachmentSpec, 2] = VolumeAttachmentSpec()
    status: Annotated[VolumeAttachmentStatus, 3] = VolumeAttachmentStatus()
