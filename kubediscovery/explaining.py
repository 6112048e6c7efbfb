"""The subresources ``explain`` and ``man``: what there is to say of a kind, as an object and as a page to read.

A kind is explained once, whichever of its objects is asked about; ``*`` needs none of them. Everything is read with
this server's rights, and told to who may read it too.
"""

from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import fields
from starlette.requests import Request
from starlette.responses import Response

from kubediscovery.api import GroupVersion
from kubediscovery.arguments import Arguments
from kubediscovery.authz import Attributes, NonResourceAttributes, ResourceAttributes
from kubediscovery.compositions import Target
from kubediscovery.contracts import WATCH, Contract
from kubediscovery.definition_notes import Notes, notes_of
from kubediscovery.definitions import REFERENCE
from kubediscovery.errors import MethodNotAllowed, NotFound, Subject, UpstreamError
from kubediscovery.explanation import Explanation, compositions_of, relations_of
from kubediscovery.identity import User
from kubediscovery.kind_schemas import INDEX, MOST_FIELDS, MOST_LEVELS, Explained, KindSchemas
from kubediscovery.kinds import Kind
from kubediscovery.manual import manual_of
from kubediscovery.meta import ObjectMeta
from kubediscovery.negotiation import UNCONVERTED, MediaType, representation_of
from kubediscovery.options import first_values, wants_watch
from kubediscovery.registry import Description, Registration, Renew
from kubediscovery.requests import ALL
from kubediscovery.responses import known_tags, require_reading, warnings
from kubediscovery.services import Services
from kubediscovery.subresource import SubresourceRequest

MAN = "man"
TEXT = (MediaType(encoding="text/plain"),)
_ACCEPTED = frozenset(("pretty", "timeout"))
_NO_CLUSTER = "schema and usage: there is no cluster behind this server"


class ExplainQuery(Struct, frozen=True):
    """What of a kind is explained."""

    field: Annotated[str, Meta(max_length=1_000, description="A field, as in spec.template; without it all.")] = ""
    depth: Annotated[int, Meta(ge=1, le=MOST_LEVELS, description="Levels of fields that are told; 1 without.")] = 1


class ManQuery(Struct, frozen=True):
    """What of a kind is in its page."""

    depth: Annotated[int, Meta(ge=1, le=MOST_LEVELS, description="Levels of fields that are told; 2 without.")] = 2


