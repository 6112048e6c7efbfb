"""Trees that are asked for again and again, kept for as long as the objects that they were built from are the same."""

from typing import NamedTuple

from kubediscovery.drawing import DEFAULT, Drawing
from kubediscovery.kept import Kept, Shelf
from kubediscovery.leaves import Leaves
from kubediscovery.objects import Object
from kubediscovery.sight import Sight
from kubediscovery.store import Store
from kubediscovery.tree import Tree, build_tree, kinds_below, owner_tree

# Objects in all trees that are kept, at about a kilobyte each.
KEPT_OBJECTS = 20_000


class _Drawn(NamedTuple):
    """A tree that was drawn otherwise, and the generation of the store then."""

    tree: Tree
    generation: int


class Forest:
    """Trees of one store; one that was built for what somebody sees is never used for who sees something else."""

    def __init__(self, store: Store, kept: Kept | None = None) -> None:
        self._store = store
        self._leaves = Leaves()
        kept = kept or Kept(store)
        self._kept: Shelf[Tree] = kept.shelf(KEPT_OBJECTS)
        self._drawn: Shelf[_Drawn] = kept.shelf(KEPT_OBJECTS)

    def tree(self, root: Object, sight: Sight, drawing: Drawing = DEFAULT, *, keep: bool = True) -> Tree:
        """The tree of ``root``, as far as it may be seen and as it is to be drawn; not to be changed.

        ``keep`` is false for who only passes by, as a long list does, and would push out all others.
        """
        if drawing != DEFAULT:
            return self._draw(root, sight, drawing)
        # Most who ask see the same of it, wherever they look.
        kinds = kinds_below(root, sight)
        key = sight if kinds is None else kinds
        tree = self._kept.get(root, key)
        if tree is None:
            tree = owner_tree(self._store, root, sight)
            if keep:
                self._kept.keep(root, key, tree, tree.size)
        return tree

    def _draw(self, root: Object, sight: Sight, drawing: Drawing) -> Tree:
        """Trees that may come to anything hold as long as nothing changes."""
        key, generation = (sight, drawing), self._store.generation
        found = self._drawn.get(root, key)
        if found is None or found.generation != generation:
            found = _Drawn(build_tree(self._store, root, sight, drawing, self._leaves), generation)
            self._drawn.keep(root, key, found, found.tree.size)
        return found.tree
