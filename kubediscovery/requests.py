"""What a path and a method mean: what is reviewed is what is served (k8s.io/apiserver, pkg/endpoints/request).

A path is taken apart once, from its raw bytes, and nothing else looks at it again.
"""

import re
from urllib.parse import unquote_to_bytes

from kubediscovery.authz import ResourceAttributes
from kubediscovery.errors import MethodNotAllowed, NotFound

ALL = "*"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def split_path(raw_path: bytes) -> tuple[str, ...]:
    """The decoded segments of a path; raises :class:`NotFound` for one that could mean two things.

    Refused are empty segments (``//``, a trailing slash), ``.`` and ``..``, an encoded slash, control characters and
    bytes that are not UTF-8.
    """
    if raw_path in (b"", b"/"):
        return ()
    segments = []
    for raw in raw_path.removeprefix(b"/").split(b"/"):
        try:
            segment = unquote_to_bytes(raw).decode()
        except UnicodeDecodeError:
            raise _not_found() from None
        if segment in ("", ".", "..") or "/" in segment or "\\" in segment or _CONTROL.search(segment):
            raise _not_found()
        segments.append(segment)
    return tuple(segments)


def parse_resource_path(segments: tuple[str, ...], method: str, group: str, version: str) -> ResourceAttributes:
    """What the segments after ``/apis/<group>/<version>`` ask for.

    The namespace is empty for all namespaces and for cluster-scoped kinds, the name is :data:`ALL` where the path
    says ``*`` and empty for a list of the top-level resource; resource and subresource are as the path has them.
    Raises :class:`NotFound` for a path of no known form and :class:`MethodNotAllowed` for a method other than GET and
    HEAD.
    """
    verb = "get"
    if segments[:1] == ("watch",):
        verb, segments = "watch", segments[1:]
    namespace = ""
    # "namespaces/a/compositions" is the namespace's compositions, as kube-apiserver reads it.
    if segments[:1] == ("namespaces",) and len(segments) > 2:
        namespace, segments = segments[1], segments[2:]
    if not 1 <= len(segments) <= 3:
        raise _not_found()
    resource, name, subresource = (*segments, "", "")[:3]
    if method not in ("GET", "HEAD"):
        raise MethodNotAllowed(f"{method} is not supported on this resource; accepted are GET and HEAD")
    if not name and verb == "get":
        verb = "list"
    return ResourceAttributes(verb, group, version, resource, subresource, namespace, name)


def _not_found() -> NotFound:
    # Kubernetes's own words, which quote nothing of a hostile path.
    return NotFound("the server could not find the requested resource")
