"""Pieces that are kept come back as they were, packed or not, and do not come to more than they may."""

import os

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.fragments import Fragments
from kubediscovery.kept import Kept
from kubediscovery.kinds import Kind, Kinds
from tests.objects import DEPLOYMENT, STATEFUL_SET, filled, make

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


@given(st.lists(st.binary(max_size=400), min_size=20, max_size=20), st.integers(1, 100))
def test_each_is_given_as_it_was_kept(written: list[bytes], times: int) -> None:
    roots = [make(kind, f"web-{number}") for kind in (DEPLOYMENT, STATEFUL_SET) for number in range(10)]
    fragments = Fragments(Kept(filled(roots)), plain=41_000, packed=1_000_000)
    for root, fragment in zip(roots, written, strict=True):
        fragments.keep(root, "key", fragment * times)
    assert [fragments.get(root, "key") for root in roots] == [fragment * times for fragment in written]


def test_what_others_have_said_before_takes_no_room() -> None:
    alike = [os.urandom(4_000) + root.name.encode() for root in ROOTS[:1]] * len(ROOTS)
    fragments = Fragments(Kept(filled(ROOTS)), plain=5_000, packed=16_000)
    for root, fragment in zip(ROOTS, alike, strict=True):
        fragments.keep(root, "key", fragment)
    assert [fragments.get(root, "key") for root in ROOTS] == alike


def test_kinds_of_which_there_are_too_many_have_no_dictionary() -> None:
    kinds = [Kind("example.org", "v1", f"fleets{number}", "Fleet", "fleet") for number in range(100)]
    roots = [make(kind, "web") for kind in kinds]
    fragments = Fragments(Kept(filled(roots, Kinds(kinds))), plain=2_000, packed=1_000_000)
    for root in roots:
        fragments.keep(root, "key", root.kind.resource.encode() * 100)
    assert [fragments.get(root, "key") for root in roots] == [kind.resource.encode() * 100 for kind in kinds]
