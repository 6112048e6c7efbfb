"""Requests to typed handlers, with all of HTTP around them: who may, what they get, and how answers are written."""

import asyncio
import json
import logging
from typing import Any

import httpx
import pytest
import yaml

from kubediscovery.framework import PatchType, Registry, Struct, SubresourceRequest
from tests.objects import DEPLOYMENT
from tests.registering import (
    ACTIONS,
    IMAGES,
    OF_ACTIONS,
    OF_IMAGES,
    WEB_IMAGES,
    Done,
    action_registry,
    image_registry,
    patch_registry,
)
from tests.serving import KINDS, Serving, documents, make
from tests.waiting import until

TABLE = [("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")]
JSON = [("Content-Type", "application/json")]


@pytest.fixture
def serving() -> Serving:
    return Serving(registries=[image_registry(), action_registry(), patch_registry()])


def refused(answer: httpx.Response, code: int, reason: str) -> str:
    found = answer.json()
    assert (answer.status_code, found["kind"], found["code"], found["reason"]) == (code, "Status", code, reason), found
    message: str = found["message"]
    return message


async def test_one_answer_is_an_object_of_the_group(serving: Serving) -> None:
    answer = await serving.get(WEB_IMAGES)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "kind": "ImageList",
        "apiVersion": f"{IMAGES}/v1",
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": "uid-deployments.apps-shop-web",
            "resourceVersion": "110",
            "creationTimestamp": "2023-11-14T22:13:20Z",
            "labels": {"app": "web", "tier": "front"},
        },
        "images": [{"name": "nginx:1.27", "pods": 2}],
    }


async def test_it_is_yaml_indented_or_nothing_new_as_any_answer(serving: Serving) -> None:
    first = await serving.get(WEB_IMAGES)
    assert (
        yaml.safe_load((await serving.get(WEB_IMAGES, headers=[("Accept", "application/yaml")])).text) == first.json()
    )
    assert (await serving.get(f"{WEB_IMAGES}?pretty=true")).text.startswith('{\n  "kind": "ImageList"')
    same = await serving.get(WEB_IMAGES, headers=[("If-None-Match", first.headers["etag"])])
    assert (same.status_code, same.content) == (304, b"")


async def test_what_is_asked_about_need_not_be_listed_but_is_reviewed(serving: Serving) -> None:
    serving.rights.grant("reader", verb="get", group=IMAGES, resource="deployments/images")
    answer = await serving.get(WEB_IMAGES, user="reader")
    assert answer.json()["images"] == []
    refusal = await serving.get(f"{OF_IMAGES}/web/health", user="reader")
    assert 'cannot get resource "deployments/health" in API group "images.example.org"' in refused(
        refusal, 403, "Forbidden"
    )


async def test_handlers_see_what_the_caller_may_list(serving: Serving) -> None:
    serving.rights.grant("reader", verb="get", group=IMAGES, resource="deployments/images")
    for resource in ("replicasets", "pods"):
        serving.rights.grant("reader", verb="list", resource=resource, namespace="shop")
    answer = await serving.get(WEB_IMAGES, user="reader")
    assert answer.json()["images"] == [{"name": "nginx:1.27", "pods": 2}]


async def test_the_composition_is_that_of_the_caller(serving: Serving) -> None:
    assert (await serving.get(f"{OF_IMAGES}/web/health")).json()["message"] == "Healthy"


async def test_all_of_a_namespace_and_all_there_are(serving: Serving) -> None:
    answer = (await serving.get(f"{OF_IMAGES}/*/images")).json()
    assert (answer["kind"], answer["apiVersion"]) == ("ImageListList", f"{IMAGES}/v1")
    assert answer["metadata"] == {"resourceVersion": "900"}
    assert [item["metadata"]["name"] for item in answer["items"]] == ["web"]
    everywhere = (await serving.get(f"/apis/{IMAGES}/v1/deployments/*/images")).json()
    names = [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in everywhere["items"]]
    assert names == sorted(names)
    assert ("vault", "web") in names


