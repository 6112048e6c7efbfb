"""Health: what holds of every kind, and beside what kstatus and ``kubectl rollout status`` say of the same object."""


@pytest.mark.parametrize(
    "kind", [DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET, REVISION, JOB, CRON_JOB, POD, FLEET], ids=str
)
def test_whatever_is_being_deleted_is_terminating(kind: Kind) -> None:
    assert tuple(assess(make(kind, "x", deleting=True))) == (PROGRESSING, "Terminating", "being deleted")


@pytest.mark.parametrize("kind", [REVISION, FLEET], ids=str)
def test_what_has_no_state_is_healthy(kind: Kind) -> None:
    assert assess(make(kind, "x")).health is HEALTHY


# Beside kubectl


def rolled_out(kind: Kind, generation: int, state: WorkloadState) -> bool | None:
    """Whether ``kubectl rollout status`` ends with success; None where it gives up, or does not say."""
    if kind == DEPLOYMENT and generation <= state.observed_generation:
        if any(found.type == "Progressing" and found.reason == DEADLINE.reason for found in state.conditions):
            return None
        return state.updated >= state.desired and state.replicas <= state.updated and state.available >= state.updated
    if kind != DEPLOYMENT and state.strategy != "RollingUpdate":
        return None
    if generation > state.observed_generation or (kind == STATEFUL_SET and not state.observed_generation):
        return False
    if kind == DAEMON_SET:
        return state.updated >= state.desired and state.available >= state.desired
    return state.ready >= state.desired and state.updated >= state.desired - state.partition


NUMBERS = st.integers(0, 3)
WORKLOADS = st.builds(
    WorkloadState,
    desired=NUMBERS,
    replicas=NUMBERS,
    updated=NUMBERS,
    ready=NUMBERS,
    available=NUMBERS,
    observed_generation=st.integers(0, 2),
    images=st.just(()),
    conditions=st.lists(st.sampled_from([DEADLINE, UPDATING, DONE]), max_size=1).map(tuple),
    current=NUMBERS,
    strategy=st.sampled_from(["RollingUpdate", "OnDelete"]),
    partition=NUMBERS,
    current_revision=st.sampled_from("ab"),
    update_revision=st.sampled_from("ab"),
)


@given(st.sampled_from([DEPLOYMENT, STATEFUL_SET, DAEMON_SET]), st.integers(1, 2), WORKLOADS)
@settings(max_examples=500)
def test_nothing_is_healthy_that_kubectl_still_waits_for(kind: Kind, generation: int, state: WorkloadState) -> None:
    found = assess(make(kind, "x", state=state, generation=generation)).health
    if found is HEALTHY:
        assert rolled_out(kind, generation, state) is not False
    assert (found is DEGRADED) == (generation <= state.observed_generation and DEADLINE in state.conditions)


def consistent(state: WorkloadState, available: int, ready: int, replicas: int) -> WorkloadState:
    """The same with numbers that a controller could write: nothing surplus, none available that is not ready."""
    low, middle, high = sorted((available, ready, replicas))
    updated = min(state.updated, high)
    return structs.replace(
        state, available=low, ready=middle, replicas=high, desired=high, updated=updated, conditions=()
    )


@given(st.sampled_from([DEPLOYMENT, DAEMON_SET]), st.builds(consistent, WORKLOADS, NUMBERS, NUMBERS, NUMBERS))
@settings(max_examples=200)
def test_what_kubectl_calls_rolled_out_is_healthy(kind: Kind, state: WorkloadState) -> None:
    if rolled_out(kind, 1, state):
        assert assess(make(kind, "x", state=state)).health is HEALTHY


# Of several


ORDER = [HEALTHY, SUSPENDED, PROGRESSING, Health.MISSING, DEGRADED, Health.UNKNOWN]


def test_the_order_is_argo_cds() -> None:
    assert list(Health) == ORDER


@given(st.lists(st.sampled_from(ORDER)))
def test_the_worst_is_the_last_in_the_order(healths: list[Health]) -> None:
    assert worst(healths) is (max(healths, key=ORDER.index) if healths else HEALTHY)
