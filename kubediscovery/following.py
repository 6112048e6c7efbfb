"""Keeps one reflector running for each kind that is tracked, while kinds come and go, and gives up what only fails."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from kubediscovery.cache import KindCache
from kubediscovery.errors import UpstreamError
from kubediscovery.kinds import BUILT_IN_KINDS, Kind
from kubediscovery.objects import Event, Object, Page
from kubediscovery.reflector import Progress, Reflector
from kubediscovery.ripening import Ripening
from kubediscovery.store import Coverage, Store

logger = logging.getLogger(__name__)

# All kinds are listed when the server starts: so many at a time that kube-apiserver has time for others.
LISTS_AT_ONCE = 16
# Seconds after which a kind that only fails is given up while others are answered, and between two looks for such.
PATIENCE, LOOK_SECONDS = 10.0, 1.0
_NEVER_GIVEN_UP = frozenset(BUILT_IN_KINDS)
# Kinds that are named when they come or go.
_NAMED = 5


class KindSource(Protocol):
    """Where one kind is read; raises :class:`UpstreamError` and its subclasses."""

    async def page(self, continue_token: str) -> Page[Object]:
        """The page that the token leads to, the first for an empty token."""
        ...

    def watch(
        self, resource_version: str, *, seconds: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[list[Event[Object]]]]:
        """Events after the version, for so many seconds where that is given."""
        ...


class Following:
    """The reflectors of all kinds; ``sources`` and ``progress`` have those kinds that are followed now.

    ``probe`` asks kube-apiserver for something that depends on no kind, and raises :class:`UpstreamError`. A kind is
    read anew once its ``form_of`` is another one: a source that is made then reads something else of its objects.
    """

    def __init__(
        self,
        store: Store,
        source_of: Callable[[Kind], KindSource],
        probe: Callable[[], Awaitable[None]],
        *,
        form_of: Callable[[Kind], object] = lambda _: None,
        patience: float = PATIENCE,
        every: float = LOOK_SECONDS,
    ) -> None:
        self._store = store
        self._ripening = Ripening(store)
        self._source_of = source_of
        self._probe = probe
        self._form_of = form_of
        self._patience = patience
        self._every = every
        self._answers = _Answers()
        self._turns = asyncio.Semaphore(LISTS_AT_ONCE)
        self._followed: dict[Kind, _Followed] = {}
        self._awaited: set[Kind] = set()
        self._tasks: asyncio.TaskGroup | None = None
        self.sources: dict[Kind, KindSource] = {}
        self.progress: dict[Kind, Progress] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """To be entered while kinds are followed; raises what is a fault of this program."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            judging = tasks.create_task(self._judge())
            try:
                yield
            finally:
                self._tasks = None
                for task in (judging, *(followed.task for followed in self._followed.values())):
                    task.cancel()

    def become(self, kinds: Iterable[Kind], *, awaited: bool) -> None:
        """Follow exactly these kinds; with ``awaited`` this server is not ready before the first lists of new ones."""
        wanted = tuple(kinds)
        if self._tasks is None:
            return
        if wanted == tuple(self._followed):
            self.reread()
            return
        former = self._followed
        came = [kind for kind in wanted if kind not in former]
        gone = former.keys() - wanted
        for kind in gone:
            former[kind].task.cancel()
        self._awaited = self._awaited - gone | (set(came) if awaited else set())
        self._store.follow(wanted)
        self._followed = {kind: former.get(kind) or self._begin(kind, self._tasks) for kind in wanted}
        self._show()
        self.reread()
        _tell("following", came, len(wanted))
        _tell("no longer following", gone, len(wanted))

    def reread(self) -> None:
        """Read those kinds anew whose form has changed; what is held of them stays until then."""
        for kind, followed in list(self._followed.items()):
            if self._tasks is not None and followed.form != self._form_of(kind):
                followed.task.cancel()
                self._followed[kind] = self._begin(kind, self._tasks)
                self._show()

    def _show(self) -> None:
        # Others hold these two, so they change in place.
        self.sources.clear()
        self.sources.update({kind: followed.source for kind, followed in self._followed.items()})
        self.progress.clear()
        self.progress.update({kind: followed.progress for kind, followed in self._followed.items()})

    def awaits(self, kind: Kind) -> bool:
        """Whether this server is not ready before the kind is known; never so of one that came later."""
        if kind not in self._followed:
            return True
        return kind in self._awaited and self._store.coverage(kind) is Coverage.PENDING

    def nudge(self) -> None:
        """Try again at once what was refused: rights may have come."""
        for kind, followed in self._followed.items():
            if self._store.coverage(kind) is Coverage.FORBIDDEN:
                followed.nudged.set()

    def _begin(self, kind: Kind, tasks: asyncio.TaskGroup) -> "_Followed":
        form, source, attempts, nudged = self._form_of(kind), self._source_of(kind), _Attempts(), asyncio.Event()

        async def doze(seconds: float) -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await nudged.wait()
            nudged.clear()

        heard = _Heard(source, attempts, self._answers, self._turns)
        cache = KindCache(self._store, kind, self._ripening.ripen)
        reflector = Reflector(heard, cache, held=cache.held, sleep=doze)
        return _Followed(form, source, reflector.progress, attempts, nudged, tasks.create_task(reflector.run()))

    async def _judge(self) -> None:
        """Say of kinds that only fail that nothing is known of them; they go on trying.

        One broken conversion webhook, or one aggregated server that is away, must not keep all others waiting. That
        kube-apiserver itself is well is asked, before a failure and after it.
        """
        while True:
            await asyncio.sleep(self._every)
            troubled = [(kind, each.attempts) for kind, each in self._followed.items() if self._is_troubled(kind, each)]
            if any(attempts.latest >= self._answers.last_at for _, attempts in troubled):
                with suppress(UpstreamError):
                    await self._probe()
                    self._answers.came()
            for kind, attempts in troubled:
                if self._is_hopeless(kind, attempts):
                    logger.warning("%s is left out: %s", kind, self._followed[kind].progress.last_error or "no answer")
                    self._store.omit(kind, Coverage.UNAVAILABLE)

    def _is_troubled(self, kind: Kind, followed: "_Followed") -> bool:
        is_open = self._store.coverage(kind) in (Coverage.PENDING, Coverage.COMPLETE)
        return is_open and kind not in _NEVER_GIVEN_UP and followed.attempts.since is not None

    def _is_hopeless(self, kind: Kind, attempts: "_Attempts") -> bool:
        if kind not in self._followed or attempts.since is None or _now() - attempts.since < self._patience:
            return False
        if not attempts.last_failed_at:
            # It has not even been answered; what is known already is better than nothing meanwhile.
            return self._store.coverage(kind) is Coverage.PENDING and self._answers.last_at > attempts.since
        return attempts.failed_alone and self._answers.last_at > attempts.last_failed_at


