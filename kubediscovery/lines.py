"""What a check says while it waits and at its end, in lines; names and messages of objects are made fit for them."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TextIO

from kubediscovery.annotations import harmless
from kubediscovery.printable import printable
from kubediscovery.verdicts import Outcome, Result, worst

# Seconds between two lines about one target, and after which it is said that the check goes on.
GAP, HEARTBEAT = 5.0, 30.0
# Lines at one time, and characters of one.
MOST, LONGEST = 20, 600

_Key = tuple[str, ...]


class Reporter(Protocol):
    """Who is told of results while they come."""

    def show(self, results: Sequence[Result], elapsed: float) -> None:
        """How things stand after so many seconds; called about once a second."""
        ...

    def close(self) -> None:
        """Nothing more will come."""
        ...


class Lines:
    """A line for each change of a target's state, not more often than :data:`GAP`; fit for the log of a CI job."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._said: dict[str, tuple[_Key, float]] = {}
        self._last = 0.0

    def show(self, results: Sequence[Result], elapsed: float) -> None:
        """Say what has changed; nothing where all is settled, as the end says it."""
        if is_settled(results):
            return
        due = [result for result in results if self._is_due(result, elapsed)]
        if not due and elapsed - self._last >= HEARTBEAT:
            due = [result for result in results if result.verdict.outcome is Outcome.PENDING]
        if not due:
            return
        self._last = elapsed
        for result in due:
            self._said[result.title] = (_key(result), elapsed)
        for result in due[:MOST]:
            self._write(f"{elapsed:5.0f}s {_line(result)}")
        if len(due) > MOST:
            self._write(f"{elapsed:5.0f}s and {len(due) - MOST} more")

    def close(self) -> None:
        """Nothing is left to do."""

    def _is_due(self, result: Result, elapsed: float) -> bool:
        key, at = self._said.get(result.title, (None, -GAP))
        return key != _key(result) and elapsed - at >= GAP

    def _write(self, line: str) -> None:
        say(self._file, line)


def say(file: TextIO, line: str) -> None:
    """Write a line; where its reader has left, it is written to nobody, and so is all that follows."""
    try:
        file.write(f"{line}\n")
        file.flush()
    except BrokenPipeError:
        with Path(os.devnull).open("w") as nobody:
            os.dup2(nobody.fileno(), file.fileno())


def is_settled(results: Iterable[Result]) -> bool:
    """Whether no result waits for anything."""
    return all(result.verdict.outcome is not Outcome.PENDING for result in results)


def summary(results: Sequence[Result]) -> Iterator[str]:
    """A line for each target at the end, and one for each thing that does not hold of it."""
    for result in results:
        yield f"{result.verdict.outcome}: {_line(result)}"
        yield from (fit(f"  {told.text}: {told.words or 'does not hold'}") for told in result.unmet)
    if len(results) > 1:
        numbers = {outcome: sum(each.verdict.outcome is outcome for each in results) for outcome in Outcome}
        counted = ", ".join(f"{number} {outcome}" for outcome, number in numbers.items() if number)
        yield f"{worst(each.verdict.outcome for each in results)}: {counted}"


def fit(text: str) -> str:
    """One line that a terminal and a CI system take for nothing but text, and not a long one."""
    line = harmless(printable(text))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."


def _line(result: Result) -> str:
    verdict = result.verdict
    return fit(": ".join(filter(None, (result.title, verdict.state, verdict.words))))


def _key(result: Result) -> _Key:
    culprit = result.verdict.culprit
    blamed = (culprit.kind, culprit.container, culprit.reason) if culprit else ()
    return result.verdict.outcome, result.verdict.state, *blamed
