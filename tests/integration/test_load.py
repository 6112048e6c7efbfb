"""A server under load and at its end, as a real process behind a real kube-apiserver; and the account it keeps."""

from __future__ import annotations

import contextlib
import http.client
import json
import select
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kubediscovery.testing.controlplane import ControlPlane
from tests.integration.serving import API, Server, eventually, run_command

USER = "loader"
ALL = f"{API}/namespaces/default/compositions"
# No cluster comes this far: a request for it is held back for 3 s.
HELD = f"{ALL}?resourceVersion=999999999999999999"
WATCH = f"{ALL}?watch=1&resourceVersion=0"
# Seconds from the signal to the end of new connections: much happens before it, on a machine under load too.
DELAY = 6


class LoadedServer(Server):
    """A server whose flags are only ``serve``'s."""

    def install(self) -> str:
        """Install for a server outside the cluster; gives what the command printed."""
        flags = ("--external-name", "localhost", "--port", str(self.port), "--cert-dir", str(self.directory))
        return run_command("install", "--apply", *flags, kubeconfig=self._cluster.kubeconfig)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The audit log."""
        lines = (self.directory / "audit.log").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def audited(self, audit_id: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["auditID"] == audit_id]


class Front:
    """Connections of the front proxy to the server, each for one user; all are closed after the test."""

    def __init__(self, server: LoadedServer, context: ssl.SSLContext) -> None:
        self._server = server
        self._context = context
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def connect(self) -> http.client.HTTPSConnection:
        made = http.client.HTTPSConnection("localhost", self._server.port, timeout=20, context=self._context)
        self._open.callback(made.close)
        return made

    def ask(self, path: str, *, user: str = USER, audit_id: str = "") -> http.client.HTTPSConnection:
        """A new connection, over which this was asked."""
        made = self.connect()
        headers = {"X-Remote-User": user, **({"Audit-Id": audit_id} if audit_id else {})}
        made.request("GET", path, headers=headers)
        return made

    def get(self, path: str, *, user: str = USER) -> tuple[int, http.client.HTTPMessage, bytes]:
        answer = self.ask(path, user=user).getresponse()
        return answer.status, answer.headers, answer.read()


@pytest.fixture(scope="module")
def loaded(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadedServer]:
    """An installed server that answers one request at a time and keeps all its accounts."""
    directory = tmp_path_factory.mktemp("loaded")
    flags = ("--max-requests-inflight=1", f"--audit-log-path={directory}/audit.log", "--logging-format=json", "--v=4")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = LoadedServer(cluster, directory, port, (*flags, f"--shutdown-delay-duration={DELAY}s"))
    server.install()
    role, binding = "clusterrole=kubediscovery:view", f"user={USER}"
    cluster.kubectl("create", "clusterrolebinding", "load-test", f"--{role}", f"--{binding}")
    try:
        server.start()
        server.wait_until_available()
        yield server
        server.stop()
    finally:
        cluster.kubectl("delete", "clusterrolebinding", "load-test")
        server.uninstall()


@pytest.fixture
def front(cluster: ControlPlane, loaded: LoadedServer) -> Iterator[Front]:
    with Front(loaded, loaded.context(cluster.front_proxy)) as made:
        yield made


def hold(front: Front) -> http.client.HTTPSConnection:
    """A request that is under way for 3 s; kube-apiserver asks for documents beside it, and may be before it."""
    for _ in range(20):
        held = front.ask(HELD)
        if not select.select([held.sock], [], [], 0.3)[0]:
            return held
    raise AssertionError("there is never room for one")


def refused(front: Front) -> tuple[http.client.HTTPMessage, Any]:
    """The first answer that says that there are too many; the one that is under way may still be on its way."""
    for _ in range(500):
        code, headers, body = front.get(ALL, user="somebody")
        if code == 429:
            return headers, json.loads(body)
        time.sleep(0.005)
    raise AssertionError(f"never refused, at last {code}")


def test_the_one_too_many_is_told_to_come_again_and_kubectl_does(
    cluster: ControlPlane, loaded: LoadedServer, front: Front
) -> None:
    held = hold(front)
    headers, status = refused(front)
    assert headers["Retry-After"] == "1"
    assert (status["reason"], status["details"]["retryAfterSeconds"]) == ("TooManyRequests", 1)
    assert loaded.get("/livez")[0] == loaded.get("/readyz")[0] == 200
    assert loaded.get_as_admin("/version")[0] == 200
    # client-go waits as it is told to, and asks again.
    cluster.kubectl("get", "--raw", ALL, kubeconfig=cluster.kubeconfig_for(USER))
    assert held.getresponse().status == 504
    codes = [event["responseStatus"]["code"] for event in loaded.events if event["user"].get("username") == "somebody"]
    assert 429 in codes


def through_kube_apiserver(cluster: ControlPlane, path: str, **headers: str) -> http.client.HTTPMessage:
    request = urllib.request.Request(cluster.server + path, headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10, context=cluster._context) as answer:  # noqa: S310
        answer.read()
        found: http.client.HTTPMessage = answer.headers
        return found


def test_the_audit_id_is_kube_apiservers(cluster: ControlPlane, loaded: LoadedServer) -> None:
    headers = through_kube_apiserver(cluster, f"{ALL}?limit=5")
    (audit_id,) = set(headers.get_all("Audit-Id") or [])
    eventually(lambda: loaded.audited(audit_id), "the audit event", log=loaded.log)
    (event,) = loaded.audited(audit_id)
    assert (event["level"], event["stage"], event["verb"]) == ("Metadata", "ResponseComplete", "list")
    assert event["requestURI"] == f"{ALL}?limit=5"
    assert "system:masters" in event["user"]["groups"]
    assert event["objectRef"] == {
        "resource": "compositions",
        "namespace": "default",
        "apiGroup": "kubediscovery.cloudark.io",
        "apiVersion": "v1",
    }
    assert event["sourceIPs"] == ["127.0.0.1"]
    assert event["responseStatus"]["code"] == 200
    assert event["annotations"]["authorization.k8s.io/decision"] == "allow"


def test_an_audit_id_of_ones_own_is_kept_all_the_way(cluster: ControlPlane, loaded: LoadedServer) -> None:
    through_kube_apiserver(cluster, ALL, **{"Audit-Id": "made-by-the-test"})
    eventually(lambda: loaded.audited("made-by-the-test"), "the audit event", log=loaded.log)


def test_the_reason_of_rbac_is_in_the_audit_log(cluster: ControlPlane, loaded: LoadedServer) -> None:
    cluster.kubectl("get", "--raw", f"{ALL}?limit=7", kubeconfig=cluster.kubeconfig_for(USER))
    wanted = f"{ALL}?limit=7"
    eventually(lambda: any(event["requestURI"] == wanted for event in loaded.events), "the event", log=loaded.log)
    (event,) = [event for event in loaded.events if event["requestURI"] == wanted]
    assert "load-test" in event["annotations"]["authorization.k8s.io/reason"]


def test_two_thousand_groups_fit_and_a_megabyte_does_not(front: Front) -> None:
    connection = front.connect()
    for lines, code in ((2_000, 200), (9_000, 431)):
        connection.putrequest("GET", ALL)
        connection.putheader("X-Remote-User", USER)
        for number in range(lines):
            connection.putheader("X-Remote-Group", f"a-group-of-the-company-{number}" + "x" * (lines // 80))
        connection.endheaders()
        answer = connection.getresponse()
        body = json.loads(answer.read())
        assert (answer.status, body["kind"]) == (code, "CompositionList" if code == 200 else "Status")


def test_every_line_of_the_log_is_json(loaded: LoadedServer) -> None:
    lines = [json.loads(line) for line in loaded.log.read_text().splitlines()]
    assert {"ts", "level", "msg", "logger"} <= set.intersection(*map(set, lines))
    answered = [line for line in lines if line["msg"] == "answered" and line["path"].startswith(API)]
    assert {"verb", "code", "user", "audit_id", "milliseconds"} <= set(answered[0])
    assert "eyJ" not in loaded.log.read_text()


def test_metrics_have_the_names_of_kubernetes(loaded: LoadedServer) -> None:
    code, body = loaded.get_as_admin("/metrics")
    assert code == 200
    samples = [sample for family in text_string_to_metric_families(body.decode()) for sample in family.samples]
    requests = [sample.labels for sample in samples if sample.name == "apiserver_request_total"]
    assert {
        "verb": "LIST",
        "dry_run": "",
        "group": "kubediscovery.cloudark.io",
        "version": "v1",
        "resource": "compositions",
        "subresource": "",
        "scope": "namespace",
        "component": "apiserver",
        "code": "200",
    } in requests
    totals = {
        sample.name: sample.value for sample in samples if not sample.labels or sample.labels.get("code") == "201"
    }
    assert totals["apiserver_delegated_authz_request_total"] > 0
    assert totals["kubediscovery_event_loop_lag_seconds_count"] > 0
    assert totals["apiserver_audit_event_total"] > 0
    assert totals["apiserver_tls_handshake_errors_total"] >= 0


def test_garbage_is_answered_with_a_status(loaded: LoadedServer) -> None:
    with loaded.context().wrap_socket(
        socket.create_connection(("localhost", loaded.port), timeout=10), server_hostname="localhost"
    ) as wire:
        wire.sendall(b"NONSENSE\r\n\r\n")
        said = b"".join(iter(lambda: wire.recv(10_000), b""))
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["reason"] == "BadRequest"


def read_all(answer: http.client.HTTPResponse, ended: list[float]) -> None:
    """Read an answer to its very end, which is not the connection's, and note when that was."""
    answer.read()
    ended.append(time.monotonic())