@dataclass(slots=True)
class _Answers:
    """When kube-apiserver last answered anything with a success."""

    last_at: float = 0.0

    def came(self) -> None:
        self.last_at = _now()


@dataclass(slots=True)
class _Attempts:
    """The lists of one kind since the last one that succeeded: when the first began, and when the last failed.

    They ``failed_alone`` where something else was answered between the last failure and what was before it.
    """

    since: float | None = None
    last_failed_at: float = 0.0
    failed_alone: bool = False

    @property
    def latest(self) -> float:
        """When the latest trouble began."""
        return max(self.last_failed_at, self.since or 0.0)

    def begin(self) -> None:
        if self.since is None:
            self.since = _now()

    def succeed(self, *, wholly: bool) -> None:
        """A page has come; one after which there are more makes no former failure good."""
        if wholly or not self.last_failed_at:
            self.since, self.last_failed_at, self.failed_alone = None, 0.0, False

    def fail(self, answers: _Answers) -> None:
        self.failed_alone = answers.last_at > self.latest
        self.last_failed_at = _now()


@dataclass(frozen=True, slots=True)
class _Followed:
    form: object
    source: KindSource
    progress: Progress
    attempts: _Attempts
    nudged: asyncio.Event
    task: asyncio.Task[None]


@dataclass(frozen=True, slots=True)
class _Heard:
    """A source whose lists wait for their turn, and whose answers are noted."""

    source: KindSource
    attempts: _Attempts
    answers: _Answers
    turns: asyncio.Semaphore

    async def page(self, continue_token: str) -> Page[Object]:
        async with self.turns:
            self.attempts.begin()
            try:
                page = await self.source.page(continue_token)
            except UpstreamError:
                self.attempts.fail(self.answers)
                raise
        self.attempts.succeed(wholly=not page.continue_token)
        self.answers.came()
        return page

    @asynccontextmanager
    async def watch(self, resource_version: str) -> AsyncIterator[AsyncIterator[list[Event[Object]]]]:
        async with self.source.watch(resource_version) as batches:
            self.answers.came()
            yield batches


def _tell(what: str, kinds: Iterable[Kind], number: int) -> None:
    named = sorted(map(str, kinds))
    if named:
        others = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        logger.info("%s %s%s: %d kinds now", what, ", ".join(named[:_NAMED]), others, number)


def _now() -> float:
    return asyncio.get_running_loop().time()
