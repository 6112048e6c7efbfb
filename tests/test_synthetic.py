"""The synthetic cluster of the benchmarks says what a real kube-apiserver says, as far as it is read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.filled import Load
from benchmarks.lag import as_met
from benchmarks.synthetic_client import SyntheticClient
from benchmarks.synthetic_objects import FIRST_VERSION, SyntheticObjects
from benchmarks.wire import field, fields, with_field
from kubediscovery.compact import Compactor
from kubediscovery.decoding import Decoder
from kubediscovery.errors import UpstreamExpired
from kubediscovery.gnostic import varint
from kubediscovery.kinds import BUILT_IN_KINDS, Kind
from kubediscovery.objects import Event, Object, PodState
from kubediscovery.sources import ObjectSource

LOAD = Load(deployments=30, pods=4, namespaces=7)
KINDS = {kind.resource: kind for kind in BUILT_IN_KINDS}


@given(st.integers(0, 2**40), st.binary(max_size=300))
def test_what_is_written_is_read_again(number: int, content: bytes) -> None:
    message = field(1, content) + b"\x38" + varint(number) + field(9, b"x")
    assert [(each, found) for each, found, _ in fields(message)] == [(1, content), (7, varint(number)), (9, b"x")]
    assert b"".join(whole for _, _, whole in fields(message)) == message


def test_a_field_gets_another_content_and_the_others_stay() -> None:
    message = field(1, b"a") + field(2, b"b") + field(3, b"c")
    assert with_field(message, 2, b"longer") == field(1, b"a") + field(2, b"longer") + field(3, b"c")


@pytest.mark.parametrize("message", [b"\x0d\x00\x00\x00\x00", b"\x0a\x80"])
def test_what_is_no_message_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError, match=r"wire type|ends within"):
        list(fields(message))


def client() -> SyntheticClient:
    return SyntheticClient(SyntheticObjects(LOAD), {"client-ca-file": "x"})


def source(from_: SyntheticClient, kind: Kind, page_size: int = 500) -> ObjectSource:
    return ObjectSource(from_, kind.list_path, Decoder(kind, Compactor()), page_size=page_size)  # type: ignore[arg-type]


async def listed(from_: SyntheticClient, kind: Kind, page_size: int = 500) -> list[Object]:
    reading, items, token = source(from_, kind, page_size), list[Object](), ""
    while True:
        page = await reading.page(token)
        items += page.items
        assert page.resource_version == str(from_.version)
        token = page.continue_token
        if not token:
            return items


@pytest.mark.parametrize(("plural", "count"), [("deployments", 30), ("replicasets", 30), ("pods", 120)])
@pytest.mark.parametrize("page_size", [7, 30, 500])
async def test_a_list_has_every_object_once_whatever_the_pages(plural: str, count: int, page_size: int) -> None:
    items = await listed(client(), KINDS[plural], page_size)
    assert len(items) == count
    assert len({item.uid for item in items}) == len({(item.namespace, item.name) for item in items}) == count


async def test_other_kinds_have_no_objects() -> None:
    assert await listed(client(), KINDS["jobs"]) == []


async def test_objects_belong_together_as_in_a_rollout_that_is_done() -> None:
    deployments, sets, pods = [await listed(client(), KINDS[each]) for each in ("deployments", "replicasets", "pods")]
    by_uid = {item.uid: item for item in (*deployments, *sets)}
    for item in (*sets, *pods):
        (owner,) = item.owners
        above = by_uid[owner.uid]
        assert (above.name, above.namespace, above.kind.kind) == (owner.name, item.namespace, owner.kind)
        assert item.name.startswith(f"{above.name}-")
    assert {(item.namespace, item.name) for item in deployments} == {LOAD.deployment(number) for number in range(30)}
    assert all(isinstance(pod.state, PodState) and pod.state.phase == "Running" for pod in pods)


async def following(from_: SyntheticClient, kind: Kind) -> Iterator[Event[Object]]:
    """The events of one batch, once something is sent."""
    async with source(from_, kind).watch(str(FIRST_VERSION)) as batches:
        async for batch in batches:
            return iter(batch)
    raise AssertionError("the watch ended")


async def test_a_change_comes_as_an_event_with_a_new_version_and_is_timed() -> None:
    cluster, pods = client(), KINDS["pods"]
    former = {item.uid: item for item in await listed(cluster, pods)}
    async with source(cluster, pods).watch(str(FIRST_VERSION)) as batches:
        coming = asyncio.ensure_future(anext(aiter(batches)))
        await cluster.watched.wait()
        version = cluster.change(5)
        (event,) = await coming
        assert event.item is not None
        assert event.item.resource_version == version == FIRST_VERSION + 1
        assert former[event.item.uid].name == event.item.name
        later = asyncio.ensure_future(anext(aiter(batches)))
        await cluster.dealt_with(1)
        assert len(cluster.lags) == 1
        later.cancel()


async def test_a_watch_that_expires_says_so() -> None:
    cluster = client()
    coming = asyncio.ensure_future(following(cluster, KINDS["pods"]))
    await cluster.watched.wait()
    cluster.expire("pods")
    with pytest.raises(UpstreamExpired):
        await coming


def test_a_loop_that_is_blocked_for_long_is_met_more_often() -> None:
    assert as_met([0.0, 0.0005], 0.001) == [0.0, 0.0005]
    assert as_met([0.004], 0.001) == pytest.approx([0.004, 0.003, 0.002, 0.001])
