"""The demo's cluster: what kube-apiserver would serve of it at each step.

Namespace ``shop`` holds a Deployment ``web`` that is rolled out again and again, a release of ``payments`` that
crashes, a StatefulSet, a DaemonSet, and what stands around web; ``batch`` holds a CronJob with its Jobs and a bare pod.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubediscovery.scenery import (
    NAME,
    REVISION_HASH,
    Manifest,
    condition,
    crashing,
    creating,
    event,
    letters,
    make,
    pod,
    pod_template,
    replica_set,
    replica_set_name,
    replicated,
    revision_annotation,
    running,
    selecting,
    succeeded,
    uid_of,
)
from kubediscovery.surroundings import around

# Seconds after the demo's start, negative before it, to a timestamp.
Clock = Callable[[int], str]

STEP_SECONDS = 2
WEB_REPLICAS = 5
# A rollout takes one step a pod, and one to end; after it the release stays for the rest of the cycle.
CYCLE_STEPS = 20
# The demo begins in the middle of the rollout to revision 3.
_FIRST_STEP, _FIRST_REVISION = 2, 3

_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60
_AVAILABLE = condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far ``web`` is: pods of the new revision made and ready, and pods of the old one left."""

    revision: int
    updated: int
    ready: int
    old: int


def rollout(step: int) -> Rollout:
    """The rollout at a step: each makes one pod more, has the one before ready and takes an old one away."""
    cycle, position = divmod(step + _FIRST_STEP, CYCLE_STEPS)
    ready = min(position, WEB_REPLICAS)
    return Rollout(_FIRST_REVISION + cycle, min(position + 1, WEB_REPLICAS), ready, WEB_REPLICAS - ready)


