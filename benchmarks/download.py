"""The floor of any first sync: all bytes of the lists, side by side, and nothing done with them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.endpoint import Synced
from benchmarks.processes import MeasuredProcess, ends_a_line
from kubediscovery.testing.controlplane import ControlPlane

_SECONDS = 300.0
_POLL_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Download:
    """Started again and again on one cluster; the three kinds are read in protobuf, each as one list from memory."""

    cluster: ControlPlane
    program: Path
    folder: Path
    counts: dict[str, int]
    name: str = "bare download (protobuf)"

    def start(self) -> MeasuredProcess:
        """Start the process."""
        command = (str(self.program), "pull", f"--kubeconfig={self.cluster.kubeconfig}", "--encoding=protobuf")
        return MeasuredProcess(command, self.folder / "pull")

    def wait(self, process: MeasuredProcess) -> Synced:
        """Wait until all of it is there; it is not counted what it was."""
        has_told = partial(ends_a_line, process.output)
        since_start = process.wait_for(has_told, "having read all", seconds=_SECONDS, every=_POLL_SECONDS)
        told = json.loads(process.output.read_text())
        return Synced(since_start, told["seconds"], process.cpu_seconds, self.counts)
