"""The API as a document of OpenAPI 3.0: its operations, their parameters and answers, and the schemas of these.

Only the group's own paths are in it: the aggregator shows each server's document to everybody under its group.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from kubediscovery import __version__
from kubediscovery.api import GroupVersion, camel
from kubediscovery.definitions import GROUP_VERSION_KIND, REFERENCE, definitions, group_version_kind, schema_prefix
from kubediscovery.negotiation import (
    FINDINGS,
    JSON,
    PARTIAL_OBJECT,
    PARTIAL_OBJECT_LIST,
    PLAIN,
    TABLE,
    UNCONVERTED,
    MediaType,
)
from kubediscovery.operations import EVENT, LIST, ONE, REPORT, Operation, operations
from kubediscovery.outputs import DRAWERS
from kubediscovery.outputs.flat import CompositionNodes
from kubediscovery.outputs.former import Former
from kubediscovery.parameters import OF_LINT, PARAMETERS
from kubediscovery.registry import Description
from kubediscovery.requests import ALL

Json = dict[str, Any]

# What any request can be answered with instead, always as a Status.
ERRORS: Mapping[int, str] = {
    400: "A parameter cannot be used; the message names it and what is accepted.",
    401: "The credential is not valid.",
    403: "You may not do that.",
    404: "There is no such object, resource or path.",
    405: "Nothing here can be written.",
    406: "None of the media types asked for can be served; the message lists those that can.",
    410: "The resource version or continue token is too old: list again.",
    409: "Somebody else has changed it meanwhile, or it is there already.",
    413: "The request's body is too long; none is needed.",
    415: "The request's body is in a form that is not read; the message lists those that are.",
    422: "Parameters do not go together; the causes name them.",
    429: "Too many requests; try again after the seconds of Retry-After.",
    431: "The request's headers are too long.",
    500: "Something failed in the server; its log says what, under the Audit-Id of the answer.",
    503: "Not at the moment, as while caches are filled; try again after the seconds of Retry-After.",
    504: "What was waited for did not come in time.",
}
_NOT_MODIFIED = 304
_SAME = {"description": "The answer is what it was; If-None-Match has its ETag."}
_ANY_NAME, _ONLY_ALL = "name", "all"
_IN_PATH = {
    "resource": {
        "name": "resource",
        "description": "Plural of the resource with its group, as in kafkas.example.org; the plural alone is the "
        "resource that kubectl would take for it.",
        "schema": {"type": "string"},
    },
    "namespace": {"name": "namespace", "description": "Namespace of the objects.", "schema": {"type": "string"}},
    _ANY_NAME: {
        "name": "name",
        "description": f"Name of the object; {ALL} is all of them, where a list is among the answers.",
        "schema": {"type": "string"},
    },
    _ONLY_ALL: {
        "name": "name",
        "description": f"{ALL}: every object of the resource, in all namespaces.",
        "schema": {"type": "string", "enum": [ALL]},
    },
}
NODES, FORMER = CompositionNodes.__name__, Former.__name__
_TEXT: Json = {"schema": {"type": "string"}}
_BEARER_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "description": "Bearer token; through kube-apiserver whatever authenticates there.",
}


def specification(api: GroupVersion) -> Json:
    """The document of what is built in, as JSON content."""
    return document([description(api)])


def document(parts: Iterable[Description]) -> Json:
    """The document of several descriptions, in which the same name means the same; the first says what."""
    found = list(parts)

    def merged(section: str) -> Json:
        contents: Json = {}
        for part in found:
            contents |= {name: content for name, content in getattr(part, section).items() if name not in contents}
        return contents

    return {
        "openapi": "3.0.0",
        "info": {"title": "kubediscovery", "version": __version__},
        "paths": merged("paths"),
        "components": {
            "schemas": merged("schemas"),
            "parameters": merged("parameters"),
            "responses": merged("responses"),
            "securitySchemes": {"BearerToken": _BEARER_TOKEN},
        },
        "security": [{"BearerToken": []}],
    }


def description(api: GroupVersion) -> Description:
    """What is built in: compositions and lint."""
    prefix = f"{REFERENCE}{schema_prefix(api)}"
    return Description(
        paths={f"/apis/{api.api_version}{found.path}": _path_item(api, found) for found in operations()},
        schemas=definitions(api),
        parameters=_parameters(),
        responses=_answers(prefix) | {str(_NOT_MODIFIED): _SAME} | errors(prefix),
    )


def _path_item(api: GroupVersion, operation: Operation) -> Json:
    item: Json = {"get": _operation(api, operation)}
    in_path = [name for name in ("namespace", "resource") if f"{{{name}}}" in operation.path]
    if "{name}" in operation.path:
        in_path.append(_ONLY_ALL if operation.only_all else _ANY_NAME)
    return item | ({"parameters": [_reference("parameters", name) for name in in_path]} if in_path else {})


def _operation(api: GroupVersion, operation: Operation) -> Json:
    asked = [found.name for found in PARAMETERS if found.single or not operation.single]
    if operation.answers == (REPORT,):
        asked = [name for name in asked if name in OF_LINT]
    group = camel(api.group)
    codes = [*([] if operation.watches else [_NOT_MODIFIED]), *ERRORS]
    responses = {"200": "Or".join(operation.answers)} | {str(code): str(code) for code in codes}
    return {
        "tags": [f"{group[:1].lower()}{group[1:]}_{api.version}"],
        "description": operation.description,
        "operationId": operation.identifier(api),
        "parameters": [_reference("parameters", name) for name in asked],
        "responses": {code: _reference("responses", name) for code, name in responses.items()},
        "x-kubernetes-action": operation.action,
        GROUP_VERSION_KIND: group_version_kind(api, operation.kind),
    }


def _parameters() -> Json:
    in_query = {
        found.name: {
            "name": found.name,
            "in": "query",
            "description": found.description,
            "allowEmptyValue": True,
            "schema": found.schema,
        }
        for found in PARAMETERS
    }
    return {name: {**found, "in": "path", "required": True} for name, found in _IN_PATH.items()} | in_query


def _answers(prefix: str) -> Json:
    """The successful answers, by the names of the schemas that they may have."""
    return {
        "Or".join(answers): {"description": description, "content": _content(answers, prefix)}
        for answers, description in (
            ((ONE,), "The composition."),
            ((LIST,), "The compositions, or with watch a stream of changes."),
            ((ONE, LIST), f"The composition, the compositions for {ALL}, or with watch a stream of changes."),
            ((REPORT,), "What was found; limit has no effect: all of it."),
            ((EVENT,), "A stream of changes, one event a line, until the client or a timeout ends it."),
        )
    }


def _content(answers: tuple[str, ...], prefix: str) -> Json:
    stream = {f"{JSON};stream=watch": _schema(prefix, EVENT)}
    if answers == (EVENT,):
        return {JSON: _schema(prefix, EVENT), **stream}
    if answers == (REPORT,):
        return {str(found): _schema(prefix, TABLE if found.as_kind else REPORT) for found in FINDINGS}
    # The first that is named is what documents of version 2 say.
    former = {"type": "array", "items": {"$ref": prefix + FORMER}}
    unconverted = {"oneOf": [*_references(prefix, *answers, NODES), former]}
    found: Json = {media_type.encoding: {"schema": unconverted} for media_type in UNCONVERTED}
    texts = (media_type for drawer in DRAWERS.values() for media_type in drawer.offered)
    found |= {str(media_type): _TEXT for media_type in texts if media_type not in UNCONVERTED}
    converted = {TABLE: True, PARTIAL_OBJECT: ONE in answers, PARTIAL_OBJECT_LIST: LIST in answers}
    found |= {
        str(MediaType(kind, "meta.k8s.io", "v1", PLAIN.encoding)): _schema(prefix, kind)
        for kind, served in converted.items()
        if served
    }
    return found | (stream if LIST in answers else {})


def errors(prefix: str) -> Json:
    """What any request can be answered with instead, by the code; ``prefix`` is that of the schemas' references."""
    return {
        str(code): {
            "description": description,
            "content": {media_type.encoding: _schema(prefix, "Status") for media_type in UNCONVERTED},
        }
        for code, description in ERRORS.items()
    }


def _schema(prefix: str, *names: str) -> Json:
    references = _references(prefix, *names)
    return {"schema": references[0] if len(references) == 1 else {"oneOf": references}}


def _references(prefix: str, *names: str) -> list[Json]:
    return [{"$ref": prefix + name} for name in names]


def _reference(section: str, name: str) -> Json:
    return {"$ref": f"#/components/{section}/{name}"}
