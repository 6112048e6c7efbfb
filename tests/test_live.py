"""The tree that a terminal shows while a check waits."""

import io
import re
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from kubediscovery.live import MOST_NODES, LiveTree
from kubediscovery.printable import printable
from kubediscovery.verdicts import Outcome, Result, Told, Verdict, judge
from tests.answering import HOSTILE, answer, pod

MOVES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


def shown(results: Sequence[Result], width: int = 100) -> str:
    """What is on the screen before it is wiped, without colours and moves of the cursor."""
    file = io.StringIO()
    console = Console(
        file=file, force_terminal=True, width=width, height=60, markup=False, emoji=False, highlight=False
    )
    tree = LiveTree(console)
    tree.show(results, 12.3)
    screen = file.getvalue()
    tree.close()
    return MOVES.sub("", screen)


def result(**fields: object) -> Result:
    read = answer(**fields)
    return Result(read.title, judge(read), read)


def test_what_is_not_right_yet_is_shown_with_what_it_waits_for() -> None:
    slow = pod("web-2", "Progressing", ready="0/1", reason="ContainerCreating", message="pulling")
    replica_set = pod("web-abc", kind="ReplicaSet", children=[pod(), slow])
    old = pod("web-old", kind="ReplicaSet")
    screen = shown([result(state="Progressing", rollout={"message": "1 of 2"}, children=[old, replica_set])])
    assert "kubediscovery check, 12 s" in screen
    assert "~ shop/deployments.apps.web Progressing — 1 of 2" in screen
    assert "Pod web-2 0/1 Progressing — ContainerCreating: pulling" in screen
    assert "└── ReplicaSet web-abc Healthy" in screen
    assert "web-1" not in screen
    assert "web-old" not in screen


def test_what_is_right_is_one_line() -> None:
    assert (
        shown([result(children=[pod()])]).strip().splitlines()[1].strip() == "└── ✔ shop/deployments.apps.web Complete"
    )


def test_expectations_are_shown() -> None:
    verdict = Verdict(Outcome.PENDING, "Expectation", "a > 1 does not hold")
    screen = shown([Result("x", verdict, expectations=(Told("a > 1", holds=False, words="a is 1"),))])
    assert "a > 1: a is 1" in screen


def test_a_large_tree_stays_on_the_screen() -> None:
    children = [pod(f"web-{number}", "Progressing") for number in range(500)]
    screen = shown([result(state="Progressing", children=children)])
    assert len(screen.splitlines()) <= MOST_NODES + 4
    assert f"and {500 - MOST_NODES} more" in screen


@settings(deadline=None, max_examples=50)
@given(st.text() | st.just(HOSTILE))
def test_nothing_of_an_object_reaches_the_terminal_as_a_command(text: str) -> None:
    node = pod("web-2", "Degraded", reason=text, message=text)
    screen = shown([result(state="Progressing", rollout={"message": text}, children=[node])], width=300)
    assert "\x1b" not in screen
    assert [line for line in screen.split("\n") if printable(line) != line] == []


def test_it_leaves_nothing_behind() -> None:
    file = io.StringIO()
    tree = LiveTree(Console(file=file, force_terminal=True, width=80))
    tree.show([result()], 1)
    tree.close()
    assert file.getvalue().rstrip().endswith(("\x1b[2K", "\x1b[?25h"))
