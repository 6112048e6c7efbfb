"""Expressions in CEL, the Common Expression Language (cel.dev), as Kubernetes's own policies are written in.

CEL has no loops but over what it is given, so an expression always ends; how long that takes is bounded here: in the
expression's length, in how deep its macros are nested, and in how much it is applied to.
"""

import importlib.machinery
import importlib.util
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Protocol, cast

from kubediscovery.errors import ConfigurationError, ExpressionError

LENGTH_LIMIT = 4096
NESTING_LIMIT = 3
# Weighed in values; 64 characters of text weigh as much as one value.
WEIGHT_LIMIT = 20_000
STEPS_LIMIT = 100_000
DEPTH_LIMIT = 200
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
_MACRO = re.compile(r"\.\s*(?:all|exists|exists_one|existsOne|filter|map)\s*\(\s*([A-Za-z_]\w*)\s*,")
_OPENING = re.compile(r"(\.\s*(?:all|exists|exists_one|existsOne|filter|map)\s*)?\(|\)")
# Comments and literals, raw ones and those of three quotes first: what is in them is no code.
_INERT = re.compile(
    r"""//[^\n]*|[bB]?[rR][bB]?(?:'''[\s\S]*?'''|\"\"\"[\s\S]*?\"\"\"|'[^'\n]*'|"[^"\n]*")"""
    r"""|'''(?:\\[\s\S]|[^\\])*?'''|\"\"\"(?:\\[\s\S]|[^\\])*?\"\"\"|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*\""""
)
_FAULT = re.compile(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?(.*?)(?: expecting \{.*\})?$", re.MULTILINE)


class Facts:
    """What expressions are applied to, brought into CEL's form once for all of them.

    ``values`` maps each variable to what JSON can say. Raises :class:`ExpressionError` where it is too much.
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        self._longest = _longest(values)
        try:
            self._context = _library().Context(variables=dict(values))
        except _FAILURES as error:
            raise ExpressionError(_words(error)) from None

    def run(self, program: "_Program", depth: int) -> object:
        """The value of a program whose macros are ``depth`` deep."""
        if depth > 1 and self._longest**depth > STEPS_LIMIT:
            raise ExpressionError(f"macros in macros are not applied to as many as {self._longest} values in one list")
        return program.execute(self._context)


class Expression:
    """An expression, compiled: cheap to evaluate again.

    ``variables`` are the names that it may use; ``place`` says where it stands, for the error: raises
    :class:`ConfigurationError` for what is no expression, or uses what is not there.
    """

    def __init__(self, text: str, variables: Iterable[str], place: str = "") -> None:
        self.text = text
        self._variables = tuple(variables)
        self._prefix = f"{place}: " if place else ""
        if not text.strip() or len(text) > LENGTH_LIMIT:
            raise self._unusable(f"from 1 to {LENGTH_LIMIT} characters are accepted")
        try:
            self._program = _library().compile(text)
        except ValueError as error:
            raise self._unusable(_fault(str(error))) from None
        code = _INERT.sub(" ", text)
        self._depth = _depth(code)
        self._check_names(code)

    @property
    def variables(self) -> frozenset[str]:
        """The names that it does use."""
        return frozenset(self._program.variables()) & frozenset(self._variables)

    def evaluate(self, facts: Facts | Mapping[str, object]) -> object:
        """Its value, as Python says it: bool, int, float, str, None, list, dict, ...

        Raises :class:`ExpressionError` where it has none: a field that is not there, a number added to a text.
        """
        if not isinstance(facts, Facts):
            facts = Facts({name: value for name, value in facts.items() if name in self.variables})
        try:
            return facts.run(self._program, self._depth)
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

    def _check_names(self, code: str) -> None:
        if self._depth > NESTING_LIMIT:
            raise self._unusable(f"macros are nested {self._depth} deep; {NESTING_LIMIT} are accepted")
        bound = frozenset(_MACRO.findall(code))
        unknown = set(self._program.variables()) - bound - _TYPES - set(self._variables)
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


def _depth(code: str) -> int:
    """How deep macros stand in one another's parentheses."""
    open_, deepest = [False], 0
    for found in _OPENING.finditer(code):
        if found[0] == ")":
            open_.pop()
        else:
            open_.append(found[1] is not None)
            deepest = max(deepest, sum(open_))
    return deepest


def _longest(root: object) -> int:
    """The length of the longest list or map in what JSON can say; raises where it is too much.

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
        if weight > WEIGHT_LIMIT or depth > DEPTH_LIMIT:
            raise ExpressionError(
                f"expressions are applied to {WEIGHT_LIMIT} values at most, {DEPTH_LIMIT} deep: this has more"
            )
    return longest


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
