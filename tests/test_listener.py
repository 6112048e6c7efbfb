"""The listening side, over real sockets: TLS, client certificates, and requests that no client library would send."""

import asyncio
import contextlib
import json
import socket
import ssl
import warnings
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvloop
from cryptography import x509
from starlette.types import Receive, Scope, Send

from kubediscovery.certs import CertificateAuthority, KeyPair, Usage
from kubediscovery.errors import StartupError
from kubediscovery.listener import KEEP_ALIVE, Listener, ServingTls, bind
from tests.listening import Connection, connected, get, listening
from tests.reviewing import der
from tests.serving import PREFIX, Serving, authorities

CLIENT = [Usage.CLIENT]


async def tell_certificate(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the client's certificate."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["state"]["peer_certificate"] or b"none"})


@dataclass
class Files:
    """A serving certificate on disk, and the authority that signs it."""

    directory: Path
    authority: CertificateAuthority = field(default_factory=lambda: CertificateAuthority.create("serving"))

    def write(self) -> KeyPair:
        pair = self.authority.issue("localhost", dns_names=["localhost"])
        (self.directory / "tls.crt").write_bytes(pair.certificate)
        (self.directory / "tls.key").write_bytes(pair.key)
        return pair

    def tls(self) -> ServingTls:
        return ServingTls(self.directory / "tls.crt", self.directory / "tls.key")

    def client(self, pair: KeyPair | None = None) -> ssl.SSLContext:
        """A client's context, which shows the certificate of ``pair``."""
        context = ssl.create_default_context(cadata=self.authority.certificate.decode())
        if pair is not None:
            (self.directory / "client.crt").write_bytes(pair.certificate)
            (self.directory / "client.key").write_bytes(pair.key)
            context.load_cert_chain(self.directory / "client.crt", self.directory / "client.key")
        return context


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path)
    made.write()
    return made


async def refused(port: int, context: ssl.SSLContext) -> bool:
    """Whether there is no answer; with TLS 1.3 the client learns of it only after its own part of the handshake."""
    try:
        await get(port, context)
    except (ssl.SSLError, ConnectionError, EOFError):
        return True
    return False


async def certificates_are_seen(files: Files) -> None:
    clients = CertificateAuthority.create("clients")
    alice, bob = clients.issue("alice", usages=CLIENT), clients.issue("bob", usages=CLIENT)
    tls = files.tls()
    tls.trust(clients.certificate.decode())
    async with listening(tell_certificate, tls) as port:
        async with connected(port, files.client(alice)) as one, connected(port, files.client(bob)) as other:
            for _ in range(2):
                assert (await one.get()).body == der(alice)
                assert (await other.get()).body == der(bob)
        assert (await get(port, files.client())).body == b"none"


def test_the_clients_certificate_is_seen_on_every_request_of_its_connection(files: Files) -> None:
    asyncio.run(certificates_are_seen(files))


def test_the_clients_certificate_is_seen_on_uvloop_too(files: Files) -> None:
    uvloop.run(certificates_are_seen(files))


async def test_without_tls_there_is_no_certificate() -> None:
    async with listening(tell_certificate, None) as port:
        assert (await get(port, None)).body == b"none"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_strangers_certificate_ends_the_handshake(files: Files, version: ssl.TLSVersion) -> None:
    clients, strangers = CertificateAuthority.create("clients"), CertificateAuthority.create("clients")
    tls = files.tls()
    tls.trust(clients.certificate.decode())
    async with listening(tell_certificate, tls) as port:
        context = files.client(strangers.issue("alice", usages=CLIENT))
        context.maximum_version = context.minimum_version = version
        assert await refused(port, context)
        good = files.client(clients.issue("alice", usages=CLIENT))
        good.maximum_version = good.minimum_version = version
        assert (await get(port, good)).code == 200


async def test_an_expired_certificate_ends_the_handshake(files: Files) -> None:
    clients = CertificateAuthority.create("clients")
    past = datetime.now(UTC) - timedelta(days=3)
    tls = files.tls()
    tls.trust(clients.certificate.decode())
    async with listening(tell_certificate, tls) as port:
        expired = clients.issue("alice", usages=CLIENT, starts=past, lifetime=timedelta(days=1))
        assert await refused(port, files.client(expired))
        assert (await get(port, files.client(clients.issue("alice", usages=CLIENT)))).code == 200


