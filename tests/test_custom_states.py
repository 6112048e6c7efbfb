"""Custom kinds: what fits is read by convention, and nothing that anybody writes is an error."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.kinds import Kind
from kubediscovery.objects import Condition, Object, StatusState
from kubediscovery.readings import MESSAGE_LIMIT
from tests.reading import read, spelled

FLEET = Kind("example.com", "v1", "fleets", "Fleet", "fleet", custom=True)
Document = dict[str, Any]


def gateway_kind(kind: str) -> Kind:
    return Kind("gateway.networking.k8s.io", "v1", f"{kind.lower()}s", kind, kind.lower(), custom=True)


GATEWAY, HTTP_ROUTE = gateway_kind("Gateway"), gateway_kind("HTTPRoute")
ROUTES = [gateway_kind(kind) for kind in ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")]


@pytest.mark.parametrize(
    ("document", "state"),
    [
        ({}, StatusState()),
        ({"status": {"observedGeneration": 0}}, StatusState(observed_generation=0)),
        (
            {
                "spec": {"replicas": 3},
                "status": {"observedGeneration": 2, "phase": "Up", "replicas": 2, "readyReplicas": 1},
            },
            StatusState(2, phase="Up", desired=3, ready=1),
        ),
        ({"spec": {"suspend": True}}, StatusState(flags=(("suspended", "true"),))),
        ({"spec": {"paused": True, "suspend": False}}, StatusState(flags=(("suspended", "true"),))),
        (
            {"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "R", "message": "m"}]}},
            StatusState(conditions=(Condition("Ready", "False", "R", "m"),)),
        ),
        ({"status": {"conditions": [{"type": "Ready"}]}}, StatusState(conditions=(Condition("Ready", "", "", ""),))),
        # What does not fit is left out.
        ({"status": "Up"}, StatusState()),
        ({"status": None, "spec": None}, StatusState()),
        ({"status": ["Up"], "spec": 5}, StatusState()),
        ({"status": {"conditions": {"Ready": True}, "phase": "Up"}}, StatusState(phase="Up")),
        ({"status": {"conditions": ["Ready", None, {"type": 5}, {"status": "True"}]}}, StatusState()),
        ({"status": {"phase": {"name": "Up"}, "observedGeneration": "2"}}, StatusState()),
        ({"status": {"observedGeneration": True, "readyReplicas": 1.5}}, StatusState()),
        ({"status": {"observedGeneration": -5, "readyReplicas": 2**63}}, StatusState()),
        ({"spec": {"replicas": "3", "suspend": "true", "paused": 1}}, StatusState()),
    ],
)
def test_a_status_is_read_by_convention(document: Document, state: StatusState) -> None:
    assert read(FLEET, document).state == state


def test_long_words_are_cut() -> None:
    """Nobody holds those of custom kinds to any length."""
    long = "x" * (MESSAGE_LIMIT + 1)
    status = {"phase": long, "conditions": [{"type": long, "status": long, "reason": long}]}
    state = read(FLEET, {"status": status}).state
    assert isinstance(state, StatusState)
    (condition,) = state.conditions
    assert {state.phase, condition.type, condition.status, condition.reason} == {long[:MESSAGE_LIMIT]}


def test_long_messages_are_cut() -> None:
    state = read(FLEET, {"status": {"conditions": [{"type": "T", "message": "x" * (MESSAGE_LIMIT + 1)}]}}).state
    assert isinstance(state, StatusState)
    assert state.conditions[0].message == "x" * MESSAGE_LIMIT


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
conditions = st.lists(
    st.fixed_dictionaries({}, optional=dict.fromkeys(("type", "status", "reason", "message"), anything)) | anything,
    max_size=3,
)
references = st.lists(
    st.fixed_dictionaries({}, optional=dict.fromkeys(("group", "kind", "name", "namespace"), anything)) | anything,
    max_size=3,
)
numbers = ("observedGeneration", "replicas", "readyReplicas", "phase", "addresses")
statuses = anything | st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(numbers, anything),
        "conditions": conditions | anything,
        "parents": st.lists(st.fixed_dictionaries({"conditions": conditions}) | anything, max_size=2) | anything,
    },
)
specs = anything | st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("replicas", "suspend", "paused", "gatewayClassName"), anything),
        "parentRefs": references | anything,
        "rules": st.lists(st.fixed_dictionaries({"backendRefs": references | anything}) | anything, max_size=2),
        "listeners": st.lists(
            st.fixed_dictionaries({"tls": st.fixed_dictionaries({"certificateRefs": references}) | anything})
            | anything,
            max_size=2,
        ),
    },
)


@pytest.mark.parametrize("kind", [FLEET, GATEWAY, HTTP_ROUTE], ids=str)
@given(spec=specs, status=statuses)
def test_nothing_is_an_error(kind: Kind, spec: object, status: object) -> None:
    found = read(kind, {"metadata": {"name": "a"}, "spec": spec, "status": status})
    assert found.name == "a"
    assert isinstance(found.state, StatusState)
    assert all(condition.type for condition in found.state.conditions)
    assert all(reference.name for reference in found.references)


# Gateway API


def gateway_object(kind: Kind, spec: Document, status: object = None) -> Object:
    return read(kind, {"metadata": {"name": "a", "namespace": "n"}, "spec": spec, "status": status})


def test_a_gateway_names_its_class_and_its_certificates() -> None:
    certificates = [{"name": "s"}, {"kind": "Secret", "group": "", "namespace": "other", "name": "t"}]
    vault = {"group": "example.com", "kind": "Certificate", "name": "v"}
    listeners = [{"name": "http"}, {"tls": {"certificateRefs": [*certificates, vault]}}]
    found = gateway_object(GATEWAY, {"gatewayClassName": "c", "listeners": listeners})
    assert spelled(found.references) == [
        "gatewayClass GatewayClass.gateway.networking.k8s.io c",
        "tls Secret s",
        "tls Secret other/t",
        "tls Certificate.example.com v",
    ]


@pytest.mark.parametrize("kind", ROUTES, ids=str)
def test_a_route_names_what_is_above_and_below(kind: Kind) -> None:
    parents = [{"name": "g"}, {"namespace": "infra", "name": "h", "sectionName": "x"}, {"group": "", "kind": "Service"}]
    mesh = {"group": "", "kind": "Service", "name": "m"}
    rules = [{"backendRefs": [{"name": "s", "port": 80, "weight": 1}, {"name": "t", "namespace": "o"}]}, {}]
    found = gateway_object(kind, {"parentRefs": [*parents, mesh], "rules": rules})
    assert spelled(found.references) == [
        "route Gateway.gateway.networking.k8s.io g",
        "route Gateway.gateway.networking.k8s.io infra/h",
        "route Service m",
        "route Service s",
        "route Service o/t",
    ]


def test_what_gateways_and_routes_say_of_themselves() -> None:
    accepted = {"type": "Accepted", "status": "True"}
    refused = {"type": "ResolvedRefs", "status": "False"}
    status: Document = {"conditions": [accepted], "addresses": [{"type": "IPAddress"}, {"value": "192.0.2.1"}]}
    kept = (Condition("Accepted", "True", "", ""), Condition("ResolvedRefs", "False", "", ""))
    assert gateway_object(GATEWAY, {}, status).state == StatusState(
        conditions=kept[:1], flags=(("address", "192.0.2.1"),)
    )
    parents = [{"conditions": [accepted]}, {"conditions": [refused]}, {}]
    assert gateway_object(HTTP_ROUTE, {}, {"parents": parents}).state == StatusState(conditions=kept)
