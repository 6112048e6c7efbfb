"""What can be waited for, and what is said to whoever asks for something else."""

import pytest

from kubediscovery.errors import BadRequest
from kubediscovery.health import Health
from kubediscovery.outcome import Rollout, RolloutState
from kubediscovery.wish import MOST_SECONDS, Wish, parse_wish


def test_nothing_is_waited_for_unless_asked() -> None:
    assert parse_wish({}) is None
    assert parse_wish({"waitFor": "", "timeoutSeconds": "7"}, watch=True) is None


@pytest.mark.parametrize(
    ("query", "wish"),
    [
        ({"waitFor": "Complete,Failed"}, Wish(("Complete", "Failed"), 30)),
        ({"waitFor": "Healthy,Healthy", "timeoutSeconds": ""}, Wish(("Healthy",), 30)),
        ({"waitFor": "Paused", "timeoutSeconds": "0"}, Wish(("Paused",), 30)),
        ({"waitFor": "Progressing", "timeoutSeconds": "7"}, Wish(("Progressing",), 7, 7)),
        ({"waitFor": "Complete", "timeoutSeconds": "50"}, Wish(("Complete",), 50, 50)),
        ({"waitFor": "Complete", "timeoutSeconds": "600"}, Wish(("Complete",), MOST_SECONDS, 600)),
    ],
)
def test_what_is_wished_for(query: dict[str, str], wish: Wish) -> None:
    assert parse_wish(query) == wish


@pytest.mark.parametrize("value", ["complete", "Complete,", ",", "Complete Failed", "x" * 10_000, "*"])
def test_a_state_that_there_is_not_is_answered_with_those_that_there_are(value: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_wish({"waitFor": value})
    assert [word for word in (*RolloutState, *Health, "waitFor") if word not in str(caught.value)] == []
    assert len(str(caught.value)) < 400


def test_what_waits_anyway_waits_for_nothing_else() -> None:
    with pytest.raises(BadRequest, match="waitFor is for a get, not for a watch"):
        parse_wish({"waitFor": "Complete"}, watch=True)
    with pytest.raises(BadRequest, match="resourceVersionMatch=Exact"):
        parse_wish({"waitFor": "Complete"}, exact=True)


def test_a_rollout_or_health_grants_it() -> None:
    wish = Wish(("Complete", "Degraded"))
    complete, paused = (Rollout(state, 1, 1, 0, 0) for state in (RolloutState.COMPLETE, RolloutState.PAUSED))
    assert wish.is_granted(complete, Health.UNKNOWN)
    assert wish.is_granted(None, Health.DEGRADED)
    assert wish.is_granted(paused, Health.DEGRADED)
    assert not wish.is_granted(paused, Health.HEALTHY)
    assert not wish.is_granted(None, Health.HEALTHY)


def test_it_ends_before_the_request_has_to() -> None:
    wish = Wish(("Complete",), 50, 50)
    assert wish.within(60) == wish
    assert (wish.within(40).seconds, wish.within(2).seconds) == (35, 1)
    assert list(wish.within(40).warnings(reached=True)) == [
        "timeoutSeconds=50 is more than can be waited: 35 were meant"
    ]


def test_what_rolls_out_nothing_is_never_complete() -> None:
    with pytest.raises(
        BadRequest, match="waitFor=Complete,Paused: a Pod rolls out nothing; accepted for it are Healthy"
    ):
        Wish(("Complete", "Paused")).require_of("Pod", None)
    Wish(("Complete", "Healthy")).require_of("Pod", None)
    Wish(("Progressing",)).require_of("Pod", None)
    Wish(("Complete",)).require_of("Deployment", Rollout(RolloutState.PAUSED, 1, 1, 0, 0))


def test_who_waited_is_told_what_was_not_as_asked() -> None:
    assert list(Wish(("Complete",), 50, 50).warnings(reached=True)) == []
    cut = list(Wish(("Complete", "Failed"), 50, 600).warnings(reached=False))
    assert cut == [
        "timeoutSeconds=600 is more than can be waited: 50 were meant",
        "not Complete or Failed within 50 seconds",
    ]
