"""Bounds on time: nothing is late that is done at once, and what has to wait is ended."""

import asyncio

import pytest

from kubediscovery.deadline import Bounded
from kubediscovery.errors import ServerTimeout


def late() -> ServerTimeout:
    return ServerTimeout("late")


async def test_what_is_done_at_once() -> None:
    async def work() -> int:
        return 7

    assert await Bounded(work(), 0.0, late) == 7


async def test_what_waits_in_time() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        waited = await asyncio.gather(asyncio.sleep(0.001, 3), asyncio.sleep(0, 4))
        return sum(waited)

    assert await Bounded(work(), 30, late) == 7


async def test_what_takes_too_long_is_cancelled() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    with pytest.raises(ServerTimeout, match="late"):
        await Bounded(work(), 0.001, late)
    assert ended == [True]
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


@pytest.mark.parametrize("waits", [False, True])
async def test_its_own_errors_are_its_own(waits: bool) -> None:
    async def work() -> None:
        if waits:
            await asyncio.sleep(0)
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await Bounded(work(), 30, late)


async def test_what_it_awaits_may_fail_and_it_may_go_on() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError

    async def work() -> str:
        try:
            await asyncio.create_task(fail())
        except ValueError:
            return "went on"
        return "did not fail"

    assert await Bounded(work(), 30, late) == "went on"


async def test_who_cancels_it_cancels_what_it_awaits() -> None:
    began, ended = asyncio.Event(), []

    async def work() -> None:
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    async def waiting() -> None:
        await Bounded(work(), 30, late)

    task = asyncio.create_task(waiting())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]