async def test_a_list_tells_names_only_to_who_may_list_the_objects(serving: Serving) -> None:
    serving.rights.grant("reader", verb="get", group=IMAGES, resource="deployments/images")
    answer = await serving.get(f"{OF_IMAGES}/*/images", user="reader")
    assert 'cannot list resource "deployments" in API group "apps" in the namespace "shop"' in refused(
        answer, 403, "Forbidden"
    )
    serving.time.now += 11
    serving.rights.grant("reader", verb="list", group="apps", resource="deployments", namespace="shop")
    assert len((await serving.get(f"{OF_IMAGES}/*/images", user="reader")).json()["items"]) == 1
    everywhere = await serving.get(f"/apis/{IMAGES}/v1/deployments/*/images", user="reader")
    assert everywhere.status_code == 403


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("labelSelector=app%3Dweb", ["shop"]),
        ("labelSelector=app", ["shop", "vault"]),
        ("fieldSelector=metadata.name%3Dweb", ["shop", "vault"]),
        ("fieldSelector=metadata.namespace%3Dvault", ["vault"]),
    ],
)
async def test_lists_are_selected_from(serving: Serving, query: str, expected: list[str]) -> None:
    answer = (await serving.get(f"/apis/{IMAGES}/v1/deployments/*/images?{query}")).json()
    assert [item["metadata"]["namespace"] for item in answer["items"]] == expected


async def test_lists_come_in_pages(serving: Serving) -> None:
    path, seen, token = f"/apis/{IMAGES}/v1/deployments/*/images", [], ""
    while True:
        page = (await serving.get(f"{path}?limit=3&continue={token}")).json()
        assert len(page["items"]) <= 3
        seen += [item["metadata"]["uid"] for item in page["items"]]
        token = page["metadata"].get("continue", "")
        if not token:
            break
    whole = (await serving.get(path)).json()
    assert seen == [item["metadata"]["uid"] for item in whole["items"]]


async def test_what_is_absent_is_left_out_of_lists(serving: Serving) -> None:
    assert refused(await serving.get(f"{OF_IMAGES}/web/absent"), 404, "NotFound") == "there is nothing of web"
    items = (await serving.get(f"/apis/{IMAGES}/v1/deployments/*/absent")).json()["items"]
    assert items
    assert "web" not in [item["metadata"]["name"] for item in items]


async def test_a_table_has_names_the_columns_and_ages(serving: Serving) -> None:
    table = (await serving.get(WEB_IMAGES, headers=TABLE)).json()
    assert table["kind"] == "Table"
    assert [(column["name"], column["priority"]) for column in table["columnDefinitions"]] == [
        ("Name", 0),
        ("Images", 0),
        ("Pods", 1),
        ("Age", 0),
    ]
    assert table["rows"][0]["cells"][:3] == ["web", "nginx:1.27", 2]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    whole = (await serving.get(f"{OF_IMAGES}/*/images?includeObject=Object", headers=TABLE)).json()
    assert whole["rows"][0]["object"]["images"] == [{"name": "nginx:1.27", "pods": 2}]
    assert (await serving.get(f"{WEB_IMAGES}?includeObject=None", headers=TABLE)).json()["rows"][0]["object"] is None


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("order=size", 'order must be one of name, use, not "size"'),
        ("least=0", 'least must be a whole number of at least 1 and at most 100, not "0"'),
        ("least=many", 'least must be a whole number of at least 1 and at most 100, not "many"'),
        ("short=perhaps", 'short must be true or false, not "perhaps"'),
    ],
)
async def test_a_parameter_that_cannot_be_used_is_named(serving: Serving, query: str, message: str) -> None:
    assert refused(await serving.get(f"{WEB_IMAGES}?{query}"), 400, "BadRequest") == message


