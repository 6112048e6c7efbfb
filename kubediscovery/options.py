"""Query parameters, read once and validated whole."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from kubediscovery.errors import BadRequest, Expired, MethodNotAllowed, ServerTimeout
from kubediscovery.health import Health
from kubediscovery.selectors import EVERYTHING, Selector, parse_field_selector, parse_label_selector

FIELDS: Mapping[str, frozenset[str] | None] = {
    "metadata.name": None,
    "metadata.namespace": None,
    "root.kind": None,
    "status.health": frozenset(Health),
}
_BOOLEANS = {"": False, "true": True, "1": True, "false": False, "0": False}
_INCLUDE_OBJECT = ("None", "Metadata", "Object")
# Parameters of the API that answers do not follow yet: silence would be a wrong answer.
_NOT_SERVED = ("depth", "kinds", "direction", "relations", "output", "waitFor", "sendInitialEvents")


@dataclass(frozen=True, slots=True)
class Options:
    """What a request asks for beside its path. ``least_version`` is 0 for any; ``ignored`` are unknown parameters."""

    labels: Selector = EVERYTHING
    fields: Selector = EVERYTHING
    least_version: int = 0
    pretty: bool = False
    include_object: str = "Metadata"
    ignored: tuple[str, ...] = ()


NOTHING_ASKED = Options()


def parse_options(query: bytes) -> Options:
    """The options of a query string; raises :class:`BadRequest` that names the parameter and what is accepted.

    ``limit`` and ``timeoutSeconds`` are checked and otherwise without effect: every answer is whole, and at once.
    """
    if not query:
        return NOTHING_ASKED
    values = _first_values(query)
    for name, check in _ACCEPTED.items():
        if name in values:
            check(name, values[name])
    if refused := [name for name in _NOT_SERVED if values.get(name)]:
        raise BadRequest(f'parameter "{refused[0]}" is not supported; accepted are {", ".join(sorted(_ACCEPTED))}')
    return Options(
        labels=parse_label_selector(values.get("labelSelector", "")),
        fields=parse_field_selector(values.get("fieldSelector", ""), FIELDS),
        least_version=int(values.get("resourceVersion") or 0),
        pretty=_BOOLEANS[values.get("pretty", "").lower()],
        include_object=values.get("includeObject") or "Metadata",
        ignored=tuple(sorted(set(values) - set(_ACCEPTED) - set(_NOT_SERVED))),
    )


def parse_listing(query: bytes) -> tuple[bool, str]:
    """Whether a list is to be watched, and the one name that its field selector lets through, empty for others.

    Never raises: what is wrong with a query is said only to who may send it (``pkg/endpoints/request/requestinfo.go``).
    """
    try:
        values = _first_values(query)
    except BadRequest:
        return False, ""
    watches = values.get("watch", "false").lower() not in ("false", "0")
    try:
        fields = parse_field_selector(values.get("fieldSelector", ""), FIELDS)
    except BadRequest:
        return watches, ""
    return watches, fields.exact("metadata.name")


def check_version(options: Options, newest: int) -> None:
    """Raise :class:`ServerTimeout` where a resource version is asked for that has not been seen yet."""
    if options.least_version > newest:
        raise ServerTimeout(
            f"Too large resource version: {options.least_version}, current: {newest}",
            cause="ResourceVersionTooLarge",
            retry_after=1,
        )


def _first_values(query: bytes) -> dict[str, str]:
    """Of a repeated parameter the first counts, as in Go."""
    try:
        return dict(reversed(parse_qsl(query.decode(), keep_blank_values=True, errors="strict", max_num_fields=100)))
    except ValueError:
        raise BadRequest("the query string cannot be decoded, or has more than 100 parameters") from None


def _whole_number(name: str, value: str) -> None:
    if value and not (value.isascii() and value.isdecimal() and len(value) < 20):
        raise BadRequest(f'{name} must be a whole number, not "{value}"')


def _boolean(name: str, value: str) -> None:
    if value.lower() not in _BOOLEANS:
        raise BadRequest(f'{name} must be true or false, not "{value}"')


def _no_watch(name: str, value: str) -> None:
    _boolean(name, value)
    # Kubernetes reads "?watch" without a value as true (apimachinery, pkg/runtime/conversion.go).
    if not value or _BOOLEANS[value.lower()]:
        raise MethodNotAllowed("watch is not supported on this resource; accepted are get and list")


def _match(name: str, value: str) -> None:
    if value not in ("", "NotOlderThan"):
        raise BadRequest(f'{name} must be NotOlderThan, not "{value}"')


def _no_continue(_: str, value: str) -> None:
    if value:
        raise Expired("the continue token is not valid: every list is whole, start again without one")


def _include_object(name: str, value: str) -> None:
    if value and value not in _INCLUDE_OBJECT:
        raise BadRequest(f'{name} must be one of {", ".join(_INCLUDE_OBJECT)}, not "{value}"')


def _anything(_: str, __: str) -> None: ...


_ACCEPTED: Mapping[str, Callable[[str, str], None]] = {
    "labelSelector": _anything,
    "fieldSelector": _anything,
    "limit": _whole_number,
    "continue": _no_continue,
    "resourceVersion": _whole_number,
    "resourceVersionMatch": _match,
    "timeoutSeconds": _whole_number,
    "watch": _no_watch,
    "allowWatchBookmarks": _boolean,
    "pretty": _boolean,
    "includeObject": _include_object,
}
