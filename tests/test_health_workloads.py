"""Health of what makes pods: each rule of each kind."""

from typing import Any

import pytest
from msgspec import structs

from kubediscovery.health import Health
from kubediscovery.kinds import Kind
from kubediscovery.objects import Condition
from tests.judging import DEGRADED, HEALTHY, PROGRESSING, SUSPENDED, cases, verdict
from tests.objects import (
    AVAILABLE,
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    JOB,
    REPLICA_SET,
    RUNNING_JOB,
    STATEFUL_SET,
    WAITING_CRON_JOB,
    WORKLOAD,
)

CONTROLLER = Kind("", "v1", "replicationcontrollers", "ReplicationController", "replicationcontroller")
DEADLINE = Condition("Progressing", "False", "ProgressDeadlineExceeded", "has timed out progressing.")
QUOTA = Condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota")
UPDATING = Condition("Progressing", "True", "ReplicaSetUpdated", "is progressing.")
DONE = Condition("Progressing", "True", "NewReplicaSetAvailable", "has successfully progressed.")


@cases(
    ("rolled out", {}, HEALTHY, "", ""),
    ("with its own reason", {"conditions": (AVAILABLE, DONE)}, HEALTHY, "NewReplicaSetAvailable", ""),
    ("scaled to nothing", dict.fromkeys(("desired", "replicas", "updated", "ready", "available"), 0), HEALTHY, "", ""),
    ("paused", {"paused": True}, SUSPENDED, "DeploymentPaused", "the rollout is paused"),
    (
        "paused after a failure",
        {"paused": True, "conditions": (DEADLINE,)},
        SUSPENDED,
        "DeploymentPaused",
        "the rollout is paused",
    ),
    ("too late", {"conditions": (DEADLINE,)}, DEGRADED, "ProgressDeadlineExceeded", "has timed out progressing."),
    ("over quota", {"conditions": (UPDATING, QUOTA)}, DEGRADED, "FailedCreate", "exceeded quota"),
    (
        "no failure any more",
        {"conditions": (AVAILABLE, structs.replace(QUOTA, status="False"))},
        HEALTHY,
        "",
        "",
    ),
    (
        "not seen",
        {"observed_generation": 0},
        PROGRESSING,
        "GenerationNotObserved",
        "the last change has not been seen yet",
    ),
    (
        "changed after a failure, not seen yet",
        {"observed_generation": 0, "conditions": (DEADLINE,)},
        PROGRESSING,
        "GenerationNotObserved",
        "the last change has not been seen yet",
    ),
    ("updating", {"updated": 1, "conditions": (UPDATING,)}, PROGRESSING, "ReplicaSetUpdated", "1 of 2 pods updated"),
    ("old ones left", {"replicas": 3}, PROGRESSING, "", "3 pods, 2 of them updated: old ones are to go"),
    ("not available", {"available": 1}, PROGRESSING, "", "1 of 2 updated pods available"),
    ("not ready", {"ready": 1}, PROGRESSING, "", "1 of 2 pods ready"),
    ("scaling down", {"desired": 1}, PROGRESSING, "", "2 pods of 1 wanted: some are to go"),
    ("fewer than updated", {"replicas": 1}, PROGRESSING, "", "1 of 2 pods made"),
    (
        "not said to be available",
        {"conditions": ()},
        PROGRESSING,
        "",
        "fewer pods are available than have to be",
    ),
    (
        "said not to be available",
        {"conditions": (structs.replace(AVAILABLE, status="False"), DONE)},
        PROGRESSING,
        "NewReplicaSetAvailable",
        "fewer pods are available than have to be",
    ),
    (
        "within its deadline",
        {"progress_deadline": 600, "conditions": (AVAILABLE, UPDATING)},
        PROGRESSING,
        "ReplicaSetUpdated",
        "the new ReplicaSet has not been reported as available yet",
    ),
    (
        "done within its deadline",
        {"progress_deadline": 600, "conditions": (AVAILABLE, DONE)},
        HEALTHY,
        "NewReplicaSetAvailable",
        "",
    ),
    (
        "no deadline, as the controller has it",
        {"progress_deadline": 2**31 - 1, "conditions": (AVAILABLE, UPDATING)},
        HEALTHY,
        "ReplicaSetUpdated",
        "",
    ),
    (
        "stalled",
        {"conditions": (AVAILABLE, Condition("Stalled", "True", "NoQuota", "said"))},
        DEGRADED,
        "NoQuota",
        "said",
    ),
    (
        "observed by somebody from the future",
        {"observed_generation": 2},
        PROGRESSING,
        "GenerationNotObserved",
        "the last change has not been seen yet",
    ),
)
def test_a_deployment(changes: dict[str, Any], health: Health, reason: str, message: str) -> None:
    assert verdict(DEPLOYMENT, structs.replace(WORKLOAD, **changes)) == (health, reason, message)


