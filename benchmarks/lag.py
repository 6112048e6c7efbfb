"""How long an event loop is blocked: what is due each millisecond is looked at for how late it comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

_EVERY = 0.001


class LagMeter:
    """Measures within ``async with``; ``late`` has the seconds by which each look was late."""

    def __init__(self) -> None:
        self.late: list[float] = []

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._measure())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _measure(self) -> None:
        while True:
            due = time.perf_counter() + _EVERY
            await asyncio.sleep(_EVERY)
            self.late.append(max(0.0, time.perf_counter() - due))


def as_met(late: Sequence[float], every: float = _EVERY) -> list[float]:
    """What somebody meets who comes at any moment: a loop that is blocked for long is met more often.

    For each look that was late by more than one interval those are added that were not made meanwhile, as
    HdrHistogram's recording with an expected interval does.
    """
    met = list(late)
    for each in late:
        rest = each - every
        while rest > 0:
            met.append(rest)
            rest -= every
    return met
