"""A kind's cache: a list of a whole cluster is taken in without keeping anybody waiting, and whole in the end."""

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery import cache as module
from kubediscovery.cache import KindCache
from kubediscovery.kinds import Kinds
from kubediscovery.objects import Object
from kubediscovery.store import Coverage, Store
from tests.objects import DEPLOYMENT, POD, filled, make

PODS = [make(POD, f"p-{number}", f"n-{number % 3}", uid=f"u-{number}") for number in range(200)]


def held(store: Store) -> set[str]:
    return {item.uid for item in store.objects(POD)}


class Seen:
    """Counts the changes that are told."""

    def __init__(self, store: Store) -> None:
        self.changes: list[tuple[str, str]] = []
        store.observe(self)

    def changed(self, before: Object | None, after: Object | None, version: int) -> None:
        item = after or before
        assert item is not None
        self.changes.append(("gone" if after is None else "there", item.uid))

    def reset(self) -> None: ...


async def test_others_have_their_turn_while_a_list_is_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TURN", 0.0)
    store = Store(Kinds((POD,)))
    counts: list[int] = []
    replacing = asyncio.create_task(KindCache(store, POD).replace([*PODS], "7"))
    while not replacing.done():
        await asyncio.sleep(0)
        counts.append(store.count(POD))
        assert (store.pending == []) == (store.coverage(POD) is Coverage.COMPLETE)
    assert len({*counts}) > 100
    assert (store.count(POD), store.pending, store.version) == (200, [], 7)


@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)))
def test_a_list_is_what_is_held_and_tells_what_changed(first: set[int], second: set[int]) -> None:
    async def replace() -> tuple[Store, Seen]:
        store = Store(Kinds((POD,)))
        cache = KindCache(store, POD)
        await cache.replace([PODS[number] for number in first], "5")
        seen = Seen(store)
        await cache.replace([PODS[number] for number in second], "6")
        return store, seen

    store, seen = asyncio.run(replace())
    assert held(store) == {PODS[number].uid for number in second}
    gone = [("gone", PODS[number].uid) for number in first - second]
    came = [("there", PODS[number].uid) for number in second - first]
    assert sorted(seen.changes) == sorted([*gone, *came])
    # A name may have been given again.
    assert [what for what, _ in itertools.groupby(what for what, _ in seen.changes)] in (
        [],
        ["gone"],
        ["there"],
        ["gone", "there"],
    )


async def test_a_kind_that_is_no_longer_followed_is_not_filled() -> None:
    store = Store(Kinds((DEPLOYMENT,)))
    await KindCache(store, POD).replace([*PODS], "7")
    assert (store.count(POD), store.coverage(POD)) == (0, Coverage.NOT_FOUND)


def test_what_is_held_already_is_known_again() -> None:
    store = filled([PODS[0], PODS[1]])
    cache = KindCache(store, POD)
    same, other, new = structs.replace(PODS[0]), structs.replace(PODS[1], resource_version=1_000), PODS[2]
    found = cache.held([same, other, new])
    assert same is not PODS[0]
    assert [id(item) for item in found] == [id(PODS[0]), id(other), id(new)]
    assert cache.held([]) == []
