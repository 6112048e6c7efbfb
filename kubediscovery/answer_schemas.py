"""The schemas of what typed handlers take and give, derived from their structs, in the words of OpenAPI 3.0."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from kubediscovery.api import GroupVersion
from kubediscovery.definitions import (
    GROUP_VERSION_KIND,
    REFERENCE,
    Schema,
    WatchEvent,
    group_version_kind,
    schema_prefix,
)
from kubediscovery.field_validation import field_names
from kubediscovery.meta import ListMeta, ObjectMeta, PartialObjectMetadata, PartialObjectMetadataList, Status, Table

_META = (ObjectMeta, ListMeta, Table, PartialObjectMetadata, PartialObjectMetadataList, WatchEvent, Status)
# What is kept of a schema; the rest has other words in OpenAPI 3.0, or none in 2.0.
_KEPT = ("description", "type", "format")
_NULL = {"type": "null"}


class AnswerSchemas:
    """All schemas of one version of a group; every name begins with :func:`schema_prefix`."""

    def __init__(self, version: GroupVersion, structs: Iterable[type[Struct]]) -> None:
        self._version = version
        self._prefix = schema_prefix(version)
        own = tuple(dict.fromkeys(structs))
        references, self._derived = msgspec.json.schema_components(
            (*own, *_META), ref_template=f"{REFERENCE}{self._prefix}{{name}}"
        )
        self._names = {
            struct: reference["$ref"].removeprefix(f"{REFERENCE}{self._prefix}")
            for struct, reference in zip((*own, *_META), references, strict=True)
            if "$ref" in reference
        }
        self._enums = {name: schema for name, schema in self._derived.items() if "enum" in schema}
        self.found: dict[str, Schema] = {
            f"{self._prefix}{name}": self._component(name, schema)
            for name, schema in sorted(self._derived.items())
            if name not in self._enums
        }

    def reference(self, struct: type[Struct]) -> Schema:
        """Where the schema of a struct is."""
        return {"$ref": f"{REFERENCE}{self._prefix}{self._names[struct]}"}

    def answer(self, struct: type[Struct], kind: str) -> tuple[Schema, Schema]:
        """Where the schemas of an answer and of a list of them are, each made a kind of the group."""
        schema = self.found[f"{self._prefix}{self._names[struct]}"]
        own, added = field_names(struct), self._type_meta(kind)
        schema["properties"] = {
            **{name: found for name, found in added.items() if name not in own},
            **schema["properties"],
        }
        schema[GROUP_VERSION_KIND] = [group_version_kind(self._version, kind)]
        name = f"{self._prefix}{kind}List"
        items = {"type": "array", "items": self.reference(struct), "description": "One for each object."}
        list_meta = {"description": "Metadata of the list.", "allOf": [self.reference(ListMeta)]}
        self.found[name] = {
            "description": f"What there is of all objects, each a {kind}.",
            "type": "object",
            "properties": {**self._type_meta(f"{kind}List"), "metadata": list_meta, "items": items},
            "required": ["items"],
            GROUP_VERSION_KIND: [group_version_kind(self._version, f"{kind}List")],
        }
        return self.reference(struct), {"$ref": f"{REFERENCE}{name}"}

    def _type_meta(self, kind: str) -> dict[str, Schema]:
        return {
            "kind": {"type": "string", "description": f"Kind of this object: {kind}."},
            "apiVersion": {"type": "string", "description": f"Version of this object: {self._version.api_version}."},
            "metadata": {"description": "Metadata of the object.", "allOf": [self.reference(ObjectMeta)]},
        }

    def _component(self, name: str, schema: Mapping[str, Any]) -> Schema:
        said = schema.get("description") or f"{name}."
        if schema.get("type") != "object":
            # One of several structs, or one that is written as an array: there is no word for it in every version.
            return {"description": said}
        properties = {key: self._field(found) for key, found in schema.get("properties", {}).items()}
        found: Schema = {"description": said, "type": "object", "properties": properties}
        return found | ({"required": list(schema["required"])} if schema.get("required") else {})

    def _field(self, schema: object) -> Schema:
        if not isinstance(schema, Mapping):
            return {}
        if "anyOf" in schema:
            choices = [choice for choice in schema["anyOf"] if choice != _NULL]
            nullable = {"nullable": True} if len(choices) < len(schema["anyOf"]) and "default" not in schema else {}
            rest = {key: value for key, value in schema.items() if key in _KEPT}
            return self._field({**(choices[0] if len(choices) == 1 else {}), **rest}) | nullable
        kept = {key: schema[key] for key in _KEPT if key in schema}
        if "$ref" in schema:
            return self._referred(schema["$ref"], kept)
        if schema.get("enum"):
            kept |= _enum(schema["enum"])
        if kept.get("type") == "array":
            kept["items"] = self._field(schema.get("items"))
        if isinstance(schema.get("additionalProperties"), Mapping):
            kept["additionalProperties"] = self._field(schema["additionalProperties"])
        return kept | ({"format": "int64"} if kept.get("type") == "integer" else {})

    def _referred(self, reference: str, kept: Schema) -> Schema:
        name = reference.removeprefix(f"{REFERENCE}{self._prefix}")
        if name in self._enums:
            return kept | _enum(self._enums[name]["enum"])
        # OpenAPI 3.0 ignores all that stands beside a reference.
        return {**kept, "allOf": [{"$ref": reference}]} if kept else {"$ref": reference}


def _enum(values: Iterable[object]) -> Schema:
    """Its words, written out where they are used, as kubectl looks for them there; of numbers nothing but that."""
    words = list(values)
    return {"type": "string", "enum": words} if all(isinstance(word, str) for word in words) else {"type": "integer"}
