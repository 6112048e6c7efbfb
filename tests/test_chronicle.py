from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kubediscovery.chronicle import Chronicle, HistoryOptions
from kubediscovery.errors import StartupError
from tests.objects import DEPLOYMENT, make
from tests.sighting import sighted

WEB = make(DEPLOYMENT, "web", uid="uid-web")


async def test_a_file_adds_what_was_before_the_process(tmp_path: Path) -> None:
    options = HistoryOptions(path=tmp_path / "history.db")
    before = Chronicle(options)
    with before.opened():
        before.recorder.record(sighted("a", 1))
    after = Chronicle(options)
    with after.opened():
        after.recorder.record(sighted("b", 2))
        found = (await after.versions(WEB, None, revisions=True)).versions
        changed = await after.changed([WEB, make(DEPLOYMENT, "other")], 0.0)
    assert [(version.name, sorted(version.origins)) for version in found] == [("1", ["File"]), ("2", ["Cache", "File"])]
    assert [version.name for version in changed["uid-web"]] == ["1", "2"]
    assert list(changed) == ["uid-web"]


async def test_without_a_file_the_memory_does() -> None:
    chronicle = Chronicle(HistoryOptions())
    with chronicle.opened():
        chronicle.recorder.record(sighted("a", 1))
        assert len((await chronicle.versions(WEB, None, revisions=True)).versions) == 1
        assert await chronicle.changed([WEB], 1e12) == {}


def test_files_that_cannot_be_used_end_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="history "), Chronicle(HistoryOptions(path=tmp_path)).opened():
        pass
    with (
        pytest.raises(StartupError, match="audit log of kube-apiserver"),
        Chronicle(HistoryOptions(audit_log=tmp_path)).opened(),
    ):
        pass


def test_what_is_not_used_is_not_imported() -> None:
    unused = ["archive", "audit_trail", "log_follower", "recording", "kept_revisions", "bisecting"]
    program = (
        "import sys, kubediscovery.server;"
        f"print([name for name in {unused} if f'kubediscovery.{{name}}' in sys.modules], 'sqlite3' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[] False"
