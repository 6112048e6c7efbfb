"""Lines for the log of a CI job: each change once, never a flood, and nothing hostile in them."""

import io
import os
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.answers import Culprit
from kubediscovery.lines import GAP, HEARTBEAT, LONGEST, MOST, Lines, fit, summary
from kubediscovery.verdicts import Outcome, Result, Told, Verdict
from tests.answering import HOSTILE


def result(state: str = "Progressing", words: str = "", name: str = "shop/x", culprit: str = "") -> Result:
    blamed = Culprit("Pod", "p", reason=culprit) if culprit else None
    return Result(name, Verdict(Outcome.PENDING, state, words, blamed))


def said(*shown: tuple[float, list[Result]]) -> list[str]:
    file = io.StringIO()
    lines = Lines(file)
    for elapsed, results in shown:
        lines.show(results, elapsed)
    lines.close()
    return file.getvalue().splitlines()


def test_a_line_for_each_change_of_state_and_none_for_other_words() -> None:
    assert said(
        (0, [result(words="1 of 3")]),
        (6, [result(words="2 of 3")]),
        (12, [result("Paused")]),
        (18, [result("Progressing", culprit="ErrImagePull")]),
        (24, [result("Progressing", culprit="ImagePullBackOff")]),
    ) == [
        "    0s shop/x: Progressing: 1 of 3",
        "   12s shop/x: Paused",
        "   18s shop/x: Progressing",
        "   24s shop/x: Progressing",
    ]


def test_a_state_that_comes_and_goes_makes_no_flood() -> None:
    flapping = [(step / 10, [result("Progressing" if step % 2 else "Paused")]) for step in range(600)]
    assert len(said(*flapping)) <= 60 / GAP + 1


def test_a_change_that_came_too_soon_is_told_later() -> None:
    assert said((0, [result()]), (1, [result("Paused")]), (GAP, [result("Paused")])) == [
        "    0s shop/x: Progressing",
        f"{GAP:5.0f}s shop/x: Paused",
    ]


def test_a_long_wait_is_not_silent() -> None:
    assert said((0, [result(words="1 of 3")]), (HEARTBEAT - 1, [result()]), (HEARTBEAT, [result(words="2 of 3")])) == [
        "    0s shop/x: Progressing: 1 of 3",
        f"{HEARTBEAT:5.0f}s shop/x: Progressing: 2 of 3",
    ]


def test_of_many_targets_some_are_named() -> None:
    lines = said((0, [result(name=f"shop/{number}") for number in range(500)]))
    assert len(lines) == MOST + 1
    assert lines[-1] == f"    0s and {500 - MOST} more"


def test_what_is_settled_is_left_to_the_end() -> None:
    assert said((0, [Result("shop/x", Verdict(Outcome.RIGHT, "Complete"))])) == []


def test_the_end_says_all() -> None:
    told = (Told("a > 1", holds=True), Told("b > 1", holds=False, words="b is 1"))
    wrong = Result("shop/y", Verdict(Outcome.WRONG, "Expectation", "b > 1 does not hold"), expectations=told)
    assert list(summary([Result("shop/x", Verdict(Outcome.RIGHT, "Complete")), wrong])) == [
        "right: shop/x: Complete",
        "wrong: shop/y: Expectation: b > 1 does not hold",
        "  b > 1: b is 1",
        "wrong: 1 right, 1 wrong",
    ]


@given(st.text() | st.just(HOSTILE * 100))
def test_a_line_is_one_line_of_text(text: str) -> None:
    line = fit(text)
    assert "\x1b" not in line
    assert "##[" not in line
    assert len(line) <= LONGEST
    assert len(line.splitlines()) <= 1


def test_a_reader_that_leaves_does_no_harm() -> None:
    program = "import sys; from kubediscovery.lines import say; [say(sys.stdout, 'x' * 999) for _ in range(999)]"
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run([sys.executable, "-c", program], stdout=writing, stderr=subprocess.PIPE, timeout=60)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
