"""What is said to be left out: never anything that depends on what there is of a kind."""

import pytest

from kubediscovery.errors import NotFound, ServiceUnavailable
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.omissions import Omitted, omissions, omissions_in, require_known, too_deep
from kubediscovery.sight import Sight
from kubediscovery.store import Coverage, Store
from tests.objects import CRON_JOB, DEPLOYMENT, JOB, POD, REVISION, make, seeing

SECRET = Kind("", "v1", "secrets", "Secret", "secret")
KAFKA = Kind("example.org", "v1", "kafkas", "Kafka", "kafka", workload=True, custom=True)
TOPIC = Kind("example.org", "v1", "topics", "Topic", "topic", workload=True, custom=True)
USER = Kind("example.com", "v1", "users", "User", "user", workload=True, custom=True)
KINDS = (DEPLOYMENT, JOB, CRON_JOB, REVISION, POD, SECRET, KAFKA, TOPIC, USER)
OTHERS = ("*", "*", "Forbidden")


def store_of(*unknown: tuple[Kind, Coverage]) -> Store:
    store = Store(Kinds(KINDS))
    reasons = dict(unknown)
    for kind in KINDS:
        if kind in reasons:
            store.omit(kind, reasons[kind])
        else:
            store.replace(kind, [], 1)
    return store


def told(store: Store, sight: Sight, *, roots: bool = False) -> list[tuple[str, str, str]]:
    return [(found.group, found.resource, found.reason) for found in omissions(store, sight, roots=roots)]


def test_who_sees_everything_is_told_nothing() -> None:
    assert told(store_of(), seeing(KINDS, named=KINDS)) == []


def test_what_was_asked_for_is_named_and_all_others_are_told_together() -> None:
    sight = seeing({DEPLOYMENT}, named={DEPLOYMENT, JOB, REVISION})
    assert told(store_of(), sight) == [
        ("batch", "jobs", "Forbidden"),
        ("apps", "controllerrevisions", "Forbidden"),
        OTHERS,
    ]
    assert told(store_of(), sight, roots=True) == [("batch", "jobs", "Forbidden"), OTHERS]


def test_it_is_the_same_whatever_there_is() -> None:
    sight, store = seeing({DEPLOYMENT}, named={DEPLOYMENT, JOB}), store_of()
    before = told(store, sight)
    for kind in KINDS:
        store.put(make(kind, "a"))
    assert told(store, sight) == before


def test_what_is_not_known_here_is_told_with_the_reason() -> None:
    sight = seeing(KINDS, named=KINDS)
    store = store_of((SECRET, Coverage.FORBIDDEN), (JOB, Coverage.NOT_FOUND), (KAFKA, Coverage.UNAVAILABLE))
    assert told(store, sight) == [
        ("batch", "jobs", "NotFound"),
        ("", "secrets", "Forbidden"),
        ("example.org", "kafkas", "Unavailable"),
    ]


def test_a_group_of_custom_kinds_is_told_together() -> None:
    store = store_of((KAFKA, Coverage.FORBIDDEN), (TOPIC, Coverage.FORBIDDEN), (USER, Coverage.FORBIDDEN))
    assert told(store, seeing(KINDS, named=KINDS)) == [
        ("example.org", "*", "Forbidden"),
        ("example.com", "users", "Forbidden"),
    ]


def test_what_is_hidden_is_not_told_twice() -> None:
    sight = seeing(set(KINDS) - {SECRET}, named=KINDS)
    assert told(store_of((SECRET, Coverage.FORBIDDEN)), sight) == [("", "secrets", "Forbidden")]


def test_what_is_too_deep_is_told_in_order() -> None:
    assert [found.resource for found in too_deep({POD, DEPLOYMENT})] == ["deployments", "pods"]
    assert {type(found) for found in too_deep({POD})} == {Omitted}


def test_of_several_namespaces_each_is_told_where_it_is_so() -> None:
    named = frozenset(KINDS)
    here, there = Sight("a", named - {POD, JOB}, named=named), Sight("b", named - {POD}, named=named)
    found = {each.resource: each.message for each in omissions_in(store_of(), (here, there))}
    assert found == {
        "pods": "you may not list this resource",
        "jobs": "you may not list this resource (in a)",
    }
    assert omissions_in(store_of(), (here,)) == list(omissions(store_of(), here))


def test_of_what_is_not_known_nothing_is_answered() -> None:
    store = store_of((SECRET, Coverage.FORBIDDEN), (JOB, Coverage.NOT_FOUND), (KAFKA, Coverage.UNAVAILABLE))
    require_known(store, POD)
    with pytest.raises(NotFound, match=r"does not serve jobs\.batch"):
        require_known(store, JOB)
    for kind, said in ((SECRET, "may not list secrets"), (KAFKA, r"cannot list kafkas\.example\.org")):
        with pytest.raises(ServiceUnavailable, match=said):
            require_known(store, kind)
    with pytest.raises(ServiceUnavailable, match=r"waiting for pods"):
        require_known(Store(Kinds((POD,))), POD)
