"""Bearer tokens: what counts as one, and that nothing but a clear answer makes a user of it."""

import asyncio
from collections.abc import Iterator

import pytest

from kubediscovery.errors import UpstreamError
from kubediscovery.identity import User
from kubediscovery.tokens import Tokens, bearer_token
from tests.reviewing import Answer, FakeReviewer, Time

GOOD = {"authenticated": True, "user": {"username": "alice"}}
ALICE = User("alice", groups=("system:authenticated",))


def make(*answers: Answer) -> tuple[Tokens, FakeReviewer, Time]:
    following: Iterator[Answer] = iter(answers)
    reviewer, time = FakeReviewer(lambda _: next(following)), Time()
    return Tokens(reviewer, timer=time.timer, sleep=time.sleep), reviewer, time


@pytest.mark.parametrize(
    ("value", "token"),
    [
        (b"Bearer abc", b"abc"),
        (b"bearer abc", b"abc"),
        (b"BEARER abc", b"abc"),
        (b"  Bearer abc ", b"abc"),
        (b"Bearer abc def", b"abc"),
        (b"", None),
        (b"Bearer", None),
        (b"Bearer ", None),
        (b"Bearer  abc", None),
        (b"Basic YTpi", None),
        (b"Bearertoken abc", None),
        (b"abc", None),
    ],
)
def test_what_counts_as_a_bearer_token_in_kubernetes(value: bytes, token: bytes | None) -> None:
    assert bearer_token([(b"accept", b"*/*"), (b"authorization", value)]) == token


def test_without_the_header_there_is_no_token() -> None:
    assert bearer_token([(b"x-authorization", b"Bearer abc")]) is None


def test_the_first_of_several_headers_counts() -> None:
    assert bearer_token([(b"authorization", b"Basic x"), (b"authorization", b"Bearer abc")]) is None


async def test_the_token_is_reviewed_for_no_audience() -> None:
    tokens, reviewer, _ = make(GOOD)
    assert await tokens.user(b"abc") == ALICE
    assert reviewer.paths == ["/apis/authentication.k8s.io/v1/tokenreviews"]
    assert reviewer.bodies == [
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": "abc"}}
    ]


async def test_the_user_of_an_answer() -> None:
    info = {"username": "bob", "uid": "7", "groups": ["a", "b,c"], "extra": {"z": ["1"], "A": ["2", ""]}}
    tokens, _, _ = make({"authenticated": True, "user": info, "audiences": ["https://kubernetes"]})
    assert await tokens.user(b"abc") == User(
        "bob", "7", ("a", "b,c", "system:authenticated"), (("A", ("2", "")), ("z", ("1",)))
    )


@pytest.mark.parametrize("answer", [{"authenticated": False}, {}, {"user": {"username": "alice"}}])
async def test_a_token_that_is_not_authenticated_belongs_to_nobody(answer: Answer) -> None:
    tokens, _, _ = make(answer)
    assert await tokens.user(b"abc") is None


async def test_a_token_that_is_not_text_is_never_sent() -> None:
    tokens, reviewer, _ = make()
    assert await tokens.user(b"\xff") is None
    assert not reviewer.specs


@pytest.mark.parametrize(
    "answer",
    [
        {"authenticated": "true", "user": {"username": "alice"}},
        {"authenticated": 1, "user": {"username": "alice"}},
        {"authenticated": None, "user": {"username": "alice"}},
        {"authenticated": True},
        {"authenticated": True, "user": None},
        {"authenticated": True, "user": "alice"},
        {"authenticated": True, "user": {"username": ""}},
        {"authenticated": True, "user": {"username": 1}},
        {"authenticated": True, "user": {"username": "alice", "groups": "system:masters"}},
        {"authenticated": True, "user": {"username": "alice", "groups": [1]}},
        {"authenticated": True, "user": {"username": "alice", "extra": {"a": "b"}}},
        {**GOOD, "error": "it could not be checked"},
        {"authenticated": False, "error": "it could not be checked"},
        UpstreamError("forbidden", code=403),
    ],
)
async def test_an_answer_that_is_not_clear_is_an_error_and_not_kept(answer: Answer) -> None:
    tokens, _, _ = make(answer, GOOD)
    with pytest.raises(UpstreamError):
        await tokens.user(b"abc")
    assert await tokens.user(b"abc") == ALICE


@pytest.mark.parametrize(("answer", "user"), [(GOOD, ALICE), ({"authenticated": False}, None)])
async def test_success_and_failure_count_for_ten_seconds(answer: Answer, user: User | None) -> None:
    tokens, reviewer, time = make(answer, {"authenticated": True, "user": {"username": "later"}})
    assert await tokens.user(b"abc") == user
    time.now = 9.9
    assert await tokens.user(b"abc") == user
    assert len(reviewer.specs) == 1
    time.now = 10
    later = await tokens.user(b"abc")
    assert later is not None
    assert later.name == "later"


async def test_each_token_is_reviewed_for_itself() -> None:
    tokens, reviewer, _ = make(GOOD, {"authenticated": False})
    assert [await tokens.user(token) for token in (b"abc", b"abd", b"abc")] == [ALICE, None, ALICE]
    assert [spec["token"] for spec in reviewer.specs] == ["abc", "abd"]


async def test_one_review_serves_all_who_bring_the_same_token_meanwhile() -> None:
    tokens, reviewer, _ = make(GOOD)
    assert await asyncio.gather(*(tokens.user(b"abc") for _ in range(10))) == [ALICE] * 10
    assert len(reviewer.specs) == 1
