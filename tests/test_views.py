"""In whose trees a change shows, and how a view tells of it; the law of both together is in test_watch."""

from collections.abc import Sequence

import pytest
from msgspec import structs

from kubediscovery.api import ApiGroup
from kubediscovery.compositions import Compositions, Target
from kubediscovery.effects import affected_by, in_order
from kubediscovery.errors import Expired
from kubediscovery.journal import Change, change_between
from kubediscovery.kinds import Kind
from kubediscovery.negotiation import PLAIN, TABLE, MediaType, Representation
from kubediscovery.objects import EventType, Object
from kubediscovery.options import FIELDS
from kubediscovery.selectors import parse_field_selector, parse_label_selector
from kubediscovery.store import Store
from kubediscovery.views import Selection, View
from tests.objects import DEPLOYMENT, KINDS, POD, REPLICA_SET, filled, make, owner_of, seeing

ALL = frozenset(KINDS)
EVERYWHERE = Target(None, None)
WEB = make(DEPLOYMENT, "web", labels=(("app", "web"),))
SET = make(REPLICA_SET, "web-1", owners=[WEB])
PODS = [make(POD, name, owners=[SET]) for name in ("a", "b")]
JSON = Representation(PLAIN)


def touched(store: Store, changes: list[Change], visible: frozenset[Kind] = ALL) -> list[str]:
    return [affected.last.name for affected in affected_by(store, changes, visible).values()]


def view_of(
    store: Store,
    target: Target = EVERYWHERE,
    labels: str = "",
    fields: str = "",
    visible: frozenset[Kind] = ALL,
) -> View:
    compositions = Compositions(ApiGroup("kubediscovery.cloudark.io", "v1", KINDS), store)
    selection = Selection(target, parse_label_selector(labels), parse_field_selector(fields, FIELDS))
    return View(store, compositions, selection, seeing(visible))


def change_of(item: Object) -> Change:
    return change_between(item, item, item.resource_version)


def test_a_change_shows_in_all_trees_above_it() -> None:
    store = filled([WEB, SET, *PODS])
    assert touched(store, [change_of(PODS[0])]) == ["a", "web-1", "web"]
    assert touched(store, [change_of(PODS[0]), change_of(PODS[1])]) == ["a", "web-1", "web", "b"]


def test_it_does_not_show_past_what_may_not_be_seen() -> None:
    store = filled([WEB, SET, *PODS])
    # Its own tree may be asked for by its name.
    assert touched(store, [change_of(PODS[0])], ALL - {POD}) == ["a"]
    assert touched(store, [change_of(PODS[0])], ALL - {REPLICA_SET}) == ["a", "web-1"]


def test_it_shows_through_owners_that_are_gone_too() -> None:
    store = filled([WEB, *PODS])
    changes = [change_between(PODS[0], PODS[0], 200), change_between(SET, None, 201)]
    assert touched(store, changes)[:3] == ["a", "web-1", "web"]


def test_the_children_of_what_comes_and_goes_are_touched() -> None:
    store = filled([WEB, *PODS])
    assert touched(store, [change_between(SET, None, 200)]) == ["web-1", "web", "a", "b"]


def test_a_view_of_one_name_is_known_by_it() -> None:
    store = filled([WEB])
    name = "deployments.apps.web"
    assert view_of(store, Target(None, "shop"), fields=f"metadata.name={name}").one_name == ("shop", name)
    assert view_of(store, Target(None, "shop")).one_name is None
    assert view_of(store, fields=f"metadata.name={name}").one_name is None
    one = view_of(store, Target(DEPLOYMENT, "shop"), fields=f"metadata.name={name}")
    assert list(one.present) == [WEB.uid]
    assert list(view_of(store, Target(DEPLOYMENT, "shop"), fields="metadata.name=pods.web").present) == []


def test_a_line_is_written_once_for_all_who_want_it_alike() -> None:
    (event,) = view_of(filled([WEB])).initial()
    assert event is not None
    assert event.line(JSON, columns=True) is event.line(JSON, columns=True)
    table = Representation(MediaType(TABLE, "meta.k8s.io", "v1"))
    first, second = (event.line(table, columns=columns) for columns in (True, False))
    assert b'"columnDefinitions":[' in first
    assert b'"columnDefinitions":null' in second


def test_the_version_of_a_deletion_is_when_it_happened() -> None:
    store = filled([WEB])
    view = view_of(store)
    store.remove(structs.replace(WEB, resource_version=300))
    (affected,) = affected_by(store, [change_between(WEB, None, 300)], ALL).values()
    event = view.event(affected)
    assert event is not None
    assert (event.type, event.composition.metadata.resource_version) == (EventType.DELETED, "300")
    assert view.event(affected) is None


