"""What is agreed with the author of typed handlers: what they take and give, and how long they may take."""

import inspect
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from msgspec import Struct

from kubediscovery.acting import FORCE
from kubediscovery.arguments import argument_faults, is_struct
from kubediscovery.errors import RegistrationError
from kubediscovery.field_validation import field_names
from kubediscovery.patches import CARRIED_OUT, Patch, PatchType
from kubediscovery.subresource import Column, SubresourceRequest

#: Verbs that a handler can have; ``connect`` is for who answers the HTTP request itself.
GET, CREATE, UPDATE, PATCH, DELETE, CONNECT = "get", "create", "update", "patch", "delete", "connect"
VERBS = (GET, CREATE, UPDATE, PATCH, DELETE, CONNECT)
WATCH = "watch"
#: A connection is asked for by these, and reviewed as them (k8s.io/apiserver, pkg/endpoints/installer.go).
OF_CONNECT = (GET, CREATE)
# Those that come with a body.
_WITH_BODY = (CREATE, UPDATE)
#: Seconds that a handler has for one object.
HANDLER_SECONDS = 30.0
_COLUMN_TYPES = ("string", "integer", "number", "boolean", "date")

Handler = Callable[[SubresourceRequest], Coroutine[object, object, object]]


@dataclass(frozen=True, slots=True, eq=False)
class Contract:
    """What the framework does for typed handlers, by their verbs.

    ``timeout`` is the seconds for one object. ``related`` says that they look beyond trees of owners. ``patches`` are
    the types of patches that can be sent.
    """

    handlers: Mapping[str, Handler]
    returns: type[Struct] | None = None
    query: type[Struct] | None = None
    body: type[Struct] | None = None
    columns: tuple[Column, ...] = ()
    timeout: float = HANDLER_SECONDS
    related: bool = False
    patches: tuple[PatchType, ...] = ()


def completed(contract: Contract) -> Contract:
    """The contract with a handler for patches.

    Without one of the author's, who gets and updates the same struct can be patched (k8s.io/apiserver,
    ``pkg/registry/rest/rest.go``, Patcher).
    """
    handlers = contract.handlers
    if PATCH in handlers:
        return replace(contract, patches=tuple(PatchType))
    if GET not in handlers or UPDATE not in handlers or contract.body is None or contract.body is not contract.returns:
        return contract
    found = {**handlers, PATCH: patching(handlers[GET], handlers[UPDATE])}
    return replace(contract, handlers={verb: found[verb] for verb in VERBS if verb in found}, patches=CARRIED_OUT)


def patching(get: Handler, update: Handler) -> Handler:
    """A handler for patches: what is there, patched, is what it is updated to."""

    async def patch_it(request: SubresourceRequest[Any, Any]) -> object:
        """Change what is there, and leave the rest of it as it is."""
        current = await get(replace(request, verb=GET, body=None))
        if not isinstance(current, Struct):
            raise TypeError(f"the handler {_name(get)} gave a {type(current).__name__}, which cannot be patched")
        patch: Patch = request.body
        return await update(replace(request, verb=UPDATE, body=patch.apply(current)))

    return patch_it


def contract_faults(contract: Contract, *, watch: bool) -> list[str]:
    """What of a contract cannot be kept, in the words for its author."""
    return [
        *_handler_faults(contract.handlers),
        *_answer_faults(contract, watch=watch),
        *_struct_faults("query", contract.query),
        *argument_faults(contract.query),
        *_struct_faults("body", contract.body),
        *_body_faults(contract),
        *_force_faults(contract),
        *_column_faults(contract.columns),
        *([] if contract.timeout > 0 else [f"timeout must be more than 0 seconds, not {contract.timeout}"]),
    ]


def _handler_faults(handlers: Mapping[str, Handler]) -> Iterator[str]:
    accepted = ", ".join(VERBS)
    if not handlers:
        yield f"there is no handler; a class has async methods that are called like verbs: {accepted}"
    for verb, handler in handlers.items():
        if verb not in VERBS:
            yield f'"{verb}" is no verb of a handler; accepted are {accepted}'
        if not inspect.iscoroutinefunction(handler):
            yield f"the handler {_name(handler)} must be an async function"
        elif not _takes_one(handler):
            yield f"the handler {_name(handler)} must take one argument, the SubresourceRequest"


def _takes_one(handler: Callable[..., Any]) -> bool:
    try:
        inspect.signature(handler).bind(None)
    except TypeError:
        return False
    return True


def _answer_faults(contract: Contract, *, watch: bool) -> Iterator[str]:
    returns = contract.returns
    if watch and GET not in contract.handlers:
        yield "watch shows what get gives, and there is no handler for get"
    if returns is None:
        if GET in contract.handlers:
            yield "returns= is missing: the struct that get gives"
        return
    if not is_struct(returns):
        yield f"returns= must be a msgspec.Struct, not {returns!r}"
    elif returns.__struct_config__.array_like:
        yield f"returns= must not be array_like, as {returns.__name__} is: an answer is a JSON object"


def _struct_faults(parameter: str, struct: type[Struct] | None) -> Iterator[str]:
    if struct is None:
        return
    if not is_struct(struct):
        yield f"{parameter}= must be a msgspec.Struct, not {struct!r}"
    elif not struct.__struct_config__.frozen or struct.__struct_config__.array_like:
        yield f"{parameter}= must be a frozen struct: class {struct.__name__}(Struct, frozen=True)"


def _body_faults(contract: Contract) -> Iterator[str]:
    if contract.body is not None and not any(verb in contract.handlers for verb in _WITH_BODY):
        yield f"body= is of {' and '.join(_WITH_BODY)}, and there is no handler for these"


def _force_faults(contract: Contract) -> Iterator[str]:
    query = contract.query if PATCH in contract.handlers else None
    if query is not None and is_struct(query) and FORCE in field_names(query):
        yield f'the parameter "{FORCE}" is one that every patch has: give the field another name'


def _column_faults(columns: tuple[Column, ...]) -> Iterator[str]:
    for column in columns:
        if column.type not in _COLUMN_TYPES:
            accepted = ", ".join(_COLUMN_TYPES)
            yield f'column {column.name}: type must be one of {accepted}, not "{column.type}"'


def _name(handler: object) -> str:
    return str(getattr(handler, "__qualname__", handler))


def handlers_of(handling: Callable[..., Any], verbs: tuple[str, ...], place: str) -> Mapping[str, Handler]:
    """Handlers by their verbs: the methods of a class, or one function for all of its verbs.

    Raises :class:`RegistrationError` for a class with verbs beside it; the place is where it is registered.
    """
    if not isinstance(handling, type):
        return dict.fromkeys(verbs or ("get",), handling)
    if verbs:
        raise RegistrationError(f"{place}: a class has the verbs that its methods are called like: give none")
    made = handling()
    return {verb: getattr(made, verb) for verb in VERBS if hasattr(made, verb)}


def discovered_verbs(handlers: Mapping[str, Handler], *, watch: bool) -> tuple[str, ...]:
    """The verbs as discovery has them: a connection is none of its own."""
    found = dict.fromkeys(verb for verb in handlers if verb != CONNECT)
    if CONNECT in handlers:
        found |= dict.fromkeys(OF_CONNECT)
    return (*found, *((WATCH,) if watch else ()))
