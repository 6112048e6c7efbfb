"""schemathesis finds no answer of the running server that the document does not have.

The server is the real one, from its socket on, without TLS; only kube-apiserver's answers to reviews are made up.
"""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kubediscovery.listener import Listener, bind
from tests.serving import GROUP, Serving

ROOT = Path(__file__).parents[1]
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "documented_events",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)
# The top-level resources, one kind, for all are alike, and any other.
ANSWERS = "v1/(namespaces/[^/]+/)?(compositions|lint|(deployments|[{]resource[}])/[^/]+/compositions)"
STREAMS = "v1/watch/(namespaces/[^/]+/)?(compositions|deployments/[^/]+/compositions)"


@pytest.mark.parametrize("paths", [ANSWERS, STREAMS], ids=["answers", "streams"])
async def test_every_answer_is_documented(paths: str, tmp_path: Path) -> None:
    serving = Serving()
    serving.rights.grant("token-user")
    async with listening(Brief(serving.app)) as url:
        status, said = await schemathesis(url, paths, tmp_path)
    assert status == 0, said
    assert "No issues found" in said, said


async def test_a_document_that_is_wrong_is_found(tmp_path: Path) -> None:
    """Otherwise the test above could pass without a look at any answer."""
    serving = Serving()
    serving.rights.grant("token-user")
    async with listening(Distorted(serving.app)) as url:
        status, said = await schemathesis(url, "v1/pods/", tmp_path)
    assert status == 1, said
    assert "Received: 418" in said


async def schemathesis(url: str, paths: str, directory: Path) -> tuple[int, str]:
    """Its exit status and what it said."""
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "tests.schemathesis_hooks", "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi/v3/apis/{GROUP}/v1", f"--url={url}"),
        *("--header=Authorization: Bearer good", f"--checks={','.join(CHECKS)}", f"--include-path-regex={paths}"),
        *("--max-examples=10", "--generation-deterministic", "--workers=1", "--no-color"),
        # Lines are no JSON document: documented_events reads them.
        *(("--exclude-checks=response_schema_conformance",) if paths == STREAMS else ()),
        cwd=directory,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode or 0, said.decode()


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[str]:
    """A real listener for the application; gives its URL."""
    with bind("127.0.0.1", 0) as listening:
        # As uvloop does of itself.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener = Listener(app, tls=None)
        serving = asyncio.create_task(listener.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listener.abort()
            await serving


class Brief:
    """Tells a watch after a moment that its reader has left, so that what it sent is whole."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        messages = iter((receive, left))

        async def receive_briefly() -> Message:
            return await next(messages, left)()

        await self._app(scope, receive_briefly, send)


async def left() -> Message:
    await asyncio.sleep(0.005)
    return {"type": "http.disconnect"}


class Distorted(Brief):
    """Answers 404 with a status that no document has."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def distorted(message: Message) -> None:
            await send({**message, "status": 418} if message.get("status") == 404 else message)

        await super().__call__(scope, receive, distorted)
