from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.bisecting import Bisection, bisect
from kubediscovery.field_paths import parse_path
from kubediscovery.versions import merged
from tests.versioning import partial, version_of, whole

IMAGE = parse_path("spec.template.spec.containers[name=nginx].image")


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=10), st.sampled_from(["a", "b", "c"]))
def test_the_first_version_that_holds_is_found(images: list[str], wanted: str) -> None:
    versions = [whole(image, generation) for generation, image in enumerate(images, 1)]
    found = bisect(versions, IMAGE, wanted)
    if wanted not in images:
        assert found == Bisection()
        return
    assert found.first == images.index(wanted)
    assert found.before == (found.first - 1 if found.first else None)
    if images[-1] == wanted:
        assert found.since is not None
        assert set(images[found.since :]) == {wanted}
        assert not found.since or images[found.since - 1] != wanted
    else:
        assert found.since is None


def test_a_field_may_stand_anywhere() -> None:
    versions = [whole("a", 1), whole("b", 2)]
    assert bisect(versions, parse_path("image"), "b").first == 1
    assert bisect(versions, parse_path("containers[*].image"), "b").first == 1
    assert bisect(versions, parse_path("containers[name=other].image"), "b").first is None


def test_numbers_and_texts_of_them_are_the_same() -> None:
    versions = [whole("a", 1, replicas=2), whole("a", 2, replicas=3)]
    assert bisect(versions, parse_path("spec.replicas"), "3") == Bisection(1, 0, 1)
    assert bisect([version_of({"spec": {"paused": True}})], parse_path("spec.paused"), "true").first == 0
    assert bisect([version_of({"spec": {"paused": None}})], parse_path("spec.paused"), "null").first == 0
    assert bisect([version_of({"spec": {"paused": {}}})], parse_path("spec.paused"), "{}").first is None


def test_without_a_value_the_field_is_looked_for() -> None:
    versions = [version_of({"spec": {}}), version_of({"spec": {"paused": False}})]
    assert bisect(versions, parse_path("spec.paused"), None) == Bisection(1, 0, 1)


def test_what_a_revision_cannot_know_is_not_asked_of_it() -> None:
    versions = merged([whole("b", 7, replicas=3)], [partial("a", 1), partial("b", 2)])
    assert bisect(versions, parse_path("spec.replicas"), "3") == Bisection(1, None, 1)
    assert bisect(versions, parse_path("replicas"), "3") == Bisection(1, None, 1)
    assert bisect(versions, parse_path("image"), "b") == Bisection(1, 0, 1)
    assert bisect(versions, IMAGE, "a") == Bisection(0, None, None)
