"""What is read again while the server runs, over real connections: none of them is dropped, and none is believed longer
than it should be."""

import asyncio
import contextlib
import json
import logging
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvloop

from kubediscovery.believing import TrustSink, renewal
from kubediscovery.certs import CertificateAuthority, KeyPair, Usage
from kubediscovery.kinds import CONFIG_MAP
from kubediscovery.listener import ServingTls
from kubediscovery.objects import ConfigMapState, Object
from tests.listening import Connection, connected, get, listening
from tests.reviewing import der
from tests.serving import PREFIX, Serving, config_map, make
from tests.test_listener import Files, refused, served, tell_certificate

WEB = f"{PREFIX}/namespaces/shop/deployments/web/compositions"
ADMIN = "X-Remote-User: admin"
POLL = 0.01


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path)
    made.write()
    return made


@contextlib.asynccontextmanager
async def renewing(tls: ServingTls) -> AsyncIterator[None]:
    task = asyncio.ensure_future(renewal(tls, every=POLL)())
    try:
        yield
    finally:
        task.cancel()


async def until_served(port: int, files: Files, pair: KeyPair) -> None:
    async with asyncio.timeout(10):
        while True:
            async with connected(port, files.client()) as connection:
                if served(connection) == der(pair):
                    return
            await asyncio.sleep(POLL)


async def test_a_new_certificate_is_served_and_open_connections_stay(files: Files) -> None:
    tls = files.tls()
    tls.trust(CertificateAuthority.create("clients").certificate.decode())
    async with listening(tell_certificate, tls) as port, renewing(tls), connected(port, files.client()) as idle:
        assert (await idle.get()).code == 200
        for _ in range(2):
            await until_served(port, files, files.write())
            assert (await idle.get()).code == 200


async def test_a_pair_that_is_half_written_is_told_once_and_waited_for(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "kubediscovery.believing")
    tls = files.tls()
    former = (files.directory / "tls.crt").read_bytes()
    pair = files.authority.issue("localhost", dns_names=["localhost"])
    async with listening(tell_certificate, tls) as port, renewing(tls):
        (files.directory / "tls.crt").write_bytes(pair.certificate)
        await until_told(caplog, 1)
        await asyncio.sleep(5 * POLL)
        async with connected(port, files.client()) as connection:
            assert served(connection) == ssl.PEM_cert_to_DER_cert(former.decode())
        (files.directory / "tls.key").unlink()
        await until_told(caplog, 2)
        (files.directory / "tls.key").write_bytes(pair.key)
        await until_served(port, files, pair)
    first, second, last = caplog.messages
    assert "the new files cannot be used, the former stays" in first
    assert "tls.key" in second
    assert last == "serving certificate renewed"


async def until_told(caplog: pytest.LogCaptureFixture, times: int) -> None:
    for _ in range(1000):
        if len(caplog.messages) >= times:
            return
        await asyncio.sleep(POLL)


def test_a_look_that_finds_nothing_new_reads_nothing(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    tls = files.tls()
    with monkeypatch.context() as patched:
        patched.setattr(tls, "load_certificate", lambda: pytest.fail("read without need"))
        assert [tls.renew() for _ in range(3)] == [False] * 3
    files.write()
    assert [tls.renew() for _ in range(2)] == [True, False]


def test_a_link_to_a_file_as_old_and_as_long_is_another_file(files: Files, tmp_path: Path) -> None:
    # As a kubelet writes a Secret: one link is swapped, and all that was behind it is new.
    first, second = (Files(tmp_path / name) for name in ("first", "second"))
    for each in (first, second):
        each.directory.mkdir()
        each.write()
    link = tmp_path / "data"
    link.symlink_to(first.directory)
    tls = ServingTls(link / "tls.crt", link / "tls.key")
    link.unlink()
    link.symlink_to(second.directory)
    assert tls.renew()


class Trusting:
    """A server whose ConfigMap a test writes; the authorities are the test's own."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.serving = Serving()
        self.serving.authenticator.configure({})
        self.tls = files.tls()
        self._sink = TrustSink(self.serving.authenticator, self.tls)

    def believe(self, *proxies: CertificateAuthority, clients: CertificateAuthority) -> None:
        """Write the ConfigMap."""
        data = {
            **config_map(),
            "client-ca-file": clients.certificate.decode(),
            "requestheader-client-ca-file": "".join(each.certificate.decode() for each in proxies),
        }
        self._sink.put(as_object(data))

    def proxy(self, authority: CertificateAuthority) -> ssl.SSLContext:
        return self.files.client(authority.issue("front-proxy-client", usages=[Usage.CLIENT]))


def as_object(data: dict[str, str]) -> Object:
    state = ConfigMapState(tuple(sorted(data.items())))
    return make(CONFIG_MAP, "extension-apiserver-authentication", "kube-system", state=state)


async def code(connection: Connection, *headers: str) -> int:
    return (await connection.get(WEB, *headers)).code


async def authorities_change(files: Files) -> None:
    old, new, clients = (CertificateAuthority.create(name) for name in ("old", "new", "clients"))
    trusting = Trusting(files)
    trusting.believe(old, clients=clients)
    trusting.serving.rights.grant("bob", path="/version")
    bob = files.client(clients.issue("bob", usages=[Usage.CLIENT]))
    async with contextlib.AsyncExitStack() as stack:
        port = await stack.enter_async_context(listening(trusting.serving.app, trusting.tls))
        by_old = await stack.enter_async_context(connected(port, trusting.proxy(old)))
        by_bob = await stack.enter_async_context(connected(port, bob))
        assert await refused(port, trusting.proxy(new))
        assert (await code(by_old, ADMIN), (await by_bob.get("/version")).code) == (200, 200)

        trusting.believe(old, new, clients=clients)
        by_new = await stack.enter_async_context(connected(port, trusting.proxy(new)))
        assert (await code(by_old, ADMIN), await code(by_new, ADMIN)) == (200, 200)

        trusting.believe(new, clients=clients)
        assert (await code(by_old, ADMIN), await code(by_new, ADMIN)) == (401, 200)
        assert (await by_bob.get("/version")).code == 200
        # What was refused is the certificate, not the connection.
        assert (await by_old.get("/readyz")).code == 200
        assert (await get(port, trusting.proxy(old), WEB, ADMIN)).code == 401

        trusting.believe(new, clients=new)
        assert (await by_bob.get("/version")).code == 401
        trusting.believe(old, clients=clients)
        assert (await code(by_old, ADMIN), await code(by_new, ADMIN)) == (200, 401)


def test_who_is_believed_changes_at_the_next_request_of_open_connections(files: Files) -> None:
    asyncio.run(authorities_change(files))


def test_who_is_believed_changes_on_uvloop_too(files: Files) -> None:
    uvloop.run(authorities_change(files))


async def nobody_is_trusted_yet(files: Files, version: ssl.TLSVersion) -> None:
    proxies, clients = CertificateAuthority.create("proxies"), CertificateAuthority.create("clients")
    trusting = Trusting(files)
    trusting.serving.rights.grant("token-user", path="/version")
    context = trusting.proxy(proxies)
    context.maximum_version = context.minimum_version = version
    async with listening(trusting.serving.app, trusting.tls) as port, connected(port, context) as early:
        answer = await get(port, context, WEB, ADMIN)
        assert (answer.code, answer.headers["connection"], answer.headers["retry-after"]) == (503, "close", "1")
        assert "which authorities certify them" in json.loads(answer.body)["message"]
        assert (await get(port, context, "/readyz")).code == 200
        assert (await get(port, context, "/version", "Authorization: Bearer good")).code == 200
        assert (await get(port, context, WEB, "Authorization: Bearer bad", ADMIN)).code == 401

        trusting.believe(proxies, clients=clients)
        # Shaken before anybody was trusted: it is told to come again, and once only.
        answer = await early.get(WEB, ADMIN)
        assert (answer.code, answer.headers["connection"]) == (503, "close")
        assert await early.reader.read() == b""
        async with connected(port, context) as late:
            answer = await late.get(WEB, ADMIN)
            assert (answer.code, answer.headers.get("connection")) == (200, None)
            assert await code(late, ADMIN) == 200
        assert (await get(port, files.client(), WEB, ADMIN)).code == 403


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_before_anybody_is_trusted_certificates_are_not_asked_for(files: Files, version: ssl.TLSVersion) -> None:
    asyncio.run(nobody_is_trusted_yet(files, version))


def test_before_anybody_is_trusted_certificates_are_not_asked_for_on_uvloop(files: Files) -> None:
    uvloop.run(nobody_is_trusted_yet(files, ssl.TLSVersion.TLSv1_3))
