"""How many requests may be under way: the one too many is told so, and every one that ends makes room."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.deadline import Deadline
from kubediscovery.errors import BadRequest, TooManyRequests
from kubediscovery.exchange import Exchange
from kubediscovery.identity import User
from kubediscovery.limits import Gate, Limits
from tests.exchanges import WATCHED, WEB, exchange_of, scope_of

ALICE, ROOT = User("alice"), User("root", groups=("system:masters",))


def reading(user: User = ALICE, query: str = "") -> Exchange:
    return exchange_of(WEB, user=user, http=scope_of(query=query))


def watching(user: User = ALICE) -> Exchange:
    return exchange_of(WATCHED, user=user)


def test_the_one_too_many_is_told_to_come_again() -> None:
    limits = Limits(requests=2)
    first, second = reading(), reading()
    limits.admit(first)
    limits.admit(second)
    with pytest.raises(TooManyRequests) as caught:
        limits.admit(third := reading())
    assert str(caught.value) == "Too many requests, please try again later."
    assert caught.value.retry_after == 1
    limits.release(third)
    assert limits.requests.inside == 2
    limits.release(first)
    limits.admit(third)


def test_watches_are_counted_apart() -> None:
    limits = Limits(requests=1, watches=1)
    limits.admit(reading())
    limits.admit(watching())
    for another in (reading(), watching()):
        with pytest.raises(TooManyRequests):
            limits.admit(another)
    assert (limits.requests.inside, limits.watches.inside) == (1, 1)


def test_what_changes_is_awaited_while_somebody_watches_or_asks_and_shortly_after() -> None:
    now = 100.0
    limits = Limits(clock=lambda: now)
    assert not limits.awaited()
    for asked in (watching(), reading()):
        limits.admit(asked)
        now += 99
        assert limits.awaited()
        limits.release(asked)
        assert not limits.awaited()
        limits.admit(again := reading())
        limits.release(again)
        now += 0.9
        assert limits.awaited()
        now += 0.2
        assert not limits.awaited()


def test_administrators_always_get_an_answer() -> None:
    limits = Limits(requests=1, watches=1)
    for _ in range(3):
        limits.admit(reading(ROOT))
        limits.admit(watching(ROOT))
    assert (limits.requests.inside, limits.watches.inside) == (3, 3)
    with pytest.raises(TooManyRequests):
        limits.admit(reading())


def test_no_limit_is_no_limit() -> None:
    limits = Limits(requests=0, watches=0)
    for _ in range(1000):
        limits.admit(reading())
        limits.admit(watching())
    assert limits.requests.inside == limits.watches.inside == 1000


def test_who_was_not_let_in_does_not_leave() -> None:
    limits = Limits()
    limits.release(reading())
    limits.admit(inside := reading())
    limits.release(inside)
    limits.release(inside)
    assert limits.requests.inside == 0


@given(st.lists(st.booleans()))
def test_the_most_is_what_was_the_most_since_it_was_asked(steps: list[bool]) -> None:
    gate, inside, most = Gate(0), 0, 0
    for enters in steps:
        if enters:
            gate.enter()
            inside += 1
        elif inside:
            gate.leave()
            inside -= 1
        most = max(most, inside)
    assert (gate.take_most(), gate.take_most()) == (most, inside)


async def deadline_of(limits: Limits, exchange: Exchange) -> float | None:
    """Seconds that a request has got when it was let in."""
    loop = asyncio.get_running_loop()
    with Deadline(limits.seconds) as exchange.deadline:
        limits.admit(exchange)
        when = exchange.deadline.when()
        await asyncio.sleep(0)
    return None if when is None else when - loop.time()


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        ("", 60),
        ("timeout=5s", 5),
        ("limit=500&timeout=1m30s", 60),
        ("timeout=500ms", 0.5),
        ("timeout=0s", 60),
        ("timeout=", 60),
        ("timeout=5%73", 5),
        ("timeoutSeconds=7", 60),
        ("xtimeout=7s", 60),
    ],
)
async def test_a_request_has_the_time_that_it_wants_and_no_more_than_others(query: str, seconds: float) -> None:
    assert await deadline_of(Limits(), reading(query=query)) == pytest.approx(seconds, abs=0.2)


@pytest.mark.parametrize("given", ["5", "-5s", "soon", "%00", "9" * 200 + "s", "%ff"])
async def test_a_timeout_that_is_no_duration_is_named(given: str) -> None:
    with pytest.raises(BadRequest, match=r"invalid timeout specified in the request URL.*1m30s"):
        await deadline_of(Limits(), reading(query=f"timeout={given}"))


async def test_a_watch_has_all_the_time_there_is() -> None:
    assert await deadline_of(Limits(), watching()) is None
