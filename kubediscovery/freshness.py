"""How fresh answers are: ``resourceVersion`` and ``resourceVersionMatch`` (kubernetes.io, "API Concepts").

A tree is built from many kinds, each of which arrives by a watch of its own, and a resource version says what was
written but not of which kind. That one kind has arrived at a version therefore says nothing of the others, not even
that the root's own has: a pod's change at 100 may arrive after its Deployment's at 101. Nor can all kinds be waited
for: one in which nothing happens hears of a version once a minute. What kube-apiserver sends to all watches at about
the same time is given a moment to arrive instead: a version counts as reached once it was seen of any kind, and
:data:`SETTLING` seconds have passed since.

The gap that remains: a kind whose watch is behind the others by more than that, because it has broken off and is
being opened again or because kube-apiserver is that much behind itself, may still miss what was written, and nothing
in the answer says so. The next answer has it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from kubediscovery.errors import Expired, ServerTimeout
from kubediscovery.objects import Object
from kubediscovery.options import Options

# Seconds that a request is held back, and then is told to wait (k8s.io/apiserver, pkg/storage/cacher/watch_cache.go).
PATIENCE = 3.0
RETRY_AFTER = 1
_POLL = 0.01
# Seconds by which the watches of two kinds are apart where nothing is wrong.
SETTLING = 0.1
# Changes within so many seconds are noted as one, at the end of that time.
_STEP = 0.01


class Seen(Protocol):
    """What knows how far the cluster has been seen."""

    @property
    def version(self) -> int:
        """The highest resource version seen."""
        ...


class Observable(Seen, Protocol):
    """What also tells of every change."""

    def observe(self, observer: "Settled") -> None:
        """Tell the observer of every change from now on."""
        ...


class Settled:
    """Observes how far the cluster has been seen for :data:`SETTLING` seconds."""

    def __init__(self, seen: Observable, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._seen = seen
        self._timer = timer
        self._settled = self._highest = seen.version
        # When which version had been seen: what is older than that is settled.
        self._marks: deque[tuple[float, int]] = deque()
        seen.observe(self)

    @property
    def version(self) -> int:
        """The highest version that every kind has had the time to arrive at."""
        self._note(self._seen.version)
        before = self._timer() - SETTLING
        while self._marks and self._marks[0][0] <= before:
            self._settled = self._marks.popleft()[1]
        return self._settled

    def changed(self, before: Object | None, after: Object | None, version: int) -> None:
        """Note when a version was seen."""
        del before, after
        self._note(version)

    def reset(self) -> None:
        """A kind that has become known was listed as it is now."""

    def _note(self, version: int) -> None:
        if version <= self._highest:
            return
        self._highest, when = version, self._timer() + _STEP
        if self._marks and when - self._marks[-1][0] < _STEP:
            when = self._marks.pop()[0]
        self._marks.append((when, version))
        if len(self._marks) > 2 * SETTLING / _STEP:
            # Nobody has asked for a long time.
            self._settled = self._marks.popleft()[1]


async def fresh_enough(seen: Seen, version: int) -> None:
    """Return once ``version`` has been seen; 0 always has.

    Raises :class:`ServerTimeout`, with the cause by which clients know this case, where that takes longer than
    :data:`PATIENCE`.
    """
    if not version:
        return
    try:
        async with asyncio.timeout(PATIENCE):
            while seen.version < version:  # noqa: ASYNC110 (whoever fills the caches does not know who waits)
                await asyncio.sleep(_POLL)
    except TimeoutError:
        raise ServerTimeout(
            f"Timeout: Too large resource version: {version}, current: {seen.version}",
            cause="ResourceVersionTooLarge",
            retry_after=RETRY_AFTER,
        ) from None


def require_exact(seen: Seen, options: Options) -> None:
    """Raise :class:`Expired` where exactly one version is asked for and the present one is another.

    To be called without an ``await`` before the answer is made. What once was is not kept.
    """
    if options.exact and seen.version != options.least_version:
        raise Expired(f"The resourceVersion for the provided list is too old: {seen.version} is the only one served.")
