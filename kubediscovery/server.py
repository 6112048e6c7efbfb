"""The one composition root: everything is made here, once, and handed to who needs it."""

import asyncio
import logging
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from kubediscovery import history_subresources
from kubediscovery.api import ApiGroup
from kubediscovery.apiservice import ApiService, ApiServiceKeeper
from kubediscovery.app import create_app
from kubediscovery.authn import Authenticator
from kubediscovery.authz import Authorizer
from kubediscovery.bookkeeping import Books, opened_books
from kubediscovery.built_in_registry import built_in_registry
from kubediscovery.catalogue import Catalogue
from kubediscovery.certs import read_key_pair
from kubediscovery.checks import checks
from kubediscovery.chronicle import Chronicle, HistoryOptions
from kubediscovery.client import Client
from kubediscovery.compact import Compactor
from kubediscovery.config import API_VERSION, ServeOptions
from kubediscovery.declarations import Declarations
from kubediscovery.decoding import Decoder
from kubediscovery.errors import StartupError
from kubediscovery.following import Following
from kubediscovery.history import History
from kubediscovery.journal import Journal
from kubediscovery.kinds import CONFIG_MAP, Kind, Kinds
from kubediscovery.listener import Listener, ServingTls, bind
from kubediscovery.lookout import Lookout
from kubediscovery.metrics import Metrics
from kubediscovery.objects import ConfigMapState, Object
from kubediscovery.presence import SharedLease
from kubediscovery.pulse import pulse
from kubediscovery.readiness import Readiness
from kubediscovery.reflector import Reflector
from kubediscovery.registry import Registry
from kubediscovery.selection import Selection
from kubediscovery.services import Services
from kubediscovery.settings import Settings
from kubediscovery.shapes import CONFIG_MAP_DATA
from kubediscovery.sources import ObjectSource
from kubediscovery.startup import allow_open_files, give_back_large_blocks, keep_for_good
from kubediscovery.store import Store

logger = logging.getLogger(__name__)

_TRUST_NAMESPACE, _TRUST_NAME = "kube-system", "extension-apiserver-authentication"
# Seconds between two looks at the serving certificate's files.
CERTIFICATE_POLL = 1.0


async def serve(
    options: ServeOptions,
    settings: Settings | None = None,
    *,
    registries: Sequence[Registry] = (),
    listening: socket.socket | None = None,
    signals: "Signals | None" = None,
) -> None:
    """Serve until SIGTERM or SIGINT, or until the ``signals`` say so; ``listening`` stands for address and port.

    The ``registries`` are served beside what is built in.

    Raises :class:`ConfigurationError` or :class:`StartupError` before anything is served.
    """
    options.validate()
    allow_open_files()
    give_back_large_blocks()
    certificate, key = options.key_pair
    read_key_pair(certificate, key)
    client = await Client.connect(options.kubeconfig)
    try:
        tls = ServingTls(certificate, key)
        settings, built_in = settings or Settings(), built_in_registry(options.api_group)
        chronicle = Chronicle(HistoryOptions(settings.history, options.history_path, options.audit_log))
        history_subresources.register(built_in, chronicle)
        with (
            chronicle.opened(),
            opened_books(options.load) as books,
            listening or bind(options.bind_address, options.secure_port) as bound,
        ):
            given = (built_in, *registries)
            await _serve_cluster(options, settings, client, tls, bound, books, given, signals)
    finally:
        await client.close()


async def _serve_cluster(
    options: ServeOptions,
    settings: Settings,
    client: Client,
    tls: ServingTls,
    listening: socket.socket,
    books: Books,
    registries: tuple[Registry, ...],
    signals: "Signals | None",
) -> None:
    api = ApiGroup(options.api_group, API_VERSION, Kinds())
    store, metrics = Store(api.kinds), Metrics()
    authenticator = Authenticator(books.reviewer(client, metrics, "authn"))
    catalogue = Catalogue(client, options.api_group)
    declarations = Declarations(store, settings.relations)
    source_of = _source_of(client, settings, declarations, store)
    following = Following(store, source_of, catalogue.look, form_of=declarations.reader_of)
    journal = Journal(store)
    lookout = Lookout(store, catalogue, following, settings.kinds or Selection())
    trust = Reflector(_trust_source(client), TrustSink(authenticator, tls))
    metrics.watch_caches(store, following.progress)
    metrics.count("apiserver_tls_handshake_errors", "TLS handshakes that failed.", lambda: tls.failed_handshakes)
    books.report(metrics)
    readiness = Readiness(lambda: checks(authenticator, trust.progress, store, following, lookout))
    keepers = _keepers(options, client, listening, readiness)
    authorizer = Authorizer(books.reviewer(client, metrics, "authz"))
    services = Services(
        api,
        store,
        journal,
        authenticator,
        authorizer,
        readiness,
        metrics,
        past=History(following.sources, journal),
        limits=books.limits,
        auditor=books.auditor,
        tracing=books.tracing,
        client=client,
        registries=registries,
    )
    await run(
        Listener(create_app(services), tls, drain_seconds=books.limits.seconds),
        listening,
        readiness,
        background=[
            trust.run,
            lookout.run,
            renewal(tls),
            pulse(metrics, books.limits),
            partial(keep_for_good, lambda: not store.pending),
            *(each.run for each in keepers),
            *work_beside(services),
        ],
        leaving=[each.leave for each in keepers],
        shutdown_delay=options.shutdown_delay,
        signals=signals,
    )


