"""What a request to a typed handler asks for, whoever sent it: read once from its method, query and head, and kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from starlette.datastructures import Headers
from starlette.requests import Request

from kubediscovery.acting import DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION, FORCE, NOT_ACTING, Acting, acting_options
from kubediscovery.arguments import RESERVED, Arguments
from kubediscovery.asked import KEPT, LONGEST_KEPT, Lines, length_of, said_in
from kubediscovery.authz import ResourceAttributes
from kubediscovery.contracts import CONNECT, GET, OF_CONNECT, PATCH, WATCH, Contract, Handler
from kubediscovery.errors import BadRequest, MethodNotAllowed
from kubediscovery.negotiation import READABLE, WATCHABLE, Representation, representation_of
from kubediscovery.options import Options, first_values, standard_options, wants_watch
from kubediscovery.registry import Registration
from kubediscovery.requests import ALL
from kubediscovery.responses import known_tags, warnings

_METHODS = {
    "get": ("GET", "HEAD"),
    "create": ("POST",),
    "update": ("PUT",),
    "patch": ("PATCH",),
    "delete": ("DELETE",),
}
_READING = ("GET", "HEAD")
_FIELDS = {"metadata.name": None, "metadata.namespace": None}
_OF_ACTING = frozenset((DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION))
_ACTING = _OF_ACTING | {"pretty", "timeout"}


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """``verb`` is the contract's, ``query`` its struct; ``said`` is the header that warns of what was ``ignored``."""

    verb: str
    handler: Handler
    query: object
    options: Options
    representation: Representation
    known: frozenset[str]
    watches: bool
    acting: Acting
    ignored: tuple[str, ...]
    said: Mapping[str, str]


class Plans:
    """Reads the requests of one registration."""

    def __init__(self, registration: Registration, contract: Contract) -> None:
        self._registration = registration
        self._contract = contract
        self._arguments = Arguments(contract.query) if contract.query is not None else None
        self._own = self._arguments.names if self._arguments is not None else frozenset[str]()
        self._kept = lru_cache(KEPT)(self._read)

    def plan(self, request: Request, attributes: ResourceAttributes) -> Plan:
        """What the request asks for; raises :class:`StatusError` for what cannot be asked."""
        query, said = request.scope["query_string"], said_in(request.scope["headers"])
        read = self._kept if len(query) + length_of(said) <= LONGEST_KEPT else self._read
        return read(attributes.verb, request.method, attributes.name == ALL, query, said)

    def _read(self, verb: str, method: str, is_list: bool, query: bytes, said: Lines) -> Plan:
        reads = method in _READING
        asked, (verb, handler) = verb, self._handler(verb, method)
        watches = verb == GET and (asked == WATCH or wants_watch(query))
        if watches and WATCH not in self._registration.verbs:
            raise MethodNotAllowed(f"the {self._registration} cannot be watched", allowed=self._methods())
        if is_list and verb != GET:
            raise BadRequest(f"{verb} is for one object: give its name, {ALL} is only read")
        values, headers = first_values(query), Headers(raw=list(said))
        options = standard_options(values if verb == GET else {}, watch=watches, fields=_FIELDS)
        offered = WATCHABLE if watches else READABLE
        ignored = tuple(self._ignored(values, verb, reads=reads))
        return Plan(
            verb=verb,
            handler=handler,
            query=self._arguments.read(values) if self._arguments is not None else None,
            options=options,
            representation=representation_of(headers, query, offered, options.include_object),
            known=known_tags(headers) if verb == GET else frozenset(),
            watches=watches,
            acting=NOT_ACTING if reads else acting_options(values, verb),
            ignored=ignored,
            said=warnings(ignored),
        )

    def _handler(self, verb: str, method: str) -> tuple[str, Handler]:
        """The verb of the contract that a request's verb means, and its handler; raises :class:`MethodNotAllowed`."""
        handlers = self._contract.handlers
        if verb == WATCH and method in _READING and GET in handlers:
            return GET, handlers[GET]
        if verb in handlers:
            return verb, handlers[verb]
        if verb in OF_CONNECT and CONNECT in handlers:
            return CONNECT, handlers[CONNECT]
        accepted = ", ".join(self._methods())
        raise MethodNotAllowed(f"{method} is not supported here; accepted are {accepted}", allowed=self._methods())

    def _methods(self) -> tuple[str, ...]:
        return tuple(method for verb in self._registration.verbs for method in _METHODS.get(verb, ()))

    def _ignored(self, values: Mapping[str, str], verb: str, *, reads: bool) -> Iterator[str]:
        accepted = self._own | (RESERVED - _OF_ACTING if reads else _ACTING) | ({FORCE} if verb == PATCH else set())
        return (f'unknown query parameter "{name}" was ignored' for name in sorted(set(values) - accepted))