def scene(step: int, now: datetime) -> list[Manifest]:
    """All objects at a step, counted from 0, of a demo that was started at ``now``; owners before what they own.

    The demo's resource versions grow by one a step, as far as something changes.
    """

    def clock(seconds: int) -> str:
        return (now + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    web = list(_web(step, clock))
    parts = (
        web,
        around(web, clock(-3 * _DAY), clock(-50 * _DAY)),
        _payments(step, clock),
        _database(clock),
        _agents(clock),
        _reports(clock),
    )
    return [manifest for part in parts for manifest in part]


def _web(step: int, clock: Clock) -> Iterator[Manifest]:
    state = rollout(step)
    old, new = (f"web:1.{revision}" for revision in (state.revision - 1, state.revision))
    deployment = make(
        "Deployment",
        "shop",
        "web",
        clock(-3 * _DAY),
        version=min(step, _begun(state.revision) + WEB_REPLICAS),
        annotations=revision_annotation(state.revision),
        **replicated(
            "Deployment",
            {NAME: "web"},
            new,
            WEB_REPLICAS,
            total=state.updated + state.old,
            updated=state.updated,
            ready=state.ready + state.old,
            conditions=(_AVAILABLE, _web_progress(state, replica_set_name("web", new))),
        ),
    )
    yield deployment
    yield from _web_revision(deployment, state.revision, new, clock, range(state.updated), state.ready)
    left = range(WEB_REPLICAS - state.old, WEB_REPLICAS)
    yield from _web_revision(deployment, state.revision - 1, old, clock, left, WEB_REPLICAS)


def _web_progress(state: Rollout, name: str) -> Manifest:
    """In the words of the Deployment's controller (k8s.io/kubernetes, pkg/controller/deployment/progress.go)."""
    if state.old:
        return condition("Progressing", "True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')
    message = f'ReplicaSet "{name}" has successfully progressed.'
    return condition("Progressing", "True", "NewReplicaSetAvailable", message)


def _web_revision(
    deployment: Manifest, revision: int, image: str, clock: Clock, numbers: range, ready: int
) -> Iterator[Manifest]:
    """One ReplicaSet and its pods with these numbers, of which those below ``ready`` are ready."""
    begun = _begun(revision)
    counts = {"pods": len(numbers), "ready": min(ready, len(numbers))}
    owner = replica_set(deployment, revision, image, clock(begun * STEP_SECONDS), **counts)
    yield owner
    for number in numbers:
        made, up = begun + number, begun + number + 1
        state = running(clock(up * STEP_SECONDS)) if number < ready else creating()
        version = max(up if number < ready else made, 0)
        yield pod(
            _pod_name(owner, number), "shop", image, clock(made * STEP_SECONDS), state, owner=owner, version=version
        )


def _payments(step: int, clock: Clock) -> Iterator[Manifest]:
    """A release that never comes up: its two pods crash, and the three of the one before go on serving."""
    old, new = "payments:2.7.4", "payments:2.8.0"
    late = f'ReplicaSet "{replica_set_name("payments", new)}" has timed out progressing.'
    conditions = (_AVAILABLE, condition("Progressing", "False", "ProgressDeadlineExceeded", late))
    deployment = make(
        "Deployment",
        "shop",
        "payments",
        clock(-40 * _DAY),
        annotations=revision_annotation(8),
        **replicated("Deployment", {NAME: "payments"}, new, 4, total=5, updated=2, ready=3, conditions=conditions),
    )
    yield deployment
    # The back-off ends at five minutes, and so often the pods crash.
    crashes = step * STEP_SECONDS // (5 * _MINUTE)
    last = clock(crashes * 5 * _MINUTE - _MINUTE)
    crashed = crashing("payments", 14 + crashes, last)
    for revision, image, since, pods, ready, state in (
        (7, old, -12 * _DAY, 3, 3, running(clock(-12 * _DAY + 4))),
        (8, new, -50 * _MINUTE, 2, 0, crashed),
    ):
        owner = replica_set(deployment, revision, image, clock(since), pods=pods, ready=ready)
        yield owner
        version = 0 if ready else crashes * 5 * _MINUTE // STEP_SECONDS
        for number in range(pods):
            made = pod(_pod_name(owner, number), "shop", image, clock(since + 1), state, owner=owner, version=version)
            yield made
            if not ready:
                said = "Back-off restarting failed container payments"
                yield event(made, "BackOff", said, 14 + crashes, clock(since + _MINUTE), last)


def _database(clock: Clock) -> Iterator[Manifest]:
    """A StatefulSet that was updated once; both of its revisions are kept."""
    image, first, second = "postgres:16.4", f"db-{letters('db/1', 10)}", f"db-{letters('db/2', 10)}"
    counts = ("replicas", "readyReplicas", "availableReplicas", "currentReplicas", "updatedReplicas")
    revisions = {"currentRevision": second, "updateRevision": second}
    spec = {"replicas": 3, "serviceName": "db", "updateStrategy": {"type": "RollingUpdate"}}
    owner = make(
        "StatefulSet",
        "shop",
        "db",
        clock(-90 * _DAY),
        spec={**spec, **selecting({NAME: "db"}, image)},
        status={**dict.fromkeys(counts, 3), **revisions, "observedGeneration": 1},
    )
    yield owner
    for revision, name, since in ((1, first, -90 * _DAY), (2, second, -20 * _DAY)):
        yield make("ControllerRevision", "shop", name, clock(since), owner=owner, revision=revision)
    for number in range(3):
        name, restarted = f"db-{number}", clock(-20 * _DAY + _MINUTE * (3 - number))
        labels = {REVISION_HASH: second, "statefulset.kubernetes.io/pod-name": name}
        yield pod(name, "shop", image, restarted, running(restarted), owner=owner, labels=labels)


def _agents(clock: Clock) -> Iterator[Manifest]:
    counts = ("currentNumberScheduled", "desiredNumberScheduled", "updatedNumberScheduled", "numberReady")
    since, image, name = clock(-60 * _DAY), "log-agent:3.1", "log-agent"
    labels = {REVISION_HASH: letters(name, 10)}
    owner = make(
        "DaemonSet",
        "shop",
        name,
        since,
        spec={"updateStrategy": {"type": "RollingUpdate"}, **selecting({NAME: name}, image)},
        status={**dict.fromkeys((*counts, "numberAvailable"), 3), "numberMisscheduled": 0, "observedGeneration": 1},
    )
    yield owner
    revision_name = f"{name}-{labels[REVISION_HASH]}"
    yield make("ControllerRevision", "shop", revision_name, since, owner=owner, labels=labels, revision=1)
    for number in range(3):
        yield pod(_pod_name(owner, number), "shop", image, since, running(since), owner=owner, labels=labels)


def _reports(clock: Clock) -> Iterator[Manifest]:
    """A CronJob with one Job done and one running, and a pod that somebody made by hand."""
    before, last = -_HOUR - _MINUTE, -_MINUTE
    ended = clock(before + 45)
    spec = {"completions": 1, "parallelism": 1, "template": pod_template("report:1.0")}
    cron_job = make(
        "CronJob",
        "batch",
        "report",
        clock(-30 * _DAY),
        spec={"schedule": "0 * * * *", "jobTemplate": {"spec": spec}},
        status={
            "active": [{"apiVersion": "batch/v1", "kind": "Job", "namespace": "batch", "name": "report-29000060"}],
            "lastScheduleTime": clock(last),
            "lastSuccessfulTime": ended,
        },
    )
    yield cron_job
    complete = condition("Complete", "True", "CompletionsReached", "Reached expected number of succeeded pods")
    for name, since, status, state in (
        ("report-29000000", before, {"succeeded": 1, "conditions": [complete]}, succeeded(ended)),
        ("report-29000060", last, {"active": 1, "ready": 1}, running(clock(last + 2), "Never")),
    ):
        started = clock(since)
        job = _job(name, started, cron_job, spec, status)
        yield job
        yield pod(_pod_name(job, 0), "batch", "report:1.0", started, state, owner=job)
    yield pod("toolbox", "batch", "toolbox:latest", clock(-5 * _HOUR), running(clock(-5 * _HOUR + 3)))


def _job(name: str, started: str, cron_job: Manifest, spec: Manifest, status: Manifest) -> Manifest:
    """One run, with the label by which it knows its pods (k8s.io/kubernetes, pkg/registry/batch/job/strategy.go)."""
    uid = {"batch.kubernetes.io/controller-uid": uid_of("Job", "batch", name)}
    own = {"selector": {"matchLabels": uid}, "backoffLimit": 6, "suspend": False}
    return make(
        "Job",
        "batch",
        name,
        started,
        owner=cron_job,
        labels={**uid, "batch.kubernetes.io/job-name": name},
        spec={**spec, **own},
        status={**status, "startTime": started},
    )


def _begun(revision: int) -> int:
    """The step at which web's rollout to a revision began."""
    return (revision - _FIRST_REVISION) * CYCLE_STEPS - _FIRST_STEP


def _pod_name(owner: Manifest, number: int) -> str:
    name: str = owner["metadata"]["name"]
    return f"{name}-{letters(f'{name}/{number}', 5)}"
