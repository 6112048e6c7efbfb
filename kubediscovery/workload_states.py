"""What is read of the kinds that make pods."""

from collections.abc import Iterator
from typing import Any

from kubediscovery import schema_workloads as schema
from kubediscovery.objects import CronJobState, JobState, Reference, RevisionState, WorkloadState
from kubediscovery.readings import Shape, conditions, exact, images, row, seconds, spec_selector

REVISION_ANNOTATION = "deployment.kubernetes.io/revision"
# What a Deployment says while it is well names its ReplicaSet, and no rule tells anybody of it.
_UNTOLD = frozenset((("Available", "True"), ("Progressing", "True")))


def _deployment(raw: schema.Deployment) -> WorkloadState:
    return _replicated(
        raw,
        updated=raw.status.updated_replicas,
        paused=raw.spec.paused,
        progress_deadline=raw.spec.progress_deadline_seconds,
        revision=raw.metadata.annotations.get(REVISION_ANNOTATION, ""),
    )


def _replica_set(raw: schema.ReplicaSet | schema.ReplicationController) -> WorkloadState:
    revision = raw.metadata.annotations.get(REVISION_ANNOTATION, "")
    return _replicated(raw, updated=raw.status.fully_labeled_replicas, revision=revision)


def _stateful_set(raw: schema.StatefulSet) -> WorkloadState:
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
        parallel=raw.spec.pod_management_policy == "Parallel",
    )


def _claims(raw: schema.StatefulSet) -> Iterator[Reference]:
    """What the claims' names begin with, before an ordinal (pkg/controller/statefulset/stateful_set_utils.go)."""
    for template in raw.spec.volume_claim_templates:
        if template.metadata.name:
            stem = f"{template.metadata.name}-{raw.metadata.name}-"
            yield Reference("claimTemplate", "", "PersistentVolumeClaim", stem)


def _replicated(raw: Any, *, updated: int, **own: Any) -> WorkloadState:
    """What kinds with ``spec.replicas`` have in common, and what the kind has of its own."""
    spec, status = raw.spec, raw.status
    return WorkloadState(
        desired=spec.replicas,
        replicas=status.replicas,
        updated=updated,
        ready=status.ready_replicas,
        available=status.available_replicas,
        observed_generation=status.observed_generation,
        images=images(spec.template.spec.containers),
        conditions=conditions(status.conditions, untold=_UNTOLD),
        **own,
    )


def _daemon_set(raw: schema.DaemonSet) -> WorkloadState:
    status = raw.status
    return WorkloadState(
        desired=status.desired_number_scheduled,
        replicas=status.current_number_scheduled,
        updated=status.updated_number_scheduled,
        ready=status.number_ready,
        available=status.number_available,
        observed_generation=status.observed_generation,
        images=images(raw.spec.template.spec.containers),
        conditions=conditions(status.conditions),
        current=status.current_number_scheduled,
        strategy=raw.spec.update_strategy.type,
    )


def _revision(raw: schema.ControllerRevision) -> RevisionState:
    return RevisionState(revision=raw.revision)


def _job(raw: schema.Job) -> JobState:
    spec, status = raw.spec, raw.status
    return JobState(
        completions=spec.completions,
        parallelism=spec.parallelism,
        suspended=spec.suspend,
        active=status.active,
        succeeded=status.succeeded,
        failed=status.failed,
        ready=status.ready,
        started=seconds(status.start_time) != 0,
        images=images(spec.template.spec.containers),
        conditions=conditions(status.conditions),
    )


def _cron_job(raw: schema.CronJob) -> CronJobState:
    spec, status = raw.spec, raw.status
    return CronJobState(
        schedule=spec.schedule,
        suspended=spec.suspend,
        active=len(status.active),
        last_schedule=seconds(status.last_schedule_time),
        last_success=seconds(status.last_successful_time),
        images=images(spec.job_template.spec.template.spec.containers),
    )


SHAPES: dict[tuple[str, str], Shape] = {
    ("apps", "Deployment"): row(schema.Deployment, _deployment, selector=spec_selector),
    ("apps", "ReplicaSet"): row(schema.ReplicaSet, _replica_set, selector=spec_selector),
    ("apps", "StatefulSet"): row(schema.StatefulSet, _stateful_set, _claims, spec_selector),
    ("apps", "DaemonSet"): row(schema.DaemonSet, _daemon_set, selector=spec_selector),
    ("apps", "ControllerRevision"): row(schema.ControllerRevision, _revision),
    ("batch", "Job"): row(schema.Job, _job, selector=spec_selector),
    ("batch", "CronJob"): row(schema.CronJob, _cron_job),
    ("", "ReplicationController"): row(
        schema.ReplicationController, _replica_set, selector=lambda raw: exact(raw.spec.selector)
    ),
}
