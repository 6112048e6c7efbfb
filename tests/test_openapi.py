"""OpenAPI as it is served: to the aggregator, to kubectl through it, and to clients of the server itself."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
import yaml

from kubediscovery.api import GroupVersion
from kubediscovery.built_in_registry import built_in_registry
from kubediscovery.described import descriptions
from kubediscovery.gnostic import V2, V3, encode
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.openapi import OpenApi
from kubediscovery.served import Served
from kubediscovery.specification import document
from kubediscovery.swagger import swagger_of
from tests.serving import GROUP, KINDS, Serving

INDEX, SWAGGER, DOCUMENT = "/openapi/v3", "/openapi/v2", f"/openapi/v3/apis/{GROUP}/v1"
PROTOBUF = "application/com.github.proto-openapi.spec.{}{}v1.0+protobuf"
SPECIFICATION = document(descriptions(GroupVersion(GROUP, "v1"), [*built_in_registry()]))


def served(*more: Kind, group: str = GROUP) -> Served:
    return Served((built_in_registry(group),), Kinds((*KINDS, *more)))


@pytest.fixture
def serving() -> Serving:
    return Serving()


async def named(serving: Serving) -> str:
    """Where the index says that the document is."""
    found = (await serving.get(INDEX)).json()
    assert list(found["paths"]) == [f"apis/{GROUP}/v1"]
    path: str = found["paths"][f"apis/{GROUP}/v1"]["serverRelativeURL"]
    return path


async def test_the_aggregator_may_ask_as_it_does(serving: Serving) -> None:
    """As a user without groups, of version 3 without an Accept."""
    for target, headers in ((SWAGGER, [("Accept", "application/json")]), (INDEX, [])):
        assert (await serving.get(target, user="system:aggregator", headers=headers)).status_code == 403
        serving.time.now += 11
        serving.rights.grant("system:aggregator", path=target, verb="get")
        answer = await serving.get(target, user="system:aggregator", headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    groups = next(spec["groups"] for spec in serving.reviewer.specs if spec["user"] == "system:aggregator")
    assert groups == ["system:authenticated"]


async def test_documents_are_those_of_the_api(serving: Serving) -> None:
    assert (await serving.get(DOCUMENT)).json() == json.loads(json.dumps(SPECIFICATION))
    assert (await serving.get(SWAGGER)).json() == json.loads(json.dumps(swagger_of(SPECIFICATION)))


@pytest.mark.parametrize("sign", "@.")
async def test_clients_that_want_protobuf_get_it(serving: Serving, sign: str) -> None:
    for target, version, expected in (
        (SWAGGER, "v2", encode(swagger_of(SPECIFICATION), V2)),
        (DOCUMENT, "v3", encode(SPECIFICATION, V3)),
    ):
        # Indented or not: it is not text.
        headers = [("Accept", PROTOBUF.format(version, sign)), ("User-Agent", "curl/8")]
        answer = await serving.get(f"{target}?pretty=1", headers=headers)
        assert answer.headers["content-type"] == PROTOBUF.format(version, ".")
        assert answer.content == expected
        assert "Accept" in answer.headers["vary"]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json, */*", "application/json"),
        ("application/json;q=0.5, " + PROTOBUF.format("v3", "@"), PROTOBUF.format("v3", ".")),
        (PROTOBUF.format("v3", "@") + ", application/json", PROTOBUF.format("v3", ".")),
    ],
)
async def test_the_first_wish_counts(serving: Serving, accept: str, content_type: str) -> None:
    answer = await serving.get(DOCUMENT, headers=[("Accept", accept)] if accept else [])
    assert answer.headers["content-type"] == content_type


@pytest.mark.parametrize("accept", ["text/html", "application/yaml", PROTOBUF.format("v2", "@")])
async def test_what_there_is_not_is_406(serving: Serving, accept: str) -> None:
    answer = await serving.get(DOCUMENT, headers=[("Accept", accept)])
    status = yaml.safe_load(answer.text)
    assert (answer.status_code, status["reason"]) == (406, "NotAcceptable")
    assert PROTOBUF.format("v3", "@") in status["message"]


async def test_the_index_has_one_form_whatever_is_asked_for(serving: Serving) -> None:
    answer = await serving.get(INDEX, headers=[("Accept", PROTOBUF.format("v3", "@"))])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


async def test_the_index_names_the_document_by_its_hash(serving: Serving) -> None:
    body = (await serving.get(DOCUMENT)).content
    assert await named(serving) == f"{DOCUMENT}?hash={hashlib.sha512(body).hexdigest().upper()}"


@pytest.mark.parametrize("accept", ["application/json", PROTOBUF.format("v3", "@")])
async def test_what_is_named_by_its_hash_may_be_kept(serving: Serving, accept: str) -> None:
    answer = await serving.get(await named(serving), headers=[("Accept", accept)])
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, immutable"
    left = parsedate_to_datetime(answer.headers["expires"]) - datetime.now(UTC)
    assert timedelta(days=364) < left <= timedelta(days=365)


@pytest.mark.parametrize(
    "query", ["", "?hash=", "?hash=0", "?other={}", "?hash=0&hash={}", "?hash=%ff", "?hash=%22{}%22"]
)
async def test_another_hash_gets_the_present_document_to_be_asked_for_again(serving: Serving, query: str) -> None:
    """kube-openapi redirects; the aggregator would make a 502 of that."""
    current = (await named(serving)).rpartition("=")[2]
    answer = await serving.get(DOCUMENT + query.format(current))
    assert answer.status_code == 200
    assert answer.json()["openapi"] == "3.0.0"
    assert answer.headers["cache-control"] == "public"
    assert "expires" not in answer.headers


@pytest.mark.parametrize("target", [INDEX, SWAGGER, DOCUMENT])
async def test_who_has_it_is_told_so(serving: Serving, target: str) -> None:
    answer = await serving.get(target)
    again = await serving.get(target, headers=[("If-None-Match", answer.headers["etag"])])
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]
    assert again.headers["vary"] == answer.headers["vary"]
    other = await serving.get(target, headers=[("If-None-Match", '"other"')])
    assert (other.status_code, other.content) == (200, answer.content)


async def test_who_has_one_form_does_not_have_the_other(serving: Serving) -> None:
    for target, version in ((SWAGGER, "v2"), (DOCUMENT, "v3")):
        etag = (await serving.get(target)).headers["etag"]
        headers = [("If-None-Match", etag), ("Accept", PROTOBUF.format(version, "@"))]
        answer = await serving.get(target, headers=headers)
        assert answer.status_code == 200
        again = await serving.get(target, headers=[("If-None-Match", answer.headers["etag"]), headers[1]])
        assert again.status_code == 304


async def test_a_long_document_is_compressed_for_who_takes_that(serving: Serving) -> None:
    answer = await serving.get(SWAGGER, headers=[("Accept-Encoding", "gzip")])
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < len(answer.content) / 5
    assert answer.json()["swagger"] == "2.0"


@pytest.mark.parametrize(
    "target",
    ["/openapi", "/openapi/v1", "/openapi/v3/apis", "/openapi/v3/api/v1", "/openapi/v3/apis/apps/v1", f"{DOCUMENT}/x"],
)
async def test_there_is_nothing_else(serving: Serving, target: str) -> None:
    assert (await serving.get(target)).status_code == 404


async def test_nothing_is_written(serving: Serving) -> None:
    assert (await serving.get(SWAGGER, method="POST")).status_code == 405


async def test_the_root_lists_them(serving: Serving) -> None:
    assert {INDEX, SWAGGER, DOCUMENT} <= set((await serving.get("/")).json()["paths"])


async def test_replicas_agree_and_another_api_has_another_hash() -> None:
    first, second = Serving(), Serving()
    assert await named(first) == await named(second)
    one, other = (OpenApi(served(group=group)) for group in (GROUP, "example.org"))
    assert one._v2.hash != other._v2.hash


def test_kinds_that_come_and_go_change_nothing() -> None:
    more = OpenApi(served(Kind("example.org", "v1", "ships", "Ship", "ship")))
    assert more._index == OpenApi(served())._index


async def test_nothing_is_made_before_it_is_asked_for() -> None:
    """Discovery has to be answered at once after the start."""
    found = OpenApi(served())
    (v3,) = found._v3.values()
    assert "content" not in vars(v3)
    assert found._v2.json is found._v2.json
    assert "protobuf" not in vars(found._v2)
