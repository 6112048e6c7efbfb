"""The commands behind `make binaries` and `make cluster`, with programs that only pretend."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kubediscovery.testing.components import ALL

STAGES = "spec: {resourceRef: {kind: Node}, next: {}}\n"


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    folder = tmp_path / "assets"
    folder.mkdir()
    for name in (*ALL, "kubectl"):
        write(folder / name, "exit 0")
    (folder / "kwok-stages.yaml").write_text(STAGES)
    return folder


def write(program: Path, script: str) -> None:
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def run(assets: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kubediscovery.testing", *arguments],
        env={**os.environ, "KUBEBUILDER_ASSETS": str(assets)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_build_says_where_everything_comes_from(assets: Path) -> None:
    done = run(assets, "build")
    assert done.returncode == 0
    for name in (*ALL, "kubectl", "kwok-stages.yaml"):
        assert f"{assets / name} (KUBEBUILDER_ASSETS)\n" in done.stdout


def test_a_component_that_dies_at_start_is_one_error_with_its_last_words(assets: Path, tmp_path: Path) -> None:
    write(assets / "etcd", "echo starting; echo disk is full >&2; exit 7")
    done = run(assets, "run", "--directory", str(tmp_path / "cluster"))
    assert done.returncode == 1
    assert done.stderr == "error: etcd ended with status 7; its log ends with\n  starting\n  disk is full\n"


def test_a_port_that_was_taken_meanwhile_is_replaced_by_another(assets: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    write(assets / "etcd", f'echo "$@" >> {calls}; echo "listen tcp: bind: address already in use"; exit 1')
    done = run(assets, "run", "--directory", str(tmp_path / "cluster"))
    assert done.returncode == 1
    assert "address already in use" in done.stderr
    tried = calls.read_text().splitlines()
    assert len(tried) == 5
    assert len(set(tried)) == 5


def test_a_folder_that_cannot_be_used_is_one_line(assets: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(assets, "run", "--directory", str(tmp_path / "file"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "file cannot hold a control plane" in done.stderr
