"""Who names what: by the relation, the kind, the namespace and the name of what is named."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping, Sized
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from kubediscovery.objects import Object, Reference
from kubediscovery.relations import CLUSTER_SCOPED, GroupKind

K = TypeVar("K")
V = TypeVar("V", bound=Sized)

# So many times as many UIDs there are as stand beside.
_DROPPED = 4


class Uids:
    """UIDs, each once, at a third of a dict's memory: those that were dropped lately stand beside all others."""

    __slots__ = ("_all", "_dropped")

    def __init__(self) -> None:
        self._all: list[str] = []
        self._dropped: set[str] | None = None

    def add(self, uid: str) -> None:
        """One that is not here."""
        if self._dropped is not None and uid in self._dropped:
            self._dropped.remove(uid)
        else:
            self._all.append(uid)

    def drop(self, uid: str) -> None:
        """One that is here; only a few times is it looked for."""
        if self._dropped is None:
            self._dropped = set()
        self._dropped.add(uid)
        if len(self._dropped) * _DROPPED > len(self._all):
            self._all = [*self]
            self._dropped = None

    def __len__(self) -> int:
        return len(self._all) - len(self._dropped or ())

    def __iter__(self) -> Iterator[str]:
        dropped = self._dropped
        return iter(self._all) if not dropped else (uid for uid in self._all if uid not in dropped)

    def __contains__(self, uid: object) -> bool:
        return uid in self._all and uid not in (self._dropped or ())


class Siblings:
    """Objects of one namespace that name the same things, by their UIDs."""

    __slots__ = ("members", "references")

    def __init__(self, references: tuple[Reference, ...]) -> None:
        self.references = references
        self.members = Uids()


class Name(NamedTuple):
    """What a reference says, whoever makes it."""

    group_kind: GroupKind
    relation: str
    namespace: str
    name: str


# Who names something: one object by its UID, or siblings. Most things are named by one alone.
Referrer = str | Siblings
Referrers = Referrer | set[Referrer]
_Places = dict[str, dict[str, Referrers]]

_NOWHERE: Mapping[str, _Places] = MappingProxyType({})
_NOBODY: Mapping[str, Referrers] = MappingProxyType({})


class Naming:
    """The index of who names what."""

    def __init__(self) -> None:
        # By kind and then by relation: namespace → name → who names it.
        self._named: dict[GroupKind, dict[str, _Places]] = {}
        # By relation: the kinds of what is named in it.
        self._said: Counter[str] = Counter()
        #: Grows when something is named in another relation than before, or in one less.
        self.version = 0

    def says(self, relation: str) -> bool:
        """Whether anything names anything in a relation."""
        return self._said[relation] > 0

    def relations(self, group_kind: GroupKind) -> frozenset[str]:
        """The relations in which anything names an object of a kind."""
        return frozenset(self._named.get(group_kind, ()))

    def place(self, group_kind: GroupKind, relation: str, namespace: str) -> Mapping[str, Referrers]:
        """Who names what is in a namespace, by the names of that; not to be held while anything changes."""
        places = self._named.get(group_kind, _NOWHERE).get(relation)
        return places.get(namespace, _NOBODY) if places is not None else _NOBODY

    def referrers(self, target: Object, relation: str, name: str) -> Collection[str]:
        """The UIDs of who names an object, by some name, each once and in no order."""
        group_kind = (target.kind.group, target.kind.kind)
        places = self._named.get(group_kind, _NOWHERE).get(relation)
        if not places:
            return ()
        if target.kind.namespaced or group_kind in CLUSTER_SCOPED:
            place = places.get(target.namespace)
            return _uids(place.get(name)) if place is not None else ()
        # Whether a kind has namespaces is not known of a mere reference: it stands under the referrer's.
        return {uid for place in places.values() for uid in _uids(place.get(name))}

    def note(self, referrer: Referrer, names: Iterable[Name]) -> None:
        """Somebody names these from now on."""
        for found in names:
            relations = self._named.setdefault(found.group_kind, {})
            if found.relation not in relations:
                relations[found.relation] = {}
                self._said[found.relation] += 1
                self.version += 1
            place = relations[found.relation].setdefault(found.namespace, {})
            known = place.get(found.name)
            if known is None:
                place[found.name] = referrer
            elif isinstance(known, set):
                known.add(referrer)
            else:
                place[found.name] = {known, referrer}

    def forget(self, referrer: Referrer, names: Iterable[Name]) -> None:
        """Somebody who named these does so no more."""
        for found in names:
            relations = self._named[found.group_kind]
            places = relations[found.relation]
            place = places[found.namespace]
            known = place[found.name]
            if isinstance(known, set):
                known.discard(referrer)
                if known:
                    continue
            del place[found.name]
            prune(places, found.namespace)
            if not places:
                del relations[found.relation]
                self._said[found.relation] -= 1
                self.version += 1
            prune(self._named, found.group_kind)


def names_of(references: Iterable[Reference], own: str) -> set[Name]:
    """What the references of an object name that is in the namespace ``own``."""
    return {
        Name((found.group, found.kind), found.relation, namespace_of(found, own), found.name) for found in references
    }


def namespace_of(reference: Reference, own: str) -> str:
    """Where the object is that a reference means, made by an object in the namespace ``own``."""
    if (reference.group, reference.kind) in CLUSTER_SCOPED:
        return ""
    return own if reference.namespace is None else reference.namespace


def join(index: MutableMapping[str, Uids], key: str, uid: str) -> None:
    """Keep a UID that is not here by a key, by an empty one nowhere."""
    found = index.get(key)
    if found is not None:
        found.add(uid)
    elif key:
        index[key] = Uids()
        index[key].add(uid)


def leave(index: MutableMapping[str, Uids], key: str, uid: str) -> None:
    """Keep a UID that is here by a key no longer."""
    if key:
        index[key].drop(uid)
        prune(index, key)


def prune(index: MutableMapping[K, V], key: K) -> None:
    """Keep nothing for a key that has nothing."""
    if not index.get(key):
        index.pop(key, None)


def _uids(found: Referrers | None) -> Collection[str]:
    if found is None:
        return ()
    if isinstance(found, str):
        return (found,)
    if isinstance(found, Siblings):
        return found.members
    return [uid for referrer in found for uid in _uids(referrer)]
