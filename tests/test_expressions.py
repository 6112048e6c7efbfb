"""Expressions: what they give, what they refuse, and that nothing they are applied to ends the process."""

import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.errors import ConfigurationError, ExpressionError
from kubediscovery.expressions import DEPTH_LIMIT, FOR_ANSWERS, FOR_OBJECTS, LENGTH_LIMIT, Bounds, Expression, Facts

OBJECT = {
    "metadata": {"name": "x", "labels": {"a/b": "c"}},
    "spec": {"replicas": 3, "paused": None},
    "status": {
        "ready": 2,
        "ratio": 0.5,
        "conditions": [{"type": "Ready", "status": "False", "message": "m"}, {"type": "Other", "status": "True"}],
    },
}
FACTS = {"object": OBJECT}


def compiled(text: str, bounds: Bounds = FOR_OBJECTS) -> Expression:
    return Expression(text, ("object", "self"), "health[0].when", bounds)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("object.status.ready < object.spec.replicas", True),
        ("object.status.conditions.exists(c, c.type == 'Ready' && c.status == 'False')", True),
        ("object.status.conditions.filter(c, c.type == 'Ready')[0].message", "m"),
        ("object.status.conditions.map(c, c.type)", ["Ready", "Other"]),
        ("object.status.conditions.map(c, c.status == 'True', c.type)", ["Other"]),
        ("object.status.conditions.all(c, has(c.message))", False),
        ("object.status.conditions.exists_one(c, c.type == 'Ready')", True),
        ("has(object.status.phase)", False),
        ("has(object.nothing) && object.nothing.more", False),
        ("object.nothing.more == 1 || true", True),
        ("object.spec.paused == null", True),
        ("object.metadata.labels['a/b']", "c"),
        ("'a/b' in object.metadata.labels", True),
        ("object.status.ratio * 2.0", 1.0),
        ("object.status.ready == '2'", False),
        ("object.status.ready == 2.0", True),
        ("string(object.status.ready) + '/' + string(object.spec.replicas)", "2/3"),
        ("object.metadata.name.matches('^x+$')", True),
        ("object.spec.replicas > 2 ? 'a' : 'b' // why", "a"),
        ("{'health': 'Degraded'}", {"health": "Degraded"}),
        ("type(object.status.ready) == int", True),
        ("timestamp('2024-01-01T00:00:00Z') < timestamp('2025-01-01T00:00:00Z')", True),
        ("'.exists(q, ' + r'.map(\\' + '''.all(z,'''", ".exists(q, .map(\\.all(z,"),
        ("null", None),
    ],
)
def test_what_an_expression_gives(text: str, value: object) -> None:
    assert compiled(text).evaluate(FACTS) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("object.status.phase", "there is no phase"),
        ("object.spec.replicas / 0", "division by zero"),
        ("object.spec.replicas + 9223372036854775807", "overflow"),
        ("'a' + 1", r"string \+ int"),
        ("[1][5]", "out of bounds"),
        ("int('a')", "parse error"),
        ("object.metadata.name.matches('(')", "not a valid regex"),
        ("'a' ? 1 : 2", "No such overload"),
    ],
)
def test_what_has_no_value(text: str, why: str) -> None:
    with pytest.raises(ExpressionError, match=why):
        compiled(text).evaluate(FACTS)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "1 +",
            r'^health\[0\]\.when: the expression "1 \+" cannot be used: line 1, column 4: mismatched input .<EOF>.$',
        ),
        ("", "from 1 to 4096 characters"),
        (" \n", "from 1 to 4096 characters"),
        ("1" + "+1" * (LENGTH_LIMIT // 2), "from 1 to 4096 characters"),
        ("'abc", "token recognition error"),
        ("(" * 1000 + "1" + ")" * 1000, "cannot be used"),
        ("has(object)", "invalid argument to has"),
        ("objekt.status", "there is no variable objekt; variables: object, self"),
        ("object.x.exists(c, d)", "there is no variable d"),
        ("timestamp == 1", "there is no variable timestamp"),
        ("object.name.upperAscii() == 'A'", "there is no function upperAscii; functions: bytes, contains"),
        ("cel.bind(object, 1, 1)", "there is no variable cel"),
        ("[1].all(a, [1].all(b, [1].all(c, [1].all(d, true))))", "nested 4 deep; 3 are accepted"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        compiled(text)


def test_a_place_need_not_be_named() -> None:
    with pytest.raises(ConfigurationError, match=r'^the expression "\?" cannot'):
        Expression("?", ())


def test_only_the_variables_in_use_are_looked_at() -> None:
    expression = compiled("self.status.ready == 2")
    assert expression.variables == {"self"}
    assert expression.evaluate({"self": OBJECT, "object": object()}) is True


def test_what_is_needed() -> None:
    assert compiled("true").holds({})
    assert compiled("'a'").says({}) == "a"
    with pytest.raises(ExpressionError, match="true or false is needed, not int 1"):
        compiled("1").holds({})
    with pytest.raises(ExpressionError, match="a text is needed, not null"):
        compiled("null").says({})


def test_many_expressions_share_what_they_are_applied_to() -> None:
    facts = Facts(FACTS)
    assert [compiled(text).evaluate(facts) for text in ("object.spec.replicas", "object.status.ready")] == [3, 2]


def deep(levels: int) -> object:
    found: object = 1
    for _ in range(levels):
        found = {"a": found}
    return found


@pytest.mark.parametrize(
    "held",
    [deep(DEPTH_LIMIT + 1), deep(100_000), list(range(FOR_OBJECTS.values + 1)), "x" * 64 * (FOR_OBJECTS.values + 1)],
    ids=["deep", "very deep", "many", "long"],
)
def test_what_is_too_much_is_not_applied_to(held: object) -> None:
    with pytest.raises(ExpressionError, match="at most"):
        compiled("has(object.x)").evaluate({"object": held})


def test_macros_in_macros_are_applied_to_short_lists_only() -> None:
    expression = compiled("object.l.all(x, object.l.all(y, x + y >= 0))")
    assert expression.evaluate({"object": {"l": list(range(300))}}) is True
    with pytest.raises(ExpressionError, match="as many as 400 values"):
        expression.evaluate({"object": {"l": list(range(400))}})


def test_macros_one_after_the_other_are_not_nested() -> None:
    expression = compiled("object.l.filter(x, (x > 1)).map(y, y + 1).all(z, z > 0)")
    assert expression.evaluate({"object": {"l": list(range(3000))}}) is True
    both = compiled("object.l.all(x, x >= 0) && object.l.exists(x, x == 19000)")
    assert both.evaluate({"object": {"l": list(range(19_900))}}) is True


PARTS = {"object": {"l": [{"m": [1, 2]}] * 3000}}


@pytest.mark.parametrize(
    "text",
    [
        "object.l.all(x, x.m.all(y, y > 0))",
        "object . l . all( x , x . m . exists( y , y > 0))",
        "object.l.all(x, has(x.m) && (x.m.all(y, y > 0) || false))",
        "object.l.all(object, object.m.all(y, y > 0))",
        "object.l.exists_one(x, x.m.all(y, y > 2)) == false",
    ],
)
def test_macros_of_the_parts_of_what_is_gone_through_take_long_lists(text: str) -> None:
    assert compiled(text).evaluate(PARTS) is True


@pytest.mark.parametrize(
    "text",
    [
        "object.l.all(x, object.l.all(y, true))",
        "object.l.all(x, object.l.all(x, x.m.all(y, true)))",
        "object.l.all(x, x.m.all(y, x.m.all(z, true)))",
        "object.l.all(x, [x][0].m.all(y, true))",
        "object.l.all(x, (x).m.all(y, true))",
        "object.l.all(x, true ? object.l.exists(y, true) : false)",
    ],
)
def test_macros_in_macros_of_anything_else_do_not(text: str) -> None:
    with pytest.raises(ExpressionError, match="as many as 3000 values"):
        compiled(text).evaluate(PARTS)


@pytest.mark.parametrize("text", ["object.l.filter(x, true).size() > 1", "object.l.all(x, x.m.map(y, y).size() > 0)"])
def test_what_copies_takes_less(text: str) -> None:
    with pytest.raises(
        ExpressionError, match=r"^map and filter are not applied to as much as 12002 values with 3000 in"
    ):
        compiled(text).evaluate(PARTS)
    assert compiled(text).evaluate({"object": {"l": [{"m": [1, 2]}] * 50}}) is True


def test_for_an_answer_there_is_more_room() -> None:
    held = {"object": {"l": [{"m": 1, "n": "a"}] * 10_000}}
    assert compiled("object.l.all(x, x.m == 1)", FOR_ANSWERS).evaluate(held) is True
    with pytest.raises(ExpressionError, match="20000 values at most"):
        compiled("object.l.all(x, x.m == 1)").evaluate(held)


def test_what_is_no_json_is_an_error() -> None:
    with pytest.raises(ExpressionError):
        compiled("object.a").evaluate({"object": {"a": object()}})


def test_the_longest_expressions_do_not_end_the_process() -> None:
    half = LENGTH_LIMIT // 2 - 1
    assert compiled("1" + "+1" * half).evaluate({}) == half + 1
    assert compiled("!" * (LENGTH_LIMIT - 4) + "true").evaluate({}) is True


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    JSON,
    st.sampled_from(["object.a", "object[0]", "object == 1", "object.all(x, x > 0)", "size(object) + 1", "-object"]),
)
def test_an_expression_gives_a_value_or_its_own_error(held: object, text: str) -> None:
    with suppress(ExpressionError):
        compiled(text).evaluate({"object": held})


@given(st.text(max_size=20))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    with suppress(ConfigurationError):
        compiled(text)


def test_the_library_is_not_imported_before_there_is_an_expression() -> None:
    code = """
import sys
from kubediscovery.expressions import Expression
assert not any(name == "cel" or name.startswith("cel.") for name in sys.modules)
Expression("1", ())
assert "typer" not in sys.modules and "prompt_toolkit" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
