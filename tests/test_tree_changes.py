from __future__ import annotations

from msgspec import structs

from kubediscovery.happenings import Happened, Happening
from kubediscovery.tree_changes import TreeChange, between, tree_changes
from kubediscovery.versions import merged
from tests.objects import DEPLOYMENT, POD, REPLICA_SET, make
from tests.versioning import partial, whole

WEB = make(DEPLOYMENT, "web", generation=3, created=10)
OLD = make(REPLICA_SET, "web-1", owners=[WEB], created=20)
GONE = make(POD, "web-1-a", owners=[OLD], created=120)
VERSIONS = merged([whole("a", 1, time=10.0), whole("b", 2, time=110.0), whole("b", 3, replicas=4, time=130.0)], [])


def _said(found: list[TreeChange]) -> list[tuple[float, str, str]]:
    return [(change.time, change.what, change.item.name) for change in found]


def test_the_newest_comes_first_and_nothing_older_than_wanted() -> None:
    deleted = Happening(140.0, Happened.DELETED, GONE, 9)
    found = tree_changes([WEB, OLD, GONE], [deleted], {WEB.uid: VERSIONS}, 100.0)
    assert _said(found) == [
        (140.0, "Deleted", "web-1-a"),
        (130.0, "Changed", "web"),
        (120.0, "Created", "web-1-a"),
        (110.0, "Changed", "web"),
    ]
    assert [change.version.name for change in found if change.version] == ["3", "2"]
    assert len(tree_changes([WEB], [], {WEB.uid: VERSIONS}, 111.0)) == 1


def test_what_a_version_tells_the_caches_do_not_tell_again() -> None:
    fields = ((("spec", "replicas"), 1, 4), (("metadata", "labels", "a"), None, "1"))
    seen = Happening(130.1, Happened.CHANGED, WEB, 9, fields)
    (found,) = tree_changes([WEB], [seen], {WEB.uid: VERSIONS}, 120.0)
    assert found.version is not None
    (found,) = tree_changes([WEB], [seen], {}, 120.0)
    assert [(change.path, change.what) for change in found.fields] == [
        (("spec", "replicas"), "Changed"),
        (("metadata", "labels", "a"), "Added"),
    ]
    later = structs.replace(WEB, generation=4)
    assert len(tree_changes([WEB], [seen._replace(item=later)], {WEB.uid: VERSIONS}, 120.0)) == 2


def test_what_is_known_in_part_is_compared_in_part() -> None:
    (found,) = between(partial("a", 1), whole("b", 2, replicas=9))
    assert found.path[:2] == ("spec", "template")
    assert (found.before, found.after) == ("a", "b")
    assert len(between(whole("a", 1), whole("b", 2, replicas=9))) == 2
