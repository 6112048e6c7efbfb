"""Pods of protobuf read quickly are the same as those read by the schema, and siblings are read once."""

import json
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from kubediscovery import quick_pods, schema_pods
from kubediscovery.compact import Compactor
from kubediscovery.decoding import Decoder
from kubediscovery.objects import Object, PodState
from kubediscovery.quick_pods import LONGEST, QuickPods
from kubediscovery.sharing import Sharing
from tests.encoding import Document, documents, to_json, to_protobuf
from tests.objects import POD

DOCUMENTS = documents(schema_pods.Pod)


def read(document: Document, pods: QuickPods | None = None) -> Object:
    return (pods or quick()).read(to_protobuf(schema_pods.Pod, document))


def quick() -> QuickPods:
    return QuickPods(POD, Sharing())


def state(pod: Object) -> PodState:
    assert isinstance(pod.state, PodState)
    return pod.state


def sibling(number: int, **spec: Any) -> Document:
    metadata = {
        "name": f"web-{number}",
        "namespace": "shop",
        "uid": f"uid-{number}",
        "resource_version": str(number),
        "labels": {"app": "web", "hash": "1"},
        "owner_references": [{"kind": "ReplicaSet", "name": "web", "uid": "owner", "api_version": "apps/v1"}],
    }
    containers = [{"name": "app", "image": "app:1"}]
    return {
        "metadata": metadata,
        "spec": {"node_name": f"node-{number}", "service_account_name": "web", "containers": containers, **spec},
        "status": {"phase": "Running", "container_statuses": [{"name": "app", "ready": True}]},
    }


@given(sent=st.lists(DOCUMENTS | st.builds(sibling, st.integers(1, 3)), max_size=4))
@settings(max_examples=60)
def test_pods_are_those_that_the_schema_reads(sent: list[Document]) -> None:
    pods, decoder = quick(), Decoder(POD, Compactor())
    for document in sent:
        plain = decoder.object(json.dumps(to_json(schema_pods.Pod, document)).encode())
        assert read(document, pods) == plain
        # Once more, of what is remembered.
        assert read(document, pods) == plain


def test_siblings_differ_in_what_is_their_own_and_share_the_rest() -> None:
    pods = quick()
    first, second = (read(sibling(number), pods) for number in (1, 2))
    assert [(pod.name, pod.uid, pod.resource_version, pod.node) for pod in (first, second)] == [
        ("web-1", "uid-1", 1, "node-1"),
        ("web-2", "uid-2", 2, "node-2"),
    ]
    assert first.state is second.state
    assert first.labels is second.labels
    assert first.owners is second.owners
    assert first.references is second.references


def test_what_siblings_do_not_have_in_common_is_not_shared() -> None:
    pods = quick()
    first, second = read(sibling(1), pods), read(sibling(2, containers=[{"name": "app", "image": "app:2"}]), pods)
    assert first.state != second.state
    assert first.labels is second.labels


def test_another_status_is_read_of_the_same_spec() -> None:
    pods = quick()
    failed = {**sibling(2), "status": {"phase": "Failed", "container_statuses": [{"name": "app", "ready": False}]}}
    first, second = read(sibling(1), pods), read(failed, pods)
    assert (state(first).phase, state(second).phase) == ("Running", "Failed")
    assert first.references is second.references
    # The same status says something else of a pod of another spec.
    third = read(sibling(3, restart_policy="Never"), pods)
    assert (state(first).restart_policy, state(third).restart_policy) == ("", "Never")


def test_what_is_long_is_read_each_time() -> None:
    pods = quick()
    long = [{"name": "app", "image": "a" * (LONGEST + 1)}]
    found = [read(sibling(number, containers=long), pods) for number in (1, 2)]
    assert found[0].state == found[1].state
    assert not pods._likenesses


def test_no_more_is_remembered_than_is_of_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick_pods, "MOST", 20)
    pods = quick()
    for number in range(25):
        document = sibling(number, service_account_name=f"account-{number}")
        document["metadata"] |= {"labels": {"n": str(number)}, "creation_timestamp": number + 1}
        document["metadata"]["owner_references"][0]["uid"] = str(number)
        found = read(document, pods)
        assert found.created == number + 1
    assert all(0 < len(known) <= 20 for known in (pods._known, pods._likenesses, pods._times))


@pytest.mark.parametrize(
    ("annotations", "release"),
    [
        ({"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"}, "shop/web"),
        ({"meta.helm.sh/release-name": "web"}, ""),
        ({"note": "of no release"}, ""),
    ],
)
def test_the_release_is_that_of_the_annotations(annotations: dict[str, str], release: str) -> None:
    assert read({"metadata": {"annotations": annotations}}).release == release


def test_what_is_no_pod_is_an_error() -> None:
    with pytest.raises(DecodeError):
        quick().read(b"\xff")
