"""The schemas of kinds, as the cluster's own OpenAPI v3 has them (k8s.io/kube-openapi, pkg/handler3).

An index at ``/openapi/v3`` names a document for each group and version, with a hash of what is in it.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from kubediscovery.client import Client
from kubediscovery.errors import BadRequest, UpstreamError, UpstreamNotFound
from kubediscovery.kinds import Kind
from kubediscovery.recent import Recent

INDEX = "/openapi/v3"
MOST_LEVELS = 16
#: Fields in one answer.
MOST_FIELDS = 2_000
_DOCUMENTS, _TIMEOUT, _NAMED = 2, 30.0, 20
_HEADERS = {"Accept": "application/json"}

Content = TypeVar("Content")


class Field(Struct, frozen=True, omit_defaults=True):
    """One field of a kind."""

    path: Annotated[str, Meta(description="Where it is, as in spec.template.spec; lists and maps add nothing.")]
    type: Annotated[str, Meta(description="Its type as kubectl explain has it, as in []Container, map[string]string.")]
    description: Annotated[str, Meta(description="What it is, in the words of its author.")] = ""
    required: Annotated[bool, Meta(description="Whether it has to be there.")] = False
    enum: Annotated[list[str] | None, Meta(description="The values that it can have, where these are few.")] = None
    default: Annotated[str | None, Meta(description="What it is where nothing is said, as JSON.")] = None


class Explained(Struct, frozen=True):
    """A kind, or a field of it, and the fields below; ``truncated`` where these are more than :data:`MOST_FIELDS`."""

    type: str
    description: str
    fields: list[Field]
    truncated: bool = False


class _Gvk(Struct, frozen=True):
    group: str = ""
    version: str = ""
    kind: str = ""


class _Schema(Struct, frozen=True):
    description: str = ""
    type: str = ""
    format: str = ""
    ref: str = msgspec.field(name="$ref", default="")
    all_of: list["_Schema"] = msgspec.field(name="allOf", default_factory=list)
    properties: dict[str, "_Schema"] = {}
    required: list[str] = []
    items: "_Schema | None" = None
    additional: "_Schema | bool | None" = msgspec.field(name="additionalProperties", default=None)
    enum: list[Any] | None = None
    default: Any = None
    kinds: list[_Gvk] = msgspec.field(name="x-kubernetes-group-version-kind", default_factory=list)
    int_or_string: bool = msgspec.field(name="x-kubernetes-int-or-string", default=False)


class _Components(Struct, frozen=True):
    schemas: dict[str, _Schema] = {}


class _Document(Struct, frozen=True):
    components: _Components = _Components()


class _Place(Struct, frozen=True):
    url: str = msgspec.field(name="serverRelativeURL")


class _Index(Struct, frozen=True):
    paths: dict[str, _Place]


# Made here, for threads: two that are the first to read a struct find what msgspec has half made of it, and crash.
_DOCUMENT, _INDEX = msgspec.json.Decoder(_Document), msgspec.json.Decoder(_Index)


class KindSchemas:
    """Reads one document at a time, and keeps the last ones for as long as their hash is the same."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._documents: Recent[str, _Document] = Recent(_DOCUMENTS)
        self._reading = asyncio.Lock()

    async def explain(self, kind: Kind, at: tuple[str, ...], levels: int) -> Explained:
        """A kind, or the field ``at`` some steps in it, with the fields of so many levels below.

        Raises :class:`BadRequest` where there is no such field, naming those that there are, and
        :class:`UpstreamError` where the cluster does not tell.
        """
        schemas = (await self._document(kind)).components.schemas
        wanted = _Gvk(kind.group, kind.version, kind.kind)
        root = next((schema for schema in schemas.values() if wanted in schema.kinds), None)
        if root is None:
            raise UpstreamNotFound(f"the cluster's OpenAPI has no schema of {kind}")
        return _Reading(schemas).explain(kind, root, at, levels)

    async def _document(self, kind: Kind) -> _Document:
        place = f"apis/{kind.group}/{kind.version}" if kind.group else f"api/{kind.version}"
        index = _decoded(await self._read(INDEX), _INDEX)
        if place not in index.paths or not index.paths[place].url.startswith(f"{INDEX}/"):
            raise UpstreamNotFound(f"the cluster's OpenAPI does not have {place}")
        url = index.paths[place].url
        async with self._reading:
            found = self._documents.get(url)
            if found is None:
                found = await asyncio.to_thread(_decoded, await self._read(url), _DOCUMENT)
                self._documents.keep(url, found)
        return found

    async def _read(self, path: str) -> bytes:
        async with self._client.open("GET", path, headers=_HEADERS, timeout=_TIMEOUT) as response:
            body: bytes = await response.read()
            return body


