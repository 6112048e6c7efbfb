"""What the listener and authentication are told while the server runs: whom to believe, and the serving certificate."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable

from kubediscovery.authn import Authenticator
from kubediscovery.client import Client
from kubediscovery.compact import Compactor
from kubediscovery.decoding import Decoder
from kubediscovery.kinds import CONFIG_MAP
from kubediscovery.listener import ServingTls
from kubediscovery.objects import ConfigMapState, Object
from kubediscovery.reflector import Reflector
from kubediscovery.shapes import CONFIG_MAP_DATA
from kubediscovery.sources import ObjectSource

logger = logging.getLogger(__name__)

_NAMESPACE, _NAME = "kube-system", "extension-apiserver-authentication"
# Seconds between two looks at the serving certificate's files.
CERTIFICATE_POLL = 1.0


def trust_reflector(client: Client, authenticator: Authenticator, tls: ServingTls) -> Reflector[Object]:
    """What follows the ConfigMap that says whom to believe."""
    path = f"/api/v1/namespaces/{_NAMESPACE}/configmaps"
    decoder = Decoder(CONFIG_MAP, Compactor(), shape=CONFIG_MAP_DATA)
    source = ObjectSource(client, path, decoder, field_selector=f"metadata.name={_NAME}")
    return Reflector(source, TrustSink(authenticator, tls))


class TrustSink:
    """Hands each version of the ConfigMap that says whom to believe to authentication and to the listener."""

    def __init__(self, authenticator: Authenticator, tls: ServingTls) -> None:
        self._authenticator = authenticator
        self._tls = tls

    def replace(self, items: list[Object], resource_version: str) -> None:
        """The ConfigMap as it is; without one nobody is believed."""
        del resource_version
        self._configure(items[0] if items else None)

    def put(self, item: Object) -> None:
        """The ConfigMap was changed."""
        self._configure(item)

    def remove(self, item: Object) -> None:
        """The ConfigMap was deleted."""
        del item
        self._configure(None)

    def advance(self, resource_version: str) -> None:
        """Nothing depends on the version."""

    def omit(self, reason: str) -> None:
        """It may not be read (any more): what was last read stays, as in k8s.io/apiserver."""
        logger.warning("ConfigMap %s/%s cannot be read: %s", _NAMESPACE, _NAME, reason)

    def _configure(self, item: Object | None) -> None:
        state = item.state if item is not None else None
        self._authenticator.configure(dict(state.data) if isinstance(state, ConfigMapState) else {})
        self._tls.trust(self._authenticator.ca_bundle)
        if self._authenticator.problem:
            logger.warning("authentication: %s", self._authenticator.problem)


def renewal(tls: ServingTls, *, every: float = CERTIFICATE_POLL) -> Callable[[], Awaitable[None]]:
    """Load the serving certificate again when its files have changed, looking every so many seconds."""

    async def renew() -> None:
        told = ""
        while True:
            await asyncio.sleep(every)
            try:
                if tls.renew():
                    told = ""
                    logger.info("serving certificate renewed")
            except (OSError, ssl.SSLError) as error:
                if str(error) != told:
                    told = str(error)
                    logger.warning("serving certificate: the new files cannot be used, the former stays: %s", told)

    return renew
