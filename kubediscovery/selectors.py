"""Label and field selectors in Kubernetes's syntax (k8s.io/apimachinery, pkg/labels/selector.go and pkg/fields)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kubediscovery.errors import BadRequest

Labels = Mapping[str, str]

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_KEY = re.compile(rf"(?:[a-z0-9](?:[a-z0-9.-]{{0,251}}[a-z0-9])?/)?{_NAME}")
_VALUE = re.compile(rf"(?:{_NAME})?")
_SET = re.compile(r"(?P<key>\S+)\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)")
_COMPARISON = re.compile(r"(?P<key>[^=!<>\s]+)\s*(?P<operator>==|=|!=|>|<)\s*(?P<value>\S*)")
_EXISTENCE = re.compile(r"(?P<absent>!?)\s*(?P<key>[^=!<>\s]+)")
LONGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement; ``operator`` is ``in``, ``notin``, ``exists``, ``absent``, ``>`` or ``<``."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def holds(self, labels: Labels) -> bool:
        """Whether the labels meet it."""
        return _OPERATORS[self.operator](labels.get(self.key), self.values)


def _compares(value: str | None, wanted: frozenset[str], sign: int) -> bool:
    if value is None or not re.fullmatch(r"-?\d{1,19}", value):
        return False
    return (int(value) - int(next(iter(wanted)))) * sign > 0


_OPERATORS: Mapping[str, Callable[[str | None, frozenset[str]], bool]] = {
    "in": lambda value, wanted: value is not None and value in wanted,
    # An object without the label matches too.
    "notin": lambda value, wanted: value is None or value not in wanted,
    "exists": lambda value, _: value is not None,
    "absent": lambda value, _: value is None,
    ">": lambda value, wanted: _compares(value, wanted, 1),
    "<": lambda value, wanted: _compares(value, wanted, -1),
}


@dataclass(frozen=True, slots=True)
class Selector:
    """Requirements that must all hold; none holds for everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Whether all requirements hold."""
        return all(requirement.holds(labels) for requirement in self.requirements)


EVERYTHING = Selector()


def parse_label_selector(text: str) -> Selector:
    """``app=web,tier in (a, b),!canary``; raises :class:`BadRequest` that quotes the part that is wrong."""
    if len(text) > LONGEST:
        raise BadRequest(f"labelSelector is longer than {LONGEST} characters")
    parts = [part.strip() for part in re.split(r",(?![^(]*\))", text)] if text.strip() else []
    return Selector(tuple(_requirement(part) for part in parts))


def _requirement(part: str) -> Requirement:
    if found := _SET.fullmatch(part):
        values = frozenset(value.strip() for value in found["values"].split(","))
        return _checked(Requirement(found["key"], found["operator"], values), part)
    if found := _COMPARISON.fullmatch(part):
        operator = {"=": "in", "==": "in", "!=": "notin"}.get(found["operator"], found["operator"])
        if operator in "<>" and not re.fullmatch(r"-?\d{1,19}", found["value"]):
            raise BadRequest(f'labelSelector: in "{part}" the value must be an integer')
        return _checked(Requirement(found["key"], operator, frozenset((found["value"],))), part)
    if found := _EXISTENCE.fullmatch(part):
        return _checked(Requirement(found["key"], "absent" if found["absent"] else "exists"), part)
    raise BadRequest(
        f'labelSelector: "{part}" is not understood; accepted are key, !key, key=value, key!=value, key in (a,b), '
        "key notin (a,b), key>1, key<1"
    )


def _checked(requirement: Requirement, part: str) -> Requirement:
    if not _KEY.fullmatch(requirement.key):
        raise BadRequest(f'labelSelector: in "{part}" "{requirement.key}" is not a label key')
    wrong = [
        value for value in requirement.values if requirement.operator in ("in", "notin") and not _VALUE.fullmatch(value)
    ]
    if wrong:
        raise BadRequest(f'labelSelector: in "{part}" "{wrong[0]}" is not a label value')
    return requirement


def parse_field_selector(text: str, accepted: Mapping[str, frozenset[str] | None]) -> Selector:
    """``status.health=Degraded,metadata.namespace!=kube-system``.

    ``accepted`` gives the fields, each with its possible values, None for any. Raises :class:`BadRequest` that names
    what is accepted.
    """
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    return Selector(tuple(_field_requirement(part, accepted) for part in parts))


def _field_requirement(part: str, accepted: Mapping[str, frozenset[str] | None]) -> Requirement:
    found = _COMPARISON.fullmatch(part)
    if found is None or found["operator"] in "<>":
        raise BadRequest(f'fieldSelector: "{part}" is not understood; accepted are field=value and field!=value')
    name, value = found["key"], found["value"]
    if name not in accepted:
        raise BadRequest(f'fieldSelector: field "{name}" is not known; accepted are {", ".join(sorted(accepted))}')
    values = accepted[name]
    if values is not None and value not in values:
        raise BadRequest(f'fieldSelector: {name} is one of {", ".join(sorted(values))}, not "{value}"')
    return Requirement(name, "notin" if found["operator"] == "!=" else "in", frozenset((value,)))
