"""Compositions as they are written, kept for lists: a list of all of a cluster is the pieces, joined.

A cluster of 100,000 pods is 60 MB of JSON, which say the same again and again. So the pieces that were used last are
kept as they are, up to some megabytes, and all others compressed to a sixth, which takes less time to undo than the
composition to make anew.
"""

import zlib
from collections.abc import Hashable

from kubediscovery.kept import Kept, Shelf
from kubediscovery.objects import Object

# Bytes that are kept as they are, and compressed: together a cluster of 150,000 pods for one caller, or several.
PLAIN, PACKED = 12 << 20, 16 << 20
# What a dict with an entry costs, beside the bytes.
_OVERHEAD = 512
_LEAST_EFFORT = 1


class Fragments:
    """Bytes by root, and by whatever else they depend on; never found once anything in the root's tree has changed."""

    def __init__(self, kept: Kept, *, plain: int = PLAIN, packed: int = PACKED) -> None:
        self._packed: Shelf[bytes] = kept.shelf(packed)
        self._plain: Shelf[bytes] = kept.shelf(plain, self._pack)

    def get(self, root: Object, key: Hashable) -> bytes | None:
        """What is kept."""
        found = self._plain.get(root, key)
        if found is None:
            packed = self._packed.get(root, key)
            found = zlib.decompress(packed) if packed is not None else None
        return found

    def keep(self, root: Object, key: Hashable, fragment: bytes) -> None:
        """Keep it, as far as there is room."""
        self._plain.keep(root, key, fragment, len(fragment) + _OVERHEAD)

    def _pack(self, root: Object, key: Hashable, fragment: bytes) -> None:
        packed = zlib.compress(fragment, _LEAST_EFFORT)
        self._packed.keep(root, key, packed, len(packed) + _OVERHEAD)
