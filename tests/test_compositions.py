"""Compositions: names, selection, what is left out, and what is said of it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.api import ApiGroup
from kubediscovery.composition import Composition, CompositionList
from kubediscovery.compositions import Compositions, Target
from kubediscovery.errors import NotFound, ServiceUnavailable, Subject
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.objects import Object
from kubediscovery.options import FIELDS, Options
from kubediscovery.selectors import parse_field_selector, parse_label_selector
from kubediscovery.store import Coverage, Store
from tests.objects import (
    DEPLOYMENT,
    FLEET,
    JOB,
    KINDS,
    OTHER_DEPLOYMENT,
    POD,
    REPLICA_SET,
    REVISION,
    RUNNING_POD,
    filled,
    make,
    seeing,
)

ALL = frozenset(KINDS)
API = ApiGroup("kubediscovery.cloudark.io", "v1", KINDS)

WEB = make(DEPLOYMENT, "web", labels=(("app", "web"),), resource_version=10)
WEB_1 = make(REPLICA_SET, "web-1", owners=[WEB], resource_version=20)
WEB_POD = make(POD, "web-1-a", owners=[WEB_1], resource_version=30)
LONE_POD = make(POD, "alone", "other")
LONE_JOB = make(JOB, "batch")
LONE_REVISION = make(REVISION, "r")
OBJECTS = (WEB, WEB_1, WEB_POD, LONE_POD, LONE_JOB, LONE_REVISION)


def answers(*objects: Object) -> Compositions:
    return Compositions(API, filled(objects or OBJECTS))


def listed(answer: CompositionList) -> list[str]:
    return [f"{item.metadata.namespace}/{item.metadata.name}" for item in answer.items]


def said(answer: Composition) -> str:
    return msgspec.json.encode(answer).decode()


def test_a_composition_is_named_after_its_root_on_every_path() -> None:
    one = answers().one(DEPLOYMENT, "shop", "web", seeing(ALL))
    assert one.metadata.name == "deployments.apps.web"
    assert one == answers().named("shop", "deployments.apps.web", seeing(ALL))
    (listed_one,) = answers().many(Target(DEPLOYMENT, "shop"), Options(), seeing(ALL)).items
    assert one == listed_one
    assert answers().one(POD, "other", "alone", seeing(ALL)).metadata.name == "pods.alone"
    assert (one.metadata.uid, one.metadata.labels) == (WEB.uid, {"app": "web"})


def test_the_version_is_the_highest_of_what_is_shown() -> None:
    assert answers().one(DEPLOYMENT, "shop", "web", seeing(ALL)).metadata.resource_version == "30"
    without_pods = answers().one(DEPLOYMENT, "shop", "web", seeing(ALL - {POD}))
    assert without_pods.metadata.resource_version == "20"
    assert answers().many(Target(None, None), Options(), seeing(ALL)).metadata.resource_version == "900"


def test_roots_are_unowned_objects_of_workload_kinds_sorted() -> None:
    assert listed(answers().many(Target(None, None), Options(), seeing(ALL))) == [
        "other/pods.alone",
        "shop/deployments.apps.web",
        "shop/jobs.batch.batch",
    ]
    assert listed(answers().many(Target(None, "other"), Options(), seeing(ALL))) == ["other/pods.alone"]
    assert listed(answers().many(Target(None, "nowhere"), Options(), seeing(ALL))) == []


def test_every_tracked_object_has_its_subresource() -> None:
    assert answers().one(REVISION, "shop", "r", seeing(ALL)).root.kind == "ControllerRevision"
    assert listed(answers().many(Target(POD, None), Options(), seeing(ALL))) == [
        "other/pods.alone",
        "shop/pods.web-1-a",
    ]


@pytest.mark.parametrize(
    "name", ["", "web", "deployments.apps.", "deployments.apps.nope", "pods.", "deployments.apps.web.x"]
)
def test_a_name_of_nothing_is_not_found_and_named(name: str) -> None:
    with pytest.raises(NotFound) as caught:
        answers().named("shop", name, seeing(ALL))
    assert f'compositions.kubediscovery.cloudark.io "{name}" not found' in str(caught.value)


def test_names_that_could_be_of_two_kinds_are_both_looked_up() -> None:
    ours, theirs = make(DEPLOYMENT, "web"), make(OTHER_DEPLOYMENT, "web")
    dotted = make(POD, "example.com.web")
    found = answers(ours, theirs, dotted)
    assert found.named("shop", "deployments.apps.web", seeing(ALL)).metadata.uid == ours.uid
    assert found.named("shop", "deployments.example.com.web", seeing(ALL)).metadata.uid == theirs.uid
    assert found.named("shop", "pods.example.com.web", seeing(ALL)).metadata.uid == dotted.uid


@given(st.text(max_size=60))
def test_no_name_finds_what_has_another(name: str) -> None:
    try:
        found = answers().named("shop", name, seeing(ALL))
    except NotFound:
        return
    assert found.metadata.name == name


def test_who_may_not_list_a_kind_cannot_get_it_by_name() -> None:
    with pytest.raises(NotFound):
        answers().named("shop", "deployments.apps.web", seeing(ALL - {DEPLOYMENT}))
    assert "shop/deployments.apps.web" not in listed(
        answers().many(Target(None, None), Options(), seeing(ALL - {DEPLOYMENT}))
    )


def test_what_is_left_out_is_named_and_leaves_no_trace() -> None:
    answer = answers().one(DEPLOYMENT, "shop", "web", seeing(ALL - {POD}))
    assert answer.status.pods is None
    assert "web-1-a" not in said(answer)
    (omitted,) = answer.status.omitted or []
    assert (omitted.group, omitted.resource, omitted.reason) == ("", "pods", "Forbidden")


def test_what_is_left_out_is_named_whether_or_not_there_is_any() -> None:
    with_pods = answers(WEB, WEB_1, WEB_POD).one(DEPLOYMENT, "shop", "web", seeing(ALL - {POD}))
    without = answers(WEB, WEB_1).one(DEPLOYMENT, "shop", "web", seeing(ALL - {POD}))
    assert said(with_pods) == said(without)


def test_a_list_of_roots_names_the_workload_kinds_that_it_leaves_out() -> None:
    answer = answers().many(Target(None, None), Options(), seeing(ALL - {POD, REVISION}))
    assert [left.resource for left in answer.omitted] == ["pods"]


def test_until_all_caches_are_filled_the_answer_is_what_is_waited_for() -> None:
    store = Store(KINDS)
    store.replace(DEPLOYMENT, [WEB], 1)
    for ask in (
        lambda: Compositions(API, store).one(DEPLOYMENT, "shop", "web", seeing(ALL)),
        lambda: Compositions(API, store).named("shop", "deployments.apps.web", seeing(ALL)),
        lambda: Compositions(API, store).many(Target(None, None), Options(), seeing(ALL)),
    ):
        with pytest.raises(ServiceUnavailable, match=r"waiting for replicasets\.apps, statefulsets\.apps") as caught:
            ask()
        assert caught.value.retry_after == 1


@pytest.mark.parametrize(
    ("coverage", "error"), [(Coverage.FORBIDDEN, ServiceUnavailable), (Coverage.NOT_FOUND, NotFound)]
)
def test_a_kind_of_which_nothing_is_known_is_never_an_empty_answer(coverage: Coverage, error: type[Exception]) -> None:
    store = filled(OBJECTS)
    store.omit(JOB, coverage)
    found = Compositions(API, store)
    with pytest.raises(error, match=r"jobs\.batch"):
        found.many(Target(JOB, "shop"), Options(), seeing(ALL))
    with pytest.raises(error, match=r"jobs\.batch"):
        found.one(JOB, "shop", "batch", seeing(ALL))
    (omitted,) = found.one(DEPLOYMENT, "shop", "web", seeing(ALL)).status.omitted or []
    assert (omitted.resource, omitted.reason) == ("jobs", coverage.value)
    assert [left.resource for left in found.many(Target(None, None), Options(), seeing(ALL)).omitted] == ["jobs"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("metadata.name=pods.alone", ["other/pods.alone"]),
        ("metadata.namespace=other", ["other/pods.alone"]),
        ("root.kind!=Pod", ["shop/deployments.apps.web", "shop/jobs.batch.batch"]),
        ("status.health=Progressing", ["shop/jobs.batch.batch"]),
        ("status.health=Degraded", []),
    ],
)
def test_field_selectors(selector: str, expected: list[str]) -> None:
    options = Options(fields=parse_field_selector(selector, FIELDS))
    assert listed(answers().many(Target(None, None), options, seeing(ALL))) == expected


def test_label_selectors_are_about_the_root() -> None:
    options = Options(labels=parse_label_selector("app in (web)"))
    assert listed(answers().many(Target(None, None), options, seeing(ALL))) == ["shop/deployments.apps.web"]


def test_a_chain_too_long_to_follow_is_named() -> None:
    chain = [make(DEPLOYMENT, "o0")]
    for number in range(1, 100):
        chain.append(make(JOB, f"o{number}", owners=[chain[-1]]))
    (omitted,) = answers(*chain).one(DEPLOYMENT, "shop", "o0", seeing(ALL)).status.omitted or []
    assert (omitted.resource, omitted.reason) == ("jobs", "TooDeep")


def test_a_cluster_scoped_root_has_no_namespace() -> None:
    fleet = make(FLEET, "north")
    owned = make(DEPLOYMENT, "ship", owners=[fleet])
    answer = answers(fleet, owned).one(FLEET, "", "north", seeing(ALL))
    assert [child.name for child in answer.root.children] == ["ship"]
    assert "namespace" not in msgspec.json.decode(said(answer))["metadata"]


@given(st.sets(st.sampled_from(sorted(ALL, key=str))))
def test_the_health_is_of_what_is_seen(visible: set[Kind]) -> None:
    answer = answers().one(DEPLOYMENT, "shop", "web", seeing(visible))
    assert answer.status.health == "Healthy"
    assert {left.resource for left in answer.status.omitted or []} == {kind.resource for kind in ALL - visible}


@pytest.mark.parametrize(
    ("coverage", "error"), [(Coverage.FORBIDDEN, ServiceUnavailable), (Coverage.NOT_FOUND, NotFound)]
)
def test_a_name_of_an_unknown_kind_is_not_said_to_be_absent(coverage: Coverage, error: type[Exception]) -> None:
    store = filled(OBJECTS)
    store.omit(JOB, coverage)
    found = Compositions(API, store)
    with pytest.raises(error, match=r"jobs\.batch$"):
        found.named("shop", "jobs.batch.batch", seeing(ALL))
    with pytest.raises(NotFound, match=r'"jobs\.batch\.batch" not found'):
        found.named("shop", "jobs.batch.batch", seeing(ALL - {JOB}))


def test_where_pods_are_unknown_none_are_counted() -> None:
    store = filled(OBJECTS)
    store.omit(POD, Coverage.FORBIDDEN)
    answer = Compositions(API, store).one(DEPLOYMENT, "shop", "web", seeing(ALL))
    assert answer.status.pods is None
    assert [(left.resource, left.reason) for left in answer.status.omitted or []] == [("pods", "Forbidden")]
    assert answer.metadata.resource_version == "20"


def test_of_what_neither_may_list_the_caller_learns_his_own_refusal_alone() -> None:
    store = filled(OBJECTS)
    store.omit(POD, Coverage.FORBIDDEN)
    mine = Compositions(API, store).one(DEPLOYMENT, "shop", "web", seeing(ALL - {POD}))
    assert said(mine) == said(answers().one(DEPLOYMENT, "shop", "web", seeing(ALL - {POD})))


def test_a_pod_that_is_asked_for_is_counted_also_for_who_may_not_list_pods() -> None:
    answer = answers().one(POD, "other", "alone", seeing(ALL - {POD}))
    assert answer.status.pods is not None
    assert (answer.status.pods.total, answer.status.pods.ready) == (1, 1)


def test_a_root_that_is_asked_for_by_its_kind_needs_no_right_to_list_it() -> None:
    target = Target(DEPLOYMENT, "shop")
    (root,) = answers().many(target, Options(), seeing(ALL - {DEPLOYMENT})).items
    assert (root.metadata.name, root.metadata.resource_version) == ("deployments.apps.web", "30")


@given(st.sets(st.sampled_from(sorted(ALL, key=str))))
def test_a_list_is_the_visible_roots_each_as_it_is_alone(visible: set[Kind]) -> None:
    shown = answers().many(Target(None, None), Options(), seeing(visible))
    roots = [root for root in (LONE_POD, WEB, LONE_JOB) if root.kind in visible]
    alone = [answers().one(root.kind, root.namespace, root.name, seeing(visible)) for root in roots]
    assert shown.items == alone
    hidden = [kind.resource for kind in KINDS if kind.workload and kind not in visible]
    assert [left.resource for left in shown.omitted] == hidden


def test_names_come_back_to_what_they_are_of() -> None:
    """Also where plurals, groups and names could be read in more than one way."""
    names = ("web", "apps.web", "deployments.apps.web", "example.com.web", "apps", "a" * 253)
    objects = [
        make(kind, name, namespace)
        for kind in (DEPLOYMENT, OTHER_DEPLOYMENT, POD, REVISION)
        for namespace in ("shop", "other")
        for name in names
    ]
    found = answers(*objects)
    for item in objects:
        one = found.one(item.kind, item.namespace, item.name, seeing(ALL))
        assert found.named(item.namespace, one.metadata.name, seeing(ALL)).metadata.uid == item.uid


METRICS = Kind("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", "pod")


def test_of_two_objects_with_one_name_the_first_kind_is_meant() -> None:
    kinds = Kinds((POD, METRICS))
    dotted, measured = make(POD, "metrics.k8s.io.web"), make(METRICS, "web")
    found = Compositions(ApiGroup("example.io", "v1", kinds), filled([dotted, measured], kinds))
    name = "pods.metrics.k8s.io.web"
    assert found.named("shop", name, seeing({POD, METRICS})).metadata.uid == dotted.uid
    assert found.named("shop", name, seeing({METRICS})).metadata.uid == measured.uid
    only = Compositions(ApiGroup("example.io", "v1", kinds), filled([measured], kinds))
    assert only.named("shop", name, seeing({POD, METRICS})).metadata.uid == measured.uid


def test_metrics_of_pods_are_no_pods() -> None:
    kinds = Kinds((DEPLOYMENT, POD, METRICS))
    answer = Compositions(ApiGroup("example.io", "v1", kinds), filled([WEB], kinds)).one(
        DEPLOYMENT, "shop", "web", seeing({DEPLOYMENT, METRICS})
    )
    assert answer.status.pods is None


@pytest.mark.parametrize(
    "name",
    [
        ".",
        "..",
        "pods..",
        "pods.alone.",
        ".pods.alone",
        "PODS.alone",
        "pods/alone",
        "pods.alone\0",
        "pods.%61lone",
        "p" * 9999,
    ],
)
def test_hostile_names_find_nothing(name: str) -> None:
    with pytest.raises(NotFound):
        answers().named("other", name, seeing(ALL))
    with pytest.raises(NotFound):
        answers().one(POD, "other", name, seeing(ALL))


def test_names_are_looked_up_in_their_namespace_alone() -> None:
    for namespace in ("", "shop", "Other", "other/", "*"):
        with pytest.raises(NotFound):
            answers().named(namespace, "pods.alone", seeing(ALL))
        with pytest.raises(NotFound):
            answers().one(POD, namespace, "alone", seeing(ALL))


def test_an_absent_object_is_named() -> None:
    with pytest.raises(NotFound, match=r'deployments\.apps "nope" not found') as caught:
        answers().one(DEPLOYMENT, "shop", "nope", seeing(ALL))
    assert caught.value.subject == Subject("apps", "deployments", "nope")


def test_labels_without_any_are_left_out() -> None:
    written = msgspec.json.decode(said(answers().one(POD, "other", "alone", seeing(ALL))))
    assert "labels" not in written["metadata"]
    assert written["metadata"]["creationTimestamp"] == "2023-11-14T22:13:20Z"
    assert "omitted" not in written["status"]


def test_selectors_look_at_what_may_be_seen_alone() -> None:
    """A degraded pod that is hidden may not be found out by asking for degraded compositions."""
    broken = make(POD, "web-1-a", owners=[WEB_1], state=structs.replace(RUNNING_POD, phase="Failed"))
    found = answers(WEB, WEB_1, broken)
    options = Options(fields=parse_field_selector("status.health=Degraded", FIELDS))
    assert listed(found.many(Target(None, None), options, seeing(ALL))) == ["shop/deployments.apps.web"]
    assert listed(found.many(Target(None, None), options, seeing(ALL - {POD}))) == []
