"""A folder has one owner; a killed owner's folder is cleaned by its guard, or by the next owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kubediscovery.errors import StartupError
from kubediscovery.testing.processes import command_lines, leftovers
from kubediscovery.testing.workspace import LOCK_NAME, Workspace

# An owner with one component, which says where it is; its arguments are the folder, if it has a name.
OWNER = """
import subprocess, sys, time
from pathlib import Path
from kubediscovery.testing.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]) if sys.argv[1:] else None)
subprocess.Popen(
    ["etcd", "-c", "import time; time.sleep(60)", f"{workspace.directory}/etcd"],
    executable=sys.executable, start_new_session=True, stdout=subprocess.DEVNULL,
)
print(workspace.directory, flush=True)
time.sleep(60)
"""


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@contextmanager
def an_owner(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Run an owner, until its component is up, and kill it at the end."""
    with subprocess.Popen([sys.executable, "-c", OWNER, *arguments], stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout is not None
            directory = Path(owner.stdout.readline().strip())
            wait_until(lambda: len(leftovers(directory)) == 1)
            yield owner, directory
        finally:
            owner.kill()


def guard_of(directory: Path) -> int:
    [guard] = [pid for pid, line in command_lines() if f"kubediscovery.testing.guard {directory}" in line]
    return guard


def test_a_temporary_folder_is_gone_after_use() -> None:
    workspace = Workspace(None)
    (workspace.directory / "etcd").mkdir()
    workspace.close()
    workspace.close()
    assert not workspace.directory.exists()


@pytest.mark.parametrize("keep", [True, False])
def test_a_named_folder_stays_and_is_emptied_unless_kept(tmp_path: Path, keep: bool) -> None:
    folder = tmp_path / "new" / "cluster"
    first = Workspace(folder)
    (folder / "etcd").mkdir()
    (folder / "etcd" / "data").touch()
    (folder / "admin.kubeconfig").touch()
    first.close()
    second = Workspace(folder, keep=keep)
    assert sorted(entry.name for entry in folder.iterdir() if entry.name != LOCK_NAME) == (
        ["admin.kubeconfig", "etcd"] if keep else []
    )
    second.close()


def test_a_folder_has_one_owner(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with pytest.raises(StartupError, match=r"a control plane is running in .* already"):
        Workspace(tmp_path)
    workspace.close()
    Workspace(tmp_path).close()


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(StartupError, match="holds other files"):
        Workspace(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartupError, match="file/cluster cannot hold a control plane: Not a directory"):
        Workspace(tmp_path / "file" / "cluster")


def test_the_guard_cleans_up_after_a_killed_owner() -> None:
    with an_owner() as (owner, directory):
        owner.kill()
    wait_until(lambda: not directory.exists())
    assert leftovers(directory) == []


def test_the_next_owner_cleans_up_where_there_was_no_guard(tmp_path: Path) -> None:
    with an_owner(str(tmp_path)) as (owner, directory):
        os.kill(guard_of(directory), signal.SIGKILL)
        owner.kill()
    assert len(leftovers(directory)) == 1
    workspace = Workspace(tmp_path)
    assert leftovers(directory) == []
    workspace.close()


def test_a_guard_does_not_touch_what_a_new_owner_runs(tmp_path: Path) -> None:
    """The guard wakes late: the folder has been claimed again since."""
    with an_owner(str(tmp_path)) as (owner, directory):
        guard = guard_of(directory)
        os.kill(guard, signal.SIGSTOP)
        owner.kill()
    with an_owner(str(tmp_path)):
        [component] = leftovers(directory)
        os.kill(guard, signal.SIGCONT)
        wait_until(lambda: guard not in dict(command_lines()))
        assert leftovers(directory) == [component]
    wait_until(lambda: not leftovers(directory))
