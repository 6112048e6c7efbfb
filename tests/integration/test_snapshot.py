"""What real kubectl writes of a real cluster, loaded as a snapshot."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from kubediscovery.health import Health
from kubediscovery.kinds import Kinds
from kubediscovery.sight import Sight
from kubediscovery.snapshot import load_snapshot
from kubediscovery.store import Store
from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.tree import build_tree

RESOURCES = "deployments,replicasets,pods,services,serviceaccounts"


@pytest.fixture(scope="module", params=["yaml", "json"])
def written(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_tree_that_controllers_made_comes_back(
    cluster: ControlPlane, namespace: str, written: str, tmp_path: Path
) -> None:
    in_namespace = f"--namespace={namespace}"
    cluster.kubectl("create", "deployment", "web", "--image=nginx:1.27", "--replicas=3", in_namespace)
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=110s", in_namespace)
    (tmp_path / f"all.{written}").write_text(cluster.kubectl("get", RESOURCES, "-o", written, in_namespace))
    objects = json.loads(cluster.kubectl("get", "deployments,replicasets,pods", "-o", "json", in_namespace))["items"]

    store = Store(Kinds())
    summary = load_snapshot(tmp_path, store)
    deployment = store.kinds.by_resource("deployments")
    assert deployment is not None
    root = store.find(deployment, namespace, "web")
    assert root is not None
    tree = build_tree(store, root, Sight(None, frozenset(store.kinds), all=True))

    counted = {kind.kind: count for kind, count in summary.objects.items()}
    assert counted == Counter(each["kind"] for each in objects) + Counter(ServiceAccount=1)
    assert summary.untracked == {}
    assert (tree.health, tree.pods, tree.ready_pods, tree.root.ready) == (Health.HEALTHY, 3, 3, "3/3")
    assert tree.version == max(int(each["metadata"]["resourceVersion"]) for each in objects)
