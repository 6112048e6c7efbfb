"""Expressions in CEL, the Common Expression Language (cel.dev), as Kubernetes's own policies are written in.

CEL has no loops but over what it is given, so an expression always ends; how long that takes is bounded here: in the
expression's length, in how deep its macros are nested, and in how much it is applied to. In the library ``all``,
``exists`` and ``exists_one`` take 0.2 µs a value or more; ``map`` and ``filter`` copy what they have found so far at
each step, at up to 0.4 µs a value.
"""

import importlib.machinery
import importlib.util
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import NamedTuple, Protocol, cast

from kubediscovery.errors import ConfigurationError, ExpressionError

LENGTH_LIMIT = 4096
NESTING_LIMIT = 3
DEPTH_LIMIT = 200
# This much text weighs as much as one value.
_TEXT_UNIT = 64
_WORDS_LIMIT = 300

_TYPES = frozenset(["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"])
_FUNCTIONS = frozenset(
    [
        "bytes",
        "contains",
        "double",
        "duration",
        "dyn",
        "endsWith",
        "getDate",
        "getDayOfMonth",
        "getDayOfWeek",
        "getDayOfYear",
        "getFullYear",
        "getHours",
        "getMilliseconds",
        "getMinutes",
        "getMonth",
        "getSeconds",
        "int",
        "matches",
        "size",
        "startsWith",
        "string",
        "timestamp",
        "type",
        "uint",
    ]
)
_NAME = r"[A-Za-z_]\w*"
# The first name of what a macro is applied to, as far as that is fields alone; the macro; the name that it binds.
_OPENING = re.compile(
    rf"(?:(?:(?<![\w.])({_NAME})(?:\.{_NAME})*?)?\.(all|exists|exists_one|existsOne|filter|map)\s*)?\(\s*(?:({_NAME})\s*,)?|\)"
)
_DOT = re.compile(r"\s*\.\s*")
_COLLECTING = ("filter", "map")
# Comments and literals, raw ones and those of three quotes first: what is in them is no code.
_INERT = re.compile(
    r"""//[^\n]*|[bB]?[rR][bB]?(?:'''[\s\S]*?'''|\"\"\"[\s\S]*?\"\"\"|'[^'\n]*'|"[^"\n]*")"""
    r"""|'''(?:\\[\s\S]|[^\\])*?'''|\"\"\"(?:\\[\s\S]|[^\\])*?\"\"\"|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*\""""
)
_FAULT = re.compile(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?(.*?)(?: expecting \{.*\})?$", re.MULTILINE)


class Bounds(NamedTuple):
    """How much expressions are applied to: values in all, and what macros may do with them at most.

    ``steps`` are those of macros in one another, ``copies`` the values that ``map`` and ``filter`` copy.
    """

    values: int
    steps: int
    copies: int


#: For an object that anybody may have made, and a server that has others waiting: two seconds.
FOR_OBJECTS = Bounds(20_000, 100_000, 10_000_000)
#: For what the user of a command asked for: 25,000 nodes of a tree, 200 MB.
FOR_ANSWERS = Bounds(500_000, 1_000_000, 20_000_000)


class _Macros(NamedTuple):
    """How deep macros stand in one another, and how deep those that are not applied to a part of the one around."""

    nested: int
    free: int
    collects: bool
    bound: frozenset[str]


class Facts:
    """What expressions are applied to, brought into CEL's form once for all of them.

    ``values`` maps each variable to what JSON can say. Raises :class:`ExpressionError` where it is too much.
    """

    def __init__(self, values: Mapping[str, object], bounds: Bounds = FOR_OBJECTS) -> None:
        self._bounds = bounds
        self._weight, self._longest = _weighed(values, bounds.values)
        try:
            self._context = _library().Context(variables=dict(values))
        except _FAILURES as error:
            raise ExpressionError(_words(error)) from None

    def run(self, program: "_Program", macros: _Macros) -> object:
        """The value of a program with these macros."""
        longest, weight = self._longest, self._weight
        if macros.nested > 1:
            steps = min(longest**macros.nested, weight * longest ** (macros.free - 1))
            if steps > self._bounds.steps:
                raise ExpressionError(f"macros in macros are not applied to as many as {longest} values in one list")
        if macros.collects and weight * longest**macros.free > self._bounds.copies:
            raise ExpressionError(
                f"map and filter are not applied to as much as {weight} values with {longest} in one list; all, exists "
                "and exists_one are"
            )
        return program.execute(self._context)


class Expression:
    """An expression, compiled: cheap to evaluate again.

    ``variables`` are the names that it may use; ``place`` says where it stands, for the error: raises
    :class:`ConfigurationError` for what is no expression, or uses what is not there.
    """

    def __init__(self, text: str, variables: Iterable[str], place: str = "", bounds: Bounds = FOR_OBJECTS) -> None:
        self.text = text
        self._bounds = bounds
        self._variables = tuple(variables)
        self._prefix = f"{place}: " if place else ""
        if not text.strip() or len(text) > LENGTH_LIMIT:
            raise self._unusable(f"from 1 to {LENGTH_LIMIT} characters are accepted")
        try:
            self._program = _library().compile(text)
        except ValueError as error:
            raise self._unusable(_fault(str(error))) from None
        self._macros = _macros(_DOT.sub(".", _INERT.sub(" ", text)))
        self._check_names()

    @property
    def variables(self) -> frozenset[str]:
        """The names that it does use."""
        return frozenset(self._program.variables()) & frozenset(self._variables)

    def evaluate(self, facts: Facts | Mapping[str, object]) -> object:
        """Its value, as Python says it: bool, int, float, str, None, list, dict, ...

        Raises :class:`ExpressionError` where it has none: a field that is not there, a number added to a text.
        """
        if not isinstance(facts, Facts):
            facts = Facts({name: value for name, value in facts.items() if name in self.variables}, self._bounds)
        try:
            return facts.run(self._program, self._macros)
        except _FAILURES as error:
            raise ExpressionError(_words(error)) from None

    def holds(self, facts: Facts | Mapping[str, object]) -> bool:
        """Its value, which has to be true or false."""
        value = self.evaluate(facts)
        if not isinstance(value, bool):
            raise ExpressionError(f"true or false is needed, not {_shown(value)}")
        return value

    def says(self, facts: Facts | Mapping[str, object]) -> str:
        """Its value, which has to be a text."""
        value = self.evaluate(facts)
        if not isinstance(value, str):
            raise ExpressionError(f"a text is needed, not {_shown(value)}")
        return value

    def _check_names(self) -> None:
        if self._macros.nested > NESTING_LIMIT:
            raise self._unusable(f"macros are nested {self._macros.nested} deep; {NESTING_LIMIT} are accepted")
        unknown = set(self._program.variables()) - self._macros.bound - _TYPES - set(self._variables)
        if unknown:
            accepted = ", ".join(self._variables) or "none"
            raise self._unusable(f"there is no variable {min(unknown)}; variables: {accepted}")
        called = {name for name in self._program.functions() if name[0].isalpha()} - _FUNCTIONS
        if called:
            raise self._unusable(f"there is no function {min(called)}; functions: {', '.join(sorted(_FUNCTIONS))}")

    def _unusable(self, why: str) -> ConfigurationError:
        return ConfigurationError(f'{self._prefix}the expression "{self.text[:_WORDS_LIMIT]}" cannot be used: {why}')


# What the library raises where an expression has no value, RecursionError where what it is given is too deep.
_FAILURES = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)


