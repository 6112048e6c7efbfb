"""Replicas that start and stop in every order: the APIService is there in the end if and only if one of them is.

The requests of all replicas wait until the test lets one of them happen. Nothing is ever renewed here, so the protocol
has to be right by itself; renewing heals what crashes leave.
"""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubediscovery.presence import LEASE_SECONDS
from tests.managing import MANAGED, Cluster, cancelled
from tests.versioned import (
    API_SERVICE,
    LEASE,
    Document,
    SteppedKubeApiserver,
    installed_api_service,
    installed_lease,
)

REPLICAS = ("a", "b", "c")
# Who runs at first; then whose turn it is: a replica's to be started or stopped, or one of the requests that wait.
FIRST = st.sets(st.sampled_from(REPLICAS), min_size=1)
TURNS = st.lists(st.sampled_from([*REPLICAS, *range(3), *range(3)]), min_size=1, max_size=40)


class Play:
    """Replicas that start and stop while the requests of all of them happen in a given order."""

    def __init__(self) -> None:
        self.api = SteppedKubeApiserver()
        self.cluster = Cluster(self.api)
        self.goodbyes: dict[str, asyncio.Task[None]] = {}

    async def perform(self, first: set[str], turns: list[str | int]) -> None:
        """Start the first, and when all is quiet take the turns."""
        for name in sorted(first):
            self.act(name)
        await self.finish()
        for turn in turns:
            if isinstance(turn, str):
                self.act(turn)
            elif waiting := await self.api.waiting():
                self.api.let(waiting[turn % len(waiting)])

    def act(self, name: str) -> None:
        """Stop the replica where it runs, start it where it does not; nothing while it is on its way out."""
        if name in self.goodbyes:
            return
        if name in self.cluster.keepers:
            self.goodbyes[name] = asyncio.create_task(self._end(name))
        else:
            self.cluster.begin(name)

    async def _end(self, name: str) -> None:
        await self.cluster.end(name)
        del self.goodbyes[name]

    async def finish(self) -> None:
        """Let everything happen that is under way."""
        while waiting := await self.api.waiting():
            self.api.let(waiting[0])
        assert not self.goodbyes

    async def close(self) -> None:
        for task in [*self.goodbyes.values()]:
            await cancelled(task)
        await self.cluster.close()


async def check_the_end(stage: Play) -> None:
    await stage.finish()
    running = sorted(stage.cluster.keepers)
    assert (stage.cluster.there() is not None) == bool(running), f"running: {running}"
    await stage.close()


@settings(max_examples=400, deadline=None)
@given(FIRST, TURNS)
def test_in_the_end_it_is_there_iff_somebody_is(first: set[str], turns: list[str | int]) -> None:
    """Whoever starts and stops, in whatever order their requests arrive, as long as everybody says goodbye."""

    async def play() -> None:
        stage = Play()
        await stage.perform(first, turns)
        await check_the_end(stage)

    asyncio.run(play())


@settings(max_examples=600, deadline=None)
@given(FIRST, FIRST, st.lists(st.integers(0, 2), max_size=30))
def test_whoever_starts_and_stops_at_once(first: set[str], acting: set[str], order: list[int]) -> None:
    async def play() -> None:
        stage = Play()
        await stage.perform(first, [*sorted(acting), *order])
        await check_the_end(stage)

    asyncio.run(play())


# How often one is interrupted by the other: more changes nothing, and makes a hundred times as many orders.
INTERRUPTIONS = 5


@pytest.mark.parametrize(
    ("first", "act"),
    [("a", "ab"), ("ab", "ab"), ("", "ab")],
    ids=["one stops while one starts", "two stop at once", "two start at once"],
)
def test_every_order_of_two(first: str, act: str) -> None:
    """Not a sample: each order in which the requests of two replicas can happen, up to a number of interruptions."""

    async def play(begun: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Go on from these choices without another interruption; gives what could be chosen instead on the way."""
        stage, others, order, interrupted, last = Play(), list[tuple[int, ...]](), list[int](), 0, None
        await stage.perform(set(first), [])
        if not first:
            del stage.api.objects[API_SERVICE]
            stage.api.put(LEASE, remembering())
        for name in act:
            stage.act(name)
        while waiting := await stage.api.waiting():
            # Who was last goes on where that is possible: then 0 is no interruption, and everything else is.
            waiting.sort(key=lambda task: task is not last)
            if len(order) >= len(begun) and interrupted < INTERRUPTIONS:
                others += [(*order, turn) for turn in range(1, len(waiting))]
            order.append(begun[len(order)] if len(order) < len(begun) else 0)
            interrupted += order[-1] > 0
            last = waiting[order[-1]]
            stage.api.let(last)
        await check_the_end(stage)
        return others

    async def play_all() -> int:
        played, left = 0, list[tuple[int, ...]]([()])
        while left:
            left += await play(left.pop())
            played += 1
        return played

    assert asyncio.run(play_all()) > 100


def remembering() -> Document:
    lease = installed_lease()
    copy = MANAGED.copy_of(installed_api_service())
    lease["metadata"]["annotations"] = {"kubediscovery.cloudark.io/apiservices": json.dumps({MANAGED.name: copy})}
    return lease


@settings(max_examples=200, deadline=None)
@given(FIRST, TURNS, st.sets(st.sampled_from(REPLICAS)))
def test_crashes_are_made_good_once_their_time_is_up(
    first: set[str], turns: list[str | int], crashed: set[str]
) -> None:
    """After any play in which some die at any moment: whoever starts finds it right, and the last one takes it away."""

    async def play() -> None:
        stage = Play()
        await stage.perform(first, turns)
        for name in crashed & stage.cluster.keepers.keys() - stage.goodbyes.keys():
            await stage.cluster.crash(name)
        await stage.finish()
        stage.cluster.now += timedelta(seconds=LEASE_SECONDS + 1)
        stage.cluster.begin("d")
        await stage.finish()
        assert stage.cluster.there() is not None
        for name in [*stage.cluster.keepers]:
            stage.act(name)
        await stage.finish()
        assert stage.cluster.there() is None
        await stage.close()

    asyncio.run(play())
