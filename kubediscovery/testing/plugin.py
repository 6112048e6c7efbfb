"""Fixtures for pytest: ``pytest_plugins = ["kubediscovery.testing.plugin"]`` in the topmost ``conftest.py``.

It needs pytest and pytest-asyncio. Without the binaries of a control plane tests that want one are skipped, or fail
where ``CI=true`` says that nothing may be skipped; ``python -m kubediscovery.testing build`` makes them.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from kubediscovery.errors import StartupError

if TYPE_CHECKING:
    from kubediscovery.testing.binaries import Binaries
    from kubediscovery.testing.controlplane import ControlPlane
    from kubediscovery.testing.fake import FakeKubeApiserver


@pytest_asyncio.fixture
async def fake_cluster() -> AsyncIterator[FakeKubeApiserver]:
    """A fake kube-apiserver for one test, without objects."""
    from kubediscovery.testing.fake import FakeKubeApiserver

    async with FakeKubeApiserver() as fake:
        yield fake


@pytest.fixture(scope="session")
def control_plane_binaries() -> Binaries:
    """The binaries of a control plane."""
    from kubediscovery.testing.binaries import find_binaries

    try:
        return find_binaries(may_build=False)
    except StartupError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no test with a control plane can run: {error}", pytrace=False)
        pytest.skip(f"NO TEST WITH A CONTROL PLANE RUNS: {error}")


@pytest.fixture(scope="session")
def control_plane(control_plane_binaries: Binaries) -> Iterator[ControlPlane]:
    """A real control plane with two nodes, for all tests; what a test makes in it, it makes under its own names."""
    from kubediscovery.testing.controlplane import ControlPlane

    with ControlPlane.start(binaries=control_plane_binaries) as cluster:
        yield cluster


@pytest.fixture
def control_plane_namespace(control_plane: ControlPlane, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace for one test, called like it, with its default service account; deleted afterwards."""
    name = re.sub("[^a-z0-9]+", "-", request.node.name.lower())[:60].strip("-")
    kubectl = control_plane.kubectl
    kubectl("create", "namespace", name)
    kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={name}", "--timeout=110s")
    yield name
    kubectl("delete", "namespace", name, "--wait=false")
