"""Building what is missing from the locked Go modules, into the cache."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kubediscovery.errors import StartupError
from kubediscovery.testing.locked import Artifact, Documents, Module, Program
from kubediscovery.testing.locks import FileLock
from kubediscovery.testing.progress import Progress
from kubediscovery.testing.toolchain import find_go

_LINES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Missing:
    """An artifact that is to be made, the module it comes from, and the file that it becomes."""

    module: Module
    artifact: Artifact
    target: Path


def build(missing: Sequence[Missing], cache: Path, progress: Progress, environment: Mapping[str, str]) -> None:
    """Make all that is missing; `StartupError` says in one line what could not be made.

    One run at a time builds: a second one waits, and takes what the first one has made.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "lock", waiting=lambda: progress.say("another run is building the control plane: waiting")):
        _remove_remains(cache)
        still_missing = [each for each in missing if not each.target.exists()]
        if not still_missing:
            return
        needed = max(each.module.go_version for each in still_missing)
        go = Go(find_go(needed, cache, progress, environment), progress, environment)
        for number, each in enumerate(still_missing, start=1):
            _make(each, go, f"[{number}/{len(still_missing)}] {each.artifact.name} {each.module.version}")


def _remove_remains(cache: Path) -> None:
    """Delete what a run that was killed had half made; whoever holds the lock is the only one that makes anything."""
    for remains in (*cache.glob(".making-*"), *cache.glob("*/.making-*")):
        shutil.rmtree(remains)


def _make(missing: Missing, go: Go, label: str) -> None:
    """Make one file under another name first, so that a file in the cache is always whole."""
    missing.target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=missing.target.parent, prefix=".making-") as temporary:
        made = Path(temporary) / missing.artifact.name
        match missing.artifact:
            case Program(package=package):
                go.build(missing.module, package, made, label)
            case Documents(folders=folders):
                source = go.source(missing.module, label)
                made.write_text(join_documents([source / folder for folder in folders]))
        made.replace(missing.target)


def join_documents(folders: Sequence[Path]) -> str:
    """Join the manifests in some folders to one YAML stream; kustomize's own file is none of them."""
    paths = [path for folder in folders for path in sorted(folder.glob("*.yaml")) if path.name != "kustomization.yaml"]
    return "---\n".join(path.read_text().strip() + "\n" for path in paths)


class Go:
    """A go command, run in the folder of a locked module; its output is shown only when it fails."""

    def __init__(self, program: Path, progress: Progress, environment: Mapping[str, str]) -> None:
        self._program = program
        self._progress = progress
        # What a developer's own settings would change: the toolchain, the workspace, the lock.
        fixed = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-mod=readonly"}
        self._environment = {**environment, **fixed}

    def build(self, module: Module, package: str, target: Path, label: str) -> None:
        """Build one package of a module to the file ``target``."""
        self._run(module, label, "build", "-ldflags", module.link_flags, "-o", str(target), package)

    def source(self, module: Module, label: str) -> Path:
        """Give the folder of the module's source, which go keeps."""
        told = json.loads(self._run(module, label, "mod", "download", "-json", module.path))
        return Path(told["Dir"])

    def _run(self, module: Module, label: str, *arguments: str) -> str:
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                [self._program, *arguments],
                cwd=module.directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
            )
            status = self._progress.follow(label, process)
            output.seek(0)
            errors.seek(0)
            told = output.read().decode(errors="replace")
            if status:
                complaint = errors.read().decode(errors="replace") + told
                self._progress.say("\n".join(complaint.splitlines()[-_LINES_SHOWN:]))
                raise StartupError(f"{label} could not be built: go's last lines are above")
            return told
