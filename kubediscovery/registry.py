"""What is registered: the subresources of existing kinds, and resources, of one version of one API group.

Routing, discovery, documents, metrics and audit are all derived from it. kubediscovery's own compositions are
registered by the same calls as everybody else's subresources.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from msgspec import Struct

from kubediscovery.contracts import HANDLER_SECONDS, Contract, completed, contract_faults, discovered_verbs, handlers_of
from kubediscovery.drawing import EVERY_KIND, KindFilter, parse_kinds
from kubediscovery.errors import BadRequest, RegistrationError
from kubediscovery.overlap import overlap
from kubediscovery.subresource import Column
from kubediscovery.wanted_kinds import parse_follows

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from kubediscovery.authz import ResourceAttributes
    from kubediscovery.identity import User
    from kubediscovery.services import Services


Handling = TypeVar("Handling", bound=Callable[..., Any])
Renew = Callable[[], Awaitable[None]]
Json = dict[str, Any]

# apimachinery, pkg/util/validation: IsDNS1123Label, IsDNS1123Subdomain, IsDNS1035Label.
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_GROUP = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
_VERSION = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}")


class Responder(Protocol):
    """Who answers requests as they are; who asks, and whether they may, has been decided."""

    async def respond(
        self, request: "Request", user: "User", attributes: "ResourceAttributes", renew: Renew
    ) -> "Response":
        """The answer; raises :class:`StatusError` where there is none.

        ``attributes`` are what was reviewed, their name ``*`` for all objects. ``renew`` reviews them once more, for an
        answer that lasts, and raises what says that it has to end.
        """
        ...


@dataclass(frozen=True, slots=True)
class Description:
    """A part of an OpenAPI 3.0 document, each by the names that ``components`` or ``paths`` have for it."""

    paths: Json
    schemas: Json = field(default_factory=dict)
    parameters: Json = field(default_factory=dict)
    responses: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Registration:
    """A subresource of the kinds that pass ``on`` or, where that is None, a resource of its own.

    ``kind`` is what it answers with, ``verbs`` are those of discovery, ``place`` says where it was registered, as
    file:line. ``by`` makes who answers, once a server, and ``describe`` says it in OpenAPI; typed handlers have a
    contract instead. The rest is of resources.
    """

    group: str
    version: str
    name: str
    on: KindFilter | None
    kind: str
    verbs: tuple[str, ...]
    place: str
    by: "Callable[[Services, Registration], Responder] | None" = None
    describe: "Callable[[Registration], Description] | None" = None
    singular: str = ""
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    contract: Contract | None = None

    @property
    def api_version(self) -> str:
        """``images.example.org/v1``."""
        return f"{self.group}/{self.version}"

    def __str__(self) -> str:
        return f'{"resource" if self.on is None else "subresource"} "{self.name}" of {self.api_version}'


Background = Callable[["Services"], Awaitable[None]]


class Registry:
    """The subresources and resources of one version of a group, in the order in which they were registered.

    ``follows`` are kinds to read (``services.``) beside those of its subresources and what Kubernetes makes of these.
    """

    def __init__(self, group: str, version: str = "v1", *, follows: str | None = None) -> None:
        place = _caller()
        self.follows = parse_follows(follows, place)
        if not _GROUP.fullmatch(group):
            raise RegistrationError(
                f'{place}: group must be a DNS name with a dot, as images.example.org, not "{group}"'
            )
        if not _VERSION.fullmatch(version):
            raise RegistrationError(f'{place}: version must be one as v1 or v1alpha1, not "{version}"')
        self.group = group
        self.version = version
        self._registration = partial(Registration, group=group, version=version)
        self._registered: list[Registration] = []
        self._background: list[Background] = []

    def __iter__(self) -> Iterator[Registration]:
        return iter(self._registered)

    @property
    def api_version(self) -> str:
        """``images.example.org/v1``."""
        return f"{self.group}/{self.version}"

    @property
    def beside(self) -> Sequence[Background]:
        """What goes on beside the server; see :meth:`background`."""
        return tuple(self._background)

    def subresource(
        self,
        name: str,
        *,
        on: str = "*",
        returns: type[Struct] | None = None,
        query: type[Struct] | None = None,
        body: type[Struct] | None = None,
        verbs: Sequence[str] = (),
        watch: bool = False,
        columns: Sequence[Column] = (),
        timeout: float = HANDLER_SECONDS,
        related: bool = False,
    ) -> Callable[[Handling], Handling]:
        """Register the function or class below as the subresource ``name`` of the kinds that ``on`` means.

        ``on`` is ``*`` or words between commas: plurals, plurals with their group, globs of these, and ``!`` before
        what is left out, as in ``*.apps,!replicasets``. The function is async, takes a :class:`SubresourceRequest` and
        gives what ``returns`` says; its ``verbs`` are ``get`` unless others are named. Of a class the async methods
        that are called like verbs are the handlers; it is made without arguments. ``query`` and ``body`` are frozen
        structs of the parameters and the body that it takes. What gets and updates the same struct can be patched too;
        a handler for ``patch`` itself has a :class:`Patch` as its body. With ``watch`` callers can watch what ``get``
        gives, as it changes with the tree of the object and, for who is ``related``, with anything. ``timeout`` is in
        seconds.

        Raises :class:`RegistrationError` naming the place of what is wrong, and of what it is in conflict with.
        """
        place = _caller()
        agreed = Contract({}, returns, query, body, tuple(columns), timeout, related)

        def register(handling: Handling) -> Handling:
            contract = completed(replace(agreed, handlers=handlers_of(handling, tuple(verbs), place)))
            self._agree(name, on, contract, watch=watch, place=place)
            return handling

        return register

    def _agree(self, name: str, on: str, contract: Contract, *, watch: bool, place: str) -> None:
        if faults := contract_faults(contract, watch=watch):
            raise RegistrationError(f'{place}: subresource "{name}": {faults[0]}')
        returns = contract.returns
        self._register(
            self._registration(
                name=name,
                on=_filter(on, place),
                kind=returns.__name__ if returns is not None else "Status",
                verbs=discovered_verbs(contract.handlers, watch=watch),
                place=place,
                contract=contract,
            )
        )

    def respond(
        self,
        name: str,
        *,
        on: str = "*",
        kind: str,
        verbs: Sequence[str] = ("get",),
        by: "Callable[[Services, Registration], Responder]",
        describe: "Callable[[Registration], Description] | None" = None,
    ) -> None:
        """Register a subresource whose requests are answered as they are, by what ``by`` makes once a server.

        The framework decides who asks and whether they may, and tells discovery, metrics and audit of it; the rest is
        the responder's. kubediscovery's compositions are one. Raises :class:`RegistrationError`.
        """
        place = _caller()
        self._register(
            self._registration(
                name=name,
                on=_filter(on, place),
                kind=kind,
                verbs=tuple(verbs),
                place=place,
                by=by,
                describe=describe,
            )
        )

    def resource(
        self,
        name: str,
        *,
        kind: str,
        verbs: Sequence[str] = ("list",),
        by: "Callable[[Services, Registration], Responder]",
        singular: str = "",
        namespaced: bool = True,
        short_names: Sequence[str] = (),
        describe: "Callable[[Registration], Description] | None" = None,
    ) -> None:
        """Register a resource of its own beside the subresources, answered as those of :meth:`respond` are."""
        self._register(
            self._registration(
                name=name,
                on=None,
                kind=kind,
                verbs=tuple(verbs),
                place=_caller(),
                by=by,
                describe=describe,
                singular=singular or name,
                namespaced=namespaced,
                short_names=tuple(short_names),
            )
        )

    def background(self, work: Background) -> Background:
        """Let the async function below go on while the server runs, with its :class:`Services`; a fault ends both."""
        self._background.append(work)
        return work

    def _register(self, registration: Registration) -> None:
        place = registration.place
        if not _LABEL.fullmatch(registration.name):
            raise RegistrationError(
                f'{place}: a name must be a DNS label, as in images or spec-history, not "{registration.name}"'
            )
        if not _KIND.fullmatch(registration.kind):
            raise RegistrationError(f'{place}: a kind must be one CamelCase word, not "{registration.kind}"')
        for other in self._registered:
            refuse_conflict(registration, other)
        self._registered.append(registration)


def refuse_conflict(one: Registration, other: Registration) -> None:
    """Raise :class:`RegistrationError` where two of the same group and version could mean the same request."""
    if one.name != other.name:
        return
    if one.on is not None and other.on is not None:
        from kubediscovery.built_in import KUBERNETES_KINDS

        if not overlap(one.on, other.on, KUBERNETES_KINDS):
            return
        why = "of the same kinds"
    elif (one.on is None) == (other.on is None):
        why = "of the same name"
    elif one.by is other.by:
        # As compositions: the resource lists what the subresource gives of each object.
        return
    else:
        why = "whose name it has"
    raise RegistrationError(f"{one.place}: {one} is in conflict with the {other}, {why}, registered at {other.place}")


def _caller() -> str:
    """The file and line outside of this module that is being run."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else "unknown"


def _filter(text: str, place: str) -> KindFilter:
    if text.strip() == "*":
        return EVERY_KIND
    try:
        found = parse_kinds(text)
    except BadRequest as error:
        raise RegistrationError(f"{place}: on: {str(error).removeprefix('kinds').removeprefix(':').strip()}") from None
    if found.is_everything:
        raise RegistrationError(f"{place}: on: name the kinds, or give * for all of them")
    return found