def _decoded(body: bytes, decoder: "msgspec.json.Decoder[Content]") -> Content:
    try:
        return decoder.decode(body)
    except (ValueError, RecursionError) as error:
        raise UpstreamError(f"the cluster's OpenAPI cannot be decoded: {error}") from error


class _Reading:
    """One document, in which schemas refer to each other."""

    def __init__(self, schemas: Mapping[str, _Schema]) -> None:
        self._schemas = schemas

    def explain(self, kind: Kind, root: _Schema, at: tuple[str, ...], levels: int) -> Explained:
        schema, parent = root, root
        for number, step in enumerate(at):
            parent = self._inner(schema)
            if step not in parent.properties:
                where, there = ".".join((kind.kind, *at[:number])), ", ".join([*parent.properties][:_NAMED])
                raise BadRequest(f'field: {where} has no field "{step[:63]}"; accepted are {there or "none"}')
            schema = parent.properties[step]
        found: list[Field] = []
        for field in self._below(schema, ".".join(at), levels, frozenset()):
            if len(found) == MOST_FIELDS:
                return Explained(self._type(schema) if at else kind.kind, self._said(schema), found, truncated=True)
            found.append(field)
        return Explained(self._type(schema) if at else kind.kind, self._said(schema), found)

    def _below(self, schema: _Schema, path: str, levels: int, above: frozenset[str]) -> Iterator[Field]:
        """Fields in the order of their names; a type is not shown within itself."""
        name = self._name(schema)
        if not levels or name in above:
            return
        inner = self._inner(schema)
        for key, field in sorted(inner.properties.items()):
            place = f"{path}.{key}" if path else key
            resolved = self._resolved(field)
            yield Field(
                place,
                self._type(field),
                self._said(field),
                key in inner.required,
                [str(value) for value in resolved.enum] if resolved.enum else None,
                msgspec.json.encode(field.default).decode() if field.default is not None else None,
            )
            yield from self._below(field, place, levels - 1, above | {name} if name else above)

    def _resolved(self, schema: _Schema) -> _Schema:
        """What a reference means; Kubernetes puts one into ``allOf`` where it has more to say beside it."""
        for _ in range(MOST_LEVELS):
            reference = schema.ref or next((each.ref for each in schema.all_of if each.ref), "")
            if not reference:
                return schema
            schema = self._schemas.get(reference.rpartition("/")[2], _EMPTY)
        return _EMPTY

    def _inner(self, schema: _Schema) -> _Schema:
        """What has the fields: of lists and maps their items."""
        for _ in range(MOST_LEVELS):
            found = self._resolved(schema)
            below = found.items or (found.additional if isinstance(found.additional, _Schema) else None)
            if found.properties or below is None:
                return found
            schema = below
        return _EMPTY

    def _name(self, schema: _Schema) -> str:
        """The schema that holds the fields, as far as it has a name."""
        for _ in range(MOST_LEVELS):
            reference = schema.ref or next((each.ref for each in schema.all_of if each.ref), "")
            found = self._resolved(schema)
            below = found.items or (found.additional if isinstance(found.additional, _Schema) else None)
            if found.properties or below is None:
                return reference.rpartition("/")[2]
            schema = below
        return ""

    def _said(self, schema: _Schema) -> str:
        return schema.description or self._resolved(schema).description

    def _type(self, schema: _Schema, depth: int = 0) -> str:
        """As kubectl explain writes types (kubectl, pkg/explain/v2/templates/plaintext.tmpl, typeGuess)."""
        found = self._resolved(schema)
        if found.items is not None and depth < MOST_LEVELS:
            return f"[]{self._type(found.items, depth + 1)}"
        if isinstance(found.additional, _Schema) and depth < MOST_LEVELS:
            return f"map[string]{self._type(found.additional, depth + 1)}"
        reference = schema.ref or next((each.ref for each in schema.all_of if each.ref), "")
        if reference and found.properties:
            return reference.rpartition(".")[2]
        if found.int_or_string or found.format == "int-or-string":
            return "IntOrString"
        return "Object" if found.type in ("object", "") else found.type


_EMPTY = _Schema()
