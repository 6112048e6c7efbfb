"""Acting as somebody else: every part of him is reviewed as the caller, and nothing is believed that was not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.authz import Authorizer
from kubediscovery.errors import BadRequest, Forbidden, InternalError, UpstreamError
from kubediscovery.identity import ANONYMOUS, Caller, User
from kubediscovery.impersonation import Impersonation, requested_user
from tests.reviewing import Answer, FakeReviewer, Time
from tests.serving import attributes_of

ALICE = User("alice", "42", ("team-a", "system:authenticated"))
BOB = (b"impersonate-user", b"bob")
SERVICE_ACCOUNT = b"system:serviceaccount:shop:robot"

Line = tuple[bytes, bytes]


class Asking:
    """Alice, who may do what is not among the ``forbidden`` resources."""

    def __init__(self, *forbidden: str) -> None:
        self.forbidden = forbidden
        self.time = Time()
        self.reviewer = FakeReviewer(self.answer)
        self._impersonation = Impersonation(Authorizer(self.reviewer, timer=self.time.timer, sleep=self.time.sleep))

    def answer(self, spec: dict[str, Any]) -> Answer:
        return {"allowed": spec["user"] == "alice" and attributes_of(spec)["resource"] not in self.forbidden}

    async def act_as(self, *lines: Line, user: User = ALICE, max_age: float | None = None) -> Caller:
        return await self._impersonation.act_as(user, [(b"accept", b"*/*"), *lines], max_age=max_age)

    @property
    def asked(self) -> list[str]:
        """What was reviewed, as ``group/resource/subresource/namespace/name``."""
        found = [attributes_of(spec) for spec in self.reviewer.specs]
        assert {(each["verb"], each["version"]) for each in found} <= {("impersonate", "v1")}
        parts = ("group", "resource", "subresource", "namespace", "name")
        return ["/".join(each.get(part, "") for part in parts) for each in found]


async def test_who_asks_for_nobody_else_is_himself() -> None:
    asking = Asking()
    assert await asking.act_as() == Caller(ALICE)
    assert await asking.act_as((b"x-impersonate-user", b"bob"), (b"impersonate_user", b"bob")) == Caller(ALICE)
    assert asking.asked == []


async def test_every_part_is_reviewed_as_the_caller() -> None:
    asking = Asking()
    caller = await asking.act_as(
        BOB,
        (b"impersonate-group", b"one, two"),
        (b"impersonate-group", " drei ü ".encode()),
        (b"impersonate-uid", b"7"),
        (b"impersonate-extra-acme.com%2fproject", b"p"),
        (b"impersonate-extra-scopes", b"a"),
        (b"impersonate-extra-acme.com%2Fproject", b"q"),
    )
    extra = (("acme.com/project", ("p", "q")), ("scopes", ("a",)))
    assert caller == Caller(User("bob", "7", ("one, two", "drei ü", "system:authenticated"), extra), ALICE)
    assert asking.asked == [
        "/users///bob",
        "authentication.k8s.io/uids///7",
        "/groups///one, two",
        "/groups///drei ü",
        "authentication.k8s.io/userextras/acme.com/project//p",
        "authentication.k8s.io/userextras/acme.com/project//q",
        "authentication.k8s.io/userextras/scopes//a",
    ]
    assert {(spec["user"], spec["uid"], tuple(spec["groups"])) for spec in asking.reviewer.specs} == {
        (ALICE.name, ALICE.uid, ALICE.groups)
    }


@pytest.mark.parametrize(
    ("name", "groups", "question", "expected"),
    [
        (
            SERVICE_ACCOUNT,
            [],
            "/serviceaccounts//shop/robot",
            ["system:serviceaccounts", "system:serviceaccounts:shop"],
        ),
        (SERVICE_ACCOUNT, [b"a"], "/serviceaccounts//shop/robot", ["a"]),
        (SERVICE_ACCOUNT + b".v1-2", [], "/serviceaccounts//shop/robot.v1-2", None),
        (b"system:serviceaccount:shop:Robot", [], "/users///system:serviceaccount:shop:Robot", []),
        (b"system:serviceaccount:shop", [], "/users///system:serviceaccount:shop", []),
        (SERVICE_ACCOUNT + b":x", [], "/users///system:serviceaccount:shop:robot:x", []),
        (b"system:serviceaccount::robot", [], "/users///system:serviceaccount::robot", []),
        (b"system:serviceaccount:sh.op:robot", [], "/users///system:serviceaccount:sh.op:robot", []),
        (b"system:serviceaccount:shop:" + b"a" * 254, [], "/users///system:serviceaccount:shop:" + "a" * 254, []),
        (b"system:serviceaccount:" + b"a" * 64 + b":a", [], f"/users///system:serviceaccount:{'a' * 64}:a", []),
        (b"System:serviceaccount:shop:robot", [], "/users///System:serviceaccount:shop:robot", []),
    ],
)
async def test_service_accounts_are_a_resource_of_their_own(
    name: bytes, groups: list[bytes], question: str, expected: list[str] | None
) -> None:
    asking = Asking()
    caller = await asking.act_as((b"impersonate-user", name), *((b"impersonate-group", group) for group in groups))
    assert asking.asked[0] == question
    if expected is not None:
        assert caller.user.groups == (*expected, "system:authenticated")


@pytest.mark.parametrize(
    ("name", "groups", "expected"),
    [
        ("bob", ["system:authenticated"], ("system:authenticated",)),
        ("bob", ["a", "system:unauthenticated"], ("a", "system:unauthenticated")),
        ("bob", [""], ("", "system:authenticated")),
        ("system:anonymous", [], ("system:unauthenticated",)),
        ("system:anonymous", ["a"], ("a", "system:unauthenticated")),
        ("system:anonymous", ["system:authenticated"], ("system:authenticated", "system:unauthenticated")),
        ("system:anonymous", ["system:unauthenticated", "a"], ("system:unauthenticated", "a")),
    ],
)
async def test_the_groups_of_all_who_are_known_and_unknown(
    name: str, groups: list[str], expected: tuple[str, ...]
) -> None:
    lines = [(b"impersonate-user", name.encode()), *((b"impersonate-group", group.encode()) for group in groups)]
    assert (await Asking().act_as(*lines)).user == User(name, groups=expected)


@pytest.mark.parametrize(
    ("forbidden", "asked"),
    [
        ("users", ["users"]),
        ("uids", ["users", "uids"]),
        ("groups", ["users", "uids", "groups"]),
        ("userextras", ["users", "uids", "groups", "groups", "userextras"]),
    ],
)
async def test_the_first_part_that_is_forbidden_ends_it(forbidden: str, asked: list[str]) -> None:
    asking = Asking(forbidden)
    lines = [(b"impersonate-extra-a", b"1"), (b"impersonate-group", b"g"), (b"impersonate-group", b"h")]
    with pytest.raises(Forbidden, match=f'User "alice" cannot impersonate resource "{forbidden}'):
        await asking.act_as(*lines, (b"impersonate-uid", b"7"), BOB)
    assert [each.split("/")[1] for each in asking.asked] == asked


async def test_the_refusal_is_in_kubernetes_words() -> None:
    with pytest.raises(Forbidden) as caught:
        await Asking("serviceaccounts").act_as((b"impersonate-user", SERVICE_ACCOUNT))
    assert str(caught.value) == (
        'serviceaccounts "robot" is forbidden: User "alice" cannot impersonate resource "serviceaccounts" in API group '
        '"" in the namespace "shop"'
    )


async def test_no_answer_is_no_right() -> None:
    asking = Asking()
    asking.reviewer.status = lambda _: UpstreamError("away", code=500)
    with pytest.raises(InternalError):
        await asking.act_as(BOB)


async def test_the_privileged_act_as_anybody() -> None:
    asking = Asking("users")
    admin = User("admin", groups=("system:masters",))
    assert await asking.act_as(BOB, user=admin) == Caller(User("bob", groups=("system:authenticated",)), admin)
    assert asking.asked == []


async def test_the_right_to_become_privileged_is_one_to_that_group() -> None:
    masters = (b"impersonate-group", b"system:masters")
    assert "system:masters" in (await Asking().act_as(BOB, masters)).user.groups
    with pytest.raises(Forbidden, match='groups "system:masters" is forbidden'):
        await Asking("groups").act_as(BOB, masters)


async def test_nobody_acts_on_through_another() -> None:
    # Bob's own right to act as others does not count: the review is about who really asks.
    asking = Asking()
    with pytest.raises(Forbidden):
        await asking.act_as(BOB, user=User("bob"))
    with pytest.raises(Forbidden):
        await asking.act_as(BOB, user=ANONYMOUS)


async def test_the_right_counts_no_longer_than_asked_for() -> None:
    asking = Asking()
    await asking.act_as(BOB)
    asking.forbidden = ("users",)
    asking.time.now = 9
    await asking.act_as(BOB)
    with pytest.raises(Forbidden):
        await asking.act_as(BOB, max_age=0.5)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([(b"impersonate-group", b"g")], "without a user"),
        ([(b"impersonate-uid", b"7")], "without a user"),
        ([(b"impersonate-extra-a", b"1")], "without a user"),
        ([(b"impersonate-user", b"")], "without a user"),
        ([(b"impersonate-user", b" \t")], "without a user"),
        ([(b"impersonate-user", b""), BOB], "without a user"),
        ([BOB, (b"impersonate-users", b"x")], r'"impersonate-users" is not known; accepted are Impersonate-User, '),
        ([BOB, (b"impersonate-extra", b"x")], '"impersonate-extra" is not known'),
        ([BOB, (b"impersonate-" + b"x" * 9000, b"x")], '"impersonate-x{68}" is not known'),
        ([(b"impersonate-user", b"\xfc")], "must be UTF-8"),
        ([BOB, (b"impersonate-group", b"\xff")], "must be UTF-8"),
        ([BOB, (b"impersonate-uid", b"\xff")], "must be UTF-8"),
        ([BOB, (b"impersonate-extra-a", b"\xff")], "must be UTF-8"),
        ([BOB, (b"impersonate-extra-%ff", b"a")], "must be UTF-8"),
    ],
)
async def test_headers_that_cannot_be_carried_out_are_bad(lines: list[Line], words: str) -> None:
    asking = Asking()
    with pytest.raises(BadRequest, match=words) as caught:
        await asking.act_as(*lines)
    assert len(str(caught.value)) < 300
    assert asking.asked == []


async def test_of_several_users_the_first_counts() -> None:
    second = ((b"impersonate-user", b"carol"), (b"impersonate-uid", b"1"), (b"impersonate-uid", b"2"))
    asking = Asking()
    assert (await asking.act_as(BOB, *second)).user == User("bob", "1", ("system:authenticated",))
    assert asking.asked == ["/users///bob", "authentication.k8s.io/uids///1"]


names = st.sampled_from(
    (b"user", b"user", b"uid", b"group", b"extra-a", b"extra-A%2fb", b"extra-%ff", b"extra-", b"extra", b"", b"x")
).map(lambda name: b"impersonate-" + name)
values = st.sampled_from((b"bob", SERVICE_ACCOUNT, b"", b" a ", b"a,b", b"system:masters", b"\xff")) | st.binary(
    max_size=6
)


@given(st.lists(st.tuples(names, values), max_size=6))
async def test_nothing_is_acted_as_that_was_not_reviewed(lines: list[Line]) -> None:
    asking = Asking()
    try:
        caller = await asking.act_as(*lines)
    except BadRequest:
        assert asking.asked == []
        return
    wanted = requested_user([(name, value) for name, value in lines])
    if wanted is None:
        assert (caller, lines) == (Caller(ALICE), [])
        return
    assert caller.impersonator == ALICE
    reviewed = [attributes_of(spec) for spec in asking.reviewer.specs]
    named = {(each["resource"], each.get("name", "")) for each in reviewed}
    given_groups = [value.strip(b" \t").decode() for name, value in lines if name == b"impersonate-group"]
    assert {("groups", group) for group in given_groups} == {each for each in named if each[0] == "groups"}
    own = {"system:authenticated", "system:serviceaccounts", "system:serviceaccounts:shop"}
    assert list(caller.user.groups)[: len(given_groups)] == given_groups
    assert set(caller.user.groups) <= own | set(given_groups)
    assert ("users", caller.user.name) in named or ("serviceaccounts", "robot") in named
    for key, found in caller.user.extra:
        for value in found:
            assert any((each.get("subresource", ""), each.get("name", "")) == (key, value) for each in reviewed)
