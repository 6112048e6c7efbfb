"""Who asked for what and how it ended, as ``audit.k8s.io/v1`` events at level Metadata.

The shapes are those of ``k8s.io/apiserver, pkg/apis/audit/v1/types.go``, what is in them those of
``pkg/audit/request.go`` and ``pkg/endpoints/filters/audit.go``. Of the stages RequestReceived is left out, as most
policies do for who reads.
"""

import ipaddress
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from kubediscovery.authz import ResourceAttributes
from kubediscovery.errors import InternalError, StatusError, Unauthorized
from kubediscovery.exchange import Exchange
from kubediscovery.identity import ANONYMOUS, Headers, User
from kubediscovery.meta import StatusDetails, status_of

LEVEL = "Metadata"
STARTED, COMPLETE, PANIC = "ResponseStarted", "ResponseComplete", "Panic"
_LONGEST_USER_AGENT = 1024
_TRUNCATED = "...TRUNCATED"
# Addresses that are read of a header in which anybody may have written any number.
_MOST_PROXIES = 32


class Takes(Protocol):
    """Where lines go."""

    def put(self, line: bytes) -> None:
        """Take a line without waiting."""
        ...


class _UserInfo(msgspec.Struct, omit_defaults=True):
    username: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, tuple[str, ...]] | None = None


class _ObjectReference(msgspec.Struct, omit_defaults=True, rename="camel"):
    resource: str = ""
    namespace: str = ""
    name: str = ""
    api_group: str = ""
    api_version: str = ""
    subresource: str = ""


class _ResponseStatus(msgspec.Struct, kw_only=True):
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    status: str | msgspec.UnsetType = msgspec.UNSET
    message: str | msgspec.UnsetType = msgspec.UNSET
    reason: str | msgspec.UnsetType = msgspec.UNSET
    details: StatusDetails | msgspec.UnsetType = msgspec.UNSET
    code: int


_INITIALS = {"audit_id": "auditID", "request_uri": "requestURI", "source_ips": "sourceIPs"}


def _field(name: str) -> str:
    first, *others = name.split("_")
    return _INITIALS.get(name) or first + "".join(map(str.capitalize, others))


class _Event(msgspec.Struct, rename=_field, kw_only=True):
    kind: str = "Event"
    api_version: str = "audit.k8s.io/v1"
    level: str = LEVEL
    audit_id: str
    stage: str
    request_uri: str
    verb: str
    user: _UserInfo
    impersonated_user: _UserInfo | msgspec.UnsetType = msgspec.UNSET
    source_ips: list[str]
    user_agent: str | msgspec.UnsetType = msgspec.UNSET
    object_ref: _ObjectReference | msgspec.UnsetType = msgspec.UNSET
    response_status: _ResponseStatus
    request_received_timestamp: str
    stage_timestamp: str
    annotations: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


class Auditor:
    """Writes one event for each request when it is answered, and for a watch one more when it begins.

    ``events`` counts them all, ``requests`` the requests.
    """

    def __init__(self, log: Takes, *, clock: Callable[[], float] = time.time) -> None:
        self._log = log
        self._clock = clock
        self._encoder = msgspec.json.Encoder()
        self.events = 0
        self.requests = 0

    def started(self, exchange: Exchange) -> None:
        """The head of an answer that lasts was sent."""
        self._write(exchange, STARTED, _status(exchange.code, exchange.error))

    def finished(self, exchange: Exchange) -> None:
        """The answer was sent, its reader is gone, or a fault of this process ended it."""
        self.requests += 1
        if exchange.crash is not None:
            error = InternalError(f"kubediscovery failed: {type(exchange.crash).__name__}")
            self._write(exchange, PANIC, _status(error.code, error))
        else:
            self._write(exchange, COMPLETE, _status(exchange.code, exchange.error))

    def _write(self, exchange: Exchange, stage: str, status: _ResponseStatus) -> None:
        scope, attributes = exchange.http, exchange.attributes
        headers: Headers = scope["headers"]
        real, acted = _users(exchange)
        agent = _first(headers, b"user-agent")
        event = _Event(
            audit_id=exchange.audit_id,
            stage=stage,
            request_uri=_uri(scope["raw_path"], scope["query_string"]),
            verb=attributes.verb if attributes is not None else scope["method"].lower(),
            user=real,
            impersonated_user=acted or msgspec.UNSET,
            source_ips=list(source_addresses(headers, scope.get("client"))),
            user_agent=_shortened(agent) if agent else msgspec.UNSET,
            object_ref=_reference(attributes) if isinstance(attributes, ResourceAttributes) else msgspec.UNSET,
            response_status=status,
            request_received_timestamp=_timestamp(exchange.received),
            stage_timestamp=_timestamp(self._clock()),
            annotations=_annotations(exchange) or msgspec.UNSET,
        )
        self.events += 1
        self._log.put(self._encoder.encode(event) + b"\n")


def source_addresses(headers: Headers, client: tuple[str, int] | None) -> Iterator[str]:
    """The addresses in X-Forwarded-For and X-Real-Ip, then that of the connection.

    As everywhere in Kubernetes all but the last are what the sender wrote there; the aggregator adds the address that
    it saw (``k8s.io/apimachinery, pkg/util/net/http.go``, SourceIPs).
    """
    found = []
    for given in _first(headers, b"x-forwarded-for").split(b",", _MOST_PROXIES)[:_MOST_PROXIES]:
        found += _address(given)
    found += [address for address in _address(_first(headers, b"x-real-ip")) if address not in found]
    if client is not None and client[0] not in found[-1:]:
        found.append(client[0])
    return iter(found)


def _address(given: bytes) -> list[str]:
    try:
        return [str(ipaddress.ip_address(given.strip().decode()))]
    except ValueError:
        return []


def _first(headers: Headers, wanted: bytes) -> bytes:
    return next((value for name, value in headers if name == wanted), b"")


def _shortened(user_agent: bytes) -> str:
    text = user_agent.decode(errors="replace")
    return text if len(text) <= _LONGEST_USER_AGENT else text[:_LONGEST_USER_AGENT] + _TRUNCATED


def _uri(raw_path: bytes, query: bytes) -> str:
    return (raw_path + b"?" + query if query else raw_path).decode("latin-1")


def _users(exchange: Exchange) -> tuple[_UserInfo, _UserInfo | None]:
    caller = exchange.caller
    if caller is None:
        # Who offered a bad credential is nobody, not even anonymous.
        return (_UserInfo() if isinstance(exchange.error, Unauthorized) else _user_info(ANONYMOUS)), None
    if caller.impersonator is None:
        return _user_info(caller.user), None
    return _user_info(caller.impersonator), _user_info(caller.user)


def _user_info(user: User) -> _UserInfo:
    return _UserInfo(user.name, user.uid, user.groups, dict(user.extra) or None)


def _reference(asked: ResourceAttributes) -> _ObjectReference:
    return _ObjectReference(asked.resource, asked.namespace, asked.name, asked.group, asked.version, asked.subresource)


def _status(code: int, error: StatusError | None) -> _ResponseStatus:
    if error is None:
        return _ResponseStatus(code=code)
    said = status_of(error)
    return _ResponseStatus(
        code=code, status=said.status, message=said.message, reason=said.reason, details=said.details
    )


def _annotations(exchange: Exchange) -> dict[str, str]:
    if not exchange.decision:
        return {}
    return {"authorization.k8s.io/decision": exchange.decision, "authorization.k8s.io/reason": exchange.reason}


def _timestamp(seconds: float) -> str:
    # metav1.MicroTime always has six digits behind the point.
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
