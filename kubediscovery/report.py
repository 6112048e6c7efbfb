"""Results as JSON, for programs."""

from collections.abc import Sequence

import msgspec

from kubediscovery.verdicts import STATUSES, Result, Told, worst


def report(results: Sequence[Result]) -> dict[str, object]:
    """What ``--output json`` prints; docs/check.md has the fields."""
    outcome = worst(result.verdict.outcome for result in results)
    return {
        "outcome": str(outcome),
        "exitStatus": STATUSES[outcome],
        "results": [_result(result) for result in results],
    }


def _result(result: Result) -> dict[str, object]:
    verdict = result.verdict
    return {
        "name": result.title,
        "outcome": str(verdict.outcome),
        "state": verdict.state,
        "message": verdict.words,
        "culprit": msgspec.to_builtins(verdict.culprit),
        "health": result.answer.health if result.answer else None,
        "expectations": [_told(each) for each in result.expectations],
        "lint": [_told(each) for each in result.lint],
    }


def _told(told: Told) -> dict[str, object]:
    return {"text": told.text, "holds": told.holds, "message": told.words}
