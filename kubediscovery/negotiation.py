"""Which representation a caller wants, read from Accept, Accept-Encoding, User-Agent and ``pretty``.

Accept is walked as k8s.io/apiserver walks it (``pkg/endpoints/handlers/negotiation/negotiate.go``): by quality, then
what is named before wildcards, then in order; the first clause that something offered answers to decides.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qs

from starlette.datastructures import Headers

from kubediscovery.errors import NotAcceptable

JSON = "application/json"
YAML = "application/yaml"
TABLE = "Table"
PARTIAL_OBJECT = "PartialObjectMetadata"
PARTIAL_OBJECT_LIST = "PartialObjectMetadataList"

# Longer than any client's, and read in less than a millisecond.
_LONGEST_HEADER = 8_192
#: The headers that :func:`representation_of` reads.
READ_HEADERS = frozenset((b"accept", b"accept-encoding", b"user-agent"))
_TRUE = ("1", "t", "true")
# Whoever reads these answers is a person (negotiate.go, isPrettyPrint).
_HUMAN = ("curl", "Wget", "Mozilla/5.0")


@dataclass(frozen=True, slots=True)
class MediaType:
    """A form of an answer: its encoding, and the kind of a group and version that it is converted to, if any."""

    as_kind: str = ""
    group: str = ""
    version: str = ""
    encoding: str = JSON
    pretty: bool = False

    def __str__(self) -> str:
        suffix = f";as={self.as_kind};v={self.version};g={self.group}" if self.as_kind else ""
        return self.encoding + suffix


@dataclass(frozen=True, slots=True)
class Representation:
    """How one answer is written; ``gzip`` tells that the caller takes a compressed one."""

    media_type: MediaType
    include_object: str = "Metadata"
    pretty: bool = False
    gzip: bool = False


def _conversions(encoding: str, *kinds: str) -> tuple[MediaType, ...]:
    return tuple(MediaType(kind, "meta.k8s.io", version, encoding) for kind in kinds for version in ("v1", "v1beta1"))


PLAIN = MediaType()
PLAIN_YAML = MediaType(encoding=YAML)
UNCONVERTED = (PLAIN, PLAIN_YAML)
# What compositions are answered as, one or many.
READABLE = tuple(
    media_type
    for plain in UNCONVERTED
    for media_type in (plain, *_conversions(plain.encoding, TABLE, PARTIAL_OBJECT, PARTIAL_OBJECT_LIST))
)
# What lint is answered as.
FINDINGS = tuple(media_type for plain in UNCONVERTED for media_type in (plain, *_conversions(plain.encoding, TABLE)))
# What each event's object of a watch is written as: lines can only be JSON.
WATCHABLE = (PLAIN, *_conversions(JSON, TABLE, PARTIAL_OBJECT))
AGGREGATED_DISCOVERY = tuple(
    MediaType("APIGroupDiscoveryList", "apidiscovery.k8s.io", version, encoding)
    for encoding in (JSON, YAML)
    for version in ("v2", "v2beta1")
)


@dataclass(frozen=True, slots=True)
class _Clause:
    type: str
    subtype: str
    parameters: Mapping[str, str]
    quality: float

    @property
    def vagueness(self) -> int:
        return (self.type == "*") + (self.subtype == "*")

    def covers(self, encoding: str) -> bool:
        type_, _, subtype = encoding.partition("/")
        return (self.type, self.subtype) in ((type_, subtype), (type_, "*"), ("*", "*"))


def negotiate(accept: str, offered: Sequence[MediaType]) -> MediaType:
    """The first of the caller's wishes that is offered, with ``pretty`` where the wish has it.

    Without any wish it is the first of the offered. Raises :class:`NotAcceptable` that lists what is offered.
    """
    if not accept.strip():
        return offered[0]
    clauses = [_clause(text) for text in accept.split(",")] if len(accept) <= _LONGEST_HEADER else []
    refused = [clause for clause in clauses if clause.quality == 0]
    encodings = dict.fromkeys(media_type.encoding for media_type in offered)
    for clause in sorted(clauses, key=lambda clause: (-clause.quality, clause.vagueness)):
        for media_type in _wishes(clause, encodings) if clause.quality > 0 else ():
            if media_type in offered and not _refused(media_type, clause, refused):
                return replace(media_type, pretty=True) if clause.parameters.get("pretty") == "1" else media_type
    raise NotAcceptable(f"only the following media types are accepted: {', '.join(map(str, offered))}")


def representation_of(
    headers: Headers, query: bytes, offered: Sequence[MediaType], include_object: str = "Metadata"
) -> Representation:
    """What a request's headers and query string ask for; raises :class:`NotAcceptable` that lists what is offered."""
    media_type = negotiate(", ".join(headers.getlist("accept")), offered)
    return Representation(
        media_type,
        include_object,
        pretty=media_type.pretty or wants_pretty(query, headers.get("user-agent", "")),
        gzip=accepts_gzip(", ".join(headers.getlist("accept-encoding"))),
    )


