"""The composition root: what it refuses to start with, how it ends, and what it tells of itself."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from kubediscovery.authn import Authenticator
from kubediscovery.believing import TrustSink
from kubediscovery.certs import CertificateAuthority
from kubediscovery.config import ServeOptions
from kubediscovery.errors import ConfigurationError, StartupError
from kubediscovery.kinds import CONFIG_MAP
from kubediscovery.lifetime import run
from kubediscovery.listener import Listener, ServingTls, bind
from kubediscovery.objects import ConfigMapState
from kubediscovery.server import serve
from tests.reviewing import FakeReviewer
from tests.serving import Serving, authorities, config_map, make

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: u, user: {}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
"""


@pytest.fixture
def options(tmp_path: Path) -> ServeOptions:
    pair = CertificateAuthority.create("serving").issue("localhost", dns_names=["localhost"])
    (tmp_path / "tls.crt").write_bytes(pair.certificate)
    (tmp_path / "tls.key").write_bytes(pair.key)
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    kubeconfig = str(tmp_path / "kubeconfig")
    return ServeOptions(kubeconfig=kubeconfig, bind_address="127.0.0.1", secure_port=0, cert_dir=tmp_path)


@dataclass
class Slow:
    """The real application, with a request beside it that lasts until the test says so."""

    serving: Serving = field(default_factory=Serving)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/slow":
            await self.serving.app(scope, receive, send)
            return
        self.entered.set()
        await self.release.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"done"})


@dataclass
class Running:
    """A server that runs until it gets a signal."""

    app: Slow
    client: httpx.AsyncClient
    task: asyncio.Task[None]
    worked: list[str]


@contextlib.asynccontextmanager
async def running(*, shutdown_delay: float = 0.0, at_once: bool = False) -> AsyncIterator[Running]:
    app, worked = Slow(), list[str]()

    async def work() -> None:
        worked.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            worked.append("ended")

    with bind("127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        listener, readiness = Listener(app, None), app.serving.readiness
        task = asyncio.create_task(
            run(listener, listening, readiness, background=[work, work], shutdown_delay=shutdown_delay)
        )
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            assert (await client.get("/readyz")).status_code == 200
            yield Running(app, client, task, worked)
        with pytest.raises(StartupError, match="second signal") if at_once else contextlib.nullcontext():
            await task


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_everything(number: signal.Signals) -> None:
    async with running() as server:
        assert server.worked == ["begun", "begun"]
        os.kill(os.getpid(), number)
        await server.task
        assert server.worked == ["begun", "begun", "ended", "ended"]
        with pytest.raises(httpx.TransportError):
            await server.client.get("/livez")


async def test_readiness_fails_first_and_requests_under_way_are_finished() -> None:
    async with running(shutdown_delay=0.6) as server:
        slow = asyncio.create_task(server.client.get("/slow"))
        await server.app.entered.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0)
        answer = await server.client.get("/readyz")
        assert answer.status_code == 500
        assert "[-]shutdown failed" in answer.text
        # During the delay whoever has not noticed yet is still served, longer than uvicorn needs to notice.
        await asyncio.sleep(0.2)
        assert (await newcomer(server)).status_code == 200
        assert server.worked == ["begun", "begun"]
        done, _ = await asyncio.wait([server.task], timeout=0.8)
        assert not done
        with pytest.raises(httpx.ConnectError):
            await newcomer(server)
        server.app.release.set()
        assert (await slow).text == "done"
        await server.task


async def newcomer(server: Running) -> httpx.Response:
    async with httpx.AsyncClient(base_url=server.client.base_url, trust_env=False) as client:
        return await client.get("/livez")


