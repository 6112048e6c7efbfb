"""What answers are made with, as the composition root puts it together."""

from dataclasses import dataclass, field
from typing import Protocol

from kubediscovery.api import ApiGroup
from kubediscovery.audit import Auditor
from kubediscovery.authz import Attributes
from kubediscovery.broadcast import Past
from kubediscovery.identity import Headers, User
from kubediscovery.journal import Journal
from kubediscovery.limits import Limits
from kubediscovery.metrics import Metrics
from kubediscovery.readiness import Readiness
from kubediscovery.responses import Renderer
from kubediscovery.store import Store
from kubediscovery.tracing import Tracing
from kubediscovery.visibility import Asks


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
    """Everything that answers are made with."""

    api: ApiGroup
    store: Store
    journal: Journal
    authenticator: Authenticates
    authorizer: Authorizes
    readiness: Readiness
    metrics: Metrics
    renderer: Renderer = field(default_factory=Renderer)
    limits: Limits = field(default_factory=Limits)
    auditor: Auditor | None = None
    tracing: Tracing | None = None
    past: Past | None = None
