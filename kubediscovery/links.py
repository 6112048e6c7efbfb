"""Who names, selects and tells of whom: an index over all objects, kept as they come, change and go.

By a target's relation, kind, namespace and name it finds who names it, so that nobody has to look through a cluster.
Pods are most of a cluster and name the same things as their siblings, whose references are one shared tuple: they are
kept by that tuple, a set of UIDs for each, and only the tuple is kept by what it names.
"""

import re
from collections.abc import Collection, Container, Iterator, Mapping, MutableMapping
from typing import NamedTuple, TypeVar

from kubediscovery.kinds import Kind
from kubediscovery.naming import Naming, Referrers, Siblings, Uids, join, leave, names_of, prune
from kubediscovery.objects import EventState, Object
from kubediscovery.recent import Recent
from kubediscovery.relations import CLAIM, CLAIM_TEMPLATE, EVENT, NODE, NODE_RELATION, POD, GroupKind, Relations
from kubediscovery.selectors import Selector

K = TypeVar("K")

# A name that a controller gave by a number: what stands before it, and the number.
_ORDINAL = re.compile(r"(.+-)(?:0|[1-9][0-9]*)")
# The labels that part the pods of one workload's revisions: what selects by one of them is found by it.
_FINEST = ("pod-template-hash", "controller-revision-hash", "batch.kubernetes.io/controller-uid", "controller-uid")

# Kinds whose lines are kept, each for some choices of relations.
_LINES = 4_096

# A label with its value, or with any; None stands for whatever labels there are.
_Anchor = tuple[str, str | None] | None
# Most labels are asked for by one selector alone.
_Uids = str | dict[str, None]


class Lines(NamedTuple):
    """How some relations lead from and to objects of a kind, beside what these name themselves.

    ``against`` are those in which others name it though the edge is drawn from it, ``naming`` those in which anything
    does and the edge is drawn to it, ``selects`` that by which it selects others, and the kind of these.
    """

    against: tuple[str, ...]
    naming: tuple[str, ...]
    selects: tuple[str, GroupKind] | None
    is_selected: bool
    #: Whether its objects name whom an edge is drawn from.
    names_back: bool
    #: Whether any of them could lead to it.
    lead_here: bool


