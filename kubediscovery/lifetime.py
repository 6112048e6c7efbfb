"""A server from its first connection to its last: what goes on beside it, and the order in which it ends."""

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence

from kubediscovery.errors import StartupError
from kubediscovery.listener import Listener
from kubediscovery.readiness import Readiness

logger = logging.getLogger(__name__)


async def run(
    listener: Listener,
    listening: socket.socket,
    readiness: Readiness,
    *,
    background: Sequence[Callable[[], Awaitable[None]]],
    leaving: Sequence[Callable[[], Awaitable[None]]] = (),
    shutdown_delay: float = 0.0,
    signals: "Signals | None" = None,
) -> None:
    """Listen and do what goes on beside it, until a signal; then fail readiness, leave, wait, drain and end.

    Raises :class:`StartupError` where one of these failed: half a server must not look like a whole one.
    """
    signals = signals or Signals.of_process()
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(_forever(work)) for work in background]
            serving = tasks.create_task(listener.serve(sockets=[listening]))
            first, second = tasks.create_task(signals.first.wait()), tasks.create_task(signals.second.wait())
            await asyncio.wait((serving, first), return_when=asyncio.FIRST_COMPLETED)
            ending = tasks.create_task(_end(listener, readiness, leaving, shutdown_delay))
            await asyncio.wait((serving, second), return_when=asyncio.FIRST_COMPLETED)
            if signals.second.is_set():
                listener.abort()
            await serving
            for task in (*running, first, second, ending):
                task.cancel()
    except ExceptionGroup as failures:
        logger.exception("what has to go on has failed", exc_info=failures)
        raise StartupError(f"stopped by a fault of its own: {failures.exceptions[0]!r}; the log has the rest") from None
    if signals.second.is_set():
        raise StartupError("ended at once by a second signal: requests may have been cut off")


class Signals:
    """The first asks to end, another one to do so at once (``pkg/server/signal.go``)."""

    def __init__(self) -> None:
        self.first, self.second = asyncio.Event(), asyncio.Event()

    @classmethod
    def of_process(cls) -> "Signals":
        """SIGTERM and SIGINT."""
        made = cls()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, made.end)
        return made

    def end(self) -> None:
        """Ask once more."""
        (self.second if self.first.is_set() else self.first).set()


async def _end(
    listener: Listener, readiness: Readiness, leaving: Sequence[Callable[[], Awaitable[None]]], delay: float
) -> None:
    """The order of ``pkg/server/genericapiserver.go``: watches end while requests under way are finished."""
    logger.info("shutting down: no longer ready")
    readiness.shutting_down = True
    await asyncio.gather(asyncio.sleep(delay), *(leave() for leave in leaving))
    logger.info("shutting down: no new connections, finishing what is under way")
    listener.close()
    readiness.draining.set()


async def _forever(work: Callable[[], Awaitable[None]]) -> None:
    await work()
