"""Compositions as they are written, kept for lists: a list of all of a cluster is the pieces, joined.

A cluster of 100,000 pods is 80 MB of JSON, which say the same again and again. So the pieces that were used last are
kept as they are, up to some megabytes, and all others compressed, which takes less time to undo than the composition to
make anew. What was compressed first of a kind is the dictionary for all others of it: they come to an eighth.
"""

from collections.abc import Hashable
from typing import NamedTuple

from lz4 import block  # type: ignore[import-untyped]

from kubediscovery.kept import Kept, Shelf
from kubediscovery.kinds import Kind
from kubediscovery.objects import Object

# Bytes that are kept as they are, and compressed: together a cluster of 150,000 pods for one caller, or several.
PLAIN, PACKED = 12 << 20, 24 << 20
# What a dict with an entry costs, beside the bytes.
_OVERHEAD = 512
# Kinds that have a dictionary, and its bytes: about one fragment.
_KINDS, _SAMPLE_BYTES = 64, 1 << 13


class _Packed(NamedTuple):
    """A compressed fragment, its dictionary and its bytes before."""

    content: bytes
    sample: bytes
    size: int


class Fragments:
    """Bytes by root, and by whatever else they depend on; never found once anything in the root's tree has changed."""

    def __init__(self, kept: Kept, *, plain: int = PLAIN, packed: int = PACKED) -> None:
        self._packed: Shelf[_Packed] = kept.shelf(packed)
        self._samples: dict[Kind, bytes] = {}
        self._plain: Shelf[bytes] = kept.shelf(plain, self._pack)

    def get(self, root: Object, key: Hashable) -> bytes | None:
        """What is kept."""
        found = self._plain.get(root, key)
        if found is None:
            packed = self._packed.get(root, key)
            found = _unpacked(packed) if packed is not None else None
        return found

    def keep(self, root: Object, key: Hashable, fragment: bytes) -> None:
        """Keep it, as far as there is room."""
        self._plain.keep(root, key, fragment, len(fragment) + _OVERHEAD)

    def _pack(self, root: Object, key: Hashable, fragment: bytes) -> None:
        sample = self._sample(root.kind, fragment)
        packed = _Packed(block.compress(fragment, store_size=False, dict=sample), sample, len(fragment))
        self._packed.keep(root, key, packed, len(packed.content) + _OVERHEAD)

    def _sample(self, kind: Kind, fragment: bytes) -> bytes:
        found = self._samples.get(kind)
        if found is not None:
            return found
        return self._samples.setdefault(kind, fragment[:_SAMPLE_BYTES]) if len(self._samples) < _KINDS else b""


def _unpacked(packed: _Packed) -> bytes:
    unpacked: bytes = block.decompress(packed.content, uncompressed_size=packed.size, dict=packed.sample)
    return unpacked