class Explaining:
    """Answers for kinds; who may ask has been decided."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._explain, self._man = Arguments(ExplainQuery), Arguments(ManQuery)
        self._schemas = KindSchemas(services.client) if services.client is not None else None

    async def respond(self, request: Request, user: User, attributes: ResourceAttributes, renew: Renew) -> Response:
        """The explanation of the kind; raises :class:`StatusError` where there is none."""
        del renew
        require_reading(request.method)
        query, is_page = request.scope["query_string"], attributes.subresource == MAN
        values = first_values(query)
        if attributes.verb == WATCH or wants_watch(query):
            raise MethodNotAllowed(f"{attributes.subresource} cannot be watched, ask again", allowed=("GET", "HEAD"))
        wanted = ExplainQuery("", self._man.read(values).depth) if is_page else self._explain.read(values)
        representation = representation_of(request.headers, query, TEXT if is_page else UNCONVERTED)
        kind = self._kind_of(attributes)
        explanation = await self._explanation(user, attributes, kind, wanted)
        names = (self._man if is_page else self._explain).names | _ACCEPTED
        return await self._services.renderer.answer(
            manual_of(explanation, kind) if is_page else explanation,
            representation,
            known=known_tags(request.headers),
            headers=warnings(f'unknown query parameter "{name}" was ignored' for name in sorted(set(values) - names)),
        )

    def _kind_of(self, attributes: ResourceAttributes) -> Kind:
        """The kind of the path; raises :class:`NotFound` for an object that is not there."""
        kind = self._services.api.kinds.by_resource(attributes.resource)
        assert kind is not None  # noqa: S101 - the route has it
        if attributes.name != ALL:
            self._services.compositions.require_known(Target(kind, attributes.namespace or None))
            if self._services.store.find(kind, attributes.namespace, attributes.name) is None:
                subject = Subject(kind.group, kind.resource, attributes.name)
                raise NotFound(f'{kind.group_resource} "{attributes.name}" not found', subject=subject)
        return kind

    async def _explanation(
        self, user: User, attributes: ResourceAttributes, kind: Kind, wanted: ExplainQuery
    ) -> Explanation:
        services, may = self._services, partial(self._may, user)
        schema, missing = await self._schema(user, kind, wanted)
        notes = await notes_of(services.client, may, kind) if services.client and kind.custom else Notes()
        sight = await services.visibility.sight(user, attributes.namespace or None)
        compositions = compositions_of(services.store, sight, kind, services.api.api_version)
        compositions.declared = notes.composition
        return Explanation(
            kind="Explanation",
            api_version=services.api.api_version,
            metadata=ObjectMeta(name=kind.group_resource),
            explains=f"{kind.api_version} {kind.kind}",
            namespaced=kind.namespaced,
            field=wanted.field,
            type=schema.type if schema is not None else "",
            description=schema.description if schema is not None else "",
            fields=schema.fields if schema is not None else None,
            compositions=compositions,
            relations=relations_of(services.store, kind),
            usage=notes.usage,
            missing=[*missing, *notes.missing] or None,
        )

    async def _schema(self, user: User, kind: Kind, wanted: ExplainQuery) -> tuple[Explained | None, list[str]]:
        if self._schemas is None:
            return None, [_NO_CLUSTER]
        # As the documents are read by kubectl explain.
        path = f"{INDEX}/apis/{kind.api_version}" if kind.group else f"{INDEX}/api/{kind.version}"
        if not await self._may(user, NonResourceAttributes(path, "get")):
            return None, [f'schema: you may not get "{path}"']
        at = tuple(wanted.field.split(".")) if wanted.field else ()
        try:
            found = await self._schemas.explain(kind, at, wanted.depth)
        except UpstreamError:
            return None, [f"schema: the cluster does not tell that of {kind.group_resource} at the moment"]
        return found, [f"fields: there are more than {MOST_FIELDS}"] if found.truncated else []

    async def _may(self, user: User, attributes: Attributes) -> bool:
        return attributes in await self._services.authorizer.allowed_many(user, (attributes,))


async def _told(request: SubresourceRequest[Any]) -> object:
    """What there is to say of a kind: its fields, what it is made of, its relations, and what its author wrote."""
    raise NotImplementedError


def describe(registration: Registration) -> Description:
    """In OpenAPI: as that of a typed handler that answers with one explanation, or with a page, and has no lists."""
    from kubediscovery.described import descriptions

    is_page, version = registration.name == MAN, GroupVersion(registration.group, registration.version)
    contract = Contract({"get": _told}, Explanation, ManQuery if is_page else ExplainQuery)
    typed = replace(registration, kind=Explanation.__name__, contract=contract, describe=None)
    found = next(descriptions(version, [typed]))
    own = {*(field.encode_name for field in fields(ManQuery if is_page else ExplainQuery)), "pretty"}
    for item in found.paths.values():
        asked = item["get"]["parameters"]
        item["get"]["parameters"] = [each for each in asked if each["$ref"].rpartition(".")[2] in own]
    answered = next(name for name in found.responses if name.endswith(f"{registration.name}.get"))
    reference = {"$ref": next(f"{REFERENCE}{name}" for name in found.schemas if name.endswith(".Explanation"))}
    encodings = [each.encoding for each in (TEXT if is_page else UNCONVERTED)]
    schema = {"type": "string"} if is_page else reference
    found.responses[answered] = {
        "description": "The page." if is_page else "The explanation.",
        "content": {encoding: {"schema": schema} for encoding in encodings},
    }
    return found