class Links:
    """The index of one store, which tells it of every change."""

    def __init__(self) -> None:
        #: The rules that say what the links mean; others may be put in their place at any time.
        self.relations = Relations()
        self._named = Naming()
        self._lines: Recent[tuple[Kind, frozenset[str]], Lines] = Recent(_LINES)
        self._lines_of: tuple[Relations, int] = (self.relations, 0)
        # By namespace and the identity of a tuple of references, which they hold.
        self._siblings: dict[tuple[str, int], Siblings] = {}
        self._on_node: dict[str, Uids] = {}
        # UIDs are kept as the keys of dicts, which take a third of the memory of sets.
        self._selecting: dict[str, dict[_Anchor, _Uids]] = {}
        self._releases: dict[str, dict[str, None]] = {}
        self._told: dict[str, dict[str, None]] = {}
        self._numbered: dict[tuple[str, str], dict[str, None]] = {}
        # By namespace, or None for all of them: the versions of the last change there, by kind.
        self._latest: dict[str | None, dict[Kind, int]] = {None: {}}

    def change(self, before: Object | None, after: Object | None, version: int) -> None:
        """An object came, changed or went; its kind, namespace, name and UID stay while it is there."""
        item = after or before
        if item is None:
            return
        for latest in (self._latest.setdefault(item.namespace, {}), self._latest[None]):
            if version > latest.get(item.kind, 0):
                latest[item.kind] = version
        if before is not None and after is not None and _says_the_same(before, after):
            return
        if _release(before) or _release(after):
            _move(self._releases, _release(before), _release(after), before, after)
        self._change_selector(before, after)
        if (item.kind.group, item.kind.kind) == POD:
            self._change_pod(before, after)
            return
        self._change_names(before, after)
        _move(self._told, _subject(before), _subject(after), before, after)
        _move(self._numbered, _stem(before), _stem(after), before, after)

    @property
    def tells(self) -> bool:
        """Whether there is any Event."""
        return bool(self._told) or self._named.says(EVENT)

    def latest(self, kinds: Container[Kind], namespace: str | None) -> int:
        """The version of the last change of any object of some kinds, in a namespace or in all; 0 for none."""
        latest = self._latest.get(namespace)
        return max([version for kind, version in latest.items() if kind in kinds], default=0) if latest else 0

    def lines(self, kind: Kind, among: frozenset[str]) -> Lines:
        """How some relations lead from and to objects of a kind, by the rules and by what names anything now."""
        rules, version = self._lines_of
        if rules is not self.relations or version != self._named.version:
            self._lines.clear()
            self._lines_of = self.relations, self._named.version
        found = self._lines.get((kind, among))
        if found is None:
            found = self._drawn(kind, among)
            self._lines.keep((kind, among), found)
        return found

    def _drawn(self, kind: Kind, among: frozenset[str]) -> Lines:
        rules, group_kind = self.relations, (kind.group, kind.kind)
        against = rules.named_by.get(group_kind, frozenset()) & among
        naming = self._named.relations(group_kind) & among
        if group_kind == NODE:
            naming |= {NODE_RELATION} & among
        selects, is_selected = rules.selects.get(group_kind), group_kind in rules.selected
        return Lines(
            tuple(against),
            tuple(naming - against),
            selects if selects is not None and selects[0] in among else None,
            is_selected,
            group_kind in rules.naming,
            is_selected or group_kind in rules.naming or bool(naming),
        )

    def place(self, relation: str, kind: Kind, namespace: str) -> Mapping[str, Referrers]:
        """Who names the objects of a kind in a namespace, which it has, in a relation: by their names."""
        return self._named.place((kind.group, kind.kind), relation, namespace)

    def referrers(self, relation: str, target: Object) -> Collection[str]:
        """The UIDs of the objects that name the target in a relation, each once, in no order."""
        if relation == NODE_RELATION and (target.kind.group, target.kind.kind) == NODE:
            return self._on_node.get(target.name, ())
        name = target.name
        if relation == CLAIM_TEMPLATE:
            numbered = _ORDINAL.fullmatch(name)
            name = numbered[1] if numbered else name
        return self._named.referrers(target, relation, name)

    def selecting(self, target: Object) -> Iterator[str]:
        """The UIDs of the objects of the target's namespace whose selectors may match its labels; no other does."""
        anchors = self._selecting.get(target.namespace)
        if not anchors:
            return
        yield from _each(anchors.get(None))
        for key, value in target.labels:
            yield from _each(anchors.get((key, value)))
            yield from _each(anchors.get((key, None)))

    def numbered(self, namespace: str, stem: str) -> Collection[str]:
        """The UIDs of the PersistentVolumeClaims whose names are the stem, which ends with a dash, and a number."""
        return self._numbered.get((namespace, stem), ())

    def events(self, uid: str) -> Collection[str]:
        """The UIDs of the Events about an object."""
        return self._told.get(uid, ())

    def released(self, release: str) -> Collection[str]:
        """The UIDs of the objects of a Helm release."""
        return self._releases.get(release, ())

    def _change_pod(self, before: Object | None, after: Object | None) -> None:
        if before is None or after is None or before.references is not after.references:
            self._leave_siblings(before)
            self._join_siblings(after)
        if before is not None and before.node != _node_of(after):
            leave(self._on_node, before.node, before.uid)
        if after is not None and after.node != _node_of(before):
            join(self._on_node, after.node, after.uid)

    def _leave_siblings(self, pod: Object | None) -> None:
        key = _siblings_key(pod)
        group = self._siblings.get(key) if key is not None else None
        if pod is None or key is None or group is None:
            return
        group.members.drop(pod.uid)
        if not group.members:
            del self._siblings[key]
            self._named.forget(group, names_of(group.references, pod.namespace))

    def _join_siblings(self, pod: Object | None) -> None:
        key = _siblings_key(pod)
        if pod is None or key is None:
            return
        group = self._siblings.get(key)
        if group is None:
            group = self._siblings[key] = Siblings(pod.references)
            self._named.note(group, names_of(pod.references, pod.namespace))
        group.members.add(pod.uid)

    def _change_names(self, before: Object | None, after: Object | None) -> None:
        former = names_of(before.references, before.namespace) if before is not None else set()
        present = names_of(after.references, after.namespace) if after is not None else set()
        if before is not None and former - present:
            self._named.forget(before.uid, former - present)
        if after is not None and present - former:
            self._named.note(after.uid, present - former)

    def _change_selector(self, before: Object | None, after: Object | None) -> None:
        if before is not None and before.selector is not None:
            for anchor in _anchors(before.selector):
                _leave(self._selecting[before.namespace], anchor, before.uid)
            prune(self._selecting, before.namespace)
        if after is not None and after.selector is not None:
            for anchor in _anchors(after.selector):
                _join(self._selecting.setdefault(after.namespace, {}), anchor, after.uid)


