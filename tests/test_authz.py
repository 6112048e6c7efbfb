"""May they: every question is asked in full, nothing but a clear yes is a yes, and it ends after ten seconds."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.authz import (
    Attributes,
    Authorizer,
    NonResourceAttributes,
    ResourceAttributes,
    SelectorRequirement,
    quoted,
)
from kubediscovery.errors import Forbidden, InternalError, Subject, UpstreamError, UpstreamForbidden
from kubediscovery.identity import ANONYMOUS, User
from tests.reviewing import Answer, FakeReviewer, Time
from tests.waiting import until

ALICE = User("alice", "42", ("team-a", "team,b"), (("acme.com/project", ("p", "q")), ("scopes", ("s",))))
TREE = ResourceAttributes("get", "g", "v1", "deployments", "compositions", "n", "x")
PODS = ResourceAttributes("list", "", "v1", "pods", namespace="n")
METRICS = NonResourceAttributes("/metrics", "get")

names = st.text("ab", max_size=3)
users = st.builds(
    User,
    names,
    names,
    st.lists(names, max_size=2).map(tuple),
    st.dictionaries(names, st.lists(names, max_size=2).map(tuple), max_size=2).map(lambda d: tuple(sorted(d.items()))),
)
selectors = st.lists(
    st.builds(SelectorRequirement, names, names, st.lists(names, max_size=2).map(tuple)), max_size=1
).map(tuple)
attributes = st.one_of(
    st.builds(ResourceAttributes, names, names, names, names, names, names, names, selectors, selectors),
    st.builds(NonResourceAttributes, names, names),
)


def make(status: Callable[[dict[str, Any]], Answer], timeout: float = 10) -> tuple[Authorizer, FakeReviewer, Time]:
    reviewer, time = FakeReviewer(status), Time()
    return Authorizer(reviewer, timer=time.timer, sleep=time.sleep, timeout=timeout), reviewer, time


def script(*answers: Answer) -> tuple[Authorizer, FakeReviewer, Time]:
    following: Iterator[Answer] = iter(answers)
    return make(lambda _: next(following))


def allow(_: dict[str, Any]) -> Answer:
    return {"allowed": True}


def deny(_: dict[str, Any]) -> Answer:
    return {"allowed": False}


async def forbidden(user: User, asked: Attributes, reason: str = "") -> Forbidden:
    authorizer, _, _ = script({"allowed": False, "reason": reason})
    with pytest.raises(Forbidden) as caught:
        await authorizer.authorize(user, asked)
    return caught.value


async def test_a_review_holds_the_whole_user_and_the_whole_question() -> None:
    authorizer, reviewer, _ = make(allow)
    await authorizer.authorize(ALICE, TREE)
    assert reviewer.paths == ["/apis/authorization.k8s.io/v1/subjectaccessreviews"]
    assert reviewer.bodies == [
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": "alice",
                "uid": "42",
                "groups": ["team-a", "team,b"],
                "extra": {"acme.com/project": ["p", "q"], "scopes": ["s"]},
                "resourceAttributes": {
                    "verb": "get",
                    "group": "g",
                    "version": "v1",
                    "resource": "deployments",
                    "subresource": "compositions",
                    "namespace": "n",
                    "name": "x",
                },
            },
        }
    ]


NARROWED = msgspec.structs.replace(
    PODS,
    field_selector=(SelectorRequirement("spec.nodeName", "In", ("n1",)), SelectorRequirement("x", "NotIn", ("",))),
    label_selector=(SelectorRequirement("app", "Exists"),),
)


async def test_selectors_are_reviewed_as_requirements() -> None:
    authorizer, reviewer, _ = make(allow)
    await authorizer.authorize(ALICE, NARROWED)
    assert reviewer.specs[0]["resourceAttributes"] == {
        "verb": "list",
        "version": "v1",
        "resource": "pods",
        "namespace": "n",
        "fieldSelector": {
            "requirements": [
                {"key": "spec.nodeName", "operator": "In", "values": ["n1"]},
                {"key": "x", "operator": "NotIn", "values": [""]},
            ]
        },
        "labelSelector": {"requirements": [{"key": "app", "operator": "Exists"}]},
    }


@pytest.mark.parametrize(
    "other",
    [
        {"field_selector": ()},
        {"label_selector": ()},
        {"field_selector": NARROWED.field_selector[:1]},
        {"label_selector": (SelectorRequirement("app", "DoesNotExist"),)},
        {"label_selector": (SelectorRequirement("app", "In", ("a",)),)},
        {"field_selector": NARROWED.label_selector, "label_selector": NARROWED.field_selector},
    ],
    ids=str,
)
async def test_other_selectors_are_asked_for_anew(other: dict[str, Any]) -> None:
    authorizer, _, _ = script({"allowed": True}, {"allowed": False})
    assert await authorizer.allowed(ALICE, NARROWED)
    assert not await authorizer.allowed(ALICE, msgspec.structs.replace(NARROWED, **other))


async def test_all_namespaces_are_reviewed_without_a_namespace() -> None:
    authorizer, reviewer, _ = make(allow)
    await authorizer.authorize(ALICE, ResourceAttributes("list", "apps", "v1", "deployments"))
    assert reviewer.specs[0]["resourceAttributes"] == {
        "verb": "list",
        "group": "apps",
        "version": "v1",
        "resource": "deployments",
    }


async def test_a_path_is_reviewed_as_a_path() -> None:
    authorizer, reviewer, _ = make(allow)
    assert await authorizer.allowed(ANONYMOUS, METRICS)
    assert reviewer.specs[0]["nonResourceAttributes"] == {"path": "/metrics", "verb": "get"}
    assert "resourceAttributes" not in reviewer.specs[0]
    assert reviewer.specs[0]["user"] == "system:anonymous"


@pytest.mark.parametrize("asked", [TREE, PODS, METRICS])
async def test_system_masters_pass_without_a_review(asked: Attributes) -> None:
    authorizer, reviewer, _ = make(deny)
    admin = User("admin", groups=("a", "system:masters"))
    await authorizer.authorize(admin, asked)
    assert await authorizer.allowed_many(admin, [asked]) == {asked}
    assert not reviewer.specs


@pytest.mark.parametrize("groups", ["System:Masters", "system:masters ", "system:masters,a", "system"])
async def test_a_similar_group_does_not_pass(groups: str) -> None:
    authorizer, _, _ = make(deny)
    assert not await authorizer.allowed(User("system:masters", groups=(groups,)), TREE)


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
async def test_the_health_paths_are_open_to_everybody_whatever_reviews_say(path: str) -> None:
    authorizer, reviewer, _ = make(lambda _: UpstreamError("down"))
    await authorizer.authorize(ANONYMOUS, NonResourceAttributes(path, "get"))
    assert not reviewer.specs


@pytest.mark.parametrize(
    "path", ["/readyz/", "/readyz/caches", "/readyz?verbose", "//readyz", "/READYZ", "readyz", "/healthz/ping", "/", ""]
)
async def test_no_other_path_is_open(path: str) -> None:
    authorizer, reviewer, _ = make(deny)
    assert not await authorizer.allowed(ANONYMOUS, NonResourceAttributes(path, "get"))
    assert len(reviewer.specs) == 1


async def test_a_resource_with_the_name_of_a_health_path_is_reviewed() -> None:
    authorizer, _, _ = make(deny)
    assert not await authorizer.allowed(ANONYMOUS, ResourceAttributes("get", "", "v1", "/readyz", name="/readyz"))


@pytest.mark.parametrize(
    "status", [{"allowed": False}, {"allowed": False, "denied": True}, {"allowed": True, "denied": True}]
)
async def test_denied_wins_over_allowed(status: Answer) -> None:
    authorizer, _, _ = make(lambda _: status)
    assert not await authorizer.allowed(ALICE, TREE)
    with pytest.raises(Forbidden):
        await authorizer.authorize(ALICE, TREE)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"allowed": None},
        {"allowed": "true"},
        {"allowed": 1},
        {"allowed": [True]},
        {"allowed": True, "denied": None},
        {"allowed": True, "denied": "false"},
        {"allowed": True, "reason": 1},
        UpstreamError("broken", code=500),
        UpstreamError("connection refused"),
        UpstreamError("busy", code=429),
        UpstreamForbidden("this server may not create reviews", code=403),
    ],
)
async def test_whatever_is_no_clear_answer_is_an_error_and_never_an_allow(answer: Answer) -> None:
    authorizer, _, _ = make(lambda _: answer)
    for ask in (authorizer.allowed(ALICE, TREE), authorizer.authorize(ALICE, TREE)):
        with pytest.raises(InternalError, match="could not be reviewed"):
            await ask
    with pytest.raises(InternalError):
        await authorizer.allowed_many(ALICE, [TREE, PODS])


async def test_a_review_that_never_comes_is_an_error() -> None:
    authorizer, reviewer, _ = make(allow, timeout=0.01)
    reviewer.gate = asyncio.Event()
    with pytest.raises(InternalError):
        await authorizer.allowed(ALICE, TREE)


async def test_the_error_of_kube_apiserver_is_not_passed_on() -> None:
    authorizer, _, _ = make(lambda _: UpstreamError("secret detail", code=403))
    with pytest.raises(InternalError) as caught:
        await authorizer.allowed(ALICE, TREE)
    assert "secret" not in str(caught.value)


async def test_errors_are_not_kept() -> None:
    authorizer, _, _ = script(UpstreamError("no", code=403), {"allowed": True})
    with pytest.raises(InternalError):
        await authorizer.allowed(ALICE, TREE)
    assert await authorizer.allowed(ALICE, TREE)


async def test_a_revoked_right_ends_within_ten_seconds() -> None:
    authorizer, reviewer, time = script({"allowed": True}, {"allowed": False})
    assert await authorizer.allowed(ALICE, TREE)
    time.now = 9.9
    assert await authorizer.allowed(ALICE, TREE)
    assert len(reviewer.specs) == 1
    time.now = 10
    assert not await authorizer.allowed(ALICE, TREE)


async def test_who_wants_a_young_answer_gets_one() -> None:
    authorizer, _, time = script({"allowed": True}, {"allowed": False}, {"allowed": True}, {"allowed": False})
    await authorizer.authorize(ALICE, TREE, max_age=0.5)
    time.now = 0.5
    assert await authorizer.allowed(ALICE, TREE)
    with pytest.raises(Forbidden):
        await authorizer.authorize(ALICE, TREE, max_age=0.5)
    time.now = 1
    assert await authorizer.allowed_many(ALICE, [TREE]) == frozenset()
    assert await authorizer.allowed_many(ALICE, [TREE], max_age=0.5) == {TREE}
    time.now = 1.5
    assert not await authorizer.allowed(ALICE, TREE, max_age=0.5)


async def test_a_new_right_counts_within_ten_seconds() -> None:
    authorizer, _, time = script({"allowed": False}, {"allowed": True})
    assert not await authorizer.allowed(ALICE, TREE)
    time.now = 10
    assert await authorizer.allowed(ALICE, TREE)


@pytest.mark.parametrize(
    "other",
    [
        {"name": "bob"},
        {"uid": "43"},
        {"uid": ""},
        {"groups": ("team-a",)},
        {"groups": ("team-a", "team", "b")},
        {"groups": ("team-a,team,b",)},
        {"groups": ("team,b", "team-a")},
        {"extra": ()},
        {"extra": (("acme.com/project", ("p",)), ("scopes", ("s",)))},
        {"extra": (("acme.com/project", ("p", "q")), ("scope", ("s",)))},
    ],
    ids=str,
)
async def test_another_user_is_asked_for_anew(other: dict[str, Any]) -> None:
    authorizer, _, _ = script({"allowed": True}, {"allowed": False})
    assert await authorizer.allowed(ALICE, TREE)
    assert not await authorizer.allowed(msgspec.structs.replace(ALICE, **other), TREE)


@pytest.mark.parametrize("field", ["verb", "group", "version", "resource", "subresource", "namespace", "name"])
@pytest.mark.parametrize("value", ["", "other"])
async def test_another_question_is_asked_anew(field: str, value: str) -> None:
    authorizer, _, _ = script({"allowed": True}, {"allowed": False})
    assert await authorizer.allowed(ALICE, TREE)
    assert not await authorizer.allowed(ALICE, msgspec.structs.replace(TREE, **{field: value}))


@given(users, attributes, users, attributes)
async def test_only_the_same_question_of_the_same_user_is_answered_from_memory(
    user: User, asked: Attributes, other_user: User, other_asked: Attributes
) -> None:
    authorizer, reviewer, _ = make(allow)
    await authorizer.allowed(user, asked)
    await authorizer.allowed(other_user, other_asked)
    same = msgspec.json.encode([user, asked]) == msgspec.json.encode([other_user, other_asked])
    assert len(reviewer.specs) == (1 if same and type(asked) is type(other_asked) else 2)
    await authorizer.allowed(user, asked)
    assert len(reviewer.specs) <= 2


async def test_long_questions_are_not_kept() -> None:
    authorizer, reviewer, _ = make(deny)
    for path in ("/" + "a" * 1000, "/" + "a" * 5000):
        for _ in range(2):
            assert not await authorizer.allowed(ANONYMOUS, NonResourceAttributes(path, "get"))
    assert len(reviewer.specs) == 3
    short, long = SelectorRequirement("a", "Exists"), SelectorRequirement("a", "In", ("b" * 1000, "c" * 1000))
    for selector in ((short,), (long,), (short,) * 100):
        for _ in range(2):
            assert not await authorizer.allowed(ALICE, msgspec.structs.replace(PODS, label_selector=selector))
    assert len(reviewer.specs) == 3 + 1 + 2 + 2


async def test_one_review_serves_all_who_ask_meanwhile_and_outlives_who_left() -> None:
    authorizer, reviewer, _ = make(allow)
    reviewer.gate = asyncio.Event()
    asking = [asyncio.create_task(authorizer.allowed(ALICE, TREE)) for _ in range(5)]
    await asyncio.sleep(0.01)
    asking[0].cancel()
    await asyncio.sleep(0)
    reviewer.gate.set()
    assert await asyncio.gather(*asking[1:]) == [True] * 4
    assert asking[0].cancelled()
    assert len(reviewer.specs) == 1


async def test_many_are_asked_side_by_side_each_for_itself() -> None:
    asked = [ResourceAttributes("list", "", "v1", f"kind-{number}") for number in range(40)]
    authorizer, reviewer, _ = make(lambda spec: {"allowed": spec["resourceAttributes"]["resource"].endswith("1")})
    reviewer.gate = asyncio.Event()
    asking = asyncio.create_task(authorizer.allowed_many(ALICE, asked))
    await until(lambda: reviewer.under_way == 16)
    # Nobody else begins meanwhile.
    await asyncio.sleep(0.01)
    assert reviewer.under_way == 16
    reviewer.gate.set()
    assert await asking == {asked[1], asked[11], asked[21], asked[31]}
    assert reviewer.most_under_way == 16
    assert len(reviewer.specs) == 40


async def test_many_are_answered_from_memory_where_it_can() -> None:
    authorizer, reviewer, _ = make(allow)
    await authorizer.allowed(ALICE, TREE)
    assert await authorizer.allowed_many(ALICE, [TREE, PODS, PODS]) == {TREE, PODS}
    assert len(reviewer.specs) == 2
    assert await authorizer.allowed_many(ALICE, [TREE, PODS]) == {TREE, PODS}
    assert len(reviewer.specs) == 2


async def test_who_asks_for_many_meanwhile_waits_for_the_same_answers() -> None:
    authorizer, reviewer, _ = make(allow)
    reviewer.gate = asyncio.Event()
    asking = [asyncio.create_task(authorizer.allowed_many(ALICE, [TREE, PODS])) for _ in range(50)]
    await asyncio.sleep(0.01)
    # Beside the waiting: one for all questions, and two for each of them.
    assert len(asyncio.all_tasks()) <= len(asking) + 1 + 1 + 2 * 2
    asking[0].cancel()
    await asyncio.sleep(0)
    reviewer.gate.set()
    assert await asyncio.gather(*asking[1:]) == [{TREE, PODS}] * 49
    assert len(reviewer.specs) == 2


async def test_who_needs_newer_answers_than_those_that_others_wait_for_asks_anew() -> None:
    authorizer, reviewer, time = make(allow)
    await authorizer.allowed(ALICE, TREE)
    reviewer.gate = asyncio.Event()
    time.now += 0.4
    first = asyncio.create_task(authorizer.allowed_many(ALICE, [TREE, PODS], max_age=0.5))
    await until(lambda: len(reviewer.specs) == 2)
    time.now += 0.2
    second = asyncio.create_task(authorizer.allowed_many(ALICE, [TREE, PODS], max_age=0.5))
    await until(lambda: len(reviewer.specs) > 2)
    reviewer.gate.set()
    assert {await first, await second} == {frozenset({TREE, PODS})}
    asked = [spec["resourceAttributes"]["resource"] for spec in reviewer.specs]
    assert sorted(asked) == ["deployments", "deployments", "pods"]


async def test_an_error_among_many_is_everybodys_who_waits_and_nobodys_after() -> None:
    answers = iter((UpstreamError("no", code=403), {"allowed": True}))
    authorizer, reviewer, _ = make(lambda _: next(answers))
    reviewer.gate = asyncio.Event()
    asking = [asyncio.create_task(authorizer.allowed_many(ALICE, [TREE])) for _ in range(3)]
    await asyncio.sleep(0.01)
    reviewer.gate.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(each) for each in found] == [InternalError] * 3
    assert await authorizer.allowed_many(ALICE, [TREE]) == {TREE}


async def test_none_asked_none_allowed() -> None:
    authorizer, _, _ = make(allow)
    assert await authorizer.allowed_many(ALICE, []) == frozenset()


async def test_one_error_among_many_gives_no_data() -> None:
    authorizer, _, _ = make(
        lambda spec: (
            UpstreamError("no", code=403) if spec["resourceAttributes"]["resource"] == "pods" else {"allowed": True}
        )
    )
    with pytest.raises(InternalError):
        await authorizer.allowed_many(ALICE, [TREE, PODS])


async def test_the_sentence_for_an_object() -> None:
    error = await forbidden(User("u"), TREE)
    assert str(error) == (
        'deployments.g "x" is forbidden: User "u" cannot get resource "deployments/compositions" '
        'in API group "g" in the namespace "n"'
    )
    assert error.subject == Subject("g", "deployments", "x")


async def test_the_sentence_for_a_list_at_the_cluster_scope() -> None:
    error = await forbidden(User("u"), ResourceAttributes("list", "", "v1", "nodes"), "no binding")
    assert str(error) == (
        'nodes is forbidden: User "u" cannot list resource "nodes" in API group "" at the cluster scope: no binding'
    )
    assert error.subject == Subject("", "nodes", "")


async def test_the_sentence_for_a_path() -> None:
    error = await forbidden(User("u"), NonResourceAttributes("/x", "get"))
    assert str(error) == 'forbidden: User "u" cannot get path "/x"'


async def test_the_reason_is_given_again_from_memory() -> None:
    authorizer, _, _ = script({"allowed": False, "reason": "because"})
    for _ in range(2):
        with pytest.raises(Forbidden, match=r": because$"):
            await authorizer.authorize(ALICE, TREE)


async def test_hostile_names_stay_harmless() -> None:
    error = await forbidden(
        User('<script>"&\n'), ResourceAttributes("get", "g", "v1", "r", namespace="\x1b[31m", name='a"\r\nb')
    )
    assert str(error) == (
        'r.g "a\\"\\r\\nb" is forbidden: User "&lt;script&gt;\\"&amp;\\n" cannot get resource "r" '
        'in API group "g" in the namespace "\\x1b[31m"'
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", '""'),
        ("plain ü 漢 😀", '"plain ü 漢 😀"'),
        ('"\\', '"\\"\\\\"'),
        ("\a\b\f\n\r\t\v", '"\\a\\b\\f\\n\\r\\t\\v"'),
        ("\x00\x1b\x7f", '"\\x00\\x1b\\x7f"'),
        ("\x85\u00a0\u2028\u202e\ufeff", '"\\u0085\\u00a0\\u2028\\u202e\\ufeff"'),
        ("\U000e0001", '"\\U000e0001"'),
    ],
)
def test_quoting_is_that_of_go(text: str, expected: str) -> None:
    assert quoted(text) == expected


@given(st.text())
def test_quoted_text_is_one_visible_line(text: str) -> None:
    assert quoted(text).isprintable()
