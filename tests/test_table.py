"""Tables: what kubectl prints, cell by cell."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.api import ApiGroup
from kubediscovery.composition import Composition
from kubediscovery.compositions import Compositions
from kubediscovery.kinds import Kinds
from kubediscovery.meta import ListMeta, ObjectMeta, PartialObjectMetadata
from kubediscovery.table import age, table_of, table_of_bookmark
from tests.objects import POD, REPLICA_SET, filled, seeing
from tests.serving import CREATED, make

NOW = datetime.fromtimestamp(CREATED, UTC) + timedelta(days=3, hours=4, minutes=5)
LIST = ListMeta(resource_version="77", continue_="token", remaining_item_count=3)
MINUTE, HOUR, DAY = 60, 3600, 86400
YEAR = 365 * DAY


def compositions(*, visible: bool = True) -> list[Composition]:
    kinds = Kinds()
    replica_set = make(REPLICA_SET, "web", labels={"app": "web"})
    store = filled([replica_set, make(POD, "web-1", owner=replica_set, version=130)], kinds)
    found = Compositions(ApiGroup("g.io", "v1", kinds), store)
    return [found.one(REPLICA_SET, "shop", "web", seeing(kinds if visible else ()))]


def test_the_columns_and_the_cells() -> None:
    table = table_of(compositions(), LIST, version="v1", include_object="None", now=NOW)
    names = [(column.name, column.priority) for column in table.column_definitions or ()]
    assert names == [
        ("Name", 0),
        ("Ready", 0),
        ("Health", 0),
        ("Pods", 0),
        ("Age", 0),
        ("Rollout", 1),
        ("Revision", 1),
        ("Reason", 1),
        ("Images", 1),
    ]
    assert [row.cells for row in table.rows] == [
        ["replicasets.apps.web", "2/2", "Healthy", "1/1", "3d4h", "", "3", "", "nginx:1.27"]
    ]
    assert table.metadata is LIST


def test_every_column_is_declared_as_kubectl_reads_it() -> None:
    table = table_of([], LIST, version="v1", include_object="None", now=NOW)
    written = msgspec.json.decode(msgspec.json.encode(table))
    assert (written["kind"], written["apiVersion"], written["rows"]) == ("Table", "meta.k8s.io/v1", [])
    for column in written["columnDefinitions"]:
        assert column.keys() == {"name", "type", "format", "description", "priority"}
        assert column["type"] == "string"
    assert [column["format"] for column in written["columnDefinitions"]] == ["name", *[""] * 8]


def test_pods_that_may_not_be_seen_are_not_counted() -> None:
    (row,) = table_of(compositions(visible=False), LIST, version="v1", include_object="None", now=NOW).rows
    assert row.cells[3] == ""


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_rows_carry_metadata_of_the_tables_own_version(version: str) -> None:
    table = table_of(compositions(), LIST, version=version, include_object="Metadata", now=NOW)
    assert table.api_version == f"meta.k8s.io/{version}"
    (row,) = table.rows
    assert isinstance(row.object, PartialObjectMetadata)
    assert (row.object.api_version, row.object.metadata.name) == (f"meta.k8s.io/{version}", "replicasets.apps.web")
    assert row.object.metadata.labels == {"app": "web"}


def test_rows_carry_the_object_or_nothing_where_asked() -> None:
    items = compositions()
    assert table_of(items, LIST, version="v1", include_object="Object", now=NOW).rows[0].object is items[0]
    assert table_of(items, LIST, version="v1", include_object="None", now=NOW).rows[0].object is None


def test_the_second_table_of_a_watch_has_no_columns() -> None:
    table = table_of(compositions(), LIST, version="v1", include_object="None", now=NOW, columns=False)
    written = msgspec.json.decode(msgspec.json.encode(table))
    assert written["columnDefinitions"] is None
    assert len(written["rows"]) == 1


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_bookmark_is_a_row_whose_object_has_its_metadata(version: str) -> None:
    metadata = ObjectMeta(resource_version="8", annotations={"k8s.io/initial-events-end": "true"})
    table = table_of_bookmark(metadata, version=version)
    assert (table.api_version, table.metadata.resource_version) == (f"meta.k8s.io/{version}", "8")
    (row,) = table.rows
    assert row.cells == [""] * len(table.column_definitions or ())
    assert row.object == PartialObjectMetadata(metadata=metadata, api_version=f"meta.k8s.io/{version}")
    assert table_of_bookmark(metadata, version=version, columns=False).column_definitions is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-2, "<invalid>"),
        (-1.999, "0s"),
        (0, "0s"),
        (0.999, "0s"),
        (1, "1s"),
        (70, "70s"),
        (2 * MINUTE - 0.001, "119s"),
        (2 * MINUTE, "2m"),
        (190, "3m10s"),
        (10 * MINUTE - 0.001, "9m59s"),
        (10 * MINUTE, "10m"),
        (70 * MINUTE, "70m"),
        (3 * HOUR - 0.001, "179m"),
        (3 * HOUR, "3h"),
        (3 * HOUR + MINUTE, "3h1m"),
        (8 * HOUR - 0.001, "7h59m"),
        (8 * HOUR + 59 * MINUTE, "8h"),
        (2 * DAY - 0.001, "47h"),
        (2 * DAY, "2d"),
        (2 * DAY + HOUR, "2d1h"),
        (8 * DAY - 0.001, "7d23h"),
        (8 * DAY + 23 * HOUR, "8d"),
        (367 * DAY, "367d"),
        (2 * YEAR - 0.001, "729d"),
        (2 * YEAR, "2y"),
        (2 * YEAR + 23 * HOUR + 59 * MINUTE, "2y"),
        (2 * YEAR + DAY, "2y1d"),
        (8 * YEAR - 0.001, "7y364d"),
        (8 * YEAR + 200 * DAY, "8y"),
        (25 * YEAR, "25y"),
    ],
)
def test_ages_as_kubectl_prints_them(seconds: float, text: str) -> None:
    """The boundaries of k8s.io/apimachinery, pkg/util/duration, HumanDuration."""
    assert age((NOW - timedelta(seconds=seconds)).isoformat(), NOW) == text


def test_an_object_without_a_creation_time_has_an_unknown_age() -> None:
    assert age(None, NOW) == age("", NOW) == "<unknown>"


@given(st.integers(0, 40 * YEAR))
def test_an_age_is_rounded_down_and_by_little(seconds: int) -> None:
    units = {"s": 1, "m": MINUTE, "h": HOUR, "d": DAY, "y": YEAR}
    text = age((NOW - timedelta(seconds=seconds)).isoformat(), NOW)
    total, number = 0, ""
    for character in text:
        number, total = (
            (number + character, total) if character.isdigit() else ("", total + int(number) * units[character])
        )
    assert total <= seconds
    assert seconds - total < max(seconds / 8, 1)
