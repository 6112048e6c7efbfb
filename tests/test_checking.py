"""Checks follow their targets until all are right or wrong, or the time is over."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from kubediscovery import checking
from kubediscovery.addresses import Address, Place, Selection
from kubediscovery.answers import Answer, Problem, read_problems
from kubediscovery.asking import Change
from kubediscovery.checking import Check, Terms, lint_results
from kubediscovery.errors import UpstreamError, UpstreamForbidden, UpstreamNotFound
from kubediscovery.expectations import parse_expectations
from kubediscovery.verdicts import EXPECTATION, Outcome, Result, Told
from tests.answering import DEPLOYMENT, WEB, FakeSource, answer
from tests.waiting import until

# Longer than any test takes: what ends before did not wait for it.
LONG = Terms(timeout=60, settle=60)
RIGHT = answer()
SLOW = answer(state="Progressing", rollout={"message": "2 of 3"})
FAILED = answer(state="Failed", rollout={"reason": "CrashLoopBackOff"})


class Recorder:
    """What a reporter was shown."""

    def __init__(self) -> None:
        self.states: list[str] = []

    def show(self, results: Sequence[Result], elapsed: float) -> None:
        state = " ".join(result.verdict.state for result in results)
        if self.states[-1:] != [state]:
            self.states.append(state)

    def close(self) -> None: ...


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "POLL", 0.001)
    monkeypatch.setattr(checking, "TICK", 0.001)
    monkeypatch.setattr(checking, "BREATH", 0)


def check(
    source: FakeSource,
    terms: Terms = LONG,
    *,
    places: Sequence[Place] = (WEB,),
    expect: Sequence[str] = (),
    recorder: Recorder | None = None,
) -> Check:
    return Check(source, places, parse_expectations(expect), terms, recorder or Recorder())


async def one(source: FakeSource, terms: Terms = LONG, **options: Any) -> Result:
    (result,) = await check(source, terms, **options).run()
    return result


async def test_what_is_right_is_right_at_once() -> None:
    source = FakeSource([RIGHT])
    result = await one(source)
    assert (result.title, result.verdict.outcome, source.asked) == ("shop/deployments.apps.web", Outcome.RIGHT, 1)


async def test_what_becomes_right_is_waited_for() -> None:
    source, recorder = FakeSource([SLOW]), Recorder()
    running = asyncio.create_task(one(source, recorder=recorder))
    await until(lambda: recorder.states)
    source.events.put_nowait(Change(answer(state="Paused"), gone=False))
    await until(lambda: len(recorder.states) == 2)
    source.events.put_nowait(Change(RIGHT, gone=False))
    assert (await running).verdict.outcome is Outcome.RIGHT
    assert recorder.states == ["Progressing", "Paused", "Complete"]
    assert source.asked == 1


async def test_a_failure_ends_the_wait() -> None:
    result = await one(FakeSource([FAILED]))
    assert (result.verdict.outcome, result.verdict.words) == (Outcome.WRONG, "CrashLoopBackOff")


async def test_a_failure_waits_for_the_others_and_may_pass() -> None:
    slow = answer(name="other", state="Progressing")
    source = FakeSource([FAILED, slow])
    running = asyncio.create_task(check(source, places=[Selection("shop")]).run())
    await until(lambda: source.watched)
    source.events.put_nowait(Change(RIGHT, gone=False))
    source.events.put_nowait(Change(answer(name="other", state="Failed"), gone=False))
    assert [result.verdict.outcome for result in await running] == [Outcome.WRONG, Outcome.RIGHT]


@pytest.mark.parametrize("given", [[SLOW], [], [answer(health="Progressing")]])
async def test_what_does_not_come_in_time(given: list[Answer]) -> None:
    assert (await one(FakeSource(given), Terms(timeout=0.05))).verdict.outcome is Outcome.PENDING


@pytest.mark.parametrize(
    ("given", "outcome", "state"),
    [
        ([RIGHT], Outcome.RIGHT, "Complete"),
        ([SLOW], Outcome.PENDING, "Progressing"),
        ([], Outcome.WRONG, "Missing"),
        (UpstreamError("refused"), Outcome.UNANSWERED, "NoAnswer"),
    ],
)
async def test_without_waiting_it_is_judged_as_it_is(
    given: list[Answer] | UpstreamError, outcome: Outcome, state: str
) -> None:
    source = FakeSource(given)
    result = await one(source, Terms(wait=False, timeout=0))
    assert (result.verdict.outcome, result.verdict.state, source.asked) == (outcome, state, 1)


async def test_what_does_not_exist_yet_is_waited_for() -> None:
    source = FakeSource([])
    running = asyncio.create_task(one(source))
    await until(lambda: source.watched)
    source.events.put_nowait(Change(RIGHT, gone=False))
    assert (await running).verdict.outcome is Outcome.RIGHT


async def test_what_is_deleted_is_missing() -> None:
    source, recorder = FakeSource([SLOW]), Recorder()
    running = asyncio.create_task(one(source, Terms(timeout=0.2), recorder=recorder))
    await until(lambda: source.watched)
    source.events.put_nowait(Change(SLOW, gone=True))
    result = await running
    assert (result.title, result.verdict.state) == ("shop/deployments.apps.web", "Missing")


async def test_no_right_ends_it_at_once() -> None:
    source = FakeSource(UpstreamForbidden("deployments is forbidden", code=403))
    result = await one(source)
    assert (result.verdict.outcome, result.verdict.words) == (Outcome.UNANSWERED, "deployments is forbidden")
    assert source.asked == 1


@pytest.mark.parametrize(
    "error",
    [
        UpstreamError("x", code=503),
        UpstreamError("x", code=429),
        UpstreamError("x", broken=True),
        UpstreamNotFound("no such kind yet", code=404),
    ],
)
async def test_what_passes_is_waited_for(error: UpstreamError) -> None:
    source = FakeSource(error, error, [RIGHT])
    assert (await one(source)).verdict.outcome is Outcome.RIGHT
    assert source.asked == 3


async def test_nobody_to_ask_until_the_end() -> None:
    result = await one(FakeSource(UpstreamError("gone", code=503)), Terms(timeout=0.05))
    assert (result.verdict.outcome, result.verdict.words) == (Outcome.UNANSWERED, "gone")


async def test_without_the_right_to_watch_it_asks_again_and_again() -> None:
    source = FakeSource([SLOW], [SLOW], [RIGHT])
    source.refusal = UpstreamForbidden("no watch", code=403)
    assert (await one(source)).verdict.outcome is Outcome.RIGHT
    assert (source.asked, source.watched) == (3, 1)


async def test_a_watch_that_ends_is_followed_by_a_question() -> None:
    source = FakeSource([SLOW], [SLOW], [RIGHT])
    source.events.put_nowait(None)
    source.events.put_nowait(None)
    assert (await one(source)).verdict.outcome is Outcome.RIGHT
    assert source.asked == 3
    assert source.watched >= 2


async def test_what_was_written_just_now_is_waited_for() -> None:
    source = FakeSource([answer(version=7)], least=8)
    running = asyncio.create_task(one(source))
    await until(lambda: source.watched)
    source.events.put_nowait(Change(answer(version=8), gone=False))
    assert (await running).verdict.outcome is Outcome.RIGHT


async def test_an_expectation_may_come_true_while_all_settles() -> None:
    source, recorder = FakeSource([answer(pods=(3, 2))]), Recorder()
    running = asyncio.create_task(one(source, expect=["pods.ready >= 3"], recorder=recorder))
    await until(lambda: recorder.states)
    source.events.put_nowait(Change(answer(pods=(3, 3)), gone=False))
    result = await running
    assert (result.verdict.outcome, result.expectations) == (Outcome.RIGHT, (Told("pods.ready >= 3", holds=True),))
    assert recorder.states == [EXPECTATION, "Complete"]


async def test_an_expectation_that_stays_false_is_wrong_before_the_time_is_over() -> None:
    result = await one(FakeSource([RIGHT]), Terms(timeout=60, settle=0.01), expect=["pods.ready >= 4"])
    assert (result.verdict.outcome, result.verdict.state) == (Outcome.WRONG, EXPECTATION)
    assert result.verdict.words == "pods.ready >= 4 does not hold"


async def test_an_expectation_of_what_is_not_complete_waits() -> None:
    result = await one(FakeSource([SLOW]), Terms(timeout=0.05, settle=0), expect=["pods.ready >= 4"])
    assert (result.verdict.outcome, result.verdict.state) == (Outcome.PENDING, "Progressing")
    assert [told.holds for told in result.unmet] == [False]


async def test_a_selection_is_all_that_matches() -> None:
    source = FakeSource([answer(name="b"), answer(name="a")])
    results = await check(source, places=[Selection("shop", "app=web")]).run()
    assert [result.title for result in results] == ["shop/deployments.apps.a", "shop/deployments.apps.b"]
    (nothing,) = await check(FakeSource([]), Terms(wait=False), places=[Selection("shop", "app=web")]).run()
    assert (nothing.title, nothing.verdict.words) == ("shop (app=web)", "nothing matches")


@pytest.mark.parametrize("terms", [LONG, Terms(wait=False)])
async def test_a_fault_of_the_program_is_not_waited_for(terms: Terms) -> None:
    class Broken(FakeSource):
        async def answers(self, place: Place, least_version: int) -> tuple[list[Answer], str]:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await check(Broken([]), terms).run()


async def test_nothing_goes_on_after_it() -> None:
    before = asyncio.all_tasks()
    await one(FakeSource([SLOW]), Terms(timeout=0.02))
    assert asyncio.all_tasks() == before


def problem(severity: str) -> Problem:
    document = {
        "metadata": {"namespace": "shop", "name": "pods.web-1.ownernotfound"},
        "severity": severity,
        "rule": "OwnerNotFound",
        "message": "the owner does not exist",
        "action": "Remove the reference.",
    }
    return read_problems({"items": [document]})[0]


NOW = Terms(wait=False)


async def test_an_error_of_lint_is_wrong_and_a_warning_is_counted() -> None:
    (result,) = await lint_results(FakeSource([], lint=(problem("Error"), problem("Warning"))), [WEB], NOW)
    assert (result.title, result.verdict.outcome) == ("lint of shop", Outcome.WRONG)
    assert result.verdict.words == "errors 1, warnings 1"
    words = "the owner does not exist. Remove the reference."
    assert result.lint == (Told("OwnerNotFound shop/pods.web-1.ownernotfound", holds=False, words=words),)
    (result,) = await lint_results(FakeSource([], lint=(problem("Warning"),)), [WEB], NOW)
    assert (result.verdict.outcome, result.lint) == (Outcome.RIGHT, ())


async def test_lint_is_asked_once_for_each_namespace() -> None:
    places = [WEB, WEB, Address(DEPLOYMENT, "b", "x")]
    results = await lint_results(FakeSource([]), places, NOW)
    assert [result.title for result in results] == ["lint of b", "lint of shop"]
    results = await lint_results(FakeSource([]), [WEB, Selection(None)], NOW)
    assert [result.title for result in results] == ["lint of all namespaces"]


async def test_lint_that_cannot_be_had() -> None:
    (result,) = await lint_results(FakeSource([], lint=UpstreamForbidden("forbidden", code=403)), [WEB], NOW)
    assert (result.verdict.outcome, result.verdict.words) == (Outcome.UNANSWERED, "forbidden")
