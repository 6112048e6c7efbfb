"""Watches that the Go program holds open while it changes pods, in a process of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from benchmarks.bursts import Party
from benchmarks.figures import WrongAnswerError
from benchmarks.filled import Load
from kubediscovery.testing.controlplane import ControlPlane

#: What makes kube-apiserver tell of objects' metadata alone.
METADATA_TYPE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_PODS = "/api/v1/pods"
_STOP_SECONDS = 15.0

Line = TypeVar("Line")


@dataclass(frozen=True, slots=True)
class Changes:
    """So many changes of pods a second, for so many seconds; ``kubeconfig`` is an administrator's.

    With the URL of ``etcd`` only every ``through``-th goes through kube-apiserver, the others where it would put them.
    """

    kubeconfig: Path
    load: Load
    rate: float
    seconds: float
    etcd: str = ""
    through: int = 1

    @property
    def plan(self) -> dict[str, object]:
        """As the Go program reads it."""
        return {
            "kubeconfig": str(self.kubeconfig),
            "deployments": self.load.deployments,
            "pods": self.load.pods,
            "namespaces": self.load.namespaces,
            "rate": self.rate,
            "seconds": self.seconds,
            "etcd": self.etcd,
            "through": self.through,
        }


class Opened(msgspec.Struct, frozen=True):
    """What came before anything was changed."""

    events: int
    bytes: int


class Changed(msgspec.Struct, frozen=True):
    """Changes that were made, and the seconds that they took."""

    changes: int
    seconds: float

    @property
    def rate(self) -> float:
        """Changes a second."""
        return self.changes / self.seconds


class Told(msgspec.Struct, frozen=True, rename="camel"):
    """What all watches together were told of the changes.

    A lag, in milliseconds, is from when kube-apiserver's own watch told of a change; ``matched`` events have one.
    """

    events: int
    bytes: int
    seconds: float
    matched: int
    lag_p50: float = msgspec.field(name="lagP50")
    lag_p99: float = msgspec.field(name="lagP99")


class Watching:
    """Open watches; what comes is read in the order of these methods."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def opened(self) -> Opened:
        """Wait until all are open and nothing more comes; `WrongAnswerError` where that fails, here and below."""
        return self._read(Opened)

    def change(self) -> Changed:
        """Make the changes."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        return self._read(Changed)

    def told(self) -> Told:
        """What came of the changes."""
        return self._read(Told)

    def _read(self, shape: type[Line]) -> Line:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            _, errors = self._process.communicate()
            raise WrongAnswerError(errors.decode(errors="replace").strip())
        return msgspec.json.decode(line, type=shape)


def pods_watch(cluster: ControlPlane, folder: Path, token: str) -> tuple[Party, str]:
    """kube-apiserver, asked with a token, and the path of its own watch of all pods, from now on."""
    authority = folder / "kube-apiserver.crt"
    authority.write_bytes(cluster.ca)
    listed = json.loads(cluster.kubectl("get", "--raw", f"{_PODS}?limit=1"))
    version = listed["metadata"]["resourceVersion"]
    return Party(cluster.server, str(authority), token), f"{_PODS}?watch=1&resourceVersion={version}"


@contextmanager
def watching(
    program: Path, party: Party, paths: Sequence[str], pods: tuple[Party, str], changes: Changes, folder: Path
) -> Iterator[Watching]:
    """Open one watch for each path; ``pods`` is kube-apiserver and the path of its own watch of pods."""
    plan = folder / "watches.json"
    upstream, upstream_path = pods
    wanted = {"paths": paths, "upstream": upstream.plan, "upstreamPath": upstream_path, "changes": changes.plan}
    plan.write_bytes(msgspec.json.encode({**party.plan, **wanted}))
    command = [str(program), "watch", f"--plan={plan}"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield Watching(process)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