async def run(
    listener: Listener,
    listening: socket.socket,
    readiness: Readiness,
    *,
    background: Sequence[Callable[[], Awaitable[None]]],
    leaving: Sequence[Callable[[], Awaitable[None]]] = (),
    shutdown_delay: float = 0.0,
    signals: "Signals | None" = None,
) -> None:
    """Listen and do what goes on beside it, until a signal; then fail readiness, leave, wait, drain and end.

    Raises :class:`StartupError` where one of these failed: half a server must not look like a whole one.
    """
    signals = signals or Signals.of_process()
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(_forever(work)) for work in background]
            serving = tasks.create_task(listener.serve(sockets=[listening]))
            first, second = tasks.create_task(signals.first.wait()), tasks.create_task(signals.second.wait())
            await asyncio.wait((serving, first), return_when=asyncio.FIRST_COMPLETED)
            ending = tasks.create_task(_end(listener, readiness, leaving, shutdown_delay))
            await asyncio.wait((serving, second), return_when=asyncio.FIRST_COMPLETED)
            if signals.second.is_set():
                listener.abort()
            await serving
            for task in (*running, first, second, ending):
                task.cancel()
    except ExceptionGroup as failures:
        logger.exception("what has to go on has failed", exc_info=failures)
        raise StartupError(f"stopped by a fault of its own: {failures.exceptions[0]!r}; the log has the rest") from None
    if signals.second.is_set():
        raise StartupError("ended at once by a second signal: requests may have been cut off")


class Signals:
    """The first asks to end, another one to do so at once (``pkg/server/signal.go``)."""

    def __init__(self) -> None:
        self.first, self.second = asyncio.Event(), asyncio.Event()

    @classmethod
    def of_process(cls) -> "Signals":
        """SIGTERM and SIGINT."""
        made = cls()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, made.end)
        return made

    def end(self) -> None:
        """Ask once more."""
        (self.second if self.first.is_set() else self.first).set()


async def _end(
    listener: Listener, readiness: Readiness, leaving: Sequence[Callable[[], Awaitable[None]]], delay: float
) -> None:
    """The order of ``pkg/server/genericapiserver.go``: watches end while requests under way are finished."""
    logger.info("shutting down: no longer ready")
    readiness.shutting_down = True
    await asyncio.gather(asyncio.sleep(delay), *(leave() for leave in leaving))
    logger.info("shutting down: no new connections, finishing what is under way")
    listener.close()
    readiness.draining.set()


def work_beside(services: Services) -> list[Callable[[], Awaitable[None]]]:
    """What the registries want to go on beside the server."""
    return [partial(work, services) for registry in services.registries for work in registry.beside]


async def _forever(work: Callable[[], Awaitable[None]]) -> None:
    await work()


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


def _keepers(
    options: ServeOptions, client: Client, listening: socket.socket, readiness: Readiness
) -> list[ApiServiceKeeper]:
    """Who manages the APIService: one, or none without the option. The replica's name outlives a crash of it."""
    if not options.manage_apiservice:
        return []
    return [
        ApiServiceKeeper(
            client,
            ApiService(options.api_group, options.namespace),
            SharedLease(client, options.namespace),
            replica=f"{socket.gethostname()}:{listening.getsockname()[1]}",
            is_ready=lambda: readiness.ready("", verbose=False, excluded=frozenset()).passed,
        )
    ]


def _source_of(
    client: Client, settings: Settings, declarations: Declarations, store: Store
) -> Callable[[Kind], ObjectSource]:
    compactor = Compactor()

    def source_of(kind: Kind) -> ObjectSource:
        decoder = settings.decoder(kind, compactor, declarations.reader_of(kind))
        # What is read anew must not be older than what is known.
        return ObjectSource(client, kind.list_path, decoder, may_lag=store.count(kind) == 0)

    return source_of


def _trust_source(client: Client) -> ObjectSource:
    path = f"/api/v1/namespaces/{_TRUST_NAMESPACE}/configmaps"
    decoder = Decoder(CONFIG_MAP, Compactor(), shape=CONFIG_MAP_DATA)
    return ObjectSource(client, path, decoder, field_selector=f"metadata.name={_TRUST_NAME}")


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
