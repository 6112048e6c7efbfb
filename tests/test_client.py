"""The client against real servers on loopback: every way in which kube-apiserver can fail, and every bad kubeconfig."""

import asyncio
import contextlib
import socket
import struct
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from kubediscovery import transport
from kubediscovery.certs import CertificateAuthority, Usage
from kubediscovery.client import Client
from kubediscovery.errors import (
    ConfigurationError,
    UpstreamConflict,
    UpstreamError,
    UpstreamExpired,
    UpstreamForbidden,
    UpstreamNotFound,
)
from tests.upstream import (
    CA,
    Document,
    Handler,
    encoded,
    kubeconfig,
    reaching,
    server_context,
    serving,
    speaking,
    write,
)

PATH = "/api/v1/pods"
OTHER_CA = CertificateAuthority.create("another")


async def ask(directory: Path, handler: Handler, **config: Any) -> Any:
    """What one GET gives."""
    async with serving(handler) as server, reaching(directory, server, **config) as client:
        return await client.request("GET", PATH)


async def failure(directory: Path, handler: Handler) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await ask(directory, handler)
    return caught.value


def answering(status: int, body: bytes = b"", **headers: str) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return answer


STATUS = b'{"kind":"Status","apiVersion":"v1","status":"Failure","message":"pods is\\n forbidden","code":403}'


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, UpstreamError),
        (401, UpstreamError),
        (403, UpstreamForbidden),
        (404, UpstreamNotFound),
        (409, UpstreamConflict),
        (410, UpstreamExpired),
        (429, UpstreamError),
        (500, UpstreamError),
        (503, UpstreamError),
        (504, UpstreamError),
    ],
)
async def test_a_status_becomes_its_error(tmp_path: Path, status: int, error: type[UpstreamError]) -> None:
    found = await failure(tmp_path, answering(status, STATUS, Retry_After="3"))
    assert type(found) is error
    assert (found.code, found.retry_after) == (status, 3.0)
    assert str(found) == f"GET {PATH}: pods is forbidden"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>no</html>",
        b"[]",
        b'{"message":null}',
        b'{"message":"\xff"}',
        b'{"message":"\\ud800"}',
        b"[" * 99999,
    ],
)
async def test_an_error_without_a_status_object_says_its_code(tmp_path: Path, body: bytes) -> None:
    found = await failure(tmp_path, answering(403, body))
    assert isinstance(found, UpstreamForbidden)
    assert str(found) == f"GET {PATH}: HTTP 403 Forbidden"


async def test_an_error_that_comes_in_pieces_is_read_whole(tmp_path: Path) -> None:
    head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(STATUS)}\r\n\r\n".encode()
    pieces = speaking(head + STATUS[:20], pause=0.05, more=STATUS[20:])
    async with pieces as server, reaching(tmp_path, server) as client:
        with pytest.raises(UpstreamForbidden, match="pods is forbidden"):
            await client.request("GET", PATH)


