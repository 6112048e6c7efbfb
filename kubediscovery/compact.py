"""From what was decoded, in either encoding, to the values that the caches hold.

``raw`` is an instance of a class of :mod:`kubediscovery.schema` or the protobuf message of the same shape.
"""

import sys
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from kubediscovery import schema
from kubediscovery.kinds import Kind
from kubediscovery.objects import (
    Condition,
    ConfigMapState,
    ContainerTrouble,
    CronJobState,
    JobState,
    MetadataState,
    Object,
    Owner,
    Phase,
    PodState,
    RevisionState,
    State,
    WorkloadState,
    version_number,
)

REVISION_ANNOTATION = "deployment.kubernetes.io/revision"
# A container's message is shown, never parsed: 1 KB of it says enough.
MESSAGE_LIMIT = 1024
SHARED_LIMIT = 65_536

H = TypeVar("H", bound=Hashable)


class Compactor:
    """Makes :class:`Object` values that share what they have in common: the labels, owners and states of siblings."""

    def __init__(self) -> None:
        self._shared: dict[Hashable, Any] = {}

    def compact(self, kind: Kind, raw: Any) -> Object:
        """The object that ``raw`` describes; ``kind`` says which state is read from it."""
        metadata: schema.ObjectMeta = raw.metadata
        return Object(
            kind=kind,
            namespace=sys.intern(metadata.namespace),
            name=metadata.name,
            uid=metadata.uid,
            resource_version=version_number(metadata.resource_version),
            generation=metadata.generation,
            created=_seconds(metadata.creation_timestamp),
            deleting=_seconds(metadata.deletion_timestamp) != 0,
            labels=self._share(tuple(sorted(metadata.labels.items()))),
            owners=self._share(tuple(_owner(reference) for reference in metadata.owner_references)),
            state=self._share(shape_of(kind).state(raw)),
        )

    def _share(self, value: H) -> H:
        if len(self._shared) >= SHARED_LIMIT:
            # Forgetting costs some sharing of what comes later; a cache that only grows would cost the process.
            self._shared.clear()
        found: H = self._shared.setdefault(value, value)
        return found


@dataclass(frozen=True, slots=True)
class Shape:
    """What is decoded of a kind, and what its state is made from."""

    message: type[schema.Message]
    state: Callable[[Any], State]


def shape_of(kind: Kind) -> Shape:
    """The shape of a kind; of a kind without a row it is the metadata."""
    return _SHAPES.get((kind.group, kind.kind), _METADATA)


def _seconds(time: schema.Time | None) -> int:
    return time.seconds if time is not None else 0


def _owner(raw: schema.OwnerReference) -> Owner:
    return Owner(api_version=raw.api_version, kind=raw.kind, name=raw.name, uid=raw.uid, controller=raw.controller)


def _condition(raw: schema.ObjectCondition | schema.ProbedCondition) -> Condition:
    return Condition(type=raw.type, status=raw.status, reason=raw.reason, message=raw.message[:MESSAGE_LIMIT])


def _conditions(raw: Iterable[schema.ObjectCondition | schema.ProbedCondition]) -> tuple[Condition, ...]:
    return tuple(_condition(condition) for condition in raw)


def _images(spec: schema.PodSpec) -> tuple[str, ...]:
    return tuple(dict.fromkeys(container.image for container in spec.containers if container.image))


def _metadata_state(_: schema.PartialObjectMetadata) -> MetadataState:
    return MetadataState()


def _config_map_state(raw: schema.ConfigMap) -> ConfigMapState:
    return ConfigMapState(data=tuple(sorted(raw.data.items())))


def _deployment_state(raw: schema.Deployment) -> WorkloadState:
    return _replicated(
        raw,
        updated=raw.status.updated_replicas,
        paused=raw.spec.paused,
        progress_deadline=raw.spec.progress_deadline_seconds,
        revision=raw.metadata.annotations.get(REVISION_ANNOTATION, ""),
    )


def _replica_set_state(raw: schema.ReplicaSet) -> WorkloadState:
    revision = raw.metadata.annotations.get(REVISION_ANNOTATION, "")
    return _replicated(raw, updated=raw.status.fully_labeled_replicas, revision=revision)


def _stateful_set_state(raw: schema.StatefulSet) -> WorkloadState:
    strategy, status = raw.spec.update_strategy, raw.status
    return _replicated(
        raw,
        updated=status.updated_replicas,
        current=status.current_replicas,
        strategy=strategy.type,
        partition=strategy.rolling_update.partition,
        current_revision=status.current_revision,
        update_revision=status.update_revision,
        revision=status.update_revision,
    )


def _replicated(
    raw: schema.Deployment | schema.ReplicaSet | schema.StatefulSet, *, updated: int, **own: Any
) -> WorkloadState:
    """What kinds with ``spec.replicas`` have in common, and what the kind has of its own."""
    spec, status = raw.spec, raw.status
    return WorkloadState(
        desired=spec.replicas,
        replicas=status.replicas,
        updated=updated,
        ready=status.ready_replicas,
        available=status.available_replicas,
        observed_generation=status.observed_generation,
        images=_images(spec.template.spec),
        conditions=_conditions(status.conditions),
        **own,
    )


