"""Health: what holds of every kind and state, and of several healths together."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.health import MISSING, Health, assess, worst
from kubediscovery.kinds import Kind
from kubediscovery.objects import Judgement, MetadataState, Object, State
from tests.judging import DEGRADED, HEALTHY, PROGRESSING, SUSPENDED
from tests.objects import (
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    FLEET,
    JOB,
    KINDS,
    POD,
    REPLICA_SET,
    REVISION,
    STATEFUL_SET,
    make,
)
from tests.test_health_kinds import ROWS

EVERY_KIND = (*KINDS, *dict.fromkeys(row[1] for row in ROWS))


@pytest.mark.parametrize(
    "kind", [DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET, REVISION, JOB, CRON_JOB, POD, FLEET], ids=str
)
def test_whatever_is_being_deleted_is_terminating(kind: Kind) -> None:
    item = make(kind, "x", deleting=True, judgement=Judgement("Healthy"))
    assert tuple(assess(item)) == (PROGRESSING, "Terminating", "being deleted")


@pytest.mark.parametrize("kind", [REVISION, FLEET], ids=str)
def test_what_has_no_state_is_healthy(kind: Kind) -> None:
    assert assess(make(kind, "x")).health is HEALTHY


@pytest.mark.parametrize("kind", EVERY_KIND, ids=str)
def test_of_metadata_alone_every_kind_is_healthy(kind: Kind) -> None:
    assert assess(make(kind, "x", state=MetadataState())).health is HEALTHY


@pytest.mark.parametrize(
    ("judgement", "health"),
    [
        (Judgement("Degraded", "PhaseFailed", "said"), DEGRADED),
        (Judgement("Healthy", "PhaseFailed", "said"), HEALTHY),
        (Judgement("Great", "PhaseFailed", "said"), Health.UNKNOWN),
    ],
)
def test_a_judgement_overrules_the_status(judgement: Judgement, health: Health) -> None:
    item = make(DEPLOYMENT, "x", generation=7, judgement=judgement)
    assert tuple(assess(item)) == (health, "PhaseFailed", "said")


def test_what_is_not_there() -> None:
    assert MISSING[:2] == (Health.MISSING, "NotFound")


ITEMS = st.builds(
    lambda item, state: structs.replace(item, state=state),
    st.builds(Object, kind=st.sampled_from(EVERY_KIND), state=st.just(MetadataState()), selector=st.none()),
    st.one_of(*(st.from_type(state) for state in get_args(State))),
)


@given(ITEMS)
def test_of_any_object_there_is_a_verdict(item: Object) -> None:
    verdict = assess(item)
    assert verdict.health in Health
    assert isinstance(verdict.reason, str)
    assert isinstance(verdict.message, str)
    assert assess(item) == verdict


# Of several

ORDER = [HEALTHY, SUSPENDED, PROGRESSING, Health.MISSING, DEGRADED, Health.UNKNOWN]
HEALTHS = st.lists(st.sampled_from(ORDER))


def test_the_order_is_argo_cds() -> None:
    assert list(Health) == ORDER


@given(HEALTHS)
def test_the_worst_is_the_last_in_the_order(healths: list[Health]) -> None:
    assert worst(healths) is (max(healths, key=ORDER.index) if healths else HEALTHY)


@given(HEALTHS, HEALTHS)
def test_the_worst_of_all_is_the_worst_of_the_worst(one: list[Health], other: list[Health]) -> None:
    assert worst([*one, *other]) is worst([worst(one), worst(other)]) is worst([*other, *one])
    assert worst([*one, *one]) is worst(one)
    assert worst([*one, HEALTHY]) is worst(one)
