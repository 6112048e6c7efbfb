"""Acting as somebody else: the Impersonate-* headers of a caller, honoured where he may.

kube-apiserver carries out what comes through it and strips the headers; these are the callers that come directly. The
rules are those of ``k8s.io/apiserver, pkg/endpoints/filters/impersonation`` (the classic form, verb ``impersonate``):
every part of the user that is asked for is a review of its own, as the real caller.
"""

import re
from collections.abc import Iterator
from typing import Protocol

from kubediscovery.authz import Attributes, ResourceAttributes, quoted
from kubediscovery.errors import BadRequest
from kubediscovery.identity import (
    ANONYMOUS_NAME,
    UNAUTHENTICATED_GROUP,
    Caller,
    Headers,
    User,
    authenticated_user,
    extra_key,
    header_text,
)

_ANY = b"impersonate-"
_USER, _UID, _GROUP, _EXTRA = b"impersonate-user", b"impersonate-uid", b"impersonate-group", b"impersonate-extra-"
_ACCEPTED = "Impersonate-User, Impersonate-Uid, Impersonate-Group and Impersonate-Extra-<key>"
_AUTHENTICATION = "authentication.k8s.io"
_SERVICE_ACCOUNTS = "system:serviceaccounts"
_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
# Names that are none of a service account are those of ordinary users (pkg/authentication/serviceaccount/util.go).
_SERVICE_ACCOUNT = re.compile(
    rf"system:serviceaccount:(?P<namespace>{_LABEL}):"
    r"(?=.{1,253}\Z)(?P<name>[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*)"
)


class Authorizes(Protocol):
    """Who tells what a caller may."""

    async def authorize(self, user: User, attributes: Attributes, *, max_age: float | None = None) -> object:
        """Return for what is allowed; raise :class:`Forbidden` or :class:`InternalError` otherwise."""
        ...


class Impersonation:
    """Tells whose rights count for a request."""

    def __init__(self, authorizer: Authorizes) -> None:
        self._authorizer = authorizer

    async def act_as(self, user: User, headers: Headers, *, max_age: float | None = None) -> Caller:
        """The caller whom the headers ask for, or the user himself where they ask for nobody else.

        One part after the other is reviewed, so that nobody without the right causes more than one review; what counts
        was asked less than ``max_age`` seconds ago. Raises :class:`BadRequest` for headers that name no user or cannot
        be read, :class:`Forbidden` for what the user may not and :class:`InternalError` where nobody knows.
        """
        wanted = requested_user(headers)
        if wanted is None:
            return Caller(user)
        for question in _questions(wanted):
            await self._authorizer.authorize(user, question, max_age=max_age)
        return Caller(_in_full(wanted), impersonator=user)


def requested_user(headers: Headers) -> User | None:
    """The user that the headers ask to act as, just as they name him; ``None`` without such headers.

    Raises :class:`BadRequest`. An empty Impersonate-User is one that names nobody: k8s.io/apiserver takes it for none
    and answers with the caller's own rights, which is not what was asked for.
    """
    lines = [(name, value) for name, value in headers if name.startswith(_ANY)]
    if not lines:
        return None
    for name, _ in lines:
        if name not in (_USER, _UID, _GROUP) and not name.startswith(_EXTRA):
            raise BadRequest(f"header {quoted(name.decode('latin-1')[:80])} is not known; accepted are {_ACCEPTED}")
    try:
        found = _read(lines)
    except UnicodeDecodeError:
        raise BadRequest(f"the headers {_ACCEPTED} must be UTF-8") from None
    if not found.name:
        raise BadRequest("impersonation was requested without a user: give Impersonate-User")
    return found


def _read(lines: Headers) -> User:
    extra: dict[str, list[str]] = {}
    for name, value in lines:
        if name.startswith(_EXTRA):
            extra.setdefault(extra_key(name[len(_EXTRA) :]), []).append(header_text(value))
    return User(
        _first(lines, _USER),
        _first(lines, _UID),
        tuple(header_text(value) for name, value in lines if name == _GROUP),
        tuple((key, tuple(extra[key])) for key in sorted(extra)),
    )


def _first(lines: Headers, wanted: bytes) -> str:
    # Of several lines the first counts, as in Go's Header.Get.
    return header_text(next((value for name, value in lines if name == wanted), b""))


def _questions(wanted: User) -> Iterator[ResourceAttributes]:
    """What must be allowed to act as the user, the user himself first."""
    account = _SERVICE_ACCOUNT.fullmatch(wanted.name)
    if account is not None:
        yield _question("", "serviceaccounts", account["name"], namespace=account["namespace"])
    else:
        yield _question("", "users", wanted.name)
    if wanted.uid:
        yield _question(_AUTHENTICATION, "uids", wanted.uid)
    for group in wanted.groups:
        yield _question("", "groups", group)
    for key, values in wanted.extra:
        for value in values:
            yield _question(_AUTHENTICATION, "userextras", value, subresource=key)


def _question(
    group: str, resource: str, name: str, *, namespace: str = "", subresource: str = ""
) -> ResourceAttributes:
    return ResourceAttributes("impersonate", group, "v1", resource, subresource, namespace, name)


def _in_full(wanted: User) -> User:
    """The user with the groups that he has of himself."""
    groups = wanted.groups
    account = _SERVICE_ACCOUNT.fullmatch(wanted.name)
    if account is not None and not groups:
        groups = (_SERVICE_ACCOUNTS, f"{_SERVICE_ACCOUNTS}:{account['namespace']}")
    if wanted.name == ANONYMOUS_NAME and UNAUTHENTICATED_GROUP not in groups:
        groups = (*groups, UNAUTHENTICATED_GROUP)
    return authenticated_user(wanted.name, wanted.uid, groups, dict(wanted.extra))
