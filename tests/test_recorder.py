from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.recorder import OVERHEAD, Recorder
from kubediscovery.sightings import Sighting
from kubediscovery.versions import Origin
from tests.objects import DEPLOYMENT, STATEFUL_SET
from tests.sighting import sighted


def _recorder(**fields: Any) -> Recorder:
    return Recorder(**{"most_bytes": 1 << 20, "most_versions": 5, "largest": 1 << 16, **fields})


def _generations(recorder: Recorder, uid: str = "uid-web") -> list[int]:
    return [found.generation for found in recorder.versions(uid)]


def test_versions_are_kept_in_their_order_and_once() -> None:
    told: list[Sighting] = []
    recorder = _recorder(told=told.append)
    assert [recorder.record(sighted(str(number), number)) for number in (2, 1, 3, 2)] == [True, True, True, False]
    assert _generations(recorder) == [1, 2, 3]
    assert [found.generation for found in told] == [2, 1, 3]


def test_who_tells_a_second_time_adds_what_was_not_known() -> None:
    recorder = _recorder()
    recorder.record(sighted(now=2_000_000_000.0))
    recorder.record(sighted(origin=Origin.AUDIT))
    (found,) = recorder.versions("uid-web")
    assert found.manager == "kubectl-set"
    assert found.origins == {Origin.CACHE, Origin.AUDIT}
    assert found.seen < 2_000_000_000.0


def test_what_is_as_before_is_no_version() -> None:
    recorder = _recorder()
    assert recorder.record(sighted(generation=1))
    assert not recorder.record(sighted(generation=2))


def test_documents_that_are_too_large_are_counted() -> None:
    recorder = _recorder(largest=10)
    assert not recorder.record(sighted())
    assert (recorder.too_large, recorder.held) == (1, 0)


def test_an_object_has_so_many_versions() -> None:
    recorder = _recorder(most_versions=3)
    for number in range(1, 9):
        recorder.record(sighted(str(number), number))
    assert _generations(recorder) == [6, 7, 8]
    assert (recorder.held, recorder.dropped) == (3, 5)


def test_what_was_followed_longest_ago_goes_first_and_what_is_now_last() -> None:
    one = len(sighted("1", uid="a").blob) + OVERHEAD + 20
    recorder = _recorder(most_bytes=4 * one)
    recorder.record(sighted("1", 1, uid="a", now=10.0))
    recorder.record(sighted("1", 1, uid="b", now=20.0))
    recorder.record(sighted("2", 2, uid="b", now=30.0))
    recorder.record(sighted("2", 2, uid="a", now=40.0))
    recorder.record(sighted("1", 1, uid="c", now=50.0))
    assert (_generations(recorder, "a"), _generations(recorder, "b"), _generations(recorder, "c")) == ([1, 2], [2], [1])
    recorder.record(sighted("1", 1, uid="d", now=60.0))
    assert _generations(recorder, "a") == [2]
    recorder.record(sighted("1", 1, uid="e", now=70.0))
    assert recorder.held == 4
    assert not _generations(recorder, "a")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9), st.sampled_from("xyz")), max_size=60))
def test_there_is_never_more_than_there_may_be(told: list[tuple[str, int, str]]) -> None:
    recorder = _recorder(most_bytes=4_000, most_versions=3)
    for place, (uid, generation, image) in enumerate(told):
        recorder.record(sighted(image, generation, uid=uid, now=1.0 + place))
        held = [found for uid in "abc" for found in recorder.versions(uid)]
        assert recorder.held == len(held)
        assert recorder.bytes == sum(len(found.blob) + OVERHEAD for found in held) <= 4_000
        assert all(len(recorder.versions(uid)) <= 3 for uid in "abc")
        for uid in "abc":
            assert _generations(recorder, uid) == sorted(_generations(recorder, uid))


def test_who_is_marked_in_any_kind_is_there() -> None:
    recorder = _recorder()
    recorder.marks(STATEFUL_SET)["other"] = 1
    marks = recorder.marks(DEPLOYMENT)
    assert not recorder.is_there("web")
    marks["web"] = 2
    assert recorder.is_there("web")
    assert recorder.marks(DEPLOYMENT) is marks
    del marks["web"]
    assert not recorder.is_there("web")
    assert recorder.is_there("other")


def test_an_object_that_flaps_costs_no_more_than_its_versions() -> None:
    recorder = _recorder(most_versions=2)
    for number in range(1, 1_000):
        recorder.record(sighted(str(number % 7), number))
    assert len(recorder._former) < 200
