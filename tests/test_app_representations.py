"""Every form in which requests are answered, over HTTP: what is in it, who gets it, and what a cache may do with it."""

from typing import Any

import httpx
import pytest
import yaml

from kubediscovery import __version__
from tests.objects import POD
from tests.serving import GROUP, NEWEST, PREFIX, Header, Serving, cluster, make

WEB = f"{PREFIX}/namespaces/shop/deployments/web/compositions"
SHOP = f"{PREFIX}/namespaces/shop/deployments/*/compositions"
ROOTS = f"{PREFIX}/namespaces/shop/compositions"
IN_YAML = ("Accept", "application/yaml")
META = "g=meta.k8s.io;v=v1"
# client-go, metadata/metadata.go.
METADATA_CLIENT = (
    f"application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;{META},"
    f"application/json;as=PartialObjectMetadataList;{META},application/json"
)


@pytest.fixture
def serving() -> Serving:
    return Serving()


def accept(kind: str, version: str = "v1", encoding: str = "json") -> Header:
    return ("Accept", f"application/{encoding};as={kind};g=meta.k8s.io;v={version}")


def read_yaml(answer: httpx.Response) -> Any:
    assert answer.headers["content-type"] == "application/yaml", answer.text
    return yaml.safe_load(answer.content)


@pytest.mark.parametrize("target", [WEB, SHOP, ROOTS, f"{ROOTS}/deployments.apps.web", f"{PREFIX}/compositions"])
async def test_yaml_says_what_json_does(serving: Serving, target: str) -> None:
    assert read_yaml(await serving.get(target, headers=[IN_YAML])) == (await serving.get(target)).json()


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (f"{PREFIX}/namespaces/shop/deployments/none/compositions", 404),
        ("/nowhere", 404),
        (f"{WEB}?limit=many", 400),
        ("/a%00", 404),
    ],
)
async def test_errors_are_yaml_too(serving: Serving, target: str, code: int) -> None:
    answer = await serving.get(target, headers=[IN_YAML])
    assert answer.status_code == code
    assert read_yaml(answer) == (await serving.get(target)).json()


async def test_whoever_may_not_is_told_in_yaml_too(serving: Serving) -> None:
    forbidden = await serving.get(WEB, user="alice", headers=[IN_YAML])
    assert (forbidden.status_code, read_yaml(forbidden)["reason"]) == (403, "Forbidden")
    refused = await serving.send(WEB, headers=[("Authorization", "Bearer bad"), IN_YAML])
    assert (refused.status_code, read_yaml(refused)["reason"]) == (401, "Unauthorized")
    assert refused.headers["www-authenticate"] == "Bearer"


async def test_an_error_that_cannot_be_written_as_asked_is_json(serving: Serving) -> None:
    answer = await serving.get(f"{PREFIX}/namespaces/shop/deployments/none/compositions", headers=[accept("Table")])
    assert (answer.status_code, answer.json()["kind"]) == (404, "Status")
    assert answer.text.startswith('{\n  "kind": "Status",\n')


@pytest.mark.parametrize("encoding", ["json", "yaml"])
@pytest.mark.parametrize("version", ["v1", "v1beta1"])
async def test_metadata_alone(serving: Serving, version: str, encoding: str) -> None:
    whole = (await serving.get(WEB)).json()
    answer = await serving.get(WEB, headers=[accept("PartialObjectMetadata", version, encoding)])
    assert answer.headers["content-type"] == f"application/{encoding}"
    expected = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}", "metadata": whole["metadata"]}
    assert yaml.safe_load(answer.content) == expected


