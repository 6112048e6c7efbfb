"""What is drawn, as it is asked for."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.drawing import (
    DEFAULT,
    MAX_DEPTH,
    Direction,
    Drawing,
    KindFilter,
    parse_depth,
    parse_direction,
    parse_kinds,
    parse_relations,
)
from kubediscovery.errors import BadRequest
from kubediscovery.kinds import Kind
from tests.objects import DEPLOYMENT, OTHER_DEPLOYMENT, POD, REPLICA_SET

KNOWN = ("endpoints", "event", "scale")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", set()),
        (" ", set()),
        ("none", set()),
        ("all", set(KNOWN)),
        ("scale", {"scale"}),
        ("scale, endpoints", {"scale", "endpoints"}),
        ("all,!event", {"scale", "endpoints"}),
        ("!event", {"scale", "endpoints"}),
        ("!event,!scale", {"endpoints"}),
        ("scale,!scale", set()),
        ("none,scale", {"scale"}),
        ("none,!scale", set()),
    ],
)
def test_relations_are_named_and_taken_away(text: str, found: set[str]) -> None:
    assert parse_relations(text, KNOWN) == found


@pytest.mark.parametrize(
    ("parse", "text", "said"),
    [
        (
            lambda text: parse_relations(text, KNOWN),
            "secrets",
            'relations: "secrets" is not known; accepted are all, none',
        ),
        (lambda text: parse_relations(text, KNOWN), "all,Scale", 'relations: "Scale" is not known'),
        (lambda text: parse_relations(text, KNOWN), "x", "endpoints, event, scale, and each with ! before it"),
        (lambda text: parse_relations(text, KNOWN), "!all", 'relations: "!all" says nothing'),
        (lambda text: parse_relations(text, KNOWN), "scale,", "relations: an empty word is not understood"),
        (lambda text: parse_relations(text, KNOWN), "!", "relations: an empty word is not understood"),
        (lambda text: parse_relations(text, KNOWN), ",".join(["scale"] * 101), "relations has 101 words"),
        (lambda text: parse_relations(text, KNOWN), "x" * 300, "xxx..."),
        (parse_kinds, "Pod,,Job", "kinds: an empty word is not understood"),
        (parse_kinds, "!", "kinds: an empty word"),
        (parse_kinds, "!!Pod", 'kinds: "!Pod" is not understood; accepted are kinds (Pod), plurals (pods)'),
        (parse_kinds, "[a-z]", 'kinds: "[a-z]" is not understood'),
        (parse_kinds, "*" * 9, "is not understood"),
        (parse_kinds, "Pöd", "is not understood"),
        (parse_direction, "up", 'direction: "up" is not known; accepted are children, owners, users, uses, collected'),
        (parse_direction, "Owners", "is not known"),
        (parse_depth, "0", 'depth must be a whole number from 1 to 64, not "0"'),
        (parse_depth, "65", "depth must be"),
        (parse_depth, "-1", "depth must be"),
        (parse_depth, "1.5", "depth must be"),
        (parse_depth, "٣", "depth must be"),
        (parse_depth, "9" * 5000, "999..."),
    ],
)
def test_what_cannot_be_used_is_named(parse: Callable[[str], object], text: str, said: str) -> None:
    with pytest.raises(BadRequest) as raised:
        parse(text)
    assert said in str(raised.value)
    assert len(str(raised.value)) < 1_000


@given(st.text(max_size=30), st.sampled_from([parse_kinds, parse_direction, parse_depth]))
def test_no_text_is_another_error(text: str, parse: Callable[[str], object]) -> None:
    try:
        parse(text)
    except BadRequest:
        return


@pytest.mark.parametrize(
    ("text", "passing"),
    [
        ("", {POD, DEPLOYMENT, OTHER_DEPLOYMENT, REPLICA_SET}),
        ("Pod", {POD}),
        ("pod", {POD}),
        ("PODS", {POD}),
        ("deployments", {DEPLOYMENT, OTHER_DEPLOYMENT}),
        ("Deployment", {DEPLOYMENT, OTHER_DEPLOYMENT}),
        ("deployments.apps", {DEPLOYMENT}),
        ("*.apps", {DEPLOYMENT, REPLICA_SET}),
        ("*.example.com", {OTHER_DEPLOYMENT}),
        ("*set*", {REPLICA_SET}),
        ("po?", {POD}),
        ("!ReplicaSet", {POD, DEPLOYMENT, OTHER_DEPLOYMENT}),
        ("*.apps,Pod,!replicasets", {POD, DEPLOYMENT}),
        ("!*", set()),
        ("nothing", set()),
        ("deployment.", set()),
        ("a.b.c", set()),
    ],
)
def test_kinds_pass_by_globs(text: str, passing: set[Kind]) -> None:
    wanted = parse_kinds(text)
    assert {kind for kind in (POD, DEPLOYMENT, OTHER_DEPLOYMENT, REPLICA_SET) if wanted.passes(kind)} == passing


def test_what_is_empty_is_the_default() -> None:
    assert (parse_kinds(""), parse_direction(""), parse_depth("")) == (KindFilter(), Direction.CHILDREN, MAX_DEPTH)
    assert Drawing() == DEFAULT
    assert hash(Drawing()) == hash(DEFAULT)


@pytest.mark.parametrize(
    ("drawing", "reaches_out", "narrows"),
    [
        (DEFAULT, False, False),
        (Drawing(relations=frozenset(("scale",))), True, False),
        (Drawing(direction=Direction.OWNERS), True, False),
        (Drawing(depth=1), False, True),
        (Drawing(hide_inactive=True), False, True),
        (Drawing(kinds=parse_kinds("Pod")), False, True),
    ],
)
def test_a_drawing_says_what_it_may_come_to(drawing: Drawing, reaches_out: bool, narrows: bool) -> None:
    assert (drawing.reaches_out, drawing.narrows) == (reaches_out, narrows)