def _daemon_set_state(raw: schema.DaemonSet) -> WorkloadState:
    status = raw.status
    return WorkloadState(
        desired=status.desired_number_scheduled,
        replicas=status.current_number_scheduled,
        updated=status.updated_number_scheduled,
        ready=status.number_ready,
        available=status.number_available,
        observed_generation=status.observed_generation,
        images=_images(raw.spec.template.spec),
        conditions=_conditions(status.conditions),
        current=status.current_number_scheduled,
        strategy=raw.spec.update_strategy.type,
    )


def _revision_state(raw: schema.ControllerRevision) -> RevisionState:
    return RevisionState(revision=raw.revision)


def _job_state(raw: schema.Job) -> JobState:
    spec, status = raw.spec, raw.status
    return JobState(
        completions=spec.completions,
        parallelism=spec.parallelism,
        suspended=spec.suspend,
        active=status.active,
        succeeded=status.succeeded,
        failed=status.failed,
        ready=status.ready,
        started=_seconds(status.start_time) != 0,
        images=_images(spec.template.spec),
        conditions=_conditions(status.conditions),
    )


def _cron_job_state(raw: schema.CronJob) -> CronJobState:
    spec, status = raw.spec, raw.status
    return CronJobState(
        schedule=spec.schedule,
        suspended=spec.suspend,
        active=len(status.active),
        last_schedule=_seconds(status.last_schedule_time),
        last_success=_seconds(status.last_successful_time),
        images=_images(spec.job_template.spec.template.spec),
    )


def _pod_state(raw: schema.Pod) -> PodState:
    spec, status = raw.spec, raw.status
    statuses = list(status.container_statuses)
    total = len(spec.containers)
    ready = sum(container.ready for container in statuses)
    wanted = [condition for condition in status.conditions if condition.type in ("Ready", "PodScheduled")]
    return PodState(
        phase=sys.intern(status.phase),
        node=sys.intern(spec.node_name),
        restart_policy=sys.intern(spec.restart_policy),
        ready=ready,
        total=total,
        restarts=sum(container.restart_count for container in statuses),
        images=_images(spec),
        is_ready=any(condition.type == "Ready" and condition.status == "True" for condition in wanted),
        reason=status.reason,
        message=status.message[:MESSAGE_LIMIT],
        conditions=_conditions(condition for condition in wanted if condition.status != "True"),
        troubles=_troubles(status.init_container_statuses, init=True) + _troubles(statuses, init=False),
    )


def _troubles(statuses: Iterable[schema.ContainerStatus], *, init: bool) -> tuple[ContainerTrouble, ...]:
    found = (_trouble(status, init=init) for status in statuses)
    return tuple(trouble for trouble in found if trouble is not None)


def _trouble(status: schema.ContainerStatus, *, init: bool) -> ContainerTrouble | None:
    """None for a container that runs and is ready, and for an init container that ended well."""
    if status.ready and not init:
        return None
    phase = _phase(status.state)
    present = status.state.terminated if phase is Phase.TERMINATED else status.state.waiting
    exit_code = status.state.terminated.exit_code if phase is Phase.TERMINATED else 0
    if init and (phase is Phase.RUNNING or (phase is Phase.TERMINATED and exit_code == 0)):
        return None
    last = status.last_state.terminated
    return ContainerTrouble(
        name=status.name,
        phase=phase,
        init=init,
        reason=present.reason,
        message=present.message[:MESSAGE_LIMIT],
        exit_code=exit_code,
        last_reason=last.reason,
        last_exit_code=last.exit_code,
        terminated_before=_phase(status.last_state) is Phase.TERMINATED,
    )


def _phase(state: schema.ContainerState) -> Phase:
    """A state that names nothing is waiting (k8s.io/api, core/v1/types.go, ContainerState)."""
    if _seconds(state.running.started_at):
        return Phase.RUNNING
    terminated = state.terminated
    if terminated.reason or terminated.exit_code or _seconds(terminated.finished_at):
        return Phase.TERMINATED
    return Phase.WAITING


_METADATA = Shape(schema.PartialObjectMetadata, _metadata_state)
_SHAPES: Mapping[tuple[str, str], Shape] = {
    ("apps", "Deployment"): Shape(schema.Deployment, _deployment_state),
    ("apps", "ReplicaSet"): Shape(schema.ReplicaSet, _replica_set_state),
    ("apps", "StatefulSet"): Shape(schema.StatefulSet, _stateful_set_state),
    ("apps", "DaemonSet"): Shape(schema.DaemonSet, _daemon_set_state),
    ("apps", "ControllerRevision"): Shape(schema.ControllerRevision, _revision_state),
    ("batch", "Job"): Shape(schema.Job, _job_state),
    ("batch", "CronJob"): Shape(schema.CronJob, _cron_job_state),
    ("", "Pod"): Shape(schema.Pod, _pod_state),
    ("", "ConfigMap"): Shape(schema.ConfigMap, _config_map_state),
}
