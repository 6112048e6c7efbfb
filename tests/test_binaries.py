"""Binaries are taken from where they are given, then from where they are of the right version, then built once."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from kubediscovery.errors import StartupError
from kubediscovery.testing.binaries import Binaries, cache_folder, find_binaries
from kubediscovery.testing.locked import Documents, Module, Program
from kubediscovery.testing.progress import Progress

GO = """\
case "$1 $2" in
"env GOVERSION") echo go1.26.1 ;;
"build -ldflags") echo "built with $3: $6" > "$5" ;;
"mod download") echo '{"Dir": "SOURCE"}' ;;
esac
"""


def write_program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


class Machine:
    """A machine with nothing on it: a module to find the parts of, and the places to find them in."""

    def __init__(self, folder: Path) -> None:
        self.assets, self.path, self.cache, self.source = (
            folder / name for name in ("assets", "path", "cache", "source")
        )
        self.assets.mkdir()
        stages = self.source / "stages"
        stages.mkdir(parents=True)
        for name in ("b.yaml", "a.yaml", "kustomization.yaml", "README.md"):
            (stages / name).write_text(f"of: {name}\n")
        self.module = self._write_module(folder / "thing")
        self.output = io.StringIO()

    def _write_module(self, folder: Path) -> Module:
        folder.mkdir()
        (folder / "go.mod").write_text("module testing\n\ngo 1.26.0\n\nrequire (\n\texample.com/thing v1.36.3\n)\n")
        (folder / "go.sum").touch()
        artifacts = (Program("thing", "example.com/thing/cmd"), Documents("stages.yaml", ("stages",)))
        return Module(folder, "example.com/thing", artifacts)

    def install_go(self, script: str = GO) -> None:
        write_program(self.path, "go", script.replace("SOURCE", str(self.source)))

    def find(self, *, may_build: bool = True) -> Binaries:
        environment = {
            "KUBEBUILDER_ASSETS": str(self.assets),
            "PATH": f"{self.path}:/usr/bin:/bin",
            "XDG_CACHE_HOME": str(self.cache),
        }
        return find_binaries(
            may_build=may_build, modules=(self.module,), environment=environment, progress=Progress(self.output)
        )

    def origins(self) -> dict[str, str]:
        return {each.name: each.origin for each in self.find().found}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_assets_are_trusted_and_come_first(machine: Machine) -> None:
    machine.install_go()
    given = write_program(machine.assets, "thing", "echo v0.1.0")
    write_program(machine.path, "thing", "echo Thing v1.36.3")
    (machine.assets / "stages.yaml").touch()
    found = machine.find()
    assert found.programs["thing"] == given
    assert machine.origins() == {"thing": "KUBEBUILDER_ASSETS", "stages.yaml": "KUBEBUILDER_ASSETS"}


def test_assets_that_are_no_folder_are_an_error(machine: Machine) -> None:
    machine.assets.rmdir()
    with pytest.raises(StartupError, match=r"KUBEBUILDER_ASSETS must name a folder, and .*assets is none"):
        machine.find()


@pytest.mark.parametrize(
    ("script", "origin"),
    [
        ('[ "$1" = --version ] && echo Thing v1.36.9', "PATH"),
        ("echo Thing v1.32.4-dispatcher", "built from example.com/thing"),
        ("echo Thing v1.36.3; exit 1", "built from example.com/thing"),
        ("echo no version", "built from example.com/thing"),
    ],
)
def test_path_counts_only_with_the_locked_minor_version(machine: Machine, script: str, origin: str) -> None:
    machine.install_go()
    write_program(machine.path, "thing", script)
    assert machine.origins()["thing"] == origin


def test_documents_are_never_looked_up_on_path(machine: Machine) -> None:
    machine.install_go()
    write_program(machine.path, "stages.yaml", "echo v1.36.3")
    assert machine.origins()["stages.yaml"] == "built from example.com/thing"


def test_what_is_built_is_kept(machine: Machine) -> None:
    machine.install_go()
    built = machine.find()
    assert built.programs["thing"].read_text() == "built with -s -w: example.com/thing/cmd\n"
    assert built.programs["stages.yaml"].read_text() == "of: a.yaml\n---\nof: b.yaml\n"
    (machine.path / "go").unlink()
    assert machine.origins() == {"thing": "cache", "stages.yaml": "cache"}
    assert machine.find(may_build=False).programs == built.programs


def test_what_a_killed_build_left_is_removed(machine: Machine) -> None:
    machine.install_go()
    remains = [machine.cache / "kubediscovery" / "controlplane" / name for name in (".making-1", "thing-0/.making-2")]
    for each in remains:
        write_program(each, "thing", "exit 0")
    machine.find()
    assert not any(each.exists() for each in remains)


def test_another_lock_is_built_anew(machine: Machine) -> None:
    machine.install_go()
    first = machine.find().programs["thing"]
    (machine.module.directory / "go.sum").write_text("changed")
    assert machine.find().programs["thing"] != first


def test_without_a_build_what_is_missing_is_named(machine: Machine) -> None:
    with pytest.raises(StartupError, match=r"lacks thing, stages\.yaml: `make binaries` builds what is missing"):
        machine.find(may_build=False)
    assert not machine.cache.exists()


def test_a_build_that_fails_shows_the_end_of_its_output_and_leaves_nothing(machine: Machine) -> None:
    machine.install_go(GO.replace('echo "built with', 'seq 100 >&2; touch "$5"; exit 1; echo "built with'))
    with pytest.raises(StartupError, match=r"\[1/2\] thing v1.36.3 could not be built") as caught:
        machine.find()
    assert "\n" not in str(caught.value)
    assert machine.output.getvalue().endswith("failed\n" + "".join(f"{line}\n" for line in range(81, 101)))
    assert list(machine.cache.rglob("thing")) == []


def test_go_is_kept_from_changing_the_lock(machine: Machine) -> None:
    machine.install_go(GO.replace("built with $3", "$CGO_ENABLED $GOFLAGS $GOTOOLCHAIN $GOWORK $PWD"))
    told = machine.find().programs["thing"].read_text()
    assert told.startswith(f"0 -mod=readonly local off {machine.module.directory}")


def test_the_cache_is_where_xdg_says(tmp_path: Path) -> None:
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "kubediscovery" / "controlplane"
    assert cache_folder({}) == Path.home() / ".cache" / "kubediscovery" / "controlplane"
