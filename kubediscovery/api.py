"""The words in which an API group says what it serves."""

from dataclasses import dataclass

from kubediscovery.kinds import Kind, Kinds

READ = ("get", "list", "watch")
SINGLE = ("get", "watch")
COMPOSITIONS = "compositions"
LINT = "lint"


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource or subresource of a group, as discovery lists it.

    ``name`` is ``compositions`` or ``deployments/compositions``; ``kind`` is what it answers with. A parent that only
    carries subresources has no verbs.
    """

    name: str
    singular: str
    kind: str
    namespaced: bool
    verbs: tuple[str, ...]
    short_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupVersion:
    """One version of a group."""

    group: str
    version: str

    @property
    def api_version(self) -> str:
        """``kubediscovery.cloudark.io/v1``."""
        return f"{self.group}/{self.version}"


@dataclass(frozen=True, slots=True)
class ApiGroup(GroupVersion):
    """A group, one version of it, and the kinds that can have subresources in it."""

    kinds: Kinds

    def parent(self, resource: str) -> Kind | None:
        """The kind that ``deployments`` or ``deployments.apps`` means in ``deployments/x/compositions``."""
        return self.kinds.by_resource(resource)


def camel(dotted: str) -> str:
    """``AppsV1`` of ``apps.v1``."""
    return "".join(part[:1].upper() + part[1:] for part in dotted.replace("-", ".").split("."))
