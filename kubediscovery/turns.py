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


class Turns:
    """Who has begun first goes on first."""

    def __init__(self, seconds: float = TURN) -> None:
        self._seconds = seconds
        self._lock = asyncio.Lock()

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
                if not is_over or time.perf_counter() >= short:
                    # With the lock: whoever has the next turn is not to have it at once.
                    await asyncio.sleep(0)
            if found:
                yield found

    async def all(self, work: Iterable[T]) -> list[T]:
        """All that some work gives."""
        return [item async for portion in self.portions(work) for item in portion]
