"""Bearer tokens: what counts as one, and that nothing but a clear answer makes a user of it."""

import asyncio
import base64
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.errors import Unauthorized, UpstreamError
from kubediscovery.identity import User
from kubediscovery.tokens import Tokens, bearer_token, websocket_protocols, websocket_token
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


HANDSHAKE = [(b"upgrade", b"WebSocket"), (b"connection", b"keep-alive, Upgrade")]
PREFIX = b"base64url.bearer.authorization.k8s.io."
# "abc" and "tökén?>" as a browser writes them: its alphabet has - and _, and no padding.
ABC, OTHER = PREFIX + b"YWJj", PREFIX + base64.urlsafe_b64encode("tökén?>".encode()).rstrip(b"=")


def offers(*lines: bytes) -> list[tuple[bytes, bytes]]:
    return [*HANDSHAKE, *((b"sec-websocket-protocol", line) for line in lines)]


@pytest.mark.parametrize(
    ("lines", "token", "protocols"),
    [
        ([b"v4.channel.k8s.io, " + ABC], b"abc", ("v4.channel.k8s.io",)),
        ([ABC + b",a ,\tb"], b"abc", ("a", "b")),
        ([ABC, b"a", b"b,c"], b"abc", ("a", "b", "c")),
        ([b"a", OTHER], "tökén?>".encode(), ("a",)),
        ([b"a"], None, ("a",)),
        ([b"a", PREFIX], None, ("a",)),
        ([PREFIX], None, ()),
        ([], None, ()),
        ([b", ,a,,"], None, ("a",)),
        ([b"a,\xff,b"], None, ("a", "b")),
        ([b"a", ABC.upper()], None, ("a", ABC.upper().decode())),
    ],
)
def test_a_websocket_brings_its_token_as_a_subprotocol(
    lines: list[bytes], token: bytes | None, protocols: tuple[str, ...]
) -> None:
    assert websocket_token(offers(*lines)) == token
    assert websocket_protocols(offers(*lines)) == protocols


@pytest.mark.parametrize(
    "lines",
    [
        [ABC],
        [ABC + b","],
        [b"a", ABC, ABC],
        [b"a," + ABC + b"," + PREFIX],
        [b"a", PREFIX + b"YWJj="],
        [b"a", PREFIX + b"YWJjYQ=="],
        [b"a", PREFIX + b"YWJjY"],
        [b"a", PREFIX + b"YW Jj"],
        [b"a", PREFIX + b"YW+j"],
        [b"a", PREFIX + b"YW/j"],
        [b"a", PREFIX + b"YW\xffj"],
        [b"a", ABC + b"."],
    ],
)
def test_a_websocket_token_that_is_not_well_formed_is_a_bad_one(lines: list[bytes]) -> None:
    with pytest.raises(Unauthorized):
        websocket_token(offers(*lines))


def test_the_protocol_of_a_request_that_is_no_handshake_is_no_credential() -> None:
    protocol = (b"sec-websocket-protocol", b"a, " + ABC + b"," + ABC)
    upgrade, connection = HANDSHAKE
    for headers in (
        [protocol],
        [protocol, upgrade],
        [protocol, connection],
        [protocol, upgrade, (b"connection", b"keep-alive")],
        [protocol, connection, (b"upgrade", b"h2c")],
        [protocol, connection, (b"upgrade", b"h2c"), upgrade],
    ):
        assert websocket_token(headers) is None
    assert websocket_token([protocol, (b"x-sec-websocket-protocol", ABC), *HANDSHAKE[:1]]) is None


protocol = st.sampled_from((b"a", b"v4.channel.k8s.io", ABC, OTHER, PREFIX, b"", b" ")) | st.binary(max_size=9)


@given(st.lists(st.lists(protocol, max_size=3).map(b",".join), max_size=3))
def test_no_token_is_among_the_protocols_and_any_line_is_read(lines: list[bytes]) -> None:
    protocols = websocket_protocols(offers(*lines))
    assert all(each and each.isascii() and not each.startswith(PREFIX.decode()) for each in protocols)
    assert list(protocols) == [each for each in ",".join(protocols).split(",") if each]
    try:
        token = websocket_token(offers(*lines))
    except Unauthorized:
        assert any(PREFIX in line for line in lines)
        return
    assert token is None or (token != b"" and protocols)
