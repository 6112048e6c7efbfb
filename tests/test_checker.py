"""``kubediscovery check`` as a user runs it: what it prints, what it writes, and how it ends."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from kubediscovery import checker
from kubediscovery.checker import CheckOptions, run_check
from kubediscovery.cli import main
from kubediscovery.errors import ConfigurationError, StartupError
from kubediscovery.lines import Lines
from kubediscovery.live import LiveTree
from kubediscovery.scene import scene
from tests.playing import NOW
from tests.test_cli import KUBECONFIG

PAYMENTS, WEB = "shop/deployments.apps.payments", "shop/deployments.apps.web"


@pytest.fixture(autouse=True)
def nobodys_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CI", "GITHUB_ACTIONS", "KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``web`` is being rolled out, ``payments`` crashes, the pod ``toolbox`` is all right."""
    path = tmp_path_factory.mktemp("check") / "all.json"
    path.write_text(json.dumps(scene(0, NOW)))
    return path


def ran(snapshot: Path, *targets: str, namespace: str | None = "shop", **options: Any) -> tuple[int, str, str]:
    out, error = io.StringIO(), io.StringIO()
    given = CheckOptions(targets, namespace=namespace, snapshot=snapshot, **options)
    return run_check(given, out, error), out.getvalue(), error.getvalue()


def test_right(snapshot: Path) -> None:
    status, out, error = ran(snapshot, "pod/toolbox", namespace="batch", expect=("pods.ready == 1", "restarts == 0"))
    assert (status, out, error) == (0, "right: batch/pods.toolbox: Healthy\n", "")


def test_wrong_with_the_culprit(snapshot: Path) -> None:
    status, out, _ = ran(snapshot, "deploy/payments")
    assert status == 1
    assert out.startswith(f"wrong: {PAYMENTS}: Failed: CrashLoopBackOff: ")
    assert "exit code 1" in out


def test_not_reached(snapshot: Path) -> None:
    status, out, _ = ran(snapshot, "deployments.apps/web")
    assert status == 3
    assert out.startswith(f"not reached: {WEB}: Progressing: ")


def test_the_worst_of_several_counts(snapshot: Path) -> None:
    status, out, _ = ran(snapshot, "deploy/web", "deploy/payments", "Deployment/web")
    assert status == 1
    assert [line.split(":")[0] for line in out.splitlines()] == ["not reached", "wrong", "wrong"]
    assert ran(snapshot, namespace=None, all_namespaces=True)[0] == 1
    assert ran(snapshot, namespace="batch", selector="app=nothing")[:2] == (
        1,
        "wrong: batch (app=nothing): Missing: nothing matches\n",
    )


def test_what_does_not_exist(snapshot: Path) -> None:
    assert ran(snapshot, "sts/nope")[:2] == (
        1,
        "wrong: shop/statefulsets.apps.nope: Missing: there is no such object\n",
    )


def test_an_expectation_that_does_not_hold(snapshot: Path) -> None:
    status, out, _ = ran(snapshot, "pod/toolbox", namespace="batch", expect=("pods.ready == 2",))
    assert status == 1
    assert out.splitlines() == [
        "wrong: batch/pods.toolbox: Expectation: pods.ready == 2 does not hold",
        "  pods.ready == 2: pods is total 1, ready 1",
    ]


def test_lint(snapshot: Path) -> None:
    status, out, _ = ran(snapshot, "pod/toolbox", namespace="batch", lint=True)
    assert status == 0
    assert "right: lint of batch: Lint: errors 0, warnings 0" in out


def test_json(snapshot: Path) -> None:
    status, out, error = ran(snapshot, "deploy/payments", output="json", github=True)
    document = json.loads(out)
    assert (status, document["exitStatus"], document["outcome"]) == (1, 1, "wrong")
    (result,) = document["results"]
    assert (result["name"], result["state"], result["culprit"]["container"]) == (PAYMENTS, "Failed", "payments")
    assert error.startswith(f"::error title={PAYMENTS} wrong::")


