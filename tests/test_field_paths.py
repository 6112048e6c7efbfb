from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.errors import BadRequest
from kubediscovery.field_paths import (
    EACH,
    Keyed,
    Path,
    covers,
    covers_part,
    parse_path,
    path_text,
    values_at,
    values_below,
)

_TEXTS = st.text(max_size=12) | st.sampled_from(["name", "a.b/c", "it's", 'q"', "a,b=c]", "*", "0"])
_KEYED = st.lists(st.tuples(st.sampled_from(["name", "containerPort"]), _TEXTS), min_size=1, max_size=2)
_STEPS = _TEXTS | st.integers(0, 999) | st.just(EACH) | _KEYED.map(lambda pairs: Keyed(tuple(pairs)))
_PATHS = st.lists(_STEPS, min_size=1, max_size=6).map(tuple)

DOCUMENT = {"spec": {"containers": [{"name": "nginx", "image": "a", "ports": [{"containerPort": 80}]},
                                    {"name": "side", "image": "b"}], "args": ["x", "y"]}}  # fmt: skip


@given(_PATHS)
def test_a_path_is_read_as_it_is_written(path: Path) -> None:
    assert parse_path(path_text(path)) == path


@given(st.text(max_size=40))
def test_whatever_is_read_is_written_again(text: str) -> None:
    with contextlib.suppress(BadRequest):
        path = parse_path(text)
        assert parse_path(path_text(path)) == path


@pytest.mark.parametrize(
    "text", ["", ".", "a..b", "a b", "a[", "a[]", "a[x]", "[name=]x[", "a" * 3_000, "[a=1,]", '["\\x"]']
)
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(BadRequest, match=r"field: .*accepted are"):
        parse_path(text)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("spec.containers[name=nginx].image", ["a"]),
        (".spec.containers[1].image", ["b"]),
        ("spec.containers[*].image", ["a", "b"]),
        ("spec['containers'][name='side'].image", ["b"]),
        ("spec.containers[0].ports[containerPort=80].containerPort", [80]),
        ("spec.containers[name=other].image", []),
        ("spec.containers[7].image", []),
        ("spec.args[1]", ["y"]),
        ("spec.args.x", []),
        ("spec.args[name=x]", []),
    ],
)
def test_what_stands_at_a_path(text: str, values: list[object]) -> None:
    assert values_at(DOCUMENT, parse_path(text)) == values


def test_what_stands_at_a_path_from_anywhere() -> None:
    assert values_below(DOCUMENT, parse_path("image")) == ["a", "b"]
    assert values_below(DOCUMENT, parse_path("containers[name=side].image")) == ["b"]
    assert values_below(DOCUMENT, parse_path("nothing")) == []


def test_which_paths_a_path_covers() -> None:
    path = parse_path("spec.containers[name=nginx].image")
    assert covers(parse_path("spec"), path)
    assert covers(parse_path("spec.containers[*].image"), path)
    assert not covers(parse_path("spec.containers[name=side]"), path)
    assert not covers(parse_path("image"), path)
    assert covers_part(parse_path("image"), path)
    assert covers_part(parse_path("containers[*]"), path)
    assert not covers_part(parse_path("spec.containers[name=nginx].image.x"), path)