def _macros(code: str) -> _Macros:
    """What stands in whose parentheses; the name that the macro around binds is None for what is no macro."""
    open_: list[tuple[str | None, bool]] = [(None, False)]
    nested = free = 0
    collects = False
    bound: set[str] = set()
    for found in _OPENING.finditer(code):
        if found[0] == ")":
            open_.pop()
            continue
        root, macro, name = found.groups()
        around = next((each for each, _ in reversed(open_) if each is not None), None)
        open_.append((name or "" if macro else None, macro is not None and (root is None or root != around)))
        if macro:
            bound.add(name or "")
            collects = collects or macro in _COLLECTING
            nested = max(nested, sum(each is not None for each, _ in open_))
            free = max(free, sum(is_free for _, is_free in open_))
    return _Macros(nested, free, collects, frozenset(bound))


def _weighed(root: object, limit: int) -> tuple[int, int]:
    """The values in what JSON can say, and the length of the longest list or map; raises where it is too much.

    Without recursion: the library has its own, which ends the process where it is too deep.
    """
    weight, longest = 0, 0
    pending = [(root, 0)]
    while pending:
        value, depth = pending.pop()
        if isinstance(value, str):
            weight += len(value) // _TEXT_UNIT
        elif isinstance(value, (Mapping, list, tuple)):
            weight += len(value)
            longest = max(longest, len(value))
            held = value.values() if isinstance(value, Mapping) else value
            pending.extend((inner, depth + 1) for inner in held)
        if weight > limit or depth > DEPTH_LIMIT:
            raise ExpressionError(
                f"expressions are applied to {limit} values at most, {DEPTH_LIMIT} deep: this is more"
            )
    return weight, longest


def _fault(words: str) -> str:
    found = _FAULT.search(words)
    return f"line {found[1]}, column {found[2]}: {found[3]}" if found else words.splitlines()[0][:_WORDS_LIMIT]


def _words(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"there is no {error.args[0]}"
    return str(error).partition(". C")[0].partition("\n")[0][:_WORDS_LIMIT]


def _shown(value: object) -> str:
    return "null" if value is None else f"{type(value).__name__} {str(value)[:40]}"


class _Program(Protocol):
    def execute(self, context: object) -> object: ...
    def variables(self) -> list[str]: ...
    def functions(self) -> list[str]: ...


class _Library(Protocol):
    compile: Callable[[str], _Program]
    Context: Callable[..., object]


@cache
def _library() -> _Library:
    """The library's compiled part alone, and not before an expression is there.

    Its package imports a shell with a terminal's toolkit, which costs every process 25 MB and 150 ms.
    """
    package = importlib.util.find_spec("cel")
    found = package and importlib.machinery.PathFinder.find_spec("cel.cel", package.submodule_search_locations)
    if not found or found.loader is None:
        raise ConfigurationError("expressions need the package common-expression-language, which is not installed")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return cast(_Library, module)
