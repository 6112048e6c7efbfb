"""The ASGI application: one entry for every request, which renders every error and counts every answer."""

import logging
import re
import time
import uuid

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from kubediscovery.errors import InternalError, StatusError
from kubediscovery.handler import Handler, Labels
from kubediscovery.responses import error_response
from kubediscovery.services import Services

logger = logging.getLogger(__name__)

AUDIT_ID = "audit-id"
# What comes in is written to the log and into a header: nothing may end the line.
_AUDIT_ID = re.compile(r"[!-~]{1,64}")


def create_app(services: Services) -> Starlette:
    """The ASGI application; it starts and stops nothing."""
    app = Starlette()
    # No route: one would match the decoded path, and leave out paths with a line end in them.
    app.router.default = Entry(services)
    return app


class Entry:
    """The one endpoint: renders every error, counts and logs every request."""

    def __init__(self, services: Services) -> None:
        self._metrics = services.metrics
        self._handler = Handler(services)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; no exception leaves here."""
        request = Request(scope, receive)
        audit_id = _audit_id(request)
        labels = Labels()
        started = time.perf_counter()
        with self._metrics.inflight.track_inprogress():
            try:
                response = await self._handler.respond(request, labels)
            except StatusError as error:
                if error.__cause__ is not None:
                    # The caller is not told why a review failed; whoever runs the server has to know.
                    logger.warning("request %s: %s: %s", audit_id, error, error.__cause__)
                response = error_response(error)
            except Exception:
                logger.exception("request %s failed", audit_id)
                response = error_response(InternalError(f"an internal error occurred; the log has it as {audit_id}"))
            response.headers[AUDIT_ID] = audit_id
            await response(scope, receive, send)
        seconds = time.perf_counter() - started
        self._metrics.observe(labels.verb, labels.resource, labels.subresource, response.status_code, seconds)


def _audit_id(request: Request) -> str:
    given = request.headers.get(AUDIT_ID, "")
    return given if _AUDIT_ID.fullmatch(given) else str(uuid.uuid4())
