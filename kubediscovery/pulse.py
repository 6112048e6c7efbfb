"""How late the event loop is, all the time, and once a second how many requests were under way.

A look costs some 30 to 70 microseconds of the processor, most of it for waking up. While the process works, which wakes
it up anyway, there is one each 10 ms: at most 0.8 % of a core. While it does nothing there are five a second, and what
is late then is still seen unless it began and ended between two of them.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from kubediscovery.limits import Limits
from kubediscovery.metrics import Metrics

# Seconds between two looks at the requests, and at the loop while it works and while it does not.
EVERY, BUSY, IDLE = 1.0, 0.01, 0.2
# The part of the time for which a process that works has the processor.
_WORKING = 0.05


def pulse(metrics: Metrics, limits: Limits, *, every: float = EVERY) -> Callable[[], Awaitable[None]]:
    """Work that goes on beside serving: it tells the metrics what they cannot see when they are asked."""

    async def beat() -> None:
        pause, told = min(BUSY, every), time.monotonic()
        while True:
            began, worked = time.monotonic(), time.thread_time()
            await asyncio.sleep(pause)
            now = time.monotonic()
            metrics.late(now - began - pause, pause)
            is_working = time.thread_time() - worked > _WORKING * (now - began)
            pause = min(BUSY if is_working else IDLE, every)
            if now - told >= every:
                told = now
                metrics.beat(limits.requests.take_most())

    return beat
