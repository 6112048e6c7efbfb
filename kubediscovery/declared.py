"""Relations that users declare, and what they read of an object: whole names, never parts of them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import islice

from msgspec import Struct

from kubediscovery.kinds import Kind, Kinds
from kubediscovery.objects import Reference
from kubediscovery.relations import How, Rule
from kubediscovery.selectors import Requirement, Selector

Document = Mapping[str, object]

_STEP = re.compile(r"\.?(?P<key>[A-Za-z0-9_-]+)|\['(?P<quoted>[^']+)'\]|(?P<each>\[\*\])")
_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent"}
# Names that are read of one object, and steps of a path: nobody means more.
_MOST_NAMES, _MOST_STEPS = 1_000, 64

# A key of a mapping, or None for every entry of a list.
Steps = tuple[str | None, ...]


class Where(StrEnum):
    """Where the fact of a declared relation stands; the values are the configuration's words."""

    PATH = "path"
    LABEL = "label"
    ANNOTATION = "annotation"
    SELECTOR = "selector"


class DeclaredRelation(Struct, frozen=True):
    """Objects of one kind, by one of their fields, lead to objects of another.

    ``source`` and ``target`` are what the kinds are called: ``Pod``, ``pods``, ``deployments.apps``. ``place`` is a
    path, ``spec.databases[*].name``, to names or to mappings with ``name`` and ``namespace``; the key of a label or
    annotation that holds a name, or ``namespace/name``; or a path to a label selector for the source's namespace.
    ``before`` and ``after`` stand around the name. ``against`` says that the edge is drawn from the target.
    """

    name: str
    source: str
    target: str
    where: Where
    place: str
    before: str = ""
    after: str = ""
    against: bool = False
    attached: bool = False


class Reader(Struct, frozen=True):
    """What declared relations read of the objects of one kind, each with the kind that it leads to."""

    relations: tuple[tuple[DeclaredRelation, Kind], ...]

    @property
    def metadata_only(self) -> bool:
        """Whether labels and annotations are all that is needed."""
        return all(found.where in (Where.LABEL, Where.ANNOTATION) for found, _ in self.relations)

    def references_of(self, document: Document) -> tuple[Reference, ...]:
        """What an object names, given as JSON content, or of it ``metadata`` alone where that is all that is needed."""
        found = (
            Reference(relation.name, kind.group, kind.kind, name, namespace)
            for relation, kind in self.relations
            for name, namespace in _names(relation, document)
        )
        return tuple(dict.fromkeys(found))

    def selector_of(self, document: Document) -> Selector | None:
        """What an object selects, None where no declared relation is by a selector or the object has none.

        An object has one selector: of a kind's relations no more than one is by a selector.
        """
        for relation, _ in self.relations:
            if relation.where is Where.SELECTOR:
                return next((_selector(value) for value in _at(document, steps_of(relation.place))), None)
        return None


def readers(relations: Iterable[DeclaredRelation], kinds: Kinds) -> Mapping[Kind, Reader]:
    """What is read of each kind, as far as both kinds of a relation are tracked.

    Of several relations by selectors of one kind the first counts.
    """
    found: dict[Kind, list[tuple[DeclaredRelation, Kind]]] = {}
    selecting: set[Kind] = set()
    for relation in relations:
        source, target = kind_called(relation.source, kinds), kind_called(relation.target, kinds)
        if source is None or target is None:
            continue
        if relation.where is Where.SELECTOR:
            if source in selecting:
                continue
            selecting.add(source)
        found.setdefault(source, []).append((relation, target))
    return {kind: Reader(tuple(read)) for kind, read in found.items()}


def rules(relations: Iterable[DeclaredRelation], kinds: Kinds) -> list[Rule]:
    """The rules of declared relations for :class:`kubediscovery.relations.Relations`."""
    return [
        _rule(relation, source, target)
        for source, reader in readers(relations, kinds).items()
        for relation, target in reader.relations
    ]


