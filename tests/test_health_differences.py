"""docs/health.md says where health is meant to differ from others: each row holds, and no difference has no row."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.health import Health, assess
from kubediscovery.health_pods import is_stuck
from kubediscovery.kinds import Kind
from kubediscovery.objects import (
    Condition,
    ContainerTrouble,
    CronJobState,
    JobState,
    Object,
    Phase,
    PodState,
    State,
    StatusState,
    WorkloadState,
)
from tests.objects import (
    AVAILABLE,
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    JOB,
    POD,
    REPLICA_SET,
    RUNNING_JOB,
    RUNNING_POD,
    STATEFUL_SET,
    WAITING_CRON_JOB,
    WORKLOAD,
    make,
)
from tests.references import DONE, argo_cd, held, kstatus, kubectl
from tests.test_health_kinds import (
    API_SERVICE,
    ATTACHMENT,
    AUTOSCALER,
    BUDGET,
    CLAIM,
    CONTROLLER,
    DEFINITION,
    GATEWAY,
    INGRESS,
    KAFKA,
    NODE,
    ROUTE,
    SERVICE,
    VOLUME,
    balancer,
    status,
)

DOCUMENT = Path(__file__).parent.parent / "docs" / "health.md"
# kstatus's words in ours.
WORDS = {
    "Current": Health.HEALTHY,
    "InProgress": Health.PROGRESSING,
    "Failed": Health.DEGRADED,
    "Terminating": Health.PROGRESSING,
    "Unknown": Health.UNKNOWN,
}

WAITING = ContainerTrouble("app", Phase.WAITING, False, "", "", 0, "", 0, terminated_before=False)
PULLING = structs.replace(WAITING, reason="ErrImagePull")
LOOPING = structs.replace(WAITING, reason="CrashLoopBackOff", last_exit_code=1, terminated_before=True)
QUOTA = Condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota")
UPDATING = Condition("Progressing", "True", "ReplicaSetUpdated", "")
LATE = Condition("Progressing", "False", "ProgressDeadlineExceeded", "")
REPORTED = Condition("Progressing", "True", "NewReplicaSetAvailable", "")
UNSCHEDULABLE = Condition("PodScheduled", "False", "Unschedulable", "0/2 nodes")
OLD_PODS = structs.replace(WORKLOAD, strategy="OnDelete", updated=0)


class Difference(NamedTuple):
    """A row of the document: its example, and whether it explains why kstatus says something else of an object."""

    title: str
    example: Object
    explains: Callable[[Object], bool]


def row(title: str, kind: Kind, state: State, explains: Callable[..., bool] | None = None) -> Difference:
    def of_the_kind(item: Object) -> bool:
        # What is convention is so of every kind whose own rule has nothing to say.
        is_meant = item.kind == kind or (kind == KAFKA and isinstance(item.state, StatusState))
        return is_meant and explains is not None and explains(item.state)

    return Difference(title, make(kind, "x", state=state), of_the_kind)


def pod(*troubles: ContainerTrouble, **changes: object) -> PodState:
    return structs.replace(RUNNING_POD, is_ready=False, ready=0, troubles=troubles, **changes)


def is_in_trouble(state: PodState) -> bool:
    return any(is_stuck(trouble) or trouble.terminated_before for trouble in state.troubles)


def says(type_: str, *statuses: str) -> Callable[[StatusState], bool]:
    return lambda state: any(held(state.conditions, type_, found) is not None for found in statuses)


def has_phase(phase: str) -> Callable[[StatusState], bool]:
    return lambda state: state.phase == phase


def counts(state: StatusState) -> bool:
    return -1 < state.ready < state.desired


def lacks_address(state: StatusState) -> bool:
    return "address" not in dict(state.flags)


def always(_: object) -> bool:
    return True


TABLE = (
    row("A paused Deployment", DEPLOYMENT, structs.replace(WORKLOAD, paused=True), lambda state: state.paused),
    row(
        "A Deployment whose pods are refused, as by a quota",
        DEPLOYMENT,
        structs.replace(WORKLOAD, replicas=1, updated=1, ready=1, available=1, conditions=(AVAILABLE, QUOTA)),
        lambda state: held(state.conditions, "ReplicaFailure") is not None,
    ),
    row(
        "A Deployment with all pods, not yet reported as available",
        DEPLOYMENT,
        structs.replace(WORKLOAD, progress_deadline=600, conditions=(AVAILABLE, UPDATING)),
    ),
    row(
        "A Deployment that nobody has observed yet",
        DEPLOYMENT,
        structs.replace(WORKLOAD, observed_generation=0),
        lambda state: not state.observed_generation,
    ),
    row(
        "A status about a later generation",
        DEPLOYMENT,
        structs.replace(WORKLOAD, observed_generation=2),
    ),
    row(
        "A ReplicaSet whose pods are refused",
        REPLICA_SET,
        structs.replace(WORKLOAD, replicas=0, updated=0, ready=0, available=0, conditions=(QUOTA,)),
        lambda state: held(state.conditions, "ReplicaFailure") is not None,
    ),
    row(
        "A ReplicaSet that nobody has observed yet",
        REPLICA_SET,
        structs.replace(WORKLOAD, observed_generation=0),
        lambda state: not state.observed_generation,
    ),
    row("A ReplicaSet with a pod that is to go", REPLICA_SET, structs.replace(WORKLOAD, replicas=3)),
    row(
        "A StatefulSet that nobody has observed yet",
        STATEFUL_SET,
        structs.replace(WORKLOAD, strategy="RollingUpdate", observed_generation=0),
        lambda state: not state.observed_generation,
    ),
    row(
        "A StatefulSet of OnDelete with a pod that is not ready",
        STATEFUL_SET,
        structs.replace(WORKLOAD, strategy="OnDelete", ready=1),
        lambda state: state.strategy == "OnDelete" and (state.ready < state.desired or state.replicas != state.desired),
    ),
    row(
        "A StatefulSet with all pods updated, its revision not yet reported as current",
        STATEFUL_SET,
        structs.replace(WORKLOAD, strategy="RollingUpdate", current=0, current_revision="a", update_revision="b"),
        lambda state: (
            not state.partition and (state.current < state.desired or state.current_revision != state.update_revision)
        ),
    ),
    row(
        "A DaemonSet of OnDelete with old pods",
        DAEMON_SET,
        OLD_PODS,
        lambda state: state.strategy == "OnDelete" and state.updated < state.desired,
    ),
    row("A DaemonSet of OnDelete with a pod that is not available", DAEMON_SET, structs.replace(OLD_PODS, available=1)),
    row("A running Job", JOB, RUNNING_JOB, lambda state: state.started),
    row(
        "A suspended Job",
        JOB,
        structs.replace(RUNNING_JOB, suspended=True, conditions=(Condition("Suspended", "True", "JobSuspended", ""),)),
        lambda state: state.suspended,
    ),
    row(
        "A Job just suspended, its controller has not said so yet",
        JOB,
        structs.replace(RUNNING_JOB, suspended=True, started=False),
    ),
    row(
        "A suspended CronJob",
        CRON_JOB,
        structs.replace(WAITING_CRON_JOB, suspended=True),
        lambda state: state.suspended,
    ),
    row(
        "A CronJob whose last run failed",
        CRON_JOB,
        structs.replace(WAITING_CRON_JOB, last_schedule=9, last_success=5),
        lambda state: state.last_success < state.last_schedule,
    ),
    row("A CronJob that has never succeeded", CRON_JOB, structs.replace(WAITING_CRON_JOB, last_schedule=9)),
    row("A failed Pod", POD, pod(phase="Failed"), lambda state: state.phase == "Failed"),
    row("A Pod whose image cannot be pulled", POD, pod(PULLING, phase="Pending"), is_in_trouble),
    row(
        "A Pod whose init container crashes again and again",
        POD,
        pod(structs.replace(LOOPING, init=True), phase="Pending"),
    ),
    row(
        "A Pod running again after a crash, not ready",
        POD,
        pod(structs.replace(LOOPING, phase=Phase.RUNNING, reason="")),
    ),
    row(
        "A Pod of a Job that crashes again and again",
        POD,
        pod(LOOPING, restart_policy="OnFailure"),
    ),
    row("A Pod that is ready, and may end", POD, structs.replace(RUNNING_POD, restart_policy="OnFailure")),
    row("A Pod without a node after 15 s", POD, pod(phase="Pending", conditions=(UNSCHEDULABLE,), overdue=True)),
    row("A PersistentVolumeClaim whose volume is lost", CLAIM, status(phase="Lost"), has_phase("Lost")),
    row("A PersistentVolume that failed", VOLUME, status(phase="Failed"), has_phase("Failed")),
    row("A PersistentVolume that is being made", VOLUME, status(phase="Pending"), has_phase("Pending")),
    row("A VolumeAttachment with an error", ATTACHMENT, status(flags={"error": "no"}), always),
    row("A VolumeAttachment that is not attached", ATTACHMENT, status(flags={"attached": "false"}), always),
    row("A Service of type LoadBalancer without address", SERVICE, balancer(clusterIP="10.0.0.1"), lacks_address),
    row("An Ingress without address", INGRESS, status(), lacks_address),
    row(
        "A HorizontalPodAutoscaler without metrics",
        AUTOSCALER,
        status("AbleToScale=True", "ScalingActive=False:FailedGetResourceMetric"),
        always,
    ),
    row("A HorizontalPodAutoscaler that has not scaled yet", AUTOSCALER, status(), always),
    row(
        "A PodDisruptionBudget that cannot be computed",
        BUDGET,
        status("DisruptionAllowed=False:SyncFailed"),
        lambda state: any(found.status == "False" for found in state.conditions),
    ),
    row("A PodDisruptionBudget without conditions", BUDGET, status()),
    row(
        "A CustomResourceDefinition without a structural schema",
        DEFINITION,
        status("NonStructuralSchema=True", "Established=True"),
        says("NonStructuralSchema", "True"),
    ),
    row("An APIService that does not answer", API_SERVICE, status("Available=False"), always),
    row("A Node that is lost", NODE, status("Ready=Unknown"), says("Ready", "Unknown")),
    row(
        "A Node short of memory, disk or processes, or without network",
        NODE,
        status("MemoryPressure=True", "Ready=True"),
        lambda state: any(
            says(f"{short}", "True")(state)
            for short in ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
        ),
    ),
    row(
        "A cordoned Node",
        NODE,
        status("Ready=True", flags={"unschedulable": "true"}),
        lambda state: ("unschedulable", "true") in state.flags,
    ),
    row(
        "A ReplicationController whose pods are refused",
        CONTROLLER,
        structs.replace(WORKLOAD, conditions=(QUOTA,)),
        always,
    ),
    row(
        "A ReplicationController with fewer pods ready than wanted",
        CONTROLLER,
        structs.replace(WORKLOAD, ready=1),
        always,
    ),
    row("A refused Gateway", GATEWAY, status("Accepted=False"), always),
    row("A Gateway that is not programmed yet", GATEWAY, status("Accepted=True", "Programmed=False"), always),
    row("A Gateway that no controller has seen", GATEWAY, status(), always),
    row("A Route with a backend that is not there", ROUTE, status("Accepted=True", "ResolvedRefs=False"), always),
    row(
        "A suspended custom object",
        KAFKA,
        status("Ready=False", flags={"suspended": "true"}),
        lambda state: ("suspended", "true") in state.flags,
    ),
    row(
        "A custom object with the condition Degraded",
        KAFKA,
        status("Degraded=True", "Ready=True"),
        says("Degraded", "True"),
    ),
    row(
        "A custom object that missed its progress deadline",
        KAFKA,
        status("Progressing=False:ProgressDeadlineExceeded"),
        lambda state: (
            (found := held(state.conditions, "Progressing", "False")) is not None
            and found.reason == "ProgressDeadlineExceeded"
        ),
    ),
    row(
        "A custom object that is not available", KAFKA, status("Available=False"), says("Available", "False", "Unknown")
    ),
    row("A custom object that is progressing", KAFKA, status("Progressing=True"), says("Progressing", "True")),
    row("A custom object with fewer replicas ready than wanted", KAFKA, status(desired=3, ready=1), counts),
)
BY_TITLE = {difference.title: difference for difference in TABLE}


def documented() -> dict[str, tuple[str, ...]]:
    """The rows of the document's table: what, what the three others say, what is said here."""
    lines = re.findall(r"^\| (.+) \|$", DOCUMENT.read_text().partition("## Differences")[2], re.MULTILINE)
    rows = [tuple(cell.strip() for cell in line.split(" | ")) for line in lines]
    return {cells[0]: cells[1:] for cells in rows[1:] if not cells[0].startswith("-")}


