"""Ownership trees: pure functions of the store, a root, and what the caller may see."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta

from kubediscovery.health import Health, assess, worst
from kubediscovery.kinds import Kind
from kubediscovery.objects import CronJobState, JobState, Object, PodState, RevisionState, WorkloadState

# Real chains have five levels; a longer one than this was made by hand, and would overflow every JSON reader.
MAX_DEPTH = 64


class Info(msgspec.Struct, omit_defaults=True):
    """Facts about an object; one that its kind does not have is left out."""

    revision: Annotated[str | None, Meta(description="Revision of the rollout that the object stands for.")] = None
    images: Annotated[tuple[str, ...] | None, Meta(description="Images of the containers, in their order.")] = None
    restarts: Annotated[int | None, Meta(description="How often the pod's containers were restarted, in all.")] = None
    node: Annotated[str | None, Meta(description="Name of the node that the pod was given to.")] = None


class Node(msgspec.Struct, omit_defaults=True, rename="camel"):
    """One object in a tree: what it is, whether it is all right, and what it owns."""

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
    controller: Annotated[
        bool | None,
        Meta(description="On a child: whether the parent is its controller, rather than one of its owners."),
    ] = None
    children: Annotated[
        list["Node"],
        Meta(
            description="What the object owns, as far as you may list it, sorted by kind, namespace and name. What "
            "several objects own stands under each of them, and has its own children under the first."
        ),
    ] = msgspec.field(default_factory=list)


class Tree(msgspec.Struct):
    """A tree and what holds of all of it; ``cut`` are the kinds of what lies deeper than :data:`MAX_DEPTH`.

    Objects that appear under several owners are counted once.
    """

    root: Node
    health: Health
    version: int
    pods: int
    ready_pods: int
    cut: frozenset[Kind]


class HasChildren(Protocol):
    """What a tree is read from."""

    def children(self, owner: Object) -> list[Object]:
        """What ``owner`` owns, each once."""
        ...

    def losses(self, owner: Object) -> Mapping[Kind, int]:
        """The resource versions at which ``owner`` last lost a child, by the child's kind."""
        ...


def build_tree(store: HasChildren, root: Object, may_see: Callable[[Kind], bool]) -> Tree:
    """The tree of all that ``root`` owns, directly or through others, as far as it may be seen.

    What may not be seen is left out with all below it. An object with several owners appears under each of them; what
    it owns in turn stands where it appears first, in depth-first order, so that neither cycles nor ladders of shared
    owners make the tree larger than the number of its edges. Children are sorted by kind, namespace and name.

    Its version is the highest among what it was built from and what has left it, so that it never stays the same when
    the tree does not.
    """
    top = node_of(root)
    seen: dict[str, tuple[Object, Health]] = {root.uid: (root, top.health)}
    cut: dict[str, Kind] = {}
    expanded: set[str] = set()
    lost = 0
    stack = [(root, top, 1)]
    while stack:
        owner, node, depth = stack.pop()
        if owner.uid in expanded:
            continue
        if losses := store.losses(owner):
            lost = max(lost, *(version for kind, version in losses.items() if may_see(kind)), 0)
        children = [child for child in store.children(owner) if may_see(child.kind)]
        if not children:
            continue
        children.sort(key=_order)
        if depth == MAX_DEPTH:
            cut.update((child.uid, child.kind) for child in children)
            continue
        expanded.add(owner.uid)
        for child in children:
            below = node_of(child, controller=_controls(owner, child))
            seen[child.uid] = (child, below.health)
            node.children.append(below)
        stack.extend(
            (child, below, depth + 1) for child, below in zip(children[::-1], node.children[::-1], strict=True)
        )
    # What was too deep in one place may stand in another.
    return _summarise(top, seen, lost, frozenset(kind for uid, kind in cut.items() if uid not in seen))


def node_of(item: Object, *, controller: bool | None = None) -> Node:
    """The object as a node without children."""
    verdict = assess(item)
    describe = _DESCRIPTIONS.get(type(item.state))
    ready, info = describe(item.state) if describe else (None, None)
    return Node(
        api_version=item.kind.api_version,
        kind=item.kind.kind,
        namespace=item.namespace,
        name=item.name,
        uid=item.uid,
        resource_version=str(item.resource_version),
        creation_timestamp=timestamp(item.created),
        ready=ready,
        health=verdict.health,
        reason=verdict.reason,
        message=verdict.message,
        info=info,
        controller=controller,
    )


def timestamp(seconds: int) -> str | None:
    """RFC 3339 in UTC, as Kubernetes writes times; None for 0."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00") + "Z" if seconds else None


def _order(item: Object) -> tuple[str, str, str, str]:
    return item.kind.kind, item.namespace, item.name, item.kind.group


def _controls(owner: Object, child: Object) -> bool:
    return any(reference.uid == owner.uid and reference.controller for reference in child.owners)


def _summarise(top: Node, seen: Mapping[str, tuple[Object, Health]], lost: int, cut: frozenset[Kind]) -> Tree:
    pods = [item.state for item, _ in seen.values() if isinstance(item.state, PodState)]
    return Tree(
        root=top,
        health=worst(health for _, health in seen.values()),
        version=max(lost, *(item.resource_version for item, _ in seen.values())),
        pods=len(pods),
        ready_pods=sum(pod.is_ready for pod in pods),
        cut=cut,
    )


_Description = tuple[str | None, Info]


def _describe_workload(state: WorkloadState) -> _Description:
    return f"{state.ready}/{state.desired}", Info(revision=state.revision or None, images=state.images)


def _describe_job(state: JobState) -> _Description:
    return f"{state.succeeded}/{state.completions or 1}", Info(images=state.images)


def _describe_cron_job(state: CronJobState) -> _Description:
    return None, Info(images=state.images)


def _describe_revision(state: RevisionState) -> _Description:
    return None, Info(revision=str(state.revision))


def _describe_pod(state: PodState) -> _Description:
    info = Info(images=state.images, restarts=state.restarts, node=state.node or None)
    return f"{state.ready}/{state.total}", info


_DESCRIPTIONS: Mapping[type, Callable[..., _Description]] = {
    WorkloadState: _describe_workload,
    JobState: _describe_job,
    CronJobState: _describe_cron_job,
    RevisionState: _describe_revision,
    PodState: _describe_pod,
}
