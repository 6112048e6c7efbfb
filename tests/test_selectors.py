"""Selectors: Kubernetes's own syntax, to the letter; expected values were read off k8s.io/apimachinery v0.36.3."""

import re
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.errors import BadRequest
from kubediscovery.selectors import LONGEST, MOST, Selector, parse_field_selector, parse_label_selector

FIELDS: Mapping[str, frozenset[str] | None] = {
    "metadata.name": None,
    "root.kind": None,
    "status.health": frozenset({"Healthy", "Degraded"}),
}


@pytest.mark.parametrize(
    ("selector", "matching", "others"),
    [
        ("", [{}, {"x": "a"}], []),
        (" \t\r\n", [{}, {"x": "a"}], []),
        ("x", [{"x": ""}, {"x": "a"}], [{}, {"y": "a"}]),
        ("!x", [{}, {"y": "a"}], [{"x": ""}]),
        ("! x", [{}], [{"x": ""}]),
        ("x=", [{"x": ""}], [{}, {"x": "a"}]),
        ("x==", [{"x": ""}], [{}, {"x": "a"}]),
        ("x!=", [{}, {"x": "a"}], [{"x": ""}]),
        ("x=a", [{"x": "a", "y": "b"}], [{}, {"x": "b"}, {"x": "A"}]),
        (" x\n== a ", [{"x": "a"}], [{"x": "b"}]),
        ("x!=a", [{}, {"x": "b"}], [{"x": "a"}]),
        ("x in (a,b)", [{"x": "a"}, {"x": "b"}], [{}, {"x": ""}, {"x": "c"}]),
        ("x in(a)", [{"x": "a"}], [{"x": "b"}]),
        ("x  in  ( a , b )", [{"x": "a"}, {"x": "b"}], [{"x": " a "}]),
        ("x in (a,)", [{"x": "a"}, {"x": ""}], [{}]),
        ("x in (,a)", [{"x": "a"}, {"x": ""}], [{}]),
        ("x in (a,,b)", [{"x": "a"}, {"x": ""}, {"x": "b"}], [{}]),
        ("x in ()", [{"x": ""}], [{}, {"x": "a"}]),
        ("x in (,)", [{"x": ""}], [{}, {"x": "a"}]),
        ("x notin (a,b)", [{}, {"x": ""}, {"x": "c"}], [{"x": "a"}, {"x": "b"}]),
        ("x notin ()", [{}, {"x": "a"}], [{"x": ""}]),
        ("x in (in,notin)", [{"x": "in"}, {"x": "notin"}], [{"x": "a"}]),
        ("in", [{"in": ""}], [{}]),
        ("notin=in", [{"notin": "in"}], [{"notin": "notin"}]),
        ("in in (in)", [{"in": "in"}], [{"in": ""}]),
        ("!notin", [{}], [{"notin": ""}]),
        ("x>1", [{"x": "2"}, {"x": "10"}, {"x": "007"}], [{}, {"x": "1"}, {"x": "a"}, {"x": ""}, {"x": "9" * 20}]),
        ("x < 10", [{"x": "9"}, {"x": "0"}], [{}, {"x": "10"}, {"x": "1_0"}, {"x": "٣"}]),
        ("x>9223372036854775806", [{"x": "9223372036854775807"}], [{"x": "9223372036854775808"}]),
        ("x=a,y", [{"x": "a", "y": ""}], [{"x": "a"}, {"y": ""}]),
        ("x in (a,b),!y,z!=c", [{"x": "b"}], [{"x": "b", "y": ""}, {"x": "b", "z": "c"}]),
        ("x=a,x=b", [], [{"x": "a"}, {"x": "b"}]),
        ("x in (a,b),x in (b,c)", [{"x": "b"}], [{}, {"x": "a"}, {"x": "c"}]),
        ("x!=a,x!=b", [{}, {"x": "c"}], [{"x": "a"}, {"x": "b"}]),
        ("x>1,x>5", [{"x": "6"}], [{"x": "5"}, {"x": "2"}]),
        ("x<9,x<4", [{"x": "3"}], [{"x": "4"}, {"x": "8"}]),
        ("x>1,x<3,x!=02", [{"x": "2"}], [{"x": "02"}, {"x": "1"}, {"x": "3"}, {}]),
        ("x,!x", [], [{}, {"x": ""}]),
        ("app.kubernetes.io/name=web", [{"app.kubernetes.io/name": "web"}], [{"name": "web"}]),
        ("a-b.c_D=e.F_g-h", [{"a-b.c_D": "e.F_g-h"}], [{}]),
    ],
)
def test_label_selectors(selector: str, matching: list[dict[str, str]], others: list[dict[str, str]]) -> None:
    found = parse_label_selector(selector)
    assert [labels for labels in matching if not found.matches(labels)] == []
    assert [labels for labels in others if found.matches(labels)] == []


