"""Timing requests with the Go program's client, in a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.figures import WrongAnswerError
from benchmarks.percentiles import percentile


class Question(msgspec.Struct, frozen=True, rename="camel"):
    """Paths that are asked in turn, of kube-apiserver unless another server, with the file of its CA, is named."""

    name: str
    paths: tuple[str, ...]
    server: str = ""
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Rounds:
    """How often: every question ``requests`` times a round, over as many connections side by side."""

    connections: int
    rounds: int
    requests: int
    warmup: int


class Timing(msgspec.Struct, frozen=True):
    """The milliseconds of each request, and the seconds of all rounds."""

    milliseconds: list[float]
    seconds: float
    bytes: int

    def percentile(self, percent: float) -> float:
        """Milliseconds that so many percent of the requests did not exceed."""
        return percentile(self.milliseconds, percent)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.milliseconds) / self.seconds

    @property
    def mean_bytes(self) -> float:
        """Length of an answer."""
        return self.bytes / len(self.milliseconds)


def time_requests(
    program: Path, kubeconfig: Path, questions: Sequence[Question], rounds: Rounds, folder: Path
) -> dict[str, Timing]:
    """Ask as the kubeconfig's user; timings by the question's name.

    `WrongAnswerError` for any answer but 200.
    """
    plan = folder / "plan.json"
    plan.write_bytes(
        msgspec.json.encode(
            {
                "targets": questions,
                "connections": rounds.connections,
                "rounds": rounds.rounds,
                "requests": rounds.requests,
                "warmup": rounds.warmup,
            }
        )
    )
    command = [str(program), "measure", f"--kubeconfig={kubeconfig}", f"--plan={plan}"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise WrongAnswerError(done.stderr.decode(errors="replace").strip())
    return msgspec.json.decode(done.stdout, type=dict[str, Timing])
