"""What is left out as of a former revision."""

from msgspec import structs

from kubediscovery.drawing import Drawing
from kubediscovery.kinds import Kind
from kubediscovery.objects import Object, RevisionState
from kubediscovery.sight import Sight
from kubediscovery.tree import Tree, build_tree
from tests.objects import (
    DAEMON_SET,
    DEPLOYMENT,
    JOB,
    KINDS,
    POD,
    REPLICA_SET,
    REVISION,
    STATEFUL_SET,
    WORKLOAD,
    filled,
    make,
)

EMPTY = structs.replace(WORKLOAD, desired=0, replicas=0, ready=0, available=0, updated=0)


def shown(objects: list[Object], root: Object, *hidden: Kind) -> Tree:
    sight = Sight(None, frozenset(KINDS) - frozenset(hidden))
    return build_tree(filled(objects), root, sight, Drawing(hide_inactive=True))


def names(tree: Tree) -> list[str]:
    return [node.name for node in tree.root.children]


def test_replica_sets_at_zero_are_hidden() -> None:
    web = make(DEPLOYMENT, "web", state=structs.replace(WORKLOAD, revision="3"))
    sets = [
        make(REPLICA_SET, f"web-{number}", owners=[web], state=structs.replace(state, revision=str(number)))
        for number, state in enumerate((EMPTY, structs.replace(EMPTY, replicas=1), structs.replace(EMPTY, desired=1)))
    ]
    tree = shown([web, *sets], web)
    assert names(tree) == ["web-1", "web-2"]
    assert len(tree.members) == 4, "what is said of the whole is said of what is hidden too"


def test_the_present_one_of_a_deployment_at_zero_stays() -> None:
    web = make(DEPLOYMENT, "web", state=structs.replace(EMPTY, revision="2"))
    sets = [
        make(REPLICA_SET, f"web-{number}", owners=[web], state=structs.replace(EMPTY, revision=str(number)))
        for number in (1, 2)
    ]
    assert names(shown([web, *sets], web)) == ["web-2"]


def test_one_with_pods_left_stays_for_who_sees_them() -> None:
    web = make(DEPLOYMENT, "web")
    old = make(REPLICA_SET, "web-1", owners=[web], state=EMPTY)
    last = make(POD, "p", owners=[old], deleting=True)
    assert names(shown([web, old, last], web)) == ["web-1"]
    assert names(shown([web, old, last], web, POD)) == []


def test_a_root_is_never_hidden() -> None:
    alone = make(REPLICA_SET, "alone", state=EMPTY)
    assert shown([alone], alone).root.name == "alone"


def test_revisions_that_an_owner_does_not_name_are_hidden() -> None:
    state = structs.replace(WORKLOAD, current_revision="db-2", update_revision="db-3")
    db = make(STATEFUL_SET, "db", state=state)
    revisions = [make(REVISION, f"db-{number}", owners=[db], state=RevisionState(number)) for number in range(1, 5)]
    assert names(shown([db, *revisions], db)) == ["db-2", "db-3"]


def test_of_an_owner_that_names_none_the_newest_revision_stays() -> None:
    agent = make(DAEMON_SET, "agent")
    revisions = [make(REVISION, f"r{number}", owners=[agent], state=RevisionState(number)) for number in (9, 10, 2)]
    assert names(shown([agent, *revisions], agent)) == ["r10"]


def test_other_kinds_stay() -> None:
    web = make(DEPLOYMENT, "web")
    others = [make(DEPLOYMENT, "a", owners=[web], state=EMPTY), make(JOB, "b", owners=[web])]
    assert names(shown([web, *others], web)) == ["a", "b"]
