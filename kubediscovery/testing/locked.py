"""What the control plane consists of: the Go modules that are locked in ``modules/`` and what is taken from each."""

from __future__ import annotations

import hashlib
import platform
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_MODULES = Path(__file__).parent / "modules"


@dataclass(frozen=True, slots=True)
class Program:
    """A binary, the Go package that it is built from, and the arguments that make it tell its version."""

    name: str
    package: str
    version_arguments: tuple[str, ...] = ("--version",)


@dataclass(frozen=True, slots=True)
class Documents:
    """A YAML file joined from all manifests in some folders of a module's source."""

    name: str
    folders: tuple[str, ...]


Artifact = Program | Documents


@dataclass(frozen=True, slots=True)
class Module:
    """A Go module with its own go.mod and go.sum in ``directory``; ``path`` names the dependency that counts.

    ``stamp`` is the package whose version variables the linker sets: without, a Kubernetes binary calls itself v0.0.0.
    """

    directory: Path
    path: str
    artifacts: tuple[Artifact, ...]
    stamp: str = ""

    @property
    def version(self) -> str:
        """The locked version, such as ``v1.36.3``."""
        return self._find(rf"^\s*{re.escape(self.path)} (v\S+)")

    @property
    def go_version(self) -> tuple[int, int]:
        """The Go version that go.mod asks for: major and minor."""
        return minor_version(self._find(r"^go (\S+)"))

    @property
    def link_flags(self) -> str:
        """The linker's flags: no symbols, and the version where it must be told."""
        major, minor = minor_version(self.version)
        values = {"gitVersion": self.version, "gitMajor": str(major), "gitMinor": str(minor)}
        stamps = [f"-X {self.stamp}.{variable}={value}" for variable, value in values.items() if self.stamp]
        return " ".join(["-s", "-w", *stamps])

    @property
    def key(self) -> str:
        """What tells one build from another: the locked sources, the flags and the machine (as GOOS/GOARCH would)."""
        parts = [
            (self.directory / "go.mod").read_bytes(),
            (self.directory / "go.sum").read_bytes(),
            f"{self.link_flags} {sys.platform} {platform.machine()}".encode(),
        ]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]

    @property
    def cache_name(self) -> str:
        """The folder of this build in the cache."""
        return f"{self.directory.name}-{self.key}"

    def _find(self, pattern: str) -> str:
        found = re.search(pattern, (self.directory / "go.mod").read_text(), re.MULTILINE)
        if not found:
            raise LookupError(f"{self.directory / 'go.mod'} has no line like {pattern}")
        return found[1]


@dataclass(frozen=True)
class OwnModule(Module):
    """A module with sources of its own beside go.mod: a build is made anew when they change."""

    @property
    def key(self) -> str:
        """The locked dependencies, as for any module, and the sources."""
        names = sorted(path.name for path in self.directory.glob("*.go"))
        return f"{super().key}-{digest(self.directory, names)}"


def digest(directory: Path, names: Iterable[str]) -> str:
    """A short hash of some files in a folder."""
    content = b"\0".join((directory / name).read_bytes() for name in names)
    return hashlib.sha256(content).hexdigest()[:16]


def minor_version(text: str) -> tuple[int, int]:
    """Read the first version in a text, as (major, minor); ``ValueError`` if there is none."""
    found = re.search(r"(\d+)\.(\d+)", text)
    if not found:
        raise ValueError(f"no version in {text!r}")
    return int(found[1]), int(found[2])


#: The cheapest first, so that a fault of the environment shows early.
MODULES = (
    Module(
        _MODULES / "etcd",
        "go.etcd.io/etcd/server/v3",
        (Program("etcd", "go.etcd.io/etcd/server/v3"),),
    ),
    Module(
        _MODULES / "kwok",
        "sigs.k8s.io/kwok",
        (
            Program("kwok", "sigs.k8s.io/kwok/cmd/kwok"),
            Documents("kwok-stages.yaml", ("kustomize/stage/node/fast", "kustomize/stage/pod/fast")),
        ),
    ),
    Module(
        _MODULES / "kubernetes",
        "k8s.io/kubernetes",
        (
            Program("kubectl", "k8s.io/kubernetes/cmd/kubectl", ("version", "--client")),
            Program("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
            Program("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
            Program("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
        ),
        stamp="k8s.io/component-base/version",
    ),
)
