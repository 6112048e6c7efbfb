"""Who a request is from: the user, and how a front proxy writes it into headers.

The names of those headers come from ConfigMap kube-system/extension-apiserver-authentication. The rules are those of
``k8s.io/apiserver, pkg/authentication/request/headerrequest``; whether the sender may be believed is decided in
:mod:`kubediscovery.authn`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self
from urllib.parse import unquote_to_bytes

import msgspec

# Raw ASGI headers: names in lower case, in the order of the wire.
Headers = Sequence[tuple[bytes, bytes]]
Extra = tuple[tuple[str, tuple[str, ...]], ...]

ANONYMOUS_NAME = "system:anonymous"
AUTHENTICATED_GROUP = "system:authenticated"
UNAUTHENTICATED_GROUP = "system:unauthenticated"

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class User(msgspec.Struct, frozen=True, cache_hash=True):
    """A caller, as authentication found it; ``extra`` is sorted by key, so that equal users are equal values."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Extra = ()


ANONYMOUS = User(ANONYMOUS_NAME, groups=(UNAUTHENTICATED_GROUP,))


class Caller(NamedTuple):
    """Who called: the user whose rights count, and who really called where that user is impersonated."""

    user: User
    impersonator: User | None = None


def authenticated_user(name: str, uid: str, groups: Iterable[str], extra: Mapping[str, Iterable[str]]) -> User:
    """A user whose credential was good: a member of system:authenticated too.

    Not added to the anonymous user nor beside system:unauthenticated, which a front proxy may pass on
    (``pkg/authentication/group/authenticated_group_adder.go``).
    """
    groups = tuple(groups)
    if name != ANONYMOUS_NAME and AUTHENTICATED_GROUP not in groups and UNAUTHENTICATED_GROUP not in groups:
        groups = (*groups, AUTHENTICATED_GROUP)
    return User(name, uid, groups, tuple((key, tuple(extra[key])) for key in sorted(extra)))


@dataclass(frozen=True, slots=True)
class RequestHeaders:
    """The headers in which the front proxy names the user, in lower case, and the common names that it may have.

    An empty ``allowed_names`` allows every name; an empty ``username`` names nobody.
    """

    username: tuple[bytes, ...] = ()
    uid: tuple[bytes, ...] = ()
    groups: tuple[bytes, ...] = ()
    extra_prefixes: tuple[bytes, ...] = ()
    allowed_names: tuple[str, ...] = ()

    @classmethod
    def from_config_map(cls, data: Mapping[str, str]) -> Self:
        """Read the ``requestheader-*`` lists; ``ValueError`` names the one that is no JSON list of header names."""
        return cls(
            username=_header_names(data, "requestheader-username-headers"),
            uid=_header_names(data, "requestheader-uid-headers"),
            groups=_header_names(data, "requestheader-group-headers"),
            extra_prefixes=_header_names(data, "requestheader-extra-headers-prefix"),
            allowed_names=_strings(data, "requestheader-allowed-names"),
        )

    def lines(self, headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
        """Those of the headers that say who the user is."""
        names = (*self.username, *self.uid, *self.groups)
        return tuple([line for line in headers if line[0] in names or line[0].startswith(self.extra_prefixes)])

    def user(self, headers: Headers) -> User | None:
        """The user that the headers name, or ``None``; ``UnicodeDecodeError`` where one is not UTF-8."""
        name = _first_value(headers, self.username)
        if not name:
            return None
        groups = [header_text(value) for wanted in self.groups for name_, value in headers if name_ == wanted]
        return authenticated_user(
            name, _first_value(headers, self.uid), filter(None, groups), _extra(headers, self.extra_prefixes)
        )


def _first_value(headers: Headers, names: Iterable[bytes]) -> str:
    # As Go's Header.Get does, only the first line of each name counts, even if it is empty and another follows.
    for wanted in names:
        value = header_text(next((value for name, value in headers if name == wanted), b""))
        if value:
            return value
    return ""


def _extra(headers: Headers, prefixes: Iterable[bytes]) -> dict[str, list[str]]:
    extra: dict[str, list[str]] = {}
    for prefix in prefixes:
        for name, value in headers:
            if name.startswith(prefix):
                extra.setdefault(extra_key(name[len(prefix) :]), []).append(header_text(value))
    return extra


def extra_key(encoded: bytes) -> str:
    """The percent-decoded key of an extra from its header's name; ``UnicodeDecodeError`` for what is not UTF-8.

    A key with a broken escape is kept as it came, like Go's url.PathUnescape with its error dropped.
    """
    return (encoded if _BAD_ESCAPE.search(encoded) else unquote_to_bytes(encoded)).decode()


def header_text(value: bytes) -> str:
    """A header's value as text; ``UnicodeDecodeError`` for what is not UTF-8.

    Go's net/http has cut the optional whitespace of RFC 9110 before k8s.io/apiserver sees a value.
    """
    return value.strip(b" \t").decode()


def _header_names(data: Mapping[str, str], key: str) -> tuple[bytes, ...]:
    names = tuple(name.strip().lower().encode() for name in _strings(data, key))
    if not all(names):
        # An empty prefix would make every header of every request an extra.
        raise ValueError(f"{key} holds an empty name")
    return names


def _strings(data: Mapping[str, str], key: str) -> tuple[str, ...]:
    try:
        return tuple(msgspec.json.decode(data.get(key) or "null", type=list[str] | None) or ())
    except msgspec.MsgspecError as error:
        raise ValueError(f"{key} is not a JSON list of strings") from error
