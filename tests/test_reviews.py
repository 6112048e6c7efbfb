"""Reviews: kept for ten seconds, one at a time, tried again where it may help, and never a guess."""

import asyncio
import gc
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from kubediscovery.errors import UpstreamError, UpstreamForbidden
from kubediscovery.reviews import ReviewKind, Reviews
from tests.reviewing import Answer, FakeReviewer, Time

KIND = ReviewKind("example.io/v1", "SomeReview", "/apis/example.io/v1/somereviews")


def read(status: Mapping[str, object]) -> object:
    if "value" not in status:
        raise UpstreamError("malformed")
    return status["value"]


def make(reviewer: FakeReviewer, time: Time, timeout: float = 10) -> Reviews[str, object]:
    return Reviews(reviewer, KIND, read, timer=time.timer, sleep=time.sleep, timeout=timeout)


def script(*answers: Answer) -> FakeReviewer:
    following: Iterator[Answer] = iter(answers)
    return FakeReviewer(lambda _: next(following))


def ask(reviews: Reviews[str, object], question: str = "q", max_age: float | None = None) -> "asyncio.Task[object]":
    return asyncio.create_task(reviews.verdict(question, lambda: {"question": question}, max_age=max_age))


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_is_sent() -> None:
    reviewer = script({"value": 1})
    assert await make(reviewer, Time()).verdict("q", lambda: {"question": "q"}) == 1
    assert reviewer.paths == ["/apis/example.io/v1/somereviews"]
    assert reviewer.bodies == [{"apiVersion": "example.io/v1", "kind": "SomeReview", "spec": {"question": "q"}}]


async def test_an_answer_counts_for_ten_seconds() -> None:
    time, reviewer = Time(), script({"value": 1}, {"value": 2})
    reviews = make(reviewer, time)
    assert await ask(reviews) == 1
    time.now = 9.9
    assert await ask(reviews) == 1
    assert reviews.known("q") == 1
    time.now = 10
    with pytest.raises(KeyError):
        reviews.known("q")
    assert await ask(reviews) == 2


async def test_an_answer_older_than_wanted_is_asked_for_again() -> None:
    time, reviewer = Time(), script({"value": 1}, {"value": 2}, {"value": 3})
    reviews = make(reviewer, time)
    assert await ask(reviews, max_age=0.5) == 1
    time.now = 0.4
    assert await ask(reviews, max_age=0.5) == 1
    time.now = 0.5
    with pytest.raises(KeyError):
        reviews.known("q", max_age=0.5)
    assert (await ask(reviews), await ask(reviews, max_age=0.6)) == (1, 1)
    assert await ask(reviews, max_age=0.5) == 2
    assert await ask(reviews, max_age=0) == 3
    assert (await ask(reviews), reviews.known("q")) == (3, 3)


async def test_no_answer_counts_longer_than_ten_seconds_from_when_it_was_asked_for() -> None:
    time, reviewer = Time(), script({"value": 1}, {"value": 2})
    reviewer.gate = asyncio.Event()
    reviews = make(reviewer, time)
    asking = ask(reviews)
    await settle()
    time.now = 6
    reviewer.gate.set()
    assert await asking == 1
    time.now = 9.9
    assert await ask(reviews, max_age=100) == 1
    time.now = 10
    assert await ask(reviews, max_age=100) == 2


