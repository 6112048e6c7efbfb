"""Documents of OpenAPI in protobuf, as client-go reads them: messages of gnostic's ``OpenAPIv2.proto`` and
``OpenAPIv3.proto`` (github.com/google/gnostic-models), as far as this server's documents need them.

JSON is walked along a table of these messages; documents only ever go out, so that nothing has to be decoded.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

Field = tuple[int, str]
"""A field's number and its type: a scalar, ``any`` for whatever JSON there is, or a message; ``[]`` before a list."""

# Keys of a table that stand for all others: extensions, and the entries of what JSON has as a map.
EXTENSION, ENTRY = "x-", "*"
_DELIMITED = 2


@dataclass(frozen=True, slots=True)
class Dialect:
    """The messages of one version.

    ``messages`` gives the fields of each message by their keys in JSON. ``choices`` are messages that JSON has no
    object for: they hold a value in the first field whose condition it meets, a key, ``key=value`` or nothing.
    """

    messages: Mapping[str, Mapping[str, Field]]
    choices: Mapping[str, Mapping[str, Field]]


def encode(document: Mapping[str, Any], dialect: Dialect) -> bytes:
    """The document in protobuf; raises :class:`KeyError` for what the dialect has no field for."""
    return _message(document, "Document", dialect)


def _message(value: Any, name: str, dialect: Dialect) -> bytes:
    if name in dialect.choices:
        return _field(_choice(value, dialect.choices[name]), value, dialect)
    fields = dialect.messages[name]
    parts = []
    for key, found in value.items():
        if key in fields:
            parts.append((fields[key][0], _field(fields[key], found, dialect)))
        else:
            number, type_ = fields[EXTENSION if key.startswith(EXTENSION) and EXTENSION in fields else ENTRY]
            # A map is a list of pairs.
            named = _field((1, "string"), key, dialect) + _field((2, type_), found, dialect)
            parts.append((number, _delimited(number, named)))
    return b"".join(part for _, part in sorted(parts, key=lambda part: part[0]))


def _choice(value: Any, choices: Mapping[str, Field]) -> Field:
    for condition, field in choices.items():
        key, _, wanted = condition.partition("=")
        if not key or (key in value and wanted in ("", value[key])):
            return field
    raise KeyError(value)


def _field(field: Field, value: Any, dialect: Dialect) -> bytes:
    number, type_ = field
    if type_.startswith("[]"):
        return b"".join(_field((number, type_[2:]), item, dialect) for item in value)
    if type_ in _SCALARS:
        wire_type, write = _SCALARS[type_]
        return varint(number << 3 | wire_type) + write(value)
    return _delimited(number, _message(value, type_, dialect))


def _delimited(number: int, payload: bytes) -> bytes:
    return varint(number << 3 | _DELIMITED) + _with_length(payload)


def _with_length(payload: bytes) -> bytes:
    return varint(len(payload)) + payload


def varint(value: int) -> bytes:
    """A number that is not negative, seven bits a byte (protobuf.dev, "Encoding")."""
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def _any(value: object) -> bytes:
    # JSON is YAML too.
    return _with_length(_delimited(2, msgspec.json.encode(value)))


# The wire type of each scalar, and how its value is written.
_SCALARS: Mapping[str, tuple[int, Callable[[Any], bytes]]] = {
    "boolean": (0, lambda value: varint(int(value))),
    "number": (1, lambda value: struct.pack("<d", value)),
    "string": (_DELIMITED, lambda value: _with_length(value.encode())),
    "any": (_DELIMITED, _any),
}

_IN_PATH_V2 = {
    "required": (1, "boolean"),
    "in": (2, "string"),
    "description": (3, "string"),
    "name": (4, "string"),
    "type": (5, "string"),
    "enum": (20, "[]any"),
}
_IN_QUERY_V2 = {
    "required": (1, "boolean"),
    "in": (2, "string"),
    "description": (3, "string"),
    "name": (4, "string"),
    "allowEmptyValue": (5, "boolean"),
    "type": (6, "string"),
    "format": (7, "string"),
    "minimum": (13, "number"),
    "enum": (21, "[]any"),
}
V2 = Dialect(
    messages={
        "Document": {
            "swagger": (1, "string"),
            "info": (2, "Info"),
            "schemes": (5, "[]string"),
            "paths": (8, "Paths"),
            "definitions": (9, "Definitions"),
            "parameters": (10, "ParameterDefinitions"),
            "security": (12, "[]SecurityRequirement"),
            "securityDefinitions": (13, "SecurityDefinitions"),
        },
        "Info": {"title": (1, "string"), "version": (2, "string")},
        "Paths": {ENTRY: (2, "PathItem")},
        "PathItem": {
            "get": (2, "Operation"),
            "put": (3, "Operation"),
            "post": (4, "Operation"),
            "delete": (5, "Operation"),
            "patch": (8, "Operation"),
            "parameters": (9, "[]ParametersItem"),
        },
        "Operation": {
            "tags": (1, "[]string"),
            "description": (3, "string"),
            "operationId": (5, "string"),
            "produces": (6, "[]string"),
            "consumes": (7, "[]string"),
            "parameters": (8, "[]ParametersItem"),
            "responses": (9, "Responses"),
            EXTENSION: (13, "any"),
        },
        "JsonReference": {"$ref": (1, "string")},
        "BodyParameter": {
            "description": (1, "string"),
            "name": (2, "string"),
            "in": (3, "string"),
            "schema": (5, "Schema"),
        },
        "PathParameterSubSchema": _IN_PATH_V2,
        "QueryParameterSubSchema": _IN_QUERY_V2,
        "ParameterDefinitions": {ENTRY: (1, "Parameter")},
        "Responses": {ENTRY: (1, "ResponseValue")},
        "Response": {"description": (1, "string"), "schema": (2, "SchemaItem")},
        "Definitions": {ENTRY: (1, "Schema")},
        "Schema": {
            "$ref": (1, "string"),
            "format": (2, "string"),
            "description": (4, "string"),
            "required": (19, "[]string"),
            "enum": (20, "[]any"),
            "additionalProperties": (21, "AdditionalPropertiesItem"),
            "type": (22, "TypeItem"),
            "items": (23, "ItemsItem"),
            "properties": (25, "Properties"),
            EXTENSION: (31, "any"),
        },
        "Properties": {ENTRY: (1, "Schema")},
        "SecurityDefinitions": {ENTRY: (1, "SecurityDefinitionsItem")},
        "ApiKeySecurity": {
            "type": (1, "string"),
            "name": (2, "string"),
            "in": (3, "string"),
            "description": (4, "string"),
        },
        "SecurityRequirement": {ENTRY: (1, "StringArray")},
    },
    choices={
        "ParametersItem": {"$ref": (2, "JsonReference"), "": (1, "Parameter")},
        "Parameter": {"in=body": (1, "BodyParameter"), "": (2, "NonBodyParameter")},
        "NonBodyParameter": {"in=query": (3, "QueryParameterSubSchema"), "in=path": (4, "PathParameterSubSchema")},
        "ResponseValue": {"": (1, "Response")},
        "SchemaItem": {"": (1, "Schema")},
        "AdditionalPropertiesItem": {"": (1, "Schema")},
        "TypeItem": {"": (1, "string")},
        "ItemsItem": {"": (1, "Schema")},
        "SecurityDefinitionsItem": {"type=apiKey": (2, "ApiKeySecurity")},
        "StringArray": {"": (1, "[]string")},
    },
)

