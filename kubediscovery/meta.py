"""The shapes of ``meta.k8s.io/v1`` that answers are written in (k8s.io/apimachinery, pkg/apis/meta/v1/types.go).

Docstrings and descriptions are what ``kubectl explain`` shows.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from kubediscovery.errors import StatusError


class ObjectMeta(msgspec.Struct, omit_defaults=True, rename="camel"):
    """Metadata that every object has."""

    name: Annotated[str, Meta(description="Name of the object, unique in its namespace.")] = ""
    namespace: Annotated[str, Meta(description="Namespace of the object; left out for cluster-scoped kinds.")] = ""
    uid: Annotated[str, Meta(description="UID of the object; a new one under the same name has another.")] = ""
    resource_version: Annotated[
        str, Meta(description="Version of the object, kube-apiserver's own; the same in every replica of this server.")
    ] = ""
    creation_timestamp: Annotated[
        str | None, Meta(description="When the object was created.", extra_json_schema={"format": "date-time"})
    ] = None
    labels: Annotated[dict[str, str] | None, Meta(description="Labels of the object, for selectors.")] = None
    annotations: Annotated[dict[str, str] | None, Meta(description="Annotations of the object.")] = None


class ListMeta(msgspec.Struct, omit_defaults=True, rename="camel"):
    """Metadata that every list has."""

    resource_version: Annotated[
        str, Meta(description="Version of the list, kube-apiserver's own; a watch can go on from it.")
    ] = ""
    continue_: Annotated[str, Meta(description="Token for the rest of the list; left out where there is no more.")] = (
        msgspec.field(default="", name="continue")
    )
    remaining_item_count: Annotated[
        int | None, Meta(description="How many items come after this part of the list; left out where not known.")
    ] = None


class StatusCause(msgspec.Struct, omit_defaults=True):
    """One of the causes of an error."""

    reason: Annotated[str, Meta(description="One CamelCase word for the cause.")] = ""
    message: Annotated[str, Meta(description="The cause in a sentence for people.")] = ""
    field: Annotated[str, Meta(description="Name of the parameter that the cause is about.")] = ""


class StatusDetails(msgspec.Struct, omit_defaults=True, rename="camel"):
    """What an error is about."""

    name: Annotated[str, Meta(description="Name of the object that the error is about.")] = ""
    group: Annotated[str, Meta(description="API group of the resource that the error is about.")] = ""
    kind: Annotated[str, Meta(description="Plural of the resource that the error is about.")] = ""
    causes: Annotated[list[StatusCause] | None, Meta(description="Causes of the error, in particular.")] = None
    retry_after_seconds: Annotated[int, Meta(description="Seconds after which the request may be tried again.")] = 0


class Status(msgspec.Struct, rename="camel", kw_only=True):
    """An answer that is not a success."""

    kind: Annotated[str, Meta(description="Kind of this object: Status.")] = "Status"
    api_version: Annotated[str, Meta(description="Version of this object.")] = "v1"
    metadata: Annotated[
        ListMeta, Meta(description="Empty; for a list that has expired, the token by which it can go on all the same.")
    ] = msgspec.field(default_factory=ListMeta)
    status: Annotated[str, Meta(description="Always Failure.")] = "Failure"
    message: Annotated[str, Meta(description="What was wrong, in a sentence for people.")]
    reason: Annotated[str, Meta(description="One CamelCase word for what was wrong, for programs.")]
    details: Annotated[
        StatusDetails | msgspec.UnsetType, Meta(description="What the error is about, where there is more to say.")
    ] = msgspec.UNSET
    code: Annotated[int, Meta(description="HTTP status of the answer.")]


class PartialObjectMetadata(msgspec.Struct, rename="camel", kw_only=True):
    """An object without what is its kind's own."""

    kind: Annotated[str, Meta(description="Kind of this object: PartialObjectMetadata.")] = "PartialObjectMetadata"
    api_version: Annotated[str, Meta(description="Group and version of this object.")] = "meta.k8s.io/v1"
    metadata: Annotated[ObjectMeta, Meta(description="Metadata of the object.")]


class PartialObjectMetadataList(msgspec.Struct, rename="camel", kw_only=True):
    """A list whose objects are without what is their kind's own."""

    kind: Annotated[str, Meta(description="Kind: PartialObjectMetadataList.")] = "PartialObjectMetadataList"
    api_version: Annotated[str, Meta(description="Group and version of this list.")]
    metadata: Annotated[ListMeta, Meta(description="Metadata of the list.")]
    items: Annotated[list[PartialObjectMetadata], Meta(description="Metadata of each object.")]


class TableColumn(msgspec.Struct):
    """A column of a Table."""

    name: Annotated[str, Meta(description="Heading of the column.")]
    type: Annotated[str, Meta(description="OpenAPI type of the column's cells.")]
    description: Annotated[str, Meta(description="What the column says.")]
    format: Annotated[str, Meta(description="OpenAPI format of the cells; name marks the column of names.")] = ""
    priority: Annotated[int, Meta(description="0 for columns that are always shown, more for wide output only.")] = 0


class TableRow(msgspec.Struct):
    """One object as a row of a Table."""

    cells: Annotated[list[str], Meta(description="Cells of the row, in the order of the columns.")]
    object: Annotated[Any, Meta(description="The row's object as far as includeObject asks for it, or null.")]


class Table(msgspec.Struct, rename="camel", kw_only=True):
    """Objects as rows of cells, as kubectl prints them."""

    kind: Annotated[str, Meta(description="Kind of this object: Table.")] = "Table"
    api_version: Annotated[str, Meta(description="Group and version of this object.")]
    metadata: Annotated[ListMeta, Meta(description="Metadata of the list.")]
    column_definitions: Annotated[
        tuple[TableColumn, ...] | None,
        Meta(description="The columns; null in a watch where those of an earlier Table hold."),
    ]
    rows: Annotated[list[TableRow], Meta(description="One row for each object.")]


def status_of(error: StatusError) -> Status:
    """The one rendering of an error."""
    details = StatusDetails(retry_after_seconds=error.retry_after or 0)
    if error.subject is not None:
        details.group, details.kind, details.name = error.subject.group, error.subject.kind, error.subject.name
    if error.causes:
        details.causes = [StatusCause(cause.reason, cause.message, cause.field) for cause in error.causes]
    return Status(
        metadata=ListMeta(continue_=error.continue_token),
        message=str(error),
        reason=error.reason,
        code=error.code,
        details=msgspec.UNSET if details == StatusDetails() else details,
    )
