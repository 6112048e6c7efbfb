"""Which kinds are followed: globs of what the configuration includes and excludes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from kubediscovery.errors import ConfigurationError
from kubediscovery.kinds import Kind

# What is neither owned nor leads anywhere, and changes all the time: news of others, and heartbeats. Endpoints say what
# EndpointSlices say.
EXCLUDED = ("events.", "events.events.k8s.io", "leases.coordination.k8s.io", "endpoints.")
_PATTERN = re.compile(r"(?:[a-z0-9*?-]|\[!?[a-z0-9-]+\])+(?:\.(?:[a-z0-9*?.-]|\[!?[a-z0-9.-]+\])*)?")
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class KindPattern:
    """``deployments.apps``, ``*.example.org``, ``kafka*``: a plural, and a group where there is a dot.

    Without a dot any group will do, and ``pods.`` is of the core group alone. Both parts are globs (``*``, ``?``,
    ``[ab]``).
    """

    text: str

    @classmethod
    def parse(cls, text: object) -> "KindPattern":
        """Raises :class:`ConfigurationError` for what can match no kind."""
        if not isinstance(text, str) or not _PATTERN.fullmatch(text):
            raise ConfigurationError(
                f'"{text}" is no pattern for kinds: accepted are a plural (pods), one with its group'
                " (deployments.apps; pods. for the core group), and globs of these (*.example.org)"
            )
        return cls(text)

    @property
    def is_glob(self) -> bool:
        """Whether it may mean several kinds of a group, or a plural in several groups."""
        return _GLOB.search(self.text) is not None

    def matches(self, kind: Kind) -> bool:
        """Whether the kind is meant."""
        resource, dot, group = self.text.partition(".")
        return fnmatchcase(kind.resource, resource) and (not dot or fnmatchcase(kind.group, group))


@dataclass(frozen=True, slots=True)
class Selection:
    """The kinds that are followed: what is included and not excluded, and whatever is included by its name."""

    include: tuple[KindPattern, ...] = (KindPattern("*"),)
    exclude: tuple[KindPattern, ...] = tuple(map(KindPattern, EXCLUDED))

    def takes(self, kind: Kind) -> bool:
        """Whether the kind is followed."""
        including = [pattern for pattern in self.include if pattern.matches(kind)]
        if any(not pattern.is_glob for pattern in including):
            return True
        return bool(including) and not any(pattern.matches(kind) for pattern in self.exclude)

    def of(self, kinds: Iterable[Kind]) -> tuple[Kind, ...]:
        """Those that are followed, in their order."""
        return tuple(kind for kind in kinds if self.takes(kind))
