"""The versions of objects in a SQLite file, which outlives the process.

One thread of its own writes what comes and reads what is asked for, so that nobody waits for a disk. The file is
bounded by age and size: what is oldest goes first.
"""

import asyncio
import logging
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from kubediscovery.errors import StartupError
from kubediscovery.sightings import ORIGIN, Sighting
from kubediscovery.versions import Origin

logger = logging.getLogger(__name__)

T = TypeVar("T")

SCHEMA_VERSION = 1
# Versions that wait to be written at most; and how often the file is looked through for what is too old.
LONGEST_QUEUE, PRUNE_SECONDS = 5_000, 600.0
_PAGE = 4096
# The place is the generation, for kinds without one the resource version.
_SCHEMA = """
create table if not exists versions (
    uid text not null, place integer not null, digest blob not null, generation integer not null,
    resource_version integer not null, namespace text not null, name text not null, seen real not null,
    manager text not null, blob blob not null, size integer not null, primary key (uid, place, digest)
) without rowid;
create index if not exists by_time on versions (seen);
"""
_READ = (
    "select uid, namespace, name, generation, resource_version, seen, manager, digest, blob, size from versions"
    " where uid = ? order by place, resource_version"
)
_WRITE = "insert or ignore into versions values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
# What is too old, but for what an object is like now.
_FORGET = """
delete from versions where seen < ? and (not is_there(uid) or exists (
    select 1 from versions as later where later.uid = versions.uid and later.place > versions.place))
"""
_SHORTEN = "delete from versions where seen <= (select seen from versions order by seen limit 1 offset ?)"


class Archive:
    """A file; :meth:`open` and :meth:`close` belong to whoever made it.

    ``max_age`` is in seconds; ``is_there`` says, on any thread, whether there is an object with this UID. ``lost``
    counts versions that were never written, ``written`` those that were.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_age: float,
        max_bytes: int,
        is_there: Callable[[str], bool] = lambda _: True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._max_age, self._max_bytes = max_age, max_bytes
        self._is_there, self._clock = is_there, clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="history")
        self._connection: sqlite3.Connection | None = None
        self._waiting: deque[Sighting] = deque()
        self._pruned = clock()
        self.lost = self.written = 0

    def open(self) -> None:
        """Raises :class:`StartupError` where the file cannot be used."""
        try:
            self._thread.submit(self._open).result()
        except (OSError, sqlite3.Error) as error:
            self._thread.shutdown()
            raise StartupError(f"history {self._path}: {getattr(error, 'strerror', None) or error}") from error

    def close(self) -> None:
        """Write what waits."""
        self._thread.submit(self._close).result()
        self._thread.shutdown()

    def put(self, version: Sighting) -> None:
        """Write the version soon; where too many wait it is lost and counted."""
        if len(self._waiting) >= LONGEST_QUEUE:
            self.lost += 1
            return
        self._waiting.append(version)
        self._thread.submit(self._write)

    async def versions(self, uid: str) -> list[Sighting]:
        """What is kept of an object, the oldest first; nothing where the file cannot be read."""
        work = self._safely
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(lambda: self._read(uid), []))

    def _open(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Only its owner may read it, also while SQLite makes it.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=5.0)
        try:
            found = connection.execute("pragma user_version").fetchone()[0]
            if found not in (0, SCHEMA_VERSION):
                raise sqlite3.DatabaseError(f"it was written by another version of kubediscovery (schema {found})")
            connection.executescript(
                f"pragma page_size = {_PAGE}; pragma auto_vacuum = incremental; pragma journal_mode = wal;"
                f" pragma synchronous = normal; {_SCHEMA} pragma user_version = {SCHEMA_VERSION};"
            )
            connection.create_function("is_there", 1, self._is_there)
        except sqlite3.Error:
            connection.close()
            raise
        self._connection = connection

    def _close(self) -> None:
        self._write()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _write(self) -> None:
        if self._waiting:
            self._safely(self._write_all, None)

    def _write_all(self) -> None:
        rows = [_row(self._waiting.popleft()) for _ in range(len(self._waiting))]
        if self._connection is None:
            return
        try:
            self._connection.execute("begin immediate")
            self._connection.executemany(_WRITE, rows)
            self._connection.execute("commit")
            self.written += len(rows)
        except sqlite3.Error:
            self.lost += len(rows)
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            raise
        self._prune(self._connection)

    def _read(self, uid: str) -> list[Sighting]:
        return [_sighting(row) for row in self._connection.execute(_READ, (uid,))] if self._connection else []

    def _prune(self, connection: sqlite3.Connection) -> None:
        now = self._clock()
        if now - self._pruned >= PRUNE_SECONDS:
            self._pruned = now
            connection.execute(_FORGET, (now - self._max_age,))
        while _bytes(connection) > self._max_bytes:
            total = connection.execute("select count(*) from versions").fetchone()[0]
            if not total:
                break
            connection.execute(_SHORTEN, (total // 10,))
        # Each step of it gives one page back: only a script is carried out to its end.
        connection.executescript("pragma incremental_vacuum;")

    def _safely(self, work: Callable[[], T], otherwise: T) -> T:
        """A disk that fails takes history away, nothing else."""
        try:
            return work()
        except sqlite3.Error as error:
            logger.warning("history %s: %s", self._path, error)
            return otherwise


def _bytes(connection: sqlite3.Connection) -> int:
    pages, free = (connection.execute(f"pragma {name}").fetchone()[0] for name in ("page_count", "freelist_count"))
    return int(pages - free) * _PAGE


def _row(found: Sighting) -> tuple[object, ...]:
    place = found.generation or found.resource_version
    named = (found.namespace, found.name, found.seen, found.manager, found.whole, found.size)
    return found.uid, place, found.digest, found.generation, found.resource_version, *named


def _sighting(row: tuple[str, str, str, int, int, float, str, bytes, bytes, int]) -> Sighting:
    uid, namespace, name, generation, resource_version, seen, manager, digest, blob, size = row
    return Sighting(
        uid, namespace, name, generation, resource_version, seen, manager, ORIGIN[Origin.FILE], digest, blob, size
    )
