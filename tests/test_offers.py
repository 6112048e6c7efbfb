"""What an app offers, and how that is told from what it offered before."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kubediscovery.access import UsersRule
from kubediscovery.api import GroupVersion
from kubediscovery.errors import ConfigurationError
from kubediscovery.install import InstallOptions
from kubediscovery.offers import Offer, offer_of

APP = """
from kubediscovery.framework import Registry, Struct, SubresourceRequest

class Picture(Struct, frozen=True):
    size: int = 0

async def picture(request: SubresourceRequest) -> Picture:
    return Picture()

first = Registry("pictures.example.org", "v2", follows="nodes.")
second = Registry("drawings.example.org", "v1beta1", follows="")
first.subresource("picture", on="pods", returns=Picture, watch=True)(picture)
second.subresource("drawing", on="jobs.batch", returns=Picture, verbs=("create",))(picture)
both = [first, second]
again = [first, Registry("pictures.example.org", "v2")]
again[1].subresource("picture", on="pods", returns=Picture)(picture)
"""
BOTH = Offer(
    (GroupVersion("pictures.example.org", "v2"), GroupVersion("drawings.example.org", "v1beta1")),
    (
        UsersRule("*/picture", ("get", "watch"), "pictures.example.org"),
        UsersRule("*/drawing", ("create",), "drawings.example.org"),
    ),
    ("nodes.", "pods.", "jobs.batch"),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "offered.py").write_text(APP)
    yield tmp_path
    sys.modules.pop("offered", None)


@pytest.mark.usefixtures("folder")
def test_it_is_groups_rights_and_kinds() -> None:
    assert offer_of("offered:both") == BOTH
    options = BOTH.installed_by(InstallOptions(app="offered:both", name="pictures"))
    assert (options.api_group, options.version) == ("pictures.example.org", "v2")
    assert (options.others, options.users, options.kinds) == (BOTH.apis[1:], BOTH.users, BOTH.kinds)
    assert BOTH.installed_by(InstallOptions(kinds=("secrets",))).kinds == ("secrets",)


@pytest.mark.usefixtures("folder")
def test_registries_in_conflict_are_no_offer() -> None:
    with pytest.raises(ConfigurationError, match=r"--app offered:again: .*offered.py:16: .* registered at .*:12"):
        offer_of("offered:again")


def test_another_process_tells_of_changed_sources(folder: Path) -> None:
    def told(app: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "kubediscovery.offers", app]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)

    assert msgspec.convert(json.loads(told("offered:both").stdout), Offer) == BOTH
    (folder / "offered.py").write_text(f"{APP}nowhere\n")
    refused = told("offered:both")
    assert (refused.returncode, refused.stdout) == (1, "")
    why = f"NameError: name 'nowhere' is not defined ({folder / 'offered.py'}:17)"
    assert refused.stderr == f"--app offered:both: offered cannot be imported: {why}\n"


def test_news_are_what_came_and_what_went() -> None:
    one = Offer(BOTH.apis[:1], BOTH.users[:1])
    assert list(BOTH.news(BOTH)) == []
    assert list(BOTH.news(one)) == [
        "new group drawings.example.org/v1beta1",
        "new resource */drawing of drawings.example.org (create)",
        "new kind to read nodes.",
        "new kind to read pods.",
        "new kind to read jobs.batch",
        "no kind to read (all) any more",
    ]
    assert "no group drawings.example.org/v1beta1 any more" in list(one.news(BOTH))
