"""Which parameters of a list or a watch go together (k8s.io/apimachinery, pkg/apis/meta/internalversion/validation)."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from kubediscovery.errors import Cause, Invalid, Subject

EXACT, NOT_OLDER_THAN = "Exact", "NotOlderThan"
_SUBJECT = Subject("meta.k8s.io", "ListOptions")
_MATCH, _INITIAL_EVENTS = "resourceVersionMatch", "sendInitialEvents"


class _Asked(NamedTuple):
    """What the rules are about; ``initial_events`` says that there is such a parameter, whatever its value."""

    match: str
    version: str
    token: str
    initial_events: bool


class _Rule(NamedTuple):
    """When it is broken, and which cause that is."""

    broken: Callable[[_Asked], bool]
    cause: Callable[[_Asked], Cause]


def _forbidden(field: str, words: str) -> Callable[[_Asked], Cause]:
    return lambda _: Cause("FieldValueForbidden", f"Forbidden: {words}", field)


def _unsupported(*accepted: str) -> Callable[[_Asked], Cause]:
    known = ", ".join(f'"{match}"' for match in accepted)
    return lambda asked: Cause(
        "FieldValueNotSupported", f'Unsupported value: "{asked.match}": supported values: {known}', _MATCH
    )


_NOT_WITH_A_TOKEN = _Rule(
    lambda asked: asked.match != "" and asked.token != "",
    _forbidden(_MATCH, "resourceVersionMatch is forbidden when continue is provided"),
)
_OF_LISTS = (
    _Rule(
        lambda asked: asked.match != "" and asked.version == "",
        _forbidden(_MATCH, "resourceVersionMatch is forbidden unless resourceVersion is provided"),
    ),
    _NOT_WITH_A_TOKEN,
    _Rule(
        lambda asked: asked.match not in ("", EXACT, NOT_OLDER_THAN),
        _unsupported(EXACT, NOT_OLDER_THAN, ""),
    ),
    _Rule(
        lambda asked: asked.match == EXACT and asked.version == "0",
        _forbidden(_MATCH, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
    ),
    _Rule(
        lambda asked: asked.initial_events,
        _forbidden(_INITIAL_EVENTS, "sendInitialEvents is forbidden for list"),
    ),
)
_OF_WATCHES = (
    _Rule(
        lambda asked: asked.initial_events and asked.match != NOT_OLDER_THAN,
        _forbidden(_MATCH, f"sendInitialEvents requires setting resourceVersionMatch to {NOT_OLDER_THAN}"),
    ),
    _Rule(
        lambda asked: asked.match != "" and not asked.initial_events,
        _forbidden(_MATCH, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"),
    ),
    _Rule(lambda asked: asked.match not in ("", NOT_OLDER_THAN), _unsupported(NOT_OLDER_THAN)),
    _NOT_WITH_A_TOKEN,
)


def check_list_options(values: Mapping[str, str], *, watch: bool) -> None:
    """Raise :class:`Invalid` with a cause for every rule that the parameters of a list or a watch break."""
    version, token = values.get("resourceVersion", ""), values.get("continue", "")
    asked = _Asked(values.get(_MATCH, ""), version, token, _INITIAL_EVENTS in values)
    causes = [rule.cause(asked) for rule in (_OF_WATCHES if watch else _OF_LISTS) if rule.broken(asked)]
    if causes:
        raise Invalid(_SUBJECT, causes)
