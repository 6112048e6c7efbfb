"""What answers are made with, as the composition root puts it together."""

from dataclasses import dataclass
from typing import Protocol

from kubediscovery.api import ApiGroup
from kubediscovery.authz import Attributes
from kubediscovery.identity import Headers, User
from kubediscovery.metrics import Metrics
from kubediscovery.readiness import Readiness
from kubediscovery.store import Store
from kubediscovery.visibility import Asks


class Authenticates(Protocol):
    """Who tells callers apart."""

    async def authenticate(self, headers: Headers, peer_certificate: bytes | None) -> User | None:
        """The caller, ``None`` for one without any credential; raises :class:`Unauthorized` for a bad credential."""
        ...


class Authorizes(Asks, Protocol):
    """Who tells what a caller may."""

    async def authorize(self, user: User, attributes: Attributes) -> None:
        """Return for what is allowed; raise :class:`Forbidden` or :class:`InternalError` otherwise."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that answers are made with."""

    api: ApiGroup
    store: Store
    authenticator: Authenticates
    authorizer: Authorizes
    readiness: Readiness
    metrics: Metrics
