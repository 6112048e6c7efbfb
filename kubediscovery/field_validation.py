"""Fields of JSON that nobody knows, or that are there twice: what ``fieldValidation`` is about."""

import json
from collections.abc import Container, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import fields

if TYPE_CHECKING:
    from msgspec import inspect

_MOST_TOLD = 20
_LONGEST_SHOWN = 100


def field_names(struct: type[Struct]) -> frozenset[str]:
    """The names that a struct's fields have in JSON, its tag's too."""
    config = struct.__struct_config__
    names = {found.encode_name for found in fields(struct)}
    return frozenset((*names, config.tag_field) if config.tag_field else names)


def unknown_fields(document: object, struct: type[Struct], *, but: Container[str] = ()) -> list[str]:
    """What a document has that the struct has no word for, as ``unknown field "spec.replica"``, the first 20.

    ``but`` are names that it may have all the same.
    """
    paths = (path for path in _unknown(document, _known(struct), "") if path not in but)
    return [f'unknown field "{_cut(path)}"' for path, _ in zip(paths, range(_MOST_TOLD), strict=False)]


def duplicate_fields(content: bytes) -> list[str]:
    """Which fields an object in the JSON has twice, as ``duplicate field "replicas"``, the first 20.

    Raises ``RecursionError`` for what is nested too deep; the content is JSON.
    """
    found: dict[str, None] = {}

    def built(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            found.update(dict.fromkeys(sorted(name for name in set(names) if names.count(name) > 1)[:_MOST_TOLD]))

    json.loads(content, object_pairs_hook=built, parse_int=_nothing, parse_float=_nothing)
    return [f'duplicate field "{_cut(name)}"' for name in list(found)[:_MOST_TOLD]]


@lru_cache
def _known(struct: type[Struct]) -> "inspect.Type":
    # Imported late: few requests act, and every start would pay for it.
    from msgspec.inspect import type_info

    return type_info(struct)


def _unknown(document: object, known: "inspect.Type", path: str) -> Iterator[str]:
    from msgspec import inspect

    if isinstance(known, inspect.Metadata):
        yield from _unknown(document, known.type, path)
    elif isinstance(known, inspect.UnionType):
        for choice in known.types:
            if _is_of(document, choice):
                yield from _unknown(document, choice, path)
                return
    elif isinstance(known, inspect.StructType) and isinstance(document, dict):
        yield from _unknown_in(document, known, path)
    elif isinstance(known, inspect.DictType) and isinstance(document, dict):
        for name, value in document.items():
            yield from _unknown(value, known.value_type, f"{path}.{name}" if path else name)
    elif isinstance(known, inspect.ListType | inspect.VarTupleType) and isinstance(document, list):
        for number, value in enumerate(document):
            yield from _unknown(value, known.item_type, f"{path}[{number}]")


def _unknown_in(document: dict[str, object], known: "inspect.StructType", path: str) -> Iterator[str]:
    types = {field.encode_name: field.type for field in known.fields}
    for name, value in document.items():
        below = f"{path}.{name}" if path else name
        if name in types:
            yield from _unknown(value, types[name], below)
        elif name != known.tag_field:
            yield below


def _is_of(document: object, choice: "inspect.Type") -> bool:
    """Whether a document is an object or a list of just this kind, of all that it could be."""
    from msgspec import inspect

    plain = choice.type if isinstance(choice, inspect.Metadata) else choice
    if isinstance(plain, inspect.StructType) and isinstance(document, dict):
        return plain.tag_field is None or document.get(plain.tag_field) == plain.tag
    accepted = list if isinstance(plain, inspect.ListType | inspect.VarTupleType) else dict
    return isinstance(document, accepted) and isinstance(
        plain, inspect.DictType | inspect.ListType | inspect.VarTupleType
    )


def _nothing(_: str) -> None:
    # Numbers may be longer than Python reads them.
    return None


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
