"""The index of who names what: the UIDs that it is made of. What it finds is told by test_links and test_related."""

from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.naming import Uids, join, leave


@given(st.lists(st.integers(0, 30), max_size=200))
def test_uids_are_a_set_of_them(toggled: list[int]) -> None:
    uids, expected = Uids(), set[str]()
    for number in toggled:
        uid = f"u-{number}"
        (uids.drop if uid in expected else uids.add)(uid)
        expected ^= {uid}
        assert (sorted(uids), len(uids), bool(uids)) == (sorted(expected), len(expected), bool(expected))
        assert (uid in uids) == (uid in expected)


def test_what_is_dropped_is_not_kept_for_long() -> None:
    uids = Uids()
    for number in range(1_000):
        uids.add(f"u-{number}")
    for number in range(1_000):
        uids.drop(f"u-{number}")
    assert (len(uids._all), uids._dropped) == (0, None)


def test_an_empty_key_has_none_and_nothing_is_kept_for_a_key_without_any() -> None:
    index: dict[str, Uids] = {}
    join(index, "", "u")
    leave(index, "", "u")
    join(index, "node", "u")
    join(index, "node", "v")
    leave(index, "node", "u")
    assert {key: list(uids) for key, uids in index.items()} == {"node": ["v"]}
    leave(index, "node", "v")
    assert index == {}
