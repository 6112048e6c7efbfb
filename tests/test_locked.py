"""The locked modules are whole, and a cache key tells one build from another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kubediscovery.testing.components import ALL
from kubediscovery.testing.locked import MODULES, Module, OwnModule, Program, minor_version

GO_MOD = """\
module example.com/testing

go 1.26.0

tool example.com/thing/cmd/thing

require (
\texample.com/thing/api v0.1.0 // indirect
\texample.com/thing v1.7.2 // indirect
)
"""


@pytest.fixture
def module(tmp_path: Path) -> Module:
    (tmp_path / "go.mod").write_text(GO_MOD)
    (tmp_path / "go.sum").write_text("sums")
    return Module(tmp_path, "example.com/thing", (Program("thing", "example.com/thing/cmd/thing"),))


def test_versions_are_read_from_the_lock(module: Module) -> None:
    assert module.version == "v1.7.2"
    assert module.go_version == (1, 26)


def test_a_module_that_is_not_locked_is_an_error(module: Module) -> None:
    with pytest.raises(LookupError, match=r"go\.mod has no line like"):
        _ = replace(module, path="example.com/other").version


def test_the_version_is_stamped_where_it_is_asked_for(module: Module) -> None:
    assert module.link_flags == "-s -w"
    assert replace(module, stamp="base/version").link_flags == (
        "-s -w -X base/version.gitVersion=v1.7.2 -X base/version.gitMajor=1 -X base/version.gitMinor=7"
    )


def test_the_key_changes_with_all_that_a_build_depends_on(module: Module) -> None:
    keys = {module.key, replace(module, stamp="base/version").key}
    assert module.key == module.key
    (module.directory / "go.sum").write_text("other sums")
    keys.add(module.key)
    (module.directory / "go.mod").write_text(GO_MOD.replace("v0.1.0", "v0.1.1"))
    keys.add(module.key)
    assert len(keys) == 4


def test_the_key_of_a_module_of_our_own_changes_with_its_sources(module: Module) -> None:
    own = OwnModule(module.directory, module.path, module.artifacts)
    (module.directory / "main.go").write_text("package main")
    before = own.key
    assert before.startswith(module.key)
    (module.directory / "main.go").write_text("package other")
    assert own.key != before


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Kubernetes v1.36.3", (1, 36)), ("etcd Version: 3.6.8\nGo Version: go1.26.8", (3, 6)), ("go1.26", (1, 26))],
)
def test_minor_version(text: str, expected: tuple[int, int]) -> None:
    assert minor_version(text) == expected


def test_minor_version_of_nothing() -> None:
    with pytest.raises(ValueError, match="no version"):
        minor_version("dispatcher")


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.path)
def test_what_is_locked_can_be_read(module: Module) -> None:
    assert module.version.startswith("v")
    assert module.go_version >= (1, 26)
    assert module.cache_name.startswith(f"{module.directory.name}-")


def test_every_component_and_kubectl_are_locked() -> None:
    programs = {artifact.name for module in MODULES for artifact in module.artifacts if isinstance(artifact, Program)}
    assert programs == {*ALL, "kubectl"}
