"""kube-apiserver's audit log: what it tells of objects that somebody wrote.

Its lines are Events of ``audit.k8s.io/v1``; those at level RequestResponse hold the object that came of a write.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Raw, Struct

from kubediscovery.errors import StartupError
from kubediscovery.log_follower import LogFollower
from kubediscovery.sightings import Sighting, glimpse, sighting
from kubediscovery.versions import Origin

_WRITES = frozenset(("create", "update", "patch"))
# A write of the status holds all of the object, also what was changed of it by a subresource such as scale.
_SUBRESOURCES = frozenset(("", "status"))
# Objects of which it is known what was last told of them.
_MOST_MARKS = 20_000

Takes = Callable[[str, str], bool]


class _Reference(Struct, frozen=True, rename={"api_group": "apiGroup"}):
    resource: str = ""
    api_group: str = ""
    subresource: str = ""


class _Answer(Struct, frozen=True):
    code: int = 0


class _Event(Struct, rename="camel"):
    verb: str = ""
    request_uri: str = msgspec.field(default="", name="requestURI")
    stage_timestamp: str = ""
    object_ref: _Reference = _Reference()
    response_status: _Answer = _Answer()
    response_object: Raw = Raw(b"null")


# Made here, for threads: two that are the first to read a struct find what msgspec has half made of it, and crash.
_EVENT = msgspec.json.Decoder(_Event)


class AuditTrail:
    """The sightings in a log, in their order; ``takes`` says of a group and a plural whether they are wanted.

    ``lines`` counts those of the log so far, ``skipped`` those of them that could not be read.
    """

    def __init__(self, path: Path, takes: Takes) -> None:
        self._path = path
        self._follower = LogFollower(path)
        self._takes = takes
        self._marks: dict[str, int] = {}
        self.lines = self.skipped = 0

    def check(self) -> None:
        """Raise :class:`StartupError` for a file that is there and cannot be read; one that is not there may come."""
        try:
            with self._path.open("rb"):
                return
        except FileNotFoundError:
            reason = "" if self._path.parent.is_dir() else "there is no such folder"
        except OSError as error:
            reason = error.strerror or str(error)
        if reason:
            raise StartupError(f"audit log of kube-apiserver {self._path}: {reason}")

    def next(self) -> list[Sighting] | None:
        """What the next part of the log tells, None where there is no more for now; waits for the disk alone."""
        lines = self._follower.lines()
        if lines is None:
            return None
        self.lines += len(lines)
        return [found for line in lines for found in self._read(line)]

    def close(self) -> None:
        """Close the file."""
        self._follower.close()

    def _read(self, line: bytes) -> Iterator[Sighting]:
        # Most lines are of reads, and of levels that have no object.
        if b'"responseObject":{' not in line or b'"stage":"ResponseComplete"' not in line:
            return
        try:
            event = _EVENT.decode(line)
            if self._is_wanted(event):
                found = glimpse(event.response_object)
                if found.uid and found.is_whole and self._is_new(found.uid, found.mark):
                    yield sighting(found, Origin.AUDIT, now=datetime.fromisoformat(event.stage_timestamp).timestamp())
        except (ValueError, RecursionError):
            self.skipped += 1

    def _is_wanted(self, event: _Event) -> bool:
        reference = event.object_ref
        if event.verb not in _WRITES or not 200 <= event.response_status.code < 300:
            return False
        if reference.subresource not in _SUBRESOURCES or "dryRun=" in event.request_uri:
            return False
        return self._takes(reference.api_group, reference.resource)

    def _is_new(self, uid: str, mark: int) -> bool:
        if self._marks.get(uid) == mark:
            return False
        if len(self._marks) >= _MOST_MARKS:
            del self._marks[next(iter(self._marks))]
        self._marks[uid] = mark
        return True
