"""client-go's shared informer, run from ``informer/``: what it keeps of compositions, and how it came to that."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kubediscovery.testing.binaries import find_binaries
from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.locked import OwnModule, Program
from tests.integration.serving import compositions, eventually

_NAME = "kubediscovery-informer"
MODULE = OwnModule(Path(__file__).parent / "informer", "k8s.io/client-go", (Program(_NAME, "."),))

Item = dict[str, Any]


def find_informer(*, may_build: bool) -> Path:
    """Give the program, built first where that is needed and allowed."""
    return find_binaries(may_build=may_build, modules=(MODULE,)).programs[_NAME]


@dataclass(frozen=True)
class Request:
    """One that the informer has sent.

    ``kind`` is ``list``, ``watch-list`` for a watch that begins with what there is, or ``watch`` for one that goes on
    from ``version``. ``status`` is 0 where nobody answered.
    """

    kind: str
    version: str
    status: int


@dataclass(frozen=True)
class Report:
    """What the informer says of itself: items by namespace and name, and all events and requests, in their order."""

    synced: bool
    version: str
    items: dict[str, Item]
    events: list[str]
    requests: list[Request]

    @property
    def fills(self) -> list[Request]:
        """The requests that asked for all there is: one at the start, and one for each time it had to begin anew."""
        return [sent for sent in self.requests if sent.kind != "watch"]

    @property
    def resumed(self) -> list[Request]:
        """The watches that went on from a version and were answered."""
        return [sent for sent in self.requests if sent.kind == "watch" and sent.status == 200]


class Informer:
    """A running informer; it ends with the block that it is the context of."""

    def __init__(
        self,
        program: Path,
        kubeconfig: Path,
        *,
        namespace: str = "",
        selector: str = "",
        metadata: bool = False,
        watch_list: bool = True,
        log: Path | None = None,
    ) -> None:
        flags = [f"--kubeconfig={kubeconfig}", f"--namespace={namespace}", f"--selector={selector}"]
        with (log or Path(os.devnull)).open("ab") as errors:
            self._process = subprocess.Popen(
                [program, *flags, f"--metadata={json.dumps(metadata)}", "-v=4"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "KUBE_FEATURE_WatchListClient": json.dumps(watch_list)},
            )

    def report(self) -> Report:
        """What it says now."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        return Report(
            said["synced"],
            said["version"],
            {key(item): item for item in said["items"]},
            said["events"],
            [Request(**sent) for sent in said["requests"]],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._process.stdin, self._process.stdout:
            pass
        self._process.wait(timeout=10)


def key(item: Item) -> str:
    """``namespace/name``."""
    metadata = item["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"


def listed(cluster: ControlPlane, path: str = "compositions") -> dict[str, Item]:
    """What a list gives, by namespace and name."""
    return {key(item): item for item in compositions(cluster, path)["items"]}


def same(held: dict[str, Item], there: dict[str, Item]) -> bool:
    """Whether both are equal in all; fails saying what differs."""
    assert sorted(held) == sorted(there), f"only held: {set(held) - set(there)}, only listed: {set(there) - set(held)}"
    for name, item in there.items():
        assert held[name] == item, f"{name} is held as {held[name]}, and is {item}"
    return True


def wait_until_equal(
    informer: Informer, cluster: ControlPlane, path: str = "compositions", *, seconds: float = 60, log: Path
) -> Report:
    """Wait until an informer holds what a list gives, and give what it says then."""
    eventually(
        lambda: same(informer.report().items, listed(cluster, path)),
        "what is held to be what is listed",
        seconds=seconds,
        every=0.1,
        log=log,
    )
    return informer.report()


if __name__ == "__main__":
    sys.stdout.write(f"{_NAME:<25} {find_informer(may_build=True)}\n")
