"""Which kinds a caller sees: every one is asked for, as the caller, where the request looks."""

from collections.abc import Iterable

import pytest

from kubediscovery.authz import Attributes, ResourceAttributes
from kubediscovery.errors import InternalError
from kubediscovery.identity import User
from kubediscovery.kinds import Kinds
from kubediscovery.visibility import Visibility
from tests.objects import DEPLOYMENT, FLEET, POD
from tests.serving import KINDS

ALICE = User("alice")


class Recorder:
    """Allows what it was told to, and keeps every question."""

    def __init__(self, allowed: Iterable[Attributes] = (), failure: Exception | None = None) -> None:
        self._allowed = frozenset(allowed)
        self._failure = failure
        self.asked: list[tuple[User, Attributes]] = []
        self.ages: list[float | None] = []

    async def allowed_many(
        self, user: User, attributes: Iterable[Attributes], *, max_age: float | None = None
    ) -> frozenset[Attributes]:
        self.ages.append(max_age)
        self.asked += [(user, question) for question in attributes]
        if self._failure is not None:
            raise self._failure
        return self._allowed & {question for _, question in self.asked}


async def test_every_kind_is_asked_for_as_the_caller() -> None:
    recorder = Recorder()
    assert await Visibility(recorder, Kinds(KINDS)).kinds(ALICE, "shop") == frozenset()
    assert {user for user, _ in recorder.asked} == {ALICE}
    wanted = [
        ResourceAttributes("list", kind.group, kind.version, kind.resource, namespace="shop" if kind.namespaced else "")
        for kind in KINDS
    ]
    assert len(recorder.asked) == len(wanted)
    assert {question for _, question in recorder.asked} == set(wanted)
    assert len(set(wanted)) == len(KINDS)


async def test_all_namespaces_are_asked_for_as_the_empty_one() -> None:
    recorder = Recorder()
    await Visibility(recorder, Kinds(KINDS)).kinds(ALICE, None)
    for _, question in recorder.asked:
        assert isinstance(question, ResourceAttributes)
        assert question.namespace == ""


async def test_what_is_allowed_is_seen_and_nothing_else() -> None:
    allowed = [
        ResourceAttributes("list", "", "v1", "pods", namespace="shop"),
        ResourceAttributes("list", "example.com", "v1", "fleets"),
        ResourceAttributes("list", "apps", "v1", "deployments", namespace="vault"),
    ]
    visibility = Visibility(Recorder(allowed), Kinds(KINDS))
    assert await visibility.kinds(ALICE, "shop") == {POD, FLEET}
    assert await visibility.kinds(ALICE, "vault") == {DEPLOYMENT, FLEET}


async def test_the_right_to_get_is_not_the_right_to_list() -> None:
    allowed = [ResourceAttributes("get", "", "v1", "pods", namespace="shop")]
    assert await Visibility(Recorder(allowed), Kinds(KINDS)).kinds(ALICE, "shop") == frozenset()


async def test_what_cannot_be_found_out_is_not_seen() -> None:
    with pytest.raises(InternalError):
        await Visibility(Recorder(failure=InternalError("no answer")), Kinds(KINDS)).kinds(ALICE, "shop")


async def test_how_old_an_answer_may_be_is_passed_on() -> None:
    recorder = Recorder()
    await Visibility(recorder, Kinds(KINDS)).kinds(ALICE, "shop")
    await Visibility(recorder, Kinds(KINDS)).kinds(ALICE, "shop", max_age=0.5)
    assert recorder.ages == [None, 0.5]
