"""Requests under way, as the application would know them."""

from collections.abc import Sequence

from starlette.types import Scope

from kubediscovery.authz import Attributes, ResourceAttributes
from kubediscovery.exchange import Exchange
from kubediscovery.identity import Caller, User

GROUP, VERSION = "kubediscovery.cloudark.io", "v1"
RECEIVED = 1_700_000_000.25
WEB = ResourceAttributes("get", GROUP, VERSION, "deployments", "compositions", "shop", "web")
WATCHED = ResourceAttributes("watch", GROUP, VERSION, "compositions", "", "shop")


def scope_of(
    path: str = "/", query: str = "", *, method: str = "GET", headers: Sequence[tuple[str, str]] = ()
) -> Scope:
    """An ASGI scope as uvicorn makes it."""
    return {
        "type": "http",
        "method": method,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        "client": ("10.0.0.9", 4711),
    }


def exchange_of(
    attributes: Attributes | None,
    *,
    user: User | None = None,
    http: Scope | None = None,
    resource: str = "",
    subresource: str = "",
    audit_id: str = "id",
) -> Exchange:
    """One that began at :data:`RECEIVED`; no answer is there yet."""
    return Exchange(
        http or scope_of(),
        audit_id,
        RECEIVED,
        0.0,
        attributes=attributes,
        caller=Caller(user) if user is not None else None,
        resource=resource,
        subresource=subresource,
    )
