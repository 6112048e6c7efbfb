"""The index of who names, selects and tells of whom."""

from msgspec import structs

from kubediscovery.links import Links
from kubediscovery.objects import Object, Reference
from kubediscovery.relations import How, Relations, Rule
from kubediscovery.selectors import EVERYTHING, Requirement, Selector
from tests.objects import DEPLOYMENT, FLEET, POD, REPLICA_SET, STATEFUL_SET, make
from tests.relating import (
    AUTOSCALER,
    BUDGET,
    CLAIM,
    CONFIG,
    INGRESS,
    NODE,
    POLICY,
    SECRET,
    SERVICE,
    SLICE,
    event,
    is_empty,
    labels,
    pod,
    refers,
    selects,
)

CONFIGURED = make(CONFIG, "c")


def holding(*objects: Object) -> Links:
    links = Links()
    for item in objects:
        links.change(None, item, item.resource_version)
    return links


def naming(links: Links, relation: str, target: Object) -> set[str]:
    found = list(links.referrers(relation, target))
    assert len(found) == len(set(found))
    return set(found)


def test_pods_are_found_by_what_they_share() -> None:
    shared = (refers("configMap", CONFIGURED), refers("secret", make(SECRET, "s")))
    pods = [make(POD, f"p{number}", references=shared) for number in range(3)]
    links = holding(*pods)
    assert naming(links, "configMap", CONFIGURED) == {item.uid for item in pods}
    assert naming(links, "secret", CONFIGURED) == set()
    links.change(pods[0], None, 101)
    assert naming(links, "configMap", CONFIGURED) == {item.uid for item in pods[1:]}
    for item in pods[1:]:
        links.change(item, None, 102)
    assert is_empty(links)


def test_pods_whose_references_are_equal_and_not_the_same_are_found() -> None:
    pods = [make(POD, f"p{number}", references=(refers("configMap", CONFIGURED),)) for number in range(2)]
    assert naming(holding(*pods), "configMap", CONFIGURED) == {item.uid for item in pods}


def test_siblings_in_another_namespace_name_what_is_there() -> None:
    shared = (refers("configMap", CONFIGURED),)
    near, far = make(POD, "p", references=shared), make(POD, "p", "other", references=shared)
    links = holding(near, far)
    assert naming(links, "configMap", CONFIGURED) == {near.uid}
    assert naming(links, "configMap", make(CONFIG, "c", "other")) == {far.uid}


def test_a_change_moves_a_pod() -> None:
    before = pod("p", refers("configMap", CONFIGURED), node="n1")
    after = structs.replace(before, references=(refers("secret", make(SECRET, "s")),), node="n2")
    links = holding(before)
    links.change(before, after, 101)
    assert not naming(links, "configMap", CONFIGURED)
    assert naming(links, "secret", make(SECRET, "s")) == {after.uid}
    assert naming(links, "node", make(NODE, "n2")) == {after.uid}
    assert not naming(links, "node", make(NODE, "n1"))


def test_who_names_a_cluster_scoped_object_of_any_kind_is_found_wherever_it_is() -> None:
    fleet = make(FLEET, "f")
    scalers = [make(AUTOSCALER, "h", place, references=(refers("scale", fleet),)) for place in ("a", "b")]
    both = make(AUTOSCALER, "x", "c", references=(refers("scale", fleet), refers("scale", fleet, "d")))
    assert naming(holding(*scalers, both), "scale", fleet) == {*(item.uid for item in scalers), both.uid}


def test_references_that_mean_the_same_are_forgotten_together() -> None:
    machine = make(NODE, "n1")
    item = make(INGRESS, "i", references=(refers("ingress", machine), refers("ingress", machine, "shop")))
    links = holding(item)
    assert naming(links, "ingress", machine) == {item.uid}
    links.change(item, structs.replace(item, references=item.references[:1]), 101)
    assert naming(links, "ingress", machine) == {item.uid}
    links.change(structs.replace(item, references=item.references[:1]), None, 102)
    assert is_empty(links)


def test_a_slice_that_changes_keeps_what_it_still_names() -> None:
    service, one, two = make(SERVICE, "s"), make(POD, "1"), make(POD, "2")
    before = make(SLICE, "x", references=(refers("endpoints", service), refers("endpoints", one)))
    after = structs.replace(before, references=(refers("endpoints", service), refers("endpoints", two)))
    links = holding(before)
    links.change(before, after, 101)
    found = {item.name: naming(links, "endpoints", item) for item in (service, one, two)}
    assert found == {"s": {after.uid}, "1": set(), "2": {after.uid}}
    assert links.lines(POD, frozenset(("endpoints", "scale"))).naming == ("endpoints",)