ROWS = documented()


def test_the_document_has_the_rows_of_this_table_and_no_other() -> None:
    assert list(ROWS) == [difference.title for difference in TABLE]


@pytest.mark.parametrize("title", list(BY_TITLE))
def test_a_row_holds_for_its_example(title: str) -> None:
    item = BY_TITLE[title].example
    assert ROWS[title][:4] == (kstatus(item), argo_cd(item), kubectl(item), assess(item).health.value)
    assert len(ROWS[title][4]) > 10, "a row says why"


@pytest.mark.parametrize("title", list(BY_TITLE))
def test_a_row_is_a_difference(title: str) -> None:
    item = BY_TITLE[title].example
    health = assess(item).health
    argo = argo_cd(item)
    differs_from_kubectl = (kubectl(item) == DONE) != (health is Health.HEALTHY) and kubectl(item) != "-"
    assert WORDS[kstatus(item)] is not health or argo not in ("-", health) or differs_from_kubectl


NUMBERS = st.integers(0, 3)
STATUSES = st.sampled_from(["True", "False", "Unknown"])


def conditions(*types: str) -> st.SearchStrategy[tuple[Condition, ...]]:
    reasons = st.sampled_from(["", "NewReplicaSetAvailable", "ProgressDeadlineExceeded", "Installing", "SyncFailed"])
    one = st.builds(
        Condition, st.sampled_from([*types, "Ready", "Reconciling", "Stalled"]), STATUSES, reasons, st.just("")
    )
    return st.lists(one, max_size=3, unique_by=lambda found: found.type).map(tuple)


