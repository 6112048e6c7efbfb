"""Starting again on changes: what counts as one, and processes that end by themselves."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kubediscovery import reloading
from kubediscovery.reloading import Child, changes, keep_running
from tests.waiting import until


class FakeProcess:
    """Ends when it is told to, or by itself once ``status`` is set."""

    def __init__(self) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.stopped = False

    async def wait(self) -> int:
        return await asyncio.shield(self.status)

    async def stop(self) -> None:
        self.stopped = True
        if not self.status.done():
            self.status.set_result(0)


class Running:
    """A task that keeps processes running, with changes that a test makes."""

    def __init__(self) -> None:
        self.processes: list[FakeProcess] = []
        self.said: list[str] = []
        self.changed: asyncio.Queue[tuple[str, ...]] = asyncio.Queue()
        self.accepts = True
        running = keep_running(self._start, self._changes(), self.said.append, accept=self._accept)
        self.task = asyncio.create_task(running)

    async def _start(self) -> FakeProcess:
        self.processes.append(FakeProcess())
        return self.processes[-1]

    async def _accept(self) -> bool:
        return self.accepts

    async def _changes(self) -> AsyncIterator[tuple[str, ...]]:
        while True:
            yield await self.changed.get()

    async def end(self) -> None:
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task


async def test_a_change_starts_another_process_when_the_former_has_ended() -> None:
    running = Running()
    await until(lambda: running.processes)
    running.changed.put_nowait(("app.py", "other.py"))
    await until(lambda: len(running.processes) == 2)
    assert [process.stopped for process in running.processes] == [True, False]
    assert running.said == ["app.py, other.py changed", "starting again"]
    await running.end()
    assert running.processes[1].stopped


async def test_a_process_that_ends_by_itself_waits_for_a_change() -> None:
    running = Running()
    await until(lambda: running.processes)
    running.processes[0].status.set_result(1)
    await until(lambda: running.said)
    assert running.said == ["the server has ended with status 1: it is started again after the next change"]
    assert len(running.processes) == 1
    running.changed.put_nowait(("app.py",))
    await until(lambda: len(running.processes) == 2)
    await running.end()


async def test_a_change_that_is_not_accepted_leaves_the_former_process() -> None:
    running = Running()
    await until(lambda: running.processes)
    running.accepts = False
    running.changed.put_nowait(("app.py",))
    await until(lambda: running.said)
    await asyncio.sleep(0)
    assert [process.stopped for process in running.processes] == [False]
    running.processes[0].status.set_result(1)
    await until(lambda: len(running.said) == 2)
    running.changed.put_nowait(("app.py",))
    await until(lambda: len(running.said) == 3)
    running.accepts = True
    running.changed.put_nowait(("app.py",))
    await until(lambda: len(running.processes) == 2)
    ended = "the server has ended with status 1: it is started again after the next change"
    assert running.said == ["app.py changed", ended, "app.py changed", "app.py changed", "starting again"]
    await running.end()


async def test_changes_are_seen_of_sources_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloading, "_POLL_SECONDS", 0.005)
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    (tmp_path / ".venv").mkdir()
    (tmp_path / "app.py").write_text("1")
    said: list[str] = []
    found = changes(tmp_path, said.append)
    first = asyncio.ensure_future(anext(found))
    await until(lambda: said)
    assert "pip install 'kubediscovery[reload]'" in said[0]
    await asyncio.sleep(0.02)
    for name in (".venv/x.py", "notes.txt"):
        (tmp_path / name).write_text("1")
    await asyncio.sleep(0.02)
    assert not first.done()
    (tmp_path / "app.py").write_text("changed")
    async with asyncio.timeout(10):
        assert await first == ("app.py",)
        (tmp_path / "new.yaml").write_text("a: 1")
        assert await anext(found) == ("new.yaml",)
        (tmp_path / "app.py").unlink()
        assert await anext(found) == ("app.py",)


async def test_a_child_is_ended_by_sigterm(tmp_path: Path) -> None:
    code = "import pathlib, time; pathlib.Path('here').touch(); time.sleep(60)"
    child = await Child.start([sys.executable, "-c", code], os.environ, tmp_path)
    await until((tmp_path / "here").exists)
    await child.stop()
    assert await child.wait() == -signal.SIGTERM
    await child.stop()


async def test_a_child_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloading, "_END_SECONDS", 0.05)
    code = (
        "import pathlib, signal, time; signal.signal(15, signal.SIG_IGN); pathlib.Path('here').touch(); time.sleep(60)"
    )
    child = await Child.start([sys.executable, "-c", code], os.environ, tmp_path)
    await until((tmp_path / "here").exists)
    await child.stop()
    async with asyncio.timeout(10):
        assert await child.wait() == -signal.SIGKILL
