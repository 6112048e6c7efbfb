"""Compositions as text trees."""

import io
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from kubediscovery.composition import Composition, CompositionStatus
from kubediscovery.drawing import MAX_DEPTH
from kubediscovery.health import Health
from kubediscovery.meta import ObjectMeta
from kubediscovery.nodes import Info, Node
from kubediscovery.omissions import Omitted
from kubediscovery.printable import printable
from kubediscovery.text import create_console, line_of, print_compositions, short_image
from tests.playing import NOW, played

LATER = NOW + timedelta(minutes=5)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
law = settings(deadline=None, max_examples=50)


def node(
    name: str = "web", *, message: str = "", children: Sequence[Node] = (), health: Health = Health.HEALTHY
) -> Node:
    return Node(
        api_version="v1",
        kind="Pod",
        name=name,
        uid=name,
        resource_version="1",
        health=health,
        message=message,
        creation_timestamp="2026-05-01T12:00:00Z",
        children=list(children),
    )


def composition(
    root: Node, *, health: Health = Health.HEALTHY, namespace: str = "shop", omitted: list[Omitted] | None = None
) -> Composition:
    metadata = ObjectMeta(name=f"pods.{root.name}", namespace=namespace)
    status = CompositionStatus(health=health, omitted=omitted)
    return Composition(kind="Composition", api_version="g.io/v1", metadata=metadata, root=root, status=status)


def printed(*compositions: Composition) -> str:
    """As a file or a pipe gets it."""
    file = io.StringIO()
    print_compositions(create_console(file), compositions, LATER)
    return file.getvalue()


def shown(*compositions: Composition, width: int = 80) -> str:
    """As a terminal gets it."""
    file = io.StringIO()
    print_compositions(Console(file=file, force_terminal=True, width=width, markup=False), compositions, LATER)
    return file.getvalue()


def walk(top: Node) -> Iterator[Node]:
    yield top
    for child in top.children:
        yield from walk(child)


@law
@given(st.integers(0, 1000))
def test_every_object_has_its_line_below_its_namespace(step: int) -> None:
    items = played(step)
    lines = printed(*items).splitlines()
    nodes = [found for item in items for found in walk(item.root)]
    assert [line for line in lines if line[0].isalpha()] == ["batch", "shop"]
    assert len(lines) == len(nodes) + 2
    for found in nodes:
        assert sum(f" {found.kind} {found.name} " in f"{line} " for line in lines) == 1


def test_lines_in_full() -> None:
    web = next(item for item in played(0) if item.metadata.name == "deployments.apps.web")
    assert line_of(web.root, NOW).plain == (
        "Deployment web 5/5 ~ Progressing — ReplicaSetUpdated: 3 of 5 pods updated (web:1.3, revision 3, 3d)"
    )
    payments = next(item for item in played(0) if item.metadata.name == "deployments.apps.payments")
    crashing = max(walk(payments.root), key=lambda found: (found.kind == "Pod", found.health == Health.DEGRADED))
    assert line_of(crashing, NOW).plain == (
        f"Pod {crashing.name} 0/1 ✘ Degraded — CrashLoopBackOff: container payments: back-off 5m0s restarting failed "
        "container=payments; it ended before with exit code 1 (Error) "
        f"(payments:2.8.0, 14 restarts, on {crashing.info.node if crashing.info else ''}, 49m)"
    )


def test_images_are_said_where_they_are_others_than_the_parents() -> None:
    parent, child = node("parent"), node("child")
    parent.info, child.info = Info(images=("r.io/web:1",)), Info(images=("r.io/web:1",))
    assert line_of(child, LATER, parent=parent).plain == "Pod child ✔ Healthy (5m)"
    child.info = Info(images=("r.io/web:2", "r.io/log:1"), restarts=1)
    assert line_of(child, LATER, parent=parent).plain == "Pod child ✔ Healthy (web:2, log:1, 1 restart, 5m)"


def test_what_is_wrong_below_and_what_is_left_out_stand_at_the_root() -> None:
    omitted = [
        Omitted("pods", "Forbidden", "you may not list this resource"),
        Omitted("jobs", "NotFound", "m", "batch"),
    ]
    assert printed(composition(node(), health=Health.DEGRADED, omitted=omitted)).splitlines() == [
        "shop",
        "└── Pod web ✔ Healthy, ✘ Degraded below (5m)",
        "    ├── pods left out — Forbidden: you may not list this resource",
        "    └── jobs.batch left out — NotFound: m",
    ]


def test_health_reads_without_colour_and_has_one() -> None:
    lines = [line_of(node(health=health), LATER) for health in Health]
    assert len({line.plain.split()[2] for line in lines}) == len(Health)
    assert all(health in line.plain for health, line in zip(Health, lines, strict=True))
    assert all(any(span.style for span in line.spans) for line in lines)


@law
@given(st.text(), st.text(), st.text())
def test_nothing_of_an_object_is_markup_or_reaches_the_terminal_as_a_command(
    name: str, message: str, where: str
) -> None:
    item = composition(node(name, message=message), namespace=where, omitted=[Omitted(name, "Forbidden", message)])
    for text in (printed(item), COLOUR.sub("", shown(item, width=10_000))):
        assert not any(character in text for character in map(chr, [*range(9), *range(11, 32), *range(127, 160)]))
        assert len(text.splitlines()) == 3
        assert printable(name) in text
        assert printable(message) in text


@pytest.mark.parametrize("text", ["[bold]web[/bold]", "[link=http://a]b[/link]", ":boom:", "[/]", "\\[a]"])
def test_markup_is_text(text: str) -> None:
    assert text in printed(composition(node(text, message=text)))
    assert text in COLOUR.sub("", shown(composition(node(text))))


@pytest.mark.parametrize("width", [1, 20, 80])
def test_the_deepest_tree_is_shown_in_the_narrowest_terminal(width: int) -> None:
    top = node("n63")
    for number in reversed(range(MAX_DEPTH - 1)):
        top = node(f"n{number}", children=[top])
    text = COLOUR.sub("", shown(composition(top), width=width))
    assert all(f"n{number} " in text for number in range(MAX_DEPTH))


def test_a_stream_of_few_letters_gets_question_marks() -> None:
    bytes_ = io.BytesIO()
    with io.TextIOWrapper(bytes_, encoding="ascii") as file:
        print_compositions(create_console(file), [composition(node("é", children=[node("child")]))], LATER)
        file.flush()
        assert bytes_.getvalue().decode("ascii").splitlines()[1].endswith("Pod ? ? Healthy (5m)")


@pytest.mark.parametrize(
    ("image", "short"),
    [
        ("nginx", "nginx"),
        ("nginx:1.27", "nginx:1.27"),
        ("registry.example.com:5000/shop/web:1.3", "web:1.3"),
        ("r.io/web@sha256:0123456789abcdef0123", "web@0123456789ab"),
        ("r.io/web:1@sha256:0123456789abcdef0123", "web:1@0123456789ab"),
        ("", ""),
    ],
)
def test_images_are_shortened(image: str, short: str) -> None:
    assert short_image(image) == short


def test_an_unknown_age() -> None:
    unborn = node()
    unborn.creation_timestamp = None
    assert line_of(unborn, datetime.now(UTC)).plain == "Pod web ✔ Healthy (<unknown>)"
