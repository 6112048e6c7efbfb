"""The real kubectl, as a function."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from kubediscovery.errors import KubediscoveryError

_SECONDS = 120.0


class KubectlError(KubediscoveryError):
    """kubectl ended with another status than 0; ``stderr`` is what it said, ``stdout`` what it printed before that."""

    def __init__(self, arguments: tuple[str, ...], status: int, stdout: str, stderr: str) -> None:
        super().__init__(f"kubectl {' '.join(arguments)} ended with status {status}: {stderr.strip()}")
        self.status = status
        self.stdout = stdout
        self.stderr = stderr


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl with a kubeconfig, and a discovery cache of its own: ports are used again by other clusters."""

    program: Path
    kubeconfig: Path
    cache: Path

    def __call__(
        self, *arguments: str, stdin: str | None = None, check: bool = True, kubeconfig: Path | None = None
    ) -> str:
        """Run it and give its standard output; `KubectlError` if it failed.

        Without ``check`` a failure is no error, and both outputs are given, as a terminal would show them.
        """
        command = [str(self.program), f"--kubeconfig={kubeconfig or self.kubeconfig}", f"--cache-dir={self.cache}"]
        done = subprocess.run(
            [*command, *arguments], input=stdin or "", capture_output=True, text=True, check=False, timeout=_SECONDS
        )
        if not check:
            return done.stdout + done.stderr
        if done.returncode:
            raise KubectlError(arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout
