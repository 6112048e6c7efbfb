"""One real control plane for all integration tests."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from kubediscovery.client import Client
from kubediscovery.errors import StartupError
from kubediscovery.testing.binaries import Binaries
from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.uninstall import uninstall
from tests.integration.informers import find_informer
from tests.integration.serving import Server, installed


@pytest.fixture(scope="session")
def informer_program() -> Path:
    """The program that runs an informer of client-go's; in CI it must be there, as the control plane must."""
    try:
        return find_informer(may_build=False)
    except StartupError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no test with an informer can run: {error}", pytrace=False)
        pytest.skip(f"NO TEST WITH AN INFORMER RUNS: {error}")


@pytest.fixture(scope="session")
def binaries(control_plane_binaries: Binaries) -> Binaries:
    """The programs of the control plane, kubectl among them."""
    return control_plane_binaries


@pytest.fixture(scope="session")
def cluster(control_plane: ControlPlane) -> ControlPlane:
    """A control plane with two nodes; what a test makes in it, it makes under names of its own."""
    return control_plane


@pytest.fixture
def namespace(control_plane_namespace: str) -> str:
    """A namespace for one test, called like it, with its default service account; deleted afterwards."""
    return control_plane_namespace


@pytest.fixture(scope="module")
def server(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An installed kubediscovery with the rights of its service account; taken away after the module."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with installed(cluster, tmp_path_factory.mktemp("kubediscovery"), port) as server:
        yield server


@pytest.fixture
async def client(cluster: ControlPlane) -> AsyncIterator[Client]:
    """The administrator's; whatever a test installed is taken away after it."""
    client = await Client.connect(str(cluster.kubeconfig))
    try:
        yield client
        await uninstall(client, print)
    finally:
        await client.close()
