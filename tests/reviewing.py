"""A kube-apiserver that answers reviews as a test tells it to, and a time that a test moves by hand."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kubediscovery.certs import CertificateAuthority, KeyPair

Answer = Mapping[str, object] | Exception


@dataclass
class FakeReviewer:
    """Answers with ``status`` what it is asked; ``gate`` holds the answers back while it is not set."""

    status: Callable[[dict[str, Any]], Answer]
    specs: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    bodies: list[Mapping[str, object]] = field(default_factory=list)
    gate: asyncio.Event | None = None
    under_way: int = 0
    most_under_way: int = 0

    async def create(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        spec = body["spec"]
        assert isinstance(spec, dict)
        self.paths.append(path)
        self.bodies.append(body)
        self.specs.append(spec)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            if self.gate is not None:
                await self.gate.wait()
            status = self.status(spec)
        finally:
            self.under_way -= 1
        if isinstance(status, Exception):
            raise status
        return {**body, "status": status}


@dataclass
class Time:
    """Both clocks at once; ``sleep`` notes how long somebody wanted to wait and returns at once."""

    now: float = 0
    start: datetime = field(default_factory=lambda: datetime.now(UTC))
    slept: list[float] = field(default_factory=list)

    def timer(self) -> float:
        return self.now

    def clock(self) -> datetime:
        return self.start + timedelta(seconds=self.now)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def der(pair: KeyPair | CertificateAuthority) -> bytes:
    """The certificate as the TLS layer gives it."""
    return x509.load_pem_x509_certificate(pair.certificate).public_bytes(Encoding.DER)