async def test_old_versions_of_tls_are_refused(files: Files) -> None:
    context, tls = files.client(), files.tls()
    for each in (context, tls.context):
        each.set_ciphers("ALL:@SECLEVEL=0")
    async with listening(tell_certificate, tls) as port:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
            assert await refused(port, context)
            # It is the version alone that was refused.
            tls.context.minimum_version = ssl.TLSVersion.TLSv1_1
            assert (await get(port, context)).code == 200


async def test_an_authority_is_trusted_from_the_moment_it_is_known(files: Files) -> None:
    first, second = CertificateAuthority.create("first"), CertificateAuthority.create("second")
    alice = second.issue("alice", usages=CLIENT)
    tls = files.tls()
    tls.trust("")
    tls.trust(first.certificate.decode())
    async with listening(tell_certificate, tls) as port:
        assert await refused(port, files.client(alice))
        tls.trust((first.certificate + second.certificate).decode())
        tls.trust(second.certificate.decode())
        assert (await get(port, files.client(alice))).body == der(alice)
        assert (await get(port, files.client(first.issue("bob", usages=CLIENT)))).code == 200


def served(connection: Connection) -> bytes:
    tls: ssl.SSLObject = connection.writer.get_extra_info("ssl_object")
    return tls.getpeercert(binary_form=True) or b""


async def test_a_new_certificate_is_served_to_new_connections(files: Files) -> None:
    tls = files.tls()
    async with listening(tell_certificate, tls) as port, connected(port, files.client()) as before:
        renewed = files.write()
        tls.load_certificate()
        async with connected(port, files.client()) as after:
            assert served(after) == der(renewed) != served(before)
            assert (await before.get()).code == (await after.get()).code == 200


@pytest.mark.parametrize("broken", ["tls.crt", "tls.key"])
@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\n"])
async def test_a_pair_that_does_not_match_leaves_the_former_in_use(
    files: Files, broken: str, content: bytes | None
) -> None:
    tls = files.tls()
    last = x509.load_pem_x509_certificate((files.directory / "tls.crt").read_bytes())
    if content is None:
        pair = files.authority.issue("localhost", dns_names=["localhost"])
        content = pair.certificate if broken == "tls.crt" else pair.key
    (files.directory / broken).write_bytes(content)
    with pytest.raises(ssl.SSLError):
        tls.load_certificate()
    async with listening(tell_certificate, tls) as port, connected(port, files.client()) as connection:
        assert x509.load_der_x509_certificate(served(connection)) == last


def test_idle_connections_outlive_the_aggregators() -> None:
    assert Listener(tell_certificate, None).config.timeout_keep_alive == KEEP_ALIVE > 90


def test_an_address_in_use_is_told_in_one_line() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartupError) as caught:
            bind("127.0.0.1", port)
    assert str(caught.value) == f"cannot listen on 127.0.0.1:{port}: Address already in use"


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_an_address_of_another_machine_is_told_in_one_line(address: str) -> None:
    with pytest.raises(StartupError, match=r"^cannot listen on .*:0: [^\n]+$"):
        bind(address, 0)


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return socket.has_dualstack_ipv6()


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
@pytest.mark.parametrize(("address", "reached"), [("::", ["::1", "127.0.0.1"]), ("::1", ["::1"])])
def test_ipv6(address: str, reached: list[str]) -> None:
    with bind(address, 0) as bound:
        for each in reached:
            socket.create_connection((each, bound.getsockname()[1]), timeout=5).close()


async def test_the_front_proxys_requests_over_a_real_connection(files: Files) -> None:
    """Everything but kube-apiserver is real here: TLS, the certificate's way into the request, and what it proves."""
    tls = files.tls()
    tls.trust(authorities().proxies.certificate.decode())
    tls.trust(authorities().clients.certificate.decode())
    proxy = authorities().proxies.issue("front-proxy-client", usages=CLIENT)
    target = f"{PREFIX}/namespaces/shop/deployments/%2A/compositions"
    groups = [f"X-Remote-Group: a-group-of-the-company-{number}" for number in range(2000)]
    async with listening(Serving().app, tls) as port:
        answer = await get(port, files.client(proxy), target, "X-Remote-User: admin", *groups)
        assert (answer.code, json.loads(answer.body)["items"][0]["metadata"]["name"]) == (200, "deployments.apps.web")
        assert (await get(port, files.client(), target, "X-Remote-User: admin")).code == 403
        bob = authorities().clients.issue("bob", usages=CLIENT)
        answer = await get(port, files.client(bob), target, "X-Remote-User: admin")
        assert 'User "bob" cannot get' in json.loads(answer.body)["message"]