async def test_parameters_are_read(serving: Serving) -> None:
    for query, found in (("least=2", 1), ("least=3", 0), ("of=a,nginx:1.27", 1), ("of=a", 0), ("short=true", 1)):
        answer = await serving.get(f"{WEB_IMAGES}?{query}")
        assert (len(answer.json()["images"]), "warning" in answer.headers) == (found, False), query


async def test_an_unknown_parameter_is_ignored_with_a_warning(serving: Serving) -> None:
    answer = await serving.get(f"{WEB_IMAGES}?nonsense=1&dryRun=All")
    assert answer.status_code == 200
    warned = answer.headers["warning"]
    assert 'unknown query parameter \\"dryRun\\" was ignored' in warned
    assert 'unknown query parameter \\"nonsense\\" was ignored' in warned


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        (f"{OF_IMAGES}/web/nothing", '"deployments/nothing"'),
        (f"/apis/{IMAGES}/v1/namespaces/shop/pods/lonely/images", '"pods/images"'),
        (f"/apis/{IMAGES}/v1/deployments/web/images", "give the namespace, or * as the name"),
        (f"/apis/{IMAGES}/v1/namespaces/shop/fleets/north/health", "fleets.example.com is not namespaced"),
        (f"/apis/{IMAGES}/v1/compositions", '"compositions"'),
        (f"/apis/{IMAGES}/v2/namespaces/shop/deployments/web/images", "the server could not find"),
        (f"{OF_IMAGES}/gone/images", 'deployments.apps "gone" not found'),
    ],
)
async def test_what_is_not_there_is_not_found(serving: Serving, path: str, hint: str) -> None:
    assert hint in refused(await serving.get(path), 404, "NotFound")


async def test_kinds_with_the_same_plural_are_told_apart(serving: Serving) -> None:
    path = f"/apis/{IMAGES}/v1/namespaces/shop/deployments.example.com/web"
    assert (await serving.get(f"{path}/health")).json()["metadata"]["uid"] == "uid-deployments.example.com-shop-web"
    assert (await serving.get(f"{path}/images")).status_code == 404


async def test_a_plural_that_means_another_kind_since_the_review_is_not_asked_about(serving: Serving) -> None:
    serving.rights.grant("reader", verb="get", group=IMAGES, resource="deployments/images")
    serving.reviewer.gate = asyncio.Event()
    asking = asyncio.create_task(serving.get(WEB_IMAGES, user="reader"))
    await until(lambda: serving.reviewer.under_way)
    serving.store.follow([kind for kind in KINDS if kind != DEPLOYMENT])
    serving.reviewer.gate.set()
    assert refused(await asking, 404, "NotFound") == "the server could not find the requested resource"


