"""Files of kubectl and support bundles to a filled store."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kubediscovery.errors import ConfigurationError
from kubediscovery.kinds import BUILT_IN_KINDS, Kinds
from kubediscovery.local import all_compositions, local_api
from kubediscovery.scene import scene
from kubediscovery.selection import KindPattern, Selection
from kubediscovery.snapshot import Summary, fill, load_snapshot
from kubediscovery.store import Coverage, Store
from tests.objects import DEPLOYMENT, POD, REPLICA_SET
from tests.playing import NOW, composed, played
from tests.serving import make

Manifest = dict[str, Any]

KUSTOMIZATION = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}


def pod(name: str = "web", **metadata: Any) -> Manifest:
    spec = {"containers": [{"name": "main", "image": "web:1"}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", **metadata},
        "spec": spec,
    }


def listed(items: Sequence[Manifest], kind: str = "List", api_version: str = "v1") -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "items": items, "metadata": {"resourceVersion": ""}}


def as_yaml(manifest: object) -> str:
    # Through JSON, so that what is used twice is written twice.
    return yaml.safe_dump(json.loads(json.dumps(manifest)))


def load(path: Path) -> tuple[Store, Summary]:
    store = Store(Kinds())
    return store, load_snapshot(path, store)


def refused(path: Path) -> str:
    with pytest.raises(ConfigurationError) as raised:
        load(path)
    assert len(str(raised.value).splitlines()) == 1
    return str(raised.value).removeprefix(f"snapshot {path}: ")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("snapshot")


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 100))
def test_every_way_of_writing_gives_the_same_compositions(folder: Path, step: int) -> None:
    manifests = scene(step, NOW)
    ways = {
        "list.yaml": as_yaml(listed(manifests)),
        "list.json": json.dumps(listed(manifests), indent=4),
        "array.json": json.dumps(manifests),
        "documents.yaml": "---\n".join(map(as_yaml, manifests)),
        "lists.yaml": "---\n".join(map(as_yaml, typed_lists(manifests))),
    }
    for name, content in ways.items():
        (folder / name).write_text(content)
        assert composed(load(folder / name)[0]) == played(step)


def typed_lists(manifests: Sequence[Manifest]) -> list[Manifest]:
    """A ``PodList`` and so on, whose items do not say what they are."""
    kinds = {(manifest["apiVersion"], manifest["kind"]): None for manifest in manifests}
    bare = [{key: value for key, value in found.items() if key not in ("apiVersion", "kind")} for found in manifests]
    return [
        listed(
            [item for item, found in zip(bare, manifests, strict=True) if (found["apiVersion"], found["kind"]) == key],
            kind=f"{key[1]}List",
            api_version=key[0],
        )
        for key in kinds
    ]


def test_a_single_object_and_its_summary(tmp_path: Path) -> None:
    path = tmp_path / "pod"
    path.write_text(as_yaml(pod(uid="u", resourceVersion="7")))
    store, summary = load(path)
    found = store.find(POD, "shop", "web")
    assert found is not None
    assert (found.uid, found.resource_version) == ("u", 7)
    assert summary == Summary(objects={POD: 1}, untracked={}, duplicates=0, skipped=())
    assert list(summary.lines()) == ["loaded: 1 pods"]


def test_every_kind_is_complete_and_the_versions_are_those_of_the_objects(tmp_path: Path) -> None:
    path = tmp_path / "pods.json"
    path.write_text(json.dumps([pod("a", uid="a", resourceVersion="40"), pod("b", uid="b", resourceVersion="9")]))
    store, _ = load(path)
    assert {store.coverage(kind) for kind in store.kinds} == {Coverage.COMPLETE}
    assert store.version == 40


def test_what_was_written_by_hand_gets_what_kube_apiserver_adds(tmp_path: Path) -> None:
    path = tmp_path / "hand.yaml"
    path.write_text("kind: Pod\napiVersion: v1\nmetadata:\n  name: hand\n  labels:\n  creationTimestamp: null\n")
    found = load(path)[0].find(POD, "default", "hand")
    assert found is not None
    assert found.uid
    assert load(path)[0].find(POD, "default", "hand") == found


def test_owners_are_joined_by_uid(tmp_path: Path) -> None:
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "web", "namespace": "shop", "uid": "1"},
    }
    reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "controller": True}
    pods = [pod("mine", ownerReferences=[{**reference, "uid": "1"}]), pod("not", ownerReferences=[reference])]
    path = tmp_path / "owned.json"
    path.write_text(json.dumps([*pods, owner]))
    roots = {item.metadata.name: item.root for item in composed(load(path)[0])}
    assert {name: [child.name for child in root.children] for name, root in roots.items()} == {
        "replicasets.apps.web": ["mine"],
        "pods.not": [],
    }


@settings(deadline=None)
@given(st.permutations([3, 10, 9, 1]))
def test_of_duplicates_the_newest_counts(folder: Path, versions: list[int]) -> None:
    path = folder / "duplicates"
    path.write_text(json.dumps([pod(uid="u", resourceVersion=str(number)) for number in versions]))
    store, summary = load(path)
    assert [found.resource_version for found in store.objects(POD)] == [10]
    assert summary.duplicates == 3
    assert "older duplicates left out: 3" in summary.lines()


def test_a_name_or_a_uid_is_there_once() -> None:
    store = Store(Kinds())
    former, recreated = (make(POD, "web", version=version) for version in (5, 6))
    renamed = make(DEPLOYMENT, "web", version=7)
    assert fill(store, [recreated, former, renamed]) == 2
    assert fill(store, [make(REPLICA_SET, "web")]) == 1
    assert list(store.objects(POD)) == []


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A support bundle: objects in nested folders between what else such a bundle holds."""
    files = {
        "cluster/shop/pods.yaml": as_yaml(listed([pod("a"), pod("b")], kind="PodList")),
        "cluster/shop/pods/a.json": json.dumps(pod("a", resourceVersion="3")),
        "cluster/shop/UPPER.YML": as_yaml(pod("c")),
        "cluster/services.yaml": "---\n".join(as_yaml(KUSTOMIZATION) for _ in range(2)),
        "logs/a.log": "apiVersion: v1\nkind: Pod\n",
        "notes.yaml": "just: notes\n",
        "broken.json": '{"kind": ',
        "odd.json": '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": 5}}',
        "nameless.json": '{"apiVersion": "v1", "kind": "Pod"}',
        "hostile.json": '{"apiVersion": "v1", "kind": "\\u001b[31m"}',
    }
    for name, content in files.items():
        (tmp_path / "bundle" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "bundle" / name).write_text(content)
    return tmp_path / "bundle"