def test_junit_and_annotations(snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    path = tmp_path / "junit.xml"
    status, out, _ = ran(snapshot, "deploy/payments", "deploy/web", junit=path, expect=("restarts >= 0",))
    assert status == 1
    assert len([line for line in out.splitlines() if line.startswith("::error title=")]) == 2
    (suite,) = ElementTree.parse(path).getroot()  # noqa: S314 - made here
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "2", "0")
    assert "::" not in ran(snapshot, "deploy/payments", github=False)[1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "nothing to check"),
        ({"targets": ("web",)}, 'target "web" is not understood'),
        ({"targets": ("flower/web",)}, 'no kind "flower"'),
        ({"targets": ("deploy/web",), "selector": "a=b"}, "exclude each other"),
        ({"targets": ("deploy/web",), "all_namespaces": True}, "--all-namespaces is for none"),
        ({"namespace": "a", "all_namespaces": True}, "exclude each other"),
        ({"namespace": "../a"}, "--namespace must be"),
        ({"namespace": "a", "kubeconfig": "x"}, "--snapshot goes without"),
        ({"namespace": "a", "context": "x"}, "--snapshot goes without"),
        ({"selector": "a b"}, "labelSelector"),
        ({"field_selector": "spec.x=1"}, "fieldSelector"),
        ({"namespace": "a", "expect": ("pods.ready >=",)}, "--expect: the expression"),
        ({"namespace": "a", "junit": Path("/nowhere/x.xml")}, "--junit /nowhere/x.xml"),
        ({"namespace": "a", "junit": Path("/")}, "--junit /: not a file"),
        ({"namespace": "a", "junit": Path("x" * 300)}, "--junit xxx"),
    ],
)
def test_bad_usage(snapshot: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words.replace("(", r"\(")):
        run_check(CheckOptions(**{"snapshot": snapshot, **options}), io.StringIO(), io.StringIO())


def ended(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(sys, "argv", ["kubediscovery", "check", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    return caught.value.code


def test_the_statuses_of_the_command(
    snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--snapshot", str(snapshot), "-n", "shop"]
    assert ended([*given, "deploy/payments"], monkeypatch) == 1
    assert ended([*given, "deploy/web"], monkeypatch) == 3
    assert ended(["--snapshot", str(tmp_path / "nothing"), "-n", "shop"], monkeypatch) == 4
    assert ended([*given, "--output", "xml"], monkeypatch) == 2
    assert ended([*given, "--timeout", "5"], monkeypatch) == 2
    assert ended([], monkeypatch) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_nobody_to_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["deploy/web"], monkeypatch) == 4
    assert capsys.readouterr().out.startswith("cannot ask: deploy/web: NoAnswer: ")
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG)
    junit = tmp_path / "junit.xml"
    assert ended(["deploy/web", "--kubeconfig", str(path), "--junit", str(junit)], monkeypatch) == 4
    assert "127.0.0.1:1" in capsys.readouterr().out
    assert 'errors="1"' in junit.read_text()
    assert ended(["deploy/web", "--kubeconfig", str(path), "--context", "nope"], monkeypatch) == 4


def test_a_fault_of_the_program_is_not_one_of_the_targets(
    snapshot: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> int:
        raise ZeroDivisionError("by\x1bzero")

    monkeypatch.setattr(checker, "run_check", broken)
    assert ended(["-A"], monkeypatch) == 4
    assert capsys.readouterr().err == "error: ZeroDivisionError: by\N{REPLACEMENT CHARACTER}zero\n"


def test_a_file_that_cannot_be_written_in_the_end(
    snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StartupError("--junit x: No space left on device")

    monkeypatch.setattr(checker, "write_junit", full)
    status, _, error = ran(snapshot, "pod/toolbox", namespace="batch", junit=tmp_path / "junit.xml")
    assert (status, error) == (4, "error: --junit x: No space left on device\n")


def test_the_kubeconfig_is_the_one_that_kubectl_would_take(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert checker._kubeconfig(CheckOptions()) is None
    assert checker._kubeconfig(CheckOptions(context="x")) == str(tmp_path / "home/.kube/config")
    monkeypatch.setenv("KUBECONFIG", "/a:/b")
    assert checker._kubeconfig(CheckOptions()) == "/a:/b"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What a shell starts in the background ignores Ctrl-C, and so does what that starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_ends_it_at_once(tmp_path: Path) -> None:
    """A server that never answers, and Ctrl-C."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        path = tmp_path / "kubeconfig"
        path.write_text(KUBECONFIG.replace("127.0.0.1:1", f"127.0.0.1:{silent.getsockname()[1]}"))
        command = [sys.executable, "-m", "kubediscovery", "check", "deploy/web", "--kubeconfig", str(path)]
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
            connection, _ = silent.accept()
            with connection:
                connection.recv(1)
                process.send_signal(signal.SIGINT)
                _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "\n")


class Terminal(io.StringIO):
    """Output that somebody sits before."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("output", "terminal", "ci", "expected"),
    [
        ("auto", True, "", LiveTree),
        ("auto", True, "false", LiveTree),
        ("auto", True, "true", Lines),
        ("auto", True, "woodpecker", Lines),
        ("auto", False, "", Lines),
        ("plain", True, "", Lines),
        ("tree", False, "true", LiveTree),
        ("json", True, "", Lines),
    ],
)
def test_a_tree_is_for_people(
    output: str, terminal: bool, ci: str, expected: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    reporter = checker._reporter(CheckOptions(output=output), Terminal() if terminal else io.StringIO(), io.StringIO())
    try:
        assert type(reporter) is expected
    finally:
        reporter.close()