async def test_a_fault_of_a_handler_is_a_500_without_its_text(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = await serving.get(f"{OF_IMAGES}/web/broken", headers=[("Audit-Id", "audited")])
    assert "secret" not in answer.text
    assert refused(answer, 500, "InternalError").endswith("the log has it as audited")
    assert answer.headers["audit-id"] == "audited"
    assert "request audited failed" in caplog.text
    assert "a secret of web" in caplog.text


async def test_a_fault_of_one_fails_the_list(serving: Serving) -> None:
    answer = await serving.get(f"{OF_IMAGES}/*/broken")
    assert (answer.status_code, "secret" in answer.text) == (500, False)


async def test_what_is_not_what_was_registered_is_a_fault(serving: Serving, caplog: pytest.LogCaptureFixture) -> None:
    assert (await serving.get(f"{OF_IMAGES}/web/wrong")).status_code == 500
    assert "the handler gave a str, not a Done" in caplog.text


async def test_the_time_of_a_handler_is_bounded(serving: Serving) -> None:
    message = refused(await serving.get(f"{OF_IMAGES}/web/slow"), 504, "Timeout")
    assert message == f'subresource "slow" of {IMAGES}/v1 did not answer within 0.01 s'
    assert (await serving.get(f"{OF_IMAGES}/*/slow")).status_code == 504


async def test_a_handler_s_own_timeout_is_its_fault() -> None:
    registry = Registry(group=IMAGES)

    @registry.subresource("impatient", returns=Done)
    async def impatient(request: SubresourceRequest) -> Done:
        async with asyncio.timeout(0):
            await asyncio.sleep(1)
        return Done(request.name)

    answer = await Serving(registries=[registry]).get(f"{OF_IMAGES}/web/impatient")
    assert answer.status_code == 500


async def test_several_wait_at_the_same_time_and_stay_in_order() -> None:
    registry = Registry(group=IMAGES)
    waiting, most = 0, 0

    @registry.subresource("patient", returns=Done)
    async def patient(request: SubresourceRequest) -> Done:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        await asyncio.sleep(0.001)
        waiting -= 1
        return Done(request.name)

    serving = Serving([make(DEPLOYMENT, f"web-{number:02}") for number in range(20)], registries=[registry])
    items = (await serving.get(f"{OF_IMAGES}/*/patient")).json()["items"]
    assert [item["message"] for item in items] == [f"web-{number:02}" for number in range(20)]
    assert 1 < most <= 8


async def test_what_vanishes_meanwhile_is_left_out() -> None:
    registry = Registry(group=IMAGES)
    serving: Serving

    @registry.subresource("deadly", returns=Done)
    async def deadly(request: SubresourceRequest) -> Done:
        for item in list(serving.store.objects(DEPLOYMENT)):
            if item.uid != request.parent.uid:
                serving.store.remove(item)
        return Done(request.name)

    serving = Serving([make(DEPLOYMENT, f"web-{number}") for number in range(3)], registries=[registry])
    items = (await serving.get(f"{OF_IMAGES}/*/deadly")).json()["items"]
    assert [item["message"] for item in items] == ["web-0"]


async def test_who_acts_is_reviewed_by_its_verb(serving: Serving) -> None:
    serving.rights.grant("operator", verb="get", group=ACTIONS, resource="deployments/restart")
    answer = await serving.get(f"{OF_ACTIONS}/web/restart", user="operator", method="POST")
    assert 'cannot create resource "deployments/restart"' in refused(answer, 403, "Forbidden")
    dry = await serving.get(f"{OF_ACTIONS}/web/restart?dryRun=All", user="operator", method="POST")
    assert dry.status_code == 403


async def test_a_class_acts_by_its_methods(serving: Serving) -> None:
    path = f"{OF_ACTIONS}/web/restart"
    assert (await serving.get(path)).json()["message"] == "web can be restarted"
    created = await serving.get(path, method="POST", content=b'{"afterSeconds": 7}', headers=JSON)
    assert (created.status_code, created.json()["message"], created.json()["kind"]) == (201, "create 7", "Done")
    updated = await serving.get(path, method="PUT", content=b"{}")
    assert (updated.status_code, updated.json()["message"]) == (200, "update 0")
    removed = await serving.get(path, method="DELETE")
    assert refused(removed, 405, "MethodNotAllowed") == (
        "DELETE is not supported here; accepted are GET, HEAD, POST, PUT"
    )
    assert removed.headers["allow"] == "GET, HEAD, POST, PUT"
    conflict = await serving.get(path, method="POST", content=b'{"afterSeconds": 101}', headers=JSON)
    assert refused(conflict, 409, "Conflict") == "it is restarted already"


async def test_a_dry_run_is_told_to_who_acts(serving: Serving) -> None:
    path = f"{OF_ACTIONS}/web/restart"
    assert (await serving.get(f"{path}?dryRun=All", method="POST")).json()["dry_run"] is True
    assert (await serving.get(path, method="POST")).json()["dry_run"] is False
    message = refused(await serving.get(f"{path}?dryRun=yes", method="POST"), 422, "Invalid")
    assert 'dryRun: Unsupported value: "yes": supported values: "All"' in message


async def test_what_gives_nothing_answers_with_success(serving: Serving) -> None:
    path = f"{OF_ACTIONS}/web/halt"
    assert (await serving.get(path, method="POST")).status_code == 409
    dry = await serving.get(f"{path}?dryRun=All", method="POST")
    assert (dry.status_code, dry.json()) == (
        201,
        {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201},
    )
    assert (await serving.get(path, method="DELETE")).json()["status"] == "Success"
    assert (await serving.get(path)).status_code == 405


SIZE = f"{OF_ACTIONS}/web/size"


def sent(type_: PatchType) -> dict[str, Any]:
    return {"method": "PATCH", "headers": [("Content-Type", type_)]}


async def test_what_is_got_and_updated_is_patched(serving: Serving) -> None:
    merging = sent(PatchType.MERGE)
    answer = await serving.get(SIZE, content=b'{"replicas": 3, "note": null, "limits": {"memory": 4}}', **merging)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["kind"], found["metadata"]["name"]) == ("Size", "web")
    assert (found["replicas"], found["note"], found["limits"]) == (3, None, {"cpu": 2, "memory": 4})
    operations = [
        {"op": "test", "path": "/metadata/name", "value": "web"},
        {"op": "remove", "path": "/limits/cpu"},
    ]
    answer = await serving.get(SIZE, content=json.dumps(operations).encode(), **sent(PatchType.JSON))
    assert answer.json()["limits"] == {"memory": 4}
    assert (await serving.get(SIZE)).json()["limits"] == {"memory": 4}


