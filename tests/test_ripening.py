"""Pods without a node: marked when they are 15 seconds old, by a clock and a timer that tests turn."""

from collections.abc import Callable

from msgspec import structs

from kubediscovery.cache import KindCache
from kubediscovery.health import Health, assess
from kubediscovery.objects import Condition, Object, PodState
from kubediscovery.ripening import WINDOW, Ripening, ripened
from kubediscovery.store import Store
from tests.objects import DEPLOYMENT, KINDS, POD, RUNNING_POD, make
from tests.waiting import until

CREATED = 1_700_000_000
UNSCHEDULABLE = Condition("PodScheduled", "False", "Unschedulable", "0/2 nodes are available")
WAITING = structs.replace(RUNNING_POD, phase="Pending", is_ready=False, conditions=(UNSCHEDULABLE,))


class Clock:
    """Time that passes when it is told to, and what is to be done then."""

    def __init__(self) -> None:
        self.now = float(CREATED)
        self.due: list[tuple[float, Callable[[], None]]] = []

    def later(self, delay: float, call: Callable[[], None]) -> None:
        self.due.append((self.now + delay, call))

    def pass_to(self, age: float) -> None:
        self.now = CREATED + age
        ready = [call for when, call in self.due if when <= self.now]
        self.due = [(when, call) for when, call in self.due if when > self.now]
        for call in ready:
            call()


class Played:
    """A store that is written through a ripening, as a reflector does."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = Store(KINDS)
        self.ripening = Ripening(self.store, clock=lambda: self.clock.now, later=self.clock.later)
        self.cache = KindCache(self.store, POD, self.ripening.ripen)
        self.changes: list[Object | None] = []
        self.store.observe(self)

    def changed(self, before: Object | None, after: Object | None, version: int) -> None:
        self.changes.append(after)

    def reset(self) -> None: ...

    def is_overdue(self) -> bool:
        held = self.store.find(POD, "shop", "p")
        assert held is not None
        assert isinstance(held.state, PodState)
        assert (assess(held).health is Health.DEGRADED) == held.state.overdue
        return held.state.overdue


def pod(version: int = 100, **changes: object) -> Object:
    return make(POD, "p", created=CREATED, resource_version=version, state=structs.replace(WAITING, **changes))


async def test_a_young_pod_is_marked_when_it_is_old() -> None:
    played = Played()
    await played.cache.replace([pod()], "100")
    assert not played.is_overdue()
    played.clock.pass_to(WINDOW - 0.1)
    assert not played.is_overdue()
    played.clock.pass_to(WINDOW)
    assert played.is_overdue()
    assert len(played.changes) == 1
    assert not played.clock.due


async def test_an_old_pod_is_marked_when_it_is_read() -> None:
    played = Played()
    played.clock.pass_to(WINDOW)
    await played.cache.replace([pod()], "100")
    assert played.is_overdue()
    assert not played.clock.due


async def test_an_update_of_an_old_pod_stays_marked() -> None:
    played = Played()
    await played.cache.replace([pod()], "100")
    played.clock.pass_to(WINDOW)
    played.cache.put(pod(101, message="still"))
    assert played.is_overdue()
    count = len(played.changes)
    played.cache.put(pod(101, message="still"))
    assert len(played.changes) == count, "the same again is no change"


async def test_updates_of_a_young_pod_are_looked_at_once() -> None:
    played = Played()
    await played.cache.replace([], "99")
    for version in range(100, 105):
        played.cache.put(pod(version))
    assert len(played.clock.due) == 1
    played.clock.pass_to(WINDOW)
    assert played.is_overdue()


async def test_a_pod_that_got_a_node_is_let_be() -> None:
    played = Played()
    await played.cache.replace([pod()], "100")
    scheduled = make(POD, "p", created=CREATED, resource_version=101)
    played.cache.put(scheduled)
    played.clock.pass_to(WINDOW)
    assert played.store.get(scheduled.uid) is scheduled


async def test_a_pod_that_went_is_let_be() -> None:
    played = Played()
    await played.cache.replace([pod()], "100")
    played.cache.remove(pod())
    played.clock.pass_to(WINDOW)
    assert played.store.count(POD) == 0


async def test_a_pod_that_came_again_under_its_name_has_its_own_time() -> None:
    played = Played()
    await played.cache.replace([pod()], "100")
    played.clock.pass_to(10)
    played.cache.put(structs.replace(pod(101), uid="another", created=CREATED + 10))
    played.clock.pass_to(WINDOW)
    assert not played.is_overdue()
    played.clock.pass_to(10 + WINDOW)
    assert played.is_overdue()


async def test_a_clock_that_was_set_back_is_waited_for() -> None:
    played = Played()
    await played.cache.replace([pod()], "100")
    (_, look) = played.clock.due.pop()
    look()
    assert not played.is_overdue()
    played.clock.pass_to(WINDOW)
    assert played.is_overdue()


def test_what_is_not_meant_is_the_same_object() -> None:
    for item in (
        make(DEPLOYMENT, "x"),
        make(POD, "x"),
        pod(phase="Running"),
        pod(conditions=(structs.replace(UNSCHEDULABLE, reason="SchedulingGated"),)),
        pod(conditions=(structs.replace(UNSCHEDULABLE, status="Unknown"),)),
        pod(overdue=True),
        structs.replace(pod(), deleting=True),
    ):
        assert ripened(item, CREATED + 1000) is item


async def test_by_the_clock_of_the_machine() -> None:
    store = Store(KINDS)
    passed = 0.0
    ripening = Ripening(store, clock=lambda: CREATED + WINDOW - 0.05 + passed)
    cache = KindCache(store, POD, ripening.ripen)
    await cache.replace([pod()], "100")
    passed = 1.0

    def is_marked() -> bool:
        held = store.get(pod().uid)
        return held is not None and held.state.overdue  # type: ignore[union-attr]

    assert not is_marked()
    await until(is_marked)
