"""Asking as often as answers come, with the Go program's light client, in a process of its own."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.figures import WrongAnswerError


@dataclass(frozen=True, slots=True)
class Party:
    """A server and who asks it: its URL, the file of its CA, and a bearer token."""

    server: str
    ca_file: str
    token: str

    @property
    def plan(self) -> dict[str, object]:
        """As the Go program reads it."""
        return {"server": self.server, "caFile": self.ca_file, "token": self.token}


class Burst(msgspec.Struct, frozen=True):
    """Requests that were answered in some seconds; percentiles are milliseconds."""

    requests: int
    seconds: float
    p50: float
    p99: float
    bytes: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def burst(
    program: Path,
    party: Party,
    paths: tuple[str, ...],
    folder: Path,
    *,
    status: int = 200,
    connections: int,
    seconds: float,
) -> Burst:
    """Ask for the paths in turn, over so many connections that stay open, for so many seconds.

    `WrongAnswerError` for any answer without the status.
    """
    plan = folder / "burst.json"
    wanted = {"paths": paths, "status": status, "connections": connections, "seconds": seconds}
    plan.write_bytes(msgspec.json.encode({**party.plan, **wanted}))
    done = subprocess.run([str(program), "load", f"--plan={plan}"], capture_output=True, check=False)
    if done.returncode:
        raise WrongAnswerError(done.stderr.decode(errors="replace").strip())
    return msgspec.json.decode(done.stdout, type=Burst)
