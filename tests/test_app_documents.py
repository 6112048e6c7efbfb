"""The documents beside compositions: discovery, version, health, metrics; and what every answer carries."""

import logging
import re
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kubediscovery import __version__
from kubediscovery.readiness import Check
from tests.serving import GROUP, KINDS, PREFIX, Serving

WEB = f"{PREFIX}/namespaces/shop/deployments/web/compositions"
SHOP = f"{PREFIX}/namespaces/shop/deployments/*/compositions"


@pytest.fixture
def serving() -> Serving:
    return Serving()


ACCEPT_V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
ACCEPT_BOTH = f"{ACCEPT_V2},{ACCEPT_V2.replace('v=v2', 'v=v2beta1')},application/json"


@pytest.mark.parametrize(
    ("target", "accept", "content_type", "kind"),
    [
        ("/apis", "", "application/json", "APIGroupList"),
        ("/apis", "application/json", "application/json", "APIGroupList"),
        ("/apis", ACCEPT_BOTH, ACCEPT_V2, "APIGroupDiscoveryList"),
        ("/apis", ACCEPT_V2.replace("v2", "v2beta1"), ACCEPT_V2.replace("v2", "v2beta1"), "APIGroupDiscoveryList"),
        # As the aggregator asks, and as its peers do, of whom none has to be told of here.
        ("/apis", f"{ACCEPT_V2},{ACCEPT_V2.replace('v=v2', 'v=v2beta1')}", ACCEPT_V2, "APIGroupDiscoveryList"),
        ("/apis", f"{ACCEPT_V2};profile=nopeer", ACCEPT_V2, "APIGroupDiscoveryList"),
        ("/api", ACCEPT_BOTH, ACCEPT_V2, "APIGroupDiscoveryList"),
        ("/api", "application/json", "application/json", "APIVersions"),
        (f"/apis/{GROUP}", "application/json", "application/json", "APIGroup"),
        (PREFIX, "application/json", "application/json", "APIResourceList"),
        (PREFIX, ACCEPT_BOTH, "application/json", "APIResourceList"),
    ],
)
async def test_discovery(serving: Serving, target: str, accept: str, content_type: str, kind: str) -> None:
    headers = [("Accept", accept)] if accept else []
    answer = await serving.get(target, user="system:kube-aggregator", headers=headers)
    assert answer.status_code == 403
    serving.time.now += 11
    serving.rights.grant("system:kube-aggregator", path=target, verb="get")
    answer = await serving.get(target, user="system:kube-aggregator", headers=headers)
    assert answer.headers["content-type"] == content_type
    assert answer.json()["kind"] == kind
    assert "Accept" in answer.headers["vary"]
    known = ("If-None-Match", answer.headers["etag"])
    again = await serving.get(target, headers=[*headers, known])
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]
    for name in ("cache-control", "vary"):
        assert again.headers[name] == answer.headers[name]
    assert answer.headers["cache-control"] == "public"


async def test_the_etag_of_one_form_does_not_stand_for_the_other(serving: Serving) -> None:
    plain = await serving.get("/apis")
    headers = [("If-None-Match", plain.headers["etag"]), ("Accept", ACCEPT_V2)]
    assert (await serving.get("/apis", headers=headers)).status_code == 200


async def test_nothing_that_depends_on_the_caller_may_be_cached(serving: Serving) -> None:
    for target in (WEB, SHOP, f"{PREFIX}/compositions", f"{PREFIX}/nothing", "/metrics", "/version", "/readyz"):
        answer = await serving.get(target)
        assert answer.headers["cache-control"] == "no-cache, private", target
    forbidden = await serving.get("/apis", user=None)
    assert forbidden.headers["cache-control"] == "no-cache, private"


async def test_version_and_root(serving: Serving) -> None:
    found = (await serving.get("/version")).json()
    assert found["gitVersion"] == f"v{__version__}"
    assert [found["major"], found["minor"]] == __version__.split(".")[:2]
    for path in (await serving.get("/")).json()["paths"]:
        assert (await serving.get(path)).status_code == 200, path


