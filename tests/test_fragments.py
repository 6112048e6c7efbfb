"""Pieces that are kept come back as they were, packed or not, and do not come to more than they may."""

import os

from msgspec import structs

from kubediscovery.fragments import Fragments
from kubediscovery.kept import Kept
from tests.objects import DEPLOYMENT, filled, make

ROOTS = [make(DEPLOYMENT, f"web-{number}") for number in range(20)]


def test_what_has_no_room_as_it_is_is_packed_and_unpacked() -> None:
    fragments = Fragments(Kept(filled(ROOTS)), plain=20_000, packed=100_000)
    for root in ROOTS:
        fragments.keep(root, "key", root.name.encode() * 1_000)
    assert [fragments.get(root, "key") for root in ROOTS] == [root.name.encode() * 1_000 for root in ROOTS]
    assert fragments.get(ROOTS[0], "other key") is None


def test_it_does_not_grow_with_what_is_kept() -> None:
    fragments = Fragments(Kept(filled(ROOTS)), plain=5_000, packed=5_000)
    for root in ROOTS:
        fragments.keep(root, "key", os.urandom(1_000))
    assert sum(fragments.get(root, "key") is not None for root in ROOTS) == 6


def test_what_has_changed_is_found_in_neither_form() -> None:
    store = filled(ROOTS)
    fragments = Fragments(Kept(store), plain=2_000, packed=100_000)
    for root in ROOTS:
        fragments.keep(root, "key", b"x" * 1_000)
    for root in (ROOTS[0], ROOTS[-1]):
        fresh = structs.replace(root, resource_version=300)
        store.put(fresh)
        assert (fragments.get(root, "key"), fragments.get(fresh, "key")) == (None, None)
    assert fragments.get(ROOTS[1], "key") is not None
