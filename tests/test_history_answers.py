from __future__ import annotations

import msgspec

from kubediscovery.differences import differences
from kubediscovery.history_answers import LONGEST_ANSWER, LONGEST_VALUE, MOST_FIELDS, field_changes, spec_history
from tests.versioning import version_of, whole


def test_a_long_value_is_cut() -> None:
    (change,), more = field_changes(differences({"a": "x"}, {"a": "ä" * LONGEST_VALUE}))
    assert (change.before, more) == ("x", 0)
    assert change.shortened is True
    assert isinstance(change.after, str)
    assert len(change.after.encode()) <= LONGEST_VALUE


def test_what_was_not_there_is_left_out_and_null_is_not() -> None:
    found, _ = field_changes(differences({"a": 1, "b": 2}, {"b": None, "c": None}))
    assert msgspec.json.decode(msgspec.json.encode(found)) == [
        {"path": "a", "what": "Removed", "before": 1},
        {"path": "b", "what": "Changed", "before": 2, "after": None},
        {"path": "c", "what": "Added", "after": None},
    ]


def test_there_are_not_too_many_fields() -> None:
    found, more = field_changes(differences({}, {str(number): 1 for number in range(MOST_FIELDS + 5)}))
    assert (len(found), more) == (MOST_FIELDS, 5)


def test_of_specs_there_are_those_that_fit_and_one_at_least() -> None:
    large = [version_of({"spec": {"text": "x" * (LONGEST_ANSWER // 3)}}, generation=number) for number in range(1, 6)]
    found = spec_history(large, 100, [])
    assert [each.version.generation for each in found.specs] == [4, 5]
    assert found.older == 3
    found = spec_history([version_of({"spec": "x" * (2 * LONGEST_ANSWER)})], 1, [])
    assert len(found.specs) == 1
    found = spec_history([whole("a", 1), whole("b", 2)], 1, [])
    assert (len(found.specs), found.older) == (1, 1)
