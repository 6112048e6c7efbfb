"""The part of Kubernetes's own types that is decoded, once for both encodings.

Each field carries its protobuf number (k8s.io/api and k8s.io/apimachinery, ``generated.proto``); its JSON name is the
camelCase of its Python name. msgspec decodes JSON into these classes, :mod:`kubediscovery.protobuf` derives messages
with the same attributes from them, so that what reads one reads the other. Fields that are not named here are skipped
by both.
"""

from typing import Annotated

from msgspec import Struct


class Time:
    """A ``metav1.Time`` to the second; JSON has it as RFC 3339 text."""

    seconds: Annotated[int, 1]

    def __init__(self, seconds: int = 0) -> None:
        self.seconds = seconds


NO_TIME = Time()


class Message(Struct, frozen=True, rename="camel"):
    """What all decoded types have in common."""


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


class Container(Message, frozen=True):
    name: Annotated[str, 1] = ""
    image: Annotated[str, 2] = ""


class PodSpec(Message, frozen=True):
    containers: Annotated[list[Container], 2] = []
    restart_policy: Annotated[str, 3] = ""
    node_name: Annotated[str, 10] = ""


class PodTemplateSpec(Message, frozen=True):
    spec: Annotated[PodSpec, 2] = PodSpec()


class ContainerStateWaiting(Message, frozen=True):
    reason: Annotated[str, 1] = ""
    message: Annotated[str, 2] = ""


class ContainerStateRunning(Message, frozen=True):
    started_at: Annotated[Time | None, 1] = NO_TIME


class ContainerStateTerminated(Message, frozen=True):
    exit_code: Annotated[int, 1] = 0
    reason: Annotated[str, 3] = ""
    message: Annotated[str, 4] = ""
    finished_at: Annotated[Time | None, 6] = NO_TIME


class ContainerState(Message, frozen=True):
    waiting: Annotated[ContainerStateWaiting, 1] = ContainerStateWaiting()
    running: Annotated[ContainerStateRunning, 2] = ContainerStateRunning()
    terminated: Annotated[ContainerStateTerminated, 3] = ContainerStateTerminated()


class ContainerStatus(Message, frozen=True):
    name: Annotated[str, 1] = ""
    state: Annotated[ContainerState, 2] = ContainerState()
    last_state: Annotated[ContainerState, 3] = ContainerState()
    ready: Annotated[bool, 4] = False
    restart_count: Annotated[int, 5] = 0


class PodStatus(Message, frozen=True):
    phase: Annotated[str, 1] = ""
    conditions: Annotated[list[ProbedCondition], 2] = []
    message: Annotated[str, 3] = ""
    reason: Annotated[str, 4] = ""
    container_statuses: Annotated[list[ContainerStatus], 8] = []
    init_container_statuses: Annotated[list[ContainerStatus], 10] = []


