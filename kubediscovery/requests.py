"""What a path and a method mean: what is reviewed is what is served (k8s.io/apiserver, pkg/endpoints/request).

A path is taken apart once, from its raw bytes, and nothing else looks at it again.
"""

import re
from urllib.parse import unquote_to_bytes

from kubediscovery.authz import ResourceAttributes, SelectorRequirement
from kubediscovery.errors import NotFound
from kubediscovery.options import Listing, parse_listing
from kubediscovery.selectors import Selector

ALL = "*"
_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
# "namespaces/a/status" is the namespace's own status, not a resource in it.
_OF_NAMESPACES = ("status", "finalize")
# A review knows no other operators; without a requirement it asks for the right to more.
_OPERATORS = {"in": "In", "notin": "NotIn", "exists": "Exists", "absent": "DoesNotExist"}


def split_path(raw_path: bytes) -> tuple[str, ...]:
    """The decoded segments of a path; raises :class:`NotFound` for one that could mean two things.

    Refused are empty segments (``//``, a trailing slash), ``.`` and ``..``, an encoded slash, control characters,
    broken escapes and bytes that are not UTF-8.
    """
    if raw_path in (b"", b"/"):
        return ()
    if _BAD_ESCAPE.search(raw_path):
        raise _not_found()
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


def parse_resource_path(
    segments: tuple[str, ...], method: str, query: bytes, group: str, version: str
) -> ResourceAttributes:
    """What the segments after ``/apis/<group>/<version>`` ask for, to be done by the method.

    The namespace is empty for all namespaces and for cluster-scoped kinds, the name is :data:`ALL` where the path
    says ``*``; resource and subresource are as the path has them. A list or a watch has the selectors of its query, and
    the name that its field selector asks for, if any; one whose verb is in the path has neither, as it is not known to
    follow them. Raises :class:`NotFound` for a path of no known form.
    """
    verb = _VERBS.get(method, "")
    if segments[:1] == ("watch",):
        verb, segments = "watch", segments[1:]
    elif segments[:1] == ("proxy",):
        # A verb too, which nothing has any more.
        raise _not_found()
    namespace = ""
    # "namespaces/a/compositions" is the namespace's compositions, as kube-apiserver reads it.
    if segments[:1] == ("namespaces",) and len(segments) > 1:
        namespace = segments[1]
        if len(segments) > 2 and segments[2] not in _OF_NAMESPACES:
            segments = segments[2:]
    if not 1 <= len(segments) <= 3:
        raise _not_found()
    resource, name, subresource = (*segments, "", "")[:3]
    if name or verb not in ("get", "delete"):
        return ResourceAttributes(verb, group, version, resource, subresource, namespace, name)
    listing = parse_listing(query)
    fields, labels = _requirements(listing.fields), _requirements(listing.labels)
    verb, name = ("deletecollection", "") if verb == "delete" else _listing(listing)
    return ResourceAttributes(verb, group, version, resource, subresource, namespace, name, fields, labels)


def _listing(listing: Listing) -> tuple[str, str]:
    name = listing.fields.exact("metadata.name")
    # A name that no path could have narrows the answer but not the review.
    return "watch" if listing.watches else "list", "" if "/" in name or "%" in name or name in (".", "..") else name


def _requirements(selector: Selector) -> tuple[SelectorRequirement, ...]:
    """A selector as reviews know it (``plugin/pkg/authorizer/webhook/webhook.go``), in an order of its own.

    A field without a name, which kube-apiserver would refuse to review, is in no object.
    """
    found = {
        SelectorRequirement(each.key, _OPERATORS[each.operator], tuple(sorted(each.values)))
        for each in selector.requirements
        if each.operator in _OPERATORS and each.key
    }
    return tuple(sorted(found, key=lambda each: (each.key, each.operator, each.values)))


def _not_found() -> NotFound:
    # Kubernetes's own words, which quote nothing of a hostile path.
    return NotFound("the server could not find the requested resource")
