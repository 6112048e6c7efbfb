"""Which representation a caller wants: Accept, walked by quality and then in order (RFC 9110, section 12.5.1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kubediscovery.errors import NotAcceptable

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class MediaType:
    """A representation: JSON as it is, or JSON converted ``as`` a kind of a group and version."""

    as_kind: str = ""
    group: str = ""
    version: str = ""

    def __str__(self) -> str:
        suffix = f";as={self.as_kind};v={self.version};g={self.group}" if self.as_kind else ""
        return JSON + suffix


PLAIN = MediaType()
TABLES = tuple(MediaType("Table", "meta.k8s.io", version) for version in ("v1", "v1beta1"))
AGGREGATED_DISCOVERY = tuple(
    MediaType("APIGroupDiscoveryList", "apidiscovery.k8s.io", version) for version in ("v2", "v2beta1")
)


@dataclass(frozen=True, slots=True)
class _Clause:
    media_type: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    quality: float = 1.0


def negotiate(accept: str, offered: Sequence[MediaType]) -> MediaType:
    """The first of the caller's wishes that is offered; plain JSON where there is no Accept.

    Raises :class:`NotAcceptable` that lists what is offered.
    """
    if not accept.strip():
        return PLAIN
    clauses = sorted((_parse(clause) for clause in accept.split(",")), key=lambda clause: -clause.quality)
    for clause in clauses:
        if clause.quality > 0 and clause.media_type in (JSON, "application/*", "*/*"):
            wanted = clause.parameters
            media_type = MediaType(wanted.get("as", ""), wanted.get("g", ""), wanted.get("v", ""))
            if media_type in offered:
                return media_type
    accepted = ", ".join(map(str, offered))
    raise NotAcceptable(f"only the following media types are accepted: {accepted}")


def _parse(clause: str) -> _Clause:
    media_type, *rest = (part.strip() for part in clause.split(";"))
    pairs = (part.partition("=") for part in rest)
    parameters = {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
    try:
        # In this order "nan" becomes 0 too.
        quality = min(max(0.0, float(parameters.pop("q", "1"))), 1.0)
    except ValueError:
        quality = 0.0
    return _Clause(media_type.lower(), parameters, quality)
