"""The pulse: a loop that is held up shows, and so do requests that came and went between two looks."""

import asyncio
import time

from kubediscovery.limits import Limits
from kubediscovery.metrics import Metrics
from kubediscovery.pulse import pulse
from tests.test_metrics import labels, named
from tests.waiting import until

INFLIGHT = labels(request_kind="readOnly")


async def test_it_tells_of_a_loop_that_was_held_up_and_of_the_most_requests() -> None:
    metrics, limits = Metrics(), Limits()
    beating = asyncio.ensure_future(pulse(metrics, limits, every=0.01)())
    await asyncio.sleep(0)
    for _ in range(3):
        limits.requests.enter()
    for _ in range(3):
        limits.requests.leave()
    time.sleep(0.3)  # noqa: ASYNC251 - this is what it is to notice
    await until(lambda: named(metrics, "apiserver_current_inflight_requests") == {INFLIGHT: 3}, every=0)
    buckets = named(metrics, "kubediscovery_event_loop_lag_seconds_bucket")
    assert buckets[labels(le="0.1")] < buckets[labels(le="+Inf")]
    await until(lambda: named(metrics, "apiserver_current_inflight_requests") == {INFLIGHT: 0})
    beating.cancel()