def _says_the_same(before: Object, after: Object) -> bool:
    """Whether a change is one of the many that change no link."""
    return (
        before.references is after.references
        and before.selector is after.selector
        and before.release == after.release
        and before.node == after.node
        and (before.state is after.state or _subject(before) == _subject(after))
    )


def _siblings_key(pod: Object | None) -> tuple[str, int] | None:
    return (pod.namespace, id(pod.references)) if pod is not None and pod.references else None


def _node_of(pod: Object | None) -> str:
    return pod.node if pod is not None else ""


def _release(item: Object | None) -> str:
    return item.release if item is not None else ""


def _subject(item: Object | None) -> str:
    return item.state.about if item is not None and isinstance(item.state, EventState) else ""


def _stem(item: Object | None) -> tuple[str, str] | None:
    if item is None or (item.kind.group, item.kind.kind) != CLAIM:
        return None
    found = _ORDINAL.fullmatch(item.name)
    return (item.namespace, found[1]) if found is not None else None


def _anchors(selector: Selector) -> list[_Anchor]:
    """Where a selector is kept: what it matches has one of these labels."""
    labels = [term for term in selector.terms if isinstance(term, tuple)]
    if labels:
        return [min(labels, key=lambda label: label[0] not in _FINEST)]
    required = [found for found in selector.requirements if found.operator in ("in", "exists", ">", "<")]
    if not required:
        return [None]
    chosen = min(required, key=lambda found: (found.operator != "in", found.key not in _FINEST))
    return [(chosen.key, value) for value in chosen.values] if chosen.operator == "in" else [(chosen.key, None)]


def _each(found: _Uids | None) -> Collection[str]:
    if found is None:
        return ()
    return (found,) if isinstance(found, str) else found


def _join(index: dict[_Anchor, _Uids], anchor: _Anchor, uid: str) -> None:
    known = index.setdefault(anchor, uid)
    if isinstance(known, dict):
        known[uid] = None
    elif known != uid:
        index[anchor] = {known: None, uid: None}


def _leave(index: dict[_Anchor, _Uids], anchor: _Anchor, uid: str) -> None:
    known = index.get(anchor)
    if isinstance(known, dict):
        known.pop(uid, None)
    if not known or known == uid:
        index.pop(anchor, None)


def _move(
    index: dict[K, dict[str, None]], former: K | None, present: K | None, before: Object | None, after: Object | None
) -> None:
    """Keep an object by another key than before; those that are empty stand for none."""
    if former == present:
        return
    if former and before is not None:
        _discard(index, former, before.uid)
    if present and after is not None:
        index.setdefault(present, {})[after.uid] = None


def _discard(index: MutableMapping[K, dict[str, None]], key: K, uid: str) -> None:
    found = index.get(key)
    if found is not None:
        found.pop(uid, None)
        prune(index, key)
