"""Every documented path, asked as a client asks it: what is answered and, for what cannot be, the Status."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubediscovery.kinds import Kinds
from kubediscovery.store import Coverage, Store
from tests.objects import DEPLOYMENT, POD
from tests.serving import GROUP, KINDS, NEWEST, PREFIX, Serving, documents

TABLE = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)
WEB = f"{PREFIX}/namespaces/shop/deployments/web/compositions"
SHOP = f"{PREFIX}/namespaces/shop/deployments/*/compositions"
ALL_DEPLOYMENTS = ["apis/apis", "compositions/compositions", "namespaces/namespaces", "shop/web", "status/status"]
ALL_DEPLOYMENTS += ["vault/web", "watch/watch"]
SHOP_ROOTS = [
    "cronjobs.batch.tick",
    "deployments.apps.web",
    "deployments.example.com.web",
    "pods.lonely",
    "statefulsets.apps.db",
]


@pytest.fixture
def serving() -> Serving:
    return Serving()


def nodes(root: dict[str, Any], depth: int = 0) -> Iterator[str]:
    yield "  " * depth + f"{root['kind']} {root['name']}"
    for child in root.get("children", ()):
        yield from nodes(child, depth + 1)


def roots(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return ["/".join(filter(None, (item["root"].get("namespace"), item["root"]["name"]))) for item in items(answer)]


def items(answer: httpx.Response) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def names(answer: httpx.Response) -> list[str]:
    return [item["metadata"]["name"] for item in items(answer)]


def status(answer: httpx.Response, code: int, reason: str) -> dict[str, Any]:
    """The Status that an answer is; fails for any other."""
    assert answer.status_code == code, answer.text
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    assert (found["kind"], found["apiVersion"], found["status"]) == ("Status", "v1", "Failure")
    assert (found["code"], found["reason"]) == (code, reason)
    return found


async def test_one_composition(serving: Serving) -> None:
    answer = await serving.get(WEB)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-cache, private"
    found = answer.json()
    assert (found["kind"], found["apiVersion"]) == ("Composition", f"{GROUP}/v1")
    assert found["metadata"] == {
        "name": "deployments.apps.web",
        "namespace": "shop",
        "uid": "uid-deployments.apps-shop-web",
        "resourceVersion": "130",
        "creationTimestamp": "2023-11-14T22:13:20Z",
        "labels": {"app": "web", "tier": "front"},
    }
    assert list(nodes(found["root"])) == ["Deployment web", "  ReplicaSet web-1", "    Pod web-1-a", "    Pod web-1-b"]
    assert {name: found["status"][name] for name in ("health", "pods")} == {
        "health": "Healthy",
        "pods": {"total": 2, "ready": 2},
    }
    assert (found["status"]["rollout"]["state"], found["status"]["rollout"]["revision"]) == ("Complete", "3")


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/namespaces/shop/deployments.apps/web/compositions", "uid-deployments.apps-shop-web"),
        ("/namespaces/shop/deployments.example.com/web/compositions", "uid-deployments.example.com-shop-web"),
        ("/namespaces/vault/deployments/web/compositions", "uid-deployments.apps-vault-web"),
        ("/namespaces/shop/replicasets/web-1/compositions", "uid-replicasets.apps-shop-web-1"),
        ("/namespaces/shop/pods/web-1-a/compositions", "uid-pods-shop-web-1-a"),
        ("/namespaces/shop/controllerrevisions/db-1/compositions", "uid-controllerrevisions.apps-shop-db-1"),
        ("/namespaces/shop/jobs.batch/tick-1/compositions", "uid-jobs.batch-shop-tick-1"),
        ("/namespaces/kube-system/daemonsets/agent/compositions", "uid-daemonsets.apps-kube-system-agent"),
        ("/namespaces/namespaces/deployments/namespaces/compositions", "uid-deployments.apps-namespaces-namespaces"),
        ("/namespaces/watch/deployments/watch/compositions", "uid-deployments.apps-watch-watch"),
        ("/namespaces/status/deployments/%73tatus/compositions", "uid-deployments.apps-status-status"),
        ("/fleets/north/compositions", "uid-fleets.example.com-shop-north"),
        ("/fleets.example.com/north/compositions", "uid-fleets.example.com-shop-north"),
        ("/namespaces/shop/compositions/deployments.apps.web", "uid-deployments.apps-shop-web"),
        ("/namespaces/shop/compositions/deployments.example.com.web", "uid-deployments.example.com-shop-web"),
        ("/namespaces/shop/compositions/pods.lonely", "uid-pods-shop-lonely"),
        ("/namespaces/shop/compositions/pods.web-1-a", "uid-pods-shop-web-1-a"),
        (
            "/namespaces/compositions/compositions/deployments.apps.compositions",
            "uid-deployments.apps-compositions-compositions",
        ),
    ],
)
async def test_every_form_of_path_finds_its_object(serving: Serving, path: str, root: str) -> None:
    answer = await serving.get(PREFIX + path)
    assert answer.status_code == 200, answer.text
    assert answer.json()["root"]["uid"] == answer.json()["metadata"]["uid"] == root


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/namespaces/shop/deployments/*/compositions", ["shop/web"]),
        ("/namespaces/shop/deployments/%2A/compositions?limit=500", ["shop/web"]),
        ("/deployments/*/compositions", ALL_DEPLOYMENTS),
        ("/deployments.apps/%2a/compositions", ALL_DEPLOYMENTS),
        ("/deployments.example.com/*/compositions", ["shop/web"]),
        ("/fleets/*/compositions", ["north"]),
        (
            "/namespaces/shop/pods/*/compositions",
            ["shop/" + name for name in ("db-0", "lonely", "tick-1-a", "web-1-a", "web-1-b")],
        ),
        ("/namespaces/empty/deployments/*/compositions", []),
        ("/namespaces/empty/compositions", []),
        ("/namespaces/*/deployments/*/compositions", []),
        ("/namespaces/vault/compositions", ["vault/web"]),
    ],
)
async def test_every_form_of_path_lists_its_objects(serving: Serving, path: str, expected: list[str]) -> None:
    answer = await serving.get(PREFIX + path)
    assert roots(answer) == expected
    assert answer.json()["kind"] == "CompositionList"
    assert answer.json()["apiVersion"] == f"{GROUP}/v1"
    assert answer.json()["metadata"] == {"resourceVersion": str(NEWEST)}


async def test_the_top_level_lists_the_roots(serving: Serving) -> None:
    assert names(await serving.get(f"{PREFIX}/namespaces/shop/compositions")) == SHOP_ROOTS
    everywhere = await serving.get(f"{PREFIX}/compositions?limit=500")
    assert len(items(everywhere)) == 5 + 1 + len(ALL_DEPLOYMENTS)
    order = [(item["metadata"].get("namespace", ""), item["metadata"]["name"]) for item in items(everywhere)]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("labelSelector=app%3Dweb", ["deployments.apps.web"]),
        ("labelSelector=app+in+(web,db),!tier", ["statefulsets.apps.db"]),
        ("labelSelector=!app", ["cronjobs.batch.tick", "deployments.example.com.web", "pods.lonely"]),
        ("fieldSelector=metadata.name%3Dpods.lonely", ["pods.lonely"]),
        ("fieldSelector=root.kind!%3DDeployment", ["cronjobs.batch.tick", "pods.lonely", "statefulsets.apps.db"]),
        ("fieldSelector=metadata.namespace%3Dvault", []),
        ("fieldSelector=status.health%3DDegraded", []),
        ("labelSelector=app&fieldSelector=status.health%3DHealthy", ["deployments.apps.web", "statefulsets.apps.db"]),
    ],
)
async def test_selectors_choose_among_the_roots(serving: Serving, query: str, expected: list[str]) -> None:
    assert names(await serving.get(f"{PREFIX}/namespaces/shop/compositions?{query}")) == expected


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
async def test_a_table_for_kubectl(serving: Serving, version: str) -> None:
    accept = ("Accept", f"application/json;as=Table;v={version};g=meta.k8s.io")
    answer = await serving.get(f"{PREFIX}/namespaces/shop/compositions?limit=500", headers=[accept])
    found = answer.json()
    assert (found["kind"], found["apiVersion"]) == ("Table", f"meta.k8s.io/{version}")
    assert found["metadata"] == {"resourceVersion": str(NEWEST)}
    assert [row["cells"][0] for row in found["rows"]] == SHOP_ROOTS
    assert {len(row["cells"]) for row in found["rows"]} == {len(found["columnDefinitions"])}
    for row, name in zip(found["rows"], SHOP_ROOTS, strict=True):
        assert row["object"]["kind"] == "PartialObjectMetadata"
        assert row["object"]["apiVersion"] == f"meta.k8s.io/{version}"
        assert (row["object"]["metadata"]["name"], row["object"]["metadata"]["namespace"]) == (name, "shop")


@pytest.mark.parametrize(
    ("include", "kind"), [("None", None), ("Metadata", "PartialObjectMetadata"), ("Object", "Composition")]
)
async def test_rows_carry_as_much_as_is_asked_for(serving: Serving, include: str, kind: str | None) -> None:
    answer = await serving.get(f"{WEB}?includeObject={include}", headers=[("Accept", TABLE)])
    (row,) = answer.json()["rows"]
    assert row["cells"][:4] == ["deployments.apps.web", "2/2", "Healthy", "2/2"]
    assert (row["object"] and row["object"]["kind"]) == kind


async def test_pretty_says_the_same(serving: Serving) -> None:
    plain, pretty = await serving.get(WEB), await serving.get(f"{WEB}?pretty=true")
    assert plain.json() == pretty.json()
    assert pretty.text.count("\n") > 20 > plain.text.count("\n")


async def test_unknown_parameters_and_what_is_left_out_are_warned_of(serving: Serving) -> None:
    serving.rights.grant("alice", verb="list", resource="compositions")
    answer = await serving.get(f"{PREFIX}/namespaces/shop/compositions?fieldselector=x", user="alice")
    assert answer.status_code == 200
    warning = answer.headers["warning"]
    assert '299 - "unknown query parameter \\"fieldselector\\" was ignored"' in warning
    assert '299 - "pods are left out: you may not list this resource"' in warning
    assert "warning" not in (await serving.get(WEB)).headers


@pytest.mark.parametrize("target", [WEB, SHOP, f"{PREFIX}/compositions", "/apis", "/version", "/healthz", "/"])
async def test_head_is_answered_as_get_is(serving: Serving, target: str) -> None:
    get, head = await serving.get(target), await serving.get(target, method="HEAD")
    assert (get.status_code, head.status_code) == (200, 200)
    assert get.headers["content-type"] == head.headers["content-type"]
    assert get.headers["content-length"] == head.headers["content-length"]


@pytest.mark.parametrize(
    ("path", "words", "details"),
    [
        (
            "/namespaces/shop/deployments/none/compositions",
            ['deployments.apps "none" not found'],
            ("apps", "deployments", "none"),
        ),
        ("/namespaces/shop/pods/none/compositions", ['pods "none" not found'], ("", "pods", "none")),
        ("/namespaces/other/deployments/web/compositions", ['"web" not found'], ("apps", "deployments", "web")),
        ("/fleets/south/compositions", ['fleets.example.com "south"'], ("example.com", "fleets", "south")),
        (
            "/namespaces/shop/compositions/deployments.apps.none",
            ["not found"],
            (GROUP, "compositions", "deployments.apps.none"),
        ),
        ("/namespaces/shop/compositions/web", ['"web" not found'], (GROUP, "compositions", "web")),
        ("/namespaces/shop/compositions/pods.", ['"pods."'], (GROUP, "compositions", "pods.")),
        ("/namespaces/shop/compositions/*", ['"*" not found'], (GROUP, "compositions", "*")),
        ("/namespaces/shop/secrets/x/compositions", ['"secrets/compositions"'], (GROUP, "secrets", "x")),
        (
            "/namespaces/shop/deployments.batch/web/compositions",
            ['"deployments.batch/compositions"'],
            (GROUP, "deployments.batch", "web"),
        ),
        (
            "/namespaces/shop/Deployments/web/compositions",
            ['"Deployments/compositions"'],
            (GROUP, "Deployments", "web"),
        ),
        ("/namespaces/shop/deployment/web/compositions", ['"deployment/compositions"'], (GROUP, "deployment", "web")),
        ("/namespaces/shop/deployments/web/scale", ['"deployments/scale"'], (GROUP, "deployments", "web")),
        ("/namespaces/shop/deployments/web", ['"deployments"'], (GROUP, "deployments", "web")),
        ("/namespaces/shop/deployments", ['"deployments"'], (GROUP, "deployments", "")),
        ("/namespaces/shop", ['"namespaces"'], (GROUP, "namespaces", "shop")),
        ("/nothing", ['"nothing"'], (GROUP, "nothing", "")),
        ("/deployments/web/compositions", ["is namespaced", "*"], (GROUP, "deployments", "web")),
        ("/namespaces/shop/fleets/north/compositions", ["not namespaced"], (GROUP, "fleets", "north")),
        ("/namespaces/shop/fleets/*/compositions", ["not namespaced"], (GROUP, "fleets", "*")),
        (
            "/compositions/pods.lonely",
            ["namespaces/{namespace}/compositions/{name}"],
            (GROUP, "compositions", "pods.lonely"),
        ),
        (
            "/namespaces/shop/compositions/pods.lonely/compositions",
            ['"compositions/compositions"'],
            (GROUP, "compositions", "pods.lonely"),
        ),
    ],
)
async def test_what_is_not_there_is_named(
    serving: Serving, path: str, words: list[str], details: tuple[str, str, str]
) -> None:
    found = status(await serving.get(PREFIX + path), 404, "NotFound")
    assert [word for word in words if word not in found["message"]] == []
    wanted = dict(zip(("group", "kind", "name"), details, strict=True))
    assert found["details"] == {key: value for key, value in wanted.items() if value}


@pytest.mark.parametrize(
    "path", ["/apis/apps", f"/apis/{GROUP}/v2", "/openapi", "/api/v1", "/version/x", "/metrics/x", "/readyz/none", "/x"]
)
async def test_paths_that_lead_nowhere(serving: Serving, path: str) -> None:
    assert "could not find" in status(await serving.get(path), 404, "NotFound")["message"]


@pytest.mark.parametrize("target", [WEB, SHOP, f"{PREFIX}/compositions", "/apis", "/version", "/metrics", "/healthz"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
async def test_other_methods_are_refused(serving: Serving, target: str, method: str) -> None:
    answer = await serving.get(target, method=method)
    found = status(answer, 405, "MethodNotAllowed")
    assert found["message"] == f"{method} is not supported here; accepted are GET and HEAD"
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "accept",
    ["text/yaml", "application/vnd.kubernetes.protobuf", "application/json;as=Table;v=v9;g=meta.k8s.io"],
)
async def test_406_lists_what_is_accepted(serving: Serving, accept: str) -> None:
    for target in (WEB, SHOP, f"{PREFIX}/compositions"):
        found = status(await serving.get(target, headers=[("Accept", accept)]), 406, "NotAcceptable")
        assert "application/json;as=Table;v=v1;g=meta.k8s.io" in found["message"]
    for target, wanted in (("/apis", "as=APIGroupDiscoveryList;v=v2;"), (PREFIX, ": application/json")):
        found = status(await serving.get(target, headers=[("Accept", accept)]), 406, "NotAcceptable")
        assert wanted in found["message"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("labelSelector=a%20b", ["labelSelector"]),
        ("fieldSelector=x%3D1", ["fieldSelector", "metadata.name"]),
        ("limit=many", ["limit", '"many"']),
        ("output=png", ["output", "mermaid"]),
        ("resourceVersion=new", ["resourceVersion"]),
        ("%ff=1", ["query"]),
    ],
)
async def test_400_names_the_parameter(serving: Serving, query: str, words: list[str]) -> None:
    for target in (WEB, f"{PREFIX}/compositions"):
        found = status(await serving.get(f"{target}?{query}"), 400, "BadRequest")
        assert [word for word in words if word not in found["message"]] == []


async def test_a_version_of_the_future_is_a_timeout(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubediscovery.freshness.PATIENCE", 0.02)
    assert (await serving.get(f"{WEB}?resourceVersion={NEWEST}")).status_code == 200
    answer = await serving.get(f"{WEB}?resourceVersion={NEWEST + 1}&resourceVersionMatch=NotOlderThan")
    found = status(answer, 504, "Timeout")
    assert found["message"] == f"Timeout: Too large resource version: {NEWEST + 1}, current: {NEWEST}"
    assert found["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert found["details"]["retryAfterSeconds"] == 1
    assert answer.headers["retry-after"] == "1"


async def test_until_the_caches_are_filled_compositions_wait_and_the_rest_answers() -> None:
    store = Store(Kinds(KINDS))
    for kind in KINDS:
        if kind not in (POD, DEPLOYMENT):
            store.replace(kind, [], 5)
    serving = Serving(store=store)
    for target in (WEB, SHOP, f"{PREFIX}/compositions", f"{PREFIX}/namespaces/shop/compositions/pods.lonely"):
        answer = await serving.get(target)
        found = status(answer, 503, "ServiceUnavailable")
        assert found["message"] == "the caches are not filled yet: waiting for deployments.apps, pods"
        assert (answer.headers["retry-after"], found["details"]["retryAfterSeconds"]) == ("1", 1)
    for target in ("/apis", f"/apis/{GROUP}", PREFIX, "/version", "/livez", "/healthz", "/metrics", "/"):
        assert (await serving.get(target)).status_code == 200, target
    assert (await serving.get(PREFIX)).content == (await Serving().get(PREFIX)).content


@pytest.mark.parametrize(
    ("coverage", "code", "reason", "words"),
    [
        (Coverage.FORBIDDEN, 503, "ServiceUnavailable", "kubediscovery may not list deployments.apps"),
        (Coverage.NOT_FOUND, 404, "NotFound", "the cluster does not serve deployments.apps"),
    ],
)
async def test_a_kind_that_cannot_be_listed_leaves_the_others_working(
    serving: Serving, coverage: Coverage, code: int, reason: str, words: str
) -> None:
    serving.store.omit(DEPLOYMENT, coverage)
    for target in (WEB, SHOP):
        assert status(await serving.get(target), code, reason)["message"] == words
    answer = await serving.get(f"{PREFIX}/namespaces/shop/compositions")
    assert "statefulsets.apps.db" in names(answer)
    (omitted,) = answer.json()["omitted"]
    assert (omitted["group"], omitted["resource"], omitted["reason"]) == ("apps", "deployments", coverage.value)
    one = await serving.get(f"{PREFIX}/namespaces/shop/statefulsets/db/compositions")
    assert one.json()["status"]["omitted"] == [omitted]


async def test_what_changes_in_the_store_shows_in_the_next_answer(serving: Serving) -> None:
    pod = serving.store.find(POD, "shop", "web-1-a")
    assert pod is not None
    serving.store.remove(pod)
    found = (await serving.get(WEB)).json()
    assert list(nodes(found["root"])) == ["Deployment web", "  ReplicaSet web-1", "    Pod web-1-b"]
    assert found["status"]["pods"]["total"] == 1


hostile_query = st.binary(max_size=60) | st.lists(
    st.tuples(
        st.sampled_from(("labelSelector", "fieldSelector", "limit", "watch", "pretty", "includeObject", "continue")),
        st.text(alphabet="x=!(),><in \0é%&+1.metadata", max_size=20),
    ),
    max_size=3,
).map(lambda pairs: "&".join("=".join(pair) for pair in pairs).encode())
hostile_accept = st.text(alphabet="application/json;*as=Table,vgq.01 \xe9", max_size=60)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from((WEB, SHOP, f"{PREFIX}/compositions", "/readyz", "/apis", "/metrics")),
    hostile_query,
    hostile_accept,
)
async def test_no_query_and_no_header_is_an_internal_error(
    serving: Serving, target: str, query: bytes, accept: str
) -> None:
    serving.rights.grant("token-user")
    headers = [(b"authorization", b"Bearer good"), (b"accept", accept.encode("latin-1"))]
    answer = await serving.send(target.encode() + b"?" + query, headers=headers)
    assert answer.status_code in (200, 400, 405, 406, 422)
    if answer.status_code != 200:
        status(answer, answer.status_code, answer.json()["reason"])
    elif answer.headers["content-type"].startswith("application/json"):
        assert all(documents(answer))