REQUEST_LINES = [
    ("GET /healthz HTTP/1.1", 200),
    ("GET http://other/healthz HTTP/1.1", 200),
    ("GET /healthz?%ff HTTP/1.1", 200),
    ("POST /healthz HTTP/1.1", 405),
    ("GET //healthz HTTP/1.1", 404),
    ("GET /healthz/ HTTP/1.1", 404),
    ("GET /a/../healthz HTTP/1.1", 404),
    ("GET /%2e%2e/healthz HTTP/1.1", 404),
    ("GET /healthz%00 HTTP/1.1", 404),
    ("GET /healthz%0d%0aX:y HTTP/1.1", 404),
    ("GET /%ff HTTP/1.1", 404),
    ("GET /apis HTTP/1.1", 403),
    ("OPTIONS * HTTP/1.1", 403),
    ("GET /\xff HTTP/1.1", 400),
    ("GET /a b HTTP/1.1", 400),
    ("GET healthz HTTP/1.1", 400),
    ("CONNECT x:1 HTTP/1.1", 400),
    ("FOO / HTTP/1.1", 400),
    ("\x16\x03\x01", 400),
]


async def test_request_lines_that_no_client_library_sends() -> None:
    async with listening(Serving().app, None) as port:
        for request_line, code in REQUEST_LINES:
            async with connected(port, None) as connection:
                answer = await connection.send(f"{request_line}\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert answer.code == code, request_line
            assert "x" not in answer.headers
            if code in (403, 404, 405):
                assert json.loads(answer.body)["code"] == code


async def test_answers_tell_nothing_of_the_software() -> None:
    async with listening(Serving().app, None) as port:
        assert "server" not in (await get(port, None, "/healthz")).headers


async def test_requests_sent_at_once_are_answered_in_order() -> None:
    async with listening(Serving().app, None) as port, connected(port, None) as connection:
        lines = [f"GET /healthz HTTP/1.1\r\nHost: x\r\nAudit-Id: {number}\r\n\r\n" for number in range(5)]
        answers = [await connection.send("".join(lines)), *[await connection.answer() for _ in lines[1:]]]
        assert [answer.headers["audit-id"] for answer in answers] == ["0", "1", "2", "3", "4"]


async def test_who_speaks_no_tls_harms_nobody(files: Files) -> None:
    async with listening(Serving().app, files.tls()) as port:
        async with connected(port, None) as connection:
            connection.writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                assert b"HTTP" not in await connection.reader.read()
        assert (await get(port, files.client(), "/healthz")).code == 200


async def failed_handshakes_are_counted(files: Files) -> None:
    tls = files.tls()
    tls.trust(CertificateAuthority.create("clients").certificate.decode())
    async with listening(tell_certificate, tls) as port:
        assert (await get(port, files.client())).code == 200
        assert tls.failed_handshakes == 0
        assert await refused(port, files.client(CertificateAuthority.create("clients").issue("eve", usages=CLIENT)))
        async with connected(port, None) as connection:
            connection.writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                await connection.reader.read()
        assert tls.failed_handshakes == 2
        assert (await get(port, files.client())).code == 200


def test_failed_handshakes_are_counted(files: Files) -> None:
    asyncio.run(failed_handshakes_are_counted(files))


def test_failed_handshakes_are_counted_on_uvloop_too(files: Files) -> None:
    uvloop.run(failed_handshakes_are_counted(files))


async def silence_in_a_handshake(files: Files) -> None:
    async with listening(tell_certificate, files.tls()) as port, connected(port, None) as connection:
        connection.writer.write(b"\x16\x03\x01\x02\x00")
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                await connection.reader.read()
        assert (await get(port, files.client())).code == 200


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_who_is_silent_in_a_handshake_is_cut_off(
    files: Files, run: Callable[[Coroutine[None, None, None]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubediscovery.listener.ARRIVAL_SECONDS", 0.2)
    run(silence_in_a_handshake(files))


async def test_what_does_not_end_in_time_is_cut_off() -> None:
    async def hang(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    with bind("127.0.0.1", 0) as listening_socket:
        listener = Listener(hang, None, drain_seconds=0.1)
        serving = asyncio.create_task(listener.serve(sockets=[listening_socket]))
        async with connected(listening_socket.getsockname()[1], None) as connection, asyncio.timeout(10):
            connection.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await asyncio.sleep(0.1)
            listener.close()
            await serving
