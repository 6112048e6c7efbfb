"""One object as it stands in a tree."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from kubediscovery.health import Health, assess
from kubediscovery.objects import (
    CronJobState,
    EventState,
    JobState,
    Object,
    PodState,
    RevisionState,
    StatusState,
    WorkloadState,
)

# Characters of a date and time without its zone.
_DATE_AND_TIME = 19
# Siblings are made in the same second: times that are kept as they are written.
_SECONDS = 4_096


class Info(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Facts about an object; one that its kind does not have is left out."""

    revision: Annotated[str | None, Meta(description="Revision of the rollout that the object stands for.")] = None
    images: Annotated[tuple[str, ...] | None, Meta(description="Images of the containers, in their order.")] = None
    image_ids: Annotated[
        tuple[str, ...] | None,
        Meta(
            description="Images that the pod's containers run, as the container runtime names them, as in "
            "registry.example.com/web@sha256:2f1e."
        ),
    ] = msgspec.field(default=None, name="imageIDs")
    restarts: Annotated[
        int | None, Meta(description="How often the pod's containers were restarted, in all, as kubectl counts it.")
    ] = None
    node: Annotated[str | None, Meta(description="Name of the node that the pod was given to.")] = None
    requests: Annotated[
        dict[str, str] | None,
        Meta(
            description="What the pod asks its node for, by resource, as in cpu: 300m; as the scheduler counts it, "
            "with init containers, sidecars and overhead."
        ),
    ] = None
    release: Annotated[str | None, Meta(description="Helm release that the object is of, as its namespace/name.")] = (
        None
    )


class Event(msgspec.Struct, omit_defaults=True, rename="camel", gc=False):
    """What an Event of the cluster says of the object."""

    type: Annotated[str, Meta(description="Normal or Warning.")]
    reason: Annotated[str, Meta(description="One CamelCase word for what happened.")]
    message: Annotated[str, Meta(description="What happened, in a sentence for people.")] = ""
    count: Annotated[int, Meta(description="How often it happened.")] = 1
    last_timestamp: Annotated[
        str | None, Meta(description="When it happened last.", extra_json_schema={"format": "date-time"})
    ] = None


class Facts(msgspec.Struct, omit_defaults=True, rename="camel", gc=False):
    """What is told of an object wherever it stands."""

    api_version: Annotated[str, Meta(description="Group and version of the object, as in apps/v1.")]
    kind: Annotated[str, Meta(description="Kind of the object, as in Deployment.")]
    name: Annotated[str, Meta(description="Name of the object.")]
    uid: Annotated[str, Meta(description="UID of the object; a new one under the same name has another.")]
    resource_version: Annotated[str, Meta(description="Resource version of the object itself, without its children.")]
    health: Annotated[Health, Meta(description="Health of the object itself, without its children, from its status.")]
    namespace: Annotated[str, Meta(description="Namespace of the object; left out for cluster-scoped kinds.")] = ""
    creation_timestamp: Annotated[
        str | None, Meta(description="When the object was created.", extra_json_schema={"format": "date-time"})
    ] = None
    ready: Annotated[
        str | None,
        Meta(description="Ready replicas or containers of those wanted, as in 2/3; for a Job, its completions."),
    ] = None
    reason: Annotated[
        str, Meta(description="One CamelCase word for why the object is in this health, its own where it gives one.")
    ] = ""
    message: Annotated[str, Meta(description="The reason in a sentence for people.")] = ""
    info: Annotated[Info | None, Meta(description="What else there is to know of the object.")] = None
    events: Annotated[
        list[Event] | None,
        Meta(description="The latest events about the object, newest first, where the relation event was asked for."),
    ] = None


