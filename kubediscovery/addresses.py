"""What is to be checked, as users write it, and where the API has it: ``deployment/web``, ``sts/db``, a selector."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from kubediscovery.answers import title_of
from kubediscovery.errors import ConfigurationError
from kubediscovery.kinds import BUILT_IN_KINDS, Kind

# kubectl's own (kubernetes, pkg/registry/*/storage, ShortNames), where a cluster does not say them itself.
_SHORT_NAMES: Mapping[str, tuple[str, ...]] = {
    "deployments.apps": ("deploy",),
    "replicasets.apps": ("rs",),
    "statefulsets.apps": ("sts",),
    "daemonsets.apps": ("ds",),
    "cronjobs.batch": ("cj",),
    "pods": ("po",),
    "services": ("svc",),
    "endpoints": ("ep",),
    "configmaps": ("cm",),
    "namespaces": ("ns",),
    "nodes": ("no",),
    "persistentvolumeclaims": ("pvc",),
    "persistentvolumes": ("pv",),
    "replicationcontrollers": ("rc",),
    "serviceaccounts": ("sa",),
    "horizontalpodautoscalers.autoscaling": ("hpa",),
    "ingresses.networking.k8s.io": ("ing",),
    "networkpolicies.networking.k8s.io": ("netpol",),
    "poddisruptionbudgets.policy": ("pdb",),
    "storageclasses.storage.k8s.io": ("sc",),
    "customresourcedefinitions.apiextensions.k8s.io": ("crd", "crds"),
}
_PLAIN = frozenset(kind.group_resource for kind in BUILT_IN_KINDS)
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:_-]{0,251}[A-Za-z0-9])?")
_FORM = "accepted is TYPE/NAME, as in deployment/web, sts/db or kafkas.example.org/main"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A target as it was written: ``type`` is whatever name of a kind."""

    type: str
    name: str


def parse_target(text: str) -> Wanted:
    """``deployment/web``; raises :class:`ConfigurationError` that says what is accepted."""
    type_, slash, name = text.partition("/")
    if not slash or not type_ or not _NAME.fullmatch(name):
        raise ConfigurationError(f'target "{text}" is not understood; {_FORM}')
    return Wanted(type_, name)


@dataclass(frozen=True, slots=True)
class Named:
    """A kind with the short names that it goes by."""

    kind: Kind
    short_names: tuple[str, ...] = ()

    def words(self) -> frozenset[str]:
        """All that it may be called without its group, in small letters."""
        kind = self.kind
        return frozenset((kind.resource, kind.singular, kind.kind.lower(), *self.short_names))


class KindNames:
    """Kinds by what users call them; of several with the same name the first one is meant, as for kubectl."""

    def __init__(self, kinds: Iterable[Named]) -> None:
        self._by_word: dict[str, Kind] = {}
        for named in kinds:
            kind = named.kind
            for word in named.words():
                self._by_word.setdefault(word, kind)
                if kind.group:
                    self._by_word.setdefault(f"{word}.{kind.group}", kind)
                    self._by_word.setdefault(f"{word}.{kind.version}.{kind.group}", kind)

    def find(self, word: str) -> Kind:
        """The kind that a plural, a singular, a kind's name or a short name means, with its group or without.

        Raises :class:`ConfigurationError` for what means none.
        """
        kind = self._by_word.get(word.lower())
        if kind is None:
            raise ConfigurationError(f'the cluster has no kind "{word}"; {_FORM}')
        return kind


def names_of(kinds: Iterable[Kind]) -> KindNames:
    """The names of kinds of which no cluster says the short ones."""
    return KindNames(Named(kind, _SHORT_NAMES.get(kind.group_resource, ())) for kind in kinds)


@dataclass(frozen=True, slots=True)
class Address:
    """One object; ``namespace`` is empty for a cluster-scoped kind."""

    kind: Kind
    namespace: str
    name: str

    @property
    def composition(self) -> str:
        """The name of its composition: ``deployments.apps.web``."""
        return f"{self.kind.group_resource}.{self.name}"

    @property
    def title(self) -> str:
        """``shop/deployments.apps.web``."""
        return title_of(self.namespace, self.composition)

    @property
    def path(self) -> str:
        """Where its composition is, below the API's version."""
        # What roles of users may say is the plural alone.
        resource = self.kind.resource if self.kind.group_resource in _PLAIN else self.kind.group_resource
        return f"{_within(self.namespace)}/{resource}/{_segment(self.name)}/compositions"

    @property
    def object_path(self) -> str:
        """Where kube-apiserver has the object itself."""
        prefix, _, resource = self.kind.list_path.rpartition("/")
        return f"{prefix}{_within(self.namespace)}/{resource}/{_segment(self.name)}"


@dataclass(frozen=True, slots=True)
class Selection:
    """All roots of a namespace, or of all of them for None, that the selectors match."""

    namespace: str | None
    labels: str = ""
    fields: str = ""

    @property
    def title(self) -> str:
        """How it is called where nothing matches: ``shop (app=web)``."""
        where = "all namespaces" if self.namespace is None else self.namespace
        selectors = " ".join(filter(None, (self.labels, self.fields)))
        return f"{where} ({selectors})" if selectors else where

    @property
    def path(self) -> str:
        """Where the compositions are listed, below the API's version."""
        return f"{_within(self.namespace or '')}/compositions"

    @property
    def query(self) -> Mapping[str, str]:
        """The selectors as parameters."""
        given = {"labelSelector": self.labels, "fieldSelector": self.fields}
        return {name: value for name, value in given.items() if value}


Place = Address | Selection


def _within(namespace: str) -> str:
    return f"/namespaces/{_segment(namespace)}" if namespace else ""


def _segment(text: str) -> str:
    return quote(text, safe="")
