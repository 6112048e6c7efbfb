"""Values that several watch: asked for once, unless it matters who asks."""

import asyncio

import pytest

from kubediscovery.identity import User
from kubediscovery.journal import Journal
from kubediscovery.negotiation import PLAIN, Representation
from kubediscovery.objects import EventType
from kubediscovery.shared_values import SharedValues
from kubediscovery.values import Form, Value
from tests.objects import DEPLOYMENT, filled
from tests.registering import Done, image_registry
from tests.serving import make
from tests.waiting import until

WEB = make(DEPLOYMENT, "web", version=110)
ONE, OTHER = User("one"), User("other")
(HEALTH,) = [each for each in image_registry() if each.name == "health"]


class Handler:
    """Counts who asked; it waits where there is a gate."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_personal = False
        self.gate: asyncio.Event | None = None
        self.fault: Exception | None = None
        self.store = filled([WEB], version=200)
        self.journal = Journal(self.store)
        assert HEALTH.contract is not None
        self.values = SharedValues(self.ask, Form(HEALTH, HEALTH.contract), self.journal)

    async def ask(self, uid: str, user: User) -> tuple[Value | None, bool]:
        self.asked.append(user.name)
        if self.gate is not None:
            await self.gate.wait()
        fault, self.fault = self.fault, None
        if fault is not None:
            raise fault
        item = self.store.get(uid)
        return Value(item, Done(user.name if self.is_personal else "all")) if item else None, self.is_personal

    async def says(self, user: User, position: int = 0) -> str:
        value = (await self.values.ask(WEB.uid, user, position)).value
        return value.given.message if value is not None and isinstance(value.given, Done) else ""


async def test_a_value_is_asked_for_anew_once_it_may_be_another() -> None:
    handler = Handler()
    assert [await handler.says(user) for user in (ONE, OTHER)] == ["all", "all"]
    handler.store.put(make(DEPLOYMENT, "other", version=201))
    # That was no change of it.
    assert await handler.says(OTHER, handler.journal.end - 1) == "all"
    assert handler.asked == ["one"]
    assert await handler.says(OTHER, handler.journal.end) == "all"
    assert handler.asked == ["one", "other"]


async def test_what_is_not_there_is_shared_too_until_it_is_forgotten() -> None:
    handler = Handler()
    handler.store.remove(WEB, 201)
    assert [await handler.says(user) for user in (ONE, OTHER)] == ["", ""]
    assert handler.asked == ["one"]
    handler.values.forget(WEB.uid, ONE)
    await handler.says(ONE)
    assert handler.asked == ["one", "one"]


async def test_who_asks_meanwhile_waits_for_the_same() -> None:
    handler = Handler()
    handler.gate = asyncio.Event()
    asking = [asyncio.create_task(handler.says(user)) for user in (ONE, OTHER, OTHER)]
    await until(lambda: handler.asked)
    handler.gate.set()
    assert await asyncio.gather(*asking) == ["all"] * 3
    assert handler.asked == ["one"]


async def test_what_changed_meanwhile_is_asked_for_once_more() -> None:
    handler = Handler()
    handler.gate = asyncio.Event()
    first = asyncio.create_task(handler.says(ONE))
    await until(lambda: handler.asked)
    handler.store.put(make(DEPLOYMENT, "web", version=201))
    second = asyncio.create_task(handler.says(OTHER, handler.journal.end))
    await asyncio.sleep(0)
    handler.gate.set()
    assert [await first, await second] == ["all", "all"]
    assert handler.asked == ["one", "other"]


@pytest.mark.parametrize("how", ["cancelled", "failed"])
async def test_who_waits_asks_where_the_first_one_did_not_get_it(how: str) -> None:
    handler = Handler()
    handler.gate = asyncio.Event()
    first, second = (asyncio.create_task(handler.says(user)) for user in (ONE, OTHER))
    await until(lambda: handler.asked)
    await asyncio.sleep(0)
    if how == "cancelled":
        first.cancel()
        await until(lambda: len(handler.asked) == 2)
        handler.gate.set()
    else:
        handler.fault = ValueError("a fault")
        handler.gate.set()
        with pytest.raises(ValueError, match="a fault"):
            await first
    assert await second == "all"
    assert handler.asked == ["one", "other"]


async def test_what_looks_at_who_asks_is_nobody_else_s() -> None:
    handler = Handler()
    handler.is_personal, handler.gate = True, asyncio.Event()
    asking = [asyncio.create_task(handler.says(user)) for user in (ONE, OTHER, ONE)]
    await until(lambda: handler.asked)
    handler.gate.set()
    assert await asyncio.gather(*asking) == ["one", "other", "one"]
    assert sorted(handler.asked) == ["one", "other"]
    # Once it did, it may again.
    handler.is_personal = False
    handler.store.put(make(DEPLOYMENT, "web", version=201))
    for user in (ONE, OTHER):
        await handler.says(user, handler.journal.end)
    assert len(handler.asked) == 4


async def test_a_line_is_written_once_for_all_who_want_it_the_same() -> None:
    handler = Handler()
    told = await handler.values.ask(WEB.uid, ONE, 0)
    assert told.value is not None

    def line(type_: EventType = EventType.ADDED, *, version: int = 1, pretty: bool = False) -> bytes:
        assert told.value is not None
        shown = Representation(PLAIN, pretty=pretty)
        value = told.value._replace(version=version)
        return handler.values.line(type_, value, told.digest, shown, columns=True)

    assert line() is line()
    assert b'"message":"all"' in line()
    others = [line(EventType.MODIFIED), line(version=2), line(pretty=True)]
    assert all(other is not line() for other in others)
    assert b'"resourceVersion":"2"' in others[1]
