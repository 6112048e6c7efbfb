"""What can be asked of the API, path by path: the operations that documents describe.

Identifiers and actions are formed as Kubernetes forms them (k8s.io/apiextensions-apiserver,
``pkg/controller/openapi/builder/builder.go``).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kubediscovery.api import COMPOSITIONS, LINT, GroupVersion, camel
from kubediscovery.kinds import BUILT_IN_KINDS, Kind
from kubediscovery.requests import ALL

ONE, LIST, EVENT = "Composition", "CompositionList", "WatchEvent"
FINDING, REPORT = "Finding", "LintReport"
_VERBS = {"get": "read", "list": "list", "watch": "watch", "watchlist": "watch"}


@dataclass(frozen=True, slots=True)
class Operation:
    """A GET of one path below the group's version.

    ``action`` is get, list, watch or watchlist. ``answers`` names the schemas of its answers, several where the name in
    the path decides. ``only_all`` says that the name can be nothing but ``*``.
    """

    path: str
    action: str
    noun: str
    description: str
    answers: tuple[str, ...]
    only_all: bool = False

    def identifier(self, api: GroupVersion) -> str:
        """``listKubediscoveryCloudarkIoV1CompositionForAllNamespaces``."""
        return _VERBS[self.action] + camel(f"{api.group}.{api.version}") + self.noun

    @property
    def watches(self) -> bool:
        """Whether it answers with a stream whatever the query says."""
        return self.answers == (EVENT,)

    @property
    def kind(self) -> str:
        """The kind that it is about."""
        return FINDING if self.answers == (REPORT,) else ONE

    @property
    def single(self) -> bool:
        """Whether it answers with one composition and never with several."""
        return self.answers == (ONE,)

    @property
    def watched(self) -> "Operation":
        """The stream of what it answers with."""
        is_list = self.action == "list"
        return replace(
            self,
            path=f"/watch{self.path}",
            action="watchlist" if is_list else "watch",
            noun=f"{self.noun}List" if is_list else self.noun,
            description=f"Watches for changes, one event a line. {self.description}",
            answers=(EVENT,),
        )


def operations() -> Iterator[Operation]:
    """All operations: those of the top-level resource, of the kinds that every cluster has, and of any other kind."""
    for operation in _TOP_LEVEL:
        yield from (operation, operation.watched)
    yield from _OF_LINT
    for kind in BUILT_IN_KINDS:
        for operation in _of_kind(kind, kind.resource):
            yield from (operation, operation.watched)
    for operation in _OF_ANY_KIND:
        yield from (operation, operation.watched)


_ROOTS = "one for every root, an object that nothing else owns"
_TOP_LEVEL = (
    Operation(
        f"/{COMPOSITIONS}",
        "list",
        "CompositionForAllNamespaces",
        f"Compositions in all namespaces, {_ROOTS}.",
        (LIST,),
    ),
    Operation(
        f"/namespaces/{{namespace}}/{COMPOSITIONS}",
        "list",
        "NamespacedComposition",
        f"Compositions in a namespace, {_ROOTS}.",
        (LIST,),
    ),
    Operation(
        f"/namespaces/{{namespace}}/{COMPOSITIONS}/{{name}}",
        "get",
        "NamespacedComposition",
        "The composition of one object, by a name that also gives its resource and group: deployments.apps.web.",
        (ONE,),
    ),
)


_OF_LINT = (
    Operation(
        f"/{LINT}",
        "list",
        "FindingForAllNamespaces",
        "What is wrong with who owns what, in all namespaces and of what is in none.",
        (REPORT,),
    ),
    Operation(
        f"/namespaces/{{namespace}}/{LINT}",
        "list",
        "NamespacedFinding",
        "What is wrong with who owns what in a namespace.",
        (REPORT,),
    ),
)
_OF_ANY_KIND = (
    Operation(
        f"/namespaces/{{namespace}}/{{resource}}/{{name}}/{COMPOSITIONS}",
        "get",
        "NamespacedResourceCompositions",
        f"The composition of one object of any other resource, or of all in the namespace for {ALL}.",
        (ONE, LIST),
    ),
    Operation(
        f"/{{resource}}/{{name}}/{COMPOSITIONS}",
        "get",
        "ResourceCompositions",
        f"The composition of one object of a cluster-scoped resource; for {ALL} of all objects of any resource.",
        (ONE, LIST),
    ),
)


def _of_kind(kind: Kind, resource: str) -> Iterator[Operation]:
    noun = f"{camel(resource)}Compositions"
    path = f"/{resource}/{{name}}/{COMPOSITIONS}"
    if not kind.namespaced:
        yield Operation(path, "get", noun, f"The composition of one {kind.kind}, or of all for {ALL}.", (ONE, LIST))
        return
    yield Operation(
        f"/namespaces/{{namespace}}{path}",
        "get",
        f"Namespaced{noun}",
        f"The composition of one {kind.kind}, or of all in the namespace for {ALL}.",
        (ONE, LIST),
    )
    yield Operation(
        path,
        "get",
        f"{noun}ForAllNamespaces",
        f"The compositions of every {kind.kind} in all namespaces.",
        (LIST,),
        only_all=True,
    )
