"""Where the next page of a list begins: the ``continue`` token (k8s.io/apiserver, pkg/storage/continue.go).

A token holds the version of its own format, the resource version of the list's first page, and the key of the object
that was looked at last. It only says where to go on: what may be seen is decided anew for every page, so that a token
that somebody made up, or has from somebody else, shows its holder nothing that a list without it would not.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, NamedTuple

import msgspec

from kubediscovery.errors import BadRequest

# A list that goes on at whatever version there is now, as after an expired token (pkg/storage/etcd3/errors.go).
LATEST = -1
_FORMAT = "v1"
_ENCODED = re.compile(r"[A-Za-z0-9_-]+")
_NEWEST = 2**63 - 1


class Key(NamedTuple):
    """The place of a composition in a list.

    The last part, ``deployments.apps``, tells those apart that have the same name: a pod ``metrics.k8s.io.web`` and
    a ``pods.metrics.k8s.io`` called ``web``.
    """

    namespace: str
    name: str
    resource: str


class Continuation(NamedTuple):
    """Go on after ``key`` with a list whose first page had ``version``, or with :data:`LATEST`."""

    version: int
    key: Key


class _Token(msgspec.Struct, forbid_unknown_fields=True):
    """The names are those of Kubernetes's own tokens."""

    v: str
    rv: Annotated[int, msgspec.Meta(ge=LATEST, le=_NEWEST)]
    start: Key


def encode_continuation(continuation: Continuation) -> str:
    """The token, which needs no escaping in a URL."""
    token = _Token(_FORMAT, continuation.version, continuation.key)
    return urlsafe_b64encode(msgspec.json.encode(token)).rstrip(b"=").decode()


def decode_continuation(text: str) -> Continuation:
    """What a token says; raises :class:`BadRequest` in Kubernetes's words for what is none."""
    if not _ENCODED.fullmatch(text):
        raise _not_valid("it is not base64url without padding")
    try:
        token = msgspec.json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Token)
    except ValueError:
        raise _not_valid("it is not one that this server gives out") from None
    if token.v != _FORMAT:
        raise _not_valid("server does not recognize this encoded version")
    if not token.start.name:
        raise _not_valid("encoded start key empty")
    return Continuation(token.rv, token.start)


def _not_valid(why: str) -> BadRequest:
    return BadRequest(f"continue key is not valid: {why}; leave it out to start a new list")
