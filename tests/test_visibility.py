"""Which kinds a caller sees: they are asked for as the caller, where the request looks."""

from collections.abc import Iterable

import pytest

from kubediscovery.authz import Attributes, ResourceAttributes
from kubediscovery.errors import InternalError
from kubediscovery.identity import User
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.store import Store
from kubediscovery.visibility import Visibility
from tests.objects import DEPLOYMENT, FLEET, POD, make
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


CONFIG_MAP = Kind("", "v1", "configmaps", "ConfigMap", "configmap")
KAFKA = Kind("example.org", "v1", "kafkas", "Kafka", "kafka", workload=True, custom=True)
TOPIC = Kind("example.org", "v1", "topics", "Topic", "topic", workload=True, custom=True)
EVERYTHING = ResourceAttributes("list", "*", "*", "*", namespace="shop")


def question(kind: Kind, namespace: str = "shop") -> ResourceAttributes:
    where = namespace if kind.namespaced else ""
    return ResourceAttributes("list", kind.group, kind.version, kind.resource, namespace=where)


def store_of(*more: Kind) -> Store:
    return Store(Kinds((*KINDS, *more)))


def asked(recorder: Recorder) -> set[Attributes]:
    found = {attributes for _, attributes in recorder.asked}
    recorder.asked.clear()
    return found


async def test_kinds_are_asked_for_as_the_caller() -> None:
    recorder = Recorder()
    sight = await Visibility(recorder, store_of()).sight(ALICE, "shop")
    assert (sight.kinds, sight.named, sight.all) == (frozenset(), frozenset(KINDS), False)
    assert {user for user, _ in recorder.asked} == {ALICE}
    assert asked(recorder) == {EVERYTHING, *map(question, KINDS)}


async def test_all_namespaces_are_asked_for_as_the_empty_one() -> None:
    recorder = Recorder()
    assert (await Visibility(recorder, store_of()).sight(ALICE, None)).namespace is None
    assert {found.namespace for found in asked(recorder) if isinstance(found, ResourceAttributes)} == {""}


async def test_what_is_allowed_is_seen_and_nothing_else() -> None:
    allowed = [question(POD), question(FLEET), question(DEPLOYMENT, "vault")]
    visibility = Visibility(Recorder(allowed), store_of())
    assert (await visibility.sight(ALICE, "shop")).kinds == {POD, FLEET}
    assert (await visibility.sight(ALICE, "vault")).kinds == {DEPLOYMENT, FLEET}


async def test_who_may_list_everything_is_told_so_but_each_kind_is_asked_for() -> None:
    sight = await Visibility(Recorder([EVERYTHING]), store_of()).sight(ALICE, "shop")
    assert sight.all
    assert sight.kinds == frozenset()


async def test_the_right_to_get_is_not_the_right_to_list() -> None:
    allowed = [ResourceAttributes("get", "", "v1", "pods", namespace="shop")]
    assert (await Visibility(Recorder(allowed), store_of()).sight(ALICE, "shop")).kinds == frozenset()


async def test_what_cannot_be_found_out_is_not_seen() -> None:
    with pytest.raises(InternalError):
        await Visibility(Recorder(failure=InternalError("no answer")), store_of()).sight(ALICE, "shop")


async def test_how_old_an_answer_may_be_is_passed_on() -> None:
    recorder = Recorder()
    await Visibility(recorder, store_of()).sight(ALICE, "shop")
    await Visibility(recorder, store_of()).sight(ALICE, "shop", max_age=0.5)
    assert recorder.ages == [None, 0.5, 0.5]


async def test_who_watches_is_asked_again_in_each_namespace_for_what_is_not_allowed_everywhere() -> None:
    everywhere = [question(POD, ""), question(FLEET, "")]
    recorder = Recorder([*everywhere, question(DEPLOYMENT), EVERYTHING])
    visibility = Visibility(recorder, store_of())
    sight = await visibility.sight(ALICE, "shop", max_age=0.5)
    assert (sight.kinds, sight.all, sight.namespace) == (frozenset({POD, FLEET, DEPLOYMENT}), True, "shop")
    assert not asked(recorder) & {question(POD)}
    assert (await visibility.sight(ALICE, "vault", max_age=0.5)).kinds == {POD, FLEET}
    assert {question(DEPLOYMENT, "vault"), question(DEPLOYMENT, "")} <= asked(recorder)


async def test_kinds_without_objects_cost_nothing() -> None:
    """Of a custom kind roots are shown, of others only what has an owner, unless relations are asked for."""
    store, recorder = store_of(CONFIG_MAP, KAFKA, TOPIC), Recorder()
    visibility = Visibility(recorder, store)
    await visibility.sight(ALICE, "shop")
    assert not asked(recorder) & {question(KAFKA), question(TOPIC), question(CONFIG_MAP)}
    store.put(make(KAFKA, "main"))
    store.put(make(CONFIG_MAP, "settings"))
    sight = await visibility.sight(ALICE, "shop")
    assert asked(recorder) & {question(KAFKA), question(TOPIC), question(CONFIG_MAP)} == {question(KAFKA)}
    assert not sight.named & {KAFKA, TOPIC, CONFIG_MAP}
    store.put(make(CONFIG_MAP, "owned", owners=[make(KAFKA, "main")]))
    await visibility.sight(ALICE, "shop")
    assert {question(KAFKA), question(CONFIG_MAP)} <= asked(recorder)


async def test_with_relations_every_namespace_is_asked_for_too() -> None:
    store, recorder = store_of(CONFIG_MAP, KAFKA), Recorder([question(POD), question(POD, ""), question(DEPLOYMENT)])
    sight = await Visibility(recorder, store).sight(ALICE, "shop", related=True)
    assert sight.kinds == {POD, DEPLOYMENT}
    assert sight.everywhere == {POD}
    assert {question(CONFIG_MAP), question(CONFIG_MAP, "")} <= asked(recorder)
    assert CONFIG_MAP in sight.named
    assert sight.sees(make(POD, "a", "vault"))
    assert sight.sees(make(DEPLOYMENT, "a"))
    assert not sight.sees(make(DEPLOYMENT, "a", "vault"))


async def test_a_kind_that_comes_is_asked_for_and_one_that_went_is_not() -> None:
    store, recorder = store_of(), Recorder()
    visibility = Visibility(recorder, store)
    store.follow((*KINDS, KAFKA))
    store.put(make(KAFKA, "main"))
    await visibility.sight(ALICE, "shop")
    assert question(KAFKA) in asked(recorder)
    store.follow(KINDS)
    await visibility.sight(ALICE, "shop")
    assert question(KAFKA) not in asked(recorder)
