"""Where in a JSON document a value stands: ``spec.template.spec.containers[name=nginx].image``.

An entry of a list is named by its key (the merge key of Kubernetes's lists), or by its place. What is not a plain word
is quoted: ``metadata.labels['app.kubernetes.io/name']``.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from kubediscovery.errors import BadRequest

LONGEST, MOST_STEPS = 2_048, 256
_WORD = re.compile(r"[A-Za-z0-9_$-]+")
_SIMPLE_QUOTED = re.compile(r"[^'\\\x00-\x1f\x7f\"]*")
_BARE_VALUE = re.compile(r"[A-Za-z0-9_./:@+*-]+")
_TEXT = r"'(?:[^'\\\x00-\x1f]*)'|\"(?:[^\"\\\x00-\x1f]|\\.)*\""
_STEP = re.compile(
    rf"\.?(?P<word>[A-Za-z0-9_$-]+)|\[(?:(?P<each>\*)|(?P<index>[0-9]{{1,9}})|(?P<quoted>{_TEXT})"
    rf"|(?P<keys>[A-Za-z0-9_-]+=(?:{_TEXT}|[^\]\[,'\"=]*)(?:,[A-Za-z0-9_-]+=(?:{_TEXT}|[^\]\[,'\"=]*))*))\]"
)
_PAIR = re.compile(rf"([A-Za-z0-9_-]+)=({_TEXT}|[^\]\[,'\"=]*)(?:,|$)")
_ACCEPTED = "accepted are words between dots, [name=value], [0], [*] and ['a.quoted/word'], as in spec.replicas"


class Keyed(NamedTuple):
    """An entry of a list by what its fields hold, as text."""

    pairs: tuple[tuple[str, str], ...]


class Each(NamedTuple):
    """Every entry of a list."""


#: A field's name, an entry's place, an entry's key, or every entry.
Step = str | int | Keyed | Each
Path = tuple[Step, ...]
EACH = Each()


def parse_path(text: str) -> Path:
    """The steps of a path; raises :class:`BadRequest` that quotes what cannot be read and says what is accepted."""
    steps: list[Step] = []
    place = 0
    while place < len(text) and len(text) <= LONGEST:
        found = _STEP.match(text, place)
        if found is None or (steps and found["word"] and text[place] != "."):
            break
        steps.append(_step(found))
        place = found.end()
    if not steps or place < len(text) or len(steps) > MOST_STEPS:
        raise BadRequest(f'field: "{text[:100]}" is not a path to a field; {_ACCEPTED}')
    return tuple(steps)


def _step(found: re.Match[str]) -> Step:
    if found["word"]:
        return found["word"]
    if found["each"]:
        return EACH
    if found["index"]:
        return int(found["index"])
    if found["quoted"]:
        return _unquoted(found["quoted"])
    return Keyed(tuple((name, _unquoted(value)) for name, value in _PAIR.findall(found["keys"])))


def _unquoted(text: str) -> str:
    if text.startswith("'"):
        return text[1:-1]
    if not text.startswith('"'):
        return text
    try:
        return msgspec.json.decode(text.encode(), type=str)
    except (msgspec.DecodeError, UnicodeError):
        raise BadRequest(f"field: {text[:100]} is not a JSON string; {_ACCEPTED}") from None


def path_text(path: Path) -> str:
    """The path as :func:`parse_path` reads it."""
    parts: list[str] = []
    for step in path:
        if isinstance(step, str):
            parts.append(_field_text(step, first=not parts))
        elif isinstance(step, int):
            parts.append(f"[{step}]")
        elif isinstance(step, Keyed):
            parts.append(f"[{key_text(step)}]")
        else:
            parts.append("[*]")
    return "".join(parts)


def key_text(step: Keyed) -> str:
    """``name=nginx``: what stands between the brackets."""
    return ",".join(f"{name}={_value_text(value)}" for name, value in step.pairs)


def _field_text(name: str, *, first: bool) -> str:
    if _WORD.fullmatch(name):
        return name if first else f".{name}"
    return f"['{name}']" if name and _SIMPLE_QUOTED.fullmatch(name) else f"[{_json(name)}]"


def _value_text(value: str) -> str:
    return value if _BARE_VALUE.fullmatch(value) else _json(value)


def _json(text: str) -> str:
    return msgspec.json.encode(text).decode()


def scalar_text(value: object) -> str | None:
    """A string as it is, a number or boolean as JSON writes it; None for what is neither."""
    if isinstance(value, str):
        return value
    return _json_of(value) if isinstance(value, int | float) else None


def _json_of(value: float) -> str:
    return msgspec.json.encode(value).decode()


def is_entry(item: object, step: Keyed) -> bool:
    """Whether an entry of a list has this key."""
    return isinstance(item, Mapping) and all(scalar_text(item.get(name)) == value for name, value in step.pairs)


def values_at(document: object, path: Path) -> list[object]:
    """All that stands there: one value or none, several where the path says so."""
    found = [document]
    for step in path:
        found = [below for value in found for below in _below(value, step)]
    return found


def values_below(document: object, path: Path) -> list[object]:
    """All that stands at such a path from anywhere in the document."""
    found = values_at(document, path)
    held = document.values() if isinstance(document, Mapping) else document if isinstance(document, list) else ()
    for value in held:
        found += values_below(value, path)
    return found


def _below(value: object, step: Step) -> Iterator[object]:
    if isinstance(step, str):
        if isinstance(value, Mapping) and step in value:
            yield value[step]
    elif isinstance(value, list):
        if isinstance(step, Each):
            yield from value
        elif isinstance(step, Keyed):
            yield from (item for item in value if is_entry(item, step))
        elif step < len(value):
            yield value[step]


def covers(wanted: Path, path: Path) -> bool:
    """Whether ``path`` is at or below ``wanted``, in which ``[*]`` is every entry of a list."""
    return len(wanted) <= len(path) and all(map(_is_like, wanted, path))


def covers_part(wanted: Path, path: Path) -> bool:
    """Whether the steps of ``wanted`` stand next to each other anywhere in ``path``."""
    return any(covers(wanted, path[start:]) for start in range(len(path) - len(wanted) + 1))


def _is_like(wanted: Step, step: Step) -> bool:
    return wanted == step or (isinstance(wanted, Each) and isinstance(step, int | Keyed))
