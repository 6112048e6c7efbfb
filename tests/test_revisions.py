"""Which pods are of the revision that is rolled out."""

from msgspec import structs

from kubediscovery.objects import Object, RevisionState
from kubediscovery.outcome import REVISION_LABEL, RevisionPods
from kubediscovery.revisions import counted, of_daemon_set, of_deployment, of_stateful_set, pods_of
from tests.objects import (
    DAEMON_SET,
    DEPLOYMENT,
    POD,
    REPLICA_SET,
    REVISION,
    RUNNING_POD,
    STATEFUL_SET,
    WORKLOAD,
    by_owner,
    make,
)


def labelled(name: str, owner: Object, revision: str, *, deleting: bool = False) -> Object:
    return make(POD, name, owners=[owner], labels=((REVISION_LABEL, revision),), deleting=deleting)


def test_pods_of_a_deployment_are_as_new_as_their_replica_set() -> None:
    root = make(DEPLOYMENT, "web", state=structs.replace(WORKLOAD, revision="10"))
    sets = [
        make(REPLICA_SET, f"web-{revision}", owners=[root], state=structs.replace(WORKLOAD, revision=revision))
        for revision in ("9", "10", "")
    ]
    pods = [make(POD, f"{owner.name}-x", owners=[owner]) for owner in sets]
    found = of_deployment(root, by_owner([*sets, *pods]))
    assert (found.revision, found.newest, found.known) == ("10", sets[1], True)
    assert [pod.name for pod in found.new] == ["web-10-x"]
    assert sorted(pod.name for pod in found.old) == ["web--x", "web-9-x"]
    # Before its controller has numbered it nobody can say.
    unnumbered = structs.replace(root, state=WORKLOAD)
    assert not of_deployment(unnumbered, by_owner([*sets, *pods])).known


def test_pods_of_a_stateful_set_are_known_by_their_label() -> None:
    root = make(STATEFUL_SET, "db", state=structs.replace(WORKLOAD, update_revision="db-b"))
    members = [
        labelled("db-0", root, "db-a", deleting=True),
        labelled("db-1", root, "db-b"),
        labelled("db-2", root, ""),
    ]
    found = of_stateful_set(root, by_owner(members))
    assert [pod.name for pod in found.new] == ["db-1"]
    assert [pod.name for pod in found.old] == ["db-2"]
    assert [pod.name for pod in found.terminating] == ["db-0"]


def test_the_revision_of_a_daemon_set_is_the_one_with_the_highest_number() -> None:
    root = make(DAEMON_SET, "agent")
    revisions = [
        make(REVISION, f"agent-{name}", owners=[root], state=RevisionState(number))
        for name, number in (("b", 9), ("a", 10))
    ]
    members = [*revisions, labelled("agent-x", root, "a"), labelled("agent-y", root, "b")]
    found = of_daemon_set(root, by_owner(members))
    assert (found.revision, [pod.name for pod in found.new]) == ("a", ["agent-x"])
    assert not of_daemon_set(root, by_owner(members[2:])).known


def test_pods_are_counted_by_revision_and_images() -> None:
    root = make(STATEFUL_SET, "db")
    other = structs.replace(RUNNING_POD, images=("nginx:1.28",), is_ready=False)
    pods = [labelled("db-0", root, "b"), labelled("db-1", root, "a", deleting=True), labelled("db-2", root, "b")]
    changed = structs.replace(pods[2], state=other)
    assert counted([("b", pods[0]), ("a", pods[1]), ("b", changed), ("b", pods[2])]) == [
        RevisionPods(("nginx:1.27",), 1, 1, "a", 1),
        RevisionPods(("nginx:1.27",), 2, 2, "b"),
        RevisionPods(("nginx:1.28",), 1, 0, "b"),
    ]
    assert counted([]) is None


def test_what_an_owner_owns_is_each_once() -> None:
    root = make(STATEFUL_SET, "db")
    pod = make(POD, "db-0", owners=[root, root])
    below = by_owner([pod, pod, make(REVISION, "db-a", owners=[root])])
    assert pods_of(root, below) == [pod]
    assert list(below(pod)) == []
