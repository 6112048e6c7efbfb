"""The table of relations: whole, in agreement with itself, and as the documentation has it."""

from pathlib import Path

from kubediscovery.kinds import Kind
from kubediscovery.relations import ANY, CLUSTER_SCOPED, RULES, How, Relations, Rule
from tests.relating import RELATED_KINDS

DOCUMENT = Path(__file__).parent.parent / "docs" / "relations.md"
KNOWN: dict[tuple[str, str], Kind] = {(kind.group, kind.kind): kind for kind in RELATED_KINDS}


def test_every_rule_is_documented_as_it_is() -> None:
    rows = [line.split(" | ") for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    written = {row[0].removeprefix("| ").strip("`"): row for row in rows}
    for rule in RULES:
        row = written[rule.name]
        assert rule.sentence in row[1]
        assert row[2].startswith("yes") is (rule.name in Relations().attached)


def test_ways_go_on_by_relations_that_there_are() -> None:
    names = {rule.name for rule in RULES}
    assert all(rule.then <= names for rule in RULES)


def test_a_way_that_goes_on_can() -> None:
    """Each relation that may follow leads from one of the targets."""
    for rule in RULES:
        targets = {other.target for other in RULES if other.name == rule.name}
        for name in rule.then:
            sources = {other.source for other in RULES if other.name == name}
            assert ANY in targets or targets & sources, f"{rule.name} then {name}"


def test_cluster_scoped_kinds_are_cluster_scoped() -> None:
    known = {
        group_kind: KNOWN[group_kind]
        for rule in RULES
        for group_kind in (rule.source, rule.target)
        if group_kind in KNOWN
    }
    for rule in RULES:
        if rule.how is How.REFERENCE and rule.target in known:
            assert (rule.target in CLUSTER_SCOPED) is not known[rule.target].namespaced


def test_every_kind_of_the_table_is_tried() -> None:
    named = {group_kind for rule in RULES for group_kind in (rule.source, rule.target)} - {ANY}
    others = {
        (group, kind) for group, kind in named if kind.endswith(("Route", "Binding", "Configuration", "Definition"))
    }
    assert named - others <= KNOWN.keys()


def test_a_selector_is_of_one_relation() -> None:
    selecting = [rule.source for rule in RULES if rule.how is How.SELECTOR]
    assert len(selecting) == len(set(selecting))


def test_declared_rules_stand_beside_the_others() -> None:
    rule = Rule("mine", ("example.org", "Site"), ("", "Service"), How.REVERSED, "a to b", attached=True)
    relations = Relations([rule])
    assert relations.names == Relations().names | {"mine"}
    assert "mine" in relations.attached
    assert "mine" in relations.named_by["example.org", "Site"]
    assert "mine" not in relations.named_by["", "Service"]
    assert relations.then["mine"] == frozenset()
