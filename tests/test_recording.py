"""What goes by, read of the fake kube-apiserver by the client that reads the real one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kubediscovery.audit_trail import AuditTrail
from kubediscovery.client import Client
from kubediscovery.errors import UpstreamError
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.recorder import Recorder
from kubediscovery.recording import DocumentSource, Recorded, RecordingSink, record_kinds, record_trail
from kubediscovery.store import Store
from kubediscovery.testing.fake import FakeKubeApiserver
from kubediscovery.turns import Turns
from tests.objects import DEPLOYMENT, filled
from tests.sighting import deployment
from tests.test_audit_trail import _event
from tests.waiting import until


@pytest.fixture
async def client(fake_cluster: FakeKubeApiserver) -> AsyncIterator[Client]:
    client = await Client.connect(str(fake_cluster.kubeconfig))
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(most_bytes=1 << 20, most_versions=50, largest=1 << 16)


@contextlib.asynccontextmanager
async def _recording(client: Client, recorder: Recorder, store: Store) -> AsyncIterator[None]:
    task = asyncio.create_task(record_kinds(client, store, recorder, lambda kind: kind == DEPLOYMENT, Turns()))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _web(image: str = "nginx:1", **fields: Any) -> dict[str, Any]:
    document = deployment(image, **fields)
    for name in ("generation", "resourceVersion"):
        del document["metadata"][name]
    return document


def _images(recorder: Recorder, uid: str = "uid-web") -> list[object]:
    found = [each.version().template for each in recorder.versions(uid)]
    return [each["spec"]["containers"][0]["image"] for each in found if isinstance(each, dict)]


async def test_what_is_there_and_what_comes_is_recorded(
    fake_cluster: FakeKubeApiserver, client: Client, recorder: Recorder
) -> None:
    fake_cluster.put(_web())
    async with _recording(client, recorder, filled([])):
        await until(lambda: _images(recorder) == ["nginx:1"])
        fake_cluster.put(_web("nginx:2"))
        await until(lambda: _images(recorder) == ["nginx:1", "nginx:2"])
        fake_cluster.put({**_web("nginx:2"), "status": {"replicas": 5}})
        fake_cluster.put(_web("nginx:3"))
        await until(lambda: _images(recorder) == ["nginx:1", "nginx:2", "nginx:3"])
        assert recorder.is_there("uid-web")
        fake_cluster.delete("apps/v1", "Deployment", "web", "shop")
        await until(lambda: not recorder.is_there("uid-web"))
    assert len(_images(recorder)) == 3


async def test_what_happened_while_nobody_watched_is_found(
    fake_cluster: FakeKubeApiserver, client: Client, recorder: Recorder
) -> None:
    fake_cluster.put(_web(), _web(name="gone", uid="uid-gone"))
    async with _recording(client, recorder, filled([])):
        await until(lambda: recorder.is_there("uid-gone") and recorder.is_there("uid-web"))
        fake_cluster.put(_web("nginx:2"))
        fake_cluster.delete("apps/v1", "Deployment", "gone", "shop")
        fake_cluster.expire_versions()
        fake_cluster.drop_connections()
        await until(lambda: _images(recorder) == ["nginx:1", "nginx:2"] and not recorder.is_there("uid-gone"))


async def test_nothing_is_read_before_the_caches_are_filled(
    fake_cluster: FakeKubeApiserver, client: Client, recorder: Recorder
) -> None:
    fake_cluster.put(_web())
    store = Store(Kinds((DEPLOYMENT,)))
    async with _recording(client, recorder, store):
        await asyncio.sleep(0.01)
        assert not any(path.startswith(DEPLOYMENT.list_path) for _, path in fake_cluster.requests)
        store.replace(DEPLOYMENT, [], 5)
        await until(lambda: _images(recorder) == ["nginx:1"])


async def test_a_list_is_read_in_pages(fake_cluster: FakeKubeApiserver, client: Client, recorder: Recorder) -> None:
    fake_cluster.put(*(_web(name=f"web-{number}", uid=f"uid-{number}") for number in range(5)))
    source = DocumentSource(client, DEPLOYMENT, recorder.marks(DEPLOYMENT), Turns(), page_size=2)
    page = await source.page("")
    assert [item.uid for item in page.items] == ["uid-0", "uid-1"]
    assert page.continue_token
    assert [item.uid for item in (await source.page(page.continue_token)).items] == ["uid-2", "uid-3"]


async def test_a_document_that_has_its_mark_is_not_read_any_further(
    fake_cluster: FakeKubeApiserver, client: Client, recorder: Recorder
) -> None:
    fake_cluster.put(_web())
    marks = recorder.marks(DEPLOYMENT)
    source = DocumentSource(client, DEPLOYMENT, marks, Turns())
    (first,) = (await source.page("")).items
    assert first.version is not None
    RecordingSink(recorder, DEPLOYMENT).put(first)
    (second,) = (await source.page("")).items
    assert (second.uid, second.mark, second.version) == (first.uid, marks[first.uid], None)


async def test_what_went_while_a_kind_was_not_recorded_is_not_there(recorder: Recorder) -> None:
    RecordingSink(recorder, DEPLOYMENT).put(Recorded("uid-web", 1, None))
    assert recorder.is_there("uid-web")
    await RecordingSink(recorder, DEPLOYMENT).replace([Recorded("uid-db", 1, None)], "7")
    assert recorder.is_there("uid-db")
    assert not recorder.is_there("uid-web")


async def test_a_kind_that_is_not_served_is_an_upstream_error(client: Client, recorder: Recorder) -> None:
    source = DocumentSource(client, Kind("example.org", "v1", "fleets", "Fleet", "fleet"), {}, Turns())
    with pytest.raises(UpstreamError):
        await source.page("")


async def test_an_audit_log_is_followed(tmp_path: Path, recorder: Recorder) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(
        _event(deployment("nginx:1", 1)) + b'not JSON with "responseObject":{ and "stage":"ResponseComplete"\n'
    )
    task = asyncio.create_task(record_trail(AuditTrail(path, lambda group, _: group == "apps"), recorder))
    try:
        await until(lambda: _images(recorder) == ["nginx:1"])
        with path.open("ab") as file:
            file.write(_event(deployment("nginx:2", 2)))
        await until(lambda: _images(recorder) == ["nginx:1", "nginx:2"])
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
