"""Who names, selects and tells of whom: an index over all objects, kept as they come, change and go.

By a target's relation, kind, namespace and name it finds who names it, so that nobody has to look through a cluster.
Pods are most of a cluster and name the same things as their siblings, whose references are one shared tuple: they are
kept by that tuple, a set of UIDs for each, and only the tuple is kept by what it names.
"""

import re
from collections.abc import Iterator, Mapping, MutableMapping, Sized
from types import MappingProxyType
from typing import TypeVar

from kubediscovery.kinds import Kind
from kubediscovery.objects import EventState, Labels, Object, PodState, Reference
from kubediscovery.relations import (
    CLAIM,
    CLAIM_TEMPLATE,
    CLUSTER_SCOPED,
    NODE,
    NODE_RELATION,
    POD,
    GroupKind,
    Relations,
)
from kubediscovery.selectors import Selector

K = TypeVar("K")
V = TypeVar("V", bound=Sized)

# A name that a controller gave by a number: what stands before it, and the number.
_ORDINAL = re.compile(r"(.+-)(?:0|[1-9][0-9]*)")
# The labels that part the pods of one workload's revisions: what selects by one of them is found by it.
_FINEST = ("pod-template-hash", "controller-revision-hash", "batch.kubernetes.io/controller-uid", "controller-uid")

_UNCHANGED: Mapping[str | None, int] = MappingProxyType({})

_Anchor = tuple[str, str | None] | None


class _Siblings:
    """Pods of one namespace that name the same things, by their UIDs."""

    __slots__ = ("members", "references")

    def __init__(self, references: tuple[Reference, ...]) -> None:
        self.references = references
        self.members: set[str] = set()


# Who names something: one object by its UID, or siblings. Most things are named by one alone.
_Referrer = str | _Siblings
_Referrers = _Referrer | set[_Referrer]
_Names = dict[str, dict[str, _Referrers]]


