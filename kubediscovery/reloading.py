"""A process that is started again whenever the files that it was made from change."""

import asyncio
import importlib
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

Say = Callable[[str], object]

_SUFFIXES = (".py", ".yaml", ".yml", ".json", ".toml")
_IGNORED = frozenset(("__pycache__", "node_modules"))
# Seconds between two looks where watchfiles is not installed, and for which a process may finish what it is doing.
_POLL_SECONDS = 0.5
_END_SECONDS = 10.0


class Process(Protocol):
    """A process that was started."""

    async def wait(self) -> int:
        """Its exit status, once it has one."""
        ...

    async def stop(self) -> None:
        """End it, in an orderly way while there is time."""
        ...


class Child:
    """A child process of this one, which shares its terminal but is not told of its Ctrl-C."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str], directory: Path) -> "Child":
        """Start a command; its output goes where this process's own does."""
        # A session of its own: Ctrl-C would reach it from the terminal before this process has cleaned up.
        process = await asyncio.create_subprocess_exec(
            *command, cwd=directory, env=dict(environment), start_new_session=True
        )
        return cls(process)

    async def wait(self) -> int:
        """Its exit status, once it has one."""
        return await self._process.wait()

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL where that does not end it in time."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.returncode is not None:
                return
            self._process.send_signal(number)
            try:
                async with asyncio.timeout(_END_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                continue


async def changes(folder: Path, say: Say) -> AsyncIterator[tuple[str, ...]]:
    """The names of files below the folder that have changed, as often as some have.

    watchfiles is asked where it is installed; otherwise the folder is looked through twice a second.
    """
    try:
        watchfiles = importlib.import_module("watchfiles")
    except ImportError:
        say("watchfiles is not installed (pip install 'kubediscovery[reload]'): looking for changes twice a second")
        async with aclosing(_polled(folder)) as polled:
            async for found in polled:
                yield found
        return
    async for batch in watchfiles.awatch(folder, watch_filter=lambda _, path: _counts(Path(path), folder)):
        yield tuple(sorted({str(Path(path).relative_to(folder)) for _, path in batch}))


async def keep_running(
    start: Callable[[], Awaitable[Process]],
    changed: AsyncIterator[tuple[str, ...]],
    say: Say,
    *,
    accept: Callable[[], Awaitable[bool]],
) -> None:
    """Start a process, again after each change that is accepted, until this is cancelled; then it is ended.

    One that ends by itself is told of, and started again after the next such change. ``accept`` says itself why not.
    """
    process = await start()
    watching, ending = asyncio.ensure_future(anext(changed)), asyncio.ensure_future(process.wait())
    is_told = False
    try:
        while True:
            if not is_told:
                await asyncio.wait((watching, ending), return_when=asyncio.FIRST_COMPLETED)
            if ending.done() and not (is_told or watching.done()):
                is_told = True
                say(f"the server has ended with status {ending.result()}: it is started again after the next change")
            names = await watching
            watching = asyncio.ensure_future(anext(changed))
            say(f"{', '.join(names)} changed")
            if await accept():
                await process.stop()
                await ending
                say("starting again")
                process = await start()
                ending, is_told = asyncio.ensure_future(process.wait()), False
    finally:
        watching.cancel()
        await process.stop()


async def _polled(folder: Path) -> AsyncGenerator[tuple[str, ...], None]:
    before = dict(_looked_at(folder))
    while True:
        await asyncio.sleep(_POLL_SECONDS)
        now = dict(_looked_at(folder))
        if different := [path for path in before.keys() | now.keys() if before.get(path) != now.get(path)]:
            yield tuple(sorted(str(path.relative_to(folder)) for path in different))
        before = now


def _looked_at(folder: Path) -> Iterator[tuple[Path, tuple[int, int]]]:
    for path in folder.rglob("*"):
        if _counts(path, folder):
            try:
                found = path.stat()
            except OSError:
                continue
            yield path, (found.st_mtime_ns, found.st_size)


def _counts(path: Path, folder: Path) -> bool:
    """Whether a change of the file is one of the program: hidden folders hold environments and caches."""
    inside = path.relative_to(folder).parts
    return path.suffix in _SUFFIXES and not any(part.startswith(".") or part in _IGNORED for part in inside)