class Pod(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[PodSpec, 2] = PodSpec()
    status: Annotated[PodStatus, 3] = PodStatus()


class DeploymentSpec(Message, frozen=True):
    replicas: Annotated[int, 1] = 0
    template: Annotated[PodTemplateSpec, 3] = PodTemplateSpec()
    paused: Annotated[bool, 7] = False
    progress_deadline_seconds: Annotated[int, 9] = 0


class DeploymentStatus(Message, frozen=True):
    observed_generation: Annotated[int, 1] = 0
    replicas: Annotated[int, 2] = 0
    updated_replicas: Annotated[int, 3] = 0
    available_replicas: Annotated[int, 4] = 0
    conditions: Annotated[list[ObjectCondition], 6] = []
    ready_replicas: Annotated[int, 7] = 0


class Deployment(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[DeploymentSpec, 2] = DeploymentSpec()
    status: Annotated[DeploymentStatus, 3] = DeploymentStatus()


class ReplicaSetSpec(Message, frozen=True):
    replicas: Annotated[int, 1] = 0
    template: Annotated[PodTemplateSpec, 3] = PodTemplateSpec()


class ReplicaSetStatus(Message, frozen=True):
    replicas: Annotated[int, 1] = 0
    fully_labeled_replicas: Annotated[int, 2] = 0
    observed_generation: Annotated[int, 3] = 0
    ready_replicas: Annotated[int, 4] = 0
    available_replicas: Annotated[int, 5] = 0
    conditions: Annotated[list[ObjectCondition], 6] = []


class ReplicaSet(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[ReplicaSetSpec, 2] = ReplicaSetSpec()
    status: Annotated[ReplicaSetStatus, 3] = ReplicaSetStatus()


class RollingUpdate(Message, frozen=True):
    partition: Annotated[int, 1] = 0


class StatefulSetUpdateStrategy(Message, frozen=True):
    type: Annotated[str, 1] = ""
    rolling_update: Annotated[RollingUpdate, 2] = RollingUpdate()


class StatefulSetSpec(Message, frozen=True):
    replicas: Annotated[int, 1] = 0
    template: Annotated[PodTemplateSpec, 3] = PodTemplateSpec()
    update_strategy: Annotated[StatefulSetUpdateStrategy, 7] = StatefulSetUpdateStrategy()


class StatefulSetStatus(Message, frozen=True):
    observed_generation: Annotated[int, 1] = 0
    replicas: Annotated[int, 2] = 0
    ready_replicas: Annotated[int, 3] = 0
    current_replicas: Annotated[int, 4] = 0
    updated_replicas: Annotated[int, 5] = 0
    current_revision: Annotated[str, 6] = ""
    update_revision: Annotated[str, 7] = ""
    conditions: Annotated[list[ObjectCondition], 10] = []
    available_replicas: Annotated[int, 11] = 0


class StatefulSet(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[StatefulSetSpec, 2] = StatefulSetSpec()
    status: Annotated[StatefulSetStatus, 3] = StatefulSetStatus()


class DaemonSetUpdateStrategy(Message, frozen=True):
    type: Annotated[str, 1] = ""


class DaemonSetSpec(Message, frozen=True):
    template: Annotated[PodTemplateSpec, 2] = PodTemplateSpec()
    update_strategy: Annotated[DaemonSetUpdateStrategy, 3] = DaemonSetUpdateStrategy()


class DaemonSetStatus(Message, frozen=True):
    current_number_scheduled: Annotated[int, 1] = 0
    desired_number_scheduled: Annotated[int, 3] = 0
    number_ready: Annotated[int, 4] = 0
    observed_generation: Annotated[int, 5] = 0
    updated_number_scheduled: Annotated[int, 6] = 0
    number_available: Annotated[int, 7] = 0
    conditions: Annotated[list[ObjectCondition], 10] = []


class DaemonSet(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[DaemonSetSpec, 2] = DaemonSetSpec()
    status: Annotated[DaemonSetStatus, 3] = DaemonSetStatus()


class ControllerRevision(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    revision: Annotated[int, 3] = 0


class JobSpec(Message, frozen=True):
    parallelism: Annotated[int, 1] = 0
    completions: Annotated[int, 2] = 0
    template: Annotated[PodTemplateSpec, 6] = PodTemplateSpec()
    suspend: Annotated[bool, 10] = False


class JobStatus(Message, frozen=True):
    conditions: Annotated[list[ProbedCondition], 1] = []
    start_time: Annotated[Time | None, 2] = NO_TIME
    active: Annotated[int, 4] = 0
    succeeded: Annotated[int, 5] = 0
    failed: Annotated[int, 6] = 0
    ready: Annotated[int, 9] = 0


class Job(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[JobSpec, 2] = JobSpec()
    status: Annotated[JobStatus, 3] = JobStatus()


class ObjectReference(Message, frozen=True):
    name: Annotated[str, 3] = ""


class JobTemplateSpec(Message, frozen=True):
    spec: Annotated[JobSpec, 2] = JobSpec()


class CronJobSpec(Message, frozen=True):
    schedule: Annotated[str, 1] = ""
    suspend: Annotated[bool, 4] = False
    job_template: Annotated[JobTemplateSpec, 5] = JobTemplateSpec()


class CronJobStatus(Message, frozen=True):
    active: Annotated[list[ObjectReference], 1] = []
    last_schedule_time: Annotated[Time | None, 4] = NO_TIME
    last_successful_time: Annotated[Time | None, 5] = NO_TIME


class CronJob(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[CronJobSpec, 2] = CronJobSpec()
    status: Annotated[CronJobStatus, 3] = CronJobStatus()