# The conditions that the controllers of these kinds write, beside those that anybody may.
WRITTEN = {
    DEPLOYMENT: ("Available", "Progressing", "ReplicaFailure"),
    REPLICA_SET: ("ReplicaFailure",),
    CONTROLLER: ("ReplicaFailure",),
}


def possible(state: WorkloadState, kind: Kind) -> WorkloadState:
    """The nearest that the kind's controller could write."""
    written = ("Ready", "Reconciling", "Stalled", *WRITTEN.get(kind, ()))
    return structs.replace(
        state,
        updated=min(state.updated, state.replicas) if kind == REPLICA_SET else state.updated,
        paused=state.paused and kind == DEPLOYMENT,
        conditions=tuple(found for found in state.conditions if found.type in written),
    )


WORKLOADS = st.builds(
    WorkloadState,
    desired=NUMBERS,
    replicas=NUMBERS,
    updated=NUMBERS,
    ready=NUMBERS,
    available=NUMBERS,
    observed_generation=NUMBERS,
    images=st.just(()),
    conditions=conditions("Available", "Progressing", "ReplicaFailure")
    | st.lists(st.sampled_from([AVAILABLE, REPORTED, UPDATING, LATE, QUOTA]), max_size=2, unique=True).map(tuple),
    current=NUMBERS,
    paused=st.booleans(),
    progress_deadline=st.sampled_from([0, 600, 2**31 - 1]),
    strategy=st.sampled_from(["RollingUpdate", "OnDelete"]),
    partition=NUMBERS,
    current_revision=st.sampled_from("ab"),
    update_revision=st.sampled_from("ab"),
)
TROUBLES = st.builds(
    ContainerTrouble,
    name=st.just("app"),
    phase=st.sampled_from(Phase),
    init=st.booleans(),
    reason=st.sampled_from(["", "CrashLoopBackOff", "ErrImagePull", "ContainerCreating", "Error"]),
    message=st.just(""),
    exit_code=st.integers(0, 1),
    last_reason=st.just(""),
    last_exit_code=st.integers(0, 1),
    terminated_before=st.booleans(),
)
PODS = st.builds(
    PodState,
    phase=st.sampled_from(["", "Pending", "Running", "Succeeded", "Failed", "Unknown", "Weird"]),
    restart_policy=st.sampled_from(["Always", "Never", "OnFailure"]),
    ready=NUMBERS,
    total=NUMBERS,
    restarts=NUMBERS,
    images=st.just(()),
    is_ready=st.booleans(),
    conditions=st.lists(st.sampled_from([UNSCHEDULABLE, Condition("Ready", "False", "", "")]), max_size=2).map(tuple),
    troubles=st.lists(TROUBLES, max_size=2).map(tuple),
    overdue=st.booleans(),
    observed_generation=st.integers(-1, 2),
)
JOBS = st.builds(
    JobState,
    completions=NUMBERS,
    parallelism=NUMBERS,
    suspended=st.booleans(),
    active=NUMBERS,
    succeeded=NUMBERS,
    failed=NUMBERS,
    ready=NUMBERS,
    started=st.booleans(),
    images=st.just(()),
    # A job ends once, in one way.
    conditions=conditions("Complete", "Suspended") | conditions("Failed", "Suspended"),
)
CRON_JOBS = st.builds(CronJobState, st.just(""), st.booleans(), NUMBERS, NUMBERS, NUMBERS, st.just(()))
FLAGS = st.dictionaries(
    st.sampled_from(["type", "clusterIP", "address", "unschedulable", "suspended", "attached", "error"]),
    st.sampled_from(["true", "false", "LoadBalancer"]),
).map(lambda flags: tuple(sorted(flags.items())))
STATUS_STATES = st.builds(
    StatusState,
    observed_generation=st.integers(-1, 2),
    conditions=conditions(
        *("Available", "Progressing", "Degraded", "Accepted", "Programmed", "ResolvedRefs", "NamesAccepted"),
        *("Established", "NonStructuralSchema", "DisruptionAllowed", "MemoryPressure"),
    ),
    phase=st.sampled_from(["", "Bound", "Pending", "Lost", "Failed", "Available"]),
    desired=st.integers(-1, 3),
    ready=st.integers(-1, 3),
    flags=FLAGS,
)
WITH_STATUS = list(dict.fromkeys(found.example.kind for found in TABLE if isinstance(found.example.state, StatusState)))


