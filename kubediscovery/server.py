"""The one composition root: everything is made here, once, and handed to who needs it."""

import asyncio
import contextlib
import logging
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path

from kubediscovery.api import ApiGroup
from kubediscovery.app import create_app
from kubediscovery.authn import Authenticator
from kubediscovery.authz import Authorizer
from kubediscovery.certs import read_key_pair
from kubediscovery.client import Client
from kubediscovery.compact import Compactor
from kubediscovery.config import API_VERSION, ServeOptions
from kubediscovery.decoding import Decoder
from kubediscovery.errors import StartupError
from kubediscovery.kinds import CONFIG_MAP, Kind, Kinds
from kubediscovery.listener import Listener, ServingTls, bind
from kubediscovery.metrics import Metrics
from kubediscovery.objects import ConfigMapState, Object
from kubediscovery.readiness import Check, Readiness
from kubediscovery.reflector import Progress, Reflector
from kubediscovery.services import Services
from kubediscovery.sources import ObjectSource
from kubediscovery.store import Coverage, KindCache, Store

logger = logging.getLogger(__name__)

_TRUST_NAMESPACE, _TRUST_NAME = "kube-system", "extension-apiserver-authentication"
_CERTIFICATE_POLL = 30.0

Reflectors = Mapping[Kind, Reflector[Object]]


async def serve(options: ServeOptions) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises :class:`ConfigurationError` or :class:`StartupError` before anything is served.
    """
    options.validate()
    certificate, key = options.key_pair
    read_key_pair(certificate, key)
    client = await Client.connect(options.kubeconfig)
    try:
        tls = ServingTls(certificate, key)
        with bind(options.bind_address, options.secure_port) as listening:
            await _serve_cluster(options, client, tls, listening)
    finally:
        await client.close()


async def _serve_cluster(options: ServeOptions, client: Client, tls: ServingTls, listening: socket.socket) -> None:
    api = ApiGroup(options.api_group, API_VERSION, Kinds())
    store, metrics = Store(api.kinds), Metrics()
    authenticator = Authenticator(client)
    reflectors = _reflectors(client, store)
    trust = Reflector(_trust_source(client), TrustSink(authenticator, tls))
    progress = {kind: reflector.progress for kind, reflector in reflectors.items()}
    metrics.watch_caches(store, progress)
    readiness = Readiness(lambda: checks(authenticator, trust.progress, store, progress))
    app = create_app(Services(api, store, authenticator, Authorizer(client), readiness, metrics))
    await run(
        Listener(app, tls),
        listening,
        readiness,
        background=[trust.run, *(reflector.run for reflector in reflectors.values()), _renewal(tls, options.key_pair)],
        shutdown_delay=options.shutdown_delay,
    )


async def run(
    listener: Listener,
    listening: socket.socket,
    readiness: Readiness,
    *,
    background: Sequence[Callable[[], Awaitable[None]]],
    shutdown_delay: float = 0.0,
) -> None:
    """Listen and do what goes on beside it, until a signal; then fail readiness, wait, drain and end.

    Raises :class:`StartupError` where one of these failed: half a server must not look like a whole one.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(_forever(work)) for work in background]
            serving = tasks.create_task(listener.serve(sockets=[listening]))
            stopping = tasks.create_task(stop.wait())
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
            logger.info("shutting down")
            readiness.shutting_down = True
            await asyncio.sleep(shutdown_delay)
            listener.should_exit = True
            await serving
            for task in (*running, stopping):
                task.cancel()
    except ExceptionGroup as failures:
        logger.exception("what has to go on has failed", exc_info=failures)
        raise StartupError(f"stopped by a fault of its own: {failures.exceptions[0]!r}; the log has the rest") from None


async def _forever(work: Callable[[], Awaitable[None]]) -> None:
    await work()


def checks(
    authenticator: Authenticator, trust: Progress, store: Store, progress: Mapping[Kind, Progress]
) -> Iterator[Check]:
    """What must hold before requests are sent here, and what each reflector is doing."""
    yield Check("authentication", authenticator.configured, authenticator.problem or trust.phase)
    for kind, doing in progress.items():
        coverage = store.coverage(kind)
        known = coverage in (Coverage.PENDING, Coverage.COMPLETE)
        note = doing.phase.value if known else f"omitted ({coverage}), {doing.phase}"
        yield Check(f"cache-{kind.group_resource}", coverage is not Coverage.PENDING, note)


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
        logger.warning("ConfigMap %s/%s cannot be read: %s", _TRUST_NAMESPACE, _TRUST_NAME, reason)

    def _configure(self, item: Object | None) -> None:
        state = item.state if item is not None else None
        self._authenticator.configure(dict(state.data) if isinstance(state, ConfigMapState) else {})
        self._tls.trust(self._authenticator.ca_bundle)
        if self._authenticator.problem:
            logger.warning("authentication: %s", self._authenticator.problem)


def _reflectors(client: Client, store: Store) -> Reflectors:
    compactor = Compactor()
    return {
        kind: Reflector(ObjectSource(client, kind.list_path, Decoder(kind, compactor)), KindCache(store, kind))
        for kind in store.kinds
    }


def _trust_source(client: Client) -> ObjectSource:
    path = f"/api/v1/namespaces/{_TRUST_NAMESPACE}/configmaps"
    decoder = Decoder(CONFIG_MAP, Compactor())
    return ObjectSource(client, path, decoder, field_selector=f"metadata.name={_TRUST_NAME}")


def _renewal(tls: ServingTls, paths: tuple[Path, Path]) -> Callable[[], Awaitable[None]]:
    """Read the serving certificate again whenever its files change; a half-written pair waits for the next look."""

    def written() -> list[int]:
        return [path.stat().st_mtime_ns for path in paths]

    async def renew() -> None:
        last = written()
        while True:
            await asyncio.sleep(_CERTIFICATE_POLL)
            with contextlib.suppress(OSError, ssl.SSLError):
                if (now := written()) != last:
                    tls.load_certificate()
                    last = now
                    logger.info("serving certificate renewed")

    return renew
