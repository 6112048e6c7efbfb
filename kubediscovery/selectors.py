"""Label and field selectors in Kubernetes's syntax (k8s.io/apimachinery, pkg/labels/selector.go and pkg/fields)."""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec import Struct

from kubediscovery.errors import BadRequest

Labels = Mapping[str, str]
Label = tuple[str, str]

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_LONGEST_SUBDOMAIN = 253
_WORD = re.compile(r"==|!=|[=!<>(),]|[^=!<>(), \t\r\n]+")
_INTEGER = re.compile(r"[+-]?[0-9]{1,63}")
_INT64 = range(-(2**63), 2**63)
# Terms between commas; a backslash takes the next character with it.
_TERM = re.compile(r"(?:[^\\,]|\\.?)+", re.DOTALL)
_FIELD = re.compile(r"(?P<field>(?:[^=!]|!(?!=))*)(?P<operator>!=|==?)(?P<value>(?:[^\\=]|\\[\\,=])*)", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)")
LONGEST = 64 * 1024
MOST = 1_000
_LONGEST_QUOTED = 200


class Requirement(Struct, frozen=True, gc=False):
    """One requirement; ``operator`` is ``in``, ``notin``, ``exists``, ``absent``, ``>`` or ``<``."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    @property
    def label(self) -> Label | None:
        """The label that is wanted, where no other meets it."""
        return (self.key, next(iter(self.values))) if self.operator == "in" and len(self.values) == 1 else None

    def holds(self, labels: Labels) -> bool:
        """Whether the labels meet it."""
        return _OPERATORS[self.operator](labels.get(self.key), self.values)


def _compares(value: str | None, wanted: Collection[str], sign: int) -> bool:
    if value is None or not _is_integer(value):
        return False
    return (int(value) - int(next(iter(wanted)))) * sign > 0


def _is_integer(text: str) -> bool:
    return _INTEGER.fullmatch(text) is not None and int(text) in _INT64


# What holds also where there is no such key.
_WITHOUT = ("absent", "notin")
_OPERATORS: Mapping[str, Callable[[str | None, Collection[str]], bool]] = {
    "in": lambda value, wanted: value is not None and value in wanted,
    # An object without the label matches too.
    "notin": lambda value, wanted: value is None or value not in wanted,
    "exists": lambda value, _: value is not None,
    "absent": lambda value, _: value is None,
    ">": lambda value, wanted: _compares(value, wanted, 1),
    "<": lambda value, wanted: _compares(value, wanted, -1),
}


@dataclass(frozen=True, slots=True)
class _Condition:
    """All that a selector asks of the value of one key, which is there."""

    accepted: frozenset[str] | None
    refused: frozenset[str]
    above: float
    below: float
    absent: bool
    number: bool

    @classmethod
    def of(cls, requirements: Sequence[Requirement]) -> "_Condition":
        values = defaultdict[str, list[frozenset[str]]](list)
        for found in requirements:
            values[found.operator].append(frozenset(found.values))
        return cls(
            accepted=frozenset.intersection(*values["in"]) if "in" in values else None,
            refused=frozenset().union(*values["notin"]),
            above=max((int(value) for found in values[">"] for value in found), default=-math.inf),
            below=min((int(value) for found in values["<"] for value in found), default=math.inf),
            absent="absent" in values,
            number=bool(values[">"] or values["<"]),
        )

    def holds(self, value: str) -> bool:
        if self.absent or value in self.refused or (self.accepted is not None and value not in self.accepted):
            return False
        return not self.number or (_is_integer(value) and self.above < int(value) < self.below)


class _Conditions(NamedTuple):
    """A selector put together by key: the keys that must be there, and what is asked of the values."""

    needed: frozenset[str]
    by_key: Mapping[str, _Condition]

    @classmethod
    def of(cls, requirements: Sequence[Requirement]) -> "_Conditions":
        by_key = defaultdict[str, list[Requirement]](list)
        for found in requirements:
            by_key[found.key].append(found)
        needed = frozenset(found.key for found in requirements if found.operator not in _WITHOUT)
        return cls(needed, {key: _Condition.of(found) for key, found in by_key.items()})


@dataclass(frozen=True, slots=True)
class Selector:
    """Requirements that must all hold; none holds for everything.

    ``terms`` are the requirements; one that wants one value is that label: most selectors that a cluster holds have no
    other, and take no memory beside the same labels of an object. Matching takes no longer for many requirements than
    for few: they are put together by key once, by the first match, which most selectors never see.
    """

    terms: tuple[Requirement | Label, ...] = ()
    _made: _Conditions | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        if any(isinstance(term, Requirement) for term in self.terms):
            terms = tuple(term.label or term if isinstance(term, Requirement) else term for term in self.terms)
            object.__setattr__(self, "terms", terms)

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """All of them, in their order."""
        return tuple(
            term if isinstance(term, Requirement) else Requirement(term[0], "in", frozenset((term[1],)))
            for term in self.terms
        )

    def _make(self) -> _Conditions:
        made = _Conditions.of(self.requirements)
        object.__setattr__(self, "_made", made)
        return made

    def matches(self, labels: Labels) -> bool:
        """Whether all requirements hold."""
        needed, conditions = self._made or self._make()
        if not needed <= labels.keys():
            return False
        for key, value in labels.items():
            condition = conditions.get(key)
            if condition is not None and not condition.holds(value):
                return False
        return True

    def about(self, keys: Container[str]) -> "Selector":
        """The requirements of some keys alone."""
        return Selector(tuple(found for found in self.requirements if found.key in keys))

    def exact(self, key: str) -> str:
        """The one value of ``key`` that matches, empty where there are others.

        Of several, which nothing meets, it is the first in order.
        """
        found = [item.values for item in self.requirements if item.key == key and item.operator == "in"]
        return min((next(iter(values)) for values in found if len(values) == 1), default="")


EVERYTHING = Selector()


def parse_label_selector(text: str) -> Selector:
    """``app=web,tier in (a, b),!canary``; raises :class:`BadRequest` that quotes the part that is wrong."""
    if len(text) > LONGEST:
        raise BadRequest(f"labelSelector is longer than {LONGEST} characters")
    parts = _parts(_WORD.findall(text))
    _check_number("labelSelector", parts)
    return Selector(tuple(map(_requirement, parts)) if parts != [[]] else ())


def _check_number(name: str, requirements: Sequence[object]) -> None:
    if len(requirements) > MOST:
        raise BadRequest(f"{name} has {len(requirements)} requirements; accepted are {MOST}")


def _parts(words: Iterable[str]) -> list[list[str]]:
    """The words between those commas that stand outside of parentheses."""
    parts: list[list[str]] = [[]]
    inside = False
    for word in words:
        if word == "," and not inside:
            parts.append([])
            continue
        inside = word == "(" or (inside and word != ")")
        parts[-1].append(word)
    return parts


def _requirement(words: list[str]) -> Requirement:
    match words:
        case [key]:
            found = Requirement(key, "exists")
        case ["!", key]:
            found = Requirement(key, "absent")
        case [key, "=" | "==" | "!=" | "<" | ">" as sign, *value] if len(value) < 2:
            found = Requirement(key, _SIGNS.get(sign, sign), frozenset(value or ("",)))
        case [key, "in" | "notin" as operator, "(", *values, ")"]:
            slots = _parts(values)
            found = Requirement(key, operator, frozenset("".join(slot) for slot in slots))
            if any(len(slot) > 1 for slot in slots):
                raise _not_understood(words)
        case _:
            raise _not_understood(words)
    return _checked(found, words)


_SIGNS = {"=": "in", "==": "in", "!=": "notin"}


def _not_understood(words: list[str]) -> BadRequest:
    return BadRequest(
        f"labelSelector: {_quoted(words)} is not understood; accepted are key, !key, key=value, key!=value, "
        "key in (a,b), key notin (a,b), key>1, key<1"
    )


def _checked(requirement: Requirement, words: list[str]) -> Requirement:
    if not _is_key(requirement.key):
        raise BadRequest(f"labelSelector: in {_quoted(words)} {_quoted([requirement.key])} is not a label key")
    for value in sorted(requirement.values):
        if value and not _NAME.fullmatch(value):
            raise BadRequest(f"labelSelector: in {_quoted(words)} {_quoted([value])} is not a label value")
        if requirement.operator in ("<", ">") and not _is_integer(value):
            raise BadRequest(f"labelSelector: in {_quoted(words)} the value must be an integer")
    return requirement


def _is_key(text: str) -> bool:
    prefix, slash, name = text.rpartition("/")
    if slash and (len(prefix) > _LONGEST_SUBDOMAIN or not _SUBDOMAIN.fullmatch(prefix)):
        return False
    return _NAME.fullmatch(name) is not None


def _quoted(words: list[str]) -> str:
    text = " ".join(words)
    return f'"{text}"' if len(text) <= _LONGEST_QUOTED else f'"{text[:_LONGEST_QUOTED]}..."'


def parse_field_selector(text: str, accepted: Mapping[str, frozenset[str] | None] | None) -> Selector:
    """``status.health=Degraded,metadata.namespace!=kube-system``.

    ``accepted`` gives the fields, each with its possible values, None for any; without it every field is taken. Raises
    :class:`BadRequest` that names what is accepted.
    """
    if len(text) > LONGEST:
        raise BadRequest(f"fieldSelector is longer than {LONGEST} characters")
    terms = _TERM.findall(text)
    _check_number("fieldSelector", terms)
    return Selector(tuple(_field_requirement(term, accepted) for term in terms))


def _field_requirement(term: str, accepted: Mapping[str, frozenset[str] | None] | None) -> Requirement:
    found = _FIELD.fullmatch(term)
    if found is None:
        raise BadRequest(f"fieldSelector: {_quoted([term])} is not understood; accepted are field=value, field!=value")
    name, value = found["field"], _ESCAPE.sub(r"\1", found["value"])
    if accepted is not None:
        _check_field(name, value, accepted)
    return Requirement(name, "notin" if found["operator"] == "!=" else "in", frozenset((value,)))


def _check_field(name: str, value: str, accepted: Mapping[str, frozenset[str] | None]) -> None:
    if name not in accepted:
        known = ", ".join(sorted(accepted))
        raise BadRequest(f"fieldSelector: field {_quoted([name])} is not known; accepted are {known}")
    values = accepted[name]
    if values is not None and value not in values:
        raise BadRequest(f"fieldSelector: {name} is one of {', '.join(sorted(values))}, not {_quoted([value])}")
