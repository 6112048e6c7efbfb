"""The verdict on a rollout, for each kind and each way to fail."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.kinds import Kind
from kubediscovery.objects import (
    Condition,
    ContainerTrouble,
    CronJobState,
    Object,
    Phase,
    PodState,
    RevisionState,
    WorkloadState,
)
from kubediscovery.outcome import REVISION_LABEL, Rollout, RolloutState
from kubediscovery.rollout import rollout_below
from tests.objects import (
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    FLEET,
    JOB,
    OTHER_DEPLOYMENT,
    POD,
    REPLICA_SET,
    REVISION,
    RUNNING_JOB,
    RUNNING_POD,
    STATEFUL_SET,
    STATES,
    WAITING_CRON_JOB,
    WORKLOAD,
    by_owner,
    make,
)

BACK_OFF = "back-off 10s restarting failed container"
QUOTA = 'pods "web-3-x" is forbidden: exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2'
NO_NODE = "0/2 nodes are available: 2 Insufficient cpu."


def trouble(reason: str = "", *, phase: Phase = Phase.WAITING, **fields: Any) -> ContainerTrouble:
    """A container that waits, or does something else, of which nothing else is known."""
    plain = ContainerTrouble(
        name="app",
        phase=phase,
        init=False,
        reason=reason,
        message="",
        exit_code=0,
        last_reason="",
        last_exit_code=0,
        terminated_before=False,
    )
    return structs.replace(plain, **fields)


CRASHING = trouble(
    "CrashLoopBackOff", message=BACK_OFF, last_reason="OOMKilled", last_exit_code=137, terminated_before=True
)
RESTARTED = trouble(phase=Phase.RUNNING, last_reason="Error", last_exit_code=1, terminated_before=True)
NOT_READY = Condition("Ready", "False", "ContainersNotReady", "containers with unready status: [app]")
UNSCHEDULABLE = Condition("PodScheduled", "False", "Unschedulable", NO_NODE)


def unready(*troubles: ContainerTrouble, **fields: Any) -> PodState:
    """A pod that is not ready."""
    plain = structs.replace(RUNNING_POD, ready=0, is_ready=False, conditions=(NOT_READY,), troubles=troubles)
    return structs.replace(plain, **fields)


def workload(**fields: Any) -> WorkloadState:
    """Two of two pods, of revision 3."""
    return structs.replace(WORKLOAD, revision="3", strategy="RollingUpdate", **fields)


def pod(name: str, owner: Object, state: PodState = RUNNING_POD, revision: str = "", **fields: Any) -> Object:
    labels = ((REVISION_LABEL, revision),) if revision else ()
    return make(POD, name, owners=[owner], state=state, labels=labels, **fields)


class Deployed:
    """A Deployment at revision 3 with a former ReplicaSet; pods are added to either."""

    def __init__(self, *, generation: int = 1, deleting: bool = False, **state: Any) -> None:
        self.root = make(DEPLOYMENT, "web", state=workload(**state), generation=generation, deleting=deleting)
        self.new = make(REPLICA_SET, "web-3", owners=[self.root], state=workload())
        self.former = make(REPLICA_SET, "web-2", owners=[self.root], state=structs.replace(workload(), revision="2"))
        self.pods: list[Object] = []

    def add(self, state: PodState = RUNNING_POD, *, former: bool = False, **fields: Any) -> "Deployed":
        owner = self.former if former else self.new
        self.pods.append(pod(f"{owner.name}-{len(self.pods)}", owner, state, **fields))
        return self

    def verdict(self) -> Rollout:
        return judged(self.root, [self.new, self.former, *self.pods])


def verdict(root: Object, members: Sequence[Object]) -> Rollout | None:
    return rollout_below(root, by_owner(members))


def judged(root: Object, members: Sequence[Object]) -> Rollout:
    found = verdict(root, members)
    assert found is not None
    # Neither the order of what is below it nor the root among it changes anything.
    assert found == verdict(root, [root, *reversed(members)])
    return found


def test_a_deployment_is_complete() -> None:
    found = Deployed(conditions=(Condition("Progressing", "True", "NewReplicaSetAvailable", ""),)).add().add().verdict()
    assert (found.state, found.reason, found.revision) == ("Complete", "NewReplicaSetAvailable", "3")
    assert (found.desired, found.updated, found.ready, found.available) == (2, 2, 2, 2)
    assert (found.old, found.terminating, found.culprit) == (0, 0, None)
    assert found.revisions is not None
    (row,) = found.revisions
    assert (row.revision, row.images, row.pods, row.ready) == ("3", ("nginx:1.27",), 2, 2)


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        ({"updated": 1}, "PodsNotUpdated", "1 of 2 pods updated"),
        ({"replicas": 3}, "OldPodsLeft", "3 pods, 2 of them updated"),
        ({"available": 1}, "PodsNotAvailable", "1 of 2 pods available"),
        ({"ready": 1}, "PodsNotReady", "1 of 2 pods ready"),
        ({"replicas": 3, "updated": 3}, "PodsSurplus", "3 pods of 2 wanted"),
        ({"observed_generation": 0}, "GenerationNotObserved", "not been seen"),
    ],
)
def test_a_deployment_goes_on_as_kubectl_says(state: dict[str, Any], reason: str, words: str) -> None:
    """With its pods, and for who may not see them."""
    for seen in (Deployed(**state).add().add().verdict(), judged(Deployed(**state).root, [])):
        assert (seen.state, seen.reason, seen.culprit) == ("Progressing", reason, None)
        assert words in seen.message


def test_a_change_that_was_not_seen_yet_goes_before_everything() -> None:
    found = Deployed(observed_generation=6, generation=7, paused=True).add(unready(CRASHING)).verdict()
    assert (found.state, found.reason) == ("Progressing", "GenerationNotObserved")
    found = Deployed(observed_generation=6, generation=7, deleting=True).verdict()
    assert (found.state, found.reason) == ("Progressing", "Terminating")


def test_a_paused_deployment_is_paused() -> None:
    found = Deployed(paused=True, updated=1).add(unready(CRASHING)).verdict()
    assert (found.state, found.reason) == ("Paused", "DeploymentPaused")


BROKEN = [
    (unready(CRASHING, restarts=4), "CrashLoopBackOff", ["web-3-0", "container app", BACK_OFF, "137", "OOMKilled"]),
    (unready(structs.replace(CRASHING, init=True)), "CrashLoopBackOff", ["init container app"]),
    (unready(trouble("ImagePullBackOff", message='Back-off pulling image "x"')), "ImagePullBackOff", ["pulling"]),
    (unready(trouble("ErrImagePull")), "ErrImagePull", ["web-3-0"]),
    (unready(trouble("ErrImageNeverPull")), "ErrImageNeverPull", []),
    (unready(trouble("InvalidImageName")), "InvalidImageName", []),
    (
        unready(trouble("CreateContainerConfigError", message="no such secret")),
        "CreateContainerConfigError",
        ["no such"],
    ),
    (unready(trouble("RunContainerError")), "RunContainerError", []),
    (unready(RESTARTED, restarts=2), "Error", ["exit code 1"]),
    (
        unready(structs.replace(RESTARTED, phase=Phase.TERMINATED, reason="OOMKilled", exit_code=9), restarts=3),
        "OOMKilled",
        ["exit code 9"],
    ),
]


@pytest.mark.parametrize(
    ("state", "reason", "words"), BROKEN, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_new_pod_that_will_not_come_right_fails_the_rollout(state: PodState, reason: str, words: list[str]) -> None:
    found = Deployed(updated=1, ready=1).add(state).add().verdict()
    assert (found.state, found.reason) == ("Failed", reason)
    assert found.culprit is not None
    assert (found.culprit.kind, found.culprit.namespace, found.culprit.name) == ("Pod", "shop", "web-3-0")
    assert (found.culprit.container, found.culprit.message) == ("app", found.message)
    assert [word for word in words if word not in found.message] == []


def test_the_culprit_tells_how_its_container_ended() -> None:
    culprit = Deployed(ready=1).add(unready(CRASHING, restarts=4)).verdict().culprit
    assert culprit is not None
    assert (culprit.exit_code, culprit.last_reason, culprit.restarts) == (137, "OOMKilled", 4)


def test_a_pod_that_no_node_takes_fails_the_rollout_in_the_schedulers_words() -> None:
    waiting = unready(phase="Pending", conditions=(NOT_READY, UNSCHEDULABLE), overdue=True)
    found = Deployed(ready=1, available=1).add(waiting).add().verdict()
    assert (found.state, found.reason, found.message) == ("Failed", "Unschedulable", f"pod web-3-0: {NO_NODE}")
    gated = Condition("PodScheduled", "False", "SchedulingGated", "")
    found = Deployed(ready=1).add(unready(phase="Pending", conditions=(gated,), overdue=True)).add().verdict()
    assert found.state == "Progressing"


@pytest.mark.parametrize(
    "state",
    [
        unready(),
        unready(trouble("ContainerCreating")),
        unready(trouble("PodInitializing")),
        unready(trouble(phase=Phase.RUNNING)),
        unready(RESTARTED, restarts=1),
        unready(trouble(phase=Phase.TERMINATED, exit_code=1, reason="Error")),
        unready(phase="Pending", conditions=(UNSCHEDULABLE,)),
        unready(phase="Failed", reason="Evicted", troubles=(CRASHING,)),
    ],
)
def test_a_slow_start_is_no_failure(state: PodState) -> None:
    found = Deployed(ready=1, available=1).add(state).add().verdict()
    assert (found.state, found.culprit) == ("Progressing", None)


def test_what_goes_on_names_the_pod_that_is_waited_for() -> None:
    found = Deployed(ready=1, available=1).add(unready(trouble(phase=Phase.RUNNING))).add().verdict()
    assert "pod web-3-0: containers with unready status: [app]" in found.message


def test_an_old_pod_that_fails_is_not_the_rollouts_failure() -> None:
    found = Deployed(replicas=3).add().add().add(unready(CRASHING, restarts=9), former=True).verdict()
    assert (found.state, found.old) == ("Progressing", 1)


def test_the_new_revision_has_no_pods_yet() -> None:
    found = Deployed(updated=0).add(unready(CRASHING, restarts=9), former=True).verdict()
    assert (found.state, found.reason, found.old) == ("Progressing", "PodsNotUpdated", 1)


def test_old_pods_that_terminate_are_counted_and_waited_for() -> None:
    found = Deployed().add().add().add(former=True, deleting=True).verdict()
    assert (found.state, found.reason, found.old, found.terminating) == ("Progressing", "OldPodsTerminating", 0, 1)
    assert found.revisions is not None
    assert [(row.revision, row.pods, row.terminating) for row in found.revisions] == [("2", 1, 1), ("3", 2, 0)]


def test_new_pods_that_terminate_after_a_scale_down_are_not_waited_for() -> None:
    assert Deployed().add().add().add(deleting=True).verdict().state == "Complete"


def test_an_old_pod_keeps_a_rollout_from_being_complete_whatever_the_status_says() -> None:
    assert (Deployed().add().add().add(former=True).verdict().reason) == "OldPodsLeft"
    assert (Deployed().add().add(unready()).verdict().reason) == "PodsNotReady"


def test_old_pods_that_failed_are_no_pods_any_more() -> None:
    found = Deployed().add().add().add(unready(phase="Failed"), former=True).verdict()
    assert (found.state, found.old) == ("Complete", 0)
    assert found.revisions is not None
    assert sum(row.pods for row in found.revisions) == 3


def refused(revision: str = "3") -> WorkloadState:
    condition = Condition("ReplicaFailure", "True", "FailedCreate", QUOTA)
    return structs.replace(workload(conditions=(condition,)), revision=revision)


def test_a_quota_refuses_the_new_replica_set() -> None:
    deployed = Deployed(updated=1)
    deployed.new = structs.replace(deployed.new, state=refused())
    found = deployed.add().verdict()
    assert (found.state, found.reason, found.message) == ("Failed", "FailedCreate", QUOTA)
    assert found.culprit is not None
    assert (found.culprit.kind, found.culprit.name) == ("ReplicaSet", "web-3")


def test_what_an_old_replica_set_is_refused_is_not_the_rollouts_failure() -> None:
    deployed = Deployed(updated=1, conditions=refused().conditions)
    deployed.former = structs.replace(deployed.former, state=refused("2"))
    assert deployed.add().verdict().state == "Progressing"


def test_who_may_not_see_replica_sets_is_told_what_the_deployment_says() -> None:
    found = judged(Deployed(updated=1, conditions=refused().conditions).root, [])
    assert (found.state, found.reason, found.revisions, found.old) == ("Failed", "FailedCreate", None, 1)
    assert found.culprit is not None
    assert (found.culprit.kind, found.culprit.name) == ("Deployment", "web")


def test_after_the_deadline_the_pod_that_is_not_ready_is_to_blame() -> None:
    late = Condition(
        "Progressing", "False", "ProgressDeadlineExceeded", 'ReplicaSet "web-3" has timed out progressing.'
    )
    deployed = Deployed(ready=1, available=1, conditions=(late,)).add(unready(trouble(phase=Phase.RUNNING))).add()
    found = deployed.verdict()
    assert (found.state, found.reason) == ("Failed", "ProgressDeadlineExceeded")
    assert found.culprit is not None
    assert (found.culprit.name, found.culprit.reason, found.culprit.container) == (
        "web-3-0",
        "ContainersNotReady",
        "app",
    )
    hidden = judged(deployed.root, [])
    assert hidden.culprit is not None
    assert (hidden.state, hidden.culprit.kind) == ("Failed", "Deployment")


def test_containers_that_fail_are_named_before_pods_that_wait() -> None:
    late = Condition("Progressing", "False", "ProgressDeadlineExceeded", "")
    waiting = unready(phase="Pending", conditions=(UNSCHEDULABLE,))
    culprit = Deployed(ready=0, conditions=(late,)).add(waiting).add(unready(CRASHING)).verdict().culprit
    assert culprit is not None
    assert culprit.name == "web-3-1"


def stateful(**state: Any) -> Object:
    fields = {"update_revision": "db-b", "current_revision": "db-b", "strategy": "RollingUpdate"} | state
    return make(STATEFUL_SET, "db", state=structs.replace(WORKLOAD, **fields))


def test_a_stateful_set_is_complete() -> None:
    root = stateful()
    found = judged(root, [pod("db-0", root, revision="db-b"), pod("db-1", root, revision="db-b")])
    assert (found.state, found.revision, found.old) == ("Complete", "db-b", 0)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"replicas": 1}, "PodsMissing"),
        ({"ready": 1}, "PodsNotReady"),
        ({"available": 1}, "PodsNotAvailable"),
        ({"updated": 1, "current_revision": "db-a"}, "PodsNotUpdated"),
        ({"replicas": 3}, "PodsSurplus"),
        ({"current_revision": "db-a"}, "RevisionNotCurrent"),
        ({"observed_generation": 0}, "GenerationNotObserved"),
        ({"partition": 1, "updated": 0, "current_revision": "db-a"}, "PodsNotUpdated"),
    ],
)
def test_a_stateful_set_goes_on(state: dict[str, Any], reason: str) -> None:
    found = judged(stateful(**state), [])
    assert (found.state, found.reason) == ("Progressing", reason)


def test_a_partition_is_complete_with_what_it_keeps_back() -> None:
    root = stateful(partition=1, updated=1, current_revision="db-a")
    kept, updated = pod("db-0", root, revision="db-a"), pod("db-1", root, revision="db-b")
    for members in ([kept, updated], []):
        found = judged(root, members)
        assert (found.state, found.reason, found.old) == ("Complete", "PartitionReached", 1)
    found = judged(root, [kept, updated, pod("db-2", root, revision="db-a")])
    assert (found.state, found.reason) == ("Progressing", "OldPodsLeft")
    assert judged(stateful(partition=5, updated=0, current_revision="db-a"), []).state == "Complete"


def test_pods_that_nobody_deletes_pause_a_rollout_on_delete() -> None:
    root = stateful(strategy="OnDelete", updated=1, current_revision="db-a")
    members = [pod("db-0", root, revision="db-a"), pod("db-1", root, revision="db-b")]
    for seen in (members, []):
        found = judged(root, seen)
        assert (found.state, found.reason, found.old) == ("Paused", "OnDelete", 1)
    broken = [members[0], pod("db-1", root, unready(CRASHING), revision="db-b")]
    assert judged(root, broken).state == "Failed"
    done = stateful(strategy="OnDelete", current_revision="db-a")
    assert judged(done, [pod("db-0", done, revision="db-b")]).state == "Complete"


def test_the_first_broken_pod_of_a_stateful_set_is_to_blame() -> None:
    root = stateful(ready=0, replicas=11)
    broken = [pod(f"db-{number}", root, unready(CRASHING), revision="db-b") for number in (10, 9)]
    culprit = judged(root, broken).culprit
    assert culprit is not None
    assert culprit.name == "db-9"


def test_a_broken_pod_of_a_former_revision_blocks_a_stateful_set() -> None:
    root = stateful(updated=0, ready=1, current_revision="db-a")
    found = judged(root, [pod("db-0", root, unready(CRASHING), revision="db-a"), pod("db-1", root, revision="db-a")])
    assert (found.state, found.reason) == ("Failed", "CrashLoopBackOff")
    assert found.message.startswith("blocked by a pod of a former revision: pod db-0, container app")
    free = stateful(updated=0, ready=1, current_revision="db-a", parallel=True)
    assert judged(free, [pod("db-0", free, unready(CRASHING), revision="db-a")]).state == "Progressing"


def daemon(**state: Any) -> tuple[Object, list[Object]]:
    root = make(DAEMON_SET, "agent", state=structs.replace(WORKLOAD, **{"strategy": "RollingUpdate"} | state))
    revisions = [
        make(REVISION, f"agent-{name}", owners=[root], state=RevisionState(number), labels=((REVISION_LABEL, name),))
        for name, number in (("b", 10), ("a", 9))
    ]
    return root, revisions


def test_a_daemon_set_is_complete() -> None:
    root, revisions = daemon()
    found = judged(root, [*revisions, pod("agent-x", root, revision="b"), pod("agent-y", root, revision="b")])
    assert (found.state, found.revision, found.old) == ("Complete", "b", 0)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"updated": 1}, "PodsNotUpdated"),
        ({"replicas": 1}, "PodsMissing"),
        ({"available": 1}, "PodsNotAvailable"),
        ({"ready": 1}, "PodsNotReady"),
        ({"observed_generation": 0}, "GenerationNotObserved"),
    ],
)
def test_a_daemon_set_goes_on(state: dict[str, Any], reason: str) -> None:
    found = judged(daemon(**state)[0], [])
    assert (found.state, found.reason) == ("Progressing", reason)


def test_a_daemon_set_fails_at_its_new_pods_alone() -> None:
    root, revisions = daemon(updated=1, ready=1, available=1)
    new, old = (pod(f"agent-{name}", root, unready(CRASHING), revision=name) for name in ("b", "a"))
    assert judged(root, [*revisions, old]).state == "Progressing"
    failed = judged(root, [*revisions, old, new])
    assert (failed.state, failed.old, failed.culprit and failed.culprit.name) == ("Failed", 1, "agent-b")
    # Without the revisions nobody can say which pods are new.
    hidden = judged(root, [old, new])
    assert (hidden.state, hidden.revision, hidden.old) == ("Progressing", "", 1)
    assert hidden.revisions is not None
    assert len(hidden.revisions) == 2


def test_a_daemon_set_on_delete_waits_for_somebody() -> None:
    root, revisions = daemon(strategy="OnDelete", updated=1)
    found = judged(root, [*revisions, pod("agent-x", root, revision="a"), pod("agent-y", root, revision="b")])
    assert (found.state, found.reason, found.old) == ("Paused", "OnDelete", 1)


def job(*conditions: Condition, owner: Object | None = None, name: str = "once", **state: Any) -> Object:
    owners = [owner] if owner is not None else []
    created = state.pop("created", 1_700_000_000)
    return make(
        JOB, name, owners=owners, created=created, state=structs.replace(RUNNING_JOB, conditions=conditions, **state)
    )


FAILED = Condition("Failed", "True", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
DONE = Condition("Complete", "True", "CompletionsReached", "Reached expected number of succeeded pods")


@pytest.mark.parametrize(
    ("root", "state", "reason"),
    [
        (job(DONE), "Complete", "CompletionsReached"),
        (job(FAILED), "Failed", "BackoffLimitExceeded"),
        (job(structs.replace(FAILED, type="FailureTarget")), "Failed", "BackoffLimitExceeded"),
        (job(structs.replace(DONE, type="SuccessCriteriaMet")), "Progressing", "Running"),
        (job(structs.replace(FAILED, status="False")), "Progressing", "Running"),
        (job(suspended=True), "Paused", "JobSuspended"),
        (job(suspended=True, started=False), "Paused", "JobSuspended"),
        (job(started=False), "Progressing", "NotStarted"),
        (job(failed=2), "Progressing", "Running"),
        (structs.replace(job(), deleting=True), "Progressing", "Terminating"),
    ],
)
def test_a_job(root: Object, state: str, reason: str) -> None:
    found = judged(root, [])
    assert (found.state, found.reason, found.updated, found.available) == (state, reason, None, None)
    assert (found.desired, found.ready, found.active, found.succeeded) == (1, 1, 1, 0)
    assert (found.culprit is not None) == (state == "Failed")


def test_a_failed_job_names_the_pod_that_failed_last() -> None:
    root = job(FAILED, failed=2)
    ended = trouble("Error", phase=Phase.TERMINATED, exit_code=3)
    members = [
        pod("once-a", root, unready(ended, phase="Failed"), created=20),
        pod("once-b", root, unready(ended, phase="Failed"), created=10),
    ]
    found = judged(root, members)
    assert found.culprit is not None
    assert (found.culprit.name, found.culprit.exit_code, found.culprit.reason) == ("once-a", 3, "Error")
    assert found.message == f"{FAILED.message}; pod once-a, container app: it ended with exit code 3 (Error)"
    evicted = judged(root, [pod("once-a", root, unready(phase="Failed", reason="Evicted", message="no memory"))])
    assert evicted.culprit is not None
    assert (evicted.culprit.reason, evicted.culprit.message) == ("Evicted", "pod once-a: no memory")


def test_a_job_is_tried_again_but_not_without_an_image() -> None:
    root = job(failed=1)
    for state in (unready(CRASHING, restarts=3), unready(RESTARTED, restarts=3)):
        assert judged(root, [pod("once-a", root, state)]).state == "Progressing"
    found = judged(root, [pod("once-a", root, unready(trouble("ImagePullBackOff")))])
    assert (found.state, found.reason) == ("Failed", "ImagePullBackOff")


def test_a_cron_job_is_what_its_last_job_is() -> None:
    root = make(CRON_JOB, "tick", state=structs.replace(WAITING_CRON_JOB, active=1))
    jobs = [job(DONE, owner=root, name="tick-1", created=10), job(FAILED, owner=root, name="tick-2", created=20)]
    found = judged(root, jobs)
    assert (found.state, found.revision, found.reason) == ("Failed", "tick-2", "BackoffLimitExceeded")
    assert judged(root, jobs[:1]).state == "Complete"
    suspended = structs.replace(root, state=structs.replace(WAITING_CRON_JOB, suspended=True))
    assert (judged(suspended, jobs).state, judged(suspended, jobs).culprit) == ("Paused", None)


@pytest.mark.parametrize(
    ("state", "wanted", "reason"),
    [
        ({}, "Complete", "NotScheduled"),
        ({"active": 1}, "Progressing", "Running"),
        ({"last_schedule": 20, "last_success": 25}, "Complete", ""),
        ({"last_schedule": 20, "last_success": 15}, "Failed", "LastRunFailed"),
    ],
)
def test_who_may_not_see_jobs_is_told_what_the_cron_job_says(state: dict[str, Any], wanted: str, reason: str) -> None:
    found = judged(make(CRON_JOB, "tick", state=structs.replace(WAITING_CRON_JOB, **state)), [])
    assert (found.state, found.reason, found.revision) == (wanted, reason, "")


def test_nothing_else_is_rolled_out() -> None:
    for kind in (POD, REPLICA_SET, REVISION, FLEET, OTHER_DEPLOYMENT):
        assert verdict(make(kind, "x"), []) is None
    assert verdict(make(DEPLOYMENT, "x", state=RUNNING_POD), []) is None


ROLLED_OUT = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, JOB, CRON_JOB)
KIND = st.sampled_from([*ROLLED_OUT, OTHER_DEPLOYMENT])
NUMBER = st.integers(min_value=0, max_value=4)
WORD = st.sampled_from(["", "1", "2", "a", "b"])
TROUBLE = st.builds(
    ContainerTrouble,
    name=st.just("app"),
    phase=st.sampled_from(Phase),
    init=st.booleans(),
    reason=st.sampled_from(["", "CrashLoopBackOff", "ErrImagePull", "ContainerCreating", "Error"]),
    message=WORD,
    exit_code=NUMBER,
    last_reason=WORD,
    last_exit_code=NUMBER,
    terminated_before=st.booleans(),
)
CONDITION = st.builds(
    Condition,
    type=st.sampled_from(["Ready", "PodScheduled", "Progressing", "ReplicaFailure", "Failed", "Complete"]),
    status=st.sampled_from(["True", "False", "Unknown"]),
    reason=st.sampled_from(["", "ProgressDeadlineExceeded", "Unschedulable"]),
    message=WORD,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "desired": NUMBER,
        "replicas": NUMBER,
        "updated": NUMBER,
        "ready": NUMBER,
        "available": NUMBER,
        "partition": NUMBER,
        "paused": st.booleans(),
        "strategy": st.sampled_from(["", "RollingUpdate", "OnDelete", "Recreate"]),
        "revision": WORD,
        "update_revision": WORD,
        "current_revision": WORD,
        "conditions": st.lists(CONDITION, max_size=2).map(tuple),
    },
)
POD_FIELDS = st.fixed_dictionaries(
    {"is_ready": st.booleans(), "phase": st.sampled_from(["Pending", "Running", "Failed", "Succeeded", ""])},
    optional={
        "restarts": NUMBER,
        "troubles": st.lists(TROUBLE, max_size=2).map(tuple),
        "conditions": st.lists(CONDITION, max_size=2).map(tuple),
        "overdue": st.booleans(),
        "images": st.sampled_from([(), ("a:1",), ("a:2",)]),
    },
)


@st.composite
def trees(draw: st.DrawFn) -> tuple[Object, list[Object]]:
    """A root and things below it, of which some make no sense."""

    def some(kind: Kind, name: str, owners: list[Object]) -> Object:
        plain = STATES.get(kind, RUNNING_POD)
        fields: dict[str, Any] = {}
        if isinstance(plain, WorkloadState):
            fields = draw(FIELDS)
        elif isinstance(plain, PodState):
            fields = draw(POD_FIELDS)
        elif isinstance(plain, CronJobState):
            fields = {"active": draw(NUMBER), "last_schedule": draw(NUMBER), "suspended": draw(st.booleans())}
        return make(
            kind,
            name,
            owners=owners,
            state=structs.replace(plain, **fields),
            deleting=draw(st.booleans()),
            labels=((REVISION_LABEL, draw(WORD)),),
        )

    root = some(draw(KIND), "root", [])
    middle = [
        some(draw(st.sampled_from([REPLICA_SET, JOB, REVISION])), f"middle-{number}", [root])
        for number in range(draw(NUMBER))
    ]
    pods = [
        some(POD, f"pod-{number}", [draw(st.sampled_from([root, *middle]))])
        for number in range(draw(st.integers(0, 6)))
    ]
    return root, [*middle, *pods]


@given(trees())
def test_whatever_there_is_there_is_a_verdict_whose_counts_add_up(tree: tuple[Object, list[Object]]) -> None:
    root, members = tree
    found = verdict(root, members)
    assert (found is not None) == (root.kind in ROLLED_OUT)
    if found is None:
        return
    judged(root, members)
    rows = found.revisions or []
    assert all(row.ready <= row.pods and row.terminating <= row.pods for row in rows)
    pods = {item.uid for item in members if item.kind == POD}
    assert sum(row.pods for row in rows) <= len(pods)
    if root.kind in (STATEFUL_SET, DAEMON_SET):
        own = [item for item in members if item.kind == POD and item.owners[0].uid == root.uid]
        assert sum(row.pods for row in rows) == len(own)
    assert (found.culprit is not None) >= (found.state == RolloutState.FAILED and root.kind != CRON_JOB)
    if found.state == RolloutState.COMPLETE and root.kind in (DEPLOYMENT, STATEFUL_SET, DAEMON_SET):
        assert not found.terminating
        assert found.old <= root.state.partition or not found.revision  # type: ignore[union-attr]
        new = [row for row in rows if row.revision == found.revision and found.revision]
        ended = [
            item for item in members if isinstance(item.state, PodState) and item.state.phase in ("Failed", "Succeeded")
        ]
        gone = sum(row.terminating for row in new) + len(ended)
        assert sum(row.pods - row.ready for row in new) <= gone


@given(trees(), trees())
def test_what_is_not_below_it_has_no_part(
    tree: tuple[Object, list[Object]], other: tuple[Object, list[Object]]
) -> None:
    root, members = tree
    stranger = structs.replace(other[0], uid="uid-of-another")
    strangers = [
        structs.replace(item, uid=f"other-{item.uid}", owners=(structs.replace(item.owners[0], uid=stranger.uid),))
        for item in other[1]
    ]
    assert verdict(root, [*members, stranger, *strangers]) == verdict(root, members)
