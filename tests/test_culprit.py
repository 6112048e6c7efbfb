"""Which of several pods is to blame."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.culprit import Culprit, broken, by_condition, by_end, by_name, ended_badly, first, is_active, unready
from kubediscovery.objects import Condition, ContainerTrouble, Object, Phase
from tests.objects import POD, REPLICA_SET, RUNNING_POD, make

WAITING = ContainerTrouble(
    name="app",
    phase=Phase.WAITING,
    init=False,
    reason="ErrImagePull",
    message="",
    exit_code=0,
    last_reason="",
    last_exit_code=0,
    terminated_before=False,
)


def pod(name: str, phase: str = "Pending", *troubles: ContainerTrouble, created: int = 10) -> Object:
    state = structs.replace(RUNNING_POD, is_ready=False, phase=phase, troubles=troubles)
    return make(POD, name, state=state, created=created)


def test_numbers_at_the_end_of_names_count_as_numbers() -> None:
    names = ["db-10", "db-9", "db-x", "a-10", "db", "db-" + "9" * 30, "db-٣"]
    placed = sorted((pod(name) for name in names), key=by_name)
    assert [item.name for item in placed if item.name in ("a-10", "db-9", "db-10")] == ["a-10", "db-9", "db-10"]


@given(st.lists(st.text(max_size=8), unique=True), st.randoms(use_true_random=False))
def test_the_same_pod_is_to_blame_in_whatever_order_they_come(names: list[str], random: object) -> None:
    pods = [pod(name, "Pending", *([WAITING] if len(name) % 2 else [])) for name in names]
    found = first(pods, unready)
    shuffled = list(pods)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert first(shuffled, unready) == found
    assert (found is None) == (not pods)
    if found is not None and any(item.state.troubles for item in pods):  # type: ignore[union-attr]
        assert found.container == "app"


def test_what_ended_last_is_before_what_ended_first_and_what_runs() -> None:
    placed = sorted([pod("running", created=30), pod("old", "Failed"), pod("new", "Failed", created=20)], key=by_end)
    assert [item.name for item in placed] == ["new", "old", "running"]


def test_pods_that_ended_or_are_deleted_hold_nothing_up() -> None:
    for item in (pod("x", "Failed", WAITING), structs.replace(pod("x", "Pending", WAITING), deleting=True)):
        assert not is_active(item)
        assert broken(item) is None
        assert unready(item) is None
    assert broken(pod("x", "Pending", WAITING)) is not None


def test_only_pods_are_pods() -> None:
    item = make(REPLICA_SET, "web-1")
    assert (broken(item), unready(item), ended_badly(item)) == (None, None, None)


def test_a_pod_that_says_nothing_is_named_all_the_same() -> None:
    found = unready(pod("x"))
    assert (found and found.reason, found and found.message) == ("NotReady", "pod x: the pod is not ready")
    ended = ended_badly(pod("x", "Failed"))
    assert (ended and ended.reason, ended and ended.message) == ("Failed", "pod x: it has failed")


def test_an_object_speaks_by_its_condition() -> None:
    item = make(REPLICA_SET, "web-1")
    found = by_condition(item, Condition("ReplicaFailure", "True", "", "no more"))
    assert found == Culprit("ReplicaSet", "web-1", "ReplicaFailure", "no more", "shop")
