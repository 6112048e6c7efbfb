"""docs/operations.md names every flag and every metric there is, and none that there is not."""

import re
from pathlib import Path

import click
import pytest

from kubediscovery.bookkeeping import opened_books
from kubediscovery.cli import LOCAL_PORT, LOOPBACK, commands
from kubediscovery.config import SECURE_PORT, LoadOptions, ServeOptions
from kubediscovery.kinds import Kinds
from kubediscovery.metrics import Metrics
from kubediscovery.reflector import Progress
from tests.objects import filled
from tests.reviewing import FakeReviewer

OPERATIONS = (Path(__file__).parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(--[a-z-]+)` \| (?:`([^`]*)`)? ?\| (.+) \|$", re.MULTILINE)


def flags() -> dict[str, str]:
    """The flags of ``serve`` with their defaults, as click has them."""
    command = commands.commands["serve"]
    found = {}
    for parameter in command.params:
        assert isinstance(parameter, click.Option)
        has_default = isinstance(parameter.default, str | int) and not parameter.is_flag
        found[parameter.opts[0]] = str(parameter.default) if has_default else ""
    return found | {"--bind-address": ServeOptions().bind_address, "--secure-port": str(SECURE_PORT)}


def test_every_flag_is_explained_with_its_default() -> None:
    rows = {flag: default for flag, default, _ in ROW.findall(OPERATIONS)}
    assert rows == flags()


@pytest.mark.parametrize("flag", ["--bind-address", "--secure-port"])
def test_what_a_snapshot_changes_is_told(flag: str) -> None:
    (words,) = [words for name, _, words in ROW.findall(OPERATIONS) if name == flag]
    assert f"`{LOOPBACK}` with" in words or f"`{LOCAL_PORT}` with" in words


def families(tmp_path: Path) -> set[str]:
    """The metrics of a server that has all that there are."""
    metrics, kinds = Metrics(), Kinds()
    metrics.watch_caches(filled([], kinds), {kind: Progress() for kind in kinds})
    metrics.count("apiserver_tls_handshake_errors", "Failed.", lambda: 0)
    with opened_books(LoadOptions(audit_log_path=str(tmp_path / "audit.log")), {}) as books:
        books.report(metrics)
        for what in ("authn", "authz"):
            books.reviewer(FakeReviewer(lambda _: {}), metrics, what)
        text = metrics.render().decode()
    return {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}


def test_every_metric_is_told_of(tmp_path: Path) -> None:
    told = set(re.findall(r"`((?:apiserver|kubediscovery)_[a-z_]+)`", OPERATIONS))
    assert told == {name for name in families(tmp_path) if not name.startswith("process_")}
