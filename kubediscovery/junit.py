"""Results as JUnit XML, which CI systems show as tests.

The form is the one that Jenkins and GitLab read (the JUnit plugin's schema): a suite, with a case for each target, for
each expectation of it and for what lint finds.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from kubediscovery.errors import StartupError
from kubediscovery.printable import printable
from kubediscovery.verdicts import EXPECTATION, Outcome, Result

_SUITE = "kubediscovery check"


def render_junit(results: Sequence[Result], seconds: float) -> bytes:
    """The document; ``seconds`` is how long the whole check took."""
    cases = [case for result in results for case in _cases(result)]
    suite = ElementTree.Element(
        "testsuite",
        name=_SUITE,
        tests=str(len(cases)),
        failures=_count(cases, "failure"),
        errors=_count(cases, "error"),
        skipped="0",
        time=f"{seconds:.3f}",
    )
    suite.extend(cases)
    document = ElementTree.Element("testsuites")
    document.append(suite)
    ElementTree.indent(document)
    text = ElementTree.tostring(document, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _cases(result: Result) -> Iterator[ElementTree.Element]:
    verdict = result.verdict
    # An expectation has a case of its own: the target's says what there is to say beside it.
    is_own = verdict.outcome is not Outcome.RIGHT and verdict.state != EXPECTATION
    yield _case(result.title, result.title, (verdict.outcome, verdict.state, verdict.words) if is_own else None)
    for told in (*result.expectations, *result.lint):
        words = told.words or "does not hold"
        yield _case(result.title, told.text, None if told.holds else (Outcome.WRONG, EXPECTATION, words))


def _case(suite: str, name: str, trouble: tuple[Outcome, str, str] | None) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=printable(suite), name=printable(name))
    if trouble is not None:
        outcome, state, words = trouble
        tag = "error" if outcome is Outcome.UNANSWERED else "failure"
        message = printable(": ".join(filter(None, (outcome, state, words))))
        found = ElementTree.SubElement(case, tag, type=printable(state), message=message)
        found.text = message
    return case


def _count(cases: Iterable[ElementTree.Element], tag: str) -> str:
    return str(sum(case.find(tag) is not None for case in cases))


def write_junit(path: Path, document: bytes) -> None:
    """Put the document into a file that is there whole or not at all; raises :class:`StartupError`."""
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(document)
                # Whoever collects it may be another user.
                os.fchmod(file.fileno(), 0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StartupError(f"--junit {path}: {error.strerror}") from error
