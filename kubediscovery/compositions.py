"""Compositions: what an object is made of and whether it is all right, as the caller may see it."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec
from msgspec import structs

from kubediscovery.api import ApiGroup
from kubediscovery.composition import (
    Composition,
    CompositionList,
    CompositionStatus,
    PodCount,
    composition_name,
    fields_of,
)
from kubediscovery.drawing import DEFAULT, Drawing
from kubediscovery.errors import NotFound, Subject
from kubediscovery.forest import Forest
from kubediscovery.fragments import Fragments
from kubediscovery.kept import Kept, Shelf
from kubediscovery.kinds import Kind
from kubediscovery.meta import ListMeta, ObjectMeta
from kubediscovery.nodes import timestamp
from kubediscovery.objects import Object
from kubediscovery.omissions import Omitted, omissions, omissions_in, require_filled, require_known, too_deep
from kubediscovery.options import Options
from kubediscovery.pages import Place, Versions, fill, list_metadata, list_version, placed, places_after
from kubediscovery.recent import Recent
from kubediscovery.rollout import rollout_below
from kubediscovery.sight import Sight
from kubediscovery.store import Store
from kubediscovery.tree import Tree, visible_below

# Compositions that are kept, beside the trees that they were made of; and callers' sights, with what these leave out.
_MADE, _STANDINGS = 128, 256
# Trees whose fields are kept for selectors, at half a kilobyte each.
_FIELDS = 20_000
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about: roots of one kind or, without one, of all kinds; ``namespace`` None is all of them."""

    kind: Kind | None
    namespace: str | None


@dataclass(frozen=True, slots=True)
class _Made:
    """A composition, the tree that it was made of, and what was known of the kinds then."""

    tree: Tree
    era: int
    composition: Composition


@dataclass(frozen=True, slots=True)
class _Standing:
    """What is said in all answers to who sees some kinds, while the same is known of the kinds."""

    era: int
    omitted: tuple[Omitted, ...]
    knows_pods: bool


@dataclass(frozen=True, slots=True)
class Begun:
    """A list of which nothing is made yet: its head, with no items, and the places where these may be found.

    ``sights`` are what the caller may see, by namespace; None stands for all others.
    """

    target: Target
    head: CompositionList
    version: int
    places: list[Place]
    sights: Mapping[str | None, Sight]

    def sight_of(self, root: Object) -> Sight:
        """What the caller may see where the root is."""
        return self.sights.get(root.namespace) or self.sights[None]


@dataclass(frozen=True, slots=True)
class _OnlyThePresent:
    store: Store
    oldest: int = 0

    def issue(self) -> int:
        return self.store.version


