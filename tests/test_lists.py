"""Lists that are sent while they are made: the same answers, whatever their length and whatever happens meanwhile."""

import asyncio
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import yaml
from msgspec import structs
from starlette.responses import Response

from kubediscovery import lists
from kubediscovery.api import ApiGroup
from kubediscovery.compositions import Compositions, Target
from kubediscovery.errors import Expired
from kubediscovery.kinds import Kind
from kubediscovery.lists import ListRequest, Lists
from kubediscovery.negotiation import PARTIAL_OBJECT_LIST, PLAIN, PLAIN_YAML, TABLE, MediaType, Representation
from kubediscovery.objects import Object
from kubediscovery.options import FIELDS, Options
from kubediscovery.representation import encode, transform
from kubediscovery.responses import Renderer
from kubediscovery.selectors import parse_field_selector, parse_label_selector
from kubediscovery.store import Store
from kubediscovery.turns import Turns
from tests.objects import DEPLOYMENT, KINDS, POD, REPLICA_SET, filled, make, seeing
from tests.serving import workload

ALL = frozenset(KINDS)
JSON = Representation(PLAIN)
WORKING, BROKEN = workload(), workload(ready=0)


def cluster(count: int = 6) -> list[Object]:
    roots = [
        make(DEPLOYMENT, f"web-{number}", labels=(("n", str(number % 2)),), state=BROKEN if number % 3 else WORKING)
        for number in range(count)
    ]
    sets = [make(REPLICA_SET, f"{root.name}-1", owners=[root]) for root in roots]
    return [*roots, *sets, *(make(POD, f"{found.name}-a", owners=[found]) for found in sets)]


