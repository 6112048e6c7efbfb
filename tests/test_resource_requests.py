"""What a pod asks for: the scheduler's rule, in both encodings, and shared by siblings."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.compact import Compactor
from kubediscovery.nodes import node_of
from kubediscovery.objects import PodState
from tests.reading import read

Document = dict[str, Any]
QUANTITIES = {"cpu": "100m", "memory": "64Mi"}


def asks(restart_policy: str = "", **requests: Any) -> Document:
    return {"name": "c", "restartPolicy": restart_policy, "resources": {"requests": requests, "limits": {"cpu": "9"}}}


def pod(*containers: Document, init: tuple[Document, ...] = (), **spec: Any) -> Document:
    metadata = {"name": "a", "namespace": "n"}
    return {"metadata": metadata, "spec": {"containers": list(containers), "initContainers": list(init), **spec}}


def requests(document: Document) -> dict[str, str]:
    state = read("pods", document).state
    assert isinstance(state, PodState)
    return dict(state.requests)


def sidecar(**asked: Any) -> Document:
    return asks("Always", **asked)


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (pod(), {}),
        (pod({"name": "c"}, {"name": "d", "resources": {"limits": {"cpu": "1"}}}), {}),
        (pod(asks(cpu="100m", memory="64Mi"), asks(cpu="200m", memory="256Mi")), {"cpu": "300m", "memory": "320Mi"}),
        (pod(asks(**{"example.org/gpu": "1"}), asks(cpu="1")), {"cpu": "1", "example.org/gpu": "1"}),
        (pod(asks(cpu="0")), {"cpu": "0"}),
        # While they start one by one, the most of them counts, where it is more than what runs then.
        (pod(asks(cpu="1"), init=(asks(cpu="500m", memory="1Gi"), asks(cpu="2"))), {"cpu": "2", "memory": "1Gi"}),
        (pod(asks(cpu="3"), init=(asks(cpu="2"),)), {"cpu": "3"}),
        # A sidecar runs beside the containers, and beside the init containers after it.
        (pod(asks(cpu="1"), init=(sidecar(cpu="1"),)), {"cpu": "2"}),
        (pod(asks(cpu="1"), init=(sidecar(cpu="1"), asks(cpu="3"))), {"cpu": "4"}),
        (pod(asks(cpu="1"), init=(asks(cpu="3"), sidecar(cpu="1"))), {"cpu": "3"}),
        (pod(asks(cpu="1"), init=(sidecar(cpu="1"), asks(cpu="2"), sidecar(cpu="1"))), {"cpu": "3"}),
        (pod(asks(cpu="1"), init=(asks("OnFailure", cpu="1"), asks("Never", cpu="1"))), {"cpu": "1"}),
        (pod(asks(cpu="1"), overhead={"cpu": "250m", "memory": "120Mi"}), {"cpu": "1250m", "memory": "120Mi"}),
        # What is asked for the whole pod wins, where it may be said of one, and the overhead comes on top.
        (
            pod(asks(cpu="1", memory="1Gi"), resources={"requests": {"cpu": "4"}}, overhead={"cpu": "1"}),
            {"cpu": "5", "memory": "1Gi"},
        ),
        (pod(asks(cpu="3"), resources={"requests": {"cpu": "2"}}), {"cpu": "2"}),
        (
            pod(resources={"requests": {"hugepages-2Mi": "4Mi", "example.org/gpu": "1"}, "limits": {"cpu": "1"}}),
            {"hugepages-2Mi": "4Mi"},
        ),
        (pod(ephemeralContainers=[asks(cpu="1")]), {}),
        (pod(asks(cpu=2, memory=0.5)), {"cpu": "2", "memory": "500m"}),
        (pod(asks(cpu="much", memory="1Gi"), asks(cpu="1")), {"cpu": "1", "memory": "1Gi"}),
        (pod(asks(cpu=True, memory=[1], a={}, b="1e999999999", c="1")), {"c": "1"}),
        (pod({"name": "c", "resources": None}, asks(cpu=None, memory="1")), {"memory": "1"}),
    ],
)
def test_a_pod_asks_for(document: Document, found: dict[str, str]) -> None:
    assert requests(document) == found


@given(
    st.dictionaries(st.text(max_size=3), st.text(max_size=5) | st.integers() | st.floats(allow_nan=False) | st.none())
)
def test_whatever_stands_there_takes_no_pod_from_the_others(asked: dict[str, Any]) -> None:
    document = pod(asks(**{"zz-known": "1"}), init=(asks(**asked),), overhead=asked)
    text = json.dumps(document).replace("Infinity", "1e300")
    assert requests(json.loads(text))["zz-known"] == "1"


def test_siblings_share_what_they_ask_for() -> None:
    compactor = Compactor()
    states = [read("pods", pod(asks(**QUANTITIES), nodeName=f"node-{number}"), compactor).state for number in range(2)]
    first, second = (state.requests for state in states if isinstance(state, PodState))
    assert first is second
    assert first == (("cpu", "100m"), ("memory", "64Mi"))


def test_a_pods_node_says_what_it_asks_for() -> None:
    info = node_of(read("pods", pod(asks(**QUANTITIES)))).info
    assert info is not None
    assert info.requests == QUANTITIES
    nothing = node_of(read("pods", pod())).info
    assert nothing is not None
    assert nothing.requests is None
