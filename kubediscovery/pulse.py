"""Once a second: how late the event loop is, and how many requests were under way."""

import asyncio
from collections.abc import Awaitable, Callable

from kubediscovery.limits import Limits
from kubediscovery.metrics import Metrics

EVERY = 1.0


def pulse(metrics: Metrics, limits: Limits, *, every: float = EVERY) -> Callable[[], Awaitable[None]]:
    """Work that goes on beside serving: it tells the metrics what they cannot see when they are asked."""

    async def beat() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + every
            await asyncio.sleep(every)
            metrics.beat(max(0.0, loop.time() - due), limits.requests.take_most())

    return beat
