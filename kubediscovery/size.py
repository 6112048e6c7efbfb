"""What a pod that serves asks its node for, and how much memory it may take at most.

docs/sizing.md has what a replica takes, by the size of the cluster, and how these are chosen.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from kubediscovery.errors import ConfigurationError
from kubediscovery.quantities import Amount, parse

Resources = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Size:
    """Kubernetes's quantities; `DEFAULT_SIZE` has those that are installed without flags.

    There is no limit on the processor: it would stop the only thread amid a request whenever a burst of events has used
    up its share, for the rest of a period of 100 ms, while the node's processor may be idle.
    """

    cpu_request: str = "100m"
    memory_request: str = "192Mi"
    memory_limit: str = "1Gi"

    def faults(self) -> Iterator[str]:
        """What cannot be used of it, each in the words of the flags of ``install``."""
        found = {field.name: self._amount(field.name) for field in fields(self)}
        yield from (
            f"{_flag(name)} {getattr(self, name)!r}: a quantity such as {default} is needed"
            for name, default in _DEFAULTS.items()
            if found[name] is None
        )
        request, limit = found["memory_request"], found["memory_limit"]
        if request and limit and limit.nanos < request.nanos:
            yield f"--memory-limit {self.memory_limit}: less than --memory-request {self.memory_request}"

    def resources(self) -> Resources:
        """The container's ``resources``; raises :class:`ConfigurationError`."""
        if faults := list(self.faults()):
            raise ConfigurationError("\n".join(faults))
        requests = {"cpu": self.cpu_request, "memory": self.memory_request}
        return {"requests": requests, "limits": {"memory": self.memory_limit}}

    def _amount(self, name: str) -> Amount | None:
        amount = parse(getattr(self, name))
        return amount if amount and amount.nanos > 0 else None


#: Enough for clusters of up to 10,000 pods.
DEFAULT_SIZE = Size()
_DEFAULTS = {field.name: str(field.default) for field in fields(Size)}


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
