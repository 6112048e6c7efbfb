"""``kubediscovery demo`` and ``serve --snapshot`` as a newcomer runs them, asked by real kubectl."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kubediscovery.listener import bind
from kubediscovery.scene import scene
from kubediscovery.testing.binaries import Binaries
from tests.integration.serving import COMMAND, eventually

LAST_LINES = {"demo": "until Ctrl-C.", "serve": "curl "}
ROOTS = {
    "cronjobs.batch.report",
    "pods.toolbox",
    "daemonsets.apps.log-agent",
    "deployments.apps.payments",
    "deployments.apps.web",
    "statefulsets.apps.db",
}


class Program:
    """The command as a process, and what it has printed so far."""

    def __init__(self, process: subprocess.Popen[bytes], output: int) -> None:
        self._process = process
        self._output = bytearray()
        self._reader = threading.Thread(target=self._read, args=(output,))
        self._reader.start()

    @property
    def text(self) -> str:
        """All that it has printed."""
        return self._output.decode(errors="replace")

    @property
    def commands(self) -> list[list[str]]:
        """The commands that it tells its user to try."""
        return [shlex.split(line) for line in self.text.splitlines() if re.match(r"  (kubectl|curl) ", line)]

    def end(self, number: int) -> int:
        """Send a signal, and give the exit status and the rest of what is printed."""
        self._process.send_signal(number)
        status = self._process.wait(timeout=40)
        self._reader.join(timeout=40)
        return status

    def kill(self) -> None:
        """End it whatever happens."""
        self._process.kill()
        self._process.wait()
        self._reader.join(timeout=40)

    def _read(self, output: int) -> None:
        # At its end a terminal gives an error where a pipe gives nothing.
        with contextlib.suppress(OSError):
            while data := os.read(output, 65536):
                self._output += data
        os.close(output)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """That of somebody who has no cluster, no kubeconfig and no Go."""
    kept = {name: value for name, value in os.environ.items() if name in ("LANG", "LC_ALL", "PYTHONPATH")}
    nowhere = {"HOME": str(tmp_path / "home"), "KUBECONFIG": str(tmp_path / "nothing"), "PATH": "/nowhere"}
    return {**kept, **nowhere, "KUBECACHEDIR": str(tmp_path / "cache"), "TERM": "xterm"}


@contextlib.contextmanager
def running(environment: dict[str, str], *arguments: str, terminal: bool = False) -> Iterator[Program]:
    """The command, until it has said how to ask it."""
    output, its_end = pty.openpty() if terminal else os.pipe()
    process = subprocess.Popen(
        [*COMMAND, *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=its_end, stderr=its_end
    )
    os.close(its_end)
    program = Program(process, output)
    try:
        eventually(lambda: LAST_LINES[arguments[0]] in program.text, "the commands to try")
        yield program
    finally:
        program.kill()


def run(command: list[str], environment: dict[str, str], binaries: Binaries) -> str:
    """What a printed command prints; instead of curl Python fetches the URL."""
    if command[0] == "curl":
        with urllib.request.urlopen(command[1], timeout=30) as answer:  # noqa: S310
            return str(answer.read().decode())
    kubectl = str(binaries.programs["kubectl"])
    done = subprocess.run([kubectl, *command[1:]], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_every_printed_command_works(environment: dict[str, str], binaries: Binaries) -> None:
    with running(environment, "demo", "--port", "0") as demo:
        outputs = [run(each, environment, binaries) for each in demo.commands]
        everywhere, wide, manifest, raw, fetched, related, users, waited = outputs
        header, *rows = map(str.split, everywhere.splitlines())
        assert header == ["NAMESPACE", "NAME", "READY", "HEALTH", "PODS", "AGE"]
        assert {row[1] for row in rows} == ROOTS
        assert ["shop", "deployments.apps.payments", "3/4", "Degraded", "3/5", "40d"] in rows
        assert {"REVISION", "REASON", "IMAGES"} <= set(wide.splitlines()[0].split())
        assert "registry.example.com/shop/web:1.3" in wide
        assert "kind: Composition" in manifest.splitlines()
        names = [item["metadata"]["name"] for item in json.loads(raw)["items"]]
        assert names == ["deployments.apps.payments", "deployments.apps.web"]
        root = json.loads(fetched)["root"]
        assert [child["kind"] for child in root["children"]] == ["ReplicaSet", "ReplicaSet"]
        for kind in ("Service", "EndpointSlice", "Ingress", "HorizontalPodAutoscaler", "ConfigMap"):
            assert f"{kind}/" in related
        assert "ConfigMap/settings" in users.splitlines()[1]
        assert "Deployment/payments" in users
        assert json.loads(waited)["status"]["rollout"]["state"] == "Complete"


def test_kubectl_sees_the_rollout_move_and_tells_what_is_not_there(
    environment: dict[str, str], binaries: Binaries
) -> None:
    with running(environment, "demo", "--port", "0") as demo:
        kubectl = [*demo.commands[0][:2], "get", "comp", "-n", "shop"]
        column = [*kubectl, "deployments.apps.web", "-o", "jsonpath={.root.message}{.status.health}"]
        eventually(lambda: "pods updated" in run(column, environment, binaries), "a rollout", seconds=90)
        eventually(lambda: run(column, environment, binaries) == "Healthy", "the rollout to end", seconds=90)
        listed = run([*kubectl, "-o", "name"], environment, binaries)
        assert {line.removeprefix("composition.kubediscovery.cloudark.io/") for line in listed.split()} < ROOTS
        with pytest.raises(AssertionError, match=r'"deployments\.apps\.nope" not found'):
            run([*kubectl, "deployments.apps.nope"], environment, binaries)


def test_the_trees_are_printed_without_colour_where_there_is_no_terminal(environment: dict[str, str]) -> None:
    with running(environment, "demo", "--port", "0") as demo:
        assert demo.text.startswith("batch\n├── CronJob report ✔ Healthy")
        assert "\x1b" not in demo.text
        assert all(f" {root.split('.')[-1]} " in demo.text for root in ROOTS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(environment: dict[str, str], number: int) -> None:
    with running(environment, "demo", "--port", "0") as demo:
        assert demo.end(number) == 0
        assert demo.text.endswith("until Ctrl-C.\n\nstopped\n")


def test_a_terminal_sees_colours_and_each_change(environment: dict[str, str]) -> None:
    with running(environment, "demo", "--port", "0", terminal=True) as demo:
        assert "\x1b[" in demo.text
        eventually(lambda: "web: 4 of 5 pods updated" in demo.text, "a step")
        assert demo.end(signal.SIGINT) == 0


def test_a_port_that_was_asked_for_is_not_replaced(environment: dict[str, str]) -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        command = [*COMMAND, "demo", "--port", str(port)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == f"error: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_a_snapshot_answers_as_the_cluster_did(environment: dict[str, str], binaries: Binaries, tmp_path: Path) -> None:
    path = tmp_path / "all.json"
    items = scene(0, datetime.now(UTC))
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    with running(environment, "serve", "--snapshot", str(path), "--secure-port", "0", "--v", "0") as serve:
        assert serve.text.startswith("loaded: 2 deployments.apps, 4 replicasets.apps, 1 statefulsets.apps, ")
        outputs = [run(each, environment, binaries) for each in serve.commands]
        assert {row.split()[1] for row in outputs[0].splitlines()[1:]} == ROOTS
        assert json.loads(outputs[-1])["metadata"]["name"] == "cronjobs.batch.report"
        assert serve.end(signal.SIGINT) == 0


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--snapshot", "/nowhere/at/all"), 2, "snapshot /nowhere/at/all: No such file or directory"),
        (("--snapshot", "/", "--bind-address", "0.0.0.0"), 2, "--snapshot is served without authentication, on"),  # noqa: S104
    ],
)
def test_a_snapshot_that_cannot_be_served(
    environment: dict[str, str], arguments: tuple[str, ...], status: int, said: str
) -> None:
    command = [sys.executable, "-m", "kubediscovery", "serve", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == status
    assert done.stderr.startswith(f"error: {said}")
    assert len(done.stderr.splitlines()) == 1
