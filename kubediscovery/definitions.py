"""The schemas of what is answered, derived from the structs that answers are made of.

What msgspec gives is JSON Schema of 2020; OpenAPI 3.0 and kubectl want its older words for the same. All names are the
group's own, those of ``meta.k8s.io`` too: the aggregator keeps the documents of all servers together, where a shape
that lacks a field of Kubernetes's own must not stand under Kubernetes's name (client-go, ``openapi/typeconverter.go``),
nor have its kind a second time (apimachinery, ``pkg/util/managedfields/gvkparser.go``).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from kubediscovery.api import GroupVersion
from kubediscovery.composition import Composition, CompositionList
from kubediscovery.findings import Finding, LintReport, Rule, Severity
from kubediscovery.health import Health
from kubediscovery.meta import PartialObjectMetadata, PartialObjectMetadataList, Status, Table
from kubediscovery.outcome import RolloutState
from kubediscovery.outputs.flat import CompositionNodes
from kubediscovery.outputs.former import Former

Schema = dict[str, Any]

REFERENCE = "#/components/schemas/"
GROUP_VERSION_KIND = "x-kubernetes-group-version-kind"


class WatchEvent(msgspec.Struct):
    """One line of a watch."""

    type: Annotated[
        Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"], Meta(description="What happened to the object.")
    ]
    object: Annotated[
        Any,
        Meta(
            description="The object as it is now, or as it was last for DELETED; for BOOKMARK only its kind and "
            "resource version, for ERROR a Status."
        ),
    ]


_OWN = (Composition, CompositionList, CompositionNodes, Finding, LintReport)
_ANSWERS = (*_OWN, Former, Table, PartialObjectMetadata, PartialObjectMetadataList, WatchEvent, Status)
# Written out where they are used, as kubectl looks for them there, and in their own order.
_WORDS: tuple[type[StrEnum], ...] = (Health, RolloutState, Rule, Severity)


def schema_prefix(api: GroupVersion) -> str:
    """``io.cloudark.kubediscovery.v1.``: the group from its end, as Kubernetes names the schemas of a group."""
    return ".".join((*reversed(api.group.split(".")), api.version, ""))


def group_version_kind(api: GroupVersion, kind: str) -> dict[str, str]:
    """What tells kubectl which schema an operation is about."""
    return {"group": api.group, "kind": kind, "version": api.version}


def definitions(api: GroupVersion) -> dict[str, Schema]:
    """The schemas of all answers by their names, which begin with :func:`schema_prefix`."""
    prefix = schema_prefix(api)
    _, derived = msgspec.json.schema_components(_ANSWERS, ref_template=f"{REFERENCE}{prefix}{{name}}")
    words = {f"{REFERENCE}{prefix}{found.__name__}": [*found] for found in _WORDS}
    found = {
        f"{prefix}{name}": _object(schema, words) for name, schema in sorted(derived.items()) if "enum" not in schema
    }
    for kind in (own.__name__ for own in _OWN):
        found[f"{prefix}{kind}"][GROUP_VERSION_KIND] = [group_version_kind(api, kind)]
    return found


_Words = Mapping[str, list[StrEnum]]


def _object(schema: Schema, words: _Words) -> Schema:
    properties = {name: _field(field, words) for name, field in schema["properties"].items()}
    found = {"description": schema["description"], "type": "object", "properties": properties}
    return found | ({"required": schema["required"]} if schema["required"] else {})


def _field(schema: Schema, words: _Words) -> Schema:
    """The schema of one field, with its description and, where it is named elsewhere, a reference."""
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default", "$ref")}
    if "anyOf" in schema:
        (chosen,) = (choice for choice in schema["anyOf"] if choice != {"type": "null"})
        # What is None by default is left out and never null.
        nullable = {} if "default" in schema else {"nullable": True}
        return _field({**rest, **chosen, **nullable}, words)
    if "$ref" in schema:
        if schema["$ref"] in words:
            return {**rest, "type": "string", "enum": words[schema["$ref"]]}
        reference = {"$ref": schema["$ref"]}
        # OpenAPI 3.0 ignores all that stands beside a reference.
        return {**rest, "allOf": [reference]} if rest else reference
    for name in ("items", "additionalProperties"):
        if name in rest:
            rest[name] = _field(rest[name], words)
    if "enum" in rest:
        rest["type"] = "string"
    return rest | ({"format": "int64"} if rest.get("type") == "integer" else {})
