"""Figures of pods: read as metrics.k8s.io has them, asked for once in a while, and absent with a reason."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.errors import UpstreamError, UpstreamForbidden, UpstreamNotFound
from kubediscovery.samples import Absent, Sample, Samples


def measured(name: str, *usages: Mapping[str, str], time: str = "2026-01-01T00:00:10Z") -> dict[str, Any]:
    containers = [{"name": f"c{number}", "usage": usage} for number, usage in enumerate(usages)]
    return {"metadata": {"name": name}, "timestamp": time, "window": "15s", "containers": containers}


class Metrics:
    """Answers what it was given, or fails with it."""

    def __init__(self, *items: Mapping[str, Any], failure: Exception | None = None) -> None:
        self.items: list[Any] = list(items)
        self.failure = failure
        self.asked: list[str] = []

    async def request(self, method: str, path: str, *, timeout: float = 0) -> Any:
        self.asked.append(f"{method} {path}")
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        return {"kind": "PodMetricsList", "items": self.items}


async def test_containers_are_summed() -> None:
    metrics = Metrics(measured("a", {"cpu": "1500u", "memory": "10Mi"}, {"cpu": "2m", "memory": "512Ki"}))
    found = await Samples().of(metrics, "shop")
    assert [(name, sample.cpu_text, sample.memory_text) for name, sample in found.items()] == [("a", "4m", "10752Ki")]
    assert metrics.asked == ["GET /apis/metrics.k8s.io/v1beta1/namespaces/shop/pods"]


@pytest.mark.parametrize(
    "usage",
    [{}, {"cpu": "1m"}, {"cpu": "much", "memory": "1Mi"}, {"cpu": "-1m", "memory": "1Mi"}, {"cpu": "", "memory": ""}],
)
async def test_what_is_no_figure_is_none(usage: Mapping[str, str]) -> None:
    assert await Samples().of(Metrics(measured("a", usage), measured("b")), "shop") == {}


@pytest.mark.parametrize(
    ("failure", "reason", "said"),
    [
        (UpstreamNotFound("no"), "NotFound", "the cluster does not serve metrics.k8s.io: metrics-server"),
        (UpstreamForbidden("no"), "Forbidden", "kubediscovery may not list pods.metrics.k8s.io"),
        (UpstreamError("no", code=503), "Unavailable", "metrics.k8s.io does not answer"),
    ],
)
async def test_without_figures_there_is_a_reason(failure: Exception, reason: str, said: str) -> None:
    with pytest.raises(Absent, match=said) as caught:
        await Samples().of(Metrics(failure=failure), "shop")
    assert caught.value.reason == reason


async def test_without_a_cluster_there_are_none() -> None:
    with pytest.raises(Absent, match="no cluster behind"):
        await Samples().of(None, "shop")


async def test_an_answer_that_is_none_is_unavailable() -> None:
    metrics = Metrics()
    metrics.items = ["what"]
    with pytest.raises(Absent, match="does not answer as it should"):
        await Samples().of(metrics, "shop")


async def test_who_asks_meanwhile_waits_for_the_same() -> None:
    metrics, samples = Metrics(measured("a", {"cpu": "1m", "memory": "1Mi"})), Samples()
    both = await asyncio.gather(samples.of(metrics, "shop"), samples.of(metrics, "shop"))
    assert both[0] is both[1]
    assert await samples.of(metrics, "shop") is both[0]
    await samples.of(metrics, "vault")
    assert len(metrics.asked) == 2


@given(st.integers(0, 10**15), st.integers(0, 10**24))
def test_figures_are_rounded_up_and_never_down(cpu: int, memory: int) -> None:
    from kubediscovery.quantities import parse

    sample = Sample(cpu, memory)
    read_cpu, read_memory = parse(sample.cpu_text), parse(sample.memory_text)
    assert read_cpu is not None
    assert read_memory is not None
    assert 0 <= read_cpu.nanos - cpu < 10**6
    assert 0 <= read_memory.nanos - memory < 1024 * 10**9


@pytest.mark.parametrize(
    ("taken", "created", "before"),
    [
        ("2026-01-01T00:00:10Z", "2026-01-01T00:00:11Z", True),
        ("2026-01-01T00:00:10Z", "2026-01-01T00:00:10Z", False),
        ("2026-01-01T00:00:10.5Z", "2026-01-01T00:00:11Z", False),
        ("", "2026-01-01T00:00:11Z", False),
        ("2026-01-01T00:00:10Z", None, False),
    ],
)
def test_a_figure_of_before_is_told_apart(taken: str, created: str | None, before: bool) -> None:
    assert Sample(1, 1, taken).is_before(created) is before
