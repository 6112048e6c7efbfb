"""Compositions of a snapshot, as a check asks for them."""

import json
from pathlib import Path

import pytest

from kubediscovery.addresses import Address, Selection
from kubediscovery.errors import ConfigurationError
from kubediscovery.reading import SnapshotSource
from kubediscovery.scene import scene
from tests.playing import NOW

GROUP = "kubediscovery.cloudark.io"


def source(path: Path, items: object) -> SnapshotSource:
    path /= "all.json"
    path.write_text(json.dumps(items))
    return SnapshotSource(path, GROUP)


async def test_one_object_and_a_selection(tmp_path: Path) -> None:
    found = source(tmp_path, scene(0, NOW))
    kind = (await found.names()).find("deploy")
    (web,), _ = await found.answers(Address(kind, "shop", "web"), 0)
    assert (web.title, web.rollout is not None) == ("shop/deployments.apps.web", True)
    assert await found.answers(Address(kind, "shop", "nope"), 0) == ([], "")
    deployments, _ = await found.answers(Selection("shop", fields="root.kind=Deployment"), 0)
    assert [each.root.name for each in deployments] == ["payments", "web"]
    assert len((await found.answers(Selection(None), 0))[0]) > 2
    assert (await found.answers(Selection("nowhere"), 0))[0] == []
    assert await found.least_version(Selection(None)) == 0
    assert [change async for change in found.changes(Selection(None), "")] == []


def pod(name: str, *owners: str) -> dict[str, object]:
    references = [
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": f"uid-{owner}"} for owner in owners
    ]
    metadata = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "ownerReferences": references}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": []}}


async def test_lint_knows_what_a_snapshot_leaves_out(tmp_path: Path) -> None:
    """A snapshot of pods alone does not prove that their ReplicaSets are not there."""
    pods = [pod("a", "gone"), pod("b", "other")]
    assert await source(tmp_path, pods).lint(None) == ()
    metadata = {"name": "other", "namespace": "shop", "uid": "uid-other"}
    replica_set = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": {}}
    found = await source(tmp_path, [*pods, replica_set]).lint("shop")
    assert [each.rule for each in found if each.severity == "Error"] == ["OwnerNotFound"]
    assert found[0].title.startswith("shop/pods.a.")


def test_a_snapshot_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="snapshot"):
        SnapshotSource(tmp_path / "nothing", GROUP)
