"""What is registered, described in OpenAPI 3.0: typed handlers from their types, everything else by who registered it.

Paths do not depend on the kinds of a cluster: who merges documents into those of a cluster does that once. Kinds that
every cluster has are described each, what else there may be by the parameter ``resource``.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import fields

from kubediscovery.acting import DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION, FORCE, FieldValidation
from kubediscovery.answer_schemas import AnswerSchemas
from kubediscovery.api import GroupVersion, camel
from kubediscovery.arguments import accepted
from kubediscovery.built_in import KUBERNETES_KINDS
from kubediscovery.contracts import CONNECT, CREATE, DELETE, GET, OF_CONNECT, PATCH, UPDATE, WATCH, Contract
from kubediscovery.definitions import GROUP_VERSION_KIND, REFERENCE, WatchEvent, group_version_kind, schema_prefix
from kubediscovery.kinds import BUILT_IN_KINDS, Kind
from kubediscovery.meta import PartialObjectMetadata, PartialObjectMetadataList, Status, Table
from kubediscovery.negotiation import JSON, READABLE, TABLE, UNCONVERTED
from kubediscovery.parameters import PARAMETERS
from kubediscovery.patches import PatchType
from kubediscovery.registry import Description, Registration
from kubediscovery.requests import ALL
from kubediscovery.specification import errors

Json = dict[str, Any]

# What Kubernetes calls the actions of verbs, and how identifiers begin.
_METHODS = {"get": "get", "create": "post", "update": "put", "patch": "patch", "delete": "delete"}
_ACTIONS = {
    "get": ("get", "read"),
    "create": ("post", "create"),
    "update": ("put", "replace"),
    "patch": ("patch",) * 2,
    "delete": ("delete",) * 2,
}
_STANDARD = (
    "labelSelector",
    "fieldSelector",
    "limit",
    "continue",
    "resourceVersion",
    "resourceVersionMatch",
    "timeout",
)
_READ = (*_STANDARD, "pretty", "includeObject")
_WATCHED = ("watch", "allowWatchBookmarks", "sendInitialEvents", "timeoutSeconds")
_IN_PATH = {
    "namespace": "Namespace of the object.",
    "resource": "Plural of the resource with its group, as in kafkas.example.org.",
    "name": f"Name of the object; where it is read, {ALL} is all of them.",
}
_OF_ACTING: dict[str, tuple[str, Json]] = {
    DRY_RUN: ("All: says what would happen, and changes nothing.", {"type": "string", "enum": ["All"]}),
    FIELD_MANAGER: ("Who acts, in at most 128 bytes that can be printed.", {"type": "string"}),
    FIELD_VALIDATION: (
        "What is done about fields of the body that nobody knows, or that are there twice: Warn without it.",
        {"type": "string", "enum": list(map(str, FieldValidation))},
    ),
}
_FORCE: dict[str, tuple[str, Json]] = {
    FORCE: ("Whether an apply patch takes fields from others who manage them.", {"type": "boolean"})
}
# RFC 6902; every other patch is an object.
_OPERATIONS = {"type": "array", "items": {"type": "object"}, "description": "Operations, one after another."}
_CHANGES = {"type": "object", "description": "What is to be changed."}
_SAME = {"description": "The answer is what it was; If-None-Match has its ETag."}


def descriptions(version: GroupVersion, registered: Sequence[Registration]) -> Iterator[Description]:
    """Of all that is registered in a version, one after another."""
    yield from (each.describe(each) for each in registered if each.describe is not None)
    typed = [each for each in registered if each.contract is not None]
    if typed:
        yield _Typed(version, typed).description()


class _Typed:
    """The description of the typed handlers of one version."""

    def __init__(self, version: GroupVersion, registered: Sequence[Registration]) -> None:
        self._version = version
        self._registered = registered
        self._prefix = schema_prefix(version)
        contracts = [each.contract for each in registered if each.contract is not None]
        structs = [found for each in contracts for found in (each.returns, each.body) if found is not None]
        self._schemas = AnswerSchemas(version, structs)
        self._parameters: Json = {}
        self._responses: Json = {}

    def description(self) -> Description:
        """All of it."""
        for code, found in errors(f"{REFERENCE}{self._prefix}").items():
            self._responses[f"{self._prefix}{code}"] = found
        self._responses[f"{self._prefix}304"] = _SAME
        paths: Json = {}
        for each in self._registered:
            assert each.contract is not None  # noqa: S101 - these have one
            for path, resource, namespaced in _paths(each):
                paths |= self._items(each, each.contract, path, resource, namespaced=namespaced)
        return Description(paths, self._schemas.found, self._parameters, self._responses)

    def _items(
        self, each: Registration, contract: Contract, path: str, resource: str, *, namespaced: bool
    ) -> Iterable[tuple[str, Json]]:
        noun = f"{'Namespaced' if namespaced else ''}{camel(resource or 'resource')}{camel(each.name)}"
        in_path = [self._in_path(name) for name in _IN_PATH if f"{{{name}}}" in path]
        item: Json = {"parameters": in_path} if in_path else {}
        for verb in _verbs(contract):
            item[_METHODS[verb]] = self._operation(each, contract, verb, noun)
        yield f"/apis/{self._version.api_version}{path}", item
        if WATCH in each.verbs:
            watched = self._watched(each, contract, noun)
            parameters = {"parameters": in_path} if in_path else {}
            yield f"/apis/{self._version.api_version}/watch{path}", {**parameters, "get": watched}

    def _operation(self, each: Registration, contract: Contract, verb: str, noun: str) -> Json:
        action, word = _ACTIONS[verb]
        connects = verb not in contract.handlers
        names = [*_READ, *(_WATCHED if WATCH in each.verbs else ())] if verb == GET and not connects else ()
        parameters = [*map(self._standard, names), *self._own(each, contract)]
        if verb != GET and not connects:
            parameters += self._acting(verb)
        found = self._frame(each, f"{word}{noun}", "connect" if connects else action, parameters)
        found["description"] = _said(contract, verb, each)
        code = "201" if verb == CREATE and not connects else "200"
        answered = f"{each.name}.{verb}"
        self._responses[f"{self._prefix}{answered}"] = self._answer(each, contract, verb, connects=connects)
        not_modified = ("304",) if verb == GET and not connects else ()
        found["responses"] = {code: _reference("responses", f"{self._prefix}{answered}")} | self._codes(*not_modified)
        if content := {} if connects else self._taken(contract, verb):
            found["requestBody"] = {"content": content, "description": "What is to be done."}
        return found

    def _taken(self, contract: Contract, verb: str) -> Json:
        """What is read of a body, by media type."""
        if verb == PATCH:
            schemas = {str(each): _OPERATIONS if each is PatchType.JSON else _CHANGES for each in contract.patches}
        elif verb in (CREATE, UPDATE) and contract.body is not None:
            schemas = {JSON: self._schemas.reference(contract.body)}
        else:
            schemas = {}
        return {media_type: {"schema": schema} for media_type, schema in schemas.items()}

    def _acting(self, verb: str) -> Iterator[Json]:
        options = _OF_ACTING | (_FORCE if verb == PATCH else {})
        # DeleteOptions have nothing else of these.
        for name in (DRY_RUN,) if verb == DELETE else options:
            said, schema = options[name]
            yield self._parameter(name, {"name": name, "in": "query", "description": said, "schema": schema})

    def _watched(self, each: Registration, contract: Contract, noun: str) -> Json:
        parameters = [*map(self._standard, (*_READ, *_WATCHED)), *self._own(each, contract)]
        found = self._frame(each, f"watch{noun}", "watch", parameters)
        found["description"] = f"Watches for changes, one event a line. {_said(contract, GET, each)}"
        schema = {"schema": self._schemas.reference(WatchEvent)}
        content = {JSON: schema, f"{JSON};stream=watch": schema}
        name = f"{self._prefix}{each.name}.watch"
        self._responses[name] = {"description": "A stream of changes, one event a line.", "content": content}
        found["responses"] = {"200": _reference("responses", name)} | self._codes()
        return found

    def _frame(self, each: Registration, identifier: str, action: str, parameters: list[Json]) -> Json:
        group = camel(self._version.group)
        start = next(length for length, letter in enumerate(identifier) if letter.isupper())
        words = f"{identifier[:start]}{group}{camel(self._version.version)}{identifier[start:]}"
        return {
            "tags": [f"{group[:1].lower()}{group[1:]}_{self._version.version}"],
            "operationId": words,
            "parameters": parameters,
            "x-kubernetes-action": action,
            GROUP_VERSION_KIND: group_version_kind(self._version, each.kind),
        }

    def _answer(self, each: Registration, contract: Contract, verb: str, *, connects: bool) -> Json:
        if connects:
            return {"description": "Whatever is answered.", "content": {"*/*": {"schema": {"type": "string"}}}}
        if contract.returns is None:
            content = {found.encoding: {"schema": self._schemas.reference(Status)} for found in UNCONVERTED}
            return {"description": "It is done.", "content": content}
        one, many = self._schemas.answer(contract.returns, each.kind)
        schema = {"oneOf": [one, many]} if verb == GET else one
        content = {found.encoding: {"schema": schema} for found in UNCONVERTED}
        content |= {
            str(found): {"schema": self._schemas.reference(_CONVERTED[found.as_kind])}
            for found in READABLE
            if found.as_kind and found.encoding == JSON and found.version == "v1"
            if verb == GET or found.as_kind == TABLE
        }
        return {
            "description": f"The answer, or for {ALL} a list." if verb == GET else "The answer.",
            "content": content,
        }

    def _codes(self, *beside: str) -> Json:
        prefix = f"{REFERENCE}{self._prefix}"
        return {code: _reference("responses", f"{self._prefix}{code}") for code in (*beside, *errors(prefix))}

    def _own(self, each: Registration, contract: Contract) -> Iterator[Json]:
        for field in fields(contract.query) if contract.query is not None else ():
            found: Json = {
                "name": field.encode_name,
                "in": "query",
                "description": f"Accepted is {accepted(field.type)}.",
                "schema": {"type": "string"},
            }
            yield self._parameter(
                f"{each.name}.{field.encode_name}", found | ({"required": True} if field.required else {})
            )

    def _standard(self, name: str) -> Json:
        found = next(parameter for parameter in PARAMETERS if parameter.name == name)
        content = {"name": name, "in": "query", "description": found.description, "allowEmptyValue": True}
        return self._parameter(name, {**content, "schema": found.schema})

    def _in_path(self, name: str) -> Json:
        content = {"name": name, "in": "path", "required": True, "description": _IN_PATH[name]}
        return self._parameter(f"path.{name}", {**content, "schema": {"type": "string"}})

    def _parameter(self, name: str, content: Json) -> Json:
        self._parameters[f"{self._prefix}{name}"] = content
        return _reference("parameters", f"{self._prefix}{name}")


_CONVERTED: dict[str, type[Struct]] = {
    "Table": Table,
    "PartialObjectMetadata": PartialObjectMetadata,
    "PartialObjectMetadataList": PartialObjectMetadataList,
}


def _verbs(contract: Contract) -> list[str]:
    """The verbs that have a method, a connection's too."""
    connected = OF_CONNECT if CONNECT in contract.handlers else ()
    return [verb for verb in _METHODS if verb in contract.handlers or verb in connected]


