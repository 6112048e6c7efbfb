"""What answers are made with, as the composition root puts it together."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from kubediscovery.api import ApiGroup
from kubediscovery.audit import Auditor
from kubediscovery.authz import Attributes
from kubediscovery.broadcast import Past
from kubediscovery.compositions import Compositions
from kubediscovery.freshness import Settled
from kubediscovery.identity import Headers, User
from kubediscovery.journal import Journal
from kubediscovery.limits import Limits
from kubediscovery.metrics import Metrics
from kubediscovery.readiness import Readiness
from kubediscovery.registry import Registry
from kubediscovery.responses import Renderer
from kubediscovery.store import Store
from kubediscovery.tracing import Tracing
from kubediscovery.turns import Turns
from kubediscovery.visibility import Asks, Visibility

if TYPE_CHECKING:
    from kubediscovery.client import Client


class Authenticates(Protocol):
    """Who tells callers apart."""

    async def authenticate(self, headers: Headers, peer_certificate: bytes | None) -> User | None:
        """The caller, ``None`` for one without any credential; raises :class:`Unauthorized` for a bad credential."""
        ...


class Authorizes(Asks, Protocol):
    """Who tells what a caller may."""

    async def authorize(self, user: User, attributes: Attributes, *, max_age: float | None = None) -> str:
        """Why that is allowed, asked less than ``max_age`` seconds ago.

        Raises :class:`Forbidden` or :class:`InternalError` otherwise.
        """
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that answers are made with.

    ``registries`` are what is served; without any what is built in. Without a ``client`` there is no cluster behind it.
    """

    api: ApiGroup
    store: Store
    journal: Journal
    authenticator: Authenticates
    authorizer: Authorizes
    readiness: Readiness
    metrics: Metrics
    renderer: Renderer = field(default_factory=Renderer)
    limits: Limits = field(default_factory=Limits)
    turns: Turns = field(default_factory=Turns)
    auditor: Auditor | None = None
    tracing: Tracing | None = None
    past: Past | None = None
    client: "Client | None" = None
    registries: tuple[Registry, ...] = ()
    compositions: Compositions = field(init=False)
    visibility: Visibility = field(init=False)
    settled: Settled = field(init=False)

    def __post_init__(self) -> None:
        # One of each for all who answer: they keep what they have made.
        object.__setattr__(self, "compositions", Compositions(self.api, self.store, self.journal))
        object.__setattr__(self, "visibility", Visibility(self.authorizer, self.store))
        object.__setattr__(self, "settled", Settled(self.store))
