"""Annotations of GitHub Actions: what a workflow's summary shows of a check that did not come out right.

The escaping is that of github.com/actions/toolkit, ``packages/core/src/command.ts``; what a runner takes for a command
is in github.com/actions/runner, ``src/Runner.Common/ActionCommand.cs``.
"""

from collections.abc import Iterable, Iterator

from kubediscovery.printable import printable
from kubediscovery.verdicts import Outcome, Result

_DATA = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
_PROPERTY = (*_DATA, (":", "%3A"), (",", "%2C"))
# What a runner takes for a command wherever in a line it stands, and how it is written so that it does not.
_COMMAND, _HARMLESS = "##[", "## ["


def annotations(results: Iterable[Result]) -> Iterator[str]:
    """A line for each result that is not right, for each expectation that does not hold and each finding of lint."""
    for result in results:
        verdict = result.verdict
        if verdict.outcome is Outcome.RIGHT:
            continue
        title = f"{result.title} {verdict.outcome}"
        yield command("error", title, ": ".join(filter(None, (verdict.state, verdict.words))))
        for told in result.unmet:
            yield command("error", title, ": ".join(filter(None, (told.text, told.words or "does not hold"))))


def command(name: str, title: str, message: str) -> str:
    """``::error title=...::...``, on one line whatever is in the texts."""
    return f"::{name} title={_escaped(title, _PROPERTY)}::{_escaped(message, _DATA)}"


def harmless(line: str) -> str:
    """A line in which a runner finds no command; it must not begin with a colon."""
    return line.replace(_COMMAND, _HARMLESS)


def _escaped(text: str, table: Iterable[tuple[str, str]]) -> str:
    text = printable(text)
    for character, replacement in table:
        text = text.replace(character, replacement)
    return text