def representation_of_errors(headers: Headers, query: bytes) -> Representation:
    """How an error is written: nothing that is asked for hides it (``responsewriters/writers.go``)."""
    try:
        return representation_of(headers, query, UNCONVERTED)
    except NotAcceptable:
        return Representation(PLAIN, pretty=True)


def wants_pretty(query: bytes, user_agent: str) -> bool:
    """Whether JSON is to be indented: as ``pretty`` says or, without it, for clients that show what they get."""
    if b"pretty" in query:
        given = parse_qs(query.decode("latin-1")).get("pretty", [""])[0]
        if given:
            return given.lower() in _TRUE
    return user_agent.startswith(_HUMAN)


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether gzip is asked for and not liked less than no coding at all (RFC 9110, section 12.5.3)."""
    if not accept_encoding or len(accept_encoding) > _LONGEST_HEADER:
        return False
    qualities = {}
    for clause in reversed(accept_encoding.lower().split(",")):
        coding, parameters = _parameters(clause)
        qualities[coding] = _quality(parameters)
    gzip = qualities.get("gzip", qualities.get("*", 0.0))
    return gzip > 0 and gzip >= qualities.get("identity", 0.0)


def _wishes(clause: _Clause, encodings: Iterable[str]) -> Iterator[MediaType]:
    """What a clause asks for, in each encoding that it covers; nothing where it has a parameter that none has."""
    wanted = clause.parameters
    if wanted.get("sv") or wanted.get("stream", "") not in ("", "watch"):
        return
    for encoding in encodings:
        # Only JSON can be streamed.
        if clause.covers(encoding) and not (wanted.get("stream") and encoding != JSON):
            yield MediaType(wanted.get("as", ""), wanted.get("g", ""), wanted.get("v", ""), encoding)


def _refused(media_type: MediaType, clause: _Clause, refused: Sequence[_Clause]) -> bool:
    """Whether a clause of quality 0 names more exactly what ``clause`` would let through."""
    return any(
        found.vagueness < clause.vagueness and not found.parameters and found.covers(media_type.encoding)
        for found in refused
    )


def _clause(text: str) -> _Clause:
    name, parameters = _parameters(text)
    type_, _, subtype = name.lower().partition("/")
    quality = _quality(parameters)
    # "*" alone is what some clients send for "*/*".
    return _Clause(type_, subtype or ("*" if type_ == "*" else ""), parameters, quality)


def _parameters(clause: str) -> tuple[str, dict[str, str]]:
    name, *rest = (part.strip() for part in clause.split(";"))
    pairs = (part.partition("=") for part in rest if part)
    return name, {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _quality(parameters: dict[str, str]) -> float:
    """Take the quality out of the parameters: 1 without one, 0 for one that is no number."""
    try:
        # In this order "nan" becomes 0 too.
        return min(max(0.0, float(parameters.pop("q", "1"))), 1.0)
    except ValueError:
        return 0.0
