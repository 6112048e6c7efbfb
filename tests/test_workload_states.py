"""Kinds that make pods: what they name and what was added to their states; the rest is in test_compact.py."""

from typing import Any

from kubediscovery.objects import CronJobState, WorkloadState
from tests.reading import read, spelled


def test_a_stateful_set_names_what_its_claims_are_called() -> None:
    templates = [{"metadata": {"name": "data"}}, {"metadata": {"name": "wal"}}, {}]
    found = read("statefulsets", {"metadata": {"name": "db"}, "spec": {"volumeClaimTemplates": templates}})
    assert spelled(found.references) == [f"claimTemplate PersistentVolumeClaim {name}-db-" for name in ("data", "wal")]


def test_pods_may_be_made_without_order() -> None:
    for policy, parallel in (("OrderedReady", False), ("Parallel", True), (None, False)):
        state = read("statefulsets", {"spec": {"podManagementPolicy": policy}}).state
        assert isinstance(state, WorkloadState)
        assert state.parallel is parallel


def test_a_replication_controller_is_a_workload() -> None:
    containers = {"template": {"spec": {"containers": [{"image": "a:1"}]}}}
    counts = {"replicas": 3, "fullyLabeledReplicas": 2, "readyReplicas": 1, "availableReplicas": 1}
    failed = {"type": "ReplicaFailure", "status": "True"}
    status: dict[str, Any] = {**counts, "observedGeneration": 4, "conditions": [failed]}
    state = read("replicationcontrollers", {"spec": {"replicas": 3, **containers}, "status": status}).state
    assert isinstance(state, WorkloadState)
    assert (state.desired, state.replicas, state.updated, state.ready, state.available) == (3, 3, 2, 1, 1)
    assert (state.observed_generation, state.images) == (4, ("a:1",))
    assert [condition.type for condition in state.conditions] == ["ReplicaFailure"]


def test_a_cron_job_counts_what_runs() -> None:
    state = read("cronjobs", {"status": {"active": [{"name": "a"}, {}, {"name": "b"}]}}).state
    assert isinstance(state, CronJobState)
    assert state.active == 3
