"""Audit events: kube-apiserver's own shapes, whatever a caller sends."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.audit import Auditor, source_addresses
from kubediscovery.authz import NonResourceAttributes
from kubediscovery.errors import Forbidden, Subject, Unauthorized
from kubediscovery.exchange import Exchange
from kubediscovery.identity import Caller, User
from tests.exchanges import RECEIVED, WATCHED, WEB, exchange_of, scope_of

ALICE = User("alice", "uid-1", ("team", "system:authenticated"), (("scopes", ("a", "b")),))


class Lines(list[bytes]):
    put = list[bytes].append


def events(*exchanges: Exchange, started: bool = False) -> list[dict[str, Any]]:
    lines = Lines()
    auditor = Auditor(lines, clock=lambda: RECEIVED + 1)
    for exchange in exchanges:
        if started:
            auditor.started(exchange)
        auditor.finished(exchange)
    assert auditor.requests == len(exchanges)
    assert auditor.events == len(lines)
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)
    return [msgspec.json.decode(line) for line in lines]


def event(exchange: Exchange) -> dict[str, Any]:
    (found,) = events(exchange)
    return found


def test_an_event_has_the_order_and_the_fields_of_kube_apiservers() -> None:
    exchange = exchange_of(WEB, user=ALICE, http=scope_of("/apis/x", "a=b", headers=[("User-Agent", "kubectl/v1")]))
    exchange.code, exchange.decision, exchange.reason = 200, "allow", "RBAC: allowed"
    found = event(exchange)
    assert list(found) == [
        "kind",
        "apiVersion",
        "level",
        "auditID",
        "stage",
        "requestURI",
        "verb",
        "user",
        "sourceIPs",
        "userAgent",
        "objectRef",
        "responseStatus",
        "requestReceivedTimestamp",
        "stageTimestamp",
        "annotations",
    ]
    assert found["requestURI"] == "/apis/x?a=b"
    assert found["user"] == {
        "username": "alice",
        "uid": "uid-1",
        "groups": ["team", "system:authenticated"],
        "extra": {"scopes": ["a", "b"]},
    }
    assert list(found["objectRef"]) == ["resource", "namespace", "name", "apiGroup", "apiVersion", "subresource"]
    assert found["responseStatus"] == {"metadata": {}, "code": 200}
    assert found["annotations"] == {
        "authorization.k8s.io/decision": "allow",
        "authorization.k8s.io/reason": "RBAC: allowed",
    }


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_700_000_000.25, "2023-11-14T22:13:20.250000Z"),
        (1_700_000_000, "2023-11-14T22:13:20.000000Z"),
    ],
)
def test_times_always_have_microseconds(seconds: float, written: str) -> None:
    exchange = exchange_of(None)
    exchange.received = seconds
    assert event(exchange)["requestReceivedTimestamp"] == written


def test_a_refusal_is_told_with_its_status() -> None:
    exchange = exchange_of(WEB, user=ALICE)
    exchange.code, exchange.error = 403, Forbidden("no", subject=Subject("g", "deployments", "web"))
    assert event(exchange)["responseStatus"] == {
        "metadata": {},
        "status": "Failure",
        "message": "no",
        "reason": "Forbidden",
        "details": {"name": "web", "group": "g", "kind": "deployments"},
        "code": 403,
    }


def test_a_watch_is_told_when_it_begins_and_when_it_ends() -> None:
    exchange = exchange_of(WATCHED, user=ALICE)
    exchange.code = 200
    found = events(exchange, started=True)
    assert [each["stage"] for each in found] == ["ResponseStarted", "ResponseComplete"]
    assert {each["stageTimestamp"] for each in found} == {"2023-11-14T22:13:21.250000Z"}


def test_a_fault_says_what_it_was_and_no_more() -> None:
    exchange = exchange_of(WEB, user=ALICE)
    exchange.code, exchange.crash = 500, KeyError("a secret")
    found = event(exchange)
    assert (found["stage"], found["responseStatus"]["reason"]) == ("Panic", "InternalError")
    assert found["responseStatus"]["message"] == "kubediscovery failed: KeyError"


def test_who_acts_as_somebody_else() -> None:
    exchange = exchange_of(WEB)
    exchange.caller = Caller(User("bob"), impersonator=ALICE)
    found = event(exchange)
    assert (found["user"]["username"], found["impersonatedUser"]) == ("alice", {"username": "bob"})


def test_who_offered_a_bad_credential_has_no_name() -> None:
    exchange = exchange_of(WEB)
    exchange.error = Unauthorized()
    assert event(exchange)["user"] == {}


def test_what_is_no_resource_has_no_reference() -> None:
    found = event(exchange_of(NonResourceAttributes("/metrics", "get"), user=ALICE))
    assert (found["verb"], "objectRef" in found, "annotations" in found) == ("get", False, False)


def test_a_list_has_no_name() -> None:
    found = event(exchange_of(structs.replace(WEB, verb="list", name=""), user=ALICE))
    assert "name" not in found["objectRef"]


def test_a_long_user_agent_is_cut_as_kubernetes_cuts_it() -> None:
    http = scope_of(headers=[("User-Agent", "x" * 3000)])
    assert event(exchange_of(WEB, http=http))["userAgent"] == "x" * 1024 + "...TRUNCATED"


@pytest.mark.parametrize(
    ("headers", "addresses"),
    [
        ([], ["10.0.0.9"]),
        ([("X-Forwarded-For", "192.0.2.1, 192.0.2.2")], ["192.0.2.1", "192.0.2.2", "10.0.0.9"]),
        ([("X-Forwarded-For", "192.0.2.1,10.0.0.9")], ["192.0.2.1", "10.0.0.9"]),
        ([("X-Forwarded-For", "junk, 2001:DB8::1 ,")], ["2001:db8::1", "10.0.0.9"]),
        ([("X-Real-Ip", "192.0.2.1")], ["192.0.2.1", "10.0.0.9"]),
        ([("X-Forwarded-For", "192.0.2.1"), ("X-Real-Ip", "192.0.2.1")], ["192.0.2.1", "10.0.0.9"]),
        ([("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-For", "192.0.2.2")], ["192.0.2.1", "10.0.0.9"]),
        ([("X-Forwarded-For", ",".join(["192.0.2.1"] * 500))], ["192.0.2.1"] * 32 + ["10.0.0.9"]),
    ],
)
def test_the_connections_own_address_is_the_last(headers: list[tuple[str, str]], addresses: list[str]) -> None:
    http = scope_of(headers=headers)
    assert list(source_addresses(http["headers"], http["client"])) == addresses


@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=30))
def test_whatever_is_sent_becomes_one_line_of_json(agent: bytes, addresses: bytes, query: bytes) -> None:
    http = scope_of()
    http["headers"] = [(b"user-agent", agent), (b"x-forwarded-for", addresses), (b"x-real-ip", addresses)]
    http["query_string"] = query
    found = event(exchange_of(WEB, http=http))
    assert found["sourceIPs"][-1] == "10.0.0.9"
