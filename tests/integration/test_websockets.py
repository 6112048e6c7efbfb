"""Watches over a WebSocket: through a real kube-apiserver, and directly with a token as a protocol."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import pytest

from kubediscovery.testing.controlplane import ControlPlane
from tests.integration.serving import API, Server

NAMESPACE = "websockets"
TARGET = f"{API}/namespaces/{NAMESPACE}/compositions?watch=true&timeoutSeconds=20"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:default"


@pytest.fixture(scope="module", autouse=True)
def namespace(cluster: ControlPlane) -> Iterator[None]:
    """A namespace with a Deployment, whose default service account may view it."""
    kubectl = cluster.kubectl
    kubectl("create", "namespace", NAMESPACE)
    kubectl("create", "deployment", "web", "--image=nginx:1.27", "--replicas=1", "-n", NAMESPACE)
    kubectl("rollout", "status", "deployment/web", "-n", NAMESPACE, "--timeout=110s")
    kubectl("create", "rolebinding", "viewers", "--clusterrole=view", f"--user={ACCOUNT}", "-n", NAMESPACE)
    yield
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture
def token(cluster: ControlPlane) -> str:
    return cluster.kubectl("create", "token", "default", "--namespace", NAMESPACE).strip()


async def follow(url: str, context: ssl.SSLContext, change: Callable[[], object], **options: Any) -> list[Any]:
    """The first event, and the next one, for which ``change`` is made."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url.replace("https:", "wss:") + TARGET, ssl=context, **options) as socket,
    ):
        first = await asyncio.wait_for(socket.receive(), 20)
        await asyncio.to_thread(change)
        second = await asyncio.wait_for(socket.receive(), 20)
        return [socket.protocol, json.loads(first.data), json.loads(second.data)]


def check(answer: list[Any], protocol: str | None) -> None:
    spoken, first, second = answer
    assert spoken == protocol
    assert (first["type"], second["type"]) == ("ADDED", "MODIFIED")
    assert first["object"]["metadata"]["name"] == second["object"]["metadata"]["name"] == "deployments.apps.web"


@pytest.mark.usefixtures("server")
def test_through_kube_apiserver(cluster: ControlPlane, token: str) -> None:
    def scale() -> object:
        return cluster.kubectl("scale", "deployment/web", "--replicas=2", "-n", NAMESPACE)

    context = ssl.create_default_context(cadata=cluster.ca.decode())
    headers = {"Authorization": f"Bearer {token}"}
    check(asyncio.run(follow(cluster.server, context, scale, headers=headers)), None)


def test_directly_with_a_token_as_a_protocol(cluster: ControlPlane, server: Server, token: str) -> None:
    def scale() -> object:
        return cluster.kubectl("scale", "deployment/web", "--replicas=1", "-n", NAMESPACE)

    encoded = base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
    protocols = (f"base64url.bearer.authorization.k8s.io.{encoded}", "events")
    check(asyncio.run(follow(server.url, server.context(), scale, protocols=protocols)), "events")


def test_without_rights_there_is_none(cluster: ControlPlane, server: Server) -> None:
    token = cluster.kubectl("create", "token", "default", "--namespace", "default").strip()
    for url, context in (
        (cluster.server, ssl.create_default_context(cadata=cluster.ca.decode())),
        (server.url, server.context()),
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            asyncio.run(follow(url, context, list, headers={"Authorization": f"Bearer {token}"}))
        assert refused.value.status == 403
