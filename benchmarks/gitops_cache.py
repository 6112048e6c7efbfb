"""The peer: gitops-engine's cluster cache, which is what Argo CD knows a cluster by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from benchmarks.endpoint import Synced
from benchmarks.processes import MeasuredProcess, ends_a_line
from kubediscovery.testing.controlplane import ControlPlane

_START_SECONDS = 600.0
_POLL_SECONDS = 0.005
_PLURALS = {"Deployment.apps": "deployments.apps", "ReplicaSet.apps": "replicasets.apps", "Pod": "pods"}


class Walked(msgspec.Struct, frozen=True):
    """The milliseconds of each walk, how many objects the last one met, and their UIDs where these were asked for."""

    milliseconds: list[float]
    objects: int
    members: list[str] = []


@dataclass(frozen=True, slots=True)
class GitopsCache:
    """What is needed to start it again and again on one cluster; it serves nobody, and walks when it is told to."""

    cluster: ControlPlane
    program: Path
    folder: Path
    name: str = "gitops-engine"

    def start(self) -> MeasuredProcess:
        """Start the process, which is not ready yet."""
        return MeasuredProcess((str(self.program), f"--kubeconfig={self.cluster.kubeconfig}"), self.folder / "gitops")

    def wait(self, process: MeasuredProcess) -> Synced:
        """Wait until it has read all kinds of the cluster."""
        has_told = partial(ends_a_line, process.output)
        since_start = process.wait_for(has_told, "having synced", seconds=_START_SECONDS, every=_POLL_SECONDS)
        cpu, told = process.cpu_seconds, json.loads(process.output.read_text())
        counts = {plural: told["objects"].get(kind, 0) for kind, plural in _PLURALS.items()}
        return Synced(since_start, told["seconds"], cpu, counts)

    def walk(
        self,
        process: MeasuredProcess,
        deployments: Sequence[tuple[str, str]] = (),
        *,
        together: bool = False,
        times: int = 1,
        members: bool = False,
    ) -> Walked:
        """Walk from these Deployments (namespace, name), from all for none: in one call each time, or one by one."""
        targets = [{"namespace": namespace, "name": name} for namespace, name in deployments]
        asked = {"deployments": targets, "together": together, "times": times, "members": members}
        answer = process.ask(msgspec.json.encode(asked), seconds=_START_SECONDS, every=_POLL_SECONDS)
        return msgspec.json.decode(answer, type=Walked)

    def free(self, process: MeasuredProcess) -> None:
        """Have it look for garbage and give back what it does not need."""
        process.ask(b'{"free":true}', seconds=_START_SECONDS, every=_POLL_SECONDS)
