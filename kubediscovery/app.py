"""The ASGI application: one entry for every request, which renders every error and keeps account of every answer.

The order is that of ``k8s.io/apiserver, pkg/server/config.go``, DefaultBuildHandlerChain: the audit id and a guard
against faults come first, then the time that a request may take; :mod:`kubediscovery.handler` has the rest.
"""

import asyncio
import contextlib
import logging
import os
import re
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kubediscovery.deadline import Deadline
from kubediscovery.errors import Forbidden, InternalError, StatusError, TooManyRequests
from kubediscovery.exchange import Exchange
from kubediscovery.handler import Handler
from kubediscovery.identity import Headers
from kubediscovery.limits import overdue
from kubediscovery.negotiation import representation_of_errors
from kubediscovery.responses import error_response
from kubediscovery.services import Services
from kubediscovery.streaming import WatchResponse
from kubediscovery.upgrade import Refusing, as_get, is_upgrade

logger = logging.getLogger(__name__)

AUDIT_ID = b"audit-id"
# What comes in is written to the log and into a header: nothing may end the line.
_AUDIT_ID = re.compile(rb"[!-~]{1,64}")
# Seconds for the few bytes that say that the time is over, to a client that may not be reading.
_LAST_WORDS = 5.0
_UNTRACED = contextlib.nullcontext()
_BEGINNINGS = ("http.response.start", "websocket.accept", "websocket.http.response.start")
_SWITCHING = 101
# The first two bits of a UUID's fourth group are 10.
_VARIANT = {digit: "89ab"[number % 4] for number, digit in enumerate("0123456789abcdef")}


def create_app(services: Services) -> ASGIApp:
    """The ASGI application; it starts and stops nothing."""
    # No routes: they would match the decoded path, and leave out paths with a line end in them.
    return Entry(services)


class Sending:
    """Sends an answer on and tells the exchange of it.

    ``started`` is called when an answer that lasts has begun; ``finished`` says whether all of it was sent.
    """

    def __init__(self, exchange: Exchange, send: Send, started: Callable[[Exchange], None] | None) -> None:
        self._exchange = exchange
        self._send = send
        self._started = started
        self.finished = False

    async def __call__(self, message: Message) -> None:
        """Send the next part."""
        exchange = self._exchange
        kind = message["type"]
        if kind in _BEGINNINGS:
            exchange.code = message.get("status", _SWITCHING)
            message["headers"] = [*message.get("headers", ()), (AUDIT_ID, exchange.audit_id.encode())]
            if self._started is not None and exchange.watching:
                self._started(exchange)
        else:
            exchange.size += len(message.get("body") or message.get("text") or b"")
            self.finished = not message.get("more_body", kind == "websocket.send")
        await self._send(message)


