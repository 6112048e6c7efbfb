"""The shapes of ``meta.k8s.io/v1`` that answers are written in (k8s.io/apimachinery, pkg/apis/meta/v1/types.go)."""

from typing import Any

import msgspec

from kubediscovery.errors import StatusError


class ObjectMeta(msgspec.Struct, omit_defaults=True, rename="camel"):
    """The metadata of an answer's object; ``resource_version`` is kube-apiserver's own."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: str | None = None
    labels: dict[str, str] | None = None


class ListMeta(msgspec.Struct, omit_defaults=True, rename="camel"):
    """The metadata of a list."""

    resource_version: str = ""


class StatusCause(msgspec.Struct, omit_defaults=True):
    """Why in particular."""

    reason: str = ""
    message: str = ""


class StatusDetails(msgspec.Struct, omit_defaults=True, rename="camel"):
    """What an error is about; ``kind`` is the resource, ``retry_after_seconds`` whole seconds."""

    name: str = ""
    group: str = ""
    kind: str = ""
    causes: list[StatusCause] | None = None
    retry_after_seconds: int = 0


class Status(msgspec.Struct, rename="camel"):
    """An answer that is not a success."""

    message: str
    reason: str
    code: int
    details: StatusDetails | msgspec.UnsetType = msgspec.UNSET
    kind: str = "Status"
    api_version: str = "v1"
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    status: str = "Failure"


class PartialObjectMetadata(msgspec.Struct, rename="camel"):
    """What a Table's row carries of its object."""

    metadata: ObjectMeta
    kind: str = "PartialObjectMetadata"
    api_version: str = "meta.k8s.io/v1"


class TableColumn(msgspec.Struct):
    """A column; ``priority`` above 0 is shown by ``-o wide`` only."""

    name: str
    type: str
    description: str
    format: str = ""
    priority: int = 0


class TableRow(msgspec.Struct):
    """One object's cells, in the order of the columns."""

    cells: list[Any]
    object: Any


class Table(msgspec.Struct, rename="camel"):
    """What kubectl prints."""

    column_definitions: tuple[TableColumn, ...]
    rows: list[TableRow]
    metadata: ListMeta
    api_version: str
    kind: str = "Table"


def status_of(error: StatusError) -> Status:
    """The one rendering of an error."""
    details = StatusDetails(retry_after_seconds=error.retry_after or 0)
    if error.subject is not None:
        details.group, details.kind, details.name = error.subject.group, error.subject.kind, error.subject.name
    if error.cause:
        details.causes = [StatusCause(reason=error.cause, message=str(error))]
    return Status(
        message=str(error),
        reason=error.reason,
        code=error.code,
        details=msgspec.UNSET if details == StatusDetails() else details,
    )
