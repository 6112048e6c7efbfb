"""kubectl as it watches: what it prints, line by line, and when."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kubediscovery.testing.controlplane import ControlPlane
from tests.integration.serving import eventually


class Watching:
    """kubectl in the background, for as long as the block that it is the context of."""

    def __init__(self, cluster: ControlPlane, *arguments: str, kubeconfig: Path | None = None) -> None:
        kubectl = cluster.kubectl
        command = [str(kubectl.program), f"--cache-dir={kubectl.cache}"]
        command.append(f"--kubeconfig={kubeconfig or kubectl.kubeconfig}")
        self.started = time.monotonic()
        self.lines: list[str] = []
        self.last = self.started
        self._process = subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._thread = threading.Thread(target=self._read, daemon=True)

    def documents(self) -> list[Any]:
        """All that was printed as JSON, one document after the other."""
        text, found, decoder = "".join(list(self.lines)), [], json.JSONDecoder()
        while text := text.lstrip():
            try:
                document, end = decoder.raw_decode(text)
            except ValueError:
                # The last is not there as a whole yet.
                break
            found.append(document)
            text = text[end:]
        return found

    def said(self, what: str, *, seconds: float = 60) -> None:
        """Wait until a line has these words."""
        eventually(lambda: any(what in line for line in list(self.lines)), f'"{what}" in {self.lines}', seconds=seconds)

    def ended(self, *, seconds: float = 30) -> int:
        """Wait for its end; gives its exit status."""
        status = self._process.wait(timeout=seconds)
        self._thread.join()
        return status

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.last = time.monotonic()
            self.lines.append(line)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self.ended()
        assert self._process.stdout is not None
        self._process.stdout.close()