def test_selectors_are_found_by_the_labels_that_they_need() -> None:
    selecting = {
        "equal": make(BUDGET, "equal", selector=selects(app="x")),
        "either": make(BUDGET, "either", selector=Selector((Requirement("app", "in", frozenset("xy")),))),
        "exists": make(BUDGET, "exists", selector=Selector((Requirement("app", "exists"),))),
        "every": make(POLICY, "every", selector=EVERYTHING),
        "absent": make(POLICY, "absent", selector=Selector((Requirement("app", "absent"),))),
        "fine": make(REPLICA_SET, "fine", selector=selects(**{"app": "x", "pod-template-hash": "1"})),
        "far": make(BUDGET, "far", "other", selector=EVERYTHING),
    }
    links = holding(*selecting.values())
    uids = {item.uid: name for name, item in selecting.items()}

    def found(**given: str) -> set[str]:
        return {uids[uid] for uid in links.selecting(make(POD, "p", labels=labels(**given)))}

    assert found(app="x") == {"equal", "either", "exists", "every", "absent"}
    assert found(app="y") == {"either", "exists", "every", "absent"}
    assert found() == {"every", "absent"}
    assert "fine" in found(**{"app": "x", "pod-template-hash": "1"})
    for item in selecting.values():
        links.change(item, None, 101)
    assert is_empty(links)


def test_a_selector_that_nothing_meets_is_kept_nowhere() -> None:
    item = make(BUDGET, "b", selector=Selector((Requirement("app", "in", frozenset()),)))
    links = holding(item)
    links.change(item, None, 101)
    assert is_empty(links)


def test_claims_are_found_by_the_stem_of_their_names() -> None:
    claims = {
        name: make(CLAIM, name)
        for name in ("data-db-0", "data-db-10", "data-db-01", "data-db-", "data-db-x", "data-dbx-0")
    }
    links = holding(*claims.values())
    assert set(links.numbered("shop", "data-db-")) == {claims["data-db-0"].uid, claims["data-db-10"].uid}
    assert not set(links.numbered("other", "data-db-"))
    db = make(STATEFUL_SET, "db", references=(Reference("claimTemplate", "", "PersistentVolumeClaim", "data-db-"),))
    links.change(None, db, 1)
    assert naming(links, "claimTemplate", claims["data-db-10"]) == {db.uid}
    assert not naming(links, "claimTemplate", claims["data-db-01"])


def test_events_and_releases_are_found() -> None:
    web = make(DEPLOYMENT, "web", release="shop/web")
    told = event("e", web)
    links = holding(web, told)
    assert list(links.events(web.uid)) == [told.uid]
    assert list(links.released("shop/web")) == [web.uid]
    links.change(web, structs.replace(web, release="shop/other"), 101)
    assert not list(links.released("shop/web"))


def test_the_last_change_of_a_kind_is_known_by_namespace() -> None:
    near, far = make(CONFIG, "c", resource_version=5), make(CONFIG, "c", "other", resource_version=9)
    links = holding(near, far)
    assert [links.latest({CONFIG}, place) for place in ("shop", "other", "third", None)] == [5, 9, 0, 9]
    links.change(near, None, 12)
    assert [links.latest({CONFIG}, place) for place in ("shop", None)] == [12, 12]
    assert links.latest({SECRET}, None) == 0


def test_the_lines_of_a_kind_are_those_in_which_anything_names_it_now() -> None:
    links, wanted = Links(), frozenset(("endpoints", "scale", "disruption"))
    nothing = links.lines(SERVICE, wanted)
    assert (nothing.against, nothing.naming, nothing.lead_here) == (("endpoints",), (), False)
    assert links.lines(POD, wanted).is_selected
    assert links.lines(BUDGET, wanted).selects == ("disruption", ("", "Pod"))
    assert links.lines(BUDGET, frozenset(("scale",))).selects is None
    assert links.lines(SLICE, wanted).names_back
    scaler = make(AUTOSCALER, "h", references=(refers("scale", make(DEPLOYMENT, "d")),))
    assert not links.lines(DEPLOYMENT, wanted).lead_here
    links.change(None, scaler, 1)
    assert links.lines(DEPLOYMENT, wanted).naming == ("scale",)
    assert links.lines(DEPLOYMENT, frozenset(("endpoints",))).naming == ()
    links.change(scaler, None, 2)
    assert not links.lines(DEPLOYMENT, wanted).lead_here


def test_the_lines_are_those_of_the_rules_that_hold() -> None:
    links, wanted = Links(), frozenset(("mine",))
    assert links.lines(SERVICE, wanted).selects is None
    links.relations = Relations([Rule("mine", ("", "Service"), ("", "Pod"), How.SELECTOR, "a to b")])
    assert links.lines(SERVICE, wanted).selects == ("mine", ("", "Pod"))


def test_who_names_pods_is_found_by_their_names() -> None:
    item = make(POD, "1")
    links = holding(make(SLICE, "x", references=(refers("endpoints", item),)))
    assert list(links.place("endpoints", POD, item.namespace)) == ["1"]
    assert not links.place("endpoints", POD, "other")
    assert not links.place("scale", POD, item.namespace)
