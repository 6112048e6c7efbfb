"""How fresh answers are: ``resourceVersion`` and ``resourceVersionMatch`` (kubernetes.io, "API Concepts")."""

import asyncio
from typing import Protocol

from kubediscovery.errors import Expired, ServerTimeout
from kubediscovery.options import Options

# Seconds that a request is held back, and then is told to wait (k8s.io/apiserver, pkg/storage/cacher/watch_cache.go).
PATIENCE = 3.0
RETRY_AFTER = 1
_POLL = 0.01


class Seen(Protocol):
    """What knows how far the cluster has been seen."""

    @property
    def version(self) -> int:
        """The highest resource version seen."""
        ...


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
