"""Compositions: what an object is made of and whether it is all right, as the caller may see it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from kubediscovery.api import ApiGroup
from kubediscovery.errors import NotFound, ServiceUnavailable, Subject
from kubediscovery.forest import Forest
from kubediscovery.health import Health
from kubediscovery.kinds import Kind
from kubediscovery.meta import ListMeta, ObjectMeta
from kubediscovery.objects import Object
from kubediscovery.options import Options
from kubediscovery.store import Coverage, Store
from kubediscovery.tree import Node, Tree, timestamp


class Omitted(msgspec.Struct, frozen=True, omit_defaults=True):
    """A resource that the answer says nothing about, whether or not there is anything of it, and why."""

    resource: str
    reason: str
    message: str
    group: str = ""


class PodCount(msgspec.Struct):
    """The tree's pods, each once."""

    total: int
    ready: int


class CompositionStatus(msgspec.Struct, omit_defaults=True):
    """``health`` is the worst in the tree; ``pods`` is left out where pods may not be seen."""

    health: Health
    pods: PodCount | None = None
    omitted: list[Omitted] | None = None


class Composition(msgspec.Struct, rename="camel"):
    """One tree."""

    kind: str
    api_version: str
    metadata: ObjectMeta
    root: Node
    status: CompositionStatus


class CompositionList(msgspec.Struct, rename="camel"):
    """Trees, sorted by namespace and name; ``omitted`` are kinds of which no root is listed."""

    api_version: str
    metadata: ListMeta
    items: list[Composition]
    omitted: list[Omitted]
    kind: str = "CompositionList"


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about: roots of one kind or, without one, of all kinds; ``namespace`` None is all of them."""

    kind: Kind | None
    namespace: str | None


class Compositions:
    """Answers from the store; ``visible`` is always the kinds that the caller may list where the request looks."""

    def __init__(self, api: ApiGroup, store: Store) -> None:
        self._api = api
        self._store = store
        self._forest = Forest(store)

    def one(self, kind: Kind, namespace: str, name: str, visible: frozenset[Kind]) -> Composition:
        """The composition of one object, whose kind the request itself gives the right to.

        Raises :class:`NotFound` naming the object and :class:`ServiceUnavailable` naming a kind that is not known yet.
        """
        self._require(self._store.pending)
        self._require_known(kind)
        root = self._store.find(kind, namespace, name)
        if root is None:
            raise NotFound(
                f'{kind.group_resource} "{name}" not found', subject=Subject(kind.group, kind.resource, name)
            )
        return self._compose(root, visible)

    def named(self, namespace: str, name: str, visible: frozenset[Kind]) -> Composition:
        """The composition with the name ``deployments.apps.web``.

        Raises :class:`NotFound` also where the object's kind is not visible: who may not list it learns nothing; and
        :class:`ServiceUnavailable` where nothing is known of the kind.
        """
        self._require(self._store.pending)
        # A longer group's prefix never hides a core object whose name begins like it: both are looked up.
        meant = [kind for kind in self._store.kinds if kind in visible and name.startswith(f"{kind.group_resource}.")]
        for kind in meant:
            root = self._store.find(kind, namespace, name.removeprefix(f"{kind.group_resource}."))
            if root is not None:
                return self._compose(root, visible)
        for kind in meant:
            self._require_known(kind)
        raise NotFound(
            f'compositions.{self._api.group} "{name}" not found', subject=Subject(self._api.group, "compositions", name)
        )

    def many(self, target: Target, options: Options, visible: frozenset[Kind]) -> CompositionList:
        """The compositions of a kind's objects, or of all roots of visible kinds, that the selectors match."""
        self._require(self._store.pending)
        if target.kind is not None:
            self._require_known(target.kind)
        roots: Iterable[Object] = (
            self._store.objects(target.kind, target.namespace)
            if target.kind is not None
            else (root for root in self._store.roots(target.namespace) if root.kind in visible)
        )
        composed = (self._compose(root, visible) for root in roots if options.labels.matches(dict(root.labels)))
        items = [item for item in composed if options.fields.matches(_fields(item))]
        return CompositionList(
            api_version=self._api.api_version,
            metadata=ListMeta(resource_version=str(self._store.version)),
            items=sorted(items, key=lambda item: (item.metadata.namespace, item.metadata.name)),
            omitted=[] if target.kind is not None else list(self._omitted(visible, workloads_only=True)),
        )

    def _compose(self, root: Object, visible: frozenset[Kind]) -> Composition:
        tree = self._forest.tree(root, visible)
        return Composition(
            kind="Composition",
            api_version=self._api.api_version,
            metadata=ObjectMeta(
                name=f"{root.kind.group_resource}.{root.name}",
                namespace=root.namespace,
                uid=root.uid,
                resource_version=str(tree.version),
                creation_timestamp=timestamp(root.created),
                labels=dict(root.labels) or None,
            ),
            root=tree.root,
            status=self._status(tree, visible),
        )

    def _status(self, tree: Tree, visible: frozenset[Kind]) -> CompositionStatus:
        omitted = [*self._omitted(visible), *map(_too_deep, sorted(tree.cut, key=str))]
        knows_pods = any(kind.group_resource == "pods" and kind not in self._store.omitted for kind in visible)
        return CompositionStatus(
            health=tree.health,
            pods=PodCount(tree.pods, tree.ready_pods) if knows_pods or tree.pods else None,
            omitted=omitted or None,
        )

    def _omitted(self, visible: frozenset[Kind], *, workloads_only: bool = False) -> Iterator[Omitted]:
        for kind in self._store.kinds:
            coverage = self._store.coverage(kind)
            if workloads_only and not kind.workload:
                continue
            if kind not in visible:
                yield Omitted(kind.resource, "Forbidden", "you may not list this resource", kind.group)
            elif coverage in _UNKNOWN:
                yield Omitted(kind.resource, coverage.value, _UNKNOWN[coverage], kind.group)

    def _require(self, pending: list[Kind]) -> None:
        if pending:
            waited_for = ", ".join(kind.group_resource for kind in pending)
            raise ServiceUnavailable(f"the caches are not filled yet: waiting for {waited_for}", retry_after=1)

    def _require_known(self, kind: Kind) -> None:
        coverage = self._store.coverage(kind)
        if coverage is Coverage.NOT_FOUND:
            raise NotFound(
                f"the cluster does not serve {kind.group_resource}", subject=Subject(kind.group, kind.resource)
            )
        if coverage is Coverage.FORBIDDEN:
            raise ServiceUnavailable(f"kubediscovery may not list {kind.group_resource}")


_UNKNOWN = {
    Coverage.FORBIDDEN: "kubediscovery may not list this resource",
    Coverage.NOT_FOUND: "the cluster does not serve this resource",
}


def _too_deep(kind: Kind) -> Omitted:
    return Omitted(kind.resource, "TooDeep", "the chain of owners is too long to follow", kind.group)


def _fields(item: Composition) -> dict[str, str]:
    return {
        "metadata.name": item.metadata.name,
        "metadata.namespace": item.metadata.namespace,
        "root.kind": item.root.kind,
        "status.health": item.status.health,
    }
