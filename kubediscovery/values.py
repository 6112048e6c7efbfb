"""What typed handlers give, written as objects of Kubernetes: one, many, as a Table, or their metadata alone."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, cast

import msgspec
from msgspec import Raw, Struct

from kubediscovery.contracts import Contract
from kubediscovery.errors import NotAcceptable
from kubediscovery.field_validation import field_names
from kubediscovery.meta import (
    ListMeta,
    ObjectMeta,
    PartialObjectMetadata,
    PartialObjectMetadataList,
    Table,
    TableColumn,
    TableRow,
)
from kubediscovery.negotiation import PARTIAL_OBJECT_LIST, TABLE, Representation
from kubediscovery.nodes import timestamp
from kubediscovery.objects import Object
from kubediscovery.registry import Registration
from kubediscovery.subresource import Column
from kubediscovery.table import age

_NAME = TableColumn("Name", "string", "Name of the object.", format="name")
_AGE = TableColumn("Age", "string", "Time since the object was created.")


class Value(NamedTuple):
    """What a handler gave of an object; ``version`` is what a watch can go on from, 0 for the object's own."""

    parent: Object
    given: Struct
    version: int = 0


class Nothing(Struct):
    """What there was of an object that is gone, where nobody knows it any more."""


class Success(Struct, rename="camel", kw_only=True):
    """What who acts answers with that gives nothing (k8s.io/apimachinery, pkg/apis/meta/v1/types.go, Status)."""

    kind: str = "Status"
    api_version: str = "v1"
    metadata: ListMeta = msgspec.field(default_factory=ListMeta)
    status: str = "Success"
    code: int


class ValueList(Struct, rename="camel"):
    """The values of all objects."""

    kind: str
    api_version: str
    metadata: ListMeta
    items: list[Raw]


class Form:
    """How the values of one registration are written; what its struct does not have is added."""

    def __init__(self, registration: Registration, contract: Contract) -> None:
        self._kind = registration.kind
        self._api_version = registration.api_version
        names = field_names(contract.returns) if contract.returns is not None else frozenset[str]()
        added = {"kind": registration.kind, "apiVersion": registration.api_version}
        self._head = msgspec.json.encode({name: value for name, value in added.items() if name not in names})[:-1]
        self._adds_metadata = "metadata" not in names
        own = {column.name for column in contract.columns}
        self._getters = tuple(column.getter for column in contract.columns)
        self._has_name, self._has_age = _NAME.name in own, _AGE.name in own
        self._columns = (
            *(() if self._has_name else (_NAME,)),
            *map(_column, contract.columns),
            *(() if self._has_age else (_AGE,)),
        )

    def one(self, value: Value, representation: Representation, *, columns: bool = True) -> object:
        """One value, or its Table or metadata; ``columns`` is false for the later Tables of a watch.

        Raises :class:`NotAcceptable` where a list of metadata is asked for.
        """
        as_kind = representation.media_type.as_kind
        if not as_kind:
            return self.written(value)
        if as_kind == TABLE:
            metadata = ListMeta(resource_version=str(value.version or value.parent.resource_version))
            return self._table((value,), metadata, representation, columns=columns)
        if as_kind == PARTIAL_OBJECT_LIST:
            raise NotAcceptable(f"you requested {as_kind}, but the requested object is not a list ({self._kind})")
        return _partial(value, representation)

    def many(self, values: Sequence[Value], metadata: ListMeta, representation: Representation) -> object:
        """A list of values, or its Table or metadata; raises :class:`NotAcceptable` where one object is asked for."""
        as_kind, version = representation.media_type.as_kind, representation.media_type.version
        if not as_kind:
            return ValueList(f"{self._kind}List", self._api_version, metadata, [*map(self.written, values)])
        if as_kind == TABLE:
            return self._table(values, metadata, representation)
        if as_kind != PARTIAL_OBJECT_LIST:
            raise NotAcceptable(f"you requested {as_kind}, but the requested object is a list ({self._kind}List)")
        items = [_partial(value, representation) for value in values]
        return PartialObjectMetadataList(api_version=f"meta.k8s.io/{version}", metadata=metadata, items=items)

    def written(self, value: Value) -> Raw:
        """The value as JSON, with kind, apiVersion and metadata before its own fields."""
        head, body = self._head, msgspec.json.encode(value.given)
        if self._adds_metadata:
            comma = b"," if len(head) > 1 else b""
            head = b'%b%b"metadata":%b' % (head, comma, msgspec.json.encode(metadata_of(value)))
        if len(head) == 1:
            return Raw(body)
        return Raw(b"%b%b%b" % (head, b"," if len(body) > 2 else b"", body[1:]))

    def bookmark(self, metadata: ObjectMeta, representation: Representation, *, columns: bool = True) -> object:
        """The object of a watch's bookmark, which has metadata only."""
        as_kind, version = representation.media_type.as_kind, f"meta.k8s.io/{representation.media_type.version}"
        if not as_kind:
            return {"kind": self._kind, "apiVersion": self._api_version, "metadata": metadata}
        found = PartialObjectMetadata(metadata=metadata, api_version=version)
        if as_kind != TABLE:
            return found
        return Table(
            api_version=version,
            metadata=ListMeta(resource_version=metadata.resource_version),
            column_definitions=self._columns if columns else None,
            rows=[TableRow([""] * len(self._columns), found)],
        )

    def _table(
        self,
        values: Iterable[Value],
        metadata: ListMeta,
        representation: Representation,
        *,
        columns: bool = True,
    ) -> Table:
        now = datetime.now(UTC)
        return Table(
            api_version=f"meta.k8s.io/{representation.media_type.version}",
            metadata=metadata,
            column_definitions=self._columns if columns else None,
            rows=[TableRow(self._cells(value, now), self._row_object(value, representation)) for value in values],
        )

    def _cells(self, value: Value, now: datetime) -> list[str]:
        cells: list[object] = [] if self._has_name else [value.parent.name]
        is_gone = isinstance(value.given, Nothing)
        cells += ["" if is_gone else _cell(getter(value.given)) for getter in self._getters]
        if not self._has_age:
            cells.append(age(timestamp(value.parent.created), now))
        # The cells of kubediscovery's own Tables are texts; numbers are as good (apimachinery, TableRow).
        return cast(list[str], cells)

    def _row_object(self, value: Value, representation: Representation) -> object:
        if representation.include_object == "None":
            return None
        return self.written(value) if representation.include_object == "Object" else _partial(value, representation)


def metadata_of(value: Value) -> ObjectMeta:
    """Metadata of the object that a value is of."""
    parent = value.parent
    return ObjectMeta(
        name=parent.name,
        namespace=parent.namespace,
        uid=parent.uid,
        resource_version=str(value.version or parent.resource_version),
        creation_timestamp=timestamp(parent.created),
        labels=dict(parent.labels) or None,
    )


def _partial(value: Value, representation: Representation) -> PartialObjectMetadata:
    version = representation.media_type.version
    return PartialObjectMetadata(metadata=metadata_of(value), api_version=f"meta.k8s.io/{version}")


def _column(column: Column) -> TableColumn:
    said = column.description or f"{column.name} of the answer."
    return TableColumn(column.name, column.type, said, priority=column.priority)


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return value
    return ",".join(map(str, value)) if isinstance(value, list | tuple | set | frozenset) else str(value)