async def test_a_dry_run_of_a_patch_changes_nothing(serving: Serving) -> None:
    dry = await serving.get(f"{SIZE}?dryRun=All", content=b'{"replicas": 3}', **sent(PatchType.MERGE))
    assert (dry.status_code, dry.json()["replicas"]) == (200, 3)
    assert (await serving.get(SIZE)).json()["replicas"] == 1


async def test_a_patch_is_reviewed_as_one(serving: Serving) -> None:
    for verb in ("get", "update"):
        serving.rights.grant("operator", verb=verb, group=ACTIONS, resource="deployments/size")
    answer = await serving.get(SIZE, user="operator", content=b"{}", **sent(PatchType.MERGE))
    assert 'cannot patch resource "deployments/size"' in refused(answer, 403, "Forbidden")
    missing = await serving.get(f"{OF_ACTIONS}/gone/size", content=b"{}", **sent(PatchType.MERGE))
    assert refused(missing, 404, "NotFound") == 'deployments.apps "gone" not found'
    assert (
        "patch is for one object"
        in (await serving.get(f"{OF_ACTIONS}/*/size", content=b"{}", **sent(PatchType.MERGE))).text
    )
    accepted = await serving.get(f"{OF_ACTIONS}/web/restart", content=b"{}", **sent(PatchType.MERGE))
    assert "PATCH is not supported here" in refused(accepted, 405, "MethodNotAllowed")
    assert (await serving.get(SIZE, method="DELETE")).headers["allow"] == "GET, HEAD, PUT, PATCH"


@pytest.mark.parametrize(
    ("type_", "content", "said"),
    [
        (PatchType.MERGE, b'{"a": null}', "patch MERGE {'a': None} me False"),
        (PatchType.STRATEGIC, b'{"$patch": "replace"}', "patch STRATEGIC {'$patch': 'replace'} me False"),
        (PatchType.APPLY, b"a:\n- 1\n", "patch APPLY {'a': [1]} me False"),
        (PatchType.APPLY, b'{"a": [1]}', "patch APPLY {'a': [1]} me False"),
        (
            PatchType.JSON,
            b'[{"op": "remove", "path": "/a"}]',
            "patch JSON [{'op': 'remove', 'path': '/a'}] me False",
        ),
    ],
)
async def test_a_handler_of_patches_gets_them_as_they_are(
    serving: Serving, type_: PatchType, content: bytes, said: str
) -> None:
    answer = await serving.get(f"{OF_ACTIONS}/web/label?fieldManager=me&dryRun=All", content=content, **sent(type_))
    assert (answer.status_code, answer.json()["message"], answer.json()["dry_run"]) == (200, said, True)