def replayed(store: Store, changes: list[Change], labels: str = "", fields: str = "") -> list[tuple[EventType, str]]:
    return told_of(view_of(store, labels=labels, fields=fields), changes)


def told_of(view: View, changes: Sequence[Change]) -> list[tuple[EventType, str]]:
    effects = view.effects(changes)
    for change in changes:
        effects.add(change)
    return [(event.type, event.composition.root.name) for event in view.replay(effects) if event is not None]


def test_where_former_states_are_unknown_what_is_not_selected_is_told_as_gone() -> None:
    store = filled([structs.replace(WEB, labels=())])
    vague = [Change(950, DEPLOYMENT, WEB.uid, (), certain=False)]
    for labels, fields in (("app=web", ""), ("", "status.health=Degraded")):
        assert replayed(store, vague, labels, fields) == [(EventType.DELETED, "web")]
    assert replayed(store, vague, fields="metadata.name=deployments.apps.other") == []


def test_what_is_not_selected_is_not_told_to_who_may_not_list_its_kind() -> None:
    store = filled([structs.replace(WEB, labels=())])
    view = view_of(store, Target(DEPLOYMENT, None), labels="app=web", visible=ALL - {DEPLOYMENT})
    with pytest.raises(Expired):
        told_of(view, [Change(950, DEPLOYMENT, WEB.uid, (), certain=False)])


def test_what_came_and_went_may_be_known_to_who_saw_it_in_between() -> None:
    store = filled([])
    assert replayed(store, [change_between(None, WEB, 950), change_between(WEB, None, 960)]) == [
        (EventType.DELETED, "web")
    ]
    labelled = structs.replace(WEB, labels=(("app", "other"),))
    bare = structs.replace(WEB, labels=())
    changes = [change_between(bare, labelled, 950), change_between(labelled, bare, 951)]
    assert replayed(filled([bare]), changes, labels="app=other") == [(EventType.DELETED, "web")]
    assert replayed(filled([bare]), changes, labels="app=third") == []


def test_what_always_had_an_owner_was_never_a_root() -> None:
    pod = PODS[0]
    came = [change_between(None, WEB, 900), change_between(None, SET, 901), change_between(None, pod, 902)]
    assert replayed(filled([WEB, SET, pod]), came) == [(EventType.ADDED, "web")]
    # As the garbage collector does it in the foreground: what is owned goes first.
    went = [change_between(pod, None, 910), change_between(SET, None, 911), change_between(WEB, None, 912)]
    assert replayed(filled([]), [*came, *went]) == [(EventType.DELETED, "web")]
    # In the background it goes last, and was a root until then.
    went = [change_between(WEB, None, 910), change_between(SET, None, 911), change_between(pod, None, 912)]
    assert [name for _, name in replayed(filled([]), went)] == ["web", "web-1", "a"]


def test_what_is_told_is_told_by_version() -> None:
    """Whoever is cut off in between goes on from the last version that it has."""
    store = filled([WEB, *PODS])
    changes = [change_between(PODS[0], PODS[0], 910), change_between(None, WEB, 905), change_between(SET, None, 920)]
    versions = [affected.version for affected in in_order(store, affected_by(store, changes, ALL).values())]
    assert versions == sorted(versions)


@pytest.mark.parametrize("went", [20, 900])
def test_what_is_gone_is_told_before_what_has_taken_its_name(went: int) -> None:
    """Clients know objects by their names; 900 is the version of a list in which the former was missing."""
    fresh = structs.replace(WEB, uid="another", resource_version=21)
    store = filled([fresh, structs.replace(SET, owners=(owner_of(fresh),), resource_version=22)])
    changes = [
        change_between(None, structs.replace(SET, owners=(owner_of(fresh),)), 22),
        change_between(WEB, None, went),
        change_between(None, fresh, 21),
    ]
    assert replayed(store, changes) == [(EventType.DELETED, "web"), (EventType.ADDED, "web")]


def test_where_former_owners_are_unknown_what_is_no_root_is_told_as_gone() -> None:
    """Whoever has it as a root would keep it for ever; for others it is nothing new."""
    store = filled([WEB, SET])
    vague = [Change(950, REPLICA_SET, SET.uid, (WEB.uid,), certain=False)]
    assert told_of(view_of(store), vague) == [(EventType.DELETED, "web-1"), (EventType.MODIFIED, "web")]
