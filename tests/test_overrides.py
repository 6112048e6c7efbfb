"""Verdicts by the configuration: how the section is read, what is refused, and what rules make of objects."""

import re

import msgspec
import pytest
import yaml

from kubediscovery.compact import Compactor
from kubediscovery.decoding import Decoder
from kubediscovery.errors import ConfigurationError
from kubediscovery.health import Health, assess
from kubediscovery.kinds import Kind
from kubediscovery.objects import Judgement
from kubediscovery.overrides import Overrides, read_overrides
from tests.objects import DEPLOYMENT, POD, make
from tests.test_health_differences import DOCUMENT
from tests.test_health_kinds import INGRESS, KAFKA, kind

TOPIC = kind("example.org/v1", "Topic", custom=True)
RULES = """
- kind: kafkas.example.org
  rules:
  - when: has(object.status) && object.status.phase == 'Failed'
    health: Degraded
    reason: PhaseFailed
    messageExpression: "'broker: ' + self.status.message"
  - when: "!has(object.status)"
    health: Progressing
    message: not seen yet
- kind: "*.example.org"
  health: "has(object.status) && has(object.status.done) ? 'Healthy' : null"
- kind: kafkas.example.org
  rules:
  - when: object.metadata.name == 'last'
    health: Unknown
- kind: pods.
  rules:
  - health: Suspended
"""


def read(text: str) -> Overrides:
    return read_overrides(yaml.safe_load(text))


def judged(of: Kind, raw: dict[str, object], rules: str = RULES) -> Judgement | None:
    judge = read(rules).judge_for(of)
    assert judge is not None
    return judge({"metadata": {"name": "x"}, **raw})


@pytest.mark.parametrize(
    ("of", "raw", "judgement"),
    [
        (
            KAFKA,
            {"status": {"phase": "Failed", "message": "gone"}},
            Judgement("Degraded", "PhaseFailed", "broker: gone"),
        ),
        (KAFKA, {}, Judgement("Progressing", "", "not seen yet")),
        (KAFKA, {"status": {"phase": "Up", "done": 1}}, Judgement("Healthy")),
        (KAFKA, {"status": {"phase": "Up"}, "metadata": {"name": "last"}}, Judgement("Unknown")),
        (KAFKA, {"status": {"phase": "Up"}}, None),
        (TOPIC, {"status": {"done": True}}, Judgement("Healthy")),
        (TOPIC, {"status": {"phase": "Failed"}}, None),
        (POD, {}, Judgement("Suspended")),
    ],
)
def test_the_first_rule_that_holds_wins(of: Kind, raw: dict[str, object], judgement: Judgement | None) -> None:
    assert judged(of, raw) == judgement


@pytest.mark.parametrize("of", [DEPLOYMENT, INGRESS], ids=str)
def test_kinds_that_nothing_is_said_of_have_no_judge(of: Kind) -> None:
    assert read(RULES).judge_for(of) is None
    assert Overrides().judge_for(of) is None


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{when: object.status.phase == 'a', health: Degraded}", "health[0].rules[0].when: there is no status"),
        (
            "{when: object.metadata.name, health: Degraded}",
            "health[0].rules[0].when: true or false is needed, not str x",
        ),
        (
            "{health: Degraded, messageExpression: size(object.metadata.name)}",
            "health[0].rules[0].messageExpression: a text is needed, not int 1",
        ),
    ],
)
def test_a_rule_that_fails_makes_the_verdict_unknown(rule: str, message: str) -> None:
    judgement = judged(KAFKA, {}, f"[{{kind: kafkas, rules: [{rule}]}}]")
    assert judgement == Judgement("Unknown", "RuleFailed", message)
    assert assess(make(KAFKA, "x", judgement=judgement)).health is Health.UNKNOWN