class Compositions:
    """Answers from the store; ``sight`` is always what the caller may list where the request looks.

    ``versions`` tells from which version on all changes are known, so that a watch can go on from it; a list that was
    begun before cannot be continued. Without it every list can.
    """

    def __init__(self, api: ApiGroup, store: Store, versions: Versions | None = None) -> None:
        self._api = api
        self._store = store
        self._versions = versions or _OnlyThePresent(store)
        kept = Kept(store)
        self._forest = Forest(store, kept)
        self._fragments = Fragments(kept)
        self._fields: Shelf[Mapping[str, str]] = kept.shelf(_FIELDS)
        self._standings: Recent[Sight, _Standing] = Recent(_STANDINGS)
        self._made: Recent[tuple[str, Sight, Drawing], _Made] = Recent(_MADE)

    def one(self, kind: Kind, namespace: str, name: str, sight: Sight, drawing: Drawing = DEFAULT) -> Composition:
        """The composition of one object, whose kind the request itself gives the right to.

        Raises :class:`NotFound` naming the object and :class:`ServiceUnavailable` naming a kind that is not known yet.
        """
        require_filled(self._store.pending)
        require_known(self._store, kind)
        root = self._store.find(kind, namespace, name)
        if root is None:
            raise NotFound(
                f'{kind.group_resource} "{name}" not found', subject=Subject(kind.group, kind.resource, name)
            )
        return self.compose(root, sight, drawing)

    def named(self, namespace: str, name: str, sight: Sight, drawing: Drawing = DEFAULT) -> Composition:
        """The composition with the name ``deployments.apps.web``.

        Raises :class:`NotFound` also where the object's kind is not visible: who may not list it learns nothing; and
        :class:`ServiceUnavailable` where nothing is known of the kind.
        """
        require_filled(self._store.pending)
        # A longer group's prefix never hides a core object whose name begins like it: both are looked up.
        meant = [
            kind for kind in self._store.kinds if kind in sight.kinds and name.startswith(f"{kind.group_resource}.")
        ]
        for kind in meant:
            root = self._store.find(kind, namespace, name.removeprefix(f"{kind.group_resource}."))
            if root is not None:
                return self.compose(root, sight, drawing)
        for kind in meant:
            require_known(self._store, kind)
        raise NotFound(
            f'compositions.{self._api.group} "{name}" not found', subject=Subject(self._api.group, "compositions", name)
        )

    def many(self, target: Target, options: Options, sight: Sight, *beside: Sight) -> CompositionList:
        """The compositions of a kind's objects, or of all roots of visible kinds, that the selectors match.

        ``beside`` are what the caller may list in further namespaces, of which the list is too.
        One page of them where there is a limit: trees are built until it is full. Raises :class:`ServiceUnavailable`
        and :class:`NotFound` for a kind of which nothing is known, :class:`Expired` for a list begun too long ago.
        """
        begun = self.begin(target, options, sight, *beside)
        items, left = fill(begun.places, options.limit, lambda root: self.matching(root, options, begun.sight_of(root)))
        return structs.replace(
            begun.head, items=items, metadata=list_metadata(begun.version, begun.places, left, options)
        )

    def begin(self, target: Target, options: Options, sight: Sight, *beside: Sight) -> Begun:
        """The same before anything is made of it, for who makes it bit by bit."""
        self.require_known(target)
        version = list_version(options.start, self._versions.issue(), self._versions.oldest)
        places = places_after(placed(self._all_roots(target, sight, beside)), options)
        head = CompositionList(
            api_version=self._api.api_version,
            metadata=ListMeta(resource_version=str(version)),
            items=[],
            omitted=[] if target.kind is not None else omissions_in(self._store, (sight, *beside), roots=True),
        )
        return Begun(target, head, version, places, {**{found.namespace: found for found in beside}, None: sight})

    def _all_roots(self, target: Target, sight: Sight, beside: Iterable[Sight]) -> Iterator[Object]:
        yield from self._roots(target, sight)
        for found in beside:
            yield from self._roots(Target(target.kind, found.namespace), found)

    def _roots(self, target: Target, sight: Sight) -> Iterator[Object]:
        if target.kind is not None:
            return self._store.objects(target.kind, target.namespace)
        return (root for root in self._store.roots(target.namespace) if root.kind in sight.kinds)

    def matching(self, root: Object, options: Options, sight: Sight, *, keep: bool = True) -> Composition | None:
        """The composition of a root, None where a selector says that its tree is not wanted."""
        item = self.compose(root, sight, options.drawing, keep=keep)
        return item if options.fields.matches(fields_of(item)) else None

    def compose(self, root: Object, sight: Sight, drawing: Drawing = DEFAULT, *, keep: bool = True) -> Composition:
        """The composition of a root, with what is visible below it; not to be changed.

        It is the same one as long as nothing in it has changed, so that what is made of it need not be made again;
        unless it is not to be kept, as in a long list.
        """
        tree = self._forest.tree(root, sight, drawing, keep=keep)
        key = (root.uid, sight, drawing)
        made = self._made.get(key)
        if made is None or made.tree is not tree or made.era != self._store.era:
            made = _Made(tree, self._store.era, self._make(tree, root, sight))
            if keep:
                self._made.keep(key, made)
        return made.composition

    def written(
        self,
        root: Object,
        sight: Sight,
        drawing: Drawing = DEFAULT,
        form: Hashable = (),
        write: Callable[[Composition], bytes] = _ENCODER.encode,
    ) -> bytes:
        """The composition as JSON or in another form, which is told apart by ``form``; it is kept."""
        if drawing != DEFAULT:
            return write(self.compose(root, sight, drawing, keep=False))
        # Whatever it depends on beside the tree: how much may be seen, and what is known of the kinds.
        key = (sight, self._store.era, form)
        found = self._fragments.get(root, key)
        if found is None:
            found = write(self.compose(root, sight, keep=False))
            self._fragments.keep(root, key, found)
        return found

    def fields(self, root: Object, sight: Sight, drawing: Drawing = DEFAULT) -> Mapping[str, str]:
        """What field selectors look at, which is kept: whoever selects by health looks at all, and shows few."""
        key = (sight, self._store.era, drawing)
        found = self._fields.get(root, key)
        if found is None:
            found = fields_of(self.compose(root, sight, drawing, keep=False))
            # Other drawings come to the same fields, but hold only while nothing changes.
            if drawing == DEFAULT:
                self._fields.keep(root, key, found, 1)
        return found

    def _make(self, tree: Tree, root: Object, sight: Sight) -> Composition:
        return Composition(
            kind="Composition",
            api_version=self._api.api_version,
            metadata=ObjectMeta(
                name=composition_name(root),
                namespace=root.namespace,
                uid=root.uid,
                resource_version=str(tree.version),
                creation_timestamp=timestamp(root.created),
                labels=dict(root.labels) or None,
            ),
            root=tree.root,
            status=self._status(tree, root, sight),
        )

    def _status(self, tree: Tree, root: Object, sight: Sight) -> CompositionStatus:
        standing = self._standing(sight)
        return CompositionStatus(
            health=tree.health,
            pods=PodCount(tree.pods, tree.ready_pods) if standing.knows_pods or tree.pods else None,
            omitted=[*standing.omitted, *too_deep(tree.cut)] or None,
            # Whatever is drawn: a tree that is drawn otherwise holds only as long as nothing has changed.
            rollout=rollout_below(root, visible_below(self._store, root, sight)),
        )

    def _standing(self, sight: Sight) -> _Standing:
        found = self._standings.get(sight)
        if found is None or found.era != self._store.era:
            unknown = self._store.omitted
            found = _Standing(
                self._store.era,
                tuple(omissions(self._store, sight)),
                any(kind.group_resource == "pods" and kind not in unknown for kind in sight.kinds),
            )
            self._standings.keep(sight, found)
        return found

    def require_known(self, target: Target) -> None:
        """Raise :class:`ServiceUnavailable` or :class:`NotFound` where nothing can be told of the target."""
        require_filled(self._store.pending)
        if target.kind is not None:
            require_known(self._store, target.kind)
