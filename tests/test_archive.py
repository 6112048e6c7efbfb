from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kubediscovery.archive import LONGEST_QUEUE, PRUNE_SECONDS, Archive
from kubediscovery.errors import StartupError
from kubediscovery.sightings import glimpse, sighting
from kubediscovery.versions import Origin
from tests.sighting import deployment, sighted


@contextmanager
def _opened(path: Path, **fields: Any) -> Iterator[Archive]:
    archive = Archive(path, **{"max_age": 1e9, "max_bytes": 1 << 20, **fields})
    archive.open()
    try:
        yield archive
    finally:
        archive.close()


async def test_versions_outlive_the_process(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "history.db"
    with _opened(path) as archive:
        archive.put(sighted("b", 2))
        archive.put(sighted("a", 1))
        archive.put(sighted("a", 1, uid="other"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with _opened(path) as archive:
        archive.put(sighted("b", 2, resourceVersion="77"))
        found = await archive.versions("uid-web")
        assert await archive.versions("nobody") == []
    assert [each.generation for each in found] == [1, 2]
    assert found[0].version().document == sighted("a", 1).version().document
    assert found[0].origins == {Origin.FILE}
    assert found[1].resource_version == 20


async def test_what_is_too_old_goes_but_not_what_an_object_is_like(tmp_path: Path) -> None:
    now = 1_000.0
    there = {"uid-web"}
    with _opened(
        tmp_path / "history.db", max_age=100.0, clock=lambda: now, is_there=lambda uid: uid in there
    ) as archive:
        archive.put(sighted("a", 1, now=10.0))
        archive.put(sighted("b", 2, now=20.0))
        archive.put(sighted("a", 1, uid="gone", now=20.0))
        await archive.versions("uid-web")
        now += PRUNE_SECONDS
        archive.put(sighted("a", 1, uid="young", now=now))
        assert [each.generation for each in await archive.versions("uid-web")] == [2]
        assert await archive.versions("gone") == []
        assert len(await archive.versions("young")) == 1


async def test_the_file_is_no_larger_than_it_may_be(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with _opened(path, max_bytes=100_000) as archive:
        # All at once, as when a disk was slow.
        archive._waiting.extend([sighted(str(number), number, now=float(number)) for number in range(1, 999)])
        archive.put(sighted("999", 999, now=999.0))
        found = await archive.versions("uid-web")
    assert 0 < len(found) < 999
    assert found[-1].generation == 999
    assert [each.generation for each in found] == list(range(1000 - len(found), 1000))
    assert path.stat().st_size <= 120_000


async def test_a_bound_that_nothing_fits_in_is_no_endless_loop(tmp_path: Path) -> None:
    with _opened(tmp_path / "history.db", max_bytes=1) as archive:
        archive.put(sighted())
        assert await archive.versions("uid-web") == []


def _text(path: Path) -> None:
    path.write_text("this is no database, " * 100)


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("pragma user_version = 99")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(_text, "file is not a database"), (_newer, "another version of kubediscovery"), (Path.mkdir, "Is a directory")],
)
def test_a_file_that_cannot_be_used_ends_the_start(tmp_path: Path, spoil: Callable[[Path], None], words: str) -> None:
    path = tmp_path / "history.db"
    spoil(path)
    archive = Archive(path, max_age=1.0, max_bytes=1)
    with pytest.raises(StartupError, match=f"history {path}: .*{words}"):
        archive.open()


async def test_a_disk_that_fails_takes_nothing_but_history(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "history.db"
    with _opened(path) as archive:
        with sqlite3.connect(path) as other:
            other.execute("drop table versions")
        other.close()
        archive.put(sighted())
        assert await archive.versions("uid-web") == []
    assert archive.lost == 1
    assert "no such table" in caplog.text


async def test_too_many_that_wait_are_lost_and_counted(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "history.db", max_age=1e9, max_bytes=1 << 20)
    archive._waiting.extend([sighted()] * LONGEST_QUEUE)
    archive.put(sighted())
    assert archive.lost == 1


async def test_what_is_kept_by_its_likeness_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    found = sighting(glimpse(msgspec.json.encode(deployment("b"))), Origin.CACHE, like=sighted("a").body)
    with _opened(path) as archive:
        archive.put(found)
    with _opened(path) as archive:
        (read,) = await archive.versions("uid-web")
    assert (read.like, read.version().document) == (b"", found.version().document)
