from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.differences import Difference, What, differences
from kubediscovery.field_paths import path_text
from tests.applying import applied

_NAMES = st.sampled_from(["name", "key", "type", "ports", "containerPort", "protocol", "a.b/c", "it's", "x"])
_SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "1", "true", "a,b", 'q"', "nginx", "a=b"])
)
_DOCUMENTS = st.recursive(
    _SCALARS, lambda below: st.lists(below, max_size=4) | st.dictionaries(_NAMES, below, max_size=4), max_leaves=20
)


@given(_DOCUMENTS, _DOCUMENTS)
def test_what_is_different_makes_one_document_the_other(before: object, after: object) -> None:
    found = differences(before, after)
    result = applied(before, found)
    assert repr(result) == repr(_ordered_as(result, after)), found
    assert not differences(result, after)


def _ordered_as(one: object, other: object) -> object:
    """The other document with the fields of its objects in the order of the first, in which JSON has none."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: _ordered_as(value, other[name]) for name, value in one.items()} | {
            name: value for name, value in other.items() if name not in one
        }
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [_ordered_as(former, present) for former, present in zip(one, other, strict=True)]
    return other


@given(_DOCUMENTS)
def test_nothing_differs_from_itself(document: object) -> None:
    assert differences(document, document) == []


def _spec(*containers: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"containers": list(containers)}}


def _said(before: object, after: object) -> list[tuple[str, str, object, object]]:
    return [(path_text(found.path), found.what, found.before, found.after) for found in differences(before, after)]


def test_entries_with_a_name_are_compared_by_it() -> None:
    nginx, side = {"name": "nginx", "image": "nginx:1"}, {"name": "side", "image": "side:1"}
    assert _said(_spec(side, nginx), _spec(side, {**nginx, "image": "nginx:2"})) == [
        ("spec.containers[name=nginx].image", "Changed", "nginx:1", "nginx:2")
    ]
    assert _said(_spec(nginx), _spec(nginx, side)) == [("spec.containers[name=side]", "Added", None, side)]
    assert _said(_spec(nginx, side), _spec(side)) == [("spec.containers[name=nginx]", "Removed", nginx, None)]
    assert _said(_spec(nginx, side), _spec(side, nginx)) == [
        ("spec.containers", "Reordered", ["name=nginx", "name=side"], ["name=side", "name=nginx"])
    ]


@pytest.mark.parametrize(
    ("field", "entry", "path"),
    [
        ("ports", {"containerPort": 80, "protocol": "TCP"}, "ports[containerPort=80,protocol=TCP].x"),
        ("ports", {"port": 80, "protocol": "UDP"}, "ports[port=80,protocol=UDP].x"),
        ("volumeMounts", {"mountPath": "/a b"}, 'volumeMounts[mountPath="/a b"].x'),
        ("topologySpreadConstraints", {"topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"},
         "topologySpreadConstraints[topologyKey=zone,whenUnsatisfiable=DoNotSchedule].x"),
        ("items", {"key": "a"}, "items[key=a].x"),
        ("rules", {"verbs": ["get"]}, "rules[0].x"),
    ],
)  # fmt: skip
def test_the_keys_are_those_of_kubernetes(field: str, entry: dict[str, Any], path: str) -> None:
    assert _said({field: [{**entry, "x": 1}]}, {field: [{**entry, "x": 2}]}) == [(path, "Changed", 1, 2)]


def test_a_list_of_plain_values_is_one_value() -> None:
    assert _said({"args": ["a", "b"]}, {"args": ["b"]}) == [("args", "Changed", ["a", "b"], ["b"])]


def test_entries_that_no_key_tells_apart_are_one_value_unless_there_are_as_many() -> None:
    twice = [{"name": "a"}, {"name": "a"}]
    assert _said({"env": twice}, {"env": [{"name": "a"}]}) == [("env", "Changed", twice, [{"name": "a"}])]


@pytest.mark.parametrize(("before", "after"), [(1, True), (0, False), (1, "1"), (None, 0), ([1], [True])])
def test_values_of_other_types_are_others(before: object, after: object) -> None:
    assert differences(before, after) == [Difference((), What.CHANGED, before, after)]


def test_labels_are_named_as_they_are() -> None:
    assert _said({"labels": {"app.example.org/name": "a"}}, {"labels": {"app.example.org/name": "b"}}) == [
        ("labels['app.example.org/name']", "Changed", "a", "b")
    ]
