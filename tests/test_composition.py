"""The shapes of compositions: how they are named, what is written of them, and what field selectors look at."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.composition import (
    Composition,
    CompositionStatus,
    PodCount,
    composition_name,
    composition_name_of,
    fields_of,
)
from kubediscovery.health import Health
from kubediscovery.kinds import Kind
from kubediscovery.meta import ObjectMeta
from kubediscovery.nodes import node_of
from kubediscovery.objects import Object
from kubediscovery.outcome import Rollout, RolloutState
from tests.objects import DEPLOYMENT, KINDS, POD, make

WEB = make(DEPLOYMENT, "web")
ROLLOUT = Rollout(state=RolloutState.PAUSED, desired=1, ready=1, old=0, terminating=0)


def composition(root: Object, status: CompositionStatus) -> Composition:
    metadata = ObjectMeta(name=composition_name(root), namespace=root.namespace)
    return Composition("Composition", "example.io/v1", metadata, node_of(root), status)


def test_names_give_the_resource_and_its_group() -> None:
    assert composition_name(WEB) == "deployments.apps.web"
    assert composition_name(make(POD, "web.0")) == "pods.web.0"


@given(st.sampled_from(list(KINDS)), st.text(min_size=1))
def test_what_is_not_there_has_the_name_that_it_would_have(kind: Kind, name: str) -> None:
    assert composition_name_of(kind, name) == composition_name(make(kind, name))


def test_what_is_not_known_of_a_tree_is_left_out() -> None:
    written = msgspec.json.decode(msgspec.json.encode(composition(WEB, CompositionStatus(Health.HEALTHY))))
    assert written["status"] == {"health": "Healthy"}
    assert "labels" not in written["metadata"]


def test_what_is_known_of_a_tree_is_written() -> None:
    status = CompositionStatus(Health.DEGRADED, PodCount(2, 1), rollout=ROLLOUT)
    written = msgspec.json.decode(msgspec.json.encode(composition(WEB, status)))
    assert written["status"]["pods"] == {"total": 2, "ready": 1}
    assert written["status"]["rollout"]["state"] == "Paused"


def test_field_selectors_look_at_the_root_and_at_what_holds_of_the_tree() -> None:
    found = fields_of(composition(WEB, CompositionStatus(Health.HEALTHY, rollout=ROLLOUT)))
    assert found == {
        "metadata.name": "deployments.apps.web",
        "metadata.namespace": WEB.namespace,
        "root.kind": "Deployment",
        "status.health": "Healthy",
        "status.rollout.state": "Paused",
    }


def test_where_nothing_is_rolled_out_the_state_is_empty() -> None:
    item = composition(WEB, CompositionStatus(Health.HEALTHY))
    assert fields_of(item)["status.rollout.state"] == ""
    assert fields_of(structs.replace(item, root=node_of(make(POD, "web"))))["root.kind"] == "Pod"