@cases(
    ("whole", {}, HEALTHY, "", ""),
    (
        "not seen",
        {"observed_generation": 0},
        PROGRESSING,
        "GenerationNotObserved",
        "the last change has not been seen yet",
    ),
    ("over quota", {"conditions": (QUOTA,), "replicas": 0}, DEGRADED, "FailedCreate", "exceeded quota"),
    ("pods missing", {"replicas": 1}, PROGRESSING, "", "1 of 2 pods made"),
    ("labels missing", {"updated": 1}, PROGRESSING, "", "1 of 2 pods with all labels of the template"),
    ("not ready", {"ready": 0}, PROGRESSING, "", "0 of 2 pods ready"),
    ("not available", {"available": 1}, PROGRESSING, "", "1 of 2 pods available"),
    ("too many", {"replicas": 3}, PROGRESSING, "", "3 pods of 2 wanted: some are to go"),
)
def test_a_replica_set(changes: dict[str, Any], health: Health, reason: str, message: str) -> None:
    assert verdict(REPLICA_SET, structs.replace(WORKLOAD, **changes)) == (health, reason, message)
    assert verdict(CONTROLLER, structs.replace(WORKLOAD, **changes)) == (health, reason, message)


@cases(
    ("whole", {}, HEALTHY, "", ""),
    (
        "not seen",
        {"observed_generation": 0},
        PROGRESSING,
        "GenerationNotObserved",
        "the last change has not been seen yet",
    ),
    ("pods missing", {"replicas": 1}, PROGRESSING, "", "1 of 2 pods made"),
    ("not ready", {"ready": 1}, PROGRESSING, "", "1 of 2 pods ready"),
    ("too many", {"replicas": 3}, PROGRESSING, "", "3 pods of 2 wanted: some are to go"),
    ("updating", {"updated": 1}, PROGRESSING, "", "1 of 2 pods updated"),
    ("pods of another revision", {"current": 1}, PROGRESSING, "", "1 of 2 pods of the current revision"),
    ("a new revision", {"update_revision": "b"}, PROGRESSING, "", "revision b is being rolled out"),
    ("the partition not reached", {"partition": 1, "updated": 0}, PROGRESSING, "", "0 of 1 pods updated"),
    ("the partition reached", {"partition": 1, "updated": 1, "update_revision": "b"}, HEALTHY, "", ""),
    ("all of it partitioned", {"partition": 5, "updated": 0, "update_revision": "b"}, HEALTHY, "", ""),
    ("updated by hand", {"strategy": "OnDelete", "updated": 0, "update_revision": "b"}, HEALTHY, "", ""),
    ("updated by hand, not ready", {"strategy": "OnDelete", "ready": 1}, PROGRESSING, "", "1 of 2 pods ready"),
)
def test_a_stateful_set(changes: dict[str, Any], health: Health, reason: str, message: str) -> None:
    usual = structs.replace(WORKLOAD, strategy="RollingUpdate", current_revision="a", update_revision="a")
    assert verdict(STATEFUL_SET, structs.replace(usual, **changes)) == (health, reason, message)


@cases(
    ("whole", {}, HEALTHY, "", ""),
    ("no node", dict.fromkeys(("desired", "replicas", "updated", "ready", "available"), 0), HEALTHY, "", ""),
    (
        "not seen",
        {"observed_generation": 0},
        PROGRESSING,
        "GenerationNotObserved",
        "the last change has not been seen yet",
    ),
    ("updating", {"updated": 1}, PROGRESSING, "", "1 of 2 pods updated"),
    ("pods missing", {"replicas": 1}, PROGRESSING, "", "1 of 2 pods made"),
    ("not available", {"available": 1}, PROGRESSING, "", "1 of 2 pods available"),
    ("not ready", {"ready": 1}, PROGRESSING, "", "1 of 2 pods ready"),
    ("updated by hand", {"strategy": "OnDelete", "updated": 0}, HEALTHY, "", ""),
    ("pods on nodes that should have none", {"replicas": 3}, HEALTHY, "", ""),
)
def test_a_daemon_set(changes: dict[str, Any], health: Health, reason: str, message: str) -> None:
    usual = structs.replace(WORKLOAD, strategy="RollingUpdate")
    assert verdict(DAEMON_SET, structs.replace(usual, **changes)) == (health, reason, message)