class Links:
    """The index of one store, which tells it of every change."""

    def __init__(self) -> None:
        #: The rules that say what the links mean; others may be put in their place at any time.
        self.relations = Relations()
        # By kind and then by relation: namespace → name → who names it.
        self._named: dict[GroupKind, dict[str, _Names]] = {}
        # By namespace and the identity of a tuple of references, which they hold.
        self._siblings: dict[tuple[str, int], _Siblings] = {}
        self._on_node: dict[str, set[str]] = {}
        self._selecting: dict[str, dict[_Anchor, set[str]]] = {}
        self._releases: dict[str, set[str]] = {}
        self._told: dict[str, set[str]] = {}
        self._numbered: dict[tuple[str, str], set[str]] = {}
        # By kind: namespace, or None for all of them → the version of the last change there.
        self._latest: dict[Kind, dict[str | None, int]] = {}

    def change(self, before: Object | None, after: Object | None, version: int) -> None:
        """An object came, changed or went; its kind, namespace, name and UID stay while it is there."""
        item = after or before
        if item is None:
            return
        latest = self._latest.setdefault(item.kind, {})
        for place in (item.namespace, None):
            if version > latest.get(place, 0):
                latest[place] = version
        if before is not None and after is not None and _says_the_same(before, after):
            return
        if (item.kind.group, item.kind.kind) == POD:
            self._change_pod(before, after)
        else:
            self._change_names(before, after)
        self._change_selector(before, after)
        self._change_labels(before, after)

    @property
    def is_empty(self) -> bool:
        """Whether nobody says anything of anybody."""
        kept = (self._named, self._siblings, self._on_node, self._selecting, self._releases, self._told, self._numbered)
        return not any(kept)

    def latest(self, kind: Kind, namespace: str | None) -> int:
        """The version of the last change of an object of the kind, in a namespace or in all; 0 for none."""
        return self._latest.get(kind, _UNCHANGED).get(namespace, 0)

    def naming(self, target: Object) -> frozenset[str]:
        """The relations in which anything names an object of the target's kind."""
        group_kind = (target.kind.group, target.kind.kind)
        found = frozenset(self._named.get(group_kind, ()))
        if group_kind == CLAIM:
            found |= {CLAIM_TEMPLATE}
        return found | {NODE_RELATION} if group_kind == NODE else found

    def referrers(self, relation: str, target: Object) -> Iterator[str]:
        """The UIDs of the objects that name the target in a relation, in no order."""
        group_kind = (target.kind.group, target.kind.kind)
        if relation == NODE_RELATION and group_kind == NODE:
            yield from self._on_node.get(target.name, ())
        names = self._named.get(group_kind, {}).get(relation)
        if not names:
            return
        name = target.name
        if relation == CLAIM_TEMPLATE:
            numbered = _ORDINAL.fullmatch(name)
            name = numbered[1] if numbered else name
        if target.kind.namespaced or group_kind in CLUSTER_SCOPED:
            places = [names.get(target.namespace, {})]
        else:
            # Whether a kind has namespaces is not known of a mere reference: it stands under the referrer's.
            places = list(names.values())
        for place in places:
            yield from _uids(place.get(name))

    def selecting(self, target: Object) -> Iterator[str]:
        """The UIDs of the objects of the target's namespace whose selectors may match its labels; no other does."""
        anchors = self._selecting.get(target.namespace)
        if not anchors:
            return
        yield from anchors.get(None, ())
        for key, value in target.labels:
            yield from anchors.get((key, value), ())
            yield from anchors.get((key, None), ())

    def numbered(self, namespace: str, stem: str) -> Iterator[str]:
        """The UIDs of the PersistentVolumeClaims whose names are the stem, which ends with a dash, and a number."""
        return iter(self._numbered.get((namespace, stem), ()))

    def events(self, uid: str) -> Iterator[str]:
        """The UIDs of the Events about an object."""
        return iter(self._told.get(uid, ()))

    def released(self, release: str) -> Iterator[str]:
        """The UIDs of the objects of a Helm release."""
        return iter(self._releases.get(release, ()))

    def _change_pod(self, before: Object | None, after: Object | None) -> None:
        if before is None or after is None or before.references is not after.references:
            self._leave_siblings(before)
            self._join_siblings(after)
        former, present = _node_of(before), _node_of(after)
        if former != present or (before is None) != (after is None):
            if before is not None and former:
                _discard(self._on_node, former, before.uid)
            if after is not None and present:
                self._on_node.setdefault(present, set()).add(after.uid)

    def _leave_siblings(self, pod: Object | None) -> None:
        key = _siblings_key(pod) if pod is not None and pod.references else None
        group = self._siblings.get(key) if key is not None else None
        if pod is None or key is None or group is None:
            return
        group.members.discard(pod.uid)
        if not group.members:
            del self._siblings[key]
            self._forget(group, pod.namespace, set(group.references))

    def _join_siblings(self, pod: Object | None) -> None:
        if pod is None or not pod.references:
            return
        key = _siblings_key(pod)
        group = self._siblings.get(key)
        if group is None:
            group = self._siblings[key] = _Siblings(pod.references)
            self._note(group, pod.namespace, set(pod.references))
        group.members.add(pod.uid)

    def _change_names(self, before: Object | None, after: Object | None) -> None:
        former = before.references if before is not None else ()
        present = after.references if after is not None else ()
        if former is present or former == present:
            return
        gone, come = set(former) - set(present), set(present) - set(former)
        if before is not None and gone:
            self._forget(before.uid, before.namespace, gone)
        if after is not None and come:
            self._note(after.uid, after.namespace, come)

    def _note(self, referrer: _Referrer, namespace: str, references: set[Reference]) -> None:
        for found in references:
            names = self._named.setdefault((found.group, found.kind), {}).setdefault(found.relation, {})
            place = names.setdefault(namespace_of(found, namespace), {})
            known = place.get(found.name)
            if known is None:
                place[found.name] = referrer
            elif isinstance(known, set):
                known.add(referrer)
            elif known is not referrer:
                place[found.name] = {known, referrer}

    def _forget(self, referrer: _Referrer, namespace: str, references: set[Reference]) -> None:
        for found in references:
            relations = self._named[found.group, found.kind]
            names = relations[found.relation]
            at = namespace_of(found, namespace)
            place = names[at]
            known = place[found.name]
            if isinstance(known, set):
                known.discard(referrer)
                if known:
                    continue
            del place[found.name]
            _prune(names, at)
            _prune(relations, found.relation)
            _prune(self._named, (found.group, found.kind))

    def _change_selector(self, before: Object | None, after: Object | None) -> None:
        former = before.selector if before is not None else None
        present = after.selector if after is not None else None
        if former is present or (former == present and before is not None and after is not None):
            return
        if before is not None and former is not None:
            anchors = self._selecting[before.namespace]
            for anchor in _anchors(former):
                _discard(anchors, anchor, before.uid)
            _prune(self._selecting, before.namespace)
        if after is not None and present is not None:
            anchors = self._selecting.setdefault(after.namespace, {})
            for anchor in _anchors(present):
                anchors.setdefault(anchor, set()).add(after.uid)

    def _change_labels(self, before: Object | None, after: Object | None) -> None:
        """What is known of an object by one word: its release, what it tells of, the stem of its name."""
        _move(self._releases, _release(before), _release(after), before or after)
        _move(self._told, _subject(before), _subject(after), before or after)
        item = after or before
        if (before is None) != (after is None) and item is not None and (item.kind.group, item.kind.kind) == CLAIM:
            _move(self._numbered, _stem(before), _stem(after), item)