def test_a_directory_is_read_whole_and_what_is_left_out_is_named(bundle: Path) -> None:
    store, summary = load(bundle)
    assert sorted(found.name for found in store.objects(POD)) == ["a", "b", "c"]
    assert (summary.objects, summary.untracked, summary.duplicates) == ({POD: 3}, {"Kustomization": 2}, 1)
    reasons = {str(found.path): found.reason for found in summary.skipped}
    assert reasons == {
        "broken.json": "not JSON: Input data was truncated",
        "hostile.json": "holds no Kubernetes object",
        "nameless.json": "a Pod has no metadata.name",
        "notes.yaml": "holds no Kubernetes object",
        "odd.json": "a Pod cannot be decoded: Expected `str`, got `int` - at `$.metadata.name`",
    }
    lines = list(summary.lines())
    assert lines[:4] == [
        "loaded: 3 pods",
        "not tracked: 2 Kustomization",
        "older duplicates left out: 1",
        "files left out: 5",
    ]


def test_links_out_of_a_directory_are_not_followed(bundle: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.yaml").write_text(as_yaml(pod("secret")))
    (bundle / "link.yaml").symlink_to(outside / "secret.yaml")
    (bundle / "folder").symlink_to(outside)
    (bundle / "loop").symlink_to(bundle)
    os.mkfifo(bundle / "pipe.yaml")
    store, summary = load(bundle)
    assert store.find(POD, "shop", "secret") is None
    assert {str(found.path) for found in summary.skipped} >= {"link.yaml", "pipe.yaml"}
    (tmp_path / "entry").symlink_to(bundle)
    assert load(tmp_path / "entry")[1] == summary


def test_names_of_files_do_not_reach_the_terminal_as_commands(bundle: Path) -> None:
    (bundle / "\x1b[2J.json").write_text("{")
    assert all(line.isprintable() for line in load(bundle)[1].lines())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no Kubernetes object"),
        (b"just: notes", "holds no Kubernetes object"),
        (b"kind: List\napiVersion: v1\nitems: []", "holds no Kubernetes object"),
        (b"kind: Pod\n---\n- a\n", "holds no Kubernetes object"),
        (b"{", "not JSON: Input data was truncated"),
        (b"a: b: c", "not YAML: mapping values are not allowed in this context, line 1"),
        (b"kind: Config\napiVersion: v1", "holds no object of a tracked kind; not tracked: 1 Config"),
        (b"kind: Kafka\napiVersion: example.org/v1\nmetadata: {name: a, uid: 5}", "a Kafka cannot be decoded: "),
        (b"kind: Pod\napiVersion: v1", "a Pod has no metadata.name"),
        (b"kind: Pod\napiVersion: v1\nmetadata: 1", "a Pod cannot be decoded: Expected `object`, got `int`"),
        (b"kind: Pod\napiVersion: v1\nmetadata: {name: a, creationTimestamp: soon}", "a Pod cannot be decoded: "),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert refused(path).startswith(said)


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    assert refused(tmp_path / "nothing") == "No such file or directory"
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "empty") == "holds no object of a tracked kind"
    (tmp_path / "empty" / "a.json").write_text("{")
    assert refused(tmp_path / "empty") == "holds no object of a tracked kind; files left out: 1"