def test_the_end_is_in_order(loaded: LoadedServer, front: Front) -> None:
    """Not ready, then no new connections, then watches end while what is under way is finished, then it exits."""
    ended: list[float] = []
    watch = front.ask(WATCH, audit_id="the-watch").getresponse()
    assert (watch.status, watch.headers["Transfer-Encoding"]) == (200, "chunked")
    watching = threading.Thread(target=read_all, args=(watch, ended))
    watching.start()
    idle, late = front.ask("/livez"), front.connect()
    assert idle.getresponse().read() == b"ok"
    loaded.begin_to_stop()
    started = time.monotonic()
    eventually(lambda: loaded.get("/readyz")[0] == 500, "readiness to fail", log=loaded.log)
    # For the delay whoever has not noticed is served, also over connections that were there.
    assert front.get(ALL)[0] == 200
    idle.request("GET", "/livez")
    assert idle.getresponse().read() == b"ok"
    assert not ended
    late.connect()
    # It is held back for 3 s, to beyond the delay.
    time.sleep(max(0.0, started + DELAY - 2 - time.monotonic()))
    late.request("GET", HELD, headers={"X-Remote-User": USER, "Audit-Id": "the-last"})
    watching.join(timeout=30)
    assert DELAY - 0.1 < ended[0] - started < DELAY + 15
    eventually(lambda: loaded.get("/livez")[0] == 0, "connections to be refused", log=loaded.log)
    answer = late.getresponse()
    assert (answer.status, answer.headers["Connection"]) == (504, "close")
    assert json.loads(answer.read())["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert loaded.stop() == 0
    stages = [event["stage"] for event in loaded.audited("the-watch")]
    assert stages == ["ResponseStarted", "ResponseComplete"]
    assert [event["responseStatus"]["code"] for event in loaded.audited("the-last")] == [504]
    assert [line["level"] for line in map(json.loads, loaded.log.read_text().splitlines())].count("error") == 0


def test_a_second_signal_ends_it_at_once(cluster: ControlPlane, tmp_path: Path, loaded: LoadedServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = LoadedServer(cluster, loaded.directory, port, ("--shutdown-delay-duration=30s",))
    server.log = tmp_path / "serve.log"
    server.start()
    server.begin_to_stop()
    eventually(lambda: server.get("/readyz")[0] == 500, "readiness to fail", log=server.log)
    started = time.monotonic()
    server._is_stopping = False
    server.begin_to_stop()
    assert server.stop() == 1
    assert time.monotonic() - started < 10
    assert "error: ended at once by a second signal" in server.log.read_text()