class Bench:
    """Turns of one item each, and any list is a long one unless ``short`` says how long one may be."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch, *, short: int = 0) -> None:
        monkeypatch.setattr(lists, "SHORT", short)
        monkeypatch.setattr(lists, "PART", 1)
        self.store = store
        self.compositions = Compositions(ApiGroup("g.io", "v1", KINDS), store)
        self.lists = Lists(store, self.compositions, Renderer(), Turns(0))

    async def answer(
        self,
        options: Options | None = None,
        representation: Representation = JSON,
        *,
        visible: frozenset[Kind] = ALL,
        known: frozenset[str] = frozenset(),
    ) -> Response:
        options = options or Options()
        begun = self.compositions.begin(Target(DEPLOYMENT, None), options, seeing(visible))
        return await self.lists.answer(ListRequest(begun, options, representation, known, {"X-Said": "so"}))

    def whole(self, options: Options, representation: Representation, visible: frozenset[Kind] = ALL) -> bytes:
        answer = self.compositions.many(Target(DEPLOYMENT, None), options, seeing(visible))
        return encode(transform(answer, representation, datetime.now(UTC)), representation)


async def parts_of(response: Response, method: str = "GET") -> tuple[dict[str, Any], list[bytes]]:
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    await response({"type": "http", "method": method}, stay, send)
    assert [message.get("more_body", False) for message in messages[1:]] == [True] * (len(messages) - 2) + [False]
    headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    return headers, [message["body"] for message in messages[1:]]


async def stay() -> Any:
    await asyncio.Event().wait()


async def body_of(response: Response) -> bytes:
    return b"".join((await parts_of(response))[1])


def names(body: bytes) -> list[str]:
    return [item["root"]["name"] for item in msgspec.json.decode(body)["items"]]


OPTIONS = [
    Options(),
    Options(limit=2),
    Options(limit=6),
    Options(labels=parse_label_selector("n=1"), limit=2),
    Options(fields=parse_field_selector("status.health=Healthy", FIELDS)),
    Options(fields=parse_field_selector("status.health=Healthy", FIELDS), limit=1),
    Options(fields=parse_field_selector("metadata.name=deployments.apps.web-1", FIELDS)),
    Options(labels=parse_label_selector("n=none")),
]
FORMS = [
    JSON,
    Representation(PLAIN, pretty=True),
    Representation(PLAIN_YAML),
    Representation(MediaType(TABLE, "meta.k8s.io", "v1")),
    Representation(MediaType(PARTIAL_OBJECT_LIST, "meta.k8s.io", "v1")),
]


@pytest.mark.parametrize("short", [0, 1 << 20], ids=["long", "short"])
@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("options", OPTIONS, ids=range(len(OPTIONS)))
async def test_long_or_short_it_is_the_whole_list(
    options: Options, form: Representation, short: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(filled(cluster()), monkeypatch, short=short)
    for visible in (ALL, ALL - {POD}, ALL):
        response = await bench.answer(options, form, visible=visible)
        assert await body_of(response) == bench.whole(options, form, visible)
        assert response.headers["x-said"] == "so"
        assert response.headers["content-type"] == form.media_type.encoding


async def test_what_is_long_comes_in_parts_and_compressed_for_who_takes_that(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(filled(cluster()), monkeypatch)
    headers, parts = await parts_of(await bench.answer())
    assert len(parts) > 6
    assert "content-length" not in headers
    packed, compressed = await parts_of(await bench.answer(representation=Representation(PLAIN, gzip=True)))
    assert packed["content-encoding"] == "gzip"
    assert gzip.decompress(b"".join(compressed)) == b"".join(parts)
    assert packed["etag"] != headers["etag"]


async def test_who_asks_for_the_head_is_sent_no_body(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(filled(cluster()), monkeypatch)
    assert (await parts_of(await bench.answer(), "HEAD"))[1] == [b""]


async def test_who_has_it_is_told_so_until_something_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(filled(cluster()), monkeypatch)
    tag = (await bench.answer()).headers["etag"]
    known = frozenset((tag.removeprefix("W/"),))
    assert tag.startswith("W/")
    assert (await bench.answer(known=known)).status_code == 304
    assert (await bench.answer(known=known, visible=ALL - {POD})).status_code == 200
    assert (await bench.answer(Options(limit=5), known=known)).status_code == 200
    bench.store.put(make(DEPLOYMENT, "fresh"))
    assert (await bench.answer(known=known)).status_code == 200
    assert "etag" not in (await bench.answer(representation=FORMS[3])).headers


async def test_each_item_is_as_it_is_when_its_turn_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(filled(cluster()), monkeypatch)
    response = await bench.answer()
    first, second, *_ = await parts_while(response, changing(bench.store))
    version = msgspec.json.decode(bench.whole(Options(), JSON))["metadata"]["resourceVersion"]
    assert names(b"".join((first, second, *_))) == ["web-0", "web-2", "web-3", "web-4", "web-5"]
    found = {item["root"]["name"]: item for item in msgspec.json.decode(b"".join((first, second, *_)))["items"]}
    assert found["web-5"]["metadata"]["resourceVersion"] == "950"
    assert version == "900"


def changing(store: Store) -> Iterator[None]:
    """One that is still to come goes, and another changes; one that nobody has heard of comes."""
    (gone,) = (item for item in cluster() if item.name == "web-1")
    (late,) = (item for item in cluster() if item.name == "web-5")
    yield
    store.remove(gone, 940)
    store.put(structs.replace(late, resource_version=950))
    store.put(make(DEPLOYMENT, "web-6", resource_version=960))
    while True:
        yield


async def parts_while(response: Response, changes: Iterator[None]) -> list[bytes]:
    parts: list[bytes] = []

    async def send(message: Any) -> None:
        parts.append(message.get("body", b""))
        next(changes)

    await response({"type": "http", "method": "GET"}, stay, send)
    return parts


async def test_a_list_of_exactly_one_version_is_that_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(filled(cluster()), monkeypatch)
    options = Options(exact=True, least_version=900)
    assert len(names(await body_of(await bench.answer(options)))) == 6
    asked = asyncio.create_task(bench.answer(options))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    bench.store.put(make(DEPLOYMENT, "fresh", resource_version=950))
    bench.store.advance(DEPLOYMENT, 950)
    with pytest.raises(Expired):
        await asked


async def test_what_is_not_read_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(filled(cluster()), monkeypatch)
    sent: list[Any] = []
    left = asyncio.Event()

    async def send(message: Any) -> None:
        sent.append(message)
        left.set()
        await asyncio.sleep(0)

    async def receive() -> Any:
        await left.wait()
        return {"type": "http.disconnect"}

    await (await bench.answer())({"type": "http", "method": "GET"}, receive, send)
    assert len(sent) < 5
    assert sent[-1]["more_body"]


async def test_a_list_is_drawn_from_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(filled(cluster()), monkeypatch)
    for options in OPTIONS:
        begun = bench.compositions.begin(Target(DEPLOYMENT, None), options, seeing(ALL))
        drawn = await bench.lists.whole(begun, options)
        assert drawn == bench.compositions.many(Target(DEPLOYMENT, None), options, seeing(ALL))


async def test_yaml_of_a_long_list_is_read_as_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(filled(cluster()), monkeypatch)
    in_yaml = await body_of(await bench.answer(representation=FORMS[2]))
    assert yaml.safe_load(in_yaml) == msgspec.json.decode(await body_of(await bench.answer()))