async def test_health_paths(serving: Serving) -> None:
    serving.checks[:] = [Check("cache-pods", passed=False, note="listing"), Check("authentication", passed=True)]
    assert (await serving.get("/livez")).text == (await serving.get("/healthz")).text == "ok"
    failed = await serving.get("/readyz")
    assert failed.status_code == 500
    assert "[-]cache-pods failed: listing" in failed.text
    assert (await serving.get("/readyz?exclude=cache-pods")).status_code == 200
    assert (await serving.get("/readyz?exclude=authentication&exclude=cache-pods")).status_code == 200
    assert (await serving.get("/readyz?exclude=authentication")).status_code == 500
    assert (await serving.get("/readyz/cache-pods")).status_code == 500
    assert (await serving.get("/readyz/authentication")).text == "ok"
    assert "[+]authentication ok" in (await serving.get("/readyz/authentication?verbose")).text
    serving.checks.clear()
    assert (await serving.get("/readyz")).status_code == 200
    serving.readiness.shutting_down = True
    assert (await serving.get("/readyz")).status_code == 500
    assert (await serving.get("/livez")).status_code == 200


async def test_a_failure_is_told_to_the_log_and_not_to_the_caller(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "password=hunter2"
    serving.checks = FailingChecks(secret)
    with caplog.at_level(logging.ERROR):
        answer = await serving.get("/readyz", headers=[("Audit-Id", "abc-1")])
    found = answer.json()
    assert (answer.status_code, found["kind"], found["reason"]) == (500, "Status", "InternalError")
    assert secret not in answer.text
    assert "abc-1" in found["message"]
    assert answer.headers["audit-id"] == "abc-1"
    (record,) = caplog.records
    assert "abc-1" in record.getMessage()
    assert record.exc_info is not None
    assert secret in str(record.exc_info[1])


class FailingChecks(list[Check]):
    """A list that cannot be read."""

    def __init__(self, message: str) -> None:
        super().__init__()
        self._message = message

    def __iter__(self) -> Iterator[Check]:
        raise RuntimeError(self._message)


@pytest.mark.parametrize("audit_id", ["a", "x" * 64, "0f4b8d3e-1", "~!{}"])
async def test_the_audit_id_is_echoed(serving: Serving, audit_id: str) -> None:
    for target in (WEB, "/healthz", "/nowhere", "/a%00"):
        assert (await serving.get(target, headers=[("Audit-Id", audit_id)])).headers["audit-id"] == audit_id


@pytest.mark.parametrize(
    "audit_id",
    [
        b"",
        b"x" * 65,
        b"a b",
        b"a\r\nSet-Cookie: b=c",
        b"a\nb",
        b"\xff\xfe",
        "é".encode(),
        b"a\x00",
        b"\x1b[31m",
        b"a\t",
    ],
)
async def test_an_audit_id_that_could_do_harm_is_replaced(serving: Serving, audit_id: bytes) -> None:
    answer = await serving.send("/healthz", headers=[(b"audit-id", audit_id)])
    assert answer.status_code == 200
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.headers["audit-id"])
    assert "set-cookie" not in answer.headers


async def test_two_requests_have_different_audit_ids(serving: Serving) -> None:
    one, other = await serving.get("/healthz"), await serving.get("/healthz")
    assert one.headers["audit-id"] != other.headers["audit-id"]


KNOWN = {
    "verb": {"GET", "LIST", "WATCH", "POST", "DELETE", "other"},
    "dry_run": {""},
    "group": {"", GROUP},
    "version": {"", "v1"},
    "resource": {"", "compositions", *(kind.group_resource for kind in KINDS)},
    "subresource": {"", "compositions", "/metrics"},
    "scope": {"", "resource", "namespace", "cluster"},
    "component": {"apiserver"},
    "code": {"200", "401", "403", "404", "405", "406", "400"},
    "request_kind": {"readOnly"},
}


async def test_no_caller_makes_up_metrics(serving: Serving) -> None:
    word = "Injected"
    for target in (
        WEB,
        f"{PREFIX}/compositions",
        f"{PREFIX}/compositions?watch=1&timeoutSeconds=1",
        f"{PREFIX}/{word}",
        f"{PREFIX}/namespaces/{word}/{word}/{word}/{word}",
        f"{PREFIX}/namespaces/shop/deployments/web/{word}",
        f"/{word}",
        f"/%00{word}",
        f"{WEB}?limit={word}",
    ):
        for method in ("GET", "POST", "DELETE", word):
            await serving.get(target, method=method, headers=[("User-Agent", word)])
            await serving.get(target, method=method, user=word)
            await serving.get(target, method=method, user=None, headers=[("Authorization", f"Bearer {word}")])
    text = (await serving.get("/metrics")).text
    assert word.lower() not in text.lower()
    seen: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            for label, value in sample.labels.items():
                seen.setdefault(label, set()).add(value)
    seen.pop("le")
    assert {label: values - KNOWN[label] for label, values in seen.items()} == {label: set() for label in seen}
    assert {"LIST", "GET", "POST", "other"} <= seen["verb"]
    assert {"deployments.apps", "compositions"} <= seen["resource"]
