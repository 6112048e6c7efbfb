"""Right, wrong or not yet: what a check makes of a composition."""

from typing import Any

import pytest

from kubediscovery.health import Health
from kubediscovery.outcome import RolloutState
from kubediscovery.verdicts import _HEALTHS, STATUSES, Outcome, judge, worst
from tests.answering import answer, pod

BROKEN = pod("web-2", "Degraded", reason="CrashLoopBackOff", message="back-off")
CULPRIT = {
    "kind": "Pod",
    "name": "web-2",
    "container": "app",
    "reason": "CrashLoopBackOff",
    "message": "back-off",
    "exitCode": 2,
}


@pytest.mark.parametrize(
    ("fields", "outcome", "state"),
    [
        ({}, Outcome.RIGHT, "Complete"),
        ({"state": None}, Outcome.RIGHT, "Healthy"),
        ({"state": None, "health": "Suspended"}, Outcome.RIGHT, "Suspended"),
        ({"state": None, "health": "Progressing"}, Outcome.PENDING, "Progressing"),
        ({"state": None, "health": "Missing"}, Outcome.PENDING, "Missing"),
        ({"state": None, "health": "Unknown"}, Outcome.PENDING, "Unknown"),
        ({"state": None, "health": "Degraded"}, Outcome.WRONG, "Degraded"),
        ({"state": None, "health": "NewWord"}, Outcome.PENDING, "NewWord"),
        ({"state": "Progressing"}, Outcome.PENDING, "Progressing"),
        ({"state": "Progressing", "health": "Degraded"}, Outcome.PENDING, "Progressing"),
        ({"state": "Paused", "health": "Suspended"}, Outcome.PENDING, "Paused"),
        ({"state": "Failed"}, Outcome.WRONG, "Failed"),
        ({"state": "NewWord"}, Outcome.PENDING, "NewWord"),
        ({"health": "Progressing", "children": [pod(health="Progressing")]}, Outcome.PENDING, "Progressing"),
        ({"health": "NewWord", "children": [pod(health="NewWord")]}, Outcome.PENDING, "NewWord"),
        ({"health": "Degraded", "children": [BROKEN, pod(health="Progressing")]}, Outcome.PENDING, "Progressing"),
        ({"health": "Degraded"}, Outcome.WRONG, "Degraded"),
        # A pod that was evicted is left behind by a rollout that came to its end.
        ({"health": "Degraded", "children": [BROKEN]}, Outcome.RIGHT, "Complete"),
        ({"health": "Degraded", "children": [{**BROKEN, "kind": "Claim"}]}, Outcome.WRONG, "Degraded"),
        ({"health": "Degraded", "children": [{**BROKEN, "kind": "Job"}], "apiVersion": "batch/v1"}, Outcome.RIGHT, ""),
    ],
)
def test_the_outcome_follows_from_rollout_and_health(fields: dict[str, Any], outcome: Outcome, state: str) -> None:
    verdict = judge(answer(**fields))
    assert verdict.outcome is outcome
    assert verdict.state == state or not state


def test_a_failure_is_told_in_the_words_of_its_culprit() -> None:
    verdict = judge(answer(state="Failed", rollout={"culprit": CULPRIT}))
    assert verdict.words == "Pod web-2 container app: CrashLoopBackOff: back-off (exit code 2)"
    assert verdict.culprit is not None
    assert (verdict.culprit.name, verdict.culprit.exit_code) == ("web-2", 2)


def test_words_that_name_the_culprit_are_not_said_twice() -> None:
    rollout = {"culprit": CULPRIT, "reason": "CrashLoopBackOff", "message": "pod web-2, container app: back-off"}
    assert judge(answer(state="Failed", rollout=rollout)).words == f"CrashLoopBackOff: {rollout['message']}"


def test_without_a_culprit_it_is_the_deepest_object_with_that_health() -> None:
    replica_set = pod("web-abc", "Degraded", kind="ReplicaSet", children=[pod(), BROKEN])
    verdict = judge(answer(state=None, health="Degraded", children=[replica_set]))
    assert verdict.words == "Pod web-2: CrashLoopBackOff: back-off"


def test_what_was_written_before_does_not_count() -> None:
    assert judge(answer(version=7), least_version=7).outcome is Outcome.RIGHT
    verdict = judge(answer(version=7), least_version=8)
    assert (verdict.outcome, verdict.state) == (Outcome.PENDING, "NotSeen")


def test_a_verdict_without_pods_says_so() -> None:
    verdict = judge(answer(pods=None))
    assert (verdict.outcome, verdict.words) == (Outcome.RIGHT, "its pods may not be listed: it is judged without them")


def test_the_worst_counts() -> None:
    assert [STATUSES[outcome] for outcome in sorted(Outcome, key=lambda each: list(Outcome).index(each))] == [
        0,
        3,
        1,
        4,
    ]
    assert worst([]) is Outcome.RIGHT
    assert worst([Outcome.PENDING, Outcome.WRONG, Outcome.RIGHT]) is Outcome.WRONG
    assert worst(Outcome) is Outcome.UNANSWERED


def test_the_words_are_those_of_the_server() -> None:
    assert tuple(Health) == _HEALTHS
    assert {"Complete", "Failed"} <= set(RolloutState)
