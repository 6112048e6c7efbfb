"""What the author of a subresource writes against: the request that a handler gets, and the columns of its Table.

A handler sees the caller, the object that was asked about, and of the caches what the caller may list; who may ask, and
for what, has been decided before it is called.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, Protocol

from kubediscovery.authz import Attributes, ResourceAttributes
from kubediscovery.edges import Edges
from kubediscovery.errors import ServiceUnavailable
from kubediscovery.identity import ANONYMOUS, User
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.objects import Object
from kubediscovery.relations import Relations
from kubediscovery.sight import Sight
from kubediscovery.store import Store

if TYPE_CHECKING:
    from starlette.requests import Request
    from typing_extensions import TypeVar

    from kubediscovery.client import Client
    from kubediscovery.composition import Composition

    Query = TypeVar("Query", default=Any)
    Body = TypeVar("Body", default=Any)
else:
    from typing import TypeVar

    Query, Body = TypeVar("Query"), TypeVar("Body")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the Table that ``kubectl get`` prints; Name comes before all of them and Age behind them.

    ``getter`` takes what the handler returned and gives the cell: a text, a number, a truth value, or None for an empty
    one. ``type`` is string, integer, number, boolean or date; ``priority`` above 0 shows it for ``--output wide`` only.
    """

    name: str
    type: str
    getter: Callable[[Any], object]
    priority: int = 0
    description: str = ""


class Asks(Protocol):
    """Who answers what a user may."""

    async def allowed_many(
        self, user: User, attributes: Iterable[Attributes], *, max_age: float | None = None
    ) -> frozenset[Attributes]:
        """Those of the attributes that are allowed; raises where that cannot be found out."""
        ...


class Composes(Protocol):
    """Who makes compositions."""

    def compose(self, root: Object, sight: Sight) -> "Composition":
        """The composition of an object, as far as it may be seen."""
        ...


class Seen:
    """The caches, cut to what the caller may list; to be read only, and not to be held across an ``await``.

    Without ``related=True`` at the registration it has the kinds that can be in trees of owners, of the namespace that
    was asked about; with it all kinds, and of other namespaces what the caller may list everywhere.
    """

    __slots__ = ("_sight", "_store")

    def __init__(self, store: Store, sight: Sight) -> None:
        self._store = store
        self._sight = sight

    @property
    def sight(self) -> Sight:
        """What may be listed, and where."""
        return self._sight

    @property
    def kinds(self) -> Kinds:
        """All kinds that are tracked, whether or not any of their objects may be listed."""
        return self._store.kinds

    def get(self, uid: str) -> Object | None:
        """The object with this UID; None also where it may not be listed."""
        return self._seen(self._store.get(uid))

    def find(self, kind: Kind | str, namespace: str, name: str) -> Object | None:
        """The object of this name; cluster-scoped objects have the empty namespace. ``pods`` is a kind too."""
        found = self._kind(kind)
        return self._seen(self._store.find(found, namespace, name)) if found is not None else None

    def objects(self, kind: Kind | str, namespace: str | None = None) -> Iterator[Object]:
        """The objects of a kind, of one namespace or of all; ``pods`` and ``deployments.apps`` are kinds too."""
        found = self._kind(kind)
        if found is None:
            return iter(())
        return filter(self._sight.sees, self._store.objects(found, namespace))

    def children(self, owner: Object) -> list[Object]:
        """What the object owns."""
        return [*filter(self._sight.sees, self._store.children(owner))]

    def owners(self, child: Object) -> list[Object]:
        """What owns the object."""
        return [*filter(self._sight.sees, self._store.owners(child))]

    @property
    def relations(self) -> Relations:
        """The rules of relations that hold now, those that users declared among them."""
        return self._store.links.relations

    @property
    def edges(self) -> Edges:
        """What relations lead to, and from where; to be asked for anew after an ``await``."""
        return Edges(self._store, self._sight)

    def below(self, root: Object) -> Iterator[Object]:
        """All that the object owns, directly or through others, each once."""
        seen, stack = {root.uid}, [root]
        while stack:
            for child in self.children(stack.pop()):
                if child.uid not in seen:
                    seen.add(child.uid)
                    stack.append(child)
                    yield child

    def _kind(self, kind: Kind | str) -> Kind | None:
        return self._store.kinds.by_resource(kind) if isinstance(kind, str) else kind

    def _seen(self, item: Object | None) -> Object | None:
        return item if item is not None and self._sight.sees(item) else None


