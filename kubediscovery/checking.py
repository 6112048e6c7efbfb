"""A check: follows every target until each is right or wrong, or the time is over, and gives the results."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from kubediscovery.addresses import Address, Place
from kubediscovery.answers import Answer
from kubediscovery.asking import Source
from kubediscovery.errors import UpstreamError, UpstreamForbidden
from kubediscovery.expectations import evaluate
from kubediscovery.expressions import Expression
from kubediscovery.lines import Reporter, is_settled
from kubediscovery.verdicts import EXPECTATION, Outcome, Result, Told, Verdict, judge, worst

# Seconds between two questions where there is no watch, and after one that got no answer.
POLL = 2.0
# Seconds between two looks at the clock, and the fewest between two looks at what has changed.
TICK, BREATH = 1.0, 0.05
# What passes by itself: nobody there, too many requests, a server that starts or ends.
_PASSING = (0, 404, 429)
# The severity of a finding that something is deleted or refused for.
_ERROR = "Error"


@dataclass(frozen=True, slots=True)
class Terms:
    """How a check is made; ``settle`` is the seconds for which an expectation may fail where all else is right."""

    wait: bool = True
    timeout: float = 300.0
    settle: float = 10.0


@dataclass(slots=True, eq=False)
class _State:
    """What is known of one place.

    ``asked`` says that there was an answer, ``error`` is of the last question, ``final`` that there will be no other.
    ``least`` is the version that an answer must have seen, ``version`` that from which a watch goes on.
    """

    place: Place
    least: int = 0
    version: str = ""
    asked: bool = False
    answers: dict[str, Answer] = field(default_factory=dict)
    error: UpstreamError | None = None
    final: bool = False
    watchable: bool = True


class Check:
    """One check of some places; ``reporter`` is told how it goes."""

    def __init__(
        self,
        source: Source,
        places: Sequence[Place],
        expectations: Sequence[Expression],
        terms: Terms,
        reporter: Reporter,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._states = [_State(place) for place in places]
        self._expectations = tuple(expectations)
        self._terms = terms
        self._reporter = reporter
        self._clock = clock
        self._started = clock()
        # Since when all but an expectation is right, by title; and what was judged last.
        self._calm: dict[str, float] = {}
        self._judged: dict[str, tuple[Answer, Verdict, tuple[Told, ...]]] = {}
        self._changed = asyncio.Event()

    async def run(self) -> list[Result]:
        """The results, in the order of the places; never raises :class:`UpstreamError`."""
        tasks = [asyncio.create_task(self._follow(state)) for state in self._states]
        try:
            await (self._wait(tasks) if self._terms.wait else asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return list(self._results(at_end=True))

    async def _wait(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        while (left := self._terms.timeout - self._elapsed()) > 0:
            results = list(self._results(at_end=False))
            if all(state.asked or state.error for state in self._states):
                self._reporter.show(results, self._elapsed())
                if is_settled(results):
                    return
            for task in tasks:
                if task.done():
                    # What it has failed with, if anything, is a fault of this program.
                    task.result()
            await asyncio.sleep(BREATH)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(TICK, left)):
                    await self._changed.wait()
            self._changed.clear()

    def _elapsed(self) -> float:
        return self._clock() - self._started

    async def _follow(self, state: _State) -> None:
        while True:
            try:
                await self._ask(state)
            except UpstreamError as error:
                state.error = error
                state.final = not (state.asked or passes(error))
            self._changed.set()
            if state.final or not self._terms.wait:
                return
            if state.error is None and state.watchable:
                await self._watch(state)
            await asyncio.sleep(TICK if state.error is None and state.watchable else POLL)

    async def _ask(self, state: _State) -> None:
        if not state.asked:
            state.least = await self._source.least_version(state.place)
        answers, state.version = await self._source.answers(state.place, state.least)
        state.answers = {answer.title: answer for answer in answers}
        state.asked, state.error = True, None

    async def _watch(self, state: _State) -> None:
        try:
            async for change in self._source.changes(state.place, state.version):
                if change.gone:
                    state.answers.pop(change.answer.title, None)
                else:
                    state.answers[change.answer.title] = change.answer
                self._changed.set()
        except UpstreamForbidden:
            state.watchable = False
        except UpstreamError:
            # Whether that is a trouble, the next question tells.
            return

    def _results(self, *, at_end: bool) -> Iterator[Result]:
        for state in self._states:
            if state.error is None and state.answers:
                for title in sorted(state.answers):
                    yield self._result(state, state.answers[title], at_end=at_end)
            else:
                yield Result(state.place.title, self._without(state, at_end=at_end))

    def _without(self, state: _State, *, at_end: bool) -> Verdict:
        """The verdict where there is no composition."""
        if state.error is not None or not state.asked:
            outcome = Outcome.UNANSWERED if at_end or state.final else Outcome.PENDING
            return Verdict(outcome, "NoAnswer", str(state.error or "there was no answer in time"))
        words = "there is no such object" if isinstance(state.place, Address) else "nothing matches"
        return Verdict(Outcome.PENDING if self._terms.wait else Outcome.WRONG, "Missing", words)

    def _result(self, state: _State, answer: Answer, *, at_end: bool) -> Result:
        verdict, told = self._judge(answer, state.least if isinstance(state.place, Address) else 0)
        unmet = [each for each in told if not each.holds]
        if verdict.outcome is not Outcome.RIGHT or not unmet:
            self._calm.pop(answer.title, None)
            return Result(answer.title, verdict, answer, told)
        calm = self._elapsed() - self._calm.setdefault(answer.title, self._elapsed())
        is_over = at_end or calm >= self._terms.settle
        words = f"{unmet[0].text} does not hold"
        return Result(
            answer.title, Verdict(Outcome.WRONG if is_over else Outcome.PENDING, EXPECTATION, words), answer, told
        )

    def _judge(self, answer: Answer, least: int) -> tuple[Verdict, tuple[Told, ...]]:
        kept = self._judged.get(answer.title)
        if kept is None or kept[0] is not answer:
            judged = judge(answer, least_version=least), evaluate(self._expectations, answer)
            kept = self._judged[answer.title] = (answer, *judged)
        return kept[1], kept[2]


def passes(error: UpstreamError) -> bool:
    """Whether asking again may help: nobody was there, a server starts or ends, a kind is not known yet."""
    return error.code in _PASSING or error.code >= 500


async def lint_results(source: Source, places: Sequence[Place], terms: Terms) -> list[Result]:
    """A result for each namespace of the places; what is wrong for a moment only, while objects go, is waited for."""
    found = {place.namespace or None for place in places}
    namespaces = [None] if None in found else sorted(filter(None, found))
    until = time.monotonic() + (terms.settle if terms.wait else 0.0)
    while True:
        results = [await _linted(source, namespace) for namespace in namespaces]
        if worst(result.verdict.outcome for result in results) is Outcome.RIGHT or time.monotonic() >= until:
            return results
        await asyncio.sleep(POLL)


async def _linted(source: Source, namespace: str | None) -> Result:
    title = f"lint of {namespace or 'all namespaces'}"
    try:
        problems = await source.lint(namespace)
    except UpstreamError as error:
        return Result(title, Verdict(Outcome.UNANSWERED, "NoAnswer", str(error)))
    errors = [problem for problem in problems if problem.severity == _ERROR]
    told = [Told(f"{each.rule} {each.title}", holds=False, words=f"{each.message}. {each.action}") for each in errors]
    words = f"errors {len(errors)}, warnings {len(problems) - len(errors)}"
    return Result(title, Verdict(Outcome.WRONG if errors else Outcome.RIGHT, "Lint", words), lint=tuple(told))
