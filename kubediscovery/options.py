"""Query parameters, read once and validated whole."""

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from kubediscovery.continuation import Continuation, decode_continuation
from kubediscovery.drawing import (
    DEFAULT,
    Drawing,
    parse_depth,
    parse_direction,
    parse_kinds,
    parse_relations,
)
from kubediscovery.errors import BadRequest
from kubediscovery.health import Health
from kubediscovery.namespaces import parse_namespaces
from kubediscovery.outcome import RolloutState
from kubediscovery.output import Output, parse_output
from kubediscovery.selectors import EVERYTHING, Selector, parse_field_selector, parse_label_selector
from kubediscovery.validation import EXACT, check_list_options
from kubediscovery.wish import Wish, parse_wish

FIELDS: Mapping[str, frozenset[str] | None] = {
    "metadata.name": None,
    "metadata.namespace": None,
    "root.kind": None,
    "status.health": frozenset(Health),
    "status.rollout.state": frozenset(RolloutState),
}
_WATCH_SECONDS = (1_800, 3_600)
_BOOLEANS = {"": False, "true": True, "1": True, "false": False, "0": False}
_INCLUDE_OBJECT = ("None", "Metadata", "Object")
_DRAWING = ("relations", "direction", "depth", "kinds", "hideInactive")


@dataclass(frozen=True, slots=True)
class Options:
    """What a request asks for beside its path.

    ``limit`` is 0 for a whole list, ``start`` where a page begins, None for the first. ``least_version`` is what must
    have been seen before there is an answer, 0 for nothing; ``exact`` says that nothing after it may have been seen.
    ``namespaces`` are named beside the path's, or instead of all. ``wish`` is what is waited for, ``ignored`` are
    unknown parameters.
    """

    labels: Selector = EVERYTHING
    fields: Selector = EVERYTHING
    limit: int = 0
    start: Continuation | None = None
    least_version: int = 0
    exact: bool = False
    include_object: str = "Metadata"
    drawing: Drawing = DEFAULT
    namespaces: tuple[str, ...] = ()
    output: Output = Output.TREE
    wish: Wish | None = None
    ignored: tuple[str, ...] = ()


NOTHING_ASKED = Options()


def parse_options(query: bytes, *, watch: bool = False, relations: Collection[str] = ()) -> Options:
    """The options of a get, a list or a watch; ``relations`` are the names of those that can be asked for.

    Raises :class:`BadRequest` that names the parameter and what is accepted, and :class:`Invalid` for parameters that
    do not go together. ``timeoutSeconds`` is without effect but with ``waitFor``. A ``resourceVersion`` without
    ``resourceVersionMatch`` means NotOlderThan also beside ``limit``, where Kubernetes takes it for Exact: former
    states are not kept here.
    """
    if not query:
        return NOTHING_ASKED
    values = first_values(query)
    for name, check in _OF_COMPOSITIONS.items():
        if name in values:
            check(name, values[name])
    return replace(
        standard_options(values, watch=watch, fields=FIELDS),
        drawing=_drawing(values, relations, watch=watch),
        namespaces=_namespaces(values.get("namespaces", ""), watch=watch),
        output=parse_output(values.get("output", ""), watch=watch),
        wish=parse_wish(values, watch=watch, exact=values.get("resourceVersionMatch") == EXACT),
        ignored=tuple(sorted(set(values) - {*STANDARD, *_OF_COMPOSITIONS})),
    )


def standard_options(values: Mapping[str, str], *, watch: bool, fields: Mapping[str, frozenset[str] | None]) -> Options:
    """What the :data:`STANDARD` parameters of a get, a list or a watch ask for; raises what :func:`parse_options` does.

    ``fields`` are those that a selector can look at, with their values where these are known.
    """
    for name, check in STANDARD.items():
        if name in values:
            check(name, values[name])
    check_list_options(values, watch=watch)
    start = _start(values)
    return Options(
        labels=parse_label_selector(values.get("labelSelector", "")),
        fields=parse_field_selector(values.get("fieldSelector", ""), fields),
        limit=int(values.get("limit") or 0),
        start=start,
        # A page may be asked of a replica that has not seen yet what the first page showed.
        least_version=max(int(values.get("resourceVersion") or 0), start.version if start else 0),
        exact=values.get("resourceVersionMatch") == EXACT,
        include_object=values.get("includeObject") or "Metadata",
    )


def _drawing(values: Mapping[str, str], relations: Collection[str], *, watch: bool) -> Drawing:
    if not any(values.get(name) for name in _DRAWING):
        return DEFAULT
    drawing = Drawing(
        relations=parse_relations(values.get("relations", ""), relations),
        direction=parse_direction(values.get("direction", "")),
        depth=parse_depth(values.get("depth", "")),
        kinds=parse_kinds(values.get("kinds", "")),
        hide_inactive=_BOOLEANS[values.get("hideInactive", "").lower()],
    )
    if watch and drawing.reaches_out:
        # A change shows in the trees of owners; whom else it concerns is not followed.
        accepted = "accepted are depth, kinds and hideInactive"
        raise BadRequest(f"a watch has no relations, and no direction but children; {accepted}")
    return drawing


def _namespaces(text: str, *, watch: bool) -> tuple[str, ...]:
    named = parse_namespaces(text)
    if named and watch:
        raise BadRequest("namespaces: a watch is of one namespace or of all; open one for each of them")
    return named


