"""An explanation as a page to read in a terminal."""

import textwrap
from collections.abc import Iterator

from kubediscovery.explanation import Explanation
from kubediscovery.kind_schemas import Field
from kubediscovery.kinds import Kind
from kubediscovery.printable import printable

_WIDTH, _INDENT = 100, "    "


def manual_of(explanation: Explanation, kind: Kind) -> str:
    """The page, with a heading for each part that there is something to say of; nothing in it moves a terminal."""
    parts = {
        "NAME": [f"{kind.group_resource} - {kind.kind}, {_scope(kind)}", f"{kind.api_version}"],
        "DESCRIPTION": _paragraphs(explanation.description),
        "USAGE": [printable(line) for line in (explanation.usage or "").splitlines()],
        "COMPOSITION": list(_compositions(explanation)),
        "RELATIONS": [f"{found.name:<16}{printable(found.rule)}" for found in explanation.relations],
        "FIELDS": [line for field in explanation.fields or () for line in _field(field)],
        "MISSING": [printable(line) for line in explanation.missing or ()],
    }
    return "\n".join(f"{heading}\n{_block(lines)}" for heading, lines in parts.items() if lines)


def _scope(kind: Kind) -> str:
    return "namespaced" if kind.namespaced else "cluster-scoped"


def _block(lines: list[str]) -> str:
    return "".join(f"{_INDENT}{line}".rstrip() + "\n" for line in lines)


def _compositions(explanation: Explanation) -> Iterator[str]:
    found = explanation.compositions
    for words, kinds in (("owns", found.owns), ("is owned by", found.owned_by)):
        if kinds:
            yield f"{words} {', '.join(kinds)}"
    if found.declared:
        yield f"is composed of {printable(found.declared)}, as its author says"
    yield f"kubectl get --raw '{found.path}'"


def _field(field: Field) -> Iterator[str]:
    *above, name = field.path.split(".")
    indent = "  " * len(above)
    required = " -required-" if field.required else ""
    yield f"{indent}{printable(name)} <{printable(field.type)}>{required}"
    if field.enum:
        yield f"{indent}  one of {', '.join(map(printable, field.enum))}"
    if field.default is not None:
        yield f"{indent}  default {printable(field.default)}"
    # What is said first is what is needed to choose a field; explain has all of it.
    first = field.description.partition("\n")[0]
    yield from (f"{indent}  {line}" for line in textwrap.wrap(printable(first), _WIDTH - len(indent)))


def _paragraphs(text: str) -> list[str]:
    """The lines of a text, none longer than a page is wide."""
    lines = [textwrap.wrap(printable(line), _WIDTH) or [""] for line in text.strip().splitlines()]
    return [each for line in lines for each in line]
