"""The kinds of objects in files, where no discovery tells: Kubernetes's own by name, others by their definition.

Of a custom kind without its CustomResourceDefinition in the files the plural is guessed.
"""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from kubediscovery.built_in import KUBERNETES_GROUPS, KUBERNETES_KINDS, classified
from kubediscovery.kinds import Kind

_ROWS = {(kind.group, kind.kind): kind for kind in KUBERNETES_KINDS}
#: What defines a kind.
DEFINITION = _ROWS["apiextensions.k8s.io", "CustomResourceDefinition"]


class _Names(Struct):
    kind: str = ""
    plural: str = ""
    singular: str = ""


class _Spec(Struct):
    group: str = ""
    names: _Names = msgspec.field(default_factory=_Names)
    scope: str = "Namespaced"


class _Definition(Struct):
    spec: _Spec = msgspec.field(default_factory=_Spec)


class _Metadata(Struct):
    name: str = ""
    namespace: str = ""


class Guess(Struct, frozen=True):
    """What an object in a file says it is; ``is_in_namespace`` that it names a namespace."""

    group: str
    version: str
    kind: str
    is_in_namespace: bool


class Definitions:
    """The CustomResourceDefinitions that were seen so far."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], _Spec] = {}

    def learn(self, kind: Kind, document: bytes) -> None:
        """Remember the document if it defines a kind; one that is not whole defines none."""
        if kind != DEFINITION:
            return
        try:
            spec = msgspec.json.decode(document, type=_Definition).spec
        except msgspec.DecodeError:
            return
        if spec.names.plural:
            self._found[spec.group, spec.names.kind] = spec

    def kinds_of(self, guesses: Iterable[Guess]) -> Iterator[Kind]:
        """A kind for each group and kind among the guesses, sorted; of several versions it is the first one."""
        first: dict[tuple[str, str], Guess] = {}
        in_namespaces = set[tuple[str, str]]()
        for guess in guesses:
            name = (guess.group, guess.kind)
            first.setdefault(name, guess)
            if guess.is_in_namespace:
                in_namespaces.add(name)
        for (group, kind), guess in sorted(first.items(), key=lambda item: item[0]):
            spec = self._found.get((group, kind))
            names = spec.names if spec else _Names()
            is_namespaced = spec.scope != "Cluster" if spec else (group, kind) in in_namespaces
            singular = names.singular or kind.lower()
            plural = names.plural or plural_of(kind)
            yield classified(Kind(group, guess.version, plural, kind, singular, is_namespaced))


def built_in_kind(api_version: str, kind: str) -> Kind | None:
    """Kubernetes's own kind of that name, in whatever version."""
    return _ROWS.get((_group_of(api_version)[0], kind))


def guessed(api_version: str, kind: str, metadata: bytes) -> Guess | None:
    """What a document of no built-in kind is, or None where it is no object of a cluster.

    Other tools write ``apiVersion`` and ``kind``, too: a custom resource's group is a domain, and it has a name.
    """
    group, version = _group_of(api_version)
    try:
        found = msgspec.json.decode(metadata, type=_Metadata)
    except msgspec.DecodeError:
        return None
    if "." not in group or group in KUBERNETES_GROUPS or not found.name:
        return None
    return Guess(group, version, kind, bool(found.namespace))


def plural_of(kind: str) -> str:
    """The plural that Kubernetes's clients guess (k8s.io/apimachinery, pkg/api/meta/restmapper.go)."""
    singular = kind.lower()
    if singular.endswith("endpoints"):
        return singular
    if singular.endswith("s"):
        return f"{singular}es"
    return f"{singular.removesuffix('y')}ies" if singular.endswith("y") else f"{singular}s"


def _group_of(api_version: str) -> tuple[str, str]:
    group, _, version = api_version.rpartition("/")
    return group, version