def _said(contract: Contract, verb: str, each: Registration) -> str:
    """The first line of the handler's docstring."""
    handler = contract.handlers.get(verb) or contract.handlers[CONNECT]
    first = (handler.__doc__ or "").strip().partition("\n")[0].replace("``", "").strip()
    return first or f"The subresource {each.name}."


def _paths(each: Registration) -> Iterator[tuple[str, str, bool]]:
    """Each path, the plural in it or nothing, and whether it has a namespace."""
    on = each.on
    assert on is not None  # noqa: S101 - resources of their own have no typed handlers
    kinds = BUILT_IN_KINDS if on.is_everything else [kind for kind in KUBERNETES_KINDS if on.passes(kind)]
    for kind in kinds:
        yield from _of_kind(kind, each.name)
    known = {name for kind in kinds for name in (kind.group_resource, kind.resource, kind.kind.lower())}
    if not set(on.accepted or ("*",)) <= known:
        yield f"/namespaces/{{namespace}}/{{resource}}/{{name}}/{each.name}", "", True
        yield f"/{{resource}}/{{name}}/{each.name}", "", False


def _of_kind(kind: Kind, name: str) -> Iterator[tuple[str, str, bool]]:
    resource = kind.resource if kind in BUILT_IN_KINDS else kind.group_resource
    path = f"/{resource}/{{name}}/{name}"
    yield (f"/namespaces/{{namespace}}{path}", resource, True) if kind.namespaced else (path, resource, False)


def _reference(section: str, name: str) -> Json:
    return {"$ref": f"#/components/{section}/{name}"}
