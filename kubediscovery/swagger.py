"""A document of OpenAPI 3.0 as one of 2.0, which says the same in other places.

What 2.0 has no words for is left out: the second of several answers, and that a field may be null.
"""

from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]

_PLACES = {
    "#/components/schemas/": "#/definitions/",
    "#/components/parameters/": "#/parameters/",
}
# There is no word for bearer tokens.
_IN_HEADER = {"type": "apiKey", "in": "header", "name": "authorization"}


def swagger_of(document: Json) -> Json:
    """The same as ``document``, in the words of OpenAPI 2.0; the responses must be references to components."""
    components = document["components"]
    responses = {name: _response(found) for name, found in components["responses"].items()}
    produced = {name: list(found.get("content", ())) for name, found in components["responses"].items()}
    definitions = {f"#/definitions/{name}": _schema(schema) for name, schema in components["schemas"].items()}
    paths = {path: _path_item(item, responses, produced) for path, item in document["paths"].items()}
    used = _used([responses, paths], definitions)
    return {
        "swagger": "2.0",
        "info": document["info"],
        "schemes": ["https"],
        "paths": paths,
        # No others: the aggregator would keep them for everybody.
        "definitions": {_last(name): schema for name, schema in definitions.items() if name in used},
        "parameters": {name: _parameter(found) for name, found in components["parameters"].items()},
        "securityDefinitions": {
            name: {**_IN_HEADER, "description": found["description"]}
            for name, found in components["securitySchemes"].items()
        },
        "security": document["security"],
    }


def _path_item(item: Json, responses: Json, produced: dict[str, list[str]]) -> Json:
    found: Json = {
        method: _operation(operation, responses, produced)
        for method, operation in item.items()
        if method != "parameters"
    }
    if "parameters" in item:
        found["parameters"] = _references(item["parameters"])
    return found


def _operation(operation: Json, responses: Json, produced: dict[str, list[str]]) -> Json:
    names = {code: _last(response["$ref"]) for code, response in operation["responses"].items()}
    media_types = dict.fromkeys(media_type for name in names.values() for media_type in produced[name])
    body = operation.get("requestBody")
    rest = {name: content for name, content in operation.items() if name != "requestBody"}
    return {
        **rest,
        "produces": list(media_types),
        **({"consumes": list(body["content"])} if body else {}),
        "parameters": [*_references(operation["parameters"]), *([_body(body)] if body else [])],
        "responses": {code: responses[name] for code, name in names.items()},
    }


def _body(body: Json) -> Json:
    content = next(iter(body["content"].values()))
    schema = _schema(content["schema"])
    return {"name": "body", "in": "body", "description": body["description"], "schema": schema}


def _response(response: Json) -> Json:
    found: Json = {"description": response["description"]}
    content = [*response.get("content", {}).values()]
    return found | ({"schema": _schema(content[0]["schema"])} if content else {})


def _parameter(parameter: Json) -> Json:
    rest = {name: value for name, value in parameter.items() if name != "schema"}
    return {**rest, **parameter["schema"]}


def _schema(schema: Json) -> Json:
    if "oneOf" in schema:
        return _schema(schema["oneOf"][0])
    found = {name: value for name, value in schema.items() if name not in ("allOf", "nullable")}
    for reference in schema.get("allOf", ()):
        found |= reference
    if "$ref" in found:
        found["$ref"] = _moved(found["$ref"])
    for name in ("items", "additionalProperties"):
        if name in found:
            found[name] = _schema(found[name])
    if "properties" in found:
        found["properties"] = {name: _schema(field) for name, field in found["properties"].items()}
    return found


def _used(content: object, definitions: Json) -> set[str]:
    """What the content refers to, directly or through other definitions."""
    used: set[str] = set()
    looked_for = [content]
    while looked_for:
        found = looked_for.pop()
        if isinstance(found, dict):
            reference = found.get("$ref")
            if isinstance(reference, str) and reference in definitions and reference not in used:
                used.add(reference)
                looked_for.append(definitions[reference])
            looked_for.extend(found.values())
        elif isinstance(found, list):
            looked_for.extend(found)
    return used


def _references(references: Iterable[Json]) -> list[Json]:
    return [{"$ref": _moved(reference["$ref"])} for reference in references]


def _moved(reference: str) -> str:
    name = _last(reference)
    return _PLACES[reference.removesuffix(name)] + name


def _last(reference: str) -> str:
    return reference.rpartition("/")[2]
