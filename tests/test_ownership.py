"""Children of their owners, of which one stands for itself; that the whole index is right is a law in test_store."""

from msgspec import structs

from kubediscovery.objects import Object
from kubediscovery.ownership import Ownership
from tests.objects import DEPLOYMENT, POD, REPLICA_SET, make, owner_of

WEB = make(DEPLOYMENT, "web")
SETS = [make(REPLICA_SET, f"web-{number}", owners=[WEB]) for number in range(3)]


def linked(*objects: Object) -> Ownership:
    ownership = Ownership({item.uid: item for item in (WEB, *objects)})
    for item in objects:
        ownership.link(None, item)
    return ownership


def test_each_child_is_there_once_however_many_there_are() -> None:
    for count in range(4):
        assert linked(*SETS[:count]).children(WEB) == SETS[:count]


def test_a_child_that_changes_takes_its_own_place() -> None:
    for count in (1, 3):
        ownership, changed = linked(*SETS[:count]), structs.replace(SETS[0], resource_version=200)
        ownership.link(SETS[0], changed)
        assert ownership.children(WEB) == [changed, *SETS[1:count]]


def test_an_owner_loses_its_children_one_by_one() -> None:
    ownership = linked(*SETS)
    for number, child in enumerate(SETS, start=1):
        ownership.unlink(child, 100 + number)
        assert ownership.children(WEB) == SETS[number:]
        assert ownership.losses(WEB) == {REPLICA_SET: 100 + number}
    assert not ownership.is_leaf(WEB)
    ownership.forget_losses_of(WEB)
    assert ownership.is_leaf(WEB)


def test_who_is_no_child_takes_nothing_away() -> None:
    ownership = linked(SETS[0])
    ownership.unlink(SETS[1], 101)
    assert ownership.children(WEB) == [SETS[0]]


def test_losses_of_a_kind_that_nobody_knows_are_forgotten() -> None:
    ownership = linked(*SETS)
    ownership.unlink(SETS[0], 101)
    ownership.forget_losses(POD)
    assert ownership.losses(WEB) == {REPLICA_SET: 101}
    ownership.forget_losses(REPLICA_SET)
    assert ownership.losses(WEB) == {}


def test_an_object_of_another_namespace_is_no_child() -> None:
    stray = make(POD, "stray", "elsewhere", owners=[owner_of(WEB)])
    ownership = linked(SETS[0], stray)
    assert ownership.children(WEB) == [SETS[0]]
    assert ownership.owners(stray) == []
    assert ownership.owners(SETS[0]) == [WEB]
    assert [item.name for item in ownership.roots(None)] == ["stray"]
