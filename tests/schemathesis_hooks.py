"""What schemathesis is told of this server, in its own process; the name of this module is in its environment."""

import json
from functools import cache
from itertools import cycle
from typing import Any

import schemathesis
from openapi_schema_validator import OAS30Validator
from schemathesis import Case, CheckContext, HookContext, Response

TRUE = ("true", "1", "")
REFERENCE = "#/components/schemas/"
# What there is, beside the names that are made up.
NAMES = {
    "compositions": "deployments.apps.web",
    "deployments": "web",
    "deployments.example.com": "web",
    "fleets": "north",
}
# What words mean something where any text is a string.
WORDS = {"relations": "all,!event", "kinds": "Pod,!jobs", "waitFor": "Healthy"}
REAL = cycle((True, False, False))


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Ask for what there is, and for no streams but on the paths that are nothing else."""
    if str(case.query.get("watch")).lower() in TRUE and not is_stream(case):
        del case.query["watch"]
    parameters = case.path_parameters
    is_positive = case.meta is not None and case.meta.generation.mode.is_positive
    if is_positive:
        case.query.update({name: word for name, word in WORDS.items() if name in case.query})
    # A resource that is made up is none.
    is_any = "resource" in parameters
    if is_positive and (is_any or next(REAL)):
        resource = case.path.removesuffix("/compositions").split("/")[-2]
        if is_any:
            # What is of a namespace, and what is of none.
            resource = "deployments.example.com" if "namespace" in parameters else "fleets"
        found = {"namespace": "shop", "resource": resource, "name": NAMES.get(resource, "")}
        parameters |= {key: value for key, value in found.items() if parameters.get(key, "*") != "*"}


@schemathesis.check
def documented_events(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """Each line of a stream is an event, with an object of the kind that it says."""
    if response.status_code != 200 or not is_stream(case):
        return
    for line in response.content.splitlines():
        event = json.loads(line)
        errors = errors_of(case, "WatchEvent", event)
        if event["type"] != "BOOKMARK":
            errors += errors_of(case, event["object"]["kind"], event["object"])
        assert not errors, errors


def is_stream(case: Case[Any]) -> bool:
    return bool(case.operation.definition.raw["operationId"].startswith("watch"))


def errors_of(case: Case[Any], kind: str, content: object) -> list[str]:
    document = case.operation.schema.raw_schema
    (name,) = (name for name in document["components"]["schemas"] if name.endswith(f".{kind}"))
    return [error.message for error in validator(json.dumps(document["components"]), name).iter_errors(content)]


@cache
def validator(components: str, name: str) -> OAS30Validator:
    return OAS30Validator({"components": json.loads(components), "$ref": REFERENCE + name})
