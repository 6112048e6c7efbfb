"""Waiting for what no event tells of."""

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], object], *, every: float = 0.001) -> None:
    """Return once something holds; fails after 10 s."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(every)