# Nodes never lead back to one another: without gc=False the garbage collector looks through all of a long list.
class Node(Facts, gc=False):
    """One object in a tree: what it is, whether it is all right, and what it owns."""

    controller: Annotated[
        bool | None,
        Meta(
            description="Where one of two objects owns the other: whether it is the controller, rather than one of "
            "several owners."
        ),
    ] = None
    relation: Annotated[
        str,
        Meta(
            description="Relation by which the parent leads to this node, as in configMap, or owner for an owner that "
            "stands below what it owns; left out for what the parent owns."
        ),
    ] = ""
    incoming: Annotated[
        bool | None,
        Meta(
            description="True where the relation leads from this node to the parent, as from a Service to the pods "
            "behind it, rather than from the parent to this node."
        ),
    ] = None
    children: Annotated[
        list["Node"],
        Meta(
            description="What the object owns, as far as you may list it, sorted by kind, namespace and name. What "
            "several objects own stands under each of them, and has its own children under the first. In other "
            "directions than children: its owners, what uses it, or what is collected with it."
        ),
    ] = msgspec.field(default_factory=list)
    related: Annotated[
        list["Node"],
        Meta(
            description="What relations that were asked for lead to, as far as you may list it, sorted by relation, "
            "kind, namespace and name. It stands under each object that leads to it, and leads on under the first."
        ),
    ] = msgspec.field(default_factory=list)


def node_of(item: Object, *, controller: bool | None = None, relation: str = "", incoming: bool | None = None) -> Node:
    """The object as a node that nothing hangs from yet."""
    kind, state = item.kind, item.state
    verdict = assess(item)
    describe = _DESCRIPTIONS.get(type(state))
    ready, info = describe(state, item.node) if describe else (None, None)
    if item.release:
        info = replace(info or Info(), release=item.release)
    # By position, which takes half of the time: a list makes a node for each object of a cluster.
    return Node(
        kind.api_version,
        kind.kind,
        item.name,
        item.uid,
        str(item.resource_version),
        verdict.health,
        item.namespace,
        timestamp(item.created),
        ready,
        verdict.reason,
        verdict.message,
        info,
        None,
        controller,
        relation,
        incoming,
    )


def event_of(state: EventState) -> Event:
    """What an Event says, as it stands at the node of what it is about."""
    return Event(state.type, state.reason, state.message, state.count, timestamp(state.last_seen))


@lru_cache(_SECONDS)
def timestamp(seconds: int) -> str | None:
    """RFC 3339 in UTC, as Kubernetes writes times; None for 0."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:_DATE_AND_TIME] + "Z" if seconds else None


def controls(owner: Object, child: Object) -> bool:
    """Whether an owner is the controller of what it owns."""
    uid = owner.uid
    # In a list, which takes a third of a generator's time: nearly always there is one.
    return True in [reference.controller for reference in child.owners if reference.uid == uid]


def order(item: Object) -> tuple[str, str, str, str]:
    """What siblings are sorted by."""
    return item.kind.kind, item.namespace, item.name, item.kind.group


_Description = tuple[str | None, Info | None]


def _describe_workload(state: WorkloadState, _: str) -> _Description:
    return f"{state.ready}/{state.desired}", Info(revision=state.revision or None, images=state.images)


def _describe_job(state: JobState, _: str) -> _Description:
    return f"{state.succeeded}/{state.completions or 1}", Info(images=state.images)


def _describe_cron_job(state: CronJobState, _: str) -> _Description:
    return None, Info(images=state.images)


def _describe_revision(state: RevisionState, _: str) -> _Description:
    return None, Info(revision=str(state.revision))


def _describe_pod(state: PodState, node: str) -> _Description:
    info = Info(
        images=state.images,
        image_ids=state.image_ids or None,
        restarts=state.restarts,
        node=node or None,
        requests=dict(state.requests) or None,
    )
    return f"{state.ready}/{state.total}", info


def _describe_status(state: StatusState, _: str) -> _Description:
    return (f"{state.ready}/{state.desired}" if state.ready >= 0 and state.desired >= 0 else None), None


_DESCRIPTIONS: Mapping[type, Callable[..., _Description]] = {
    WorkloadState: _describe_workload,
    JobState: _describe_job,
    CronJobState: _describe_cron_job,
    RevisionState: _describe_revision,
    PodState: _describe_pod,
    StatusState: _describe_status,
}
