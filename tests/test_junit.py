"""JUnit XML that every reader can read, whatever the objects say."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.errors import StartupError
from kubediscovery.junit import render_junit, write_junit
from kubediscovery.verdicts import EXPECTATION, Outcome, Result, Told, Verdict
from tests.answering import HOSTILE

RIGHT = Verdict(Outcome.RIGHT, "Complete")


def cases(*results: Result) -> list[tuple[str, str, str]]:
    """Name, what became of it, and the words."""
    (suite,) = ElementTree.fromstring(render_junit(results, 1.5))  # noqa: S314 - made here
    assert suite.get("time") == "1.500"
    assert suite.get("tests") == str(len(suite))
    for tag in ("failure", "error"):
        assert suite.get(f"{tag}s") == str(len(suite.findall(f"testcase/{tag}")))
    return [(case.get("name", ""), *next(((each.tag, each.text or "") for each in case), ("", ""))) for case in suite]


def test_a_case_for_each_target_and_each_expectation() -> None:
    told = (Told("a > 1", holds=True), Told("b > 1", holds=False, words="b is 1"))
    assert cases(
        Result("shop/x", RIGHT),
        Result("shop/y", Verdict(Outcome.WRONG, EXPECTATION, "b"), expectations=told),
        Result("shop/z", Verdict(Outcome.PENDING, "Progressing", "2 of 3")),
        Result("shop/n", Verdict(Outcome.UNANSWERED, "NoAnswer", "refused")),
    ) == [
        ("shop/x", "", ""),
        ("shop/y", "", ""),
        ("a > 1", "", ""),
        ("b > 1", "failure", "wrong: Expectation: b is 1"),
        ("shop/z", "failure", "not reached: Progressing: 2 of 3"),
        ("shop/n", "error", "cannot ask: NoAnswer: refused"),
    ]


@given(st.text() | st.just(HOSTILE))
def test_hostile_words_are_words(text: str) -> None:
    ((name, tag, words), (expected, _, _)) = cases(
        Result(text, Verdict(Outcome.WRONG, "Failed", text), expectations=(Told(text, holds=True),))
    )
    assert tag == "failure"
    assert name == expected
    assert "\x1b" not in words
    assert "\n" not in words


def test_the_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    path.write_text("before")
    write_junit(path, b"<after/>")
    assert path.read_bytes() == b"<after/>"
    assert path.stat().st_mode & 0o777 == 0o644
    with pytest.raises(StartupError, match=r"--junit .*nowhere.*: No such file"):
        write_junit(tmp_path / "nowhere" / "junit.xml", b"")
    assert [each.name for each in tmp_path.iterdir()] == ["junit.xml"]
