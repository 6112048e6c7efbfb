"""Serving without a cluster: plain HTTP for the users of this machine, on loopback, who may see everything."""

import ipaddress
import re
import shlex
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

from kubediscovery.api import ApiGroup
from kubediscovery.app import create_app
from kubediscovery.authz import Attributes, NonResourceAttributes, ResourceAttributes
from kubediscovery.bookkeeping import Books, opened_books
from kubediscovery.built_in_registry import built_in_registry
from kubediscovery.compact import Compactor
from kubediscovery.composition import Composition
from kubediscovery.compositions import Compositions, Target
from kubediscovery.config import API_VERSION, ServeOptions
from kubediscovery.declarations import Declarations
from kubediscovery.decoding import Decoder
from kubediscovery.errors import Forbidden
from kubediscovery.identity import Headers, User, authenticated_user
from kubediscovery.journal import Journal
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.lifetime import Signals, run
from kubediscovery.limits import Limits
from kubediscovery.listener import Listener, bind
from kubediscovery.metrics import Metrics
from kubediscovery.options import Options
from kubediscovery.printable import printable
from kubediscovery.pulse import pulse
from kubediscovery.readiness import Readiness
from kubediscovery.registry import Registry
from kubediscovery.server import work_beside
from kubediscovery.services import Services
from kubediscovery.settings import Settings
from kubediscovery.sight import Sight
from kubediscovery.snapshot import Summary, load_snapshot
from kubediscovery.store import Store

LOCAL_USER = authenticated_user("local", "", ["system:masters"], {})
# A Host header (RFC 9110, section 7.2) that is localhost or an IP address.
_HOST = re.compile(r"(localhost|(?P<address>[0-9.]+|\[[0-9a-f:]+\]))(:[0-9]*)?", re.IGNORECASE | re.ASCII)
Say = Callable[[str], object]


class LocalAuthenticator:
    """Whoever reaches loopback is the local user, if the request was meant for it.

    A web page whose name resolves to 127.0.0.1 could otherwise read the answers in its visitors' browsers (DNS
    rebinding); such requests carry that name in Host. Any page may open a WebSocket; those carry its name in Origin.
    """

    async def authenticate(self, headers: Headers, peer_certificate: bytes | None) -> User:
        """The local user; raises :class:`Forbidden` where Host or Origin is not this machine's own name for itself."""
        del peer_certificate
        for origin in [value.decode("latin-1") for name, value in headers if name == b"origin"]:
            if not _is_loopback(origin.partition("://")[2]):
                raise Forbidden(f"the Origin header must be of this machine, not {printable(origin)}")
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        if len(hosts) != 1 or not _is_loopback(hosts[0]):
            given = printable(", ".join(hosts)) or "none"
            raise Forbidden(f"the Host header must be localhost or a loopback address, not {given}")
        return LOCAL_USER


class LocalAuthorizer:
    """Everything is allowed, as to system:masters; of what is not here nothing can be told."""

    async def authorize(self, user: User, attributes: Attributes, *, max_age: float | None = None) -> str:
        """Without a reason; raises :class:`Forbidden` for acting as somebody else, and for objects of the core group.

        Nothing is known here of what others may see. Where kubectl is told "not found" in a namespace it asks for the
        namespace, and would take a second "not found" for the cause (k8s.io/cli-runtime, pkg/resource/visitor.go).
        """
        del user, max_age
        if isinstance(attributes, ResourceAttributes) and attributes.verb == "impersonate":
            raise Forbidden("there is no cluster behind this server that knows what somebody else may see")
        if isinstance(attributes, NonResourceAttributes) and attributes.path.startswith("/api/v1/"):
            raise Forbidden("there is no cluster behind this server, only its compositions")
        return ""

    async def allowed_many(
        self, user: User, attributes: Iterable[Attributes], *, max_age: float | None = None
    ) -> frozenset[Attributes]:
        """All of them."""
        del user, max_age
        return frozenset(attributes)