def kind_called(text: str, kinds: Kinds) -> Kind | None:
    """The kind that ``deployments.apps``, ``Deployment.apps``, ``deployments`` or ``Deployment`` means.

    Where several groups have one of that name the first counts.
    """
    wanted = text.lower()
    for called in (_with_group, _without_group):
        for kind in kinds:
            if wanted in called(kind):
                return kind
    return None


def _with_group(kind: Kind) -> tuple[str, ...]:
    return kind.group_resource.lower(), f"{kind.kind}.{kind.group}".lower()


def _without_group(kind: Kind) -> tuple[str, ...]:
    return kind.resource.lower(), kind.kind.lower()


def _rule(relation: DeclaredRelation, source: Kind, target: Kind) -> Rule:
    ends = (source.group, source.kind), (target.group, target.kind)
    how = How.SELECTOR if relation.where is Where.SELECTOR else How.REFERENCE
    if relation.against:
        ends, how = ends[::-1], How.REVERSED
    sentence = f"{source} to {target} by the {relation.where} {relation.place}"
    return Rule(relation.name, *ends, how, sentence, relation.attached)


def steps_of(path: str) -> Steps:
    """The steps of ``spec.databases[*].name`` or ``metadata.labels['example.org/x']``; none for what is no path."""
    found: list[str | None] = []
    position = 0
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            return ()
        found.append(None if step["each"] else step["key"] or step["quoted"])
        position = step.end()
    return tuple(found) if len(found) <= _MOST_STEPS else ()


def _at(document: object, steps: Steps) -> Iterator[object]:
    """What stands at a path, of lists each entry where the path says so."""
    if not steps:
        yield document
    elif steps[0] is None:
        for entry in document if isinstance(document, list) else ():
            yield from _at(entry, steps[1:])
    elif isinstance(document, Mapping) and steps[0] in document:
        yield from _at(document[steps[0]], steps[1:])


def _names(relation: DeclaredRelation, document: Document) -> Iterator[tuple[str, str | None]]:
    """Names with their namespaces, None for the object's own."""
    if relation.where is Where.SELECTOR:
        return
    if relation.where is Where.PATH:
        values = islice(_at(document, steps_of(relation.place)), _MOST_NAMES)
    else:
        values = islice(_at(document, ("metadata", f"{relation.where}s", relation.place)), 1)
    for value in values:
        name, namespace = _name_in(value, may_have_namespace=relation.where is Where.ANNOTATION)
        inner = name.removeprefix(relation.before).removesuffix(relation.after)
        if inner and name == f"{relation.before}{inner}{relation.after}":
            yield inner, namespace


def _name_in(value: object, *, may_have_namespace: bool) -> tuple[str, str | None]:
    if isinstance(value, Mapping):
        name, namespace = value.get("name"), value.get("namespace")
        return name if isinstance(name, str) else "", namespace if isinstance(namespace, str) and namespace else None
    if not isinstance(value, str):
        return "", None
    namespace, slash, name = value.partition("/")
    return (name, namespace) if slash and may_have_namespace else (value, None)


def _selector(value: object) -> Selector | None:
    """A LabelSelector, or a mapping of labels; None for what is neither. An empty one selects nothing."""
    if not isinstance(value, Mapping) or not value:
        return None
    if not value.keys() <= {"matchLabels", "matchExpressions"}:
        value = {"matchLabels": value}
    labels, expressions = value.get("matchLabels") or {}, value.get("matchExpressions") or []
    if not isinstance(labels, Mapping) or not isinstance(expressions, list):
        return None
    found = [_equality(key, wanted) for key, wanted in labels.items()] + [_expression(item) for item in expressions]
    whole = tuple(requirement for requirement in found if requirement is not None)
    return Selector(whole) if whole and len(whole) == len(found) else None


def _equality(key: object, value: object) -> Requirement | None:
    return Requirement(key, "in", frozenset((value,))) if isinstance(key, str) and isinstance(value, str) else None


def _expression(item: object) -> Requirement | None:
    if not isinstance(item, Mapping) or item.get("operator") not in _OPERATORS or not isinstance(item.get("key"), str):
        return None
    values = item.get("values") or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return None
    return Requirement(str(item["key"]), _OPERATORS[str(item["operator"])], frozenset(map(str, values)))
