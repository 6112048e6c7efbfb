"""Compositions as the Table that kubectl prints (k8s.io/apimachinery, pkg/apis/meta/v1, Table)."""

import math
from collections.abc import Sequence
from datetime import datetime

from kubediscovery.composition import Composition
from kubediscovery.meta import ListMeta, ObjectMeta, PartialObjectMetadata, Table, TableColumn, TableRow

_COLUMNS = (
    TableColumn("Name", "string", "Plural, group and name of the root object.", format="name"),
    TableColumn("Ready", "string", "Ready replicas, containers or completions of the root, of those wanted."),
    TableColumn("Health", "string", "The worst health in the tree."),
    TableColumn("Pods", "string", "Ready pods in the tree, of all its pods; empty for who may not list pods."),
    TableColumn("Age", "string", "Time since the root object was created."),
    TableColumn("Rollout", "string", "How far the root's rollout is; empty where it rolls out nothing.", priority=1),
    TableColumn("Revision", "string", "The root's revision.", priority=1),
    TableColumn("Reason", "string", "Why the root is in this health.", priority=1),
    TableColumn("Images", "string", "The images of the root's containers.", priority=1),
)
#: The cell that changes by itself.
AGE_CELL = [column.name for column in _COLUMNS].index("Age")
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3_600, 86_400, 365 * 86_400
# Up to a limit in seconds: the unit and, where it still says something, the one below it (pkg/util/duration).
_AGES = (
    (2 * _MINUTE, ("s", 1), None),
    (10 * _MINUTE, ("m", _MINUTE), ("s", 1)),
    (3 * _HOUR, ("m", _MINUTE), None),
    (8 * _HOUR, ("h", _HOUR), ("m", _MINUTE)),
    (2 * _DAY, ("h", _HOUR), None),
    (8 * _DAY, ("d", _DAY), ("h", _HOUR)),
    (2 * _YEAR, ("d", _DAY), None),
    (8 * _YEAR, ("y", _YEAR), ("d", _DAY)),
    (math.inf, ("y", _YEAR), None),
)


def table_of(
    items: Sequence[Composition],
    metadata: ListMeta,
    *,
    version: str,
    include_object: str,
    now: datetime,
    columns: bool = True,
) -> Table:
    """A Table with one row a composition; ``version`` is the Table's own, v1 or v1beta1.

    ``metadata`` is that of the list; ``columns`` is false for the second and later Tables of a watch.
    """
    return Table(
        api_version=f"meta.k8s.io/{version}",
        metadata=metadata,
        column_definitions=_COLUMNS if columns else None,
        rows=[TableRow(_cells(item, now), _row_object(item, include_object, version)) for item in items],
    )


def table_of_bookmark(metadata: ObjectMeta, *, version: str, columns: bool = True) -> Table:
    """The Table of a watch's bookmark: one row without text, whose object has the metadata.

    The object is there whatever ``includeObject`` says: clients look for its annotations (k8s.io/apiserver,
    ``pkg/endpoints/handlers/response.go``, asTable).
    """
    found = PartialObjectMetadata(metadata=metadata, api_version=f"meta.k8s.io/{version}")
    return Table(
        api_version=found.api_version,
        metadata=ListMeta(resource_version=metadata.resource_version),
        column_definitions=_COLUMNS if columns else None,
        rows=[TableRow([""] * len(_COLUMNS), found)],
    )


def age(since: str | None, now: datetime) -> str:
    """The time since an RFC 3339 timestamp as kubectl prints it: ``45s``, ``3m5s``, ``2d``.

    Clocks may differ: up to 2 s in the future count as now, more is ``<invalid>``.
    """
    if not since:
        return "<unknown>"
    seconds = int((now - datetime.fromisoformat(since)).total_seconds())
    if seconds < -1:
        return "<invalid>"
    seconds = max(seconds, 0)
    (unit, length), below = next((unit, below) for limit, unit, below in _AGES if seconds < limit)
    rest = seconds % length // below[1] if below else 0
    return f"{seconds // length}{unit}" + (f"{rest}{below[0]}" if below and rest else "")


def _cells(item: Composition, now: datetime) -> list[str]:
    root, info, pods = item.root, item.root.info, item.status.pods
    return [
        item.metadata.name,
        root.ready or "",
        item.status.health,
        f"{pods.ready}/{pods.total}" if pods else "",
        age(item.metadata.creation_timestamp, now),
        item.status.rollout.state if item.status.rollout else "",
        (info and info.revision) or "",
        root.reason,
        ",".join((info and info.images) or ()),
    ]


def _row_object(item: Composition, include_object: str, version: str) -> object:
    if include_object == "None":
        return None
    if include_object == "Object":
        return item
    return PartialObjectMetadata(metadata=item.metadata, api_version=f"meta.k8s.io/{version}")
