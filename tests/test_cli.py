"""``kubediscovery serve`` as a user starts it: what is wrong is said in one line, with an exit status."""

import contextlib
import logging
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import yaml

from kubediscovery.certs import CertificateAuthority, KeyPair
from kubediscovery.cli import main
from kubediscovery.size import DEFAULT_SIZE, Size

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: u, user: {}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
"""


def serving_pair() -> KeyPair:
    return CertificateAuthority.create("serving").issue("localhost", dns_names=["localhost"])


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with everything that ``serve`` needs."""
    pair = serving_pair()
    (tmp_path / "tls.crt").write_bytes(pair.certificate)
    (tmp_path / "tls.key").write_bytes(pair.key)
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    return tmp_path


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Commands that run in this process configure its logging."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    for name in ("kubediscovery", "uvicorn"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def flags(directory: Path, *more: str) -> list[str]:
    return ["serve", "--kubeconfig", f"{directory}/kubeconfig", "--cert-dir", str(directory), *more]


def failed(arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """The only line on standard error, after the exit status."""
    monkeypatch.setattr(sys, "argv", ["kubediscovery", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    return f"{caught.value.code} {line}"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ["No such file"]),
        (b"a: [b\n", ["line 1, column 4"]),
        (b"- a\n", ["a mapping of flags to values is needed"]),
        (b"\xff\xfe", ["can't decode"]),
        (b"secure-prot: 5\n", ['"secure-prot" is not known', "secure-port", "cert-dir"]),
        (b"secure_port: 5\n", ['"secure_port" is not known']),
        (b"config: other.yaml\n", ['"config" is not known']),
        (b"help: true\n", ['"help" is not known']),
        (b"5: x\n", ['"5" is not known']),
        (b"kind: {}\n", ['"kind" is not known', "accepted are", "kinds", "health"]),
        (b"kinds: pods\n", ["kinds: a mapping is needed; accepted are include, exclude"]),
        (b"kinds: {include: [Pods]}\n", ['kinds.include: "Pods" is no pattern for kinds']),
        (b"health: 5\n", ["health: "]),
        (b"secure-port: abc\n", ["secure-port: 'abc' is not a valid integer"]),
    ],
)
def test_a_config_file_that_cannot_be_used(
    directory: Path,
    content: bytes | None,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = directory / "config.yaml"
    if content is not None:
        path.write_bytes(content)
    line = failed(["serve", "--config", str(path)], monkeypatch, capsys)
    assert line.startswith(f"2 error: config {path}: ")
    assert [word for word in words if word not in line] == []


def test_a_config_file_has_sections_beside_the_flags(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be used is still told of the flag."""
    path = directory / "config.yaml"
    path.write_text("secure-port: 99999\nkinds: {include: ['*.apps', events], exclude: []}\n")
    line = failed([*flags(directory), "--config", str(path)], monkeypatch, capsys)
    assert line == "2 error: --secure-port must be from 0 to 65535, not 99999"


def test_a_config_file_gives_the_flags_and_a_flag_wins(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = directory / "config.yaml"
    path.write_text(f"cert-dir: {directory}\nkubeconfig: {directory}/kubeconfig\nsecure-port: 99999\n")
    arguments = ["serve", "--config", str(path)]
    assert failed(arguments, monkeypatch, capsys) == "2 error: --secure-port must be from 0 to 65535, not 99999"
    line = failed([*arguments, "--secure-port", "70000"], monkeypatch, capsys)
    assert line == "2 error: --secure-port must be from 0 to 65535, not 70000"


@pytest.mark.parametrize("given", ["app: not.there:registry", "app: [not.there:registry]"])
def test_a_config_file_names_apps(
    directory: Path, given: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = directory / "config.yaml"
    path.write_text(f"{given}\n")
    line = failed([*flags(directory), "--config", str(path)], monkeypatch, capsys)
    assert line.startswith('2 error: --app not.there:registry: there is no module "not"')


def test_several_apps_are_looked_for_in_their_order(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    apps = ["--app", "tests.integration.framework_app:images", "--app", "tests.integration.framework_app:nothing"]
    line = failed(flags(directory, *apps), monkeypatch, capsys)
    assert line.startswith("2 error: --app tests.integration.framework_app:nothing: the module")


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (["--shutdown-delay-duration", "5"], '2 error: a duration such as 500ms, 30s or 1m30s is needed, not "5"'),
        (["--bind-address", "localhost"], '2 error: --bind-address must be an IP address, not "localhost"'),
        (["--api-group", "apps"], '2 error: --api-group must be a DNS name with a dot, not "apps"'),
        (["--tls-cert-file", "x"], "2 error: --tls-cert-file and --tls-private-key-file go together"),
        (["--secure-port", "x"], "2 error: Invalid value for '--secure-port': 'x' is not a valid integer."),
        (["--quux"], "2 error: No such option '--quux'."),
        (
            ["--request-timeout", "60"],
            (
                "2 error: Invalid value for '--request-timeout': "
                'a duration such as 500ms, 30s or 1m30s is needed, not "60"'
            ),
        ),
        (["--max-watches", "-1"], "2 error: --max-watches must be 0 or more, not -1"),
        (
            ["--logging-format", "xml"],
            "2 error: Invalid value for '--logging-format': 'xml' is not one of 'text', 'json'.",
        ),
        (["--audit-log-path", "/dev/null/x"], "1 error: audit log /dev/null/x: Not a directory"),
        (["--kubeconfig", "/nowhere"], "2 error: kubeconfig /nowhere: no such file"),
        (["--bind-address", "192.0.2.1"], "1 error: cannot listen on 192.0.2.1:10250: Cannot assign requested address"),
    ],
)
def test_flags_that_cannot_be_used(
    directory: Path, more: list[str], line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failed(flags(directory, *more), monkeypatch, capsys) == line


def test_a_key_of_another_certificate(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "tls.key").write_bytes(serving_pair().key)
    line = failed(flags(directory), monkeypatch, capsys)
    assert line.startswith("1 error: the private key in ")
    assert "does not belong to the certificate" in line


def command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "kubediscovery", *arguments]


def test_a_port_in_use(directory: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = flags(directory, "--bind-address", "127.0.0.1", "--secure-port", str(port))
        done = subprocess.run(command(arguments), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == f"error: cannot listen on 127.0.0.1:{port}: Address already in use\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal_and_ends_well(directory: Path, number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = flags(directory, "--bind-address", "127.0.0.1", "--secure-port", str(port))
    with subprocess.Popen(command(arguments), stderr=subprocess.PIPE, text=True, env=environment()) as process:
        try:
            assert first_answer(f"https://localhost:{port}/livez", directory / "tls.crt") == b"ok"
        finally:
            process.send_signal(number)
            _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def first_answer(url: str, certificate: Path) -> bytes:
    """The body of the first answer within 30 s; the server's own certificate is the only one trusted."""
    context = ssl.create_default_context(cafile=str(certificate))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError), opener.open(url, timeout=5) as answer:
            body: bytes = answer.read()
            return body
        time.sleep(0.05)
    raise AssertionError(f"no answer from {url}")


@pytest.mark.parametrize(
    "arguments", [["--kinds", "secrets,kafkas.example.org"], ["--kinds", "secrets", "--kinds", "kafkas.example.org"]]
)
def test_kinds_to_install_are_repeated_or_joined(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["kubediscovery", "install", *arguments])
    with pytest.raises(SystemExit):
        main()
    (role,) = [m for m in yaml.safe_load_all(capsys.readouterr().out) if m["metadata"]["name"].endswith(":server-more")]
    assert [rule["resources"] for rule in role["rules"]] == [["secrets"], ["kafkas"]]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ([], DEFAULT_SIZE),
        (["--memory-request", "1Gi", "--memory-limit", "3Gi"], Size(memory_request="1Gi", memory_limit="3Gi")),
        (["--cpu-request", "2"], Size(cpu_request="2")),
    ],
)
def test_the_size_of_what_is_installed_is_told_by_flags(
    arguments: list[str], found: Size, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["kubediscovery", "install", *arguments])
    with pytest.raises(SystemExit):
        main()
    (deployment,) = [m for m in yaml.safe_load_all(capsys.readouterr().out) if m["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == found.resources()
