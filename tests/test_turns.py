"""Long work in turns: nothing is lost, everybody else goes on, and all of it together is one at a time."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from itertools import count

import pytest

import kubediscovery.turns as turns_module
from kubediscovery.turns import Turns


def counted(most: int, log: list[str], name: str = "") -> Iterator[int]:
    for number in range(most):
        log.append(f"{name}{number}")
        yield number


async def test_all_of_it_is_given_in_its_order() -> None:
    assert await Turns().all(range(10_000)) == list(range(10_000))
    assert await Turns().all([]) == []
    assert [part async for part in Turns(60).portions("abcd", size=len, enough=3)] == [["a", "b", "c"], ["d"]]


async def test_others_go_on_between_two_turns() -> None:
    log: list[str] = []
    turns = Turns(0)
    first = asyncio.create_task(turns.all(counted(3, log, "a")))
    second = asyncio.create_task(turns.all(counted(3, log, "b")))
    await asyncio.gather(first, second)
    assert log == ["a0", "b0", "a1", "b1", "a2", "b2"]


async def test_one_turn_is_of_all_work_together() -> None:
    """However many lists are under way, whoever waits for something else waits for one turn."""
    log: list[str] = []
    turns = Turns(0)
    work = [asyncio.create_task(turns.all(counted(20, log))) for _ in range(50)]
    await asyncio.sleep(0)
    done = len(log)
    for _ in range(20):
        await asyncio.sleep(0)
        assert len(log) - done <= 1
        done = len(log)
    await asyncio.gather(*work)
    assert len(log) == 1_000


async def test_what_nobody_asks_for_is_not_made() -> None:
    log: list[str] = []
    async with aclosing(Turns(60).portions(counted(10, log), size=lambda _: 1, enough=2)) as portions:
        assert await anext(portions) == [0, 1]
    assert log == ["0", "1"]
    assert await Turns().all([1]) == [1]


async def test_what_has_time_comes_after_all_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    # Long ones, for a machine that is busy.
    monkeypatch.setattr(turns_module, "_LULL", 0.5)
    monkeypatch.setattr(turns_module, "_PATIENCE", 60.0)
    log: list[str] = []
    turns = Turns(0)
    work = asyncio.create_task(turns.all(counted(3, log)))
    await asyncio.sleep(0)
    await turns.lull()
    assert work.done()
    assert log == ["0", "1", "2"]


async def test_what_has_time_does_not_wait_for_ever() -> None:
    turns = Turns(0)
    work = asyncio.create_task(turns.all(count()))
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await turns.lull()
    assert not work.done()
    work.cancel()


async def test_nothing_waits_where_nobody_has_had_a_turn() -> None:
    waiting = Turns().lull()
    try:
        waiting.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits")
