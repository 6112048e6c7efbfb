"""Who is told what: nobody anything without proof, and everybody only what was reviewed."""

from collections.abc import Iterable, Mapping
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kubediscovery.certs import CertificateAuthority, Usage
from kubediscovery.errors import UpstreamError
from kubediscovery.kinds import Kinds
from kubediscovery.store import Store
from tests.objects import POD
from tests.reviewing import Answer, der
from tests.serving import GROUP, KINDS, PREFIX, Serving, authorities, documents

TABLE = ("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
WEB = f"{PREFIX}/namespaces/shop/deployments/web/compositions"
SHOP = f"{PREFIX}/namespaces/shop/deployments/*/compositions"
TOP = f"{PREFIX}/namespaces/shop/compositions"
EVERYWHERE = f"{PREFIX}/compositions"
GUARDED = [
    WEB,
    SHOP,
    TOP,
    EVERYWHERE,
    f"{PREFIX}/deployments/*/compositions",
    f"{TOP}/deployments.apps.web",
    f"{PREFIX}/watch/compositions",
    f"{PREFIX}/nothing",
    PREFIX,
    f"/apis/{GROUP}",
    "/apis",
    "/api",
    "/",
    "/version",
    "/metrics",
    "/nothing",
    "/healthz/ping",
    "/livez/ping",
    "/readyz/ping",
    "/readyz/shutdown",
]
OPEN = ["/healthz", "/livez", "/readyz", "/readyz?verbose"]
FORGED = [("X-Remote-User", "admin"), ("X-Remote-Group", "system:masters"), ("X-Remote-Uid", "0")]


@pytest.fixture
def serving() -> Serving:
    return Serving()


def uids(value: object) -> Iterable[str]:
    """Every UID anywhere in an answer."""
    if isinstance(value, dict):
        yield from (str(found) for key, found in value.items() if key == "uid")
        for below in value.values():
            yield from uids(below)
    elif isinstance(value, list):
        for below in value:
            yield from uids(below)


def is_status(answer: httpx.Response, code: int) -> bool:
    found = answer.json()
    return (answer.status_code, found["code"], found["kind"]) == (code, code, "Status") and not set(uids(found))


@pytest.mark.parametrize("target", GUARDED)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_without_proof_everything_is_forbidden(serving: Serving, target: str, method: str) -> None:
    answer = await serving.send(target, method=method, headers=FORGED)
    assert is_status(answer, 403)
    assert 'User "system:anonymous" cannot ' in answer.json()["message"]
    # What the cluster grants its anonymous users counts where the front proxy vouches for them.
    assert serving.reviewer.specs == []
    assert (await serving.send(target, method="HEAD", headers=FORGED)).status_code == 403


@pytest.mark.parametrize("target", OPEN)
async def test_without_proof_the_health_paths_answer_and_ask_nobody(serving: Serving, target: str) -> None:
    serving.rights.failure = UpstreamError("kube-apiserver is away")
    for headers in ([], FORGED, [("Authorization", "Bearer bad")]):
        assert (await serving.send(target, headers=headers)).status_code == 200
    assert serving.reviewer.specs == []


async def test_bad_credentials_are_401_and_never_anonymous(serving: Serving) -> None:
    stranger = CertificateAuthority.create("front-proxy-ca").issue("front-proxy-client", usages=[Usage.CLIENT])
    serving.rights.grant("system:anonymous")
    for target in GUARDED:
        for certificate, headers in (
            (der(stranger), FORGED),
            (None, [("Authorization", "Bearer bad")]),
            (None, [*FORGED, ("Authorization", "Bearer bad")]),
            (authorities().proxy, []),
            (authorities().proxy, [("X-Remote-User", "")]),
        ):
            answer = await serving.send(target, certificate=certificate, headers=headers)
            assert is_status(answer, 401), target
            assert answer.json()["message"] == "Unauthorized"
    assert serving.reviewed == []


credential = st.tuples(
    st.sampled_from((b"authorization", b"x-remote-user", b"x-remote-group", b"cookie", b"X-Remote-Extra-a")),
    st.one_of(
        st.sampled_from(
            (b"Bearer ", b"Bearer a b", b"bearer bad", b"Basic YWRtaW46YWRtaW4=", b"system:masters", b"admin")
        ),
        st.binary(max_size=20),
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(credential, max_size=4), st.none() | st.binary(max_size=40), st.sampled_from((WEB, "/metrics")))
async def test_no_made_up_credential_is_believed(
    serving: Serving, headers: list[tuple[bytes, bytes]], certificate: bytes | None, target: str
) -> None:
    answer = await serving.send(target, headers=headers, certificate=certificate)
    assert is_status(answer, answer.status_code)
    assert answer.status_code in (401, 403)
    assert {spec["user"] for spec in serving.reviewer.specs if "user" in spec} <= {"system:anonymous"}


async def test_a_client_certificate_counts_for_its_own_name(serving: Serving) -> None:
    serving.rights.grant("bob", verb="list", resource="compositions")
    answer = await serving.send(EVERYWHERE, certificate=authorities().client("bob"), headers=FORGED)
    assert answer.status_code == 200
    assert {spec["user"] for spec in serving.reviewer.specs} == {"bob"}
    assert set(uids(answer.json())) == set()


async def test_a_token_counts_for_its_own_name(serving: Serving) -> None:
    serving.rights.grant("token-user", path="/version")
    headers = [*FORGED, ("Authorization", "Bearer good")]
    assert (await serving.send("/version", headers=headers)).status_code == 200
    assert is_status(await serving.send(WEB, headers=headers), 403)


async def test_a_front_proxy_may_not_vouch_for_who_may_not(serving: Serving) -> None:
    assert is_status(await serving.get(WEB, user="alice"), 403)
    assert (await serving.get(WEB, user="alice", groups=["system:masters"])).status_code == 200
    assert is_status(await serving.get(WEB, user="alice", groups=["System:Masters", "system:masters,x"]), 403)


async def test_before_the_authorities_are_known_nobody_is_believed(serving: Serving) -> None:
    serving.authenticator.configure({})
    assert is_status(await serving.get(WEB), 401)
    assert (await serving.get("/readyz")).status_code == 200


ACTING = [("Impersonate-User", "bob"), ("Impersonate-Group", "team-b")]


async def test_who_may_act_as_somebody_else_sees_what_he_sees(serving: Serving) -> None:
    serving.rights.grant("alice", verb="impersonate")
    serving.rights.grant("bob", group=GROUP)
    serving.rights.grant("bob", verb="list", resource="deployments", namespace="shop")
    answer = await serving.get(WEB, user="alice", headers=ACTING)
    assert set(uids(answer.json())) == {"uid-deployments.apps-shop-web"}
    assert [(spec["user"], spec["groups"]) for spec in serving.reviewer.specs[:3]] == [
        ("alice", ["system:authenticated"]),
        ("alice", ["system:authenticated"]),
        ("bob", ["team-b", "system:authenticated"]),
    ]
    assert {spec["user"] for spec in serving.reviewer.specs[3:]} == {"bob"}


async def test_who_acts_as_somebody_else_loses_his_own_rights(serving: Serving) -> None:
    answer = await serving.get(WEB, user="admin", headers=ACTING)
    assert is_status(answer, 403)
    assert 'User "bob" cannot get' in answer.json()["message"]


@pytest.mark.parametrize("target", GUARDED)
async def test_who_may_not_act_as_somebody_else_gets_nothing(serving: Serving, target: str) -> None:
    for each in ([{"group": GROUP}, {"path": target}], [{"verb": "impersonate", "resource": "users"}]):
        serving.rights.granted["alice"] = each
        serving.time.now += 11
        answer = await serving.get(target, user="alice", headers=ACTING)
        assert is_status(answer, 403)
        assert 'User "alice" cannot impersonate resource' in answer.json()["message"]
    assert is_status(await serving.send(target, headers=ACTING), 403)
    assert {spec["user"] for spec in serving.reviewer.specs} == {"alice"}


async def test_acting_as_nobody_in_particular_is_a_bad_request(serving: Serving) -> None:
    for headers in (ACTING[1:], [("Impersonate-User", "")], [("Impersonate-Someone", "bob")]):
        assert is_status(await serving.get(WEB, headers=headers), 400)


async def test_an_impersonation_that_cannot_be_reviewed_gives_no_data(serving: Serving) -> None:
    serving.rights.failure = UpstreamError("away", code=500)
    assert is_status(await serving.get(WEB, headers=ACTING), 500)


async def test_a_user_of_two_thousand_groups(serving: Serving) -> None:
    groups = [f"team-{number}" for number in range(2000)]
    assert (await serving.get(WEB, user="admin", groups=groups)).status_code == 200
    assert serving.reviewer.specs[0]["groups"] == [*groups, "system:authenticated"]


@pytest.mark.parametrize(
    ("target", "attributes"),
    [
        (WEB, {"verb": "get", "namespace": "shop", "resource": "deployments", "name": "web"}),
        (SHOP, {"verb": "get", "namespace": "shop", "resource": "deployments", "name": "*"}),
        (SHOP.replace("*", "%2A"), {"verb": "get", "namespace": "shop", "resource": "deployments", "name": "*"}),
        (f"{PREFIX}/deployments/*/compositions", {"verb": "get", "resource": "deployments", "name": "*"}),
        (f"{PREFIX}/deployments.apps/*/compositions", {"verb": "get", "resource": "deployments.apps", "name": "*"}),
        (f"{PREFIX}/fleets/north/compositions", {"verb": "get", "resource": "fleets", "name": "north"}),
        (f"{PREFIX}/watch/deployments/*/compositions", {"verb": "watch", "resource": "deployments", "name": "*"}),
    ],
)
async def test_the_subresource_is_reviewed_as_the_path_has_it(
    serving: Serving, target: str, attributes: dict[str, str]
) -> None:
    await serving.get(target)
    wanted = {"group": GROUP, "version": "v1", "subresource": "compositions", **attributes}
    assert serving.reviewed[0] == wanted
    assert serving.reviewer.specs[0]["user"] == "admin"


APP = {"key": "app", "operator": "Exists"}
NAMED_X: dict[str, object] = {
    "name": "x",
    "fieldSelector": {"requirements": [{"key": "metadata.name", "operator": "In", "values": ["x"]}]},
}


@pytest.mark.parametrize(
    ("target", "attributes"),
    [
        (EVERYWHERE, {"verb": "list"}),
        (TOP, {"verb": "list", "namespace": "shop"}),
        (f"{TOP}?limit=500", {"verb": "list", "namespace": "shop"}),
        (f"{TOP}?labelSelector=app", {"verb": "list", "namespace": "shop", "labelSelector": {"requirements": [APP]}}),
        (f"{TOP}/pods.lonely", {"verb": "get", "namespace": "shop", "name": "pods.lonely"}),
        (f"{TOP}?watch=1", {"verb": "watch", "namespace": "shop"}),
        (f"{TOP}?fieldSelector=metadata.name%3Dx", {"verb": "list", "namespace": "shop", **NAMED_X}),
        (f"{TOP}?watch=1&fieldSelector=metadata.name%3Dx", {"verb": "watch", "namespace": "shop", **NAMED_X}),
    ],
)
async def test_the_top_level_is_reviewed_as_the_path_has_it(
    serving: Serving, target: str, attributes: dict[str, object]
) -> None:
    await serving.get(target)
    assert serving.reviewed[0] == {"group": GROUP, "version": "v1", "resource": "compositions", **attributes}


@pytest.mark.parametrize("target", ["/metrics", "/met%72ics", "/apis", "/version", "/readyz/ping", PREFIX, "/", "/x;y"])
async def test_other_paths_are_reviewed_decoded(serving: Serving, target: str) -> None:
    await serving.get(target)
    assert serving.reviewed == [{"path": target.replace("%72", "r"), "verb": "get"}]


@pytest.mark.parametrize(
    ("target", "namespace"),
    [(WEB, "shop"), (SHOP, "shop"), (TOP, "shop"), (EVERYWHERE, ""), (f"{PREFIX}/deployments/*/compositions", "")],
)
async def test_children_are_reviewed_where_the_request_looks(serving: Serving, target: str, namespace: str) -> None:
    await serving.get(target)
    asked = {(each["resource"], each.get("group", "")): each for each in serving.reviewed[1:]}
    assert asked.pop(("*", "*"))["verb"] == "list"
    assert set(asked) == {(kind.resource, kind.group) for kind in KINDS}
    for kind in KINDS:
        question = asked[kind.resource, kind.group]
        assert (question["verb"], "name" in question, "subresource" in question) == ("list", False, False)
        assert question.get("namespace", "") == (namespace if kind.namespaced else "")


async def test_a_child_that_may_not_be_seen_shows_nowhere(serving: Serving) -> None:
    for target in (WEB, SHOP, TOP, f"{TOP}/deployments.apps.web"):
        for kind in ("deployments", "replicasets", "jobs", "cronjobs"):
            serving.rights.grant("alice", verb="list", resource=kind, namespace="shop")
        serving.rights.grant("alice", group=GROUP)
        for headers in ([], [TABLE]):
            answer = await serving.get(f"{target}?includeObject=Object", user="alice", headers=headers)
            assert answer.status_code == 200
            assert "web-1" in answer.text
            for hidden in ("web-1-a", "web-1-b", "lonely", "db-0", "tick-1-a", "uid-pods", '"n1"', '"130"'):
                assert hidden not in answer.text, (target, hidden)
    one = (await serving.get(WEB, user="alice")).json()
    assert "pods" not in one["status"]
    assert one["metadata"]["resourceVersion"] == "120"
    omitted = {(each.get("group", ""), each["resource"]): each["reason"] for each in one["status"]["omitted"]}
    assert omitted["", "pods"] == "Forbidden"
    assert ("apps", "replicasets") not in omitted


async def test_what_is_left_out_is_the_same_whether_or_not_it_exists() -> None:
    full, empty = Serving(), Serving()
    for pod in list(empty.store.objects(POD)):
        empty.store.remove(pod)
    answers = []
    for serving in (full, empty):
        serving.rights.grant("alice", group=GROUP)
        serving.rights.grant("alice", verb="list", resource="deployments")
        answers.append([(await serving.get(target, user="alice")).json() for target in (WEB, SHOP, TOP, EVERYWHERE)])
    assert answers[0] == answers[1]


async def test_who_may_not_list_a_kind_cannot_tell_what_there_is_of_it(serving: Serving) -> None:
    serving.rights.grant("alice", resource="compositions")
    answers = []
    for name in ("pods.lonely", "pods.absent"):
        answer = await serving.get(f"{TOP}/{name}", user="alice")
        assert is_status(answer, 404)
        answers.append(answer.text.replace(name, "NAME"))
    assert answers[0] == answers[1]
    assert (await serving.get(TOP, user="alice")).json()["items"] == []


async def test_the_right_in_one_namespace_is_none_in_another(serving: Serving) -> None:
    serving.rights.grant("alice", namespace="shop")
    assert (await serving.get(WEB, user="alice")).status_code == 200
    for target in (WEB.replace("shop", "vault"), TOP.replace("shop", "vault"), EVERYWHERE):
        assert is_status(await serving.get(target, user="alice"), 403)


async def test_children_of_all_namespaces_need_the_right_in_all_of_them(serving: Serving) -> None:
    serving.rights.grant("alice", resource="compositions")
    serving.rights.grant("alice", verb="list", resource="deployments", namespace="shop")
    assert (await serving.get(EVERYWHERE, user="alice")).json()["items"] == []
    assert [item["metadata"]["name"] for item in (await serving.get(TOP, user="alice")).json()["items"]] == [
        "deployments.apps.web",
        "deployments.example.com.web",
    ]


async def test_a_right_to_one_name_is_enough_to_list_that_name(serving: Serving) -> None:
    name = "deployments.apps.web"
    serving.rights.grant("bob", verb="list", resource="compositions", namespace="shop", name=name)
    serving.rights.grant("bob", verb="list", resource="deployments")
    only = f"{TOP}?fieldSelector=metadata.name%3D{name}"
    answer = await serving.get(only, user="bob")
    assert [item["metadata"]["name"] for item in answer.json()["items"]] == [name]
    for target in (
        TOP,
        f"{TOP}?fieldSelector=metadata.name!%3Dx",
        f"{TOP}?fieldSelector=metadata.name%3Dpods.lonely",
        f"{TOP}?fieldSelector=root.kind%3DDeployment&fieldSelector=metadata.name%3D{name}",
        f"{TOP}/{name}",
        f"{EVERYWHERE}?fieldSelector=metadata.name%3D{name}",
    ):
        assert is_status(await serving.get(target, user="bob"), 403), target


async def test_a_right_to_what_a_selector_lets_through_is_enough_for_that_alone(serving: Serving) -> None:
    def review(spec: Mapping[str, Any]) -> Answer:
        asked = spec["resourceAttributes"]
        narrowed = asked.get("labelSelector", {}).get("requirements") == [
            {"key": "tier", "operator": "In", "values": ["front"]}
        ]
        return {"allowed": narrowed if asked.get("group") == GROUP else "labelSelector" not in asked}

    serving.reviewer.status = review
    answer = await serving.get(f"{TOP}?labelSelector=tier%3Dfront", user="bob")
    assert [item["metadata"]["name"] for item in answer.json()["items"]] == ["deployments.apps.web"]
    for query in ("", "labelSelector=tier", "labelSelector=tier!%3Dfront", "labelSelector=tier+in+(front,back)"):
        assert is_status(await serving.get(f"{TOP}?{query}", user="bob"), 403), query
    assert is_status(await serving.get(f"{SHOP}?labelSelector=tier%3Dfront", user="bob"), 403)


async def test_callers_in_a_row_see_their_own_answers(serving: Serving) -> None:
    serving.rights.grant("alice", group=GROUP)
    serving.rights.grant("bob", group=GROUP)
    serving.rights.grant("bob", verb="list", namespace="shop")
    for _ in range(3):
        for target in (WEB, SHOP, TOP):
            seen = {user: len(set(uids((await serving.get(target, user=user)).json()))) for user in ("alice", "bob")}
            assert seen["alice"] < seen["bob"], target
            assert is_status(await serving.get(target, user="carol"), 403)
            assert is_status(await serving.get(target, user=None), 403)


async def test_rights_end_within_ten_seconds(serving: Serving) -> None:
    serving.rights.grant("alice")
    assert "web-1-a" in (await serving.get(WEB, user="alice")).text
    serving.rights.granted["alice"] = [{"group": GROUP}]
    serving.time.now += 10.1
    assert "web-1-a" not in (await serving.get(WEB, user="alice")).text
    serving.rights.granted.clear()
    serving.time.now += 10.1
    assert is_status(await serving.get(WEB, user="alice"), 403)


@pytest.mark.parametrize(
    "status",
    [
        UpstreamError("https://10.0.0.1: connection refused"),
        UpstreamError("https://10.0.0.1: too many requests", code=429),
        UpstreamError("https://10.0.0.1: no", code=403),
        UpstreamError("https://10.0.0.1: the token of this server has expired", code=401),
        {},
        {"allowed": "true"},
        {"allowed": True, "denied": "no"},
    ],
    ids=["away", "busy", "forbidden", "expired", "empty", "a string", "not a boolean"],
)
async def test_a_review_without_a_usable_answer_gives_no_data(serving: Serving, status: Answer) -> None:
    serving.reviewer.status = lambda _: status
    for target in GUARDED:
        answer = await serving.get(target)
        assert is_status(answer, 500), target
        assert "10.0.0.1" not in answer.text
    assert (await serving.get("/readyz")).status_code == 200


async def test_allowed_and_denied_is_denied(serving: Serving) -> None:
    serving.reviewer.status = lambda _: {"allowed": True, "denied": True, "reason": "by policy"}
    answer = await serving.get(WEB)
    assert is_status(answer, 403)
    assert "by policy" in answer.json()["message"]


async def test_children_that_cannot_be_reviewed_give_no_data(serving: Serving) -> None:
    def only_the_request(spec: Mapping[str, Any]) -> Answer:
        attributes = spec.get("resourceAttributes", {})
        return {"allowed": True} if attributes.get("group") == GROUP else UpstreamError("away", code=500)

    serving.reviewer.status = only_the_request
    for target in (WEB, SHOP, TOP, EVERYWHERE):
        assert is_status(await serving.get(target), 500)


async def test_forbidden_is_said_in_kubernetes_words(serving: Serving) -> None:
    answer = await serving.get(WEB, user="alice")
    assert answer.json()["message"] == (
        f'deployments.{GROUP} "web" is forbidden: User "alice" cannot get resource "deployments/compositions" in API '
        f'group "{GROUP}" in the namespace "shop"'
    )
    assert answer.json()["details"] == {"group": GROUP, "kind": "deployments", "name": "web"}
    answer = await serving.get("/metrics", user="alice")
    assert answer.json()["message"] == 'forbidden: User "alice" cannot get path "/metrics"'


async def test_before_the_caches_are_filled_rights_are_asked_first() -> None:
    serving = Serving(store=Store(Kinds(KINDS)))
    for target in (WEB, SHOP, TOP, EVERYWHERE):
        assert is_status(await serving.get(target, user="alice"), 403)
        assert is_status(await serving.get(target), 503)


# What paths are made of that somebody hopes will be read in two ways.
PIECES = (
    "apis", GROUP, "v1", "namespaces", "shop", "vault", "deployments", "deployments.apps", "pods", "fleets", "watch",
    "compositions", "web", "north", "hidden-pod", "pods.hidden-pod", "deployments.apps.web", "status", "proxy", "*",
    "%2A", "%2a", "%77eb", "Web", "web;x=y", "web?", "", ".", "..", "%2e", "%2E%2e", "%2F", "shop%2fdeployments",
    "%5c", "web%00", "web%0a", "%0d%0aX-Remote-User:admin", "%ff", "%C0%AF", "%zz", "%", "%252e%252e", "%c3%a9",
    "\xe9", "a" * 9000,
)  # fmt: skip
BEGINNINGS = ("", "/", "//", PREFIX + "/", PREFIX + "//", f"/apis/{GROUP}/./v1/", f"{PREFIX}/../v1/", "/apis/../")
piece = st.sampled_from(PIECES)
namespace = st.sampled_from(("shop", "shop", "vault", "namespaces", "watch", "*")) | piece
resource = st.sampled_from(("deployments", "deployments.apps", "pods", "replicasets", "fleets")) | piece
name = st.sampled_from(("web", "web", "*", "%2A", "web-1", "north", "hidden-pod", "deployments.apps.web")) | piece
FORMS = (
    "/namespaces/{0}/{1}/{2}/compositions",
    "/watch/namespaces/{0}/{1}/{2}/compositions",
    "/namespaces/{0}/compositions/{2}",
    "/namespaces/{0}/compositions",
    "/namespaces/{0}/{1}/{2}",
    "/{1}/{2}/compositions",
    "/compositions/{2}",
)
hostile_path = st.one_of(
    st.builds(str.format, st.sampled_from(FORMS), namespace, resource, name).map(lambda path: PREFIX + path),
    st.builds(str.__add__, st.sampled_from(BEGINNINGS), st.lists(piece, max_size=7).map("/".join)),
    st.text(alphabet=st.characters(max_codepoint=255), max_size=40),
).map(lambda path: path.encode("latin-1"))
shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)


@shared
@given(hostile_path, st.sampled_from(((), (TABLE,))))
@example(f"{PREFIX}/namespaces/shop/deployments/web/../../../vault/deployments/web/compositions".encode(), ())
@example(f"{PREFIX}/namespaces/shop%2F..%2Fvault/deployments/web/compositions".encode(), ())
@example(f"{PREFIX}/namespaces/shop/deployments/web/compositions".encode(), (TABLE,))
async def test_no_path_leads_to_what_the_caller_may_not_see(
    serving: Serving, path: bytes, headers: tuple[tuple[str, str], ...]
) -> None:
    serving.rights.granted["mallory"] = []
    serving.rights.grant("mallory", verb="get", resource="deployments/compositions", namespace="shop", name="web")
    serving.rights.grant("mallory", verb="list", resource="compositions", namespace="shop")
    serving.rights.grant("mallory", verb="list", resource="replicasets", namespace="shop", group="apps")
    serving.rights.grant("mallory", verb="list", resource="deployments", namespace="shop", group="apps")
    answer = await serving.get(path, user="mallory", headers=headers)
    assert answer.status_code < 500
    allowed = {"uid-deployments.apps-shop-web", "uid-replicasets.apps-shop-web-1"}
    if answer.headers["content-type"] == "application/json":
        assert set(uids(documents(answer))) <= allowed
    else:
        assert answer.text == "ok"
    if answer.status_code != 200:
        assert is_status(answer, answer.status_code)


@shared
@given(hostile_path)
@example(b"/" + GROUP.encode())
@example(f"{PREFIX}/namespaces/shop/deployments/%2A/compositions".encode())
@example(f"{PREFIX}/watch/namespaces/shop/compositions".encode())
async def test_what_is_served_is_what_was_reviewed(serving: Serving, path: bytes) -> None:
    serving.reviewer.specs.clear()
    serving.time.now += 11
    answer = await serving.get(path)
    if answer.status_code != 200:
        assert answer.status_code in (404, 405)
        assert is_status(answer, answer.status_code)
        return
    for item in compositions(answer):
        assert_reviewed(item, serving.reviewed[0])


def compositions(answer: httpx.Response) -> list[Any]:
    """All compositions of an answer, also of a watch."""
    found = []
    for document in documents(answer):
        document = document.get("object", document)
        found += document.get("items", [document] if "root" in document else [])
    return found


def assert_reviewed(item: Mapping[str, Any], reviewed: Mapping[str, str]) -> None:
    root = item["root"]
    assert reviewed["group"] == GROUP
    assert reviewed.get("namespace") in (None, root.get("namespace"))
    if "subresource" not in reviewed:
        assert reviewed["resource"] == "compositions"
        assert reviewed.get("name") in (None, item["metadata"]["name"])
        return
    kind = Kinds(KINDS).by_resource(reviewed["resource"])
    assert kind is not None
    assert (root["apiVersion"], root["kind"]) == (kind.api_version, kind.kind)
    assert reviewed["name"] in ("*", root["name"])
    assert "namespace" in reviewed or not kind.namespaced or reviewed["name"] == "*"
