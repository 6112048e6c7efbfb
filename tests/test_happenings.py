from __future__ import annotations

from typing import Any

from msgspec import structs

from kubediscovery.happenings import Happened, Happening, Happenings, among
from kubediscovery.objects import Object
from kubediscovery.store import Store
from tests.objects import (
    CRON_JOB,
    DEPLOYMENT,
    KINDS,
    POD,
    REPLICA_SET,
    RUNNING_POD,
    WAITING_CRON_JOB,
    WORKLOAD,
    filled,
    make,
)

NOW = 2_000_000_000.0
WEB = make(DEPLOYMENT, "web", generation=1)
OLD = make(REPLICA_SET, "web-1", owners=[WEB])
POD_1 = make(POD, "web-1-a", owners=[OLD])


def _watching(*objects: Object, **fields: Any) -> tuple[Store, Happenings]:
    store, found = filled(objects), Happenings(clock=lambda: NOW, **fields)
    store.observe(found)
    return store, found


def _said(happened: list[Happening]) -> list[tuple[str, str]]:
    return [(found.what, found.item.name) for found in happened]


def test_what_goes_is_told() -> None:
    store, found = _watching(WEB, OLD)
    store.put(POD_1)
    store.remove(OLD, 950)
    assert _said(found.after(0)) == [("Deleted", "web-1")]
    assert found.after(NOW + 1) == []
    assert found.since == NOW


def test_the_status_is_no_news() -> None:
    store, found = _watching(WEB, POD_1)
    store.put(structs.replace(POD_1, resource_version=901, state=structs.replace(RUNNING_POD, ready=0)))
    store.put(structs.replace(WEB, resource_version=902, labels=()))
    assert found.after(0) == []


def test_what_was_written_is_told_as_far_as_the_caches_have_it() -> None:
    store, found = _watching(OLD, make(CRON_JOB, "nightly", labels=(("a", "1"), ("b", "2"))))
    store.put(structs.replace(OLD, resource_version=901, generation=2, state=structs.replace(WORKLOAD, desired=0)))
    store.put(
        make(CRON_JOB, "nightly", resource_version=902, generation=2, labels=(("a", "2"), ("c", "3")),
             state=structs.replace(WAITING_CRON_JOB, schedule="0 * * * *"))
    )  # fmt: skip
    scaled, changed = found.after(0)
    assert (scaled.what, scaled.fields) == (Happened.CHANGED, ((("spec", "replicas"), 2, 0),))
    assert set(changed.fields) == {
        (("metadata", "labels", "a"), "1", "2"),
        (("metadata", "labels", "b"), "2", None),
        (("metadata", "labels", "c"), None, "3"),
        (("spec", "schedule"), "* * * * *", "0 * * * *"),
    }


def test_what_can_be_in_no_tree_is_not_kept() -> None:
    kind = next(kind for kind in KINDS if not kind.workload)
    alone, owned = make(kind, "alone"), make(kind, "owned", owners=[WEB])
    store, found = _watching(alone, owned)
    store.remove(alone)
    store.remove(owned)
    assert _said(found.after(0)) == [("Deleted", "owned")]


def test_what_is_forgotten_is_said_to_be_missing() -> None:
    now = NOW
    store, found = filled([POD_1, OLD, WEB]), Happenings(capacity=2, clock=lambda: now)
    store.observe(found)
    for item in (POD_1, OLD, WEB):
        assert found.since == NOW
        now += 10
        store.remove(item)
    assert _said(found.after(0)) == [("Deleted", "web-1"), ("Deleted", "web")]
    assert found.since == NOW + 10


def test_a_kind_that_becomes_unknown_is_a_gap() -> None:
    now = NOW
    found = Happenings(clock=lambda: now)
    now += 50
    found.reset()
    assert found.since == NOW + 50


def test_of_a_tree_there_is_what_was_in_it() -> None:
    """A pod that went with the ReplicaSet above it is found by what both were owned by."""
    other = make(DEPLOYMENT, "other")
    stray = make(POD, "stray", owners=[other])
    store, found = _watching(WEB, OLD, POD_1, other, stray)
    store.remove(POD_1, 910)
    store.remove(stray, 911)
    store.remove(OLD, 912)
    store.put(structs.replace(WEB, generation=2, resource_version=913))
    members, told = among(found.after(0), WEB, store.children)
    assert {item.name for item in members} == {"web", "web-1", "web-1-a"}
    assert _said(told) == [("Deleted", "web-1-a"), ("Deleted", "web-1"), ("Changed", "web")]