@pytest.mark.parametrize("kind", [STATEFUL_SET, DAEMON_SET], ids=str)
@pytest.mark.parametrize(("generation", "observed"), [(0, 0), (0, 1)])
def test_without_generations_nothing_is_known(kind: Kind, generation: int, observed: int) -> None:
    found = verdict(kind, structs.replace(WORKLOAD, observed_generation=observed), generation=generation)
    assert found == (PROGRESSING, "GenerationNotObserved", "the last change has not been seen yet")


@pytest.mark.parametrize("kind", [DEPLOYMENT, REPLICA_SET], ids=str)
def test_without_generations_the_numbers_say_it(kind: Kind) -> None:
    found, _, _ = verdict(kind, structs.replace(WORKLOAD, observed_generation=0), generation=0)
    assert found is HEALTHY


def held(type_: str, reason: str = "", status: str = "True") -> Condition:
    return Condition(type_, status, reason, "said")


@cases(
    ("running", {}, PROGRESSING, "Running", "1 active, 0 succeeded, 0 failed"),
    ("not started", {"started": False}, PROGRESSING, "NotStarted", "the job has not started"),
    ("complete", {"conditions": (held("Complete", "CompletionsReached"),)}, HEALTHY, "CompletionsReached", "said"),
    ("complete without a reason", {"conditions": (held("Complete"),)}, HEALTHY, "Complete", "said"),
    ("failed", {"conditions": (held("Failed", "BackoffLimitExceeded"),)}, DEGRADED, "BackoffLimitExceeded", "said"),
    (
        "about to fail",
        {"conditions": (held("FailureTarget", "BackoffLimitExceeded"),)},
        PROGRESSING,
        "Running",
        "1 active, 0 succeeded, 0 failed",
    ),
    (
        "suspended",
        {"conditions": (held("Suspended", "JobSuspended"),), "suspended": True},
        SUSPENDED,
        "JobSuspended",
        "said",
    ),
    (
        "resumed, not seen yet",
        {"conditions": (held("Suspended", "JobSuspended"),)},
        PROGRESSING,
        "Running",
        "1 active, 0 succeeded, 0 failed",
    ),
    ("stalled", {"conditions": (held("Stalled", "Stuck"),)}, DEGRADED, "Stuck", "said"),
    ("suspended, not seen yet", {"suspended": True}, SUSPENDED, "JobSuspended", "the job is suspended"),
    (
        "resumed",
        {"conditions": (held("Suspended", "JobResumed", status="False"),)},
        PROGRESSING,
        "Running",
        "1 active, 0 succeeded, 0 failed",
    ),
    (
        "failed while suspended",
        {"conditions": (held("Suspended", "JobSuspended"), held("Failed", "DeadlineExceeded")), "suspended": True},
        DEGRADED,
        "DeadlineExceeded",
        "said",
    ),
)
def test_a_job(changes: dict[str, Any], health: Health, reason: str, message: str) -> None:
    assert verdict(JOB, structs.replace(RUNNING_JOB, **changes)) == (health, reason, message)


@cases(
    ("never run", {}, HEALTHY, "", ""),
    ("suspended", {"suspended": True, "last_schedule": 9}, SUSPENDED, "CronJobSuspended", "the schedule is suspended"),
    ("running", {"active": 1, "last_schedule": 9}, HEALTHY, "", ""),
    ("succeeded", {"last_schedule": 9, "last_success": 12}, HEALTHY, "", ""),
    ("succeeded in the same second", {"last_schedule": 9, "last_success": 9}, HEALTHY, "", ""),
    (
        "failed",
        {"last_schedule": 9, "last_success": 8},
        DEGRADED,
        "LastRunFailed",
        "the last scheduled job did not succeed",
    ),
    ("never succeeded", {"last_schedule": 9}, DEGRADED, "LastRunFailed", "the last scheduled job did not succeed"),
)
def test_a_cron_job(changes: dict[str, Any], health: Health, reason: str, message: str) -> None:
    assert verdict(CRON_JOB, structs.replace(WAITING_CRON_JOB, **changes)) == (health, reason, message)
