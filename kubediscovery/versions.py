"""The versions of one object, put together from all that tells of them: revisions, what went by, and audit logs.

A version is what somebody wrote: everything but the status and the metadata that Kubernetes keeps for itself. It has
the number of the object's ``metadata.generation``, which means the same to everybody who has seen it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby

from kubediscovery.config import parse_duration
from kubediscovery.errors import BadRequest, ConfigurationError, NotFound
from kubediscovery.field_paths import Path

# What revisions keep of the object that they are of.
TEMPLATE: Path = ("spec", "template")
LATEST, OLDEST = "latest", "oldest"
_REVISION = re.compile(r"r([0-9]{1,18})")
_NAME = re.compile(r"[rv]?[0-9]{1,19}(\.[0-9]{1,9})?")
_MOST_NAMED, _LONGEST_TIME = 20, 40
_ACCEPTED = (
    f"accepted are a version's name, r and a revision's number (r3), {LATEST}, {OLDEST}, a time (2026-01-31T12:00:00Z)"
    " and a duration (10m: as it was so long ago)"
)


class Origin(StrEnum):
    """Who tells of a version."""

    REVISION = "Revision"
    CACHE = "Cache"
    FILE = "File"
    AUDIT = "Audit"
    PRESENT = "Present"


@dataclass(frozen=True, slots=True)
class Version:
    """An object as somebody wrote it; numbers are 0 where they are not known, times seconds since 1970.

    ``partial`` are those of which a revision alone tells: their document has :data:`TEMPLATE` and nothing else.
    ``digest`` is equal where the documents are. ``manager`` is who wrote it, as ``managedFields`` call them, ``cause``
    what somebody noted as ``kubernetes.io/change-cause``. ``name`` is unique among an object's versions.
    """

    document: Mapping[str, object]
    digest: bytes
    origins: frozenset[Origin]
    generation: int = 0
    resource_version: int = 0
    revision: int = 0
    time: float = 0.0
    manager: str = ""
    cause: str = ""
    partial: bool = False
    name: str = ""

    @property
    def template(self) -> object:
        """The pods' template, None for kinds without one."""
        spec = self.document.get("spec")
        return spec.get("template") if isinstance(spec, dict) else None


def merged(whole: Iterable[Version], revisions: Iterable[Version]) -> tuple[Version, ...]:
    """All versions with their names, the oldest first; ``revisions`` are partial, each with its number."""
    told = [_joined(list(same)) for _, same in groupby(sorted(whole, key=_order), key=lambda found: found.digest)]
    return tuple(_named(_aligned(told, sorted(revisions, key=lambda found: found.revision))))


def _order(version: Version) -> tuple[int, int, float]:
    return version.generation, version.resource_version, version.time


def _joined(same: Sequence[Version]) -> Version:
    """What several tell of one version: it is as old as who saw it first says."""
    times = [found.time for found in same if found.time]
    return replace(
        same[0],
        origins=frozenset().union(*(found.origins for found in same)),
        time=min(times, default=0.0),
        manager=next((found.manager for found in same if found.manager), ""),
    )


def _aligned(whole: Sequence[Version], revisions: Sequence[Version]) -> list[Version]:
    """Whole versions with their revisions' numbers, and between them what revisions alone tell of.

    A template that is not the one before is another revision, so both go in the same order: from the newest on, each
    template is that of the latest revision with it.
    """
    left, result = list(revisions), list[Version]()
    for template, run in _runs(whole):
        place = next((place for place in reversed(range(len(left))) if left[place].template == template), None)
        if place is None:
            result += reversed(run)
            continue
        result += reversed(left[place + 1 :])
        found = left[place]
        result += [_known_by(version, found) for version in reversed(run)]
        del left[place:]
    return [*left, *reversed(result)]


def _known_by(version: Version, revision: Version) -> Version:
    cause = version.cause or revision.cause
    return replace(version, revision=revision.revision, origins=version.origins | revision.origins, cause=cause)


def _runs(whole: Sequence[Version]) -> Iterator[tuple[object, list[Version]]]:
    """Versions with the same template one after another, the newest first."""
    runs: list[list[Version]] = []
    for version in whole:
        if runs and runs[-1][-1].template == version.template:
            runs[-1].append(version)
        else:
            runs.append([version])
    return ((run[0].template, run) for run in reversed(runs))


def _named(versions: Iterable[Version]) -> Iterator[Version]:
    taken: dict[str, int] = {}
    for version in versions:
        if version.generation:
            name = str(version.generation)
        else:
            name = f"r{version.revision}" if version.partial else f"v{version.resource_version}"
        taken[name] = taken.get(name, 0) + 1
        yield replace(version, name=name if taken[name] == 1 else f"{name}.{taken[name]}")


def find(versions: Sequence[Version], text: str, now: float, parameter: str) -> int:
    """The place of the version that ``text`` means, in words of :data:`_ACCEPTED`.

    Raises :class:`BadRequest` that names the parameter for what means none, :class:`NotFound` for one that is not here.
    """
    if not versions:
        raise NotFound(f"{parameter}: no version is known")
    if text in (LATEST, OLDEST):
        return len(versions) - 1 if text == LATEST else 0
    place = next((place for place, version in enumerate(versions) if version.name == text), None)
    if place is None:
        place = _of_revision(versions, text)
    if place is None:
        place = _at(versions, _moment(text, now, parameter), f"{parameter}: ")
    if place is None:
        names = ", ".join(version.name for version in versions[-_MOST_NAMED:])
        raise NotFound(f'{parameter}: version "{text[:60]}" is not known; known are {names}; {_ACCEPTED}')
    return place


def _of_revision(versions: Sequence[Version], text: str) -> int | None:
    """The first version of a revision."""
    found = _REVISION.fullmatch(text)
    number = int(found[1]) if found else 0
    return next((place for place, version in enumerate(versions) if number and version.revision == number), None)


def _at(versions: Sequence[Version], moment: float | None, what: str) -> int | None:
    """The version that was there at that time; those of which no time is known count as older than all others."""
    if moment is None:
        return None
    older = [place for place, version in enumerate(versions) if version.time <= moment]
    if not older:
        raise NotFound(f"{what}no version is known of that time; the oldest is of {stamp(versions[0].time)}")
    return older[-1]


def _moment(text: str, now: float, parameter: str) -> float | None:
    """The time that a text means; None where it may be a version's name."""
    if _NAME.fullmatch(text):
        return None
    moment = _time(text, now)
    if moment is None:
        raise BadRequest(f'{parameter}: "{text[:60]}" means no version; {_ACCEPTED}')
    return moment


def moment_of(text: str, now: float, parameter: str) -> float:
    """The time that a duration before now, or a time, means; raises :class:`BadRequest` that names the parameter."""
    moment = _time(text, now)
    if moment is None:
        accepted = "a duration (10m: so long ago) and a time (2026-01-31T12:00:00Z)"
        raise BadRequest(f'{parameter}: "{text[:60]}" is no time; accepted are {accepted}')
    return moment


def _time(text: str, now: float) -> float | None:
    with suppress(ConfigurationError):
        return now - parse_duration(text)
    with suppress(ValueError, OverflowError):
        # A plus in a query that nobody has quoted is a space.
        moment = datetime.fromisoformat(text.replace(" ", "+")) if len(text) <= _LONGEST_TIME else None
        return moment.timestamp() if moment is not None and moment.tzinfo is not None else None
    return None


def stamp(seconds: float) -> str:
    """A time as Kubernetes writes it, empty for none."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds > 0 else ""
