"""What is wrong with who owns what, as somebody may see it: pure functions of the store.

What the garbage collector makes of each is kubernetes, ``pkg/controller/garbagecollector`` (``isDangling`` in
``garbagecollector.go``, ``addDependentToOwners`` in ``graph_builder.go``): it looks an owner up by kind, name and the
namespace of what it owns, and takes it for absent where its UID is another.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kubediscovery.adoption import adopters_of
from kubediscovery.composition import composition_name
from kubediscovery.cycles import knots
from kubediscovery.findings import Finding, Involved, Rule, Severity
from kubediscovery.kinds import Kind
from kubediscovery.meta import ObjectMeta
from kubediscovery.nodes import timestamp
from kubediscovery.objects import Object, Owner
from kubediscovery.sight import Sight
from kubediscovery.store import Store, may_own
from kubediscovery.upward import tracked_kind

# Members of a cycle that its message names.
_NAMED = 3
#: Owners that the garbage collector takes for absent: it deletes what has no other.
ABSENT = frozenset((Rule.OWNER_NOT_FOUND, Rule.OWNER_IN_ANOTHER_NAMESPACE, Rule.OWNER_MISMATCH))
_REMOVE = "Remove the owner reference, or correct it."
_DOOMED = "Remove the owner reference or correct it: the garbage collector deletes objects whose owners are all absent."


class _Wrong(NamedTuple):
    """A finding without what all of one object have in common."""

    rule: Rule
    message: str
    reference: Involved | None = None


class Lint:
    """Findings about the objects of a store; an owner that may not be seen counts as not looked at."""

    def __init__(self, store: Store, sight: Sight, api_version: str) -> None:
        self._store = store
        self._sight = sight
        self._api_version = api_version

    def of(self, item: Object) -> list[Finding]:
        """What is wrong with one object, cycles apart; nothing of one that is being deleted."""
        if item.deleting:
            return []
        references = [self._reference(item, owner) for owner in item.owners]
        wrong = [found for found in references if found is not None]
        wrong.extend(_controllers(item))
        wrong.extend(self._orphan(item))
        if not wrong:
            return []
        is_doomed = bool(references) and all(found is not None and found.rule in ABSENT for found in references)
        return self._findings(item, wrong, is_doomed=is_doomed)

    def owners(self, item: Object) -> list[str]:
        """The UIDs of its owners: what :meth:`cycles` is made from."""
        return [owner.uid for owner in self._store.owners(item)]

    def cycles(self, owners: dict[str, list[str]]) -> Iterator[Finding]:
        """One finding for each object that owns itself through others.

        ``owners`` are by the UIDs of what may be seen; a circle through anything else is none.
        """
        # Most objects own nothing: only what does can be in a circle.
        owning = set().union(*owners.values())
        for knot in knots({uid: found for uid, found in owners.items() if uid in owning}):
            members = [item for item in map(self._store.get, knot) if item is not None]
            names = ", ".join(_called(item) for item in sorted(members, key=_place)[:_NAMED])
            more = f" and {len(members) - _NAMED} more" if len(members) > _NAMED else ""
            for item in members:
                within = next((owner for owner in item.owners if owner.uid in knot), None)
                if within is not None:
                    message = f"{_called(item)} owns itself; in the circle are {names}{more}"
                    wrong = _Wrong(Rule.OWNERSHIP_CYCLE, message, _referred(within))
                    yield from self._findings(item, [wrong], is_doomed=False)

    def _reference(self, item: Object, reference: Owner) -> _Wrong | None:
        owner = self._store.get(reference.uid)
        if owner is not None and not self._sight.sees(owner):
            owner = None
        kind = self._store.kinds.by_group_kind(reference.api_version.rpartition("/")[0], reference.kind)
        if owner is not None and owner.kind == kind and owner.name == reference.name and may_own(owner, item):
            # may_own lets nothing of a namespace own what is in none, so that this is all right.
            return None
        return self._wrong(item, reference, owner, kind)

    def _wrong(self, item: Object, reference: Owner, owner: Object | None, kind: Kind | None) -> _Wrong | None:
        """What is wrong with a reference that does not lead to whom it says; None where that cannot be said."""
        involved, called = _referred(reference), f'{reference.kind} "{reference.name}"'
        if not item.kind.namespaced and kind is not None and kind.namespaced:
            message = f"{_called(item)} is of no namespace, and its owner {called} of one"
            return _Wrong(Rule.NAMESPACED_OWNER, message, involved) if kind in self._sight.kinds else None
        if owner is not None and (owner.kind != kind or owner.name != reference.name):
            message = f"{_called(item)} refers to the owner {called} by the UID of {_called(owner)}"
            return _Wrong(Rule.OWNER_MISMATCH, message, involved)
        if owner is not None:
            message = f"{_called(item)} has an owner in another namespace: {called} in {owner.namespace}"
            return _Wrong(Rule.OWNER_IN_ANOTHER_NAMESPACE, message, involved)
        known = tracked_kind(self._store, self._sight, reference, item)
        if known is None:
            return None
        namesake = self._store.find(known, item.namespace if known.namespaced else "", reference.name)
        said = "has another UID now" if namesake is not None else "does not exist"
        return _Wrong(Rule.OWNER_NOT_FOUND, f"the owner {called} of {_called(item)} {said}", involved)

    def _orphan(self, item: Object) -> Iterator[_Wrong]:
        found = sorted((each for each in adopters_of(self._store, item) if self._sight.sees(each)), key=_place)
        for adopter in found:
            message = f"{_called(item)} has no controller, and {_called(adopter)} selects it"
            yield _Wrong(Rule.ORPHAN, message, _involved(adopter))

    def _findings(self, item: Object, wrong: Iterable[_Wrong], *, is_doomed: bool) -> list[Finding]:
        found, numbers = [], Counter[Rule]()
        for each in wrong:
            numbers[each.rule] += 1
            number = f".{numbers[each.rule]}" if numbers[each.rule] > 1 else ""
            is_error = each.rule is Rule.SEVERAL_CONTROLLERS or (is_doomed and each.rule in ABSENT)
            found.append(
                Finding(
                    kind="Finding",
                    api_version=self._api_version,
                    metadata=_metadata(item, f"{composition_name(item)}.{each.rule.lower()}{number}"),
                    severity=Severity.ERROR if is_error else Severity.WARNING,
                    rule=each.rule,
                    object=_involved(item),
                    reference=each.reference,
                    message=each.message,
                    action=_DOOMED if is_doomed and each.rule in ABSENT else _ACTIONS[each.rule],
                )
            )
        return found


_ACTIONS = {
    Rule.OWNER_NOT_FOUND: _REMOVE,
    Rule.OWNER_IN_ANOTHER_NAMESPACE: _REMOVE,
    Rule.OWNER_MISMATCH: _REMOVE,
    Rule.NAMESPACED_OWNER: "Remove the owner reference: the garbage collector does not follow it.",
    Rule.OWNERSHIP_CYCLE: "Remove one of the owner references: the garbage collector deletes none of the circle.",
    Rule.SEVERAL_CONTROLLERS: "Let one owner alone be the controller: kube-apiserver refuses changes until then.",
    Rule.ORPHAN: "Change the labels if it is not to be adopted, or find out why the controller does not adopt it.",
}


def _controllers(item: Object) -> Iterator[_Wrong]:
    number = sum(owner.controller for owner in item.owners)
    if number > 1:
        yield _Wrong(Rule.SEVERAL_CONTROLLERS, f"{_called(item)} has {number} controllers")


def _called(item: Object) -> str:
    return f'{item.kind.kind} "{item.name}"'


def _place(item: Object) -> tuple[str, str, str, str]:
    return item.kind.kind, item.namespace, item.name, item.uid


def _involved(item: Object) -> Involved:
    return Involved(item.kind.api_version, item.kind.kind, item.name, item.namespace, item.uid)


def _referred(reference: Owner) -> Involved:
    """An owner as it is referred to, which says no namespace."""
    return Involved(reference.api_version, reference.kind, reference.name, uid=reference.uid)


def _metadata(item: Object, name: str) -> ObjectMeta:
    return ObjectMeta(
        name=name,
        namespace=item.namespace,
        resource_version=str(item.resource_version),
        creation_timestamp=timestamp(item.created),
        labels=dict(item.labels) or None,
    )
