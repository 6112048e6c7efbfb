"""What must hold before requests are sent to this server, and what it is doing about each kind."""

from collections.abc import Iterator
from typing import Protocol

from kubediscovery.authn import Authenticator
from kubediscovery.config import AGGREGATION_LABEL
from kubediscovery.following import Following
from kubediscovery.kinds import BUILT_IN_KINDS, Kind
from kubediscovery.readiness import Check
from kubediscovery.reflector import Phase, Progress
from kubediscovery.store import Coverage, Store

_KNOWN = frozenset((Coverage.PENDING, Coverage.COMPLETE))
_NAMED = frozenset(BUILT_IN_KINDS)


class Looks(Protocol):
    """Who finds out what the cluster serves."""

    @property
    def is_settled(self) -> bool:
        """Whether it need not be waited for any more."""
        ...

    found: bool


def checks(
    authenticator: Authenticator, trust: Progress, store: Store, following: Following, looks: Looks
) -> Iterator[Check]:
    """One for authentication, one for discovery, and one for each kind.

    Kinds that are simply watched are told of in one line, but for those that every cluster has.
    """
    yield Check("authentication", authenticator.configured, authenticator.problem or trust.phase)
    note = "" if looks.found else "not known yet" if not looks.is_settled else "cannot be read, built-in kinds only"
    yield Check("discovery", looks.is_settled, note)
    for kind in store.kinds:
        progress = following.progress.get(kind) or Progress()
        yield _of_kind(kind, store.coverage(kind), progress, is_awaited=following.awaits(kind))


def _of_kind(kind: Kind, coverage: Coverage, progress: Progress, *, is_awaited: bool) -> Check:
    note = progress.phase.value if coverage in _KNOWN else f"omitted ({coverage}), {progress.phase}"
    if coverage is Coverage.FORBIDDEN:
        note += f"; {_remedy(kind)}"
    is_plain = coverage is Coverage.COMPLETE and progress.phase is Phase.WATCHING and kind not in _NAMED
    return Check(f"cache-{kind.group_resource}", not is_awaited, note, among="caches" if is_plain else "")


def _remedy(kind: Kind) -> str:
    """What would let this server read the kind."""
    return (
        f'a ClusterRole with the label {AGGREGATION_LABEL}: "true" that lets it list and watch {kind.group_resource}'
        f" would add it, and so would kubediscovery install --kinds {kind.group_resource}"
    )
