"""All that is known of what objects were like: one thing for who asks, whoever it was that told of it."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kubediscovery.client import Client
from kubediscovery.errors import UpstreamError
from kubediscovery.happenings import Happenings
from kubediscovery.history_settings import HistorySettings
from kubediscovery.kinds import Kind
from kubediscovery.objects import Object
from kubediscovery.recorder import Recorder
from kubediscovery.sightings import Sighting
from kubediscovery.turns import Turns
from kubediscovery.versions import Version, merged

if TYPE_CHECKING:
    from kubediscovery.archive import Archive
    from kubediscovery.audit_trail import AuditTrail
    from kubediscovery.store import Store


@dataclass(frozen=True, slots=True)
class Told:
    """The versions of an object, the oldest first, and the kinds that could not be asked for more."""

    versions: tuple[Version, ...]
    unavailable: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryOptions:
    """Where history is kept beside the memory, and what else tells of it; None for nothing."""

    settings: HistorySettings = field(default_factory=HistorySettings)
    path: Path | None = None
    audit_log: Path | None = None


@dataclass(frozen=True, slots=True)
class HistoryCounts:
    """What is held in memory, in versions and bytes, and what became of others since the start.

    ``dropped`` had to make room, ``too_large`` were never kept. Of the audit log and of the file lines and versions,
    None where there is none.
    """

    versions: int
    bytes: int
    dropped: int
    too_large: int
    audit_lines: int | None = None
    audit_failed: int = 0
    written: int | None = None
    lost: int = 0


class Chronicle:
    """What is recorded, and what is read of the cluster when it is asked for; :meth:`opened` belongs to its maker."""

    def __init__(self, options: HistoryOptions) -> None:
        self._options = options
        self._settings = options.settings
        self.happenings = Happenings()
        self._archive = self._made_archive()
        self._trail = self._made_trail()
        self.recorder = Recorder(
            most_bytes=self._settings.memory,
            most_versions=self._settings.versions,
            largest=self._settings.largest,
            **({"told": self._archive.put} if self._archive is not None else {}),
        )

    @contextmanager
    def opened(self) -> Iterator[None]:
        """With its files; raises :class:`StartupError` where one of them cannot be used."""
        if self._trail is not None:
            self._trail.check()
        if self._archive is None:
            yield
            return
        self._archive.open()
        try:
            yield
        finally:
            self._archive.close()

    async def run(self, client: Client | None, store: "Store", turns: Turns) -> None:
        """Record what goes by while others leave time, until this is cancelled; without a cluster there is nothing."""
        store.observe(self.happenings)
        if client is None or not self._settings.kinds:
            return
        from kubediscovery.recording import record_kinds, record_trail

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(record_kinds(client, store, self.recorder, self._settings.takes, turns))
            if self._trail is not None:
                tasks.create_task(record_trail(self._trail, self.recorder))

    async def versions(self, item: Object, client: Client | None, *, revisions: bool) -> Told:
        """All versions of an object; of its ``revisions`` only where the caller may see them."""
        found = await self.recorded(item.uid)
        if client is None:
            return Told(await _merged(found, ()))
        from kubediscovery import kept_revisions

        asked = [kept_revisions.present(client, item), *([kept_revisions.revisions(client, item)] if revisions else [])]
        kinds = (item.kind, kept_revisions.revisions_kind(item.kind) or item.kind)
        now, *kept = await asyncio.gather(*asked, return_exceptions=True)
        unavailable = tuple(kind for kind, answer in zip(kinds, (now, *kept), strict=False) if _has_failed(answer))
        partial = [version for answer in kept if isinstance(answer, list) for version in answer]
        present = [now] if isinstance(now, Sighting) else []
        return Told(await _merged((*found, *present), partial), unavailable)

    def counts(self) -> HistoryCounts:
        """How much there is now."""
        held, trail, archive = self.recorder, self._trail, self._archive
        return HistoryCounts(
            held.held,
            held.bytes,
            held.dropped,
            held.too_large,
            trail.lines if trail is not None else None,
            trail.skipped if trail is not None else 0,
            archive.written if archive is not None else None,
            archive.lost if archive is not None else 0,
        )

    async def recorded(self, uid: str) -> list[Sighting]:
        """What was recorded of an object, in the memory and in the file."""
        held = self.recorder.versions(uid)
        return [*(await self._archive.versions(uid)), *held] if self._archive is not None else held

    async def changed(self, members: Iterable[Object], moment: float) -> dict[str, tuple[Version, ...]]:
        """The versions of those objects of which one was written since; what is newest of each is in the memory."""
        found: dict[str, tuple[Version, ...]] = {}
        for item in members:
            held = self.recorder.versions(item.uid)
            if held and held[-1].seen >= moment:
                found[item.uid] = await _merged(await self.recorded(item.uid), ())
        return found

    def _made_archive(self) -> "Archive | None":
        if self._options.path is None:
            return None
        from kubediscovery.archive import Archive

        settings = self._settings
        return Archive(
            self._options.path,
            max_age=settings.max_age,
            max_bytes=settings.max_size,
            is_there=lambda uid: self.recorder.is_there(uid),
        )

    def _made_trail(self) -> "AuditTrail | None":
        if self._options.audit_log is None:
            return None
        from kubediscovery.audit_trail import AuditTrail

        settings = self._settings
        return AuditTrail(
            self._options.audit_log, lambda group, resource: settings.takes(Kind(group, "", resource, "", ""))
        )


async def _merged(found: Sequence[Sighting], partial: Sequence[Version]) -> tuple[Version, ...]:
    """Documents may be large: others have their turn while they are read."""
    return await asyncio.to_thread(lambda: merged([seen.version() for seen in found], partial))


def _has_failed(answer: object) -> bool:
    """Whether kube-apiserver gave no answer; raises what is a fault of this program."""
    if isinstance(answer, UpstreamError):
        return True
    if isinstance(answer, BaseException):
        raise answer
    return False
