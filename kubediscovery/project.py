"""A new project: a folder with a subresource of somebody's own, its tests, its manifests and its image."""

import keyword
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kubediscovery import __version__
from kubediscovery.access import UsersRule
from kubediscovery.errors import ConfigurationError, StartupError
from kubediscovery.granted import GroupResource
from kubediscovery.kustomize import write_kustomize
from kubediscovery.manifests import Installation
from kubediscovery.workload import NAME, VERSION

TEMPLATE = Path(__file__).parent / "template"
_SUFFIX = ".in"
_PACKAGE = "package"
_PLACEHOLDER = re.compile(r"\{\{([a-z]+)\}\}")

# It becomes the name of a Service, which begins with a letter, and a part of longer names.
_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?")
_GROUP = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
_TAKEN = frozenset((NAME, "tests", "manifests", "pytest", "msgspec"))

#: What the subresource of a new project looks at: the kinds that it is of, and what they own.
READS: tuple[GroupResource, ...] = (
    ("apps", "controllerrevisions"),
    ("apps", "daemonsets"),
    ("apps", "deployments"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("", "pods"),
)


@dataclass(frozen=True, slots=True)
class Project:
    """What is to be made: a subresource called ``name`` in ``group``, in a folder that is empty or not there yet."""

    name: str
    group: str = ""
    directory: Path | None = None

    @property
    def api_group(self) -> str:
        """The group, one of examples where none was named."""
        return self.group or f"{self.name}.example.org"

    @property
    def folder(self) -> Path:
        """Where it goes."""
        return self.directory or Path(self.name)

    @property
    def package(self) -> str:
        """What Python calls it."""
        return self.name.replace("-", "_")

    @property
    def app(self) -> str:
        """What ``serve --app`` is told."""
        return f"{self.package}:registry"

    def validate(self) -> None:
        """Raise :class:`ConfigurationError` with every fault, one a line."""
        faults = [*self._name_faults()]
        if not _GROUP.fullmatch(self.api_group):
            faults.append(f'--group must be a DNS name with a dot, such as images.example.org, not "{self.group}"')
        if self.folder.is_dir() and any(self.folder.iterdir()):
            faults.append(f"{self.folder} is not empty: name another folder with --directory")
        elif self.folder.exists() and not self.folder.is_dir():
            faults.append(f"{self.folder} is a file: name another folder with --directory")
        if faults:
            raise ConfigurationError("\n".join(faults))

    def _name_faults(self) -> list[str]:
        if not _NAME.fullmatch(self.name):
            accepted = "accepted are up to 40 lower-case letters, digits and hyphens, a letter first: images"
            return [f'"{self.name}" cannot be the name of a subresource; {accepted}']
        if keyword.iskeyword(self.package) or self.package in sys.stdlib_module_names or self.package in _TAKEN:
            return [f'"{self.name}" would hide the Python module {self.package}: choose another name']
        return []

    def words(self) -> Mapping[str, str]:
        """What stands in the files for the words between braces."""
        kind = "".join(part.capitalize() for part in self.name.split("-"))
        return {
            "name": self.name,
            "package": self.package,
            "function": self.package,
            "kind": kind if kind not in ("Column", "Registry", "Struct", "Wanted") else f"{kind}Answer",
            "group": self.api_group,
            "kubediscovery": __version__.partition("+")[0],
            "tag": VERSION,
        }


def make_project(project: Project) -> list[Path]:
    """Write the project and give its files, as paths inside of the folder, sorted.

    Raises :class:`ConfigurationError` for names and folders that cannot be used, and :class:`StartupError` for a folder
    that cannot be written.
    """
    project.validate()
    words = project.words()
    try:
        for source in sorted(TEMPLATE.rglob(f"*{_SUFFIX}")):
            inside = source.relative_to(TEMPLATE)
            parts = [project.package if part == _PACKAGE else part for part in inside.parts]
            target = project.folder.joinpath(*parts).with_name(source.name.removesuffix(_SUFFIX))
            target.parent.mkdir(parents=True, exist_ok=True)
            content = source.read_text(encoding="utf-8")
            target.write_text(_PLACEHOLDER.sub(lambda found: words[found[1]], content), encoding="utf-8")
        write_kustomize(project.folder / "manifests", _installation(project))
    except OSError as error:
        raise StartupError(f"cannot write {error.filename or project.folder}: {error.strerror}") from error
    return sorted(path.relative_to(project.folder) for path in project.folder.rglob("*") if path.is_file())


def _installation(project: Project) -> Installation:
    return Installation(
        namespace=project.name,
        image=f"{project.name}:dev",
        api_group=project.api_group,
        resources=READS,
        name=project.name,
        app=project.app,
        users=(UsersRule(f"*/{project.name}", ("get", "watch")),),
    )
