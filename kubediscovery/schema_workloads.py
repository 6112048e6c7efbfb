"""The part of the kinds that make pods that is decoded; the rules are those of :mod:`kubediscovery.schema`."""

from typing import Annotated

from kubediscovery.schema import (
    NO_TIME,
    LabelSelector,
    Message,
    ObjectCondition,
    ObjectMeta,
    ObjectReference,
    ProbedCondition,
    Time,
)


class TemplateContainer(Message, frozen=True):
    image: Annotated[str, 2] = ""


class TemplatePodSpec(Message, frozen=True):
    """Of the pods to be made only the images; the pods themselves say the rest."""

    containers: Annotated[list[TemplateContainer], 2] = []


class PodTemplateSpec(Message, frozen=True):
    spec: Annotated[TemplatePodSpec, 2] = TemplatePodSpec()


class DeploymentSpec(Message, frozen=True):
    replicas: Annotated[int, 1] = 0
    selector: Annotated[LabelSelector | None, 2] = None
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
    selector: Annotated[LabelSelector | None, 2] = None
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


class ClaimTemplate(Message, frozen=True):
    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()


class StatefulSetSpec(Message, frozen=True):
    replicas: Annotated[int, 1] = 0
    selector: Annotated[LabelSelector | None, 2] = None
    template: Annotated[PodTemplateSpec, 3] = PodTemplateSpec()
    volume_claim_templates: Annotated[list[ClaimTemplate], 4] = []
    pod_management_policy: Annotated[str, 6] = ""
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
    selector: Annotated[LabelSelector | None, 1] = None
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
    selector: Annotated[LabelSelector | None, 4] = None
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


class ReplicationControllerSpec(Message, frozen=True):
    replicas: Annotated[int, 1] = 0
    selector: Annotated[dict[str, str], 2] = {}
    template: Annotated[PodTemplateSpec, 3] = PodTemplateSpec()


class ReplicationController(Message, frozen=True):
    """Its status has the numbers of a ReplicaSet's."""

    metadata: Annotated[ObjectMeta, 1] = ObjectMeta()
    spec: Annotated[ReplicationControllerSpec, 2] = ReplicationControllerSpec()
    status: Annotated[ReplicaSetStatus, 3] = ReplicaSetStatus()
