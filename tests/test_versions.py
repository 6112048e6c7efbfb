from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.errors import BadRequest, NotFound
from kubediscovery.versions import Origin, Version, find, merged, stamp
from tests.versioning import partial, version_of, whole

_IMAGES = st.sampled_from(["a", "b", "c"])


def _said(versions: tuple[Version, ...]) -> list[tuple[str, int, bool]]:
    return [(version.name, version.revision, version.partial) for version in versions]


def test_who_tells_of_the_same_version_tells_of_one() -> None:
    seen = whole("a", 1, resource_version=5, time=20.0)
    logged = whole("a", 1, resource_version=4, time=10.0, manager="kubectl")
    (version,) = merged(
        [seen, version_of(dict(logged.document), Origin.AUDIT, generation=1, time=10.0, manager="m")], []
    )
    assert (version.origins, version.time, version.manager) == (frozenset((Origin.CACHE, Origin.AUDIT)), 10.0, "m")


def test_revisions_number_what_was_seen_and_tell_of_what_was_not() -> None:
    found = merged(
        [whole("b", 3), whole("b", 4, replicas=2), whole("c", 5)], [partial("a", 1), partial("b", 2), partial("c", 3)]
    )
    assert _said(found) == [("r1", 1, True), ("3", 2, False), ("4", 2, False), ("5", 3, False)]
    assert found[1].origins == {Origin.CACHE, Origin.REVISION}


def test_a_rollback_makes_a_former_template_a_new_revision() -> None:
    found = merged([whole("a", 1), whole("b", 2), whole("a", 3)], [partial("b", 2), partial("a", 3)])
    assert _said(found) == [("1", 0, False), ("2", 2, False), ("3", 3, False)]


def test_a_revision_between_two_that_were_seen_stands_between_them() -> None:
    found = merged([whole("a", 1), whole("c", 9)], [partial("a", 1), partial("b", 2), partial("c", 3)])
    assert _said(found) == [("1", 1, False), ("r2", 2, True), ("9", 3, False)]


@given(st.lists(_IMAGES, min_size=1, max_size=12), st.data())
def test_the_order_of_revisions_and_versions_is_kept(images: list[str], data: st.DataObject) -> None:
    """A history of templates, of which the caches saw some and the cluster keeps the latest revision of each."""
    history = [image for place, image in enumerate(images) if place == 0 or image != images[place - 1]]
    seen = data.draw(st.sets(st.integers(1, len(history))))
    kept = {image: number for number, image in enumerate(history, 1)}
    found = merged(
        [whole(image, number, time=float(number)) for number, image in enumerate(history, 1) if number in seen],
        [partial(image, number) for image, number in kept.items()],
    )
    assert sorted(version.generation for version in found if version.generation) == sorted(_distinct(history, seen))
    numbers = [version.revision for version in found if version.revision]
    assert set(numbers) == set(kept.values())
    assert numbers == sorted(numbers)
    assert len({version.name for version in found}) == len(found)
    for version in found:
        if version.revision:
            assert version.template == whole(history[version.revision - 1], 1).template


def _distinct(history: list[str], seen: set[int]) -> list[int]:
    """Those that were seen, without one that is as the one seen before it."""
    ordered = sorted(seen)
    return [
        number for place, number in enumerate(ordered)
        if place == 0 or history[number - 1] != history[ordered[place - 1] - 1]
    ]  # fmt: skip


def test_kinds_without_a_generation_are_called_by_their_resource_versions() -> None:
    found = merged(
        [version_of({"data": {"a": "1"}}, resource_version=7), version_of({"data": {}}, resource_version=9)], []
    )
    assert [version.name for version in found] == ["v7", "v9"]


def test_labels_alone_make_a_version_of_the_same_generation() -> None:
    first = version_of({"metadata": {"labels": {"a": "1"}}}, generation=2, resource_version=5)
    second = version_of({"metadata": {"labels": {"a": "2"}}}, generation=2, resource_version=6)
    assert [version.name for version in merged([second, first], [])] == ["2", "2.2"]


VERSIONS = merged([whole("b", 2, time=1_000.0), whole("c", 3, time=2_000.0), whole("c", 4, 5, time=3_000.0)],
                  [partial("a", 1), partial("b", 2), partial("c", 3)])  # fmt: skip


@pytest.mark.parametrize(
    ("text", "place"),
    [("r1", 0), ("2", 1), ("r2", 1), ("3", 2), ("r3", 2), ("4", 3), ("latest", 3), ("oldest", 0), ("0s", 3), ("10m", 2),
     ("20m", 1), ("1970-01-01T00:20:00Z", 1), ("1970-01-01T01:50:00+01:00", 3), ("1970-01-01T00:00:01Z", 0)],
)  # fmt: skip
def test_how_a_version_is_called(text: str, place: int) -> None:
    assert find(VERSIONS, text, 3_000.0, "start") == place


@pytest.mark.parametrize("text", ["7", "r9", "4.2", "v3", "r0"])
def test_one_that_is_not_known_is_not_found(text: str) -> None:
    with pytest.raises(NotFound, match=rf'start: version "{text}" is not known; known are r1, 2, 3, 4'):
        find(VERSIONS, text, 3_000.0, "start")


@pytest.mark.parametrize("text", ["", "x", "10", "-1", "2026-01-31", "2026-01-31T12:00:00", "1h1", "9" * 400])
def test_what_means_no_version(text: str) -> None:
    with pytest.raises((BadRequest, NotFound), match=r"end: .*accepted are"):
        find(VERSIONS, text, 3_000.0, "end")


def test_before_all_versions_there_is_none() -> None:
    with pytest.raises(
        NotFound, match="start: no version is known of that time; the oldest is of 1970-01-01T00:16:40Z"
    ):
        find(VERSIONS[1:], "1970-01-01T00:00:01Z", 3_000.0, "start")
    with pytest.raises(NotFound, match="start: no version is known"):
        find((), "latest", 0.0, "start")


def test_times_are_written_as_kubernetes_does() -> None:
    assert [stamp(seconds) for seconds in (0.0, 1_700_000_000.9)] == ["", "2023-11-14T22:13:20Z"]
