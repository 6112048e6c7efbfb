"""Trees that are asked for again and again, kept for as long as the objects that they were built from are the same.

Nothing has to be told of changes: while nothing at all has changed every tree holds, and an update puts another object
into the store, so that comparing the children of each owner with those of then, a few microseconds, says so too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cachetools import LRUCache

from kubediscovery.drawing import DEFAULT, Drawing
from kubediscovery.kinds import Kind
from kubediscovery.leaves import Leaves
from kubediscovery.objects import Object
from kubediscovery.sight import Sight
from kubediscovery.store import Store
from kubediscovery.tree import Tree, build_tree, kinds_below, owner_tree

# Objects in all trees that are kept, at about a kilobyte each.
KEPT_OBJECTS = 20_000


class _Read(NamedTuple):
    """The children of an owner as they were read for a tree, visible or not, and what it has lost."""

    owner: Object
    children: list[Object]
    losses: dict[Kind, int]


@dataclass(slots=True)
class _Kept:
    """A tree, its root and all that was read for it; it held at a generation of the store."""

    tree: Tree
    root: Object
    read: list[_Read]
    generation: int


class _Drawn(NamedTuple):
    """A tree that was drawn otherwise, its root, and the generation of the store then."""

    tree: Tree
    root: Object
    generation: int


class _Reader:
    """The store's children, with a note of all that was read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.read: list[_Read] = []

    def children(self, owner: Object) -> list[Object]:
        found = self._store.children(owner)
        self.read.append(_Read(owner, found, dict(self._store.losses(owner))))
        return found

    def losses(self, owner: Object) -> Mapping[Kind, int]:
        return self._store.losses(owner)


class Forest:
    """Trees of one store; one that was built for what somebody sees is never used for who sees something else."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._leaves = Leaves()
        self._kept: LRUCache[tuple[str, Sight | frozenset[Kind]], _Kept] = LRUCache(KEPT_OBJECTS, _size)
        self._drawn: LRUCache[tuple[str, Sight, Drawing], _Drawn] = LRUCache(KEPT_OBJECTS, _drawn_size)

    def tree(self, root: Object, sight: Sight, drawing: Drawing = DEFAULT) -> Tree:
        """The tree of ``root``, as far as it may be seen and as it is to be drawn; not to be changed."""
        if drawing != DEFAULT:
            return self._draw(root, sight, drawing)
        kinds = kinds_below(root, sight)
        # Most who ask see the same of it, wherever they look.
        key = (root.uid, sight if kinds is None else kinds)
        kept = self._kept.get(key)
        if kept is not None and self._holds(kept, root):
            return kept.tree
        reader = _Reader(self._store)
        tree = owner_tree(reader, root, sight)
        kept = _Kept(tree, root, reader.read, self._store.generation)
        if _size(kept) <= KEPT_OBJECTS:
            self._kept[key] = kept
        return tree

    def _draw(self, root: Object, sight: Sight, drawing: Drawing) -> Tree:
        """Trees that may come to anything hold as long as nothing changes."""
        key, generation = (root.uid, sight, drawing), self._store.generation
        found = self._drawn.get(key)
        if found is not None and found.root is root and found.generation == generation:
            return found.tree
        found = _Drawn(build_tree(self._store, root, sight, drawing, self._leaves), root, generation)
        if _drawn_size(found) <= KEPT_OBJECTS:
            self._drawn[key] = found
        return found.tree

    def _holds(self, kept: _Kept, root: Object) -> bool:
        if kept.root is not root:
            return False
        if kept.generation == self._store.generation:
            return True
        children, losses = self._store.children, self._store.losses
        # Equal lists of the same objects are equal at the first look; a changed object differs in its version.
        if not all(children(owner) == found and losses(owner) == lost for owner, found, lost in kept.read):
            return False
        kept.generation = self._store.generation
        return True


def _size(kept: _Kept) -> int:
    return 1 + sum(len(read.children) for read in kept.read)


def _drawn_size(found: _Drawn) -> int:
    return found.tree.size
