"""The Lease that replicas share: who is there, for how long, and what happens when two write at once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.errors import UpstreamConflict, UpstreamError
from kubediscovery.presence import LEASE_SECONDS, Presence, SharedLease
from tests.versioned import LEASE, VersionedKubeApiserver, installed_lease

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)

PRODUCT = "kubediscovery"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def api() -> VersionedKubeApiserver:
    made = VersionedKubeApiserver()
    made.put(LEASE, installed_lease())
    return made


def annotate(api: VersionedKubeApiserver, replicas: str) -> None:
    lease = installed_lease()
    lease["metadata"]["annotations"] = {"kubediscovery.cloudark.io/replicas": replicas, "of": "somebody else"}
    api.put(LEASE, lease)


async def there(lease: SharedLease) -> set[str]:
    presence = await lease.read()
    assert presence is not None
    return set(presence.replicas)


async def test_who_renews_is_there_until_the_time_is_up(api: VersionedKubeApiserver) -> None:
    clock = Clock()
    lease = SharedLease(api, "kubediscovery", PRODUCT, clock=clock)
    await lease.renew("a")
    clock.advance(30)
    await lease.renew("b")
    assert await there(lease) == {"a", "b"}
    clock.advance(10)
    assert await there(lease) == {"a", "b"}
    clock.advance(0.001)
    assert await there(lease) == {"b"}
    await lease.renew("c")
    assert '"a"' not in api.objects[LEASE]["metadata"]["annotations"]["kubediscovery.cloudark.io/replicas"]


async def test_who_leaves_is_gone_at_once(api: VersionedKubeApiserver) -> None:
    lease = SharedLease(api, "kubediscovery", PRODUCT, clock=Clock())
    for name in ("a", "b"):
        await lease.renew(name)
    after = await lease.change(lambda presence: presence.left("a"))
    assert after == await lease.read() == Presence({"b": NOW})


async def test_kubectl_shows_the_holders(api: VersionedKubeApiserver) -> None:
    """``spec`` is what kube-apiserver validates: MicroTime with six digits, and no holder without a name."""
    lease = SharedLease(api, "kubediscovery", PRODUCT, clock=Clock())
    await lease.renew("b")
    await lease.renew("a")
    assert api.objects[LEASE]["spec"] == {
        "leaseDurationSeconds": LEASE_SECONDS,
        "holderIdentity": "a, b",
        "renewTime": "2026-01-02T03:04:05.678000Z",
    }
    await lease.change(lambda presence: presence.left("a").left("b"))
    assert api.objects[LEASE]["spec"] == {"leaseDurationSeconds": LEASE_SECONDS}


async def test_what_others_wrote_into_it_stays(api: VersionedKubeApiserver) -> None:
    annotate(api, "{}")
    await SharedLease(api, "kubediscovery", PRODUCT, clock=Clock()).renew("a")
    metadata = api.objects[LEASE]["metadata"]
    assert metadata["annotations"]["of"] == "somebody else"
    assert metadata["labels"] == installed_lease()["metadata"]["labels"]


async def test_nothing_is_written_where_nothing_changed(api: VersionedKubeApiserver) -> None:
    lease = SharedLease(api, "kubediscovery", PRODUCT, clock=Clock())
    assert await lease.change(lambda presence: presence.left("nobody")) == Presence()
    assert api.requests == [("GET", LEASE)]


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=6))
def test_no_write_is_lost(order: list[str]) -> None:
    """Whoever reads before somebody else's write has to read again."""

    async def all_at_once() -> None:
        api = VersionedKubeApiserver()
        api.put(LEASE, installed_lease())
        await asyncio.gather(
            *(SharedLease(_Yielding(api), "kubediscovery", PRODUCT, clock=Clock()).renew(n) for n in order)
        )
        assert await there(SharedLease(api, "kubediscovery", PRODUCT, clock=Clock())) == set(order)

    asyncio.run(all_at_once())


class _Yielding:
    """Lets the others go first before each request."""

    def __init__(self, api: VersionedKubeApiserver) -> None:
        self._api = api

    async def request(self, method: str, path: str, **options: Any) -> Any:
        await asyncio.sleep(0)
        return await self._api.request(method, path, **options)


async def test_endless_conflicts_are_an_error(api: VersionedKubeApiserver) -> None:
    class Busy(VersionedKubeApiserver):
        async def request(self, method: str, path: str, **options: Any) -> Any:
            answer = await super().request(method, path, **options)
            self.put(LEASE, installed_lease())
            return answer

    busy = Busy()
    busy.put(LEASE, installed_lease())
    with pytest.raises(UpstreamConflict, match="10 times in a row"):
        await SharedLease(busy, "kubediscovery", PRODUCT).renew("a")


async def test_without_a_lease_there_is_no_presence(api: VersionedKubeApiserver) -> None:
    lease = SharedLease(api, "other", PRODUCT)
    assert await lease.read() is None
    assert await lease.renew("a") is None


async def test_a_lease_that_goes_meanwhile(api: VersionedKubeApiserver) -> None:
    class Going(VersionedKubeApiserver):
        async def request(self, method: str, path: str, **options: Any) -> Any:
            answer = await super().request(method, path, **options)
            self.objects.clear()
            return answer

    going = Going()
    going.put(LEASE, installed_lease())
    assert await SharedLease(going, "kubediscovery", PRODUCT).renew("a") is None


async def test_other_failures_are_raised(api: VersionedKubeApiserver) -> None:
    api.is_away = True
    with pytest.raises(UpstreamError, match="connection refused"):
        await SharedLease(api, "kubediscovery", PRODUCT).read()


@pytest.mark.parametrize(
    "replicas",
    ["", "no JSON", "[]", '{"a": 5}', '{"a": "yesterday"}', '{"a": "2026-01-02T03:04:05"}', '{"a": null}', "\ud800"],
)
async def test_an_annotation_that_cannot_be_read_names_nobody(api: VersionedKubeApiserver, replicas: str) -> None:
    annotate(api, replicas)
    lease = SharedLease(api, "kubediscovery", PRODUCT, clock=Clock())
    assert await there(lease) == set()
    await lease.renew("a")
    assert await there(lease) == {"a"}


@pytest.mark.parametrize(("seconds", "is_there"), [(-41, False), (-40, True), (40, True), (41, False), (10**8, False)])
async def test_a_clock_far_ahead_makes_nobody_immortal(
    api: VersionedKubeApiserver, seconds: float, is_there: bool
) -> None:
    annotate(api, msgspec.json.encode({"a": NOW + timedelta(seconds=seconds)}).decode())
    assert await there(SharedLease(api, "kubediscovery", PRODUCT, clock=Clock())) == ({"a"} if is_there else set())
