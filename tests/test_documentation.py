"""The documents name all that there is (flags, metrics, sections, modules, parameters), and what they name is there."""

import re
from pathlib import Path

import click
import pytest

from kubediscovery.bookkeeping import opened_books
from kubediscovery.chronicle import Chronicle, HistoryOptions
from kubediscovery.cli import LOCAL_PORT, LOOPBACK, commands
from kubediscovery.config import SECURE_PORT, LoadOptions, ServeOptions
from kubediscovery.drawing import Direction
from kubediscovery.history_metrics import HistoryCollector
from kubediscovery.kinds import Kinds
from kubediscovery.metrics import Metrics
from kubediscovery.output import Output
from kubediscovery.reflector import Progress
from kubediscovery.relations import RULES
from kubediscovery.settings import SECTIONS, Settings
from tests.objects import filled
from tests.reviewing import FakeReviewer

ROOT = Path(__file__).parents[1]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\((?!http)([^)#\s]*)(?:#([^)\s]+))?\)")
_ASKED = ("relations", "direction", "depth", "kinds", "hideInactive", "output", "waitFor", "timeoutSeconds")
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
    chronicle = Chronicle(HistoryOptions(path=tmp_path / "history", audit_log=tmp_path / "audit.log"))
    metrics.include(HistoryCollector(chronicle.counts))
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


def test_the_way_of_data_names_every_module_and_none_that_is_gone() -> None:
    package = ROOT / "kubediscovery"
    modules = {path.name for folder in (package, package / "outputs") for path in folder.glob("[!_]*.py")}
    (way,) = re.findall(r"^## The way of data$(.*?)^## ", CONTRIBUTING, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`([a-z_]+\.py)`", way)) == modules


def accepted(path: Path) -> Settings:
    """What ``serve --config`` reads of a file; raises what it would tell its user."""
    context = commands.commands["serve"].make_context("serve", ["--config", str(path)])
    settings = context.params["settings"]
    assert isinstance(settings, Settings)
    return settings


def test_the_example_of_the_configuration_file_has_all_sections(tmp_path: Path) -> None:
    (example,) = re.findall(r"^## Configuration file$.*?^```yaml$(.*?)^```$", OPERATIONS, re.MULTILINE | re.DOTALL)
    path = tmp_path / "config.yaml"
    path.write_text(example)
    settings = accepted(path)
    assert settings.kinds is not None
    assert settings.relations
    assert settings.health.entries
    assert set(re.findall(r"^([a-z-]+):", example, re.MULTILINE)) == {"max-watches", "logging-format", *SECTIONS}


@pytest.mark.parametrize("name", ["operations.md", "relations.md", "health.md"])
def test_every_section_that_is_shown_can_be_used(name: str, tmp_path: Path) -> None:
    blocks = re.findall(
        r"^```yaml$(.*?)^```$", (ROOT / "docs" / name).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    sections = [block for block in blocks if re.match(rf"\s*({'|'.join(SECTIONS)}):", block)]
    assert sections
    for block in sections:
        path = tmp_path / "config.yaml"
        path.write_text(block)
        accepted(path)


def test_the_readme_names_all_that_can_be_asked_for() -> None:
    # Links and tables may hold several words in one pair of backticks; blocks of commands are no pairs.
    named = " ".join(re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)))
    for word in (*Output, *Direction, *_ASKED, *(rule.name for rule in RULES)):
        assert re.search(rf"\b{word}\b", named), word
    for command in commands.commands:
        assert re.search(rf"(kubediscovery|make) {command}\b", README), command


def test_every_link_leads_somewhere() -> None:
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]
    for document in documents:
        for target, anchor in LINK.findall(document.read_text(encoding="utf-8")):
            path = document.parent / target if target else document
            assert path.exists(), f"{document.name}: {target}"
            if anchor:
                assert anchor in anchors(path), f"{document.name}: {target}#{anchor}"


def anchors(path: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