@dataclass(frozen=True, slots=True)
class Terms:
    """How a caller wants to watch.

    ``since`` is the resource version to go on from, None for none. ``initial`` says that what there is comes first,
    ``marks_end`` that a bookmark says where that ends. ``seconds`` is how long the watch lasts.
    """

    since: int | None
    initial: bool
    marks_end: bool
    bookmarks: bool
    seconds: float


def parse_terms(query: bytes) -> Terms:
    """The terms of a watch, whose query :func:`parse_options` has accepted.

    A watch without ``resourceVersion``, or from 0, begins with what there is, unless ``sendInitialEvents`` says
    otherwise; one without ``timeoutSeconds`` lasts from half an hour to an hour (k8s.io/apiserver,
    ``pkg/endpoints/handlers/get.go``, ``pkg/storage/cacher/cacher.go``).
    """
    values = first_values(query)
    version = int(values.get("resourceVersion") or 0)
    wanted = _BOOLEANS[values["sendInitialEvents"].lower()] if values.get("sendInitialEvents") else None
    bookmarks = _BOOLEANS[values.get("allowWatchBookmarks", "false").lower() or "true"]
    initial = wanted if wanted is not None else version == 0
    return Terms(
        since=None if initial or not version else version,
        initial=initial,
        marks_end=wanted is True and bookmarks,
        bookmarks=bookmarks,
        seconds=int(values.get("timeoutSeconds") or 0) or random.uniform(*_WATCH_SECONDS),  # noqa: S311
    )


def wants_watch(query: bytes) -> bool:
    """Whether a query says ``watch``; raises :class:`BadRequest` where it says neither yes nor no.

    Without a value it means yes (apimachinery, ``pkg/runtime/conversion.go``).
    """
    value = first_values(query).get("watch", "false").lower() or "true" if b"watch" in query else "false"
    _boolean("watch", value)
    return _BOOLEANS[value]


@dataclass(frozen=True, slots=True)
class Listing:
    """What a review has to know of a list's query: whether it is a watch, and what it narrows itself to."""

    watches: bool = False
    fields: Selector = EVERYTHING
    labels: Selector = EVERYTHING


def parse_listing(query: bytes) -> Listing:
    """Read a list's query for its review, in which a selector that cannot be read counts for none.

    Never raises: what is wrong with a query is said only to who may send it (``pkg/endpoints/request/requestinfo.go``
    and ``pkg/endpoints/filters/authorization.go``).
    """
    try:
        values = first_values(query)
    except BadRequest:
        return Listing()
    return Listing(
        watches=values.get("watch", "false").lower() not in ("false", "0"),
        fields=_readable(lambda text: parse_field_selector(text, None), values.get("fieldSelector", "")),
        labels=_readable(parse_label_selector, values.get("labelSelector", "")),
    )


def _readable(parse: Callable[[str], Selector], text: str) -> Selector:
    try:
        return parse(text)
    except BadRequest:
        return EVERYTHING


def _start(values: Mapping[str, str]) -> Continuation | None:
    token = values.get("continue")
    if not token:
        return None
    start = decode_continuation(token)
    # A token has a version of its own (k8s.io/apiserver, pkg/storage/interfaces.go, ValidateListOptions).
    if values.get("resourceVersion", "") not in ("", "0"):
        raise BadRequest("specifying resource version is not allowed when using continue")
    return start


def first_values(query: bytes) -> dict[str, str]:
    """Of a repeated parameter the first counts, as in Go."""
    try:
        return dict(reversed(parse_qsl(query.decode(), keep_blank_values=True, errors="strict", max_num_fields=100)))
    except ValueError:
        raise BadRequest("the query string cannot be decoded, or has more than 100 parameters") from None


def _whole_number(name: str, value: str) -> None:
    # As many bits as Kubernetes has for it.
    if value and not (value.isascii() and value.isdecimal() and len(value) < 20 and int(value) < 2**63):
        raise BadRequest(f'{name} must be a whole number, not "{value}"')


def _boolean(name: str, value: str) -> None:
    if value.lower() not in _BOOLEANS:
        raise BadRequest(f'{name} must be true or false, not "{value}"')


def _include_object(name: str, value: str) -> None:
    if value and value not in _INCLUDE_OBJECT:
        # Kubernetes's own words (apimachinery, pkg/apis/meta/v1beta1/validation).
        accepted = "must be 'Metadata', 'Object', 'None', or empty"
        raise BadRequest(f'Unable to convert to Table as requested: {name}: Invalid value: "{value}": {accepted}')


def _anything(_: str, __: str) -> None: ...


#: The parameters that mean the same whatever is asked for.
STANDARD: Mapping[str, Callable[[str, str], None]] = {
    "labelSelector": _anything,
    "fieldSelector": _anything,
    "limit": _whole_number,
    "continue": _anything,
    "resourceVersion": _whole_number,
    "resourceVersionMatch": _anything,
    "sendInitialEvents": _boolean,
    "timeout": _anything,
    "timeoutSeconds": _whole_number,
    "watch": _boolean,
    "allowWatchBookmarks": _boolean,
    "pretty": _boolean,
    "includeObject": _include_object,
}
_OF_COMPOSITIONS: Mapping[str, Callable[[str, str], None]] = {
    "output": _anything,
    "waitFor": _anything,
    "namespaces": _anything,
    **dict.fromkeys(_DRAWING, _anything),
    "hideInactive": _boolean,
}
