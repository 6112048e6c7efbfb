"""What the API group serves, as a table: discovery, routing and the manifests are all derived from it."""

from collections.abc import Iterator
from dataclasses import dataclass

from kubediscovery.kinds import Kind, Kinds

READ = ("get", "list", "watch")
SINGLE = ("get", "watch")
COMPOSITIONS = "compositions"
LINT = "lint"


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource or subresource of the group, as discovery lists it.

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
class ApiGroup:
    """The group, its version, the resources, and the kinds that have subresources in it."""

    group: str
    version: str
    kinds: Kinds

    @property
    def api_version(self) -> str:
        """``kubediscovery.cloudark.io/v1``."""
        return f"{self.group}/{self.version}"

    def resources(self) -> Iterator[Resource]:
        """All resources, the top-level one first, each parent before its subresource."""
        yield Resource(COMPOSITIONS, "composition", "Composition", namespaced=True, verbs=READ, short_names=("comp",))
        yield Resource(LINT, LINT, "Finding", namespaced=True, verbs=("list",))
        for kind in self.kinds:
            if self.parent(kind.resource) is not kind:
                # Its plural means another group's kind: it is asked for as <plural>.<group>, which needs no entry.
                continue
            # A kind of its own: "Deployment" must go on meaning the one in apps.
            yield Resource(kind.resource, kind.singular, f"{kind.kind}Compositions", kind.namespaced, verbs=())
            yield Resource(f"{kind.resource}/{COMPOSITIONS}", "", "Composition", kind.namespaced, SINGLE)

    def parent(self, resource: str) -> Kind | None:
        """The kind that ``deployments`` or ``deployments.apps`` means in ``deployments/x/compositions``."""
        return self.kinds.by_resource(resource)
