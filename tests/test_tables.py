"""The objects of one kind by namespace and name."""

import pytest

from kubediscovery.tables import Coverage, Table
from tests.objects import POD, make

HERE, THERE = make(POD, "a", "here"), make(POD, "b", "there")


def filled() -> Table:
    return Table(count=2, namespaces={"here": {"a": HERE}, "there": {"b": THERE}})


def test_objects_are_those_of_a_namespace_or_of_all() -> None:
    table = filled()
    assert list(table.objects("here")) == [HERE]
    assert list(table.objects(None)) == [HERE, THERE]
    assert list(table.objects("nowhere")) == []


def test_nothing_is_kept_of_a_namespace_that_is_empty() -> None:
    table = filled()
    table.discard(HERE)
    assert (table.count, table.namespaces) == (1, {"there": {"b": THERE}})


@pytest.mark.parametrize("coverage", Coverage)
def test_what_is_pending_or_complete_is_not_omitted(coverage: Coverage) -> None:
    assert coverage.omits == (coverage.value in ("Forbidden", "NotFound", "Unavailable"))