async def test_goodbye_is_said_while_requests_are_still_answered() -> None:
    """Readiness fails already; the listener stays until everybody who has to know of the end does."""
    app, told, heard = Slow(), asyncio.Event(), asyncio.Event()

    async def leave() -> None:
        told.set()
        await heard.wait()

    with bind("127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = run(Listener(app, None), listening, app.serving.readiness, background=[], leaving=[leave])
        task = asyncio.create_task(server)
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            assert (await client.get("/readyz")).status_code == 200
            os.kill(os.getpid(), signal.SIGTERM)
            await told.wait()
            await asyncio.sleep(0.2)
            assert (await client.get("/readyz")).status_code == 500
            assert (await client.get("/livez")).status_code == 200
        heard.set()
        await task


async def test_a_second_signal_ends_at_once() -> None:
    async with running(shutdown_delay=30, at_once=True) as server:
        slow = asyncio.create_task(server.client.get("/slow"))
        await server.app.entered.wait()
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(httpx.TransportError):
            await slow
        await asyncio.wait([server.task])
        assert server.worked == ["begun", "begun", "ended", "ended"]


async def test_a_second_signal_ends_at_once_even_while_requests_are_finished() -> None:
    async with running(at_once=True) as server:
        slow = asyncio.create_task(server.client.get("/slow"))
        await server.app.entered.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await server.app.serving.readiness.draining.wait()
        done, _ = await asyncio.wait([server.task], timeout=0.5)
        assert not done
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(httpx.TransportError):
            await slow


async def test_connections_that_are_kept_alive_end_with_the_answer_under_way() -> None:
    async with running() as server:
        slow = asyncio.create_task(server.client.get("/slow"))
        await server.app.entered.wait()
        assert not server.app.serving.readiness.draining.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        await server.app.serving.readiness.draining.wait()
        # uvicorn looks every 0.1 s whether it is to end.
        await asyncio.sleep(0.3)
        server.app.release.set()
        answer = await slow
        assert (answer.text, answer.headers["connection"]) == ("done", "close")
        await server.task


async def test_what_is_not_valid_is_refused_before_anything_starts(options: ServeOptions) -> None:
    with pytest.raises(ConfigurationError, match="--cert-dir"):
        await serve(ServeOptions())


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"tls.crt": None}, StartupError, ["certificate cannot be read", "tls.crt", "No such file"]),
        ({"tls.key": None}, StartupError, ["private key cannot be read", "tls.key"]),
        ({"tls.crt": b"garbage"}, StartupError, ["tls.crt holds no PEM certificate"]),
        ({"tls.key": b"garbage"}, StartupError, ["tls.key holds no unencrypted PEM private key"]),
        ({"kubeconfig": None}, ConfigurationError, ["kubeconfig", "no such file"]),
        ({"kubeconfig": b"- a\n- b\n"}, ConfigurationError, ["kubeconfig", "not a YAML mapping"]),
        ({"kubeconfig": b"a: [b\n"}, ConfigurationError, ["kubeconfig"]),
        ({"kubeconfig": b"\xff\xfe"}, ConfigurationError, ["kubeconfig"]),
        ({"kubeconfig": b"apiVersion: v1\nkind: Config\n"}, ConfigurationError, ["kubeconfig"]),
        ({"kubeconfig": b"current-context: x\ncontexts: 5\n"}, ConfigurationError, ["kubeconfig"]),
        (
            {"kubeconfig": KUBECONFIG.replace("current-context: x", "current-context: y").encode()},
            ConfigurationError,
            ["y"],
        ),
    ],
)
async def test_files_that_cannot_be_used_are_named_in_one_line(
    options: ServeOptions, changed: Mapping[str, bytes | None], error: type[Exception], words: list[str]
) -> None:
    for name, content in changed.items():
        path = (options.cert_dir or Path()) / name
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
    with pytest.raises(error) as caught:
        await serve(options)
    message = str(caught.value)
    assert "\n" not in message
    assert [word for word in words if word not in message] == []


async def test_a_key_of_another_certificate_is_told(options: ServeOptions) -> None:
    other = CertificateAuthority.create("serving").issue("localhost", dns_names=["localhost"])
    options.key_pair[1].write_bytes(other.key)
    with pytest.raises(StartupError, match="does not belong to the certificate"):
        await serve(options)


async def test_a_port_in_use_is_told(options: ServeOptions) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartupError, match=rf"^cannot listen on 127\.0\.0\.1:{port}: Address already in use$"):
            await serve(ServeOptions(options.kubeconfig, "127.0.0.1", port, cert_dir=options.cert_dir))


async def test_it_serves_while_kube_apiserver_is_away(options: ServeOptions, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    caplog.set_level(logging.CRITICAL)
    serving = asyncio.create_task(
        serve(ServeOptions(options.kubeconfig, "127.0.0.1", port, cert_dir=options.cert_dir, shutdown_delay=0))
    )
    async with httpx.AsyncClient(base_url=f"https://127.0.0.1:{port}", verify=False, trust_env=False) as client:  # noqa: S501
        answer = await first_answer(client, "/livez")
        assert answer.text == "ok"
        ready = await client.get("/readyz")
        assert ready.status_code == 500
        assert "[-]authentication failed: ConfigMap kube-system/extension-apiserver-authentication" in ready.text
        assert "[-]discovery failed: not known yet" in ready.text
        assert "[-]cache-deployments.apps failed" in ready.text
        refused = await client.get("/apis")
        assert (refused.status_code, refused.headers["connection"]) == (503, "close")
    os.kill(os.getpid(), signal.SIGTERM)
    await serving


async def first_answer(client: httpx.AsyncClient, path: str) -> httpx.Response:
    for _ in range(100):
        with contextlib.suppress(httpx.ConnectError):
            return await client.get(path)
        await asyncio.sleep(0.02)
    raise AssertionError("the server does not listen")


def test_the_config_map_decides_whom_the_listener_and_authentication_believe(
    options: ServeOptions, caplog: pytest.LogCaptureFixture
) -> None:
    authenticator, tls = Authenticator(FakeReviewer(lambda _: {})), ServingTls(*options.key_pair)
    sink = TrustSink(authenticator, tls)
    state = ConfigMapState(tuple(sorted(config_map().items())))
    item = make(CONFIG_MAP, "extension-apiserver-authentication", "kube-system", state=state)

    believed: list[bool] = []
    steps: list[Callable[[], None]] = [
        lambda: sink.replace([], "1"),
        lambda: sink.put(item),
        lambda: sink.advance("2"),
        lambda: sink.omit("Forbidden"),
        lambda: sink.remove(item),
        lambda: sink.replace([item], "3"),
    ]
    for step in steps:
        step()
        believed.append(authenticator.configured)
    assert believed == [False, True, True, True, False, True]
    assert "requestheader-client-ca-file is missing" in caplog.text
    assert "cannot be read: Forbidden" in caplog.text
    assert authorities().proxies.certificate.decode() in authenticator.ca_bundle
    assert len(tls.context.get_ca_certs()) == 2
