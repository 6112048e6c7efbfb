"""The running components of one control plane, and the waiting for what they do."""

from __future__ import annotations

import time
from collections.abc import Callable

from kubediscovery.errors import StartupError
from kubediscovery.testing.processes import STOPPING, Component, Process

_WAIT_SECONDS = 120.0
_POLL_SECONDS = 0.05


class Runner:
    """Starts and stops components, each at most once at a time."""

    def __init__(self) -> None:
        self._processes: dict[str, Process] = {}

    def start(self, component: Component) -> None:
        """Start a component; `StartupError` if it runs already or its program cannot be run."""
        if component.name in self._processes:
            raise StartupError(f"{component.name} runs already")
        self._processes[component.name] = Process(component)

    def runs(self, name: str) -> bool:
        """Tell whether a component was started and not stopped since."""
        return name in self._processes

    def stop(self, name: str) -> None:
        """Stop a component; harmless if it does not run."""
        process = self._processes.get(name)
        if process:
            process.stop()
            del self._processes[name]

    def stop_all(self) -> None:
        """Stop what runs, writers first, so that none logs the loss of what it writes to."""
        for name in STOPPING:
            self.stop(name)

    def ended(self) -> list[str]:
        """Components that ended by themselves."""
        return [name for name, process in self._processes.items() if not process.runs]

    def check(self) -> None:
        """Raise `ComponentDied` if a component ended by itself."""
        for process in self._processes.values():
            process.check()

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until the condition holds; `StartupError` when it does not in time or a component ends by itself."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while not condition():
            self.check()
            if time.monotonic() > deadline:
                raise StartupError(f"waited {_WAIT_SECONDS:.0f} s in vain for {what}")
            time.sleep(_POLL_SECONDS)
