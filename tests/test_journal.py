"""From which change on a watch goes on that knows everything up to some version."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.errors import Expired
from kubediscovery.journal import OVERLAP, SLACK, Change, Journal, change_between
from kubediscovery.objects import Object
from kubediscovery.store import Coverage, Store
from tests.objects import DEPLOYMENT, KINDS, POD, REPLICA_SET, make, owner_of
from tests.reviewing import Time

LONG_AGO = OVERLAP + 1
WEB = make(DEPLOYMENT, "web", resource_version=10)
SET = make(REPLICA_SET, "web-1", owners=[WEB], resource_version=11)


def journal_of(*, capacity: int = 1_000, time: Time | None = None) -> tuple[Store, Journal]:
    """One whose beginning is long ago."""
    time = time or Time()
    store = Store(KINDS)
    made = Journal(store, capacity=capacity, timer=time.timer)
    for kind in KINDS:
        store.replace(kind, [], 20)
    time.now += LONG_AGO
    return store, made


def versions(journal: Journal, version: int) -> list[int]:
    return [change.version for change in journal.since(journal.position(version))]


def pod(version: int, name: str = "p") -> Object:
    return make(POD, name, resource_version=version)


def test_what_was_listed_first_is_no_change() -> None:
    store = Store(KINDS)
    journal = Journal(store)
    store.replace(DEPLOYMENT, [WEB], 20)
    store.replace(POD, [], 30)
    assert (journal.end, journal.oldest) == (0, 30)


def test_changes_after_a_version_that_was_given_out_follow_whatever_their_own() -> None:
    store, journal = journal_of()
    store.put(pod(100))
    assert journal.issue() == 20
    store.advance(POD, 100)
    assert journal.issue() == 100
    # Another kind's watch was behind.
    store.put(structs.replace(WEB, resource_version=97))
    assert versions(journal, 100) == [97]
    # What one version was given out for twice counts from the first time.
    journal.issue()
    assert versions(journal, 100) == [97]


def test_a_version_of_another_replica_stands_for_some_seconds_before() -> None:
    time = Time()
    store, journal = journal_of(time=time)
    for second in range(0, 40, 4):
        time.now = LONG_AGO + second
        store.put(pod(100 + second, f"p{second}"))
    assert versions(journal, 130) == [124, 128, 132, 136]
    assert versions(journal, 1_000) == [128, 132, 136]
    assert OVERLAP == 10


def test_a_version_that_is_not_kept_is_expired() -> None:
    time = Time()
    store, journal = journal_of(capacity=10, time=time)
    assert journal.position(20) == 0
    with pytest.raises(Expired, match=r"too old resource version: 19 \(20\)"):
        journal.position(19)
    for version in range(100, 120):
        time.now += 2
        store.put(pod(version, f"p{version}"))
    assert journal.oldest == 109
    # What arrived within ten seconds before may be unknown to who has seen this, and some of it is forgotten.
    for version in (109, 114):
        with pytest.raises(Expired, match=rf"too old resource version: {version} \({max(109, version + 1)}\)"):
            journal.position(version)
    assert versions(journal, 115) == list(range(110, 120))
    with pytest.raises(Expired):
        journal.since(0)


def test_right_after_the_beginning_another_replicas_versions_are_not_covered() -> None:
    """A list may have swallowed what whoever comes from there was not told yet."""
    time = Time()
    store = Store(KINDS)
    journal = Journal(store, timer=time.timer)
    for kind in KINDS:
        store.replace(kind, [], 20)
    store.put(pod(25))
    assert not journal.covers(25)
    assert journal.covers(journal.issue())
    journal.prepend([], 19, 19)
    assert versions(journal, 25) == [25]


def test_it_never_reaches_back_to_when_other_kinds_were_known() -> None:
    store, journal = journal_of()
    assert journal.floor == 0
    version = journal.issue()
    store.put(pod(100))
    store.advance(POD, 100)
    store.omit(REPLICA_SET, Coverage.FORBIDDEN)
    assert journal.floor == 100
    assert not journal.covers(version)


def test_a_kind_that_becomes_known_later_makes_a_new_beginning() -> None:
    store, journal = journal_of()
    store.put(pod(100))
    store.replace(DEPLOYMENT, [], 100)
    assert journal.end == 1
    fresh = Store(KINDS)
    late = Journal(fresh)
    fresh.replace(POD, [], 20)
    fresh.put(pod(25))
    fresh.replace(DEPLOYMENT, [WEB], 30)
    assert (late.oldest, late.since(late.end)) == (30, [])
    with pytest.raises(Expired):
        late.since(0)


def test_what_was_missed_comes_before() -> None:
    store, journal = journal_of()
    store.put(pod(100))
    position = journal.end
    store.put(pod(101))
    journal.prepend([Change(15, POD, "a", ()), Change(18, POD, "b", ())], 10, 12)
    assert [change.version for change in journal.since(position)] == [101]
    assert versions(journal, 12) == [15, 18, 100, 101]
    assert (journal.begin, journal.oldest) == (10, 12)


def test_of_what_was_read_only_so_much_is_told_again() -> None:
    """However far back the reading went."""
    time = Time()
    store, journal = journal_of(capacity=10_000, time=time)
    store.advance(POD, 5_000)
    journal.reset()
    journal.prepend([Change(version, POD, str(version), ()) for version in range(1_000, 5_000)], 999, 999 + SLACK)
    store.put(pod(5_001))
    assert versions(journal, 3_000)[0] == 3_000 - SLACK + 1
    assert versions(journal, 999 + SLACK)[0] == 1_000
    # Right after the beginning the same holds, and later it is time that counts again.
    assert versions(journal, 5_001)[0] == 5_001 - SLACK + 1
    time.now += LONG_AGO
    store.put(pod(5_002, "later"))
    assert versions(journal, 5_002) == [5_002]


def test_what_was_read_is_forgotten_first() -> None:
    store, journal = journal_of(capacity=10)
    store.advance(POD, 5_000)
    journal.reset()
    journal.prepend([Change(version, POD, str(version), ()) for version in range(4_900, 4_915)], 4_800, 4_800 + SLACK)
    for version in range(5_001, 5_006):
        store.put(pod(version, f"p{version}"))
    assert (journal.begin, journal.oldest) == (4_909, 4_909 + SLACK)


def test_a_change_tells_of_former_owners_and_labels_only_where_they_are_others() -> None:
    labelled = structs.replace(SET, labels=(("a", "b"),))
    other = make(DEPLOYMENT, "other")
    moved = structs.replace(SET, owners=(owner_of(other),))
    kept = (12, REPLICA_SET, SET.uid)
    assert change_between(None, SET, 12) == (*kept, (WEB.uid,), True, None, True)
    assert change_between(SET, structs.replace(SET, resource_version=12), 12) == (*kept, (WEB.uid,), False, None, True)
    assert change_between(SET, labelled, 12) == (*kept, (WEB.uid,), False, SET, True)
    assert change_between(SET, moved, 12) == (*kept, (other.uid, WEB.uid), False, SET, True)
    assert change_between(SET, None, 12) == (*kept, (WEB.uid,), False, SET, True)


@given(st.lists(st.tuples(st.integers(100, 130), st.booleans()), max_size=30), st.data())
def test_nothing_that_comes_after_a_version_was_given_out_is_ever_left_out(
    steps: list[tuple[int, bool]], data: st.DataObject
) -> None:
    """However the kinds' watches are shuffled."""
    store, journal = journal_of(capacity=8)
    given_out: list[tuple[int, int]] = []
    for number, (version, asks) in enumerate(steps):
        store.put(pod(version, f"p{number}"))
        store.advance(POD, version)
        if asks:
            given_out.append((journal.issue(), journal.end))
    for version, end in given_out:
        try:
            position = journal.position(version)
        except Expired:
            continue
        assert position <= end
        assert len(journal.since(position)) == journal.end - position
