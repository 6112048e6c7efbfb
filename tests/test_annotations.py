"""Annotations that a runner of GitHub Actions understands, and nothing else that it would."""

from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.annotations import annotations, command, harmless
from kubediscovery.verdicts import EXPECTATION, Outcome, Result, Told, Verdict
from tests.answering import HOSTILE

WORDS = st.text() | st.text("%:,\r\n]#[;= ::0123456789ADab") | st.just(HOSTILE)


def understood(line: str) -> tuple[str, str, str]:
    """Command, title and message as a runner takes them apart (ActionCommand.cs, TryParseV2)."""
    line = line.lstrip()
    assert line.startswith("::")
    head, _, data = line[2:].partition("::")
    name, _, properties = head.partition(" ")
    (title,) = [value for key, _, value in (each.partition("=") for each in properties.split(",")) if key == "title"]
    for token, replacement in (("\r", "%0D"), ("\n", "%0A"), (":", "%3A"), (",", "%2C"), ("%", "%25")):
        title = title.replace(replacement, token)
    for token, replacement in (("\r", "%0D"), ("\n", "%0A"), ("%", "%25")):
        data = data.replace(replacement, token)
    return name, title, data


@given(WORDS.filter(bool), WORDS)
def test_a_runner_reads_what_was_said(title: str, message: str) -> None:
    line = command("error", title, message)
    assert line.isprintable() or "\N{REPLACEMENT CHARACTER}" in line or not line.isascii()
    assert len(line.splitlines()) == 1
    name, read_title, read_message = understood(line)
    assert name == "error"
    assert len(read_title) == len(title)
    assert len(read_message) == len(message)


@given(WORDS)
def test_a_line_holds_no_command(text: str) -> None:
    assert "##[" not in harmless(f"right: {text}")


def test_what_is_not_right_is_annotated() -> None:
    told = (Told("a > 1", holds=True), Told("b > 1", holds=False))
    assert list(
        annotations(
            [
                Result("shop/x", Verdict(Outcome.RIGHT, "Complete")),
                Result("shop/y", Verdict(Outcome.WRONG, EXPECTATION, "b > 1 does not hold"), expectations=told),
                Result("shop/z", Verdict(Outcome.PENDING, "Progressing", "50%, slow")),
            ]
        )
    ) == [
        "::error title=shop/y wrong::Expectation: b > 1 does not hold",
        "::error title=shop/y wrong::b > 1: does not hold",
        "::error title=shop/z not reached::Progressing: 50%25, slow",
    ]