class Entry:
    """The one endpoint: renders every error, counts, times, audits and logs every request."""

    def __init__(self, services: Services) -> None:
        self._handler = Handler(services)
        self._draining = services.readiness.draining
        self._limits = services.limits
        self._metrics = services.metrics
        self._auditor = services.auditor
        self._tracing = services.tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; no exception leaves here."""
        if is_upgrade(scope):
            scope, send = as_get(scope), Refusing(send)
        exchange = Exchange(scope, _audit_id(scope["headers"]), time.time(), time.perf_counter())
        sending = Sending(exchange, send, self._auditor.started if self._auditor is not None else None)
        try:
            with self._tracing.request(exchange) if self._tracing is not None else _UNTRACED:
                await self._guarded(exchange, receive, sending)
        finally:
            self._close(exchange)

    async def _guarded(self, exchange: Exchange, receive: Receive, send: Sending) -> None:
        try:
            with Deadline(self._limits.seconds) as exchange.deadline:
                await self._answer(exchange, receive, send)
            if not send.finished:
                # Its reader has left, or takes nothing any more.
                await _end_connection(exchange, receive)
        except Exception as error:
            if exchange.deadline is not None and exchange.deadline.expired():
                await self._cut_off(exchange, receive, send)
                return
            # Amid an answer: what was sent of it cannot be taken back.
            logger.exception("request %s failed", exchange.audit_id)
            exchange.crash = error
            self._metrics.aborted(exchange)
            await _end_connection(exchange, receive)

    async def _answer(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        request = Request(exchange.http, receive)
        try:
            response = await self._handler.respond(request, exchange)
        except StatusError as error:
            response = self._refused(exchange, request, error)
        except Exception as error:
            logger.exception("request %s failed", exchange.audit_id)
            exchange.crash = error
            failure = InternalError(f"an internal error occurred; the log has it as {exchange.audit_id}")
            response = self._refused(exchange, request, failure)
        if exchange.watching and exchange.error is None:
            with self._metrics.long_running(exchange):
                await response(exchange.http, self._until_drained(receive), send)
        elif isinstance(response, WatchResponse):
            await response(exchange.http, self._until_drained(receive), send)
        else:
            await response(exchange.http, receive, send)

    def _until_drained(self, receive: Receive) -> Receive:
        """What tells a watch that its reader has left, or that it is time to end."""

        async def next_message() -> Message:
            draining, message = asyncio.create_task(self._draining.wait()), asyncio.ensure_future(receive())
            try:
                await asyncio.wait((draining, message), return_when=asyncio.FIRST_COMPLETED)
                return message.result() if message.done() else {"type": "http.disconnect"}
            finally:
                draining.cancel()
                message.cancel()

        return next_message

    def _refused(self, exchange: Exchange, request: Request, error: StatusError) -> Response:
        exchange.error = error
        if error.__cause__ is not None:
            # The caller is not told why a review failed; whoever runs the server has to know.
            logger.warning("request %s: %s: %s", exchange.audit_id, error, error.__cause__)
        if isinstance(error, Forbidden):
            exchange.decision, exchange.reason = "forbid", error.because
        elif isinstance(error, TooManyRequests):
            self._metrics.terminated(exchange, error.code)
        return error_response(error, representation_of_errors(request.headers, request.scope["query_string"]))

    async def _cut_off(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        self._metrics.terminated(exchange, overdue().code)
        if not exchange.code:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS):
                    response = self._refused(exchange, Request(exchange.http, receive), overdue())
                    await response(exchange.http, receive, send)
                return
        self._metrics.aborted(exchange)
        await _end_connection(exchange, receive)

    def _close(self, exchange: Exchange) -> None:
        self._limits.release(exchange)
        seconds = time.perf_counter() - exchange.started
        if exchange.code:
            self._metrics.answered(exchange, seconds)
        if self._auditor is not None:
            self._auditor.finished(exchange)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("answered", extra=_told(exchange, seconds))


async def _end_connection(exchange: Exchange, receive: Receive) -> None:
    """An answer that stays unfinished must not look like a whole one."""
    abort = exchange.http.get("state", {}).get("abort")
    if abort is None:
        return
    abort()
    # A WebSocket tells only once that it has ended.
    while not is_upgrade(exchange.http) and (await receive())["type"] != "http.disconnect":
        pass


def _told(exchange: Exchange, seconds: float) -> dict[str, object]:
    scope = exchange.http
    return {
        "verb": exchange.attributes.verb if exchange.attributes is not None else scope["method"].lower(),
        "path": scope["raw_path"].decode("latin-1"),
        "code": exchange.code,
        "milliseconds": round(seconds * 1000, 3),
        "user": exchange.user.name,
        "audit_id": exchange.audit_id,
    }


def _audit_id(headers: Headers) -> str:
    given = next((value for name, value in headers if name == AUDIT_ID), b"")
    return given.decode() if given and _AUDIT_ID.fullmatch(given) else _uuid()


def _uuid() -> str:
    """A random UUID (RFC 9562, version 4), in a third of the time that :mod:`uuid` takes."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:]}"