async def test_a_review_that_set_out_too_long_ago_is_not_waited_for() -> None:
    time, answers = Time(), {"old": asyncio.Event(), "new": asyncio.Event()}
    following = iter(answers)

    class Slow:
        async def create(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
            answer = next(following)
            await answers[answer].wait()
            return {"status": {"value": answer}}

    reviews: Reviews[str, object] = Reviews(Slow(), KIND, read, timer=time.timer)
    first = ask(reviews)
    await settle()
    time.now = 1
    second, third, patient = ask(reviews, max_age=0.5), ask(reviews, max_age=0.5), ask(reviews)
    await settle()
    answers["new"].set()
    assert (await second, await third, await patient) == ("new", "new", "new")
    answers["old"].set()
    assert await first == "old"
    assert reviews.known("q") == "new", "the older answer has replaced the newer one"


async def test_another_question_is_asked_for_itself() -> None:
    reviewer = script({"value": 1}, {"value": 2})
    reviews = make(reviewer, Time())
    assert (await ask(reviews, "a"), await ask(reviews, "b"), await ask(reviews, "a")) == (1, 2, 1)


async def test_an_answer_that_is_not_to_be_kept_is_asked_again() -> None:
    reviews = make(script({"value": 1}, {"value": 2}), Time())
    assert [await reviews.verdict("q", dict, keep=False) for _ in range(2)] == [1, 2]


async def test_memory_is_bounded() -> None:
    reviewer = FakeReviewer(lambda _: {"value": 1})
    reviews = make(reviewer, Time())
    for number in range(8193):
        await reviews.verdict(str(number), dict)
    assert reviews.known("8192") == 1
    with pytest.raises(KeyError):
        reviews.known("0")


async def test_one_review_serves_all_who_ask_meanwhile() -> None:
    reviewer = script({"value": 1})
    reviewer.gate = asyncio.Event()
    reviews = make(reviewer, Time())
    asking = [ask(reviews) for _ in range(20)]
    await settle()
    reviewer.gate.set()
    assert await asyncio.gather(*asking) == [1] * 20
    assert len(reviewer.specs) == 1


async def test_who_is_cancelled_ends_nobody_elses_waiting() -> None:
    reviewer = script({"value": 1})
    reviewer.gate = asyncio.Event()
    reviews = make(reviewer, Time())
    first, second = ask(reviews), ask(reviews)
    await settle()
    first.cancel()
    await settle()
    assert first.cancelled()
    reviewer.gate.set()
    assert await second == 1


async def test_a_review_that_nobody_waits_for_any_more_is_kept_all_the_same() -> None:
    reviewer = script({"value": 1})
    reviewer.gate = asyncio.Event()
    reviews = make(reviewer, Time())
    only = ask(reviews)
    await settle()
    only.cancel()
    reviewer.gate.set()
    await settle()
    assert reviews.known("q") == 1


async def test_a_failure_that_nobody_waits_for_makes_no_noise() -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    reviewer = script(UpstreamForbidden("no", code=403))
    reviewer.gate = asyncio.Event()
    only = ask(make(reviewer, Time()))
    await settle()
    only.cancel()
    reviewer.gate.set()
    await settle()
    assert only.cancelled()
    del only
    gc.collect()  # asyncio complains when a failed task vanishes
    assert not complaints


@pytest.mark.parametrize(
    "error",
    [UpstreamError("later", broken=True), *(UpstreamError("later", code=code) for code in (429, 500, 504))],
    ids=["broken", "429", "500", "504"],
)
async def test_what_may_pass_is_tried_again(error: UpstreamError) -> None:
    time, reviewer = Time(), script(error, {"value": 1})
    assert await ask(make(reviewer, time)) == 1
    assert len(reviewer.specs) == 2
    assert 0.1 <= time.slept[0] <= 0.12


@pytest.mark.parametrize("code", [0, 400, 401, 403, 404, 422, 502, 503])
async def test_what_does_not_pass_is_not_tried_again(code: int) -> None:
    time, reviewer = Time(), script(UpstreamError("no", code=code), {"value": 1})
    with pytest.raises(UpstreamError, match="no"):
        await ask(make(reviewer, time))
    assert not time.slept


async def test_retry_after_is_obeyed_whatever_the_status() -> None:
    time, reviewer = Time(), script(UpstreamError("later", code=503, retry_after=3), {"value": 1})
    assert await ask(make(reviewer, time)) == 1
    assert time.slept == [3]


async def test_a_retry_after_that_nobody_waits_for_fails_at_once() -> None:
    time, reviewer = Time(), script(UpstreamError("later", code=429, retry_after=30), {"value": 1})
    with pytest.raises(UpstreamError, match="later"):
        await ask(make(reviewer, time))
    assert not time.slept


async def test_attempts_are_few_and_ever_further_apart() -> None:
    time, reviewer = Time(), FakeReviewer(lambda _: UpstreamError("broken", code=500))
    with pytest.raises(UpstreamError, match="broken"):
        await ask(make(reviewer, time))
    assert len(reviewer.specs) == 4
    assert time.slept == sorted(time.slept)
    assert sum(time.slept) < 2


async def test_no_answer_in_time_is_an_error() -> None:
    reviewer = script({"value": 1})
    reviewer.gate = asyncio.Event()
    with pytest.raises(UpstreamError, match=r"SomeReview: no answer within 0\.01 s"):
        await ask(make(reviewer, Time(), timeout=0.01))
    assert reviewer.under_way == 0


async def test_errors_are_not_kept() -> None:
    reviews = make(script(UpstreamError("no", code=403), {"value": 1}), Time())
    with pytest.raises(UpstreamError):
        await ask(reviews)
    assert await ask(reviews) == 1


@pytest.mark.parametrize("answer", [{}, {"status": None}, {"status": "Failure"}, {"status": [True]}])
async def test_an_answer_without_a_status_is_an_error(answer: Mapping[str, object]) -> None:
    class Garbage:
        async def create(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
            return answer

    reviews: Reviews[str, object] = Reviews(Garbage(), KIND, read)
    with pytest.raises(UpstreamError, match="has no status"):
        await reviews.verdict("q", dict)


async def test_an_answer_that_is_not_understood_is_an_error_and_not_kept() -> None:
    reviews = make(script({"other": 1}, {"value": 1}), Time())
    with pytest.raises(UpstreamError, match="malformed"):
        await ask(reviews)
    assert await ask(reviews) == 1
