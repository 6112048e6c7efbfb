"""The configuration's own verdicts: expressions over an object as kube-apiserver has it, by which it is judged.

The section ``health`` of the configuration file, in the order in which it is asked::

    health:
    - kind: kafkas.example.org          # or a pattern: *.example.org
      rules:                            # the first that holds wins
      - when: has(object.status) && object.status.phase == 'Failed'
        health: Degraded
        reason: PhaseFailed             # optional
        messageExpression: object.status.message    # or message: a text; optional
      - when: "!has(object.status)"
        health: Progressing
    - kind: backups.example.org
      health: "has(object.status) && object.status.done ? 'Healthy' : null"   # null: no verdict, go on

Where nothing wins the kind's own rule says what it says. ``self`` means the same as ``object``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from kubediscovery.errors import ConfigurationError, ExpressionError
from kubediscovery.expressions import Expression, Facts
from kubediscovery.health_terms import Health
from kubediscovery.kinds import Kind
from kubediscovery.objects import Judgement
from kubediscovery.selection import KindPattern

VARIABLES = ("object", "self")
RULE_FAILED = "RuleFailed"
_HEALTHS = tuple(health.value for health in Health)
_ENTRY_FIELDS = ("kind", "rules", "health")
_RULE_FIELDS = ("when", "health", "reason", "message", "messageExpression")
# What is shown of a text that an expression gives.
_TEXT_LIMIT = 1024

V = TypeVar("V")

Judge = Callable[[Mapping[str, object]], Judgement | None]
_Rule = Callable[[Facts], Judgement | None]


@dataclass(frozen=True, slots=True)
class Override:
    """One entry of the section: how objects of some kinds are judged."""

    pattern: KindPattern
    rules: tuple[_Rule, ...]
    variables: frozenset[str]


@dataclass(frozen=True, slots=True)
class Overrides:
    """All entries, in their order."""

    entries: tuple[Override, ...] = ()

    def judge_for(self, kind: Kind) -> Judge | None:
        """How an object of the kind is judged, from all of its JSON; None where nothing is configured for it.

        A judge gives None where no rule holds. An expression without a value makes the verdict Unknown, with the reason
        RuleFailed: a rule that went wrong must not look like one that did not hold.
        """
        found = [entry for entry in self.entries if entry.pattern.matches(kind)]
        if not found:
            return None
        rules = tuple(rule for entry in found for rule in entry.rules)
        names = frozenset[str]().union(*(entry.variables for entry in found))

        def judge(raw: Mapping[str, object]) -> Judgement | None:
            try:
                facts = Facts(dict.fromkeys(names, raw))
                return next((judgement for rule in rules if (judgement := rule(facts)) is not None), None)
            except ExpressionError as error:
                return Judgement(Health.UNKNOWN.value, RULE_FAILED, str(error))

        return judge


def read_overrides(section: object, place: str = "health") -> Overrides:
    """The section, as YAML gives it; raises :class:`ConfigurationError` that names the place and what is accepted."""
    if not isinstance(section, list):
        raise ConfigurationError(f"{place}: a list of entries with the fields {', '.join(_ENTRY_FIELDS)} is needed")
    return Overrides(tuple(_override(entry, f"{place}[{index}]") for index, entry in enumerate(section)))


def _override(entry: object, place: str) -> Override:
    fields = _fields(entry, _ENTRY_FIELDS, place)
    if "kind" not in fields or ("rules" in fields) == ("health" in fields):
        raise ConfigurationError(f"{place}: kind is needed, and either rules or health")
    try:
        pattern = KindPattern.parse(fields["kind"])
    except ConfigurationError as error:
        raise ConfigurationError(f"{place}.kind: {error}") from None
    if "health" in fields:
        expression = _expression(fields["health"], f"{place}.health")
        return Override(pattern, (_named_by(expression, f"{place}.health"),), expression.variables)
    rules = fields["rules"]
    if not isinstance(rules, list) or not rules:
        raise ConfigurationError(f"{place}.rules: a list of rules with {', '.join(_RULE_FIELDS)} is needed")
    read = [_rule(rule, f"{place}.rules[{index}]") for index, rule in enumerate(rules)]
    return Override(pattern, tuple(rule for rule, _ in read), frozenset[str]().union(*(names for _, names in read)))


def _rule(rule: object, place: str) -> tuple[_Rule, frozenset[str]]:
    fields = _fields(rule, _RULE_FIELDS, place)
    if fields.get("health") not in _HEALTHS:
        raise ConfigurationError(f"{place}.health: one of {', '.join(_HEALTHS)} is needed")
    if "message" in fields and "messageExpression" in fields:
        raise ConfigurationError(f"{place}: message and messageExpression exclude each other")
    when = _expression(fields.get("when", "true"), f"{place}.when")
    said = fields.get("messageExpression")
    saying = _expression(said, f"{place}.messageExpression") if said is not None else None
    health, reason, message = (_text(fields, name, place) for name in ("health", "reason", "message"))

    def apply(facts: Facts) -> Judgement | None:
        if not _located(lambda: when.holds(facts), f"{place}.when"):
            return None
        words = _located(lambda: saying.says(facts), f"{place}.messageExpression") if saying else message
        return Judgement(health, reason, words[:_TEXT_LIMIT])

    return apply, when.variables | (saying.variables if saying else frozenset())


def _named_by(expression: Expression, place: str) -> _Rule:
    def apply(facts: Facts) -> Judgement | None:
        health = _located(lambda: expression.evaluate(facts), place)
        if health is None:
            return None
        if health not in _HEALTHS:
            raise ExpressionError(f"{place}: one of {', '.join(_HEALTHS)} or null is needed, not {str(health)[:40]}")
        return Judgement(str(health))

    return apply


def _located(evaluate: Callable[[], V], place: str) -> V:
    try:
        return evaluate()
    except ExpressionError as error:
        raise ExpressionError(f"{place}: {error}") from None


def _expression(text: object, place: str) -> Expression:
    if not isinstance(text, str):
        raise ConfigurationError(
            f"{place}: an expression is needed, as a text: quote it where YAML reads something else"
        )
    return Expression(text, VARIABLES, place)


def _text(fields: Mapping[str, object], name: str, place: str) -> str:
    text = fields.get(name, "")
    if not isinstance(text, str) or len(text) > _TEXT_LIMIT:
        raise ConfigurationError(f"{place}.{name}: a text of at most {_TEXT_LIMIT} characters is needed")
    return text


def _fields(value: object, accepted: Iterable[str], place: str) -> Mapping[str, object]:
    names = tuple(accepted)
    if not isinstance(value, dict):
        raise ConfigurationError(f"{place}: a mapping with the fields {', '.join(names)} is needed")
    unknown = [str(key) for key in value if key not in names]
    if unknown:
        raise ConfigurationError(f'{place}: "{unknown[0]}" is not known; accepted are {", ".join(names)}')
    return value
