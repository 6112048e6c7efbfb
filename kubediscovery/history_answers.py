"""What is answered of former versions, and made of them: bounded, whatever objects hold."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from kubediscovery.differences import Difference, What
from kubediscovery.field_paths import path_text
from kubediscovery.happenings import Happened
from kubediscovery.omissions import Omitted
from kubediscovery.tree_changes import TreeChange
from kubediscovery.versions import Origin, Version, stamp

# Fields of one comparison, bytes of a value that is shown whole, and of all documents in one answer.
MOST_FIELDS, LONGEST_VALUE, LONGEST_ANSWER = 1_000, 16_384, 4 << 20

_OMITTED = "Resources that nothing was asked of or learned from, and why: what they tell is not in the answer."


class VersionInfo(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A version of an object, without what is in it."""

    name: Annotated[
        str,
        Meta(
            description="What to call it: its generation (7, and 7.2 where labels alone made another one), r and the "
            "number of the revision that alone tells of it (r3), or v and the resource version."
        ),
    ]
    origins: Annotated[
        list[Origin],
        Meta(
            description="Who tells of it: Revision (a ReplicaSet or ControllerRevision), Cache (it went by), File (the "
            "same before a restart), Audit (kube-apiserver's audit log), Present (it is so now)."
        ),
    ]
    time: Annotated[str, Meta(description="When it was written, as far as that is known.")] = ""
    generation: Annotated[int, Meta(description="metadata.generation of the object.")] = 0
    revision: Annotated[int, Meta(description="Number of the revision that kept the pods' template of it.")] = 0
    manager: Annotated[str, Meta(description="Who wrote it, as metadata.managedFields call them.")] = ""
    cause: Annotated[str, Meta(description="The annotation kubernetes.io/change-cause.")] = ""
    partial: Annotated[bool, Meta(description="True where nothing but spec.template is known of it.")] = False


class Versions(Struct, frozen=True, omit_defaults=True):
    """The versions of an object that are known, the oldest first."""

    versions: Annotated[list[VersionInfo], Meta(description="The versions, the oldest first.")]
    omitted: Annotated[list[Omitted], Meta(description=_OMITTED)] = []


class SpecVersion(Struct, frozen=True, omit_defaults=True):
    """A version of an object, with what is in it."""

    version: Annotated[VersionInfo, Meta(description="Which version it is.")]
    spec: Annotated[Any, Meta(description="The spec; left out where the kind has none.")] = None
    rest: Annotated[
        dict[str, Any],
        Meta(description="What somebody wrote beside the spec: labels and annotations, or the data of a ConfigMap."),
    ] = {}


class SpecHistory(Struct, frozen=True, omit_defaults=True):
    """What an object was like, the oldest version first."""

    specs: Annotated[list[SpecVersion], Meta(description="The versions, the oldest first.")]
    older: Annotated[int, Meta(description="Number of older versions that there was no room for.")] = 0
    omitted: Annotated[list[Omitted], Meta(description=_OMITTED)] = []


class FieldChange(Struct, frozen=True, rename="camel"):
    """A field that is different."""

    path: Annotated[str, Meta(description="Path of the field, as in spec.template.spec.containers[name=nginx].image.")]
    what: Annotated[What, Meta(description="What became of it.")]
    before: Annotated[Any, Meta(description="What was there; left out where there was nothing.")] = UNSET
    after: Annotated[Any, Meta(description="What is there; left out where there is nothing.")] = UNSET
    shortened: Annotated[
        bool | UnsetType, Meta(description="True where a value was too long: its JSON is shown as a text, and cut.")
    ] = UNSET


