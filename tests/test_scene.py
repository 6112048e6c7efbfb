"""The demo's cluster: laws that hold at every step."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubediscovery.composition import Composition
from kubediscovery.compositions import Compositions
from kubediscovery.drawing import Direction, Drawing
from kubediscovery.health import Health
from kubediscovery.kinds import CONFIG_MAP
from kubediscovery.lint import Lint
from kubediscovery.nodes import Node
from kubediscovery.objects import Object
from kubediscovery.scene import CYCLE_STEPS, STEP_SECONDS, WEB_REPLICAS, rollout, scene
from kubediscovery.scenery import SETTINGS
from kubediscovery.sight import Sight
from kubediscovery.store import Store
from tests.playing import API, NOW, filled, played, related

STEPS = st.integers(0, 10_000)
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?")
EVERYBODY = Sight(None, frozenset(API.kinds), all=True)
# Of these nothing is owned by a workload.
AROUND = ("ConfigMap", "Service", "EndpointSlice", "Ingress", "HorizontalPodAutoscaler", "Event")
law = settings(deadline=None, max_examples=50)


@cache
def compositions(step: int) -> dict[str, Composition]:
    return {item.metadata.name: item for item in played(step)}


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def everything(node: Node) -> Iterator[Node]:
    """A node and all below it, related ones too."""
    yield node
    for below in (*node.children, *node.related):
        yield from everything(below)


def objects(store: Store) -> Iterator[Object]:
    return (item for kind in API.kinds for item in store.objects(kind))


def pods(node: Node) -> list[Node]:
    return [found for found in walk(node) if found.kind == "Pod"]


def metadata(manifest: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = manifest["metadata"]
    return found


@law
@given(STEPS)
def test_the_same_step_is_the_same_scene(step: int) -> None:
    assert scene(step, NOW) == scene(step, NOW)


@law
@given(STEPS)
def test_every_object_decodes_and_is_in_one_tree(step: int) -> None:
    names = Counter(node.uid for item in compositions(step).values() for node in walk(item.root))
    manifests = [manifest for manifest in scene(step, NOW) if manifest["kind"] not in AROUND]
    assert names == Counter(metadata(manifest)["uid"] for manifest in manifests)


@law
@given(STEPS)
def test_relations_lead_to_all_the_others(step: int) -> None:
    nodes = [node for item in related(step) for node in everything(item.root)]
    told = {(node.uid, event.reason) for node in nodes for event in node.events or ()}
    manifests = scene(step, NOW)
    assert {node.uid for node in nodes} == {metadata(found)["uid"] for found in manifests if found["kind"] != "Event"}
    events = [found for found in manifests if found["kind"] == "Event"]
    assert told == {(found["involvedObject"]["uid"], found["reason"]) for found in events}
    assert len(told) == 2


@law
@given(STEPS)
def test_every_selector_finds_what_it_should_and_every_verdict_is_plausible(step: int) -> None:
    store = filled(scene(step, NOW))
    assert not [finding for item in objects(store) for finding in Lint(store, EVERYBODY, "v1").of(item)]
    for name, item in compositions(step).items():
        expected = {"deployments.apps.payments": "Failed", "cronjobs.batch.report": "Progressing", "pods.toolbox": ""}
        expected["deployments.apps.web"] = "Progressing" if rollout(step).old else "Complete"
        found = item.status.rollout
        assert (found.state if found else "") == expected.get(name, "Complete"), name
        assert found is None or sum(row.pods for row in found.revisions or ()) >= found.ready


@law
@given(STEPS)
def test_the_endpoints_are_the_pods_of_web(step: int) -> None:
    (web,) = [item for item in related(step) if item.metadata.name == "deployments.apps.web"]
    for pod in pods(web.root):
        assert [node.relation for node in pod.related] == ["configMap", "endpoints"]
    (found,) = [manifest for manifest in scene(step, NOW) if manifest["kind"] == "EndpointSlice"]
    ready = {point["targetRef"]["uid"] for point in found["endpoints"] if point["conditions"]["ready"]}
    assert ready == {pod.uid for pod in pods(web.root) if pod.health == Health.HEALTHY}
    assert [(node.kind, node.relation, node.incoming) for node in web.root.related] == [
        ("HorizontalPodAutoscaler", "scale", True)
    ]


def test_all_users_of_a_configuration_are_found() -> None:
    store = filled(scene(0, NOW))
    settings_ = store.find(CONFIG_MAP, "shop", SETTINGS)
    assert settings_ is not None
    drawing = Drawing(direction=Direction.USERS)
    root = Compositions(API, store).compose(settings_, EVERYBODY, drawing).root
    found = {(node.kind, node.name) for node in everything(root)}
    assert {("Deployment", "web"), ("Deployment", "payments")} < found
    assert not any(name.startswith("db") for _, name in found)


@law
@given(STEPS)
def test_owners_exist_and_stand_before_what_they_own(step: int) -> None:
    seen: dict[str, tuple[str, str, str]] = {}
    for manifest in scene(step, NOW):
        for owner in metadata(manifest).get("ownerReferences", ()):
            assert seen[owner["uid"]] == (owner["kind"], metadata(manifest)["namespace"], owner["name"])
        identity = (manifest["kind"], metadata(manifest)["namespace"], metadata(manifest)["name"])
        seen[metadata(manifest)["uid"]] = identity
    assert len(set(seen.values())) == len(seen) == len(scene(step, NOW))


@law
@given(STEPS)
def test_names_and_times_are_plausible(step: int) -> None:
    present = NOW + timedelta(seconds=step * STEP_SECONDS)
    for manifest in scene(step, NOW):
        assert NAME.fullmatch(metadata(manifest)["name"])
        assert datetime.fromisoformat(metadata(manifest)["creationTimestamp"]) <= present
    for item in compositions(step).values():
        created = [node.creation_timestamp for node in walk(item.root)]
        assert min(filter(None, created)) == item.root.creation_timestamp


@law
@given(STEPS)
def test_a_change_has_a_higher_resource_version(step: int) -> None:
    before = {metadata(manifest)["uid"]: manifest for manifest in scene(step, NOW)}
    for after in scene(step + 1, NOW):
        known = before.get(metadata(after)["uid"])
        if known is None:
            continue
        versions = [int(metadata(manifest).pop("resourceVersion")) for manifest in (known, after)]
        assert versions[0] <= versions[1]
        assert known == after or versions[0] < versions[1]


@law
@given(STEPS)
def test_status_counts_the_pods_that_are_there(step: int) -> None:
    ready = {
        node.uid: (len(pods(node)), sum(pod.ready == "1/1" for pod in pods(node)))
        for item in compositions(step).values()
        for node in walk(item.root)
    }
    for manifest in scene(step, NOW):
        if manifest["kind"] in ("Deployment", "ReplicaSet", "StatefulSet"):
            status = manifest["status"]
            assert (status["replicas"], status["readyReplicas"]) == ready[metadata(manifest)["uid"]]


@law
@given(STEPS)
def test_the_rollout_only_advances_until_it_starts_anew(step: int) -> None:
    before, after = rollout(step), rollout(step + 1)
    if after.revision == before.revision:
        assert (after.updated, after.ready, -after.old) >= (before.updated, before.ready, -before.old)
    else:
        assert after.revision == before.revision + 1
        assert (before.ready, before.old) == (WEB_REPLICAS, 0)
        assert (after.updated, after.ready, after.old) == (1, 0, WEB_REPLICAS)
    assert WEB_REPLICAS <= after.ready + after.old <= after.updated + after.old <= WEB_REPLICAS + 1


@law
@given(STEPS)
def test_web_has_two_revisions_and_shows_the_rollout(step: int) -> None:
    web, state = compositions(step)["deployments.apps.web"], rollout(step)
    revisions = {child.info.revision: child for child in web.root.children if child.info}
    assert set(revisions) == {str(state.revision), str(state.revision - 1)}
    assert web.root.info
    assert web.root.info.revision == str(state.revision)
    assert len(pods(revisions[str(state.revision)])) == state.updated
    assert len(pods(revisions[str(state.revision - 1)])) == state.old
    assert web.status.health == (Health.PROGRESSING if state.old else Health.HEALTHY)


def test_the_demo_begins_in_the_middle_of_a_rollout_that_ends() -> None:
    assert 1 < rollout(0).updated < WEB_REPLICAS
    healths = [compositions(step)["deployments.apps.web"].status.health for step in range(CYCLE_STEPS)]
    assert Counter(healths)[Health.HEALTHY] > CYCLE_STEPS / 2


@law
@given(STEPS)
def test_payments_crashes_and_goes_on_serving(step: int) -> None:
    payments = compositions(step)["deployments.apps.payments"]
    assert (payments.root.health, payments.root.reason) == (Health.DEGRADED, "ProgressDeadlineExceeded")
    serving, crashing = sorted(payments.root.children, key=lambda child: child.health)
    assert {pod.health for pod in pods(serving)} == {Health.HEALTHY}
    assert {(pod.health, pod.reason) for pod in pods(crashing)} == {(Health.DEGRADED, "CrashLoopBackOff")}
    assert all("exit code 1" in pod.message for pod in pods(crashing))


@pytest.mark.parametrize(
    ("name", "kinds", "health"),
    [
        ("statefulsets.apps.db", {"ControllerRevision": 2, "Pod": 3, "StatefulSet": 1}, Health.HEALTHY),
        ("daemonsets.apps.log-agent", {"ControllerRevision": 1, "DaemonSet": 1, "Pod": 3}, Health.HEALTHY),
        ("cronjobs.batch.report", {"CronJob": 1, "Job": 2, "Pod": 2}, Health.PROGRESSING),
        ("pods.toolbox", {"Pod": 1}, Health.HEALTHY),
    ],
)
def test_what_does_not_move(name: str, kinds: dict[str, int], health: Health) -> None:
    item = compositions(0)[name]
    assert Counter(node.kind for node in walk(item.root)) == kinds
    assert item.status.health == health


def test_both_namespaces_have_their_part() -> None:
    found = {(item.metadata.namespace, name) for name, item in compositions(0).items()}
    assert len(found) == 6
    assert {namespace for namespace, _ in found} == {"shop", "batch"}
