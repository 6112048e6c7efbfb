"""What lint finds, as it is answered: a report of findings, and its Table."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from kubediscovery.meta import ListMeta, ObjectMeta, PartialObjectMetadata, Table, TableColumn, TableRow
from kubediscovery.omissions import Omitted


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "Error"
    WARNING = "Warning"


class Rule(StrEnum):
    """What lint looks for."""

    OWNER_NOT_FOUND = "OwnerNotFound"
    OWNER_IN_ANOTHER_NAMESPACE = "OwnerInAnotherNamespace"
    OWNER_MISMATCH = "OwnerMismatch"
    NAMESPACED_OWNER = "NamespacedOwner"
    OWNERSHIP_CYCLE = "OwnershipCycle"
    SEVERAL_CONTROLLERS = "SeveralControllers"
    ORPHAN = "Orphan"


class Involved(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """An object that a finding is about."""

    api_version: Annotated[str, Meta(description="Group and version of the object, as in apps/v1.")]
    kind: Annotated[str, Meta(description="Kind of the object, as in Pod.")]
    name: Annotated[str, Meta(description="Name of the object.")]
    namespace: Annotated[str, Meta(description="Namespace of the object; left out for cluster-scoped kinds.")] = ""
    uid: Annotated[str, Meta(description="UID of the object.")] = ""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """Something that is wrong with who owns an object."""

    kind: Annotated[str, Meta(description="Kind of this object: Finding.")]
    api_version: Annotated[str, Meta(description="Group and version of this object.")]
    metadata: Annotated[
        ObjectMeta,
        Meta(
            description="Metadata of the object that this is about, under a name that also gives its resource, its "
            "group and the rule, as in pods.web-0.orphan."
        ),
    ]
    severity: Annotated[
        Severity, Meta(description="Error where the object is deleted or refused for it, otherwise Warning.")
    ]
    rule: Annotated[Rule, Meta(description="One CamelCase word for what is wrong.")]
    object: Annotated[Involved, Meta(description="The object that this is about.")]
    reference: Annotated[
        Involved | None,
        Meta(description="The owner that is wrong, as the object refers to it, or who would adopt the object."),
    ] = None
    message: Annotated[str, Meta(description="What is wrong, in a sentence for people.")]
    action: Annotated[str, Meta(description="What to do about it, in a sentence for people.")]


class LintReport(msgspec.Struct, rename="camel", kw_only=True):
    """What is wrong with who owns what, as far as you may see it."""

    kind: Annotated[str, Meta(description="Kind of this list: LintReport.")] = "LintReport"
    api_version: Annotated[str, Meta(description="Group and version of this list.")]
    metadata: Annotated[ListMeta, Meta(description="Metadata of the list.")]
    items: Annotated[list[Finding], Meta(description="The findings, sorted by namespace and name.")]
    omitted: Annotated[
        list[Omitted], Meta(description="Resources of which no object is looked at, whether or not there are any.")
    ]


_COLUMNS = (
    TableColumn("Name", "string", "Plural, group and name of the object, and the rule.", format="name"),
    TableColumn("Severity", "string", "Error or Warning."),
    TableColumn("Rule", "string", "One CamelCase word for what is wrong."),
    TableColumn("Message", "string", "What is wrong."),
    TableColumn("Action", "string", "What to do about it.", priority=1),
)


def table_of_report(report: LintReport, *, version: str, include_object: str) -> Table:
    """A Table with one row a finding; ``version`` is the Table's own, v1 or v1beta1."""
    api_version = f"meta.k8s.io/{version}"

    def row_object(item: Finding) -> object:
        if include_object == "Metadata":
            return PartialObjectMetadata(metadata=item.metadata, api_version=api_version)
        return item if include_object == "Object" else None

    return Table(
        api_version=api_version,
        metadata=report.metadata,
        column_definitions=_COLUMNS,
        rows=[TableRow(_cells(item), row_object(item)) for item in report.items],
    )


def sort_findings(items: Sequence[Finding]) -> list[Finding]:
    """In the order of reports."""
    return sorted(items, key=lambda item: (item.metadata.namespace, item.metadata.name))


def _cells(item: Finding) -> list[str]:
    return [item.metadata.name, item.severity, item.rule, item.message, item.action]