class Comparison(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What is different between two versions of an object."""

    start: Annotated[VersionInfo, Meta(description="The version that is compared.")]
    end: Annotated[VersionInfo, Meta(description="The version that it is compared with.")]
    changes: Annotated[list[FieldChange], Meta(description="The fields that are different, in the documents' order.")]
    more: Annotated[int, Meta(description="Number of further fields that there was no room for.")] = 0
    compared: Annotated[
        str, Meta(description="What was compared where one of them is known in part; otherwise left out.")
    ] = ""
    omitted: Annotated[list[Omitted], Meta(description=_OMITTED)] = []


class Bisection(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """In which version a field got a value."""

    field: Annotated[str, Meta(description="Path of the field.")]
    found: Annotated[bool, Meta(description="Whether there is a version in which it holds the value.")]
    holds: Annotated[bool, Meta(description="Whether it holds it in the newest version.")]
    versions: Annotated[int, Meta(description="Number of versions that were looked at.")]
    value: Annotated[str | None, Meta(description="The value; left out where any will do.")] = None
    first: Annotated[VersionInfo | None, Meta(description="The first version in which it holds the value.")] = None
    before: Annotated[VersionInfo | None, Meta(description="The version before that, in which it does not.")] = None
    since: Annotated[
        VersionInfo | None,
        Meta(description="The version from which on it holds it without a break; left out where it does not now."),
    ] = None
    omitted: Annotated[list[Omitted], Meta(description=_OMITTED)] = []


class Change(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What happened to an object in a tree."""

    time: Annotated[str, Meta(description="When it happened.")]
    what: Annotated[Happened, Meta(description="What happened.")]
    api_version: Annotated[str, Meta(description="Group and version of the object, as in apps/v1.")]
    kind: Annotated[str, Meta(description="Kind of the object, as in Deployment.")]
    name: Annotated[str, Meta(description="Name of the object.")]
    uid: Annotated[str, Meta(description="UID of the object.")]
    namespace: Annotated[str, Meta(description="Namespace of the object; left out for cluster-scoped kinds.")] = ""
    version: Annotated[str, Meta(description="The version that came of it, where one is kept.")] = ""
    manager: Annotated[str, Meta(description="Who wrote it, as metadata.managedFields call them.")] = ""
    fields: Annotated[list[FieldChange], Meta(description="The fields that are different since, as far as known.")] = []
    more: Annotated[int, Meta(description="Number of further fields that there was no room for.")] = 0


class Changes(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What changed in a tree, newest first."""

    since: Annotated[str, Meta(description="From when on it was looked for changes.")]
    until: Annotated[str, Meta(description="When the answer was made.")]
    changes: Annotated[list[Change], Meta(description="What happened, newest first.")]
    older: Annotated[int, Meta(description="Number of older changes that there was no room for.")] = 0
    complete_since: Annotated[
        str,
        Meta(
            description="Where it is later than since: what went before that, or was changed of a kind of which no "
            "versions are kept, may be missing."
        ),
    ] = ""
    omitted: Annotated[list[Omitted], Meta(description=_OMITTED)] = []


def version_info(version: Version) -> VersionInfo:
    """The version without its document."""
    return VersionInfo(
        name=version.name,
        origins=sorted(version.origins),
        time=stamp(version.time),
        generation=version.generation,
        revision=version.revision,
        manager=version.manager,
        cause=version.cause[:LONGEST_VALUE],
        partial=version.partial,
    )


def spec_history(versions: Sequence[Version], last: int, omitted: list[Omitted]) -> SpecHistory:
    """As many of the newest as are wanted and fit, one at least."""
    specs: list[SpecVersion] = []
    size = 0
    for version in reversed(versions[-last:]):
        size += len(msgspec.json.encode(version.document))
        if specs and size > LONGEST_ANSWER:
            break
        rest = {name: part for name, part in version.document.items() if name != "spec"}
        specs.append(SpecVersion(version_info(version), version.document.get("spec"), rest))
    specs.reverse()
    return SpecHistory(specs, len(versions) - len(specs), omitted)


def field_changes(found: Sequence[Difference]) -> tuple[list[FieldChange], int]:
    """As many as there is room for, and the number of the others."""
    return [_field_change(each) for each in found[:MOST_FIELDS]], max(0, len(found) - MOST_FIELDS)


def _field_change(found: Difference) -> FieldChange:
    before, is_cut = _shown(found.before)
    after, is_cut_too = _shown(found.after)
    return FieldChange(
        path=path_text(found.path),
        what=found.what,
        before=UNSET if found.what is What.ADDED else before,
        after=UNSET if found.what is What.REMOVED else after,
        shortened=True if is_cut or is_cut_too else UNSET,
    )


def _shown(value: object) -> tuple[object, bool]:
    body = msgspec.json.encode(value)
    if len(body) <= LONGEST_VALUE:
        return value, False
    return body[:LONGEST_VALUE].decode(errors="ignore"), True


def changes(found: Iterable[TreeChange]) -> list[Change]:
    """What is said of each."""
    return [_change(each) for each in found]


def _change(found: TreeChange) -> Change:
    fields, more = field_changes(found.fields)
    item, version = found.item, found.version
    return Change(
        time=stamp(found.time),
        what=found.what,
        api_version=item.kind.api_version,
        kind=item.kind.kind,
        name=item.name,
        uid=item.uid,
        namespace=item.namespace,
        version=version.name if version is not None else "",
        manager=version.manager if version is not None else "",
        fields=fields,
        more=more,
    )