V3 = Dialect(
    messages={
        "Document": {
            "openapi": (1, "string"),
            "info": (2, "Info"),
            "paths": (4, "Paths"),
            "components": (5, "Components"),
            "security": (6, "[]SecurityRequirement"),
        },
        "Info": {"title": (1, "string"), "version": (6, "string")},
        "Paths": {ENTRY: (1, "PathItem")},
        "PathItem": {
            "get": (4, "Operation"),
            "put": (5, "Operation"),
            "post": (6, "Operation"),
            "delete": (7, "Operation"),
            "patch": (10, "Operation"),
            "parameters": (13, "[]ParameterOrReference"),
        },
        "Operation": {
            "tags": (1, "[]string"),
            "description": (3, "string"),
            "operationId": (5, "string"),
            "parameters": (6, "[]ParameterOrReference"),
            "requestBody": (7, "RequestBodyOrReference"),
            "responses": (8, "Responses"),
            EXTENSION: (13, "any"),
        },
        "Reference": {"$ref": (1, "string")},
        "Parameter": {
            "name": (1, "string"),
            "in": (2, "string"),
            "description": (3, "string"),
            "required": (4, "boolean"),
            "allowEmptyValue": (6, "boolean"),
            "schema": (10, "SchemaOrReference"),
        },
        "RequestBody": {"description": (1, "string"), "content": (2, "MediaTypes")},
        "Responses": {ENTRY: (2, "ResponseOrReference")},
        "Response": {"description": (1, "string"), "content": (3, "MediaTypes")},
        "MediaTypes": {ENTRY: (1, "MediaType")},
        "MediaType": {"schema": (1, "SchemaOrReference")},
        "Components": {
            "schemas": (1, "SchemasOrReferences"),
            "responses": (2, "ResponsesOrReferences"),
            "parameters": (3, "ParametersOrReferences"),
            "securitySchemes": (7, "SecuritySchemesOrReferences"),
        },
        "SchemasOrReferences": {ENTRY: (1, "SchemaOrReference")},
        "ResponsesOrReferences": {ENTRY: (1, "ResponseOrReference")},
        "ParametersOrReferences": {ENTRY: (1, "ParameterOrReference")},
        "SecuritySchemesOrReferences": {ENTRY: (1, "SecuritySchemeOrReference")},
        "Schema": {
            "nullable": (1, "boolean"),
            "minimum": (13, "number"),
            "required": (23, "[]string"),
            "enum": (24, "[]any"),
            "type": (25, "string"),
            "allOf": (26, "[]SchemaOrReference"),
            "oneOf": (27, "[]SchemaOrReference"),
            "items": (30, "ItemsItem"),
            "properties": (31, "Properties"),
            "additionalProperties": (32, "AdditionalPropertiesItem"),
            "description": (34, "string"),
            "format": (35, "string"),
            EXTENSION: (36, "any"),
        },
        "Properties": {ENTRY: (1, "SchemaOrReference")},
        "SecurityScheme": {"type": (1, "string"), "description": (2, "string"), "scheme": (5, "string")},
        "SecurityRequirement": {ENTRY: (1, "StringArray")},
    },
    choices={
        "SchemaOrReference": {"$ref": (2, "Reference"), "": (1, "Schema")},
        "ParameterOrReference": {"$ref": (2, "Reference"), "": (1, "Parameter")},
        "RequestBodyOrReference": {"": (1, "RequestBody")},
        "ResponseOrReference": {"$ref": (2, "Reference"), "": (1, "Response")},
        "SecuritySchemeOrReference": {"": (1, "SecurityScheme")},
        "AdditionalPropertiesItem": {"": (1, "SchemaOrReference")},
        "ItemsItem": {"": (1, "SchemaOrReference")},
        "StringArray": {"": (1, "[]string")},
    },
)
