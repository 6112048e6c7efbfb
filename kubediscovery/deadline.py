"""How long a request may take."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from types import TracebackType
from typing import Generic, Self, TypeVar

Result = TypeVar("Result")


class Deadline:
    """As :func:`asyncio.timeout`, at a fifth of its cost for what is done at once, as most requests are.

    A timer is set only once the event loop has its turn again and the request is still not answered. To be entered
    within a task; raises ``TimeoutError`` at the end where the time was over.
    """

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._when: float | None = self._loop.time() + seconds
        self._expired = False
        self._handle: asyncio.Handle | None = None

    def when(self) -> float | None:
        """When the time is over, by the loop's clock; None for never."""
        return self._when

    def expired(self) -> bool:
        """Whether it was over."""
        return self._expired

    def reschedule(self, when: float | None) -> None:
        """Let it be over then."""
        self._when = when
        self._stop()
        self._handle = self._loop.call_soon(self._set)

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (there is one wherever a coroutine runs)
        self._task, self._cancelling = task, task.cancelling()
        self._handle = self._loop.call_soon(self._set)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        # Somebody else may have cancelled the task too, and then that counts.
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()

    def _set(self) -> None:
        if self._when is not None:
            self._handle = self._loop.call_at(self._when, self._expire)

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()


class Bounded(Generic[Result]):
    """Awaits a coroutine for at most so many seconds; then raises what ``overdue`` makes.

    Up to where it first has to wait it costs nothing: many never have to.
    """

    def __init__(
        self, work: Coroutine[object, object, Result], seconds: float, overdue: Callable[[], Exception]
    ) -> None:
        self._work = work
        self._seconds = seconds
        self._overdue = overdue

    def __await__(self) -> Generator[object, object, Result]:
        try:
            awaited = self._work.send(None)
        except StopIteration as done:
            result: Result = done.value
            return result
        deadline = Deadline(self._seconds)
        try:
            with deadline:
                return (yield from _rest(self._work, awaited))
        except TimeoutError:
            if deadline.expired():
                raise self._overdue() from None
            raise


def _rest(work: Coroutine[object, object, Result], awaited: object) -> Generator[object, object, Result]:
    """The coroutine from what it awaits first (PEP 380, without what is said to it in between)."""
    while True:
        try:
            answer = yield awaited
        except GeneratorExit:
            work.close()
            raise
        except BaseException as error:  # noqa: BLE001 - it is the coroutine's to catch or to raise
            try:
                awaited = work.throw(error)
            except StopIteration as done:
                result: Result = done.value
                return result
        else:
            try:
                awaited = work.send(answer)
            except StopIteration as done:
                result = done.value
                return result
