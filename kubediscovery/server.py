"""The one composition root: everything is made here, once, and handed to who needs it."""

import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from kubediscovery import history_subresources
from kubediscovery.api import ApiGroup
from kubediscovery.apiservice import ApiService, ApiServiceKeeper
from kubediscovery.app import create_app
from kubediscovery.authn import Authenticator
from kubediscovery.authz import Authorizer
from kubediscovery.believing import renewal, trust_reflector
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
from kubediscovery.following import Following
from kubediscovery.history import History
from kubediscovery.history_metrics import HistoryCollector
from kubediscovery.journal import Journal
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.lifetime import Signals, run
from kubediscovery.limits import Limits
from kubediscovery.listener import Listener, ServingTls, bind
from kubediscovery.lookout import Lookout
from kubediscovery.metrics import Metrics
from kubediscovery.presence import SharedLease
from kubediscovery.product import Product, product_of
from kubediscovery.pulse import pulse
from kubediscovery.readiness import Readiness
from kubediscovery.registry import Registry
from kubediscovery.services import Services
from kubediscovery.settings import Settings
from kubediscovery.sources import ObjectSource
from kubediscovery.startup import allow_open_files, give_back_large_blocks, keep_for_good
from kubediscovery.store import Store


async def serve(
    options: ServeOptions,
    settings: Settings | None = None,
    *,
    registries: Sequence[Registry] = (),
    listening: socket.socket | None = None,
    signals: Signals | None = None,
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
            opened = _Opened(client, tls, bound, books, chronicle)
            await _serve_cluster(options, settings, opened, (built_in, *registries), signals)
    finally:
        await client.close()


@dataclass(frozen=True, slots=True)
class _Opened:
    """What was opened for the server, and is closed after it."""

    client: Client
    tls: ServingTls
    listening: socket.socket
    books: Books
    chronicle: Chronicle


async def _serve_cluster(
    options: ServeOptions, settings: Settings, opened: _Opened, given: tuple[Registry, ...], signals: Signals | None
) -> None:
    client, tls, books, product = opened.client, opened.tls, opened.books, product_of(options, given[1:])
    api = ApiGroup(options.api_group, API_VERSION, Kinds())
    store, metrics = Store(api.kinds), Metrics()
    authenticator = Authenticator(books.reviewer(client, metrics, "authn"))
    catalogue, following = _followed(client, options.api_group, settings, store, books.limits)
    journal = Journal(store)
    lookout = Lookout(store, catalogue, following, settings.kinds or product.selection)
    trust = trust_reflector(client, authenticator, tls)
    _report(metrics, store, following, opened)
    readiness = Readiness(lambda: checks(authenticator, trust.progress, store, following, lookout))
    keepers = _keepers(product, client, opened.listening, readiness) if options.manage_apiservice else []
    services = Services(
        api,
        store,
        journal,
        authenticator,
        Authorizer(books.reviewer(client, metrics, "authz")),
        readiness,
        metrics,
        past=History(following.sources, journal),
        limits=books.limits,
        auditor=books.auditor,
        tracing=books.tracing,
        client=client,
        registries=given,
    )
    beside = [trust.run, lookout.run, renewal(tls), *(each.run for each in keepers), *work_beside(services)]
    await run(
        Listener(create_app(services), tls, drain_seconds=books.limits.seconds),
        opened.listening,
        readiness,
        background=[*beside, pulse(metrics, books.limits), partial(keep_for_good, lambda: not store.pending)],
        leaving=[each.leave for each in keepers],
        shutdown_delay=options.shutdown_delay,
        signals=signals,
    )


def _report(metrics: Metrics, store: Store, following: Following, opened: _Opened) -> None:
    metrics.watch_caches(store, following.progress)
    metrics.count("apiserver_tls_handshake_errors", "TLS handshakes that failed.", lambda: opened.tls.failed_handshakes)
    metrics.include(HistoryCollector(opened.chronicle.counts))
    opened.books.report(metrics)


def work_beside(services: Services) -> list[Callable[[], Awaitable[None]]]:
    """What the registries want to go on beside the server."""
    return [partial(work, services) for registry in services.registries for work in registry.beside]


def _keepers(
    product: Product, client: Client, listening: socket.socket, readiness: Readiness
) -> list[ApiServiceKeeper]:
    """Who manages the APIServices: one. The replica's name outlives a crash of it."""
    return [
        ApiServiceKeeper(
            client,
            [ApiService(api, product.namespace, product.name) for api in product.apis],
            SharedLease(client, product.namespace, product.name),
            replica=f"{socket.gethostname()}:{listening.getsockname()[1]}",
            is_ready=lambda: readiness.ready("", verbose=False, excluded=frozenset()).passed,
        )
    ]


def _followed(
    client: Client, api_group: str, settings: Settings, store: Store, limits: Limits
) -> tuple[Catalogue, Following]:
    catalogue = Catalogue(client, api_group)
    declarations, compactor = Declarations(store, settings.relations), Compactor()

    def source_of(kind: Kind) -> ObjectSource:
        decoder = settings.decoder(kind, compactor, declarations.reader_of(kind))
        # What is read anew must not be older than what is known.
        lags = store.count(kind) == 0
        return ObjectSource(client, kind.list_path, decoder, may_lag=lags, awaited=limits.awaited)

    return catalogue, Following(store, source_of, catalogue.look, form_of=declarations.reader_of)
