"""Long work of many, in turns: all of it together goes on for a few milliseconds, then everybody else has a turn.

Nothing that waits for the event loop then waits for longer than one turn, however long a list is, and however many are
asked for at once.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

# Seconds of one turn.
TURN = 0.004
# The last of some work counts as a turn where it takes more than this part of one.
_SHORT = 4
# Seconds after a turn in which more is expected, and for which what has time waits at most.
_LULL, _PATIENCE = 0.02, 0.05


class Turns:
    """Who has begun first goes on first."""

    def __init__(self, seconds: float = TURN) -> None:
        self._seconds = seconds
        self._lock = asyncio.Lock()
        self._ended = float("-inf")

    async def portions(
        self, work: Iterable[T], *, size: Callable[[T], int] = lambda _: 0, enough: int = 1
    ) -> AsyncGenerator[list[T], None]:
        """What some work gives, in lists: each is of one turn, or ends where it has come to ``enough``.

        None is empty.
        """
        going, is_over = iter(work), False
        while not is_over:
            found: list[T] = []
            async with self._lock:
                now, total = time.perf_counter(), 0
                until, short = now + self._seconds, now + self._seconds / _SHORT
                for item in going:
                    found.append(item)
                    total += size(item)
                    if total >= enough or time.perf_counter() >= until:
                        break
                else:
                    is_over = True
                self._ended = time.perf_counter()
                if not is_over or self._ended >= short:
                    # With the lock: whoever has the next turn is not to have it at once.
                    await asyncio.sleep(0)
            if found:
                yield found

    async def lull(self) -> None:
        """Return when nobody has had a turn lately, or after a while: for what others should not wait for.

        Another thread takes the interpreter away whenever the event loop lets go of it, as with each write.
        """
        patience = time.perf_counter() + _PATIENCE
        while (now := time.perf_counter()) < min(patience, self._ended + _LULL):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(min(patience, self._ended + _LULL) - now)

    async def all(self, work: Iterable[T]) -> list[T]:
        """All that some work gives."""
        return [item async for portion in self.portions(work) for item in portion]


class Turn:
    """One piece of work that looks by itself whether others should have their turn."""

    def __init__(self, seconds: float = TURN) -> None:
        self._seconds = seconds
        self._until = time.perf_counter() + seconds

    @property
    def is_over(self) -> bool:
        """Whether it is time for :meth:`pass_on`."""
        return time.perf_counter() >= self._until

    async def pass_on(self) -> None:
        """Let others have their turn."""
        await asyncio.sleep(0)
        self._until = time.perf_counter() + self._seconds