@pytest.mark.parametrize("given", ["'Great'", "3", "['Healthy']", "true"])
def test_a_verdict_is_one_of_the_six(given: str) -> None:
    judgement = judged(KAFKA, {}, f'[{{kind: kafkas, health: "{given}"}}]')
    assert judgement is not None
    assert judgement.reason == "RuleFailed"
    assert "one of Healthy, Suspended, Progressing, Missing, Degraded, Unknown or null is needed" in judgement.message


def test_what_is_too_much_is_unknown() -> None:
    judgement = judged(KAFKA, {"status": {"l": list(range(30_000))}})
    assert judgement is not None
    assert (judgement.health, judgement.reason) == ("Unknown", "RuleFailed")


def test_a_message_is_cut() -> None:
    judgement = judged(KAFKA, {"status": {"phase": "Failed", "message": "x" * 5000}})
    assert judgement is not None
    assert len(judgement.message) == 1024


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "health: a list of entries with the fields kind, rules, health is needed"),
        ("null", "health: a list"),
        ("[pods]", "health[0]: a mapping with the fields kind, rules, health is needed"),
        ("[{kind: pods}]", "health[0]: kind is needed, and either rules or health"),
        ("[{health: \"'Healthy'\"}]", "health[0]: kind is needed"),
        ("[{kind: pods, rules: [{health: Healthy}], health: \"'Healthy'\"}]", "either rules or health"),
        ("[{kind: pods, rule: []}]", 'health[0]: "rule" is not known; accepted are kind, rules, health'),
        ("[{kind: Pods, health: 'null'}]", 'health[0].kind: "Pods" is no pattern for kinds'),
        ("[{kind: pods, rules: []}]", "health[0].rules: a list of rules with when, health"),
        ("[{kind: pods, rules: [x]}]", "health[0].rules[0]: a mapping with the fields when, health"),
        ("[{kind: pods, rules: [{health: Great}]}]", "health[0].rules[0].health: one of Healthy, Suspended,"),
        ("[{kind: pods, rules: [{}]}]", "health[0].rules[0].health: one of Healthy, Suspended,"),
        ("[{kind: pods, rules: [{health: Healthy, reason: 3}]}]", "health[0].rules[0].reason: a text of at most 1024"),
        ("[{kind: pods, rules: [{health: Healthy, when: true}]}]", "health[0].rules[0].when: an expression is needed"),
        ("[{kind: pods, rules: [{health: Healthy, when: 'a ='}]}]", 'health[0].rules[0].when: the expression "a ="'),
        ("[{kind: pods, rules: [{health: Healthy, message: a, messageExpression: b}]}]", "exclude each other"),
        (
            "[{kind: pods, health: pod.x}]",
            'health[0].health: the expression "pod.x" cannot be used: there is no variable pod',
        ),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(why)):
        read(text)


def test_the_example_in_the_documents_is_read() -> None:
    found = re.search(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found is not None
    overrides = read_overrides(yaml.safe_load(found[1])["health"])
    workflow = kind("argoproj.io/v1alpha1", "Workflow", custom=True)
    judge = overrides.judge_for(workflow)
    assert judge is not None
    assert judge({"status": {"phase": "Error"}}) == Judgement("Degraded", "WorkflowFailed", "no message")
    assert judge({"status": {"phase": "Running"}}) == judge({}) == Judgement("Progressing")
    assert judge({"status": {"phase": "Succeeded"}}) is None


def test_a_document_is_judged_while_it_is_decoded() -> None:
    judge = read(RULES).judge_for(KAFKA)
    document = {
        "apiVersion": "example.org/v1",
        "kind": "Kafka",
        "metadata": {"name": "x", "uid": "1"},
        "status": {"phase": "Failed", "message": "gone", "conditions": [{"type": "Ready", "status": "True"}]},
    }
    item = Decoder(KAFKA, Compactor(), judge=judge).object(msgspec.json.encode(document))
    assert tuple(assess(item)) == (Health.DEGRADED, "PhaseFailed", "broker: gone")