async def test_lists_of_metadata_for_the_metadata_client(serving: Serving) -> None:
    answer = await serving.get(ROOTS, headers=[("Accept", METADATA_CLIENT)])
    found = answer.json()
    assert (found["kind"], found["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    assert found["metadata"]["resourceVersion"] == str(NEWEST)
    whole = (await serving.get(ROOTS)).json()["items"]
    assert [item["metadata"] for item in found["items"]] == [item["metadata"] for item in whole]
    assert {item["kind"] for item in found["items"]} == {"PartialObjectMetadata"}


@pytest.mark.parametrize("target", [ROOTS, f"{PREFIX}/compositions"])
@pytest.mark.parametrize("kind", ["PartialObjectMetadataList", "Table"])
async def test_pages_go_on_in_every_form(serving: Serving, target: str, kind: str) -> None:
    whole = (await serving.get(f"{target}?limit=2")).json()["metadata"]
    assert whole["remainingItemCount"] > 0
    assert (await serving.get(f"{target}?limit=2", headers=[accept(kind)])).json()["metadata"] == whole


@pytest.mark.parametrize(
    ("target", "kind", "words"),
    [
        (SHOP, "PartialObjectMetadata", "you requested PartialObjectMetadata, but the requested object is a list"),
        (WEB, "PartialObjectMetadataList", "PartialObjectMetadataList, but the requested object is not a list"),
    ],
)
async def test_one_is_not_a_list_nor_the_other_way_round(serving: Serving, target: str, kind: str, words: str) -> None:
    answer = await serving.get(target, headers=[accept(kind)])
    assert (answer.status_code, answer.json()["reason"]) == (406, "NotAcceptable")
    assert words in answer.json()["message"]


async def test_a_table_may_be_yaml(serving: Serving) -> None:
    found = read_yaml(await serving.get(ROOTS, headers=[accept("Table", encoding="yaml")]))
    as_json = (await serving.get(ROOTS, headers=[accept("Table")])).json()
    assert found == as_json
    assert found["kind"] == "Table"


async def test_what_cannot_be_included_is_refused_as_kubernetes_does(serving: Serving) -> None:
    answer = await serving.get(f"{ROOTS}?includeObject=All", headers=[accept("Table")])
    assert answer.status_code == 400
    assert answer.json()["message"] == (
        'Unable to convert to Table as requested: includeObject: Invalid value: "All": '
        "must be 'Metadata', 'Object', 'None', or empty"
    )


@pytest.mark.parametrize(
    ("target", "headers", "pretty"),
    [
        (WEB, [], False),
        (WEB, [("User-Agent", "kubectl/v1.36.3")], False),
        (WEB, [("User-Agent", "curl/8.5.0")], True),
        (WEB, [("User-Agent", "Mozilla/5.0 (X11)")], True),
        (f"{WEB}?pretty=false", [("User-Agent", "curl/8.5.0")], False),
        (f"{WEB}?pretty=true", [], True),
        (WEB, [("Accept", "application/json;pretty=1")], True),
        (f"{WEB}?limit=many", [("User-Agent", "curl/8.5.0")], True),
        ("/apis", [("User-Agent", "curl/8.5.0")], True),
        ("/apis", [], False),
        ("/version", [], True),
        ("/", [], True),
    ],
)
async def test_json_is_indented_for_people(serving: Serving, target: str, headers: list[Header], pretty: bool) -> None:
    answer = await serving.get(target, headers=headers)
    assert answer.text.startswith('{\n  "') == pretty
    assert answer.json() == (await serving.get(target)).json()


@pytest.mark.parametrize("target", ["/apis", "/api", f"/apis/{GROUP}", PREFIX])
async def test_discovery_may_be_yaml(serving: Serving, target: str) -> None:
    answer = await serving.get(target, headers=[IN_YAML])
    assert read_yaml(answer) == (await serving.get(target)).json()
    known = ("If-None-Match", answer.headers["etag"])
    assert (await serving.get(target, headers=[IN_YAML, known])).status_code == 304
    assert (await serving.get(target, headers=[known])).status_code == 200


async def test_aggregated_discovery_may_be_yaml(serving: Serving) -> None:
    aggregated = "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    answer = await serving.get("/apis", headers=[("Accept", f"application/yaml;{aggregated}")])
    assert answer.headers["content-type"] == f"application/yaml;{aggregated}"
    as_json = await serving.get("/apis", headers=[("Accept", f"application/json;{aggregated}")])
    assert yaml.safe_load(answer.content) == as_json.json()


async def test_there_is_no_version_but_in_json(serving: Serving) -> None:
    answer = await serving.get("/version", headers=[("Accept", "application/yaml;q=0.9,*/*;q=0.1")])
    assert (answer.headers["content-type"], answer.json()["gitVersion"]) == ("application/json", f"v{__version__}")
    refused = await serving.get("/version", headers=[IN_YAML])
    assert (refused.status_code, read_yaml(refused)["reason"]) == (406, "NotAcceptable")


TAGGED = [
    (WEB, ()),
    (SHOP, ()),
    (ROOTS, ()),
    (f"{ROOTS}/pods.lonely", ()),
    (WEB, (IN_YAML,)),
    (f"{WEB}?pretty=true", ()),
    (ROOTS, (accept("PartialObjectMetadataList"),)),
]


@pytest.mark.parametrize(("target", "headers"), TAGGED)
async def test_who_has_the_answer_gets_304(serving: Serving, target: str, headers: tuple[Header, ...]) -> None:
    first = await serving.get(target, headers=headers)
    known = ("If-None-Match", first.headers["etag"])
    assert {first.headers["cache-control"], first.headers["vary"]} == {"no-cache, private", "Accept, Accept-Encoding"}
    for method in ("GET", "HEAD"):
        again = await serving.get(target, headers=[*headers, known], method=method)
        assert (again.status_code, again.content) == (304, b"")
        kept = ("etag", "cache-control", "vary")
        assert [again.headers[name] for name in kept] == [first.headers[name] for name in kept]


@pytest.mark.parametrize("target", [WEB, SHOP, ROOTS])
async def test_what_changed_has_another_tag(serving: Serving, target: str) -> None:
    first = await serving.get(target)
    pod = serving.store.find(POD, "shop", "web-1-a")
    assert pod is not None
    serving.store.remove(pod)
    second = await serving.get(target, headers=[("If-None-Match", first.headers["etag"])])
    assert second.status_code == 200
    assert second.headers["etag"] != first.headers["etag"]


async def test_a_tag_is_no_proof_of_anything(serving: Serving) -> None:
    """Who knows another's tag learns nothing by it: first comes who asks, then may they, then their own answer."""
    known = ("If-None-Match", (await serving.get(WEB)).headers["etag"])
    for headers in ([known], [("If-None-Match", "*")]):
        assert (await serving.get(WEB, user=None, headers=headers)).status_code in (401, 403)
        assert (await serving.get(WEB, user="alice", headers=headers)).status_code == 403
    serving.rights.grant("bob", verb="get", resource="deployments/compositions")
    partial = await serving.get(WEB, user="bob", headers=[known])
    assert partial.status_code == 200
    assert "web-1-a" not in partial.text
    assert partial.headers["etag"] != known[1]
    assert (await serving.get(WEB, headers=[("If-None-Match", partial.headers["etag"])])).status_code == 200


async def test_errors_have_no_tag(serving: Serving) -> None:
    target = f"{PREFIX}/namespaces/shop/deployments/none/compositions"
    answer = await serving.get(target, headers=[("If-None-Match", "*")])
    assert answer.status_code == 404
    assert "etag" not in answer.headers


@pytest.fixture(scope="module")
def large() -> Serving:
    return Serving([*cluster(), *(make(POD, f"pod-{number:04}") for number in range(1000))])


@pytest.mark.parametrize("form", ["application/json", "application/yaml", f"application/json;as=Table;{META}"])
async def test_large_lists_are_compressed_where_that_is_asked_for(large: Serving, form: str) -> None:
    headers = [("Accept", form)]
    plain = await large.get(ROOTS, headers=headers)
    answer = await large.get(ROOTS, headers=[*headers, ("Accept-Encoding", "gzip")])
    assert len(plain.content) > 128 * 1024
    assert "content-encoding" not in plain.headers
    assert answer.headers["content-encoding"] == "gzip"
    # The client has decompressed it.
    assert answer.content == plain.content
    assert answer.num_bytes_downloaded < len(plain.content) / 4
    assert plain.headers["vary"] == answer.headers["vary"] == "Accept, Accept-Encoding"
    for refused in ("gzip;q=0", "identity", "br", "gzip;q=0.1, identity"):
        answer = await large.get(ROOTS, headers=[*headers, ("Accept-Encoding", refused)])
        assert "content-encoding" not in answer.headers


async def test_a_compressed_answer_has_a_tag_of_its_own(large: Serving) -> None:
    wants_gzip = ("Accept-Encoding", "gzip")
    plain, compressed = await large.get(ROOTS), await large.get(ROOTS, headers=[wants_gzip])
    assert plain.headers["etag"] != compressed.headers["etag"]
    known = ("If-None-Match", compressed.headers["etag"])
    assert (await large.get(ROOTS, headers=[wants_gzip, known])).status_code == 304
    assert (await large.get(ROOTS, headers=[known])).status_code == 200
    head = await large.get(ROOTS, headers=[wants_gzip], method="HEAD")
    names = ("content-encoding", "etag", "content-type", "vary")
    assert [head.headers[name] for name in names] == [compressed.headers[name] for name in names]


async def test_small_answers_and_texts_are_not_compressed(serving: Serving) -> None:
    for target in (WEB, "/apis", "/metrics", "/readyz", "/nowhere"):
        answer = await serving.get(target, headers=[("Accept-Encoding", "gzip")])
        assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    "target", [f"{ROOTS}?watch=1&timeoutSeconds=1", f"{PREFIX}/watch/compositions?timeoutSeconds=1"]
)
async def test_yaml_cannot_be_watched(serving: Serving, target: str) -> None:
    answer = await serving.get(target, headers=[IN_YAML])
    assert answer.status_code == 406
    found = read_yaml(answer)
    assert found["reason"] == "NotAcceptable"
    assert "application/json;as=Table;v=v1;g=meta.k8s.io" in found["message"]
    assert "yaml" not in found["message"]
