"""What is known of a request while it is answered: filled in on its way, and read by all who keep account of it.

These are the limits (:mod:`kubediscovery.limits`), metrics, the audit log and traces.
"""

from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import parse_qs

from starlette.types import Scope

from kubediscovery.authz import Attributes, NonResourceAttributes, ResourceAttributes
from kubediscovery.deadline import Deadline
from kubediscovery.errors import StatusError
from kubediscovery.identity import ANONYMOUS, Caller, User

WATCH = "WATCH"
OTHER = "other"
# k8s.io/apiserver, pkg/endpoints/metrics/metrics.go, cleanVerb: methods, except that reading has three names.
_VERBS = {
    "get": "GET",
    "head": "GET",
    "list": "LIST",
    "watch": WATCH,
    "create": "POST",
    "post": "POST",
    "update": "PUT",
    "put": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETE",
}
# What is served beside resources; Kubernetes puts such paths into "subresource" (pkg/server/healthz/healthz.go).
_PATHS = frozenset({"healthz", "livez", "readyz", "metrics", "version", "api", "apis", "openapi"})


class RequestLabels(NamedTuple):
    """What metrics and traces call a request: names that are served, never any that a caller made up."""

    verb: str
    group: str
    version: str
    resource: str
    subresource: str
    scope: str


@dataclass(slots=True, eq=False)
class Exchange:
    """One request and its answer.

    ``received`` is Unix time and ``started`` a time of :func:`time.perf_counter`, both in seconds. ``caller`` is None
    while nobody is known, ``resource`` and ``subresource`` are empty for what is not served. ``decision`` is ``allow``,
    ``forbid`` or not known, ``reason`` the authorizer's own word for it. ``code`` is 0 until an answer has begun,
    ``size`` the bytes of its body. ``error`` is what was answered in place of what was asked for, ``crash`` a fault of
    this process.
    """

    http: Scope
    audit_id: str
    received: float
    started: float
    deadline: Deadline | None = None
    attributes: Attributes | None = None
    caller: Caller | None = None
    resource: str = ""
    subresource: str = ""
    decision: str = ""
    reason: str = ""
    admitted: bool = False
    code: int = 0
    size: int = 0
    error: StatusError | None = None
    crash: BaseException | None = None

    @property
    def watching(self) -> bool:
        """Whether the answer lasts: Kubernetes calls that a long-running request."""
        return self.attributes is not None and self.attributes.verb == "watch"

    @property
    def user(self) -> User:
        """Whose rights count."""
        return self.caller.user if self.caller is not None else ANONYMOUS

    @property
    def dry_run(self) -> str:
        """What the query says of a dry run, as metrics have it (``pkg/endpoints/metrics/metrics.go``, cleanDryRun)."""
        query: bytes = self.http.get("query_string", b"")
        if b"dryRun" not in query:
            return ""
        given = set(parse_qs(query.decode("latin-1"), keep_blank_values=True).get("dryRun", ()))
        return "" if not given else "All" if given == {"All"} else "invalid"

    def labels(self) -> RequestLabels:
        """As k8s.io/apiserver has them (``pkg/endpoints/metrics/metrics.go``)."""
        asked = self.attributes
        if asked is None:
            return _UNKNOWN
        verb = _VERBS.get(asked.verb, OTHER)
        if isinstance(asked, NonResourceAttributes):
            first = asked.path.split("/", 2)[1]
            return RequestLabels(verb, "", "", "", f"/{first}" if first in _PATHS else "", "")
        if not self.resource:
            return RequestLabels(verb, "", "", "", "", "")
        return RequestLabels(verb, asked.group, asked.version, self.resource, self.subresource, _scope(asked))


_UNKNOWN = RequestLabels(OTHER, "", "", "", "", "")


def _scope(asked: ResourceAttributes) -> str:
    if asked.name or asked.verb == "create":
        return "resource"
    return "namespace" if asked.namespace else "cluster"