@dataclass(frozen=True, slots=True)
class Around:
    """What requests are answered with beside the caches; None where there is none of it."""

    compositions: Composes | None = None
    authorizer: Asks | None = None
    client: "Client | None" = None


_NOTHING_AROUND = Around()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubresourceRequest(Generic[Query, Body]):
    """One request about one object, whose caller may ask it.

    ``verb`` is get, create, update, delete or connect; a list and a watch get for each object. ``kind``, ``namespace``
    and ``name`` are those of ``parent``, the object as the caches have it. ``query`` and ``body`` are of the structs
    that were registered, None without one. With ``dry_run`` nothing may be changed. ``now`` is in UTC. ``http`` is the
    request itself, for connect alone.
    """

    user: User = ANONYMOUS
    verb: str = "get"
    parent: Object
    query: Query = None  # type: ignore[assignment]
    body: Body = None  # type: ignore[assignment]
    dry_run: bool = False
    seen: Seen
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    http: "Request | None" = None
    around: Around = _NOTHING_AROUND

    if not TYPE_CHECKING:

        def __class_getitem__(cls, _: object) -> type:
            # One parameter is enough: type checkers know the default of the other.
            return cls

    @property
    def kind(self) -> Kind:
        """Kind of the object."""
        return self.parent.kind

    @property
    def namespace(self) -> str:
        """Namespace of the object; empty for cluster-scoped kinds."""
        return self.parent.namespace

    @property
    def name(self) -> str:
        """Name of the object."""
        return self.parent.name

    @property
    def composition(self) -> "Composition":
        """The object's composition as the caller may see it; made when it is first asked for, not to be changed."""
        if self.around.compositions is None:
            raise ServiceUnavailable("there are no compositions behind this request")
        return self.around.compositions.compose(self.parent, self.seen.sight)

    @property
    def client(self) -> "Client":
        """Requests to kube-apiserver with the rights of this server, not of the caller: ask :meth:`may` before.

        In a dry run whatever it would change is a dry run of kube-apiserver's too. Raises :class:`ServiceUnavailable`
        where there is no cluster behind this server.
        """
        client = self.around.client
        if client is None:
            raise ServiceUnavailable("there is no cluster behind this server")
        return client

    async def may(
        self,
        verb: str,
        resource: str,
        *,
        group: str = "",
        version: str = "*",
        subresource: str = "",
        namespace: str = "",
        name: str = "",
    ) -> bool:
        """Whether the caller may, as kube-apiserver says: ``await request.may("patch", "deployments", group="apps")``.

        No namespace is all of them. Raises :class:`InternalError` where that cannot be found out.
        """
        if self.around.authorizer is None:
            raise ServiceUnavailable("there is nobody who knows what the caller may")
        wanted = ResourceAttributes(verb, group, version, resource, subresource, namespace, name)
        return wanted in await self.around.authorizer.allowed_many(self.user, (wanted,))


class ObservedRequest(SubresourceRequest):
    """A request that tells whether its handler has looked at who asks: what it gave may be another one's answer, too.

    Whatever copies, compares or prints it looks, and so does :meth:`may`.
    """

    __slots__ = ("_looked",)

    @property
    def is_personal(self) -> bool:
        """Whether somebody has looked."""
        return getattr(self, "_looked", False)

    def __getattribute__(self, name: str) -> Any:
        if name == "user":
            object.__setattr__(self, "_looked", True)
        return object.__getattribute__(self, name)
