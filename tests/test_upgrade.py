"""Watches over a real WebSocket, by a client of another library; who asks, and what is refused."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from msgspec import structs

from tests.listening import listening
from tests.objects import DEPLOYMENT
from tests.serving import PREFIX, Serving

TOP = f"{PREFIX}/namespaces/shop/compositions"
WEB = f"{PREFIX}/namespaces/shop/deployments/web/compositions"
TOKEN = "base64url.bearer.authorization.k8s.io." + base64.urlsafe_b64encode(b"good").decode().rstrip("=")
BEARER = {"Authorization": "Bearer good"}


@pytest.fixture
def serving() -> Serving:
    made = Serving()
    made.rights.grant("token-user")
    return made


@asynccontextmanager
async def connected(
    serving: Serving, target: str, protocols: tuple[str, ...] = (), **headers: str
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with listening(serving.app, None) as port, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}{target}"
        async with session.ws_connect(url, headers=headers or BEARER, protocols=protocols) as socket:
            yield socket


async def event(socket: aiohttp.ClientWebSocketResponse) -> Any:
    message = await asyncio.wait_for(socket.receive(), 5)
    assert message.type is aiohttp.WSMsgType.TEXT, message
    return json.loads(message.data)


async def test_each_event_is_a_message_as_it_happens(serving: Serving) -> None:
    async with connected(serving, f"{WEB}?watch=true") as socket:
        assert (await event(socket))["type"] == "ADDED"
        found = serving.store.find(DEPLOYMENT, "shop", "web")
        assert found is not None
        serving.store.put(structs.replace(found, resource_version=950))
        told = await event(socket)
        assert (told["type"], told["object"]["metadata"]["resourceVersion"]) == ("MODIFIED", "950")


async def test_it_ends_in_order_when_its_time_is_over(serving: Serving) -> None:
    async with connected(serving, f"{TOP}?watch=true&timeoutSeconds=1&labelSelector=app=web") as socket:
        await event(socket)
        message = await asyncio.wait_for(socket.receive(), 5)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1000)


async def test_a_token_may_come_as_a_protocol_and_is_not_the_one_that_is_chosen(serving: Serving) -> None:
    async with connected(serving, f"{TOP}?watch=true", (TOKEN, "spoken"), Accept="*/*") as socket:
        assert socket.protocol == "spoken"
        assert (await event(socket))["type"] == "ADDED"


@pytest.mark.parametrize(
    ("target", "headers", "code"),
    [
        (f"{TOP}?watch=true", {"Accept": "*/*"}, 403),
        (f"{TOP}?watch=true", {"Authorization": "Bearer bad"}, 401),
        (f"{TOP}?watch=true&labelSelector=a+b", BEARER, 400),
        (f"{PREFIX}/watch/secrets/*/compositions", BEARER, 404),
        (f"{TOP}?watch=true", {**BEARER, "Accept": "application/yaml"}, 406),
    ],
)
async def test_a_refusal_is_told_before_the_socket_opens(
    serving: Serving, target: str, headers: dict[str, str], code: int
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with connected(serving, target, (), **headers):
            pass
    assert refused.value.status == code
    assert refused.value.headers is not None
    assert "Audit-Id" in refused.value.headers


async def test_what_a_client_says_is_not_read(serving: Serving) -> None:
    async with connected(serving, f"{WEB}?watch=true") as socket:
        await event(socket)
        await socket.send_str("hello")
        found = serving.store.find(DEPLOYMENT, "shop", "web")
        assert found is not None
        serving.store.put(structs.replace(found, resource_version=950))
        assert (await event(socket))["type"] == "MODIFIED"
        await socket.send_bytes(b"x" * 100_000)
        message = await asyncio.wait_for(socket.receive(), 5)
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
