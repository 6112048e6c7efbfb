"""The section ``history`` of the configuration file: of which kinds versions are kept, and how many."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kubediscovery.config import parse_duration
from kubediscovery.errors import ConfigurationError
from kubediscovery.kinds import Kind
from kubediscovery.quantities import parse as parse_quantity
from kubediscovery.selection import KindPattern

# What people write and nobody else does all the time: ReplicaSets, Jobs and Pods follow from these.
DEFAULT_KINDS = ("deployments.apps", "statefulsets.apps", "daemonsets.apps", "cronjobs.batch")
_SECRETS = ("", "secrets")
_NANOS = 10**9
_MOST_VERSIONS = 10_000


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """Of which kinds versions are kept; bytes in memory in all, versions of an object, bytes of a document.

    ``max_age`` (seconds) and ``max_size`` (bytes) are of the file.
    """

    kinds: tuple[KindPattern, ...] = tuple(map(KindPattern, DEFAULT_KINDS))
    memory: int = 8 << 20
    versions: int = 50
    largest: int = 256 << 10
    max_age: float = 720 * 3600.0
    max_size: int = 256 << 20

    def takes(self, kind: Kind) -> bool:
        """Whether versions of the kind are kept; never of Secrets."""
        if (kind.group, kind.resource) == _SECRETS:
            return False
        return any(pattern.matches(kind) for pattern in self.kinds)


def read_history(section: object) -> HistorySettings:
    """Raises :class:`ConfigurationError` that names the field and what is accepted."""
    if not isinstance(section, dict):
        raise ConfigurationError(f"history: a mapping is needed; accepted are {', '.join(_FIELDS)}")
    if unknown := [str(key) for key in section if key not in _FIELDS]:
        raise ConfigurationError(f'history: "{unknown[0]}" is not known; accepted are {", ".join(_FIELDS)}')
    values: dict[str, Any] = {}
    for key, value in section.items():
        name, read = _FIELDS[key]
        values[name] = read(f"history.{key}", value)
    return HistorySettings(**values)


def _kinds(name: str, value: object) -> tuple[KindPattern, ...]:
    if not isinstance(value, list):
        raise ConfigurationError(f"{name}: a list of patterns such as deployments.apps is needed, [] for none")
    try:
        patterns = tuple(map(KindPattern.parse, value))
    except ConfigurationError as error:
        raise ConfigurationError(f"{name}: {error}") from None
    if named := [found.text for found in patterns if found.text in ("secrets", "secrets.")]:
        raise ConfigurationError(f'{name}: "{named[0]}" is not accepted: what is in Secrets is never kept')
    return patterns


def _bytes(name: str, value: object) -> int:
    amount = parse_quantity(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else None
    if amount is None or amount.nanos <= 0:
        raise ConfigurationError(f'{name}: a number of bytes such as 8Mi is needed, not "{value}"')
    return amount.nanos // _NANOS


def _number(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST_VERSIONS:
        raise ConfigurationError(f'{name}: a whole number from 1 to {_MOST_VERSIONS} is needed, not "{value}"')
    return value


def _age(name: str, value: object) -> float:
    try:
        seconds = parse_duration(value) if isinstance(value, str) else 0.0
    except ConfigurationError:
        seconds = 0.0
    if seconds <= 0:
        raise ConfigurationError(f'{name}: a duration such as 720h is needed, not "{value}"')
    return seconds


_FIELDS: Mapping[str, tuple[str, Callable[[str, object], object]]] = {
    "kinds": ("kinds", _kinds),
    "memory": ("memory", _bytes),
    "versions": ("versions", _number),
    "largest": ("largest", _bytes),
    "maxAge": ("max_age", _age),
    "maxSize": ("max_size", _bytes),
}