def local_services(
    api: ApiGroup, store: Store, books: Books | None = None, registries: Sequence[Registry] = ()
) -> Services:
    """What answers are made with for the local user; the store is filled already.

    The registries are served beside what is built in.
    """
    books, metrics = books or Books(Limits()), Metrics()
    books.report(metrics)
    return Services(
        api,
        store,
        Journal(store),
        LocalAuthenticator(),
        LocalAuthorizer(),
        Readiness(lambda: ()),
        metrics,
        limits=books.limits,
        auditor=books.auditor,
        tracing=books.tracing,
        registries=(built_in_registry(api.group), *registries),
    )


async def serve_local(
    services: Services,
    listening: socket.socket,
    signals: Signals,
    *,
    background: Sequence[Callable[[], Awaitable[None]]] = (),
) -> None:
    """Serve on a loopback socket until a signal, and do what goes on beside it.

    The signals are to be caught before anybody is told to send one.
    """
    listener = Listener(create_app(services), tls=None)
    beat = pulse(services.metrics, services.limits)
    beside = [beat, *work_beside(services), *background]
    await run(listener, listening, services.readiness, background=beside, signals=signals)


async def serve_snapshot(
    options: ServeOptions, say: Say, settings: Settings | None = None, *, registries: Sequence[Registry] = ()
) -> None:
    """Serve what is in ``options.snapshot``: all of it, unless the settings select kinds.

    Raises :class:`ConfigurationError` for options or a snapshot that cannot be used, :class:`StartupError` for a port
    that cannot be had.
    """
    options.validate()
    api = local_api(options.api_group)
    store, settings = Store(api.kinds), settings or Settings()
    with opened_books(options.load) as books, bind(options.bind_address, options.secure_port) as listening:
        for line in load_local(options.snapshot or Path(), store, settings).lines():
            say(line)
        signals = Signals.of_process()
        say("\nserving it until Ctrl-C; try:\n")
        for question in questions(url_of(listening), api, next(iter(all_compositions(api, store)), None)):
            say(f"  {question}")
        await serve_local(local_services(api, store, books, registries), listening, signals)


def load_local(path: Path, store: Store, settings: Settings) -> Summary:
    """Fill the store from files; relations are those of the settings and of the definitions among the files.

    Raises :class:`ConfigurationError` for files that cannot be used.
    """
    declarations = Declarations(store, settings.relations)

    def decoder_of(kind: Kind, compactor: Compactor) -> Decoder:
        return settings.decoder(kind, compactor, declarations.reader_of(kind))

    summary = load_snapshot(path, store, settings.kinds, decoder_of)
    declarations.renew()
    return summary


def local_api(group: str) -> ApiGroup:
    """The API group with the built-in kinds."""
    return ApiGroup(group, API_VERSION, Kinds())


def all_compositions(api: ApiGroup, store: Store) -> list[Composition]:
    """All that the store has, sorted by namespace and name."""
    return (
        Compositions(api, store).many(Target(None, None), Options(), Sight(None, frozenset(api.kinds), all=True)).items
    )


def url_of(listening: socket.socket) -> str:
    """``http://127.0.0.1:8001``."""
    address, port = listening.getsockname()[:2]
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def questions(url: str, api: ApiGroup, example: Composition | None) -> list[str]:
    """Commands to try, for a shell; those about one object are about the example."""
    kubectl = f"kubectl --server={url} get"
    if example is None:
        return [f"{kubectl} comp -A"]
    root, namespace = example.root, shlex.quote(example.metadata.namespace)
    kind = api.kinds.by_api_version(root.api_version, root.kind)
    parent = f"/namespaces/{quote(root.namespace)}" if root.namespace else ""
    resource = f"/apis/{api.api_version}{parent}/{api.kinds.name_of(kind) if kind else ''}"
    address = f"{url}{resource}/{quote(root.name)}/compositions?pretty=true"
    asked = (
        f"{kubectl} comp -A",
        f"{kubectl} comp -n {namespace} -o wide",
        f"{kubectl} comp {shlex.quote(example.metadata.name)} -n {namespace} -o yaml",
        f"{kubectl} --raw {shlex.quote(f'{resource}/*/compositions')}",
        f"curl {shlex.quote(address)}",
    )
    return [printable(line) for line in asked]


def _is_loopback(host: str) -> bool:
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    try:
        return not found["address"] or ipaddress.ip_address(found["address"].strip("[]")).is_loopback
    except ValueError:
        return False