def test_sizes_have_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pod.yaml"
    path.write_text(as_yaml(pod()))
    monkeypatch.setattr("kubediscovery.snapshot.FILE_LIMIT", 20)
    assert refused(path).startswith("is larger than")
    monkeypatch.setattr("kubediscovery.snapshot.FILES_LIMIT", 0)
    assert refused(tmp_path).startswith("holds more than 0 files or 2048 MB of YAML and JSON")


def custom(name: str, kind: str = "Kafka", **metadata: Any) -> Manifest:
    return {"apiVersion": "example.org/v1", "kind": kind, "metadata": {"name": name, **metadata}}


def test_every_kind_that_is_there_is_followed(tmp_path: Path) -> None:
    names = {"kind": "Fleet", "plural": "fleetae", "singular": "fleet"}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "fleetae.example.org"},
        "spec": {"group": "example.org", "names": names, "scope": "Cluster"},
    }
    files = {
        "custom.json": [custom("a", namespace="shop"), custom("f", "Fleet"), custom("b", namespace="shop")],
        "definitions.json": [definition],
        "own.json": [pod(), {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop"}}],
        "list.json": listed([{"metadata": {"name": "c"}}], kind="KafkaList", api_version="example.org/v1"),
    }
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    store, summary = load(tmp_path)
    assert {str(kind): number for kind, number in summary.objects.items()} == {
        "pods": 1,
        "secrets": 1,
        "customresourcedefinitions.apiextensions.k8s.io": 1,
        "fleetae.example.org": 1,
        "kafkas.example.org": 3,
    }
    assert list(store.kinds)[: len(BUILT_IN_KINDS)] == list(BUILT_IN_KINDS)
    assert len(list(store.kinds)) == len(BUILT_IN_KINDS) + 4
    fleets = store.kinds.by_resource("fleetae")
    assert fleets is not None
    assert (fleets.custom, fleets.workload, fleets.namespaced) == (True, True, False)
    assert [item.namespace for item in store.objects(fleets)] == [""]
    assert {store.coverage(kind) for kind in store.kinds} == {Coverage.COMPLETE}


def test_custom_resources_own_what_they_own(tmp_path: Path) -> None:
    owner = custom("broker", namespace="shop", uid="1")
    reference = {"apiVersion": "example.org/v1", "kind": "Kafka", "name": "broker", "uid": "1", "controller": True}
    path = tmp_path / "owned.json"
    path.write_text(json.dumps([pod(ownerReferences=[reference]), owner]))
    api = local_api("kubediscovery.cloudark.io")
    store = Store(api.kinds)
    load_snapshot(path, store)
    (found,) = all_compositions(api, store)
    assert (found.metadata.name, [child.name for child in found.root.children]) == (
        "kafkas.example.org.broker",
        ["web"],
    )


def test_a_file_with_a_custom_resource_that_cannot_be_read_counts_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(json.dumps(pod("good")))
    (tmp_path / "bad.json").write_text(json.dumps([pod("bad"), custom("a", uid=5)]))
    store, summary = load(tmp_path)
    assert [found.name for found in store.objects(POD)] == ["good"]
    assert [(str(found.path), "uid" in found.reason) for found in summary.skipped] == [("bad.json", True)]


def test_what_is_selected_is_loaded_and_the_rest_is_named(tmp_path: Path) -> None:
    path = tmp_path / "all.json"
    path.write_text(json.dumps([pod(), custom("a"), custom("f", "Fleet")]))
    store = Store(Kinds())
    summary = load_snapshot(path, store, Selection(exclude=(KindPattern("fleets"), KindPattern("*.apps"))))
    assert {str(kind) for kind in summary.objects} == {"pods", "kafkas.example.org"}
    assert summary.untracked == {"Fleet": 1}
    assert {kind.group for kind in store.kinds} == {"", "batch", "example.org"}