def items(kinds: list[Kind], states: st.SearchStrategy[State]) -> st.SearchStrategy[Object]:
    made = st.builds(
        lambda kind, state, generation, deleting: make(
            kind, "x", state=state, generation=generation, deleting=deleting
        ),
        st.sampled_from(kinds),
        states,
        st.integers(1, 2),
        st.sampled_from([False, False, False, True]),
    )
    return made.map(
        lambda item: (
            structs.replace(item, state=possible(item.state, item.kind))
            if isinstance(item.state, WorkloadState)
            else item
        )
    )


ITEMS = st.one_of(
    items([DEPLOYMENT, REPLICA_SET, CONTROLLER, STATEFUL_SET, DAEMON_SET], WORKLOADS),
    items([POD], PODS),
    items([JOB], JOBS),
    items([CRON_JOB], CRON_JOBS),
    items(WITH_STATUS, STATUS_STATES),
)


@given(ITEMS)
@settings(max_examples=1500)
def test_wherever_health_is_not_what_kstatus_says_a_row_explains_it(item: Object) -> None:
    if assess(item).health is not WORDS[kstatus(item)]:
        assert any(difference.explains(item) for difference in TABLE)


@given(items([DEPLOYMENT, STATEFUL_SET, DAEMON_SET], WORKLOADS))
@settings(max_examples=500)
def test_nothing_is_healthy_that_kubectl_still_waits_for(item: Object) -> None:
    if assess(item).health is Health.HEALTHY:
        assert kubectl(item) != "waits"