def namespace_of(reference: Reference, own: str) -> str:
    """Where the object is that a reference means, made by an object in the namespace ``own``."""
    if (reference.group, reference.kind) in CLUSTER_SCOPED:
        return ""
    return own if reference.namespace is None else reference.namespace


def matches(selector: Selector, labels: Labels) -> bool:
    """Whether a selector of objects matches the labels of one."""
    return selector.matches(dict(labels))


def _uids(found: _Referrers | None) -> Iterator[str]:
    if found is None:
        return
    for referrer in found if isinstance(found, set) else (found,):
        if isinstance(referrer, str):
            yield referrer
        else:
            yield from referrer.members


def _siblings_key(pod: Object) -> tuple[str, int]:
    return pod.namespace, id(pod.references)


def _says_the_same(before: Object, after: Object) -> bool:
    """Whether a change is one of the many that change no link."""
    return (
        before.references is after.references
        and before.selector is after.selector
        and before.release == after.release
        and (before.state is after.state or (_node_of(before), _subject(before)) == (_node_of(after), _subject(after)))
    )


def _node_of(pod: Object | None) -> str:
    return pod.state.node if pod is not None and isinstance(pod.state, PodState) else ""


def _release(item: Object | None) -> str:
    return item.release if item is not None else ""


def _subject(item: Object | None) -> str:
    return item.state.about if item is not None and isinstance(item.state, EventState) else ""


def _stem(item: Object | None) -> tuple[str, str] | None:
    found = _ORDINAL.fullmatch(item.name) if item is not None else None
    return (item.namespace, found[1]) if item is not None and found is not None else None


def _anchors(selector: Selector) -> list[_Anchor]:
    """Where a selector is kept: what it matches has one of these labels; None stands for whatever labels there are."""
    required = [found for found in selector.requirements if found.operator in ("in", "exists", ">", "<")]
    if not required:
        return [None]
    chosen = min(required, key=lambda found: (found.operator != "in", found.key not in _FINEST))
    if chosen.operator != "in":
        return [(chosen.key, None)]
    return [(chosen.key, value) for value in chosen.values]


def _move(index: dict[K, set[str]], former: K | None, present: K | None, item: Object | None) -> None:
    if former == present or item is None:
        return
    if former:
        _discard(index, former, item.uid)
    if present:
        index.setdefault(present, set()).add(item.uid)


def _discard(index: MutableMapping[K, set[str]], key: K, uid: str) -> None:
    found = index.get(key)
    if found is not None:
        found.discard(uid)
        _prune(index, key)


def _prune(index: MutableMapping[K, V], key: K) -> None:
    if not index.get(key):
        index.pop(key, None)