async def test_an_endless_error_is_not_read_to_its_end(tmp_path: Path) -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=500)
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x" * 65_536)
        return response

    found = await failure(tmp_path, flood)
    assert (found.code, str(found)) == (500, f"GET {PATH}: HTTP 500 Internal Server Error")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("30", 30.0),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("inf", None),
        ("nan", None),
        ("1e9", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
async def test_retry_after_is_whole_seconds(tmp_path: Path, header: str, seconds: float | None) -> None:
    found = await failure(tmp_path, answering(429, STATUS, Retry_After=header))
    assert found.retry_after == seconds


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
async def test_redirects_are_not_followed(tmp_path: Path, status: int) -> None:
    asked = []

    async def redirect(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    found = await failure(tmp_path, redirect)
    assert found.code == status
    assert asked == [PATH]


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a":', b'"\xff"', b'"\\ud800"', b"[" * 99999, b"nan"])
async def test_an_answer_that_is_not_json_is_an_error(tmp_path: Path, body: bytes) -> None:
    assert f"GET {PATH}: the answer is not JSON" in str(await failure(tmp_path, answering(200, body)))


@pytest.mark.parametrize("body", [b"[]", b"null", b'"yes"', b"1"])
async def test_a_review_that_is_not_an_object_is_an_error(tmp_path: Path, body: bytes) -> None:
    async with serving(answering(201, body)) as server, reaching(tmp_path, server) as client:
        with pytest.raises(UpstreamError, match="not a JSON object"):
            await client.create("/apis/x", {"spec": {}})


async def test_what_is_asked_arrives_unchanged(tmp_path: Path) -> None:
    seen: Document = {}

    async def note(request: web.Request) -> web.Response:
        seen.update(method=request.method, query=dict(request.query), body=await request.json())
        seen.update(type=request.content_type, agent=request.headers["User-Agent"], accept=request.headers["Accept"])
        return web.json_response({"ok": True})

    token = "a+b/c=&%41 é"
    async with serving(note) as server, reaching(tmp_path, server + "/") as client:
        answer = await client.request("PATCH", PATH, query={"continue": token}, body={"a": 1}, content_type="x/y")
        assert client.host == server
    assert answer == {"ok": True}
    assert (seen["method"], seen["query"], seen["body"]) == ("PATCH", {"continue": token}, {"a": 1})
    assert (seen["type"], seen["accept"]) == ("x/y", "application/json")
    assert seen["agent"].startswith("kubediscovery/")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\nshort",
    ],
)
async def test_a_connection_that_breaks_is_an_error(tmp_path: Path, answer: bytes) -> None:
    async with speaking(answer) as server, reaching(tmp_path, server) as client:
        with pytest.raises(UpstreamError, match=f"GET {PATH}") as caught:
            await client.request("GET", PATH)
    # Only before the answer is it worth a second attempt.
    assert caught.value.broken == (not answer)


async def test_a_connection_that_is_reset_has_broken(tmp_path: Path) -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    async with server, reaching(tmp_path, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as client:
        with pytest.raises(UpstreamError, match=f"POST {PATH}") as caught:
            await client.request("POST", PATH, body={})
    assert caught.value.broken


async def test_nobody_listening_is_an_error(tmp_path: Path) -> None:
    async with serving(answering(200)) as server:
        pass
    async with reaching(tmp_path, server) as client:
        with pytest.raises(UpstreamError, match=f"GET {PATH}: Cannot connect") as caught:
            await client.request("GET", PATH)
    assert (caught.value.code, caught.value.broken) == (0, False)


async def test_no_answer_in_time_is_an_error(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1"
    async with speaking(head, pause=5) as server, reaching(tmp_path, server) as client:
        with pytest.raises(UpstreamError, match=f"GET {PATH}"):
            await client.request("GET", PATH, timeout=0.05)


async def test_a_stream_that_falls_silent_is_an_error(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1"
    async with speaking(head, pause=5) as server, reaching(tmp_path, server) as client:
        with pytest.raises(UpstreamError, match=f"GET {PATH}"):
            async with client.open("GET", PATH, headers={}, silence=0.05) as response:
                await response.read()


# Credentials


async def authorization_sent(directory: Path, user: Document) -> str | None:
    seen: list[str | None] = []

    async def note(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.json_response({})

    await ask(directory, note, user=user)
    return seen[0]


async def test_a_token_is_sent_as_bearer(tmp_path: Path) -> None:
    assert await authorization_sent(tmp_path, {"token": "secret"}) == "Bearer secret"


async def test_a_token_file_may_end_with_a_line_end(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    assert await authorization_sent(tmp_path, {"tokenFile": "token"}) == "Bearer secret"


async def test_without_a_credential_none_is_sent(tmp_path: Path) -> None:
    assert await authorization_sent(tmp_path, {}) is None


async def test_a_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert await authorization_sent(tmp_path, {"token": "secret"}) == "Bearer secret"
    assert await authorization_sent(tmp_path, {}) is None


# Proxies


async def hosts_asked_of_a_proxy(directory: Path, monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[str]:
    hosts = []

    async def note(request: web.Request) -> web.Response:
        hosts.append(request.host)
        return web.json_response({})

    async with serving(note) as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with contextlib.suppress(UpstreamError):
            async with reaching(directory, "http://kubernetes.invalid") as client:
                await client.request("GET", PATH)
    return hosts


async def test_the_environments_proxy_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await hosts_asked_of_a_proxy(tmp_path, monkeypatch) == ["kubernetes.invalid"]


async def test_the_environment_may_except_hosts_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await hosts_asked_of_a_proxy(tmp_path, monkeypatch, no_proxy="kubernetes.invalid") == []


async def test_the_server_is_verified_by_the_kubeconfigs_authority(tmp_path: Path) -> None:
    cluster = {"certificate-authority-data": encoded(CA.certificate)}
    trusted = serving(answering(200, b"{}"), server_context())
    async with trusted as server, reaching(tmp_path, server, cluster=cluster) as client:
        assert await client.request("GET", PATH) == {}


@pytest.mark.parametrize("cluster", [{"certificate-authority-data": encoded(OTHER_CA.certificate)}, {}])
async def test_a_server_of_another_authority_is_not_believed(tmp_path: Path, cluster: Document) -> None:
    untrusted = serving(answering(200, b"{}"), server_context())
    async with untrusted as server, reaching(tmp_path, server, cluster=cluster) as client:
        with pytest.raises(UpstreamError, match="certificate verify failed"):
            await client.request("GET", PATH)


async def test_the_name_to_verify_can_be_given(tmp_path: Path) -> None:
    cluster = {"certificate-authority-data": encoded(CA.certificate), "tls-server-name": "kubernetes.default.svc"}
    async with serving(answering(200, b"{}"), server_context(names=("kubernetes.default.svc",))) as server:
        async with reaching(tmp_path, server, cluster=cluster) as client:
            assert await client.request("GET", PATH) == {}
        del cluster["tls-server-name"]
        async with reaching(tmp_path, server, cluster=cluster) as client:
            with pytest.raises(UpstreamError, match=r"certificate is not valid for '127\.0\.0\.1'"):
                await client.request("GET", PATH)


async def test_a_second_connection_goes_on_from_the_first_as_the_same_user(tmp_path: Path) -> None:
    seen = []

    async def note(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        tls = request.transport.get_extra_info("ssl_object")
        seen.append((tls.session_reused, tls.getpeercert()["subject"][0][0][1]))
        response = web.StreamResponse(headers={"Connection": "close"})
        await response.prepare(request)
        # What comes after its head, as a list or a watch does, is of a connection that is still there.
        await asyncio.sleep(0.05)
        await response.write(b"{}")
        return response

    for name in ("somebody", "somebody-else"):
        pair = CA.issue(name, usages=[Usage.CLIENT])
        user = {"client-certificate-data": encoded(pair.certificate), "client-key-data": encoded(pair.key)}
        cluster = {"certificate-authority-data": encoded(CA.certificate)}
        secured = serving(note, server_context(client_ca=CA))
        async with secured as server, reaching(tmp_path, server, cluster=cluster, user=user) as client:
            for _ in range(3):
                assert await client.request("GET", PATH) == {}
    expected = [(False, "somebody"), (True, "somebody"), (True, "somebody")]
    assert seen == [*expected, *((reused, "somebody-else") for reused, _ in expected)]


async def test_a_client_certificate_is_shown(tmp_path: Path) -> None:
    seen = []

    async def note(request: web.Request) -> web.Response:
        assert request.transport is not None
        seen.append(request.transport.get_extra_info("peercert")["subject"])
        return web.json_response({})

    pair = CA.issue("somebody", usages=[Usage.CLIENT])
    user = {"client-certificate-data": encoded(pair.certificate), "client-key-data": encoded(pair.key)}
    cluster = {"certificate-authority-data": encoded(CA.certificate)}
    mutual = serving(note, server_context(client_ca=CA))
    async with mutual as server, reaching(tmp_path, server, cluster=cluster, user=user) as client:
        await client.request("GET", PATH)
    assert seen == [((("commonName", "somebody"),),)]


# Kubeconfigs


def without(document: Document, key: str) -> Document:
    return {name: value for name, value in document.items() if name != key}


PAIR = CA.issue("somebody", usages=[Usage.CLIENT])
OTHER_PAIR = CA.issue("somebody", usages=[Usage.CLIENT])

UNUSABLE: dict[str, tuple[object, str]] = {
    "empty": (b"", "not a YAML mapping"),
    "a list": ([1, 2], "not a YAML mapping"),
    "a text": ("hello", "not a YAML mapping"),
    "not YAML": (b"a: [1\nb: }", "not YAML"),
    "users that are a number": (kubeconfig() | {"users": 5}, "wrong type"),
    "a tag": (b"!!python/object:os.system {}", "not YAML"),
    "nested too deep": (b"[" * 5000, "recursion"),
    "not text": (b"\xff\xfe\x00k", "not UTF-8 text"),
    "an empty mapping": ({}, "current-context"),
    "no current-context": (without(kubeconfig(), "current-context"), "current-context"),
    "no contexts": (without(kubeconfig(), "contexts"), "main"),
    "contexts that are a text": (kubeconfig() | {"contexts": "main"}, "name"),
    "contexts without names": (kubeconfig() | {"contexts": [{}]}, "name"),
    "another context": (kubeconfig() | {"current-context": "other"}, "other"),
    "a context without a cluster": (kubeconfig() | {"contexts": [{"name": "main", "context": {}}]}, "context"),
    "a context of null": (kubeconfig() | {"contexts": [{"name": "main", "context": None}]}, "context"),
    "no clusters": (without(kubeconfig(), "clusters"), "here"),
    "a cluster of null": (kubeconfig() | {"clusters": [{"name": "here", "cluster": None}]}, "cluster"),
    "no server": (kubeconfig() | {"clusters": [{"name": "here", "cluster": {"proxy-url": "x"}}]}, "server must be"),
    "a server that is a number": (kubeconfig(server=6443), "wrong type"),  # type: ignore[arg-type]
    "a server without scheme": (kubeconfig(server="127.0.0.1:6443"), "server must be an https:// URL"),
    "a server without host": (kubeconfig(server="https://"), "server must be an https:// URL"),
    "a server that is no URL": (kubeconfig(server="https://[::1"), "Invalid IPv6 URL"),
    "a user without its entry": (kubeconfig() | {"users": []}, "wrong type"),
    "a missing authority": (kubeconfig(cluster={"certificate-authority": "/no/ca.crt"}), "/no/ca.crt"),
    "a missing key": (
        kubeconfig(user={"client-certificate-data": encoded(PAIR.certificate), "client-key": "/no/tls.key"}),
        "/no/tls.key",
    ),
    "a missing token file": (kubeconfig(user={"tokenFile": "/no/token"}), "/no/token"),
    "a token of two lines": (kubeconfig(user={"token": "a\nb"}), "token"),
    "broken base64": (kubeconfig(cluster={"certificate-authority-data": "x"}), "not base64"),
    "no certificate": (kubeconfig(cluster={"certificate-authority-data": encoded(b"hello")}), "cannot be used"),
    "a key of another": (
        kubeconfig(
            user={"client-certificate-data": encoded(PAIR.certificate), "client-key-data": encoded(OTHER_PAIR.key)}
        ),
        "cannot be used",
    ),
    "a plugin that is missing": (
        kubeconfig(user={"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/no/plugin"}}),
        "/no/plugin",
    ),
    "a plugin that fails": (
        kubeconfig(user={"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "false"}}),
        "exec",
    ),
    "a plugin that says nothing": (
        kubeconfig(user={"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "true"}}),
        "exec",
    ),
}


async def refusal(config: str | None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        await Client.connect(config)
    return str(caught.value)


@pytest.mark.parametrize(("document", "words"), UNUSABLE.values(), ids=UNUSABLE.keys())
async def test_a_kubeconfig_that_cannot_be_used_is_named_in_one_line(
    tmp_path: Path, document: object, words: str
) -> None:
    path = write(tmp_path, document)
    said = await refusal(path)
    assert said.startswith(f"kubeconfig {path}: ")
    assert words in said
    assert "\n" not in said
    assert len(said) < 600


@pytest.mark.parametrize(
    ("name", "words"),
    [("missing", "no such file"), (".", "Is a directory"), ("x" * 300, "File name too long"), ("a\0b", "no such file")],
)
async def test_a_path_that_is_no_file_is_named(tmp_path: Path, name: str, words: str) -> None:
    path = str(tmp_path / name)
    said = await refusal(path)
    assert said.startswith(f"kubeconfig {path}: ")
    assert words in said


async def test_a_home_that_does_not_exist_is_an_error() -> None:
    assert (await refusal("~nosuchuser/config")).startswith("kubeconfig ~nosuchuser/config: ")


async def test_the_environments_kubeconfigs_are_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    (tmp_path / "one").write_text(yaml.safe_dump(without(kubeconfig(), "users")))
    (tmp_path / "two").write_text(yaml.safe_dump({"users": kubeconfig()["users"]}))
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/missing:{tmp_path}/one:{tmp_path}/two")
    client = await Client.connect(None)
    await client.close()
    assert client.host == "https://127.0.0.1:6443"


async def test_no_kubeconfig_at_all_names_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert await refusal(None) == f"kubeconfig {tmp_path}/.kube/config: no such file"


# In a pod


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The service account's folder, with a token and an authority; the service's address leads nowhere."""
    (tmp_path / "token").write_text("of-the-pod")
    (tmp_path / "ca.crt").write_bytes(CA.certificate)
    names = transport.load_incluster_config.__globals__
    monkeypatch.setitem(names, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setitem(names, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setenv("KUBECONFIG", "/no/kubeconfig")
    return tmp_path


async def test_in_a_pod_the_service_account_is_used(pod: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    async def note(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.json_response({})

    async with serving(note, server_context()) as server:
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", server.rpartition(":")[2])
        client = await Client.connect(None)
        try:
            await client.request("GET", PATH)
        finally:
            await client.close()
    assert seen == ["Bearer of-the-pod"]


async def test_in_a_pod_a_kubeconfig_that_is_named_comes_first(pod: Path) -> None:
    async with reaching(pod, "https://elsewhere:6443") as client:
        assert client.host == "https://elsewhere:6443"


@pytest.mark.parametrize(
    ("file", "content"), [("token", None), ("token", b""), ("ca.crt", None), ("ca.crt", b""), ("ca.crt", b"no PEM")]
)
async def test_a_broken_service_account_is_named(pod: Path, file: str, content: bytes | None) -> None:
    if content is None:
        (pod / file).unlink()
    else:
        (pod / file).write_bytes(content)
    said = await refusal(None)
    assert said.startswith("the pod's service account: ")
    assert "\n" not in said


async def test_a_home_is_not_needed_in_a_pod(pod: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("KUBECONFIG")
    client = await Client.connect(None)
    await client.close()
    assert client.host == "https://127.0.0.1:443"


async def test_the_namespace_and_the_server_are_those_of_the_context(tmp_path: Path) -> None:
    document = kubeconfig()
    document["contexts"].append({"name": "other", "context": {"cluster": "there", "user": "me", "namespace": "shop"}})
    document["clusters"].append({"name": "there", "cluster": {"server": "https://127.0.0.2:6443"}})
    path = write(tmp_path, document)
    for context, server, namespace in ((None, "127.0.0.1", "default"), ("other", "127.0.0.2", "shop")):
        client = await Client.connect(path, context=context)
        assert (client.host, client.namespace) == (f"https://{server}:6443", namespace)
        await client.close()
    with pytest.raises(ConfigurationError, match=f"kubeconfig {path}: .*nope"):
        await Client.connect(path, context="nope")
