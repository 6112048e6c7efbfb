"""Query parameters of typed handlers, read into the struct that they are registered with."""

import enum
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo, fields

from kubediscovery.errors import BadRequest

Query = TypeVar("Query", bound=Struct)

#: What requests may say whatever is registered; no field may be called so.
RESERVED = frozenset(
    (
        "allowWatchBookmarks",
        "continue",
        "dryRun",
        "fieldManager",
        "fieldSelector",
        "fieldValidation",
        "includeObject",
        "labelSelector",
        "limit",
        "pretty",
        "resourceVersion",
        "resourceVersionMatch",
        "sendInitialEvents",
        "timeout",
        "timeoutSeconds",
        "watch",
    )
)
_WORDS = {str: "a text", int: "a whole number", bool: "true or false", float: "a number"}
_LISTS = (list, tuple)
_LONGEST_SHOWN = 100
_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
_LENGTHS = {"min_length": "at least", "max_length": "at most"}


class Arguments(Generic[Query]):
    """Reads the parameters of one struct: a field is a parameter, one that has a default may be left out."""

    def __init__(self, struct: type[Query]) -> None:
        self._struct = struct
        self._fields = {field.encode_name: field for field in fields(struct)}
        self._lists = frozenset(name for name, field in self._fields.items() if _is_list(_plain(field.type)))
        self._flags = frozenset(name for name, field in self._fields.items() if _plain(field.type) is bool)

    @property
    def names(self) -> frozenset[str]:
        """The names of the parameters."""
        return frozenset(self._fields)

    def read(self, values: Mapping[str, str]) -> Query:
        """The struct; other values are of no concern. Raises :class:`BadRequest` that names what is accepted."""
        given = {name: self._value(name, values[name]) for name in self._fields if name in values}
        for name, field in self._fields.items():
            if name not in given and field.required:
                raise BadRequest(f"{name} is needed: accepted is {accepted(field.type)}")
        try:
            return msgspec.convert(given, self._struct, strict=False)
        except msgspec.ValidationError:
            raise self._refusal(values, given) from None

    def _value(self, name: str, text: str) -> object:
        if name in self._lists:
            return [word.strip() for word in text.split(",")] if text.strip() else []
        # As Kubernetes reads it: "?wide" says yes (apimachinery, pkg/runtime/conversion.go).
        return text or "true" if name in self._flags else text

    def _refusal(self, values: Mapping[str, str], given: Mapping[str, object]) -> BadRequest:
        """Of the values that cannot be read the first, or that they do not go together."""
        for name, value in given.items():
            field = self._fields[name]
            try:
                msgspec.convert(value, field.type, strict=False)
            except msgspec.ValidationError:
                shown = values[name] if len(values[name]) <= _LONGEST_SHOWN else f"{values[name][:_LONGEST_SHOWN]}..."
                return BadRequest(f'{name} must be {accepted(field.type)}, not "{shown}"')
        # What the struct's own __post_init__ refuses, in words that are the author's.
        return self._together(given)

    def _together(self, given: Mapping[str, object]) -> BadRequest:
        try:
            msgspec.convert(given, self._struct, strict=False)
        except msgspec.ValidationError as error:
            return BadRequest(f"the query parameters do not go together: {error}")
        return BadRequest("the query parameters do not go together")


def accepted(annotation: Any) -> str:
    """What a parameter of this type accepts, in words: ``a whole number of at least 1``."""
    plain, bounds = _plain(annotation), _bounds(annotation)
    if _is_list(plain):
        return f"values between commas, each {accepted(_inner(plain))}"
    if isinstance(plain, type) and issubclass(plain, enum.Enum):
        return f"one of {', '.join(str(each.value) for each in plain)}"
    if choices := get_args(plain):
        return f"one of {', '.join(map(str, choices))}"
    words = _WORDS.get(plain, "a text")
    return " and ".join((f"{words} of {bounds[0]}", *bounds[1:])) if bounds else words


def argument_faults(struct: type[Struct] | None) -> Iterator[str]:
    """What of a struct cannot be given in a query."""
    if struct is None or not is_struct(struct):
        return
    for field in fields(struct):
        if field.encode_name in RESERVED:
            yield f'the parameter "{field.encode_name}" is one that every request has: give the field another name'
        if not _can_be_given(field):
            yield (
                f'the parameter "{field.encode_name}" cannot be given in a query: accepted are str, int, bool, float, '
                "enums, Literal, lists of these, each with | None"
            )


def is_struct(given: object) -> bool:
    """Whether it is a class of structs, whatever its author says that it is."""
    return isinstance(given, type) and issubclass(given, Struct)


def _can_be_given(field: FieldInfo) -> bool:
    plain = _plain(field.type)
    return _is_simple(_plain(_inner(plain)) if _is_list(plain) else plain)


def _is_simple(plain: Any) -> bool:
    if get_origin(plain) is not None:
        return all(isinstance(choice, str | int) for choice in get_args(plain))
    return plain in _WORDS or (isinstance(plain, type) and issubclass(plain, enum.Enum))


def _plain(annotation: Any) -> Any:
    """The type without what is said of it, and without None."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, types.UnionType):
            choices = [choice for choice in get_args(annotation) if choice is not type(None)]
            if len(choices) != 1:
                return annotation
            (annotation,) = choices
        else:
            return annotation


def _is_list(plain: Any) -> bool:
    return plain in _LISTS or get_origin(plain) in _LISTS


def _inner(plain: Any) -> Any:
    return next(iter(get_args(plain)), str)


def _bounds(annotation: Any) -> list[str]:
    found = []
    while get_origin(annotation) in (Annotated, Union, types.UnionType):
        if get_origin(annotation) is Annotated:
            annotation, *said = get_args(annotation)
            for meta in said:
                found += [
                    f"{words} {value}" for name, words in _BOUNDS.items() if _has(value := getattr(meta, name, None))
                ]
                found += [
                    f"{words} {value} characters"
                    for name, words in _LENGTHS.items()
                    if _has(value := getattr(meta, name, None))
                ]
        else:
            annotation = next(choice for choice in get_args(annotation) if choice is not type(None))
    return found


def _has(value: object) -> bool:
    return value is not None
