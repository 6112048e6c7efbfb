"""What a start does not do: import what it does not need, read authorities that it never uses, look for garbage."""

import asyncio
import contextlib
import ctypes
import gc
import re
import resource
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubediscovery.certs import CertificateAuthority
from kubediscovery.startup import (
    allow_open_files,
    give_back_large_blocks,
    imported_for_good,
    keep_for_good,
    put_off,
    without_authorities,
)
from tests.waiting import until

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: u, user: {}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
"""

# Neither these nor what is in them: other commands, and what only some of the server's answers need.
NOT_BEFORE_LISTENING = (
    "kubediscovery.cluster",
    "kubediscovery.demo",
    "kubediscovery.inspection",
    "kubediscovery.install",
    "kubediscovery.kustomize",
    "kubediscovery.local",
    "kubediscovery.management",
    "kubediscovery.manifests",
    "kubediscovery.openapi",
    "kubediscovery.outputs",
    "kubediscovery.preflight",
    "kubediscovery.scene",
    "kubediscovery.scenery",
    "kubediscovery.serving_certificate",
    "kubediscovery.snapshot",
    "kubediscovery.specification",
    "kubediscovery.testing",
    "kubediscovery.text",
    "kubediscovery.uninstall",
    "kubernetes_asyncio.client.api",
    "kubernetes_asyncio.client.models",
    "multiprocessing",
    "opentelemetry",
    "requests",
    "rich",
    "unittest",
    "uvicorn.protocols.websockets",
)


READINGS = """
import ssl

real, read = ssl.SSLContext.load_default_certs, []

def load_default_certs(context, *purpose):
    real(context, *purpose)
    read.append(context.cert_store_stats()["x509"])

ssl.SSLContext.load_default_certs = load_default_certs
import kubediscovery.server
assert read == [0], f"aiohttp's default context has so many certificates: {read}"
ssl.create_default_context()
assert read[1] == expected, f"{read[1]} instead of {expected}"
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """All modules that `kubediscovery serve` has imported when it listens."""
    directory = tmp_path_factory.mktemp("start")
    pair = CertificateAuthority.create("serving").issue("localhost", dns_names=["localhost"])
    (directory / "tls.crt").write_bytes(pair.certificate)
    (directory / "tls.key").write_bytes(pair.key)
    (directory / "kubeconfig").write_text(KUBECONFIG)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    flags = [f"--kubeconfig={directory}/kubeconfig", f"--cert-dir={directory}", f"--secure-port={port}"]
    command = [sys.executable, "-X", "importtime", "-m", "kubediscovery", "serve", "--bind-address=127.0.0.1", *flags]
    log = directory / "log"
    with log.open("wb") as errors, subprocess.Popen(command, stderr=errors) as process:
        try:
            wait_until_listening(port, log)
        finally:
            process.terminate()
    return frozenset(re.findall(r"^import time:.*\| +(\S+)$", log.read_text(), re.MULTILINE))


def wait_until_listening(port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.01)
    raise AssertionError(log.read_text()[-2000:])


def test_the_server_imports_only_what_it_needs_to_listen(imported: frozenset[str]) -> None:
    """Each costs milliseconds of every start. What does need one of these imports it where it is used."""
    assert {"kubediscovery.server", "aiohttp", "uvicorn"} <= imported
    unneeded = [name for name in imported if f"{name}.".startswith(tuple(f"{n}." for n in NOT_BEFORE_LISTENING))]
    assert sorted(unneeded) == []


def test_no_authorities_are_read_for_contexts_that_nobody_uses() -> None:
    """In a process of its own: whoever imported aiohttp before would have made them already."""
    expected = ssl.create_default_context().cert_store_stats()["x509"]
    subprocess.run([sys.executable, "-c", f"expected = {expected}\n{READINGS}"], check=True)


def test_contexts_made_afterwards_read_authorities_again() -> None:
    before = ssl.SSLContext.set_default_verify_paths
    with without_authorities():
        assert ssl.create_default_context().cert_store_stats()["x509"] == 0
        assert ssl.SSLContext.set_default_verify_paths is not before
    assert ssl.SSLContext.set_default_verify_paths is before


@pytest.fixture
def collecting() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    gc.enable()


@pytest.mark.usefixtures("collecting")
def test_imports_are_kept_out_of_the_search_for_garbage() -> None:
    frozen = gc.get_freeze_count()
    with imported_for_good():
        assert not gc.isenabled()
        assert gc.get_freeze_count() == frozen
    assert gc.isenabled()
    assert gc.get_freeze_count() > frozen


@pytest.mark.usefixtures("collecting")
async def test_what_is_read_at_first_is_kept_out_of_the_search_for_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubediscovery.startup._LOOK_SECONDS", 0)
    frozen, answers = gc.get_freeze_count(), [True, False, False]
    keeping = asyncio.create_task(keep_for_good(answers.pop))
    await until(lambda: not answers and gc.get_freeze_count() > frozen)
    assert gc.get_threshold()[0] == 5_000
    assert not keeping.done()
    keeping.cancel()


@pytest.mark.usefixtures("collecting")
def test_an_import_that_fails_leaves_the_search_for_garbage_on() -> None:
    with pytest.raises(ModuleNotFoundError), imported_for_good():
        raise ModuleNotFoundError
    assert gc.isenabled()


def test_as_many_files_may_be_open_as_the_process_may_have() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
        allow_open_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_is_put_off_is_imported_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with put_off("colorsys"):
        import colorsys as early
    assert "colorsys" not in sys.modules
    assert early.rgb_to_hsv(0, 0, 0) == (0, 0, 0)
    assert "colorsys" in sys.modules


def test_what_is_called_can_be_imported_before_its_module_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with put_off("colorsys", "rgb_to_hsv"):
        from colorsys import rgb_to_hsv
    assert "colorsys" not in sys.modules
    assert rgb_to_hsv(0, 0, b=0) == (0, 0, 0)
    assert "colorsys" in sys.modules


def test_what_was_imported_before_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    import colorsys

    with put_off("colorsys"):
        assert sys.modules["colorsys"] is colorsys
    monkeypatch.delitem(sys.modules, "colorsys")


def test_large_blocks_are_given_back_where_that_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only glibc can be asked; whether it obeys is for the benchmarks to say."""
    give_back_large_blocks()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    give_back_large_blocks()
