"""Looks at what the cluster serves, as often as that may have changed, and has it followed.

It looks at the start, soon after a CustomResourceDefinition or APIService has changed, and every half minute.
"""

import asyncio
import logging
import math
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from kubediscovery.config import AGGREGATION_LABEL, SERVER_ROLE
from kubediscovery.errors import UpstreamError
from kubediscovery.following import Following
from kubediscovery.kinds import Kind
from kubediscovery.objects import Object
from kubediscovery.selection import Selection
from kubediscovery.store import Store

logger = logging.getLogger(__name__)

_DEFINITIONS = frozenset(("customresourcedefinitions.apiextensions.k8s.io", "apiservices.apiregistration.k8s.io"))
_ROLES = "clusterroles.rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True)
class Pace:
    """All in seconds.

    ``every`` is between two looks, ``soon`` from a change to those after it: kube-apiserver publishes discovery a
    moment later. ``first`` is how long the first answer is waited for, ``again`` the time from a failure to the next
    look, ``patience`` how long this server is not ready without any answer. A kind is forgotten once discovery has been
    without it for ``gone``: a kube-apiserver that starts does not tell of all at once.
    """

    every: float = 30.0
    soon: tuple[float, ...] = (0.3, 1.0, 3.0)
    first: float = 1.0
    again: float = 2.0
    patience: float = 10.0
    gone: float = 5.0


class Discovers(Protocol):
    """Who knows what the cluster serves."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """All kinds that can be followed; before the first answer those that every cluster has."""
        ...

    async def look(self) -> None:
        """Ask again. Raises :class:`UpstreamError`, and then all stays as it was."""
        ...


class Lookout:
    """Observes the store, and says what is followed."""

    def __init__(
        self,
        store: Store,
        catalogue: Discovers,
        following: Following,
        selection: Selection,
        *,
        pace: Pace | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._following = following
        self._selection = selection
        self._pace = pace or Pace()
        self._patient_until = math.inf
        # When to look, beside every so often, and when to have refused kinds tried again.
        self._looks: list[float] = []
        self._nudges: list[float] = []
        self._looked_at = 0.0
        self._stirred = asyncio.Event()
        # The names of definitions that are gone, and since when discovery is without a kind that is followed.
        self._undefined: set[str] = set()
        self._missed: dict[Kind, float] = {}
        #: Whether it is known what the cluster serves.
        self.found = False
        self._problem = ""
        store.observe(self)

    @property
    def is_settled(self) -> bool:
        """Whether what the cluster serves is known, or was asked for long enough to go without."""
        return self.found or _now() > self._patient_until

    async def run(self) -> None:
        """Look for ever; raises only what is a fault of this program."""
        self._patient_until = _now() + self._pace.patience
        async with self._following.running():
            # What is followed from the beginning is waited for, and need not be told of as changes.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pace.first):
                    await self._look()
            if not self.found:
                self._looks.append(_now())
                self._follow()
            while True:
                await self._until_due()
                if _is_due(self._nudges):
                    self._following.nudge()
                if _is_due(self._looks) or _now() - self._looked_at >= self._pace.every:
                    await self._look()

    def changed(self, before: Object | None, after: Object | None, version: int) -> None:
        """See :class:`kubediscovery.store.Observer`: it may be a change of what is served, or of what may be read."""
        del version
        item = after or before
        if item is None:
            return
        if item.kind.group_resource in _DEFINITIONS:
            # A definition has the name of what it defines.
            (self._undefined.add if after is None else self._undefined.discard)(item.name)
            self._plan(self._looks)
        elif item.kind.group_resource == _ROLES and _is_of_server(item):
            self._plan(self._nudges)

    def reset(self) -> None:
        """How kinds are read may depend on what is known now."""
        self._stirred.set()

    def _plan(self, times: list[float]) -> None:
        """Act soon; the later times are counted from the last of many changes, the first one from the first."""
        now, (first, *later) = _now(), self._pace.soon
        last = now + max(self._pace.soon)
        farther = [time for time in times if time > last]
        times[:] = [min([*times, now + first]), *(now + after for after in later), *farther]
        self._stirred.set()

    async def _until_due(self) -> None:
        while (left := min([*self._looks, *self._nudges, self._looked_at + self._pace.every]) - _now()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._stirred.wait()
            self._stirred.clear()
            # What definitions declare may have become known.
            self._following.reread()

    async def _look(self) -> None:
        self._looked_at = _now()
        try:
            await self._catalogue.look()
        except UpstreamError as error:
            if str(error) != self._problem:
                self._problem = str(error)
                logger.warning("what the cluster serves cannot be read: %s", error)
            self._looks.append(_now() + self._pace.again)
            return
        self._follow()
        self.found, self._problem = True, ""

    def _follow(self) -> None:
        served, now = self._selection.of(self._catalogue.kinds), _now()
        names = {(kind.group, kind.resource) for kind in served}
        missed = [kind for kind in self._following.progress if (kind.group, kind.resource) not in names]
        self._missed = {kind: self._missed.get(kind, now) for kind in missed}
        missed = [kind for kind in missed if str(kind) not in self._undefined]
        kept = [kind for kind in missed if now - self._missed[kind] < self._pace.gone]
        if kept:
            self._looks.append(now + self._pace.gone)
        self._following.become((*served, *kept), awaited=not self.is_settled)
        self._undefined &= {str(kind) for kind in self._following.progress}


def _is_of_server(role: Object) -> bool:
    return role.name == SERVER_ROLE or any(key == AGGREGATION_LABEL for key, _ in role.labels)


def _is_due(times: list[float]) -> bool:
    """Whether one of the times has come; those are taken out."""
    now = _now()
    left = [time for time in times if time > now]
    is_due = len(left) < len(times)
    times[:] = left
    return is_due


def _now() -> float:
    return asyncio.get_running_loop().time()
