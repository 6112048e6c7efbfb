"""kubediscovery as a user runs it: installed by its own command, served with the rights that this made."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kubediscovery.certs import KeyPair
from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.kubectl import KubectlError

GROUP = "kubediscovery.cloudark.io"
API = f"/apis/{GROUP}/v1"
API_SERVICE = f"v1.{GROUP}"
ADMIN_HEADERS = {"X-Remote-User": "admin", "X-Remote-Group": "system:masters"}
COMMAND = (sys.executable, "-m", "kubediscovery")


class Server:
    """The server process; ``kubeconfig`` holds a token of its service account. Both commands get the ``flags``."""

    def __init__(self, cluster: ControlPlane, directory: Path, port: int, flags: tuple[str, ...] = ()) -> None:
        self._cluster = cluster
        self._flags = flags
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopping = False
        self.port = port
        self.log = directory / "serve.log"

    @property
    def directory(self) -> Path:
        """Where its certificates are."""
        return self._directory

    @property
    def url(self) -> str:
        """Where it listens, for requests that do not come through kube-apiserver."""
        return f"https://localhost:{self.port}"

    def install(self) -> str:
        """Install for a server outside the cluster; gives what the command printed."""
        flags = ("--external-name", "localhost", "--port", str(self.port), "--cert-dir", str(self._directory))
        return run_command("install", "--apply", *flags, *self._flags, kubeconfig=self._cluster.kubeconfig)

    def uninstall(self) -> str:
        """Take the installation away; gives what the command printed."""
        return run_command("uninstall", kubeconfig=self._cluster.kubeconfig)

    def start(self) -> None:
        """Start serving and wait until the process answers."""
        token = self._cluster.kubectl("create", "token", "kubediscovery", "--namespace", "kubediscovery").strip()
        kubeconfig = self._cluster.kubeconfig_with_token(token)
        flags = ("--kubeconfig", str(kubeconfig), "--bind-address", "127.0.0.1", "--secure-port", str(self.port))
        self._is_stopping = False
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*COMMAND, "serve", *flags, *self._flags, "--cert-dir", str(self._directory)], stdout=log, stderr=log
            )
        eventually(lambda: self.get("/livez")[0] == 200, "the server to answer", log=self.log)

    def wait_until_available(self) -> None:
        """Wait until kube-apiserver has found the server, and the caches are filled."""
        self._cluster.kubectl("wait", "--for=condition=Available", f"apiservice/{API_SERVICE}", "--timeout=110s")
        eventually(lambda: self.get("/readyz")[0] == 200, "the caches to be filled", log=self.log)

    def memory(self) -> float:
        """Megabytes that the process has in memory."""
        assert self._process is not None
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1000
        raise AssertionError("the process has ended")

    def pause(self) -> None:
        """Stop it in its tracks: connections stay open and nothing is read."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def context(self, pair: KeyPair | None = None) -> ssl.SSLContext:
        """TLS for requests to it, with a client certificate or none."""
        made = ssl.create_default_context(cafile=str(self._directory / "ca.crt"))
        if pair is not None:
            path = self._directory / "client.pem"
            path.write_bytes(pair.certificate + pair.key)
            made.load_cert_chain(path)
        return made

    def get_as_admin(self, path: str) -> tuple[int, bytes]:
        """GET directly, as the front proxy for an administrator."""
        return self.get(path, headers=ADMIN_HEADERS, context=self.context(self._cluster.front_proxy))

    def begin_to_stop(self) -> None:
        """Tell it to end, once however often this is called."""
        assert self._process is not None
        if not self._is_stopping:
            self._process.send_signal(signal.SIGTERM)
        self._is_stopping = True

    def stop(self) -> int:
        """End it as a kubelet does; gives its exit status."""
        self.begin_to_stop()
        assert self._process is not None
        try:
            return self._process.wait(timeout=40)
        finally:
            self._process.kill()

    def kill(self) -> None:
        """End it without a chance to do anything more."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def get(
        self, path: str, *, headers: dict[str, str] | None = None, context: ssl.SSLContext | None = None
    ) -> tuple[int, bytes]:
        """GET directly, not through kube-apiserver; status 0 when nobody answers."""
        request = urllib.request.Request(self.url + path, headers=headers or {})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=10, context=context or self.context()) as answer:  # noqa: S310
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except OSError:
            return 0, b""


def run_command(*arguments: str, kubeconfig: Path) -> str:
    """Run the command line; gives its standard output, raises with its standard error."""
    done = subprocess.run(
        [*COMMAND, *arguments, "--kubeconfig", str(kubeconfig)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def eventually(
    holds: Callable[[], object], what: str, *, seconds: float = 60, every: float = 0.05, log: Path | None = None
) -> float:
    """Wait until something holds, and give the seconds that it took; a failure shows the end of ``log``.

    At least half of the time is left to those who are waited for: kubectl takes a processor while it runs.
    """
    started = time.monotonic()
    last: BaseException | None = None
    while (asked := time.monotonic()) - started < seconds:
        try:
            if holds():
                return time.monotonic() - started
            last = None
        except (AssertionError, LookupError, KubectlError) as error:
            last = error
        time.sleep(min(max(every, time.monotonic() - asked), max(every, 1)))
    said = log.read_text()[-4000:] if log and log.exists() else ""
    raise AssertionError(f"waited {seconds:g} s for {what}: {last or 'it does not hold'}\n{said}")


def compositions(cluster: ControlPlane, path: str, **options: Any) -> Any:
    """GET below the API through kube-apiserver with real kubectl."""
    return json.loads(cluster.kubectl("get", "--raw", f"{API}/{path}", **options))


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A node and all below it."""
    yield node
    for child in node.get("children", ()):
        yield from walk(child)


def names(node: dict[str, Any], kind: str) -> list[str]:
    """The names of a kind's objects in a tree."""
    return [found["name"] for found in walk(node) if found["kind"] == kind]


@contextlib.contextmanager
def installed(cluster: ControlPlane, directory: Path, port: int) -> Iterator[Server]:
    """An installed server that answers through kube-apiserver; taken away at the end."""
    server = Server(cluster, directory, port)
    server.install()
    with started(server):
        yield server


@contextlib.contextmanager
def started(server: Server) -> Iterator[None]:
    """Run what is installed until the end of the block; then it is taken away."""
    try:
        server.start()
        try:
            server.wait_until_available()
            yield
        finally:
            server.stop()
    finally:
        server.uninstall()


def environment_without_cluster() -> dict[str, str]:
    """The environment of a user who has no cluster."""
    return {name: value for name, value in os.environ.items() if not name.startswith("KUBE")}
