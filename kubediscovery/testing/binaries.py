"""Finding the control plane's binaries: given ones first, then what was built before, then a build."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kubediscovery.errors import StartupError
from kubediscovery.testing.builder import Missing, build
from kubediscovery.testing.locked import MODULES, Artifact, Module, Program, minor_version
from kubediscovery.testing.progress import Progress

# envtest's variable (sigs.k8s.io/controller-runtime, pkg/envtest): a folder whose content is trusted.
_ASSETS = "KUBEBUILDER_ASSETS"

_VERSION_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the control plane and where it comes from, in words."""

    name: str
    path: Path
    origin: str


@dataclass(frozen=True, slots=True)
class Binaries:
    """All files of the control plane."""

    found: tuple[Found, ...]

    @property
    def programs(self) -> Mapping[str, Path]:
        """The paths of the binaries, by name."""
        return {each.name: each.path for each in self.found}

    @property
    def stages(self) -> Path:
        """The Stage documents that tell kwok how nodes and pods come up."""
        return self.programs["kwok-stages.yaml"]


def find_binaries(
    *,
    may_build: bool = True,
    modules: tuple[Module, ...] = MODULES,
    environment: Mapping[str, str] = os.environ,
    progress: Progress | None = None,
) -> Binaries:
    """Find all, and build what is found nowhere; `StartupError` names what is missing, or what could not be built.

    In this order: the folder KUBEBUILDER_ASSETS, PATH where the binary is of the minor version that is locked, the
    cache, a build into the cache.
    """
    cache = cache_folder(environment)
    wanted = [(module, artifact) for module in modules for artifact in module.artifacts]
    found = [_find(module, artifact, cache, environment) for module, artifact in wanted]
    missing = [
        Missing(module, artifact, cache / module.cache_name / artifact.name)
        for (module, artifact), there in zip(wanted, found, strict=True)
        if there is None
    ]
    if missing and not may_build:
        names = ", ".join(each.artifact.name for each in missing)
        raise StartupError(f"the control plane lacks {names}: `make binaries` builds what is missing")
    if missing:
        build(missing, cache, progress or Progress(), environment)
    built = [Found(each.artifact.name, each.target, f"built from {each.module.path}") for each in missing]
    return Binaries(tuple(each for each in found if each) + tuple(built))


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Name the folder that keeps what was built, outside of any work tree (the XDG base directory specification)."""
    base = environment.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "kubediscovery" / "controlplane"


def _find(module: Module, artifact: Artifact, cache: Path, environment: Mapping[str, str]) -> Found | None:
    given = _in_assets(artifact, environment)
    if given:
        return Found(artifact.name, given, _ASSETS)
    installed = _on_path(module, artifact, environment)
    if installed:
        return Found(artifact.name, installed, "PATH")
    kept = cache / module.cache_name / artifact.name
    return Found(artifact.name, kept, "cache") if kept.exists() else None


def _in_assets(artifact: Artifact, environment: Mapping[str, str]) -> Path | None:
    folder = environment.get(_ASSETS)
    if not folder:
        return None
    if not Path(folder).is_dir():
        raise StartupError(f"{_ASSETS} must name a folder, and {folder} is none")
    path = Path(folder).absolute() / artifact.name
    return path if path.exists() else None


def _on_path(module: Module, artifact: Artifact, environment: Mapping[str, str]) -> Path | None:
    """Look a binary up; another minor version than the locked one is left alone, as its flags and answers differ."""
    if not isinstance(artifact, Program):
        return None
    path = shutil.which(artifact.name, path=environment.get("PATH", ""))
    if path and _told_version(path, artifact.version_arguments) == minor_version(module.version):
        return Path(path).absolute()
    return None


def _told_version(path: str, arguments: tuple[str, ...]) -> tuple[int, int] | None:
    try:
        told = subprocess.run(
            [path, *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_VERSION_SECONDS,
        )
        return minor_version(told.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