async def test_nobody_acts_on_all(serving: Serving) -> None:
    answer = await serving.get(f"{OF_ACTIONS}/*/restart", method="POST")
    assert refused(answer, 400, "BadRequest") == "create is for one object: give its name, * is only read"


async def test_a_connection_answers_itself(serving: Serving) -> None:
    path = f"/apis/{ACTIONS}/v1alpha1/namespaces/shop/pods/lonely/tail"
    for method in ("GET", "POST"):
        assert (await serving.get(path, method=method)).text == f"{method} lonely connect"
    assert (await serving.get(path, method="PUT")).status_code == 405


async def test_a_responder_gets_the_request(serving: Serving) -> None:
    path = f"/apis/{ACTIONS}/v1alpha1/namespaces/shop/pods/lonely/raw"
    assert (await serving.get(path)).text == "admin GET lonely raw"


async def test_requests_are_counted_by_what_is_registered(serving: Serving) -> None:
    await serving.get(WEB_IMAGES)
    await serving.get(f"{OF_IMAGES}/web/nothing")
    await serving.get(f"{OF_ACTIONS}/web/restart", method="POST")
    for query in ("dryRun=All", "dryRun=All&dryRun=All", "dryRun=no", "dryRunning=1"):
        await serving.get(f"{OF_ACTIONS}/web/restart?{query}", method="POST")
    text = serving.metrics.render().decode()
    assert ('code="201",component="apiserver",dry_run="All"' in text, 'dry_run="invalid"' in text) == (True, True)
    assert (
        'apiserver_request_total{code="200",component="apiserver",dry_run="",group="images.example.org",'
        'resource="deployments.apps",scope="resource",subresource="images",verb="GET",version="v1"} 1.0'
    ) in text
    assert 'code="201"' in text
    assert 'verb="POST",version="v1alpha1"' in text
    assert "nothing" not in text


async def test_discovery_lists_all_groups_and_what_is_in_them(serving: Serving) -> None:
    groups = (await serving.get("/apis")).json()["groups"]
    assert [group["name"] for group in groups] == ["kubediscovery.cloudark.io", IMAGES, ACTIONS]
    found = (await serving.get(f"/apis/{IMAGES}/v1")).json()["resources"]
    by_name: dict[str, Any] = {each["name"]: each for each in found}
    assert by_name["deployments"]["kind"] == "DeploymentImages"
    assert by_name["deployments/images"]["verbs"] == ["get", "watch"]
    assert by_name["deployments/images"]["kind"] == "ImageList"
    assert "pods/images" not in by_name
    assert by_name["pods/health"]["verbs"] == ["get"]
    actions = (await serving.get(f"/apis/{ACTIONS}/v1alpha1")).json()["resources"]
    verbs = {each["name"]: each["verbs"] for each in actions}
    assert verbs["deployments/restart"] == ["get", "create", "update"]
    assert verbs["pods/tail"] == ["get", "create"]
    accept = [("Accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")]
    items = (await serving.get("/apis", headers=accept)).json()["items"]
    assert [item["metadata"]["name"] for item in items] == ["kubediscovery.cloudark.io", IMAGES, ACTIONS]


async def test_a_client_s_writes_are_a_dry_run_in_a_dry_run() -> None:
    """There is no cluster behind this server: that is what a handler is told, dry run or not."""
    registry = Registry(group=ACTIONS, version="v1alpha1")

    class Nothing(Struct, frozen=True):
        pass

    @registry.subresource("patch", on="deployments.apps", verbs=("create",), returns=Nothing)
    async def patch(request: SubresourceRequest) -> Nothing:
        await request.client.request("PATCH", "/", body={})
        return Nothing()

    serving = Serving(registries=[registry])
    for query in ("", "?dryRun=All"):
        answer = await serving.get(f"{OF_ACTIONS}/web/patch{query}", method="POST")
        assert refused(answer, 503, "ServiceUnavailable") == "there is no cluster behind this server"


