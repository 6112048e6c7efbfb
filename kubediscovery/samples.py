"""What pods use at the moment, as metrics.k8s.io tells (k8s.io/metrics, pkg/apis/metrics/v1beta1/types.go)."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import msgspec

from kubediscovery.errors import KubediscoveryError, UpstreamError, UpstreamForbidden, UpstreamNotFound
from kubediscovery.quantities import Amount, Format, parse
from kubediscovery.recent import Recent

GROUP, VERSION, RESOURCE = "metrics.k8s.io", "v1beta1", "pods"
# Seconds that an answer counts: metrics-server measures every 15.
FRESH_SECONDS = 5.0
_TIMEOUT = 10.0
_NAMESPACES = 256
_MILLI, _KIBI = 10**6, 1024 * 10**9


class Requests(Protocol):
    """Who asks kube-apiserver once."""

    async def request(self, method: str, path: str, *, timeout: float = ...) -> Any:
        """The answer's JSON, decoded. Raises :class:`UpstreamError`."""


class Absent(KubediscoveryError):
    """There are no figures; ``reason`` is one CamelCase word for why."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Sample(NamedTuple):
    """CPU in billionths of a core, memory in billionths of a byte, and when that was."""

    cpu: int
    memory: int
    time: str = ""

    @property
    def cpu_text(self) -> str:
        """Thousandths of a core, rounded up, as ``kubectl top`` has it."""
        return str(Amount(-(-self.cpu // _MILLI) * _MILLI))

    @property
    def memory_text(self) -> str:
        """Kibibytes, rounded up, in as large a unit as loses nothing."""
        return str(Amount(-(-self.memory // _KIBI) * _KIBI, Format.BINARY))

    def is_before(self, created: str | None) -> bool:
        """Whether it was taken before a moment; of times in another form than Kubernetes's own nothing is known."""
        return bool(self.time and created and len(self.time) == len(created) and self.time < created)


class _Metadata(msgspec.Struct):
    name: str = ""


class _Container(msgspec.Struct):
    usage: dict[str, str] = {}


class _Measured(msgspec.Struct):
    metadata: _Metadata
    timestamp: str = ""
    containers: list[_Container] = []


class _List(msgspec.Struct):
    items: list[_Measured]


class Samples:
    """Figures of pods by namespace, asked for again once they are too old; who asks meanwhile waits for the same."""

    def __init__(self) -> None:
        self._asked: Recent[str, tuple[float, asyncio.Task[Mapping[str, Sample]]]] = Recent(_NAMESPACES)

    async def of(self, client: Requests | None, namespace: str) -> Mapping[str, Sample]:
        """The figures by the names of pods; raises :class:`Absent` where there are none to be had."""
        if client is None:
            raise Absent("NotFound", "there is no cluster behind this server")
        now = asyncio.get_running_loop().time()
        asked = self._asked.get(namespace)
        if asked is None or now - asked[0] >= FRESH_SECONDS:
            asked = now, asyncio.create_task(_ask(client, namespace))
            # Looked at here, because everybody who waited may be gone by then.
            asked[1].add_done_callback(lambda task: task.cancelled() or task.exception())
            self._asked.keep(namespace, asked)
        return await asyncio.shield(asked[1])


async def _ask(client: Requests, namespace: str) -> Mapping[str, Sample]:
    path = f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{RESOURCE}"
    try:
        answer = msgspec.convert(await client.request("GET", path, timeout=_TIMEOUT), _List)
    except UpstreamNotFound:
        raise Absent("NotFound", f"the cluster does not serve {GROUP}: metrics-server, or another, does") from None
    except UpstreamForbidden:
        raise Absent("Forbidden", f"kubediscovery may not list {RESOURCE}.{GROUP}") from None
    except (UpstreamError, msgspec.ValidationError):
        raise Absent("Unavailable", f"{GROUP} does not answer as it should at the moment") from None
    found = ((each.metadata.name, _sample(each)) for each in answer.items)
    return {name: sample for name, sample in found if sample is not None}


def _sample(measured: _Measured) -> Sample | None:
    """The sum of all containers; None where a figure is none."""
    cpu, memory = _total(measured, "cpu"), _total(measured, "memory")
    return Sample(cpu, memory, measured.timestamp) if cpu is not None and memory is not None else None


def _total(measured: _Measured, name: str) -> int | None:
    amounts = [parse(container.usage.get(name, "")) for container in measured.containers]
    known = [amount.nanos for amount in amounts if amount is not None and amount.nanos >= 0]
    return sum(known) if len(known) == len(amounts) and known else None
