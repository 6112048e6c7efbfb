"""Lint: each rule by a table of cases, and all of them against a slow, obvious reference on random clusters."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.findings import Finding, Rule, Severity
from kubediscovery.kinds import Kind
from kubediscovery.lint import Lint
from kubediscovery.objects import Object, Owner, PodState
from kubediscovery.selectors import Requirement, Selector
from kubediscovery.sight import Sight
from kubediscovery.store import Coverage, Store
from tests.objects import (
    DAEMON_SET,
    DEPLOYMENT,
    FLEET,
    JOB,
    KINDS,
    POD,
    REPLICA_SET,
    REVISION,
    RUNNING_POD,
    STATEFUL_SET,
    filled,
    make,
    owner_of,
    seeing,
)

API = "kubediscovery.cloudark.io/v1"
APP = (("app", "web"),)
SELECTS = Selector((Requirement("app", "in", frozenset(("web",))),))
ENDED = msgspec.structs.replace(RUNNING_POD, phase="Succeeded")


def findings(store: Store, sight: Sight | None = None) -> list[Finding]:
    sight = sight or seeing(KINDS)
    lint = Lint(store, sight, API)
    items = [item for kind in sight.kinds for item in store.objects(kind, sight.namespace)]
    found = [each for item in items for each in lint.of(item)]
    return [*found, *lint.cycles({item.uid: lint.owners(item) for item in items})]


def said(items: Iterable[Object], sight: Sight | None = None) -> list[tuple[str, Rule, str]]:
    """Names of objects, rules, and names of references."""
    found = findings(filled(items), sight)
    return sorted((each.object.name, each.rule, each.reference.name if each.reference else "") for each in found)


WEB = make(DEPLOYMENT, "web")


def test_what_is_right_is_not_found() -> None:
    below = make(REPLICA_SET, "web-1", owners=[WEB])
    fleet = make(FLEET, "north")
    pods = [make(POD, "web-1-a", owners=[below, owner_of(fleet, controller=False)]), make(POD, "alone")]
    assert said([WEB, below, fleet, *pods, make(FLEET, "of-fleet", owners=[fleet])]) == []


def test_an_owner_that_does_not_exist() -> None:
    (found,) = findings(filled([make(REPLICA_SET, "web-1", owners=[WEB])]))
    assert (found.rule, found.severity) == (Rule.OWNER_NOT_FOUND, Severity.ERROR)
    assert found.message == 'the owner Deployment "web" of ReplicaSet "web-1" does not exist'
    assert "garbage collector deletes" in found.action
    assert found.metadata.name == "replicasets.apps.web-1.ownernotfound"
    assert (found.object.kind, found.object.namespace, found.object.uid) == ("ReplicaSet", "shop", found.object.uid)
    assert found.reference is not None
    assert (found.reference.api_version, found.reference.kind, found.reference.uid) == (
        "apps/v1",
        "Deployment",
        WEB.uid,
    )


def test_an_owner_of_the_same_name_that_was_made_anew() -> None:
    again = make(DEPLOYMENT, "web", uid="new")
    (found,) = findings(filled([again, make(REPLICA_SET, "web-1", owners=[WEB])]))
    assert found.message == 'the owner Deployment "web" of ReplicaSet "web-1" has another UID now'


def test_with_another_owner_it_stays() -> None:
    gone = make(DEPLOYMENT, "gone")
    (found,) = findings(filled([WEB, make(REPLICA_SET, "web-1", owners=[WEB, owner_of(gone, controller=False)])]))
    assert (found.rule, found.severity) == (Rule.OWNER_NOT_FOUND, Severity.WARNING)
    assert "deletes" not in found.action


def test_two_owners_that_are_gone_are_two_findings_with_names_of_their_own() -> None:
    gone = [make(DEPLOYMENT, name) for name in ("a", "b")]
    below = make(REPLICA_SET, "web-1", owners=[gone[0], owner_of(gone[1], controller=False)])
    found = findings(filled([below]))
    prefix = "replicasets.apps.web-1.ownernotfound"
    assert [each.metadata.name for each in found] == [prefix, f"{prefix}.2"]
    assert {each.severity for each in found} == {Severity.ERROR}


def test_an_owner_in_another_namespace() -> None:
    (found,) = findings(filled([make(DEPLOYMENT, "web", "vault", uid=WEB.uid), make(REPLICA_SET, "a", owners=[WEB])]))
    assert (found.rule, found.severity) == (Rule.OWNER_IN_ANOTHER_NAMESPACE, Severity.ERROR)
    assert found.message == 'ReplicaSet "a" has an owner in another namespace: Deployment "web" in vault'


@pytest.mark.parametrize(
    "changed", [{"name": "other"}, {"kind": "StatefulSet"}, {"api_version": "example.com/v1"}, {"kind": "Unknown"}]
)
def test_a_uid_that_is_another_s(changed: dict[str, Any]) -> None:
    reference = msgspec.structs.replace(owner_of(WEB), **changed)
    (found,) = findings(filled([WEB, make(REPLICA_SET, "a", owners=[reference])]))
    assert found.rule is Rule.OWNER_MISMATCH
    assert found.message.endswith('by the UID of Deployment "web"')


def test_another_version_of_the_same_kind_is_right() -> None:
    reference = msgspec.structs.replace(owner_of(WEB), api_version="apps/v1beta1")
    assert said([WEB, make(REPLICA_SET, "a", owners=[reference])]) == []


@pytest.mark.parametrize("there", [True, False])
def test_what_is_of_no_namespace_with_an_owner_in_one(*, there: bool) -> None:
    (found,) = findings(filled([*([WEB] if there else []), make(FLEET, "north", owners=[WEB])]))
    assert (found.rule, found.severity) == (Rule.NAMESPACED_OWNER, Severity.WARNING)
    assert found.message == 'Fleet "north" is of no namespace, and its owner Deployment "web" of one'


def test_two_controllers() -> None:
    other = make(DEPLOYMENT, "other")
    (found,) = findings(filled([WEB, other, make(REPLICA_SET, "a", owners=[WEB, other])]))
    assert (found.rule, found.severity, found.reference) == (Rule.SEVERAL_CONTROLLERS, Severity.ERROR, None)
    assert found.message == 'ReplicaSet "a" has 2 controllers'


def circle(*names: str) -> list[Object]:
    """Deployments each of which is owned by the next, and the last by the first."""
    made = [make(DEPLOYMENT, name) for name in names]
    return [make(DEPLOYMENT, item.name, owners=[made[number - 1]]) for number, item in enumerate(made)]


def test_each_member_of_a_circle_is_told() -> None:
    found = findings(filled([*circle("a", "b", "c"), make(REPLICA_SET, "below", owners=[make(DEPLOYMENT, "a")])]))
    assert {(each.object.name, each.rule) for each in found} == {(name, Rule.OWNERSHIP_CYCLE) for name in "abc"}
    assert {each.reference.name for each in found if each.reference} == {"a", "b", "c"}
    message = 'Deployment "a" owns itself; in the circle are Deployment "a", Deployment "b", Deployment "c"'
    assert message in {each.message for each in found}


def test_who_owns_himself_and_a_circle_of_many() -> None:
    (found,) = findings(filled(circle("a")))
    assert found.message == 'Deployment "a" owns itself; in the circle are Deployment "a"'
    assert findings(filled(circle(*"abcdef")))[0].message.endswith(" and 3 more")


def orphans(controller: Kind, **fields: Any) -> list[Object]:
    adopted = {DEPLOYMENT: REPLICA_SET}.get(controller, POD)
    return [make(controller, "web", selector=SELECTS), make(adopted, "web-0", labels=APP, **fields)]


@pytest.mark.parametrize("controller", [DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET, JOB])
def test_an_orphan_that_a_controller_would_adopt(controller: Kind) -> None:
    (found,) = findings(filled(orphans(controller)))
    assert (found.object.name, found.rule, found.severity) == ("web-0", Rule.ORPHAN, Severity.WARNING)
    assert found.message.endswith(f'"web-0" has no controller, and {controller.kind} "web" selects it')
    assert found.reference is not None
    assert (found.reference.kind, found.reference.namespace) == (controller.kind, "shop")


@pytest.mark.parametrize("controller", [STATEFUL_SET, DAEMON_SET])
def test_a_revision_without_a_controller(controller: Kind) -> None:
    items = [make(controller, "web", selector=SELECTS), make(REVISION, "web-1", labels=APP)]
    assert said(items) == [("web-1", Rule.ORPHAN, "web")]


def test_a_plain_owner_is_no_controller() -> None:
    fleet = make(FLEET, "north")
    items = [*orphans(REPLICA_SET, owners=[owner_of(fleet, controller=False)]), fleet]
    assert said(items) == [("web-0", Rule.ORPHAN, "web")]


@pytest.mark.parametrize(
    ("controller", "fields"),
    [
        (REPLICA_SET, {"labels": ()}),
        (REPLICA_SET, {"deleting": True}),
        (REPLICA_SET, {"state": ENDED}),
        (REPLICA_SET, {"namespace": "vault"}),
        (STATEFUL_SET, {"name": "web"}),
        (STATEFUL_SET, {"name": "other-0"}),
        (STATEFUL_SET, {"name": "web-a-0"}),
    ],
)
def test_what_a_controller_would_not_adopt(controller: Kind, fields: dict[str, Any]) -> None:
    above, below = orphans(controller)
    assert said([above, msgspec.structs.replace(below, **fields)]) == []


@pytest.mark.parametrize(
    "fields", [{"deleting": True}, {"selector": Selector()}, {"selector": None}, {"namespace": "vault"}]
)
def test_who_adopts_nothing(fields: dict[str, Any]) -> None:
    above, below = orphans(DAEMON_SET)
    assert said([msgspec.structs.replace(above, **fields), below]) == []


def test_ended_pods_are_adopted_by_who_counts_them() -> None:
    assert said(orphans(JOB, state=ENDED)) == [("web-0", Rule.ORPHAN, "web")]


def test_what_selects_but_adopts_nothing() -> None:
    above, below = orphans(DEPLOYMENT)
    assert said([above, make(POD, "web-0", labels=APP)]) == []
    assert said([make(FLEET, "north", selector=SELECTS), below]) == []


def test_of_what_is_being_deleted_nothing_is_said() -> None:
    assert said([make(REPLICA_SET, "a", owners=[WEB], deleting=True)]) == []


# What may not be seen


def near(*kinds: Kind, everywhere: Iterable[Kind] = ()) -> Sight:
    return Sight("shop", frozenset(kinds), frozenset(everywhere))


def test_nothing_is_said_of_an_owner_whose_kind_may_not_be_seen() -> None:
    below = make(REPLICA_SET, "a", owners=[WEB])
    for items in ([below], [WEB, below], [make(DEPLOYMENT, "web", "vault", uid=WEB.uid), below]):
        assert said(items, near(REPLICA_SET)) == []


def test_an_owner_in_a_namespace_that_may_not_be_seen_does_not_exist_here() -> None:
    below = make(REPLICA_SET, "a", owners=[WEB])
    elsewhere = make(DEPLOYMENT, "web", "vault", uid=WEB.uid)
    missing = findings(filled([below]), near(REPLICA_SET, DEPLOYMENT))
    assert [each.rule for each in missing] == [Rule.OWNER_NOT_FOUND]
    assert findings(filled([below, elsewhere]), near(REPLICA_SET, DEPLOYMENT)) == missing
    (seen,) = findings(filled([below, elsewhere]), near(REPLICA_SET, DEPLOYMENT, everywhere=[DEPLOYMENT]))
    assert seen.rule is Rule.OWNER_IN_ANOTHER_NAMESPACE


def test_a_uid_of_what_may_not_be_seen_is_like_one_of_nothing() -> None:
    hidden = make(JOB, "secret-plan", uid=WEB.uid)
    below = make(REPLICA_SET, "a", owners=[WEB])
    sight = near(REPLICA_SET, DEPLOYMENT)
    assert findings(filled([below, hidden]), sight) == findings(filled([below]), sight)


def test_nothing_is_said_of_adopters_and_circles_that_may_not_be_seen() -> None:
    assert said(orphans(REPLICA_SET), near(POD)) == []
    assert said(orphans(REPLICA_SET), near(REPLICA_SET)) == []
    two = [make(DEPLOYMENT, "a", owners=[make(JOB, "b")]), make(JOB, "b", owners=[make(DEPLOYMENT, "a")])]
    assert len(said(two)) == 2
    assert said(two, near(DEPLOYMENT)) == said(two, near(JOB)) == []


@pytest.mark.parametrize("there", [True, False])
def test_what_is_of_no_namespace_is_judged_by_kinds_that_may_be_seen(*, there: bool) -> None:
    items = [*([WEB] if there else []), make(FLEET, "north", owners=[WEB])]
    assert said(items, Sight(None, frozenset([FLEET]))) == []
    assert said(items, Sight(None, frozenset([FLEET, DEPLOYMENT]))) == [("north", Rule.NAMESPACED_OWNER, "web")]


def test_nothing_is_said_of_an_owner_that_cannot_be_known() -> None:
    below = make(REPLICA_SET, "a", owners=[WEB])
    for coverage in (Coverage.FORBIDDEN, Coverage.UNAVAILABLE):
        store = filled([below])
        store.omit(DEPLOYMENT, coverage)
        assert findings(store) == []
    assert said([make(REPLICA_SET, "a", owners=[Owner("example.org/v1", "Kafka", "main", "u", controller=True)])]) == []


def test_who_may_not_list_the_owner_s_kind_is_not_told_that_the_object_is_doomed() -> None:
    gone, hidden = make(DEPLOYMENT, "gone"), make(JOB, "hidden")
    below = make(REPLICA_SET, "a", owners=[gone, owner_of(hidden, controller=False)])
    (found,) = findings(filled([below]), near(REPLICA_SET, DEPLOYMENT))
    assert (found.rule, found.severity) == (Rule.OWNER_NOT_FOUND, Severity.WARNING)


# The reference

SOME = (DEPLOYMENT, REPLICA_SET, STATEFUL_SET, POD, FLEET)
NAMES = ("web", "web-0", "web-1")


@dataclass
class Slow:
    """Each rule as its sentence says it, over a list of everything."""

    items: list[Object]
    sight: Sight

    def sees(self, item: Object) -> bool:
        near = self.sight.namespace in (None, item.namespace) or not item.namespace
        return item.kind in (self.sight.kinds if near else self.sight.everywhere)

    def lists(self, kind: Kind, namespace: str) -> bool:
        """Whether all of a kind in a namespace, or in none, may be seen."""
        near = self.sight.namespace in (None, namespace) or not kind.namespaced
        return kind in (self.sight.kinds if near else self.sight.everywhere)

    def seen(self) -> list[Object]:
        return [item for item in self.items if self.sees(item)]

    def looked_at(self) -> list[Object]:
        return [item for item in self.seen() if self.sight.namespace in (None, item.namespace)]

    def found(self) -> set[tuple[str, Rule, str]]:
        return {each for item in self.looked_at() for each in (*self.of(item), *self.circles(item))}

    def of(self, item: Object) -> Iterator[tuple[str, Rule, str]]:
        if item.deleting:
            return
        for reference in item.owners:
            rule = self.rule(item, reference)
            if rule:
                yield item.uid, rule, reference.uid
        if len([owner for owner in item.owners if owner.controller]) > 1:
            yield item.uid, Rule.SEVERAL_CONTROLLERS, ""
        for other in self.seen():
            if other.namespace == item.namespace and not other.deleting and self.adopts(other, item):
                yield item.uid, Rule.ORPHAN, other.uid

    def rule(self, item: Object, reference: Owner) -> Rule | None:
        owner = next((other for other in self.seen() if other.uid == reference.uid), None)
        kind = next(found for found in SOME if found.kind == reference.kind)
        if not item.kind.namespaced and kind.namespaced:
            return Rule.NAMESPACED_OWNER if kind in self.sight.kinds else None
        if owner is None:
            return Rule.OWNER_NOT_FOUND if self.lists(kind, item.namespace) else None
        if owner.name != reference.name or owner.kind != kind:
            return Rule.OWNER_MISMATCH
        return Rule.OWNER_IN_ANOTHER_NAMESPACE if owner.namespace not in ("", item.namespace) else None

    def adopts(self, controller: Object, item: Object) -> bool:
        if any(owner.controller for owner in item.owners) or item.labels != APP or controller.selector != SELECTS:
            return False
        match controller.kind.kind, item.kind.kind:
            case "Deployment", "ReplicaSet":
                return True
            case "ReplicaSet", "Pod":
                return isinstance(item.state, PodState) and item.state.phase == "Running"
            case "StatefulSet", "Pod":
                return item.name in (f"{controller.name}-0", f"{controller.name}-1")
        return False

    def circles(self, item: Object) -> Iterator[tuple[str, Rule, str]]:
        beyond: set[str] = set()
        waiting = self.owners(item)
        while waiting:
            other = waiting.pop()
            if other.uid not in beyond:
                beyond.add(other.uid)
                waiting.extend(self.owners(other))
        if item.uid in beyond:
            yield item.uid, Rule.OWNERSHIP_CYCLE, ""

    def owners(self, item: Object) -> list[Object]:
        uids = {reference.uid for reference in item.owners}
        owners = [other for other in self.looked_at() if other.uid in uids]
        return [other for other in owners if other.namespace in ("", item.namespace)]


@st.composite
def clusters(draw: st.DrawFn) -> list[Object]:
    def place() -> dict[str, Any]:
        return {"kind": draw(st.sampled_from(SOME)), "name": draw(st.sampled_from(NAMES))}

    bare = [make(**place(), namespace=draw(st.sampled_from(("shop", "vault")))) for _ in range(draw(st.integers(1, 8)))]
    bare = list({(item.kind, item.namespace, item.name): item for item in bare}.values())
    strays = st.builds(
        lambda name, kind: make(kind, name, uid=f"gone-{name}"), st.sampled_from(NAMES), st.sampled_from(SOME)
    )
    owners = st.sampled_from(bare) | strays
    wrong = st.fixed_dictionaries(
        {}, optional={"name": st.sampled_from(NAMES), "kind": st.sampled_from([kind.kind for kind in SOME])}
    )
    version = {kind.kind: kind.api_version for kind in SOME}

    def reference() -> Owner:
        found = msgspec.structs.replace(owner_of(draw(owners)), controller=draw(st.booleans()), **draw(wrong))
        return msgspec.structs.replace(found, api_version=version[found.kind])

    return [
        msgspec.structs.replace(
            item,
            owners=tuple({each.uid: each for each in (reference() for _ in range(draw(st.integers(0, 2))))}.values()),
            deleting=draw(st.sampled_from((False, False, True))),
            labels=draw(st.sampled_from((APP, ()))),
            selector=draw(st.sampled_from((SELECTS, None, Selector()))),
            state=draw(st.sampled_from((ENDED, RUNNING_POD))) if item.kind == POD else item.state,
        )
        for item in bare
    ]


KIND_SETS = st.frozensets(st.sampled_from(SOME)) | st.just(frozenset(SOME))
SIGHTS = st.builds(lambda kinds, everywhere: Sight("shop", kinds | everywhere, everywhere), KIND_SETS, KIND_SETS) | (
    st.builds(lambda kinds: Sight(None, kinds), KIND_SETS)
)


@given(clusters(), SIGHTS)
def test_lint_is_the_slow_reference(items: list[Object], sight: Sight) -> None:
    found = findings(filled(items), sight)
    told = {
        (each.object.uid, each.rule, each.reference.uid if each.reference and each.rule != Rule.OWNERSHIP_CYCLE else "")
        for each in found
    }
    assert told == Slow(items, sight).found()
    assert len({(each.metadata.namespace, each.metadata.name) for each in found}) == len(found)


@given(clusters(), SIGHTS)
def test_what_may_not_be_seen_changes_nothing(items: list[Object], sight: Sight) -> None:
    visible = [item for item in items if Slow(items, sight).sees(item)]
    assert findings(filled(items), sight) == findings(filled(visible), sight)