async def test_a_handler_asks_what_its_caller_may() -> None:
    registry = Registry(group=IMAGES)

    @registry.subresource("asked", returns=Done)
    async def asked(request: SubresourceRequest) -> Done:
        may = await request.may("patch", "deployments", group="apps", namespace=request.namespace, name=request.name)
        return Done(str(may))

    serving = Serving(registries=[registry])
    serving.rights.grant("reader", verb="get", group=IMAGES)
    assert (await serving.get(f"{OF_IMAGES}/web/asked", user="reader")).json()["message"] == "False"
    serving.time.now += 11
    serving.rights.grant("reader", verb="patch", group="apps", resource="deployments", name="web", namespace="shop")
    assert (await serving.get(f"{OF_IMAGES}/web/asked", user="reader")).json()["message"] == "True"


async def test_a_struct_with_metadata_of_its_own_is_left_as_it_is() -> None:
    registry = Registry(group=IMAGES)

    class Own(Struct, frozen=True, tag_field="kind", tag="Tagged"):
        metadata: dict[str, str]

    @registry.subresource("own", returns=Own)
    async def own(request: SubresourceRequest) -> Own:
        return Own({"name": request.name.upper()})

    answer = await Serving(registries=[registry]).get(f"{OF_IMAGES}/web/own")
    assert answer.json() == {"apiVersion": f"{IMAGES}/v1", "kind": "Tagged", "metadata": {"name": "WEB"}}


async def test_a_watch_is_refused_where_there_is_none(serving: Serving) -> None:
    for path in (f"{OF_IMAGES}/web/health?watch=true", f"/apis/{IMAGES}/v1/watch/namespaces/shop/pods/lonely/health"):
        message = refused(await serving.get(path), 405, "MethodNotAllowed")
        assert message == f'the subresource "health" of {IMAGES}/v1 cannot be watched'


async def test_a_watch_begins_with_what_there_is(serving: Serving) -> None:
    answer = await serving.get(f"{OF_IMAGES}/*/images?watch=true", stays=0.3)
    (event,) = documents(answer)
    assert (event["type"], event["object"]["kind"]) == ("ADDED", "ImageList")
    assert event["object"]["images"] == [{"name": "nginx:1.27", "pods": 2}]


async def test_watches_share_what_does_not_depend_on_who_asks_and_nothing_else() -> None:
    registry, asked = Registry(group=IMAGES), dict[str, int]()

    @registry.subresource("plain", on="deployments.apps", returns=Done, watch=True)
    async def plain(request: SubresourceRequest) -> Done:
        asked["plain"] = asked.get("plain", 0) + 1
        return Done(request.name)

    @registry.subresource("mine", on="deployments.apps", returns=Done, watch=True)
    async def mine(request: SubresourceRequest) -> Done:
        return Done(request.user.name)

    @registry.subresource("may", on="deployments.apps", returns=Done, watch=True)
    async def may(request: SubresourceRequest) -> Done:
        return Done(str(await request.may("delete", "deployments", group="apps", namespace="shop")))

    serving = Serving(registries=[registry])
    for user in ("one", "other"):
        serving.rights.grant(user, verb="get", group=IMAGES)
        serving.rights.grant(user, verb="watch", group=IMAGES)
    serving.rights.grant("other", verb="delete", group="apps", resource="deployments")

    async def shown(name: str) -> list[str]:
        paths = [f"{OF_IMAGES}/web/{name}?watch=true"] * 2
        users = ("one", "other")
        answers = [serving.get(path, user=user, stays=0.3) for path, user in zip(paths, users, strict=True)]
        return [documents(answer)[0]["object"]["message"] for answer in await asyncio.gather(*answers)]

    assert await shown("plain") == ["web", "web"]
    assert asked == {"plain": 1}
    assert await shown("mine") == ["one", "other"]
    assert await shown("may") == ["False", "True"]
