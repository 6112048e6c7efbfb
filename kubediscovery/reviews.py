"""Questions that kube-apiserver answers for others: TokenReview and SubjectAccessReview.

A review is sent once at a time for a question, tried again where that may help, and its answer is kept for 10 s. Errors
are never kept (``k8s.io/apiserver, pkg/util/webhook/webhook.go`` and ``pkg/authentication/token/cache``).
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from kubediscovery.errors import UpstreamError
from kubediscovery.recent import Recent

Question = TypeVar("Question", bound=Hashable)
Verdict = TypeVar("Verdict")
Sleep = Callable[[float], Awaitable[None]]
Timer = Callable[[], float]

# Seconds that an answer counts, from when it was asked for: a right that was revoked ends within them.
KEPT_SECONDS = 10
# Seconds that an answer counts for who was allowed before, and is reviewed once more while his request goes on.
REVIEW_MAX_AGE = 0.5
# Seconds for one review with all its attempts.
TIMEOUT_SECONDS = 10.0
_KEPT = 8192
# Seconds before the second, third and fourth attempt, each up to a fifth longer.
_DELAYS = (0.1, 0.3, 0.9)
# Errors that pass, beside a connection that broke: the list of k8s.io/apiserver (DefaultShouldRetry).
_PASSING = frozenset({429, 500, 504})


class Reviewer(Protocol):
    """Whatever creates objects at kube-apiserver."""

    async def create(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        """POST the body and return what came back; :class:`UpstreamError` on any failure."""


@dataclass(frozen=True, slots=True)
class ReviewKind:
    """A kind of review, and the path to create one at."""

    api_version: str
    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class _Kept(Generic[Verdict]):
    """A verdict, and when it was asked for: what kube-apiserver decided is no older than that."""

    verdict: Verdict
    asked: float


@dataclass(frozen=True, slots=True)
class _Flight(Generic[Verdict]):
    """A review under way, and when it set out."""

    task: asyncio.Task[Verdict]
    asked: float


class Reviews(Generic[Question, Verdict]):
    """The verdicts of one kind of review.

    ``read`` makes a verdict of an answer's ``status`` and raises :class:`UpstreamError` if it cannot be understood.
    """

    def __init__(
        self,
        reviewer: Reviewer,
        kind: ReviewKind,
        read: Callable[[Mapping[str, object]], Verdict],
        *,
        timer: Timer = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._reviewer = reviewer
        self._kind = kind
        self._read = read
        self._timer = timer
        self._sleep = sleep
        self._timeout = timeout
        self._verdicts: Recent[Question, _Kept[Verdict]] = Recent(_KEPT)
        self._flights: dict[Question, _Flight[Verdict]] = {}

    def known(self, question: Question, *, max_age: float | None = None) -> Verdict:
        """The verdict that is kept and was asked for less than ``max_age`` seconds ago; ``KeyError`` if there is none.

        Without ``max_age`` :data:`KEPT_SECONDS` are the limit, and always the longest one.
        """
        kept = self._verdicts[question]
        if not self.counts(kept.asked, max_age):
            raise KeyError(question)
        return kept.verdict

    def asked(self, question: Question) -> float:
        """When the verdict that is kept was asked for, counting or not; ``KeyError`` if there is none."""
        return self._verdicts[question].asked

    async def verdict(
        self,
        question: Question,
        spec: Callable[[], Mapping[str, object]],
        *,
        keep: bool = True,
        max_age: float | None = None,
    ) -> Verdict:
        """The verdict on a question, whose review has this spec; :class:`UpstreamError` if there is no usable answer.

        Who asks the same while a review is under way waits for that one, unless it set out ``max_age`` seconds ago or
        more; a caller that is cancelled ends its own waiting only.
        """
        try:
            return self.known(question, max_age=max_age)
        except KeyError:
            pass
        flight = self._flights.get(question)
        if flight is None or not self.counts(flight.asked, max_age):
            asked = self._timer()
            flight = _Flight(asyncio.create_task(self._review(question, spec(), asked, keep=keep)), asked)
            self._flights[question] = flight
            flight.task.add_done_callback(partial(self._landed, question))
        return await asyncio.shield(flight.task)

    def now(self) -> float:
        """The time that what is asked for now has."""
        return self._timer()

    def counts(self, asked: float, max_age: float | None = None) -> bool:
        """Whether what was asked for then still counts; see :meth:`known`."""
        age = self._timer() - asked
        return age < KEPT_SECONDS and (max_age is None or age < max_age)

    def _landed(self, question: Question, task: asyncio.Task[Verdict]) -> None:
        flight = self._flights.get(question)
        if flight is not None and flight.task is task:
            del self._flights[question]
        if not task.cancelled():
            # Looked at here, because everybody who waited may be gone by now.
            task.exception()

    def _keep(self, question: Question, kept: _Kept[Verdict]) -> None:
        # An answer that took long must not replace one that was asked for after it.
        last = self._verdicts.get(question)
        if last is None or last.asked <= kept.asked:
            self._verdicts.keep(question, kept)
        self._forget()

    def _forget(self) -> None:
        """Drop what counts no more: it would only take up memory."""
        while self._verdicts:
            question = next(iter(self._verdicts))
            if self.counts(self._verdicts[question].asked):
                return
            del self._verdicts[question]

    async def _review(self, question: Question, spec: Mapping[str, object], asked: float, *, keep: bool) -> Verdict:
        body = {"apiVersion": self._kind.api_version, "kind": self._kind.kind, "spec": spec}
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._create(body)
        except TimeoutError as error:
            raise UpstreamError(f"{self._kind.kind}: no answer within {self._timeout:g} s") from error
        status = answer.get("status")
        if not isinstance(status, Mapping):
            raise UpstreamError(f"{self._kind.kind}: the answer has no status")
        verdict = self._read(status)
        if keep:
            self._keep(question, _Kept(verdict, asked))
        return verdict

    async def _create(self, body: Mapping[str, object]) -> Mapping[str, object]:
        for delay in _DELAYS:
            try:
                return await self._reviewer.create(self._kind.path, body)
            except UpstreamError as error:
                if not self._may_pass(error):
                    raise
                jitter = 1 + random.random() / 5  # noqa: S311 (it guards no secret)
                await self._sleep(max(delay * jitter, error.retry_after or 0))
        return await self._reviewer.create(self._kind.path, body)

    def _may_pass(self, error: UpstreamError) -> bool:
        if error.retry_after is not None:
            return error.retry_after < self._timeout
        return error.broken or error.code in _PASSING
