from __future__ import annotations

import os
from pathlib import Path

import pytest

from kubediscovery import log_follower
from kubediscovery.log_follower import LogFollower


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


def _all(follower: LogFollower) -> list[str]:
    found: list[str] = []
    while (lines := follower.lines()) is not None:
        found += [line.decode() for line in lines]
    return found


def _append(path: Path, *lines: str) -> None:
    with path.open("a") as file:
        file.write("".join(lines))


def _rotate(path: Path, stamp: str) -> None:
    path.rename(path.with_name(f"audit-{stamp}.log"))


def test_lines_come_as_they_are_written(path: Path) -> None:
    follower = LogFollower(path)
    assert _all(follower) == []
    _append(path, "one\n", "tw")
    assert _all(follower) == ["one"]
    _append(path, "o\n")
    assert _all(follower) == ["two"]
    follower.close()


def test_older_files_come_first(path: Path) -> None:
    _append(path.with_name("audit-2026-11-21T17-00-00.000.log"), "one\n")
    _append(path.with_name("audit-2026-11-21T18-00-00.000.log"), "two\n")
    _append(path.with_name("other-2026-11-21T18-00-00.000.log"), "none\n")
    _append(path.with_name("audit-2026-11-21T18-00-00.000.log.gz"), "none\n")
    _append(path, "three\n")
    follower = LogFollower(path)
    assert _all(follower) == ["one", "two", "three"]
    follower.close()


def test_a_file_that_is_rotated_is_read_to_its_end(path: Path) -> None:
    _append(path, "one\n")
    follower = LogFollower(path)
    assert _all(follower) == ["one"]
    _append(path, "two\n")
    _rotate(path, "2026-11-21T17-00-00.000")
    _append(path, "three\n")
    _rotate(path, "2026-11-21T18-00-00.000")
    assert _all(follower) == ["two", "three"]
    _append(path, "four\n")
    assert _all(follower) == ["four"]
    follower.close()


def test_what_is_written_while_it_is_rotated_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer has the last word between the end that was read and the look for the next file."""
    _append(path, "one\n")
    follower = LogFollower(path)
    assert _all(follower) == ["one"]
    files = LogFollower._files

    def slow(self: LogFollower) -> list[tuple[Path, os.stat_result]]:
        monkeypatch.undo()
        _append(path, "two\n")
        _rotate(path, "2026-11-21T17-00-00.000")
        _append(path, "three\n")
        return files(self)

    monkeypatch.setattr(LogFollower, "_files", slow)
    assert _all(follower) == ["two", "three"]
    follower.close()


def test_a_file_that_somebody_removed_is_followed_by_the_next(path: Path) -> None:
    _append(path, "one\n")
    follower = LogFollower(path)
    assert _all(follower) == ["one"]
    path.rename(path.with_name("elsewhere"))
    assert _all(follower) == []
    _append(path, "two\n")
    assert _all(follower) == ["two"]
    follower.close()


def test_a_file_that_was_cut_is_read_from_its_beginning(path: Path) -> None:
    _append(path, "a longer line\n", "unfinished")
    follower = LogFollower(path)
    assert _all(follower) == ["a longer line"]
    os.truncate(path, 0)
    _append(path, "new\n")
    assert _all(follower) == ["new"]
    follower.close()


def test_a_line_that_is_too_long_is_left_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_follower, "CHUNK", 10)
    monkeypatch.setattr(log_follower, "LONGEST_LINE", 20)
    _append(path, "one\n", "x" * 45, "\n", "two\n", "three\n")
    follower = LogFollower(path)
    assert _all(follower) == ["one", "two", "three"]
    follower.close()