@pytest.mark.parametrize(
    ("selector", "part"),
    [
        (",", '""'),
        ("x,", '""'),
        (",x", '""'),
        ("x,,y", '""'),
        ("x y", '"x y"'),
        ("a,x y", '"x y"'),
        ("x=a b", '"x = a b"'),
        ("x=a=b", '"x = a = b"'),
        ("x===a", '"x == = a"'),
        ("!x=a", '"! x = a"'),
        ("!x in (a)", '"! x in ( a )"'),
        ("!!x", '"! ! x"'),
        ("!", '"!"'),
        ("=a", '"= a"'),
        ("x in", '"x in"'),
        ("x in a", '"x in a"'),
        ("x in (a", '"x in ( a"'),
        ("x in a)", '"x in a )"'),
        ("x in (a))", '"x in ( a ) )"'),
        ("x in ((a))", '"x in ( ( a ) )"'),
        ("x in (a b)", '"x in ( a b )"'),
        ("x in (a)y", '"x in ( a ) y"'),
        ("x in in (a)", '"x in in ( a )"'),
        ("in (a)", '"in ( a )"'),
        ("()", '"( )"'),
        ("x>", '"x >"'),
        ("x>a", '"x > a"'),
        ("x>-1", '"-1"'),
        ("x<+1", '"+1"'),
        ("x>1.5", '"x > 1.5"'),
        ("x>9223372036854775808", "must be an integer"),
        ("x>٣", '"٣"'),
        ("_x", '"_x"'),
        ("x_", '"x_"'),
        ("/x", '"/x"'),
        ("x/", '"x/"'),
        ("a/b/c", '"a/b/c"'),
        ("A/b", '"A/b"'),
        ("a..b/c", '"a..b/c"'),
        ("a-/c", '"a-/c"'),
        ("x" * 64, "is not a label key"),
        ("a" * 254 + "/x", "is not a label key"),
        ("x=" + "a" * 64, "is not a label value"),
        ("x=-a", '"-a"'),
        ("x in (a,b_)", '"b_"'),
        ("x=a/b", '"a/b"'),
        ("é", '"é"'),
        ("x=a\xa0", "is not a label value"),
        ("x\x00", "is not a label key"),
    ],
)
def test_a_label_selector_that_is_wrong_says_where(selector: str, part: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_label_selector(selector)
    assert str(caught.value).startswith("labelSelector: ")
    assert part in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "," * LONGEST,
        "(" * LONGEST,
        "!" * LONGEST,
        "a" * LONGEST,
        "x in (" + "a," * (LONGEST // 2 - 6),
        "x in (" + "," * (LONGEST - 7) + "x",
        "a " * (LONGEST // 2),
        " " * (LONGEST - 1) + "=",
        "a" * 250 + "." * (LONGEST - 260) + "/x",
        "x>" + "9" * (LONGEST - 2),
        "a=" * (LONGEST // 2),
    ],
)
def test_hostile_label_selectors_are_refused_at_once(text: str) -> None:
    """The suite's time limit stands for all that takes more than linear time; messages stay short."""
    with pytest.raises(BadRequest) as caught:
        parse_label_selector(text)
    assert len(str(caught.value)) < 1000


def test_a_selector_that_is_too_long_is_refused_and_the_longest_is_not() -> None:
    longest = "x in (" + "a," * (LONGEST // 2 - 4) + "b)"
    assert len(longest) == LONGEST
    assert parse_label_selector(longest).matches({"x": "b"})
    with pytest.raises(BadRequest, match=f"labelSelector is longer than {LONGEST}"):
        parse_label_selector(longest + " ")
    with pytest.raises(BadRequest, match=f"fieldSelector is longer than {LONGEST}"):
        parse_field_selector("," * (LONGEST + 1), FIELDS)


def test_a_selector_of_too_many_requirements_is_refused() -> None:
    assert parse_label_selector(",".join(["x"] * MOST)).matches({"x": ""})
    assert parse_field_selector(",".join(["root.kind=Pod"] * MOST), FIELDS).matches({"root.kind": "Pod"})
    with pytest.raises(BadRequest, match=r"labelSelector has 1001 requirements; accepted are 1000"):
        parse_label_selector(",".join(["x"] * (MOST + 1)))
    with pytest.raises(BadRequest, match=r"fieldSelector has 1001 requirements; accepted are 1000"):
        parse_field_selector(",".join(["root.kind=Pod"] * (MOST + 1)), FIELDS)


class Counted(Mapping[str, str]):
    """Labels that count how often they are looked at."""

    def __init__(self, **labels: str) -> None:
        self._labels = labels
        self.looks = 0

    def __getitem__(self, key: str) -> str:
        self.looks += 1
        return self._labels[key]

    def __iter__(self) -> Iterator[str]:
        self.looks += len(self._labels)
        return iter(self._labels)

    def __len__(self) -> int:
        return len(self._labels)


@pytest.mark.parametrize(
    "requirements",
    [
        [f"!y{number}" for number in range(MOST)],
        [f"x!=v{number}" for number in range(MOST)],
        [f"n<{number + 10}" for number in range(MOST)],
        ["n>1", "x notin (a,b)"] * (MOST // 2),
    ],
)
def test_a_long_selector_looks_at_labels_as_often_as_a_short_one(requirements: list[str]) -> None:
    """A thousand requirements against ten thousand objects, each by itself, took seconds."""
    labels = Counted(app="web", x="w", n="5")
    assert parse_label_selector(",".join(requirements)).matches(labels)
    assert labels.looks <= 10


name = st.sampled_from(("x", "y", "in", "notin", "a.b/c"))
text = st.sampled_from(("", "a", "b", "1", "12", "in"))
number = st.integers(0, 20).map(str)
requirement = st.one_of(
    st.tuples(name, st.sampled_from(("exists", "absent")), st.just(())),
    st.tuples(name, st.sampled_from(("=", "==", "!=")), st.tuples(text)),
    st.tuples(name, st.sampled_from(("in", "notin")), st.lists(text, min_size=1, max_size=3).map(tuple)),
    st.tuples(name, st.sampled_from((">", "<")), st.tuples(number)),
)
Requirement = tuple[str, str, tuple[str, ...]]
blank = st.sampled_from(("", " ", "\t "))


def written(wanted: Requirement, space: str) -> str:
    key, operator, values = wanted
    match operator:
        case "exists":
            return f"{space}{key}{space}"
        case "absent":
            return f"{space}!{space}{key}"
        case "in" | "notin":
            return f"{key} {operator}{space}({f'{space},{space}'.join(values)})"
        case _:
            return f"{key}{space}{operator}{space}{values[0]}"


def holds(wanted: Requirement, labels: Mapping[str, str]) -> bool:
    key, operator, values = wanted
    match operator:
        case "exists" | "absent":
            return (key in labels) == (operator == "exists")
        case "!=" | "notin":
            return labels.get(key) not in values
        case ">" | "<":
            value = labels.get(key, "")
            difference = int(value) - int(values[0]) if value.isdecimal() else 0
            return difference > 0 if operator == ">" else difference < 0
        case _:
            return labels.get(key) in values


@given(st.lists(requirement, max_size=4), st.dictionaries(name, text | number, max_size=4), blank)
def test_a_selector_matches_what_meets_all_its_requirements(
    wanted: list[Requirement], labels: dict[str, str], space: str
) -> None:
    selector = parse_label_selector(",".join(written(each, space) for each in wanted))
    assert selector.matches(labels) == all(holds(each, labels) for each in wanted)
    assert selector.matches(labels) == all(each.holds(labels) for each in selector.requirements)


@given(st.lists(requirement, max_size=4), blank)
def test_a_selector_is_that_of_its_requirements_and_has_those_that_were_written(
    wanted: list[Requirement], space: str
) -> None:
    selector = parse_label_selector(",".join(written(each, space) for each in wanted))
    assert Selector(selector.requirements) == selector
    meaning = {"=": "in", "==": "in", "!=": "notin"}
    assert [(each.key, each.operator, each.values) for each in selector.requirements] == [
        (key, meaning.get(operator, operator), frozenset(values)) for key, operator, values in wanted
    ]


def test_who_wants_one_value_wants_that_label() -> None:
    assert parse_label_selector("app=web,tier in (a),tier in (a, b),!old").terms[:2] == (("app", "web"), ("tier", "a"))
    assert not parse_label_selector("").terms


@given(st.lists(requirement, max_size=4), st.dictionaries(name, text | number, max_size=4))
def test_a_selector_is_what_it_is_about_one_key_and_about_the_others(
    wanted: list[Requirement], labels: dict[str, str]
) -> None:
    selector = parse_label_selector(",".join(written(each, "") for each in wanted))
    one, others = selector.about({"x"}), selector.about({"y", "in", "notin", "a.b/c"})
    assert {found.key for found in one.requirements} <= {"x"}
    assert selector.matches(labels) == (one.matches(labels) and others.matches(labels))


@given(st.text(alphabet=st.sampled_from("ax1(),=!<> \\.in/é\0"), max_size=30) | st.text(max_size=30))
def test_any_text_is_a_selector_or_a_bad_request(text: str) -> None:
    for parse in (parse_label_selector, lambda given_: parse_field_selector(given_, FIELDS)):
        try:
            selector = parse(text)
        except BadRequest:
            continue
        assert isinstance(selector, Selector)
        assert selector.matches({"x": "a"}) in (True, False)


@pytest.mark.parametrize(
    ("selector", "matching", "others"),
    [
        ("", [{}], []),
        (",,", [{}], []),
        ("metadata.name=a", [{"metadata.name": "a"}], [{"metadata.name": "b"}]),
        ("metadata.name==a", [{"metadata.name": "a"}], [{"metadata.name": "b"}]),
        ("metadata.name!=a", [{"metadata.name": "b"}], [{"metadata.name": "a"}]),
        ("metadata.name=", [{"metadata.name": ""}], [{"metadata.name": "a"}]),
        ("metadata.name= a", [{"metadata.name": " a"}], [{"metadata.name": "a"}]),
        (r"metadata.name=a\,b\=c\\", [{"metadata.name": "a,b=c\\"}], [{"metadata.name": "a"}]),
        ("metadata.name=a,", [{"metadata.name": "a"}], [{"metadata.name": "b"}]),
        ("metadata.name=a!b", [{"metadata.name": "a!b"}], [{"metadata.name": "a"}]),
        (
            "status.health=Degraded,root.kind!=Pod",
            [{"status.health": "Degraded", "root.kind": "Job"}],
            [{"status.health": "Degraded", "root.kind": "Pod"}, {"status.health": "Healthy", "root.kind": "Job"}],
        ),
    ],
)
def test_field_selectors(selector: str, matching: list[dict[str, str]], others: list[dict[str, str]]) -> None:
    found = parse_field_selector(selector, FIELDS)
    assert [fields for fields in matching if not found.matches(fields)] == []
    assert [fields for fields in others if found.matches(fields)] == []


@pytest.mark.parametrize(
    ("selector", "words"),
    [
        ("metadata.name", ['"metadata.name"', "field=value"]),
        ("metadata.name>a", ["field=value"]),
        ("metadata.name=a=b", ['"metadata.name=a=b"']),
        ("metadata.name===b", ['"metadata.name===b"']),
        ("metadata!name!=b", ['field "metadata!name" is not known']),
        ("metadata.name=a\\", ["is not understood"]),
        ("metadata.name=a\\b", ["is not understood"]),
        ("metadata.uid=a", ['"metadata.uid"', "metadata.name, root.kind, status.health"]),
        (" metadata.name=a", ['" metadata.name"']),
        ("=a", ['field ""']),
        ("status.health=degraded", ["status.health", "Degraded, Healthy", '"degraded"']),
        ("status.health!=Ill", ["Degraded, Healthy", '"Ill"']),
        ("a" * LONGEST, ["is not understood"]),
        ("\\" * LONGEST, ["is not understood"]),
        ("=" * LONGEST, ["is not understood"]),
    ],
)
def test_a_field_selector_that_is_wrong_says_what_is_accepted(selector: str, words: list[str]) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_field_selector(selector, FIELDS)
    assert str(caught.value).startswith("fieldSelector: ")
    assert [word for word in words if word not in str(caught.value)] == []
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("selector", "exact"),
    [
        ("metadata.name=a", "a"),
        ("root.kind=Pod,metadata.name==a", "a"),
        ("metadata.name!=a", ""),
        ("root.kind=Pod", ""),
        ("", ""),
    ],
)
def test_the_one_name_that_a_field_selector_lets_through(selector: str, exact: str) -> None:
    assert parse_field_selector(selector, FIELDS).exact("metadata.name") == exact


field_term = st.tuples(
    st.sampled_from(sorted(FIELDS)),
    st.sampled_from(("=", "==", "!=")),
    st.text(st.sampled_from("ab,=!\\ é"), max_size=4) | st.sampled_from(("Healthy", "Degraded", "Pod")),
).filter(lambda term: term[0] != "status.health" or term[2] in ("Healthy", "Degraded"))


@given(st.lists(field_term, max_size=4), st.data())
def test_a_field_selector_is_read_as_it_was_written(wanted: list[tuple[str, str, str]], data: st.DataObject) -> None:
    """Escaped as k8s.io/apimachinery does (pkg/fields, EscapeValue), and against what its words say."""
    values = {field: data.draw(st.sampled_from(["", *(value for _, _, value in wanted)])) for field in FIELDS}
    escaped = [(field, sign, re.sub(r"([\\,=])", r"\\\1", value)) for field, sign, value in wanted]
    found = parse_field_selector(",".join(map("".join, escaped)), FIELDS)
    assert found.matches(values) == all((values[field] == value) == (sign != "!=") for field, sign, value in wanted)
    assert [(each.key, *each.values) for each in found.requirements] == [(field, value) for field, _, value in wanted]
