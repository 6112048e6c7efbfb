"""Bodies of requests that act: structs, patches and options, and what is said of those that cannot be read."""

import json
from typing import Any

import httpx
import pytest

from kubediscovery.framework import PatchType, Registry, SubresourceRequest
from tests.registering import ACTIONS, OF_ACTIONS, action_registry, patch_registry
from tests.serving import Serving

JSON = [("Content-Type", "application/json")]
RESTART, SIZE, LABEL = (f"{OF_ACTIONS}/web/{name}" for name in ("restart", "size", "label"))


@pytest.fixture
def serving() -> Serving:
    return Serving(registries=[action_registry(), patch_registry()])


def refused(answer: httpx.Response, code: int, reason: str) -> str:
    found = answer.json()
    assert (answer.status_code, found["kind"], found["code"], found["reason"]) == (code, "Status", code, reason), found
    message: str = found["message"]
    return message


def sent(type_: PatchType) -> dict[str, Any]:
    return {"method": "PATCH", "headers": [("Content-Type", type_)]}


@pytest.mark.parametrize(
    ("content", "headers", "code", "words"),
    [
        (b'{"afterSeconds": -1}', JSON, 400, "afterSeconds"),
        (b'{"afterSeconds": "x"}', JSON, 400, "afterSeconds"),
        (b"[1", JSON, 400, "the body cannot be read"),
        (b"[" * 100_000, JSON, 400, "the body cannot be read"),
        (b"afterSeconds: 1", [("Content-Type", "application/yaml")], 415, "application/json"),
    ],
)
async def test_a_body_that_cannot_be_read(
    serving: Serving, content: bytes, headers: list[tuple[str, str]], code: int, words: str
) -> None:
    answer = await serving.get(f"{OF_ACTIONS}/web/restart", method="POST", content=content, headers=headers)
    assert answer.status_code == code
    assert words in answer.json()["message"]


async def test_a_body_where_none_is_read(serving: Serving) -> None:
    path = f"{OF_ACTIONS}/web/halt?dryRun=All"
    assert (await serving.get(path, method="POST", content=b"{}\n")).status_code == 201
    answer = await serving.get(path, method="POST", content=b'{"really": true}', headers=JSON)
    assert "no body is read here" in refused(answer, 400, "BadRequest")


async def test_delete_options_ask_for_a_dry_run_too() -> None:
    registry, told = Registry(group=ACTIONS, version="v1alpha1"), []

    @registry.subresource("halt", on="deployments.apps", verbs=("delete",))
    async def halt(request: SubresourceRequest) -> None:
        told.append(request.dry_run)

    serving = Serving(registries=[registry])
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]}
    for content in (json.dumps(options).encode(), b'{"kind":"DeleteOptions"}', b""):
        await serving.get(f"{OF_ACTIONS}/web/halt", method="DELETE", content=content, headers=JSON)
    assert told == [True, False, False]


async def test_fields_of_a_struct_that_it_does_not_have(serving: Serving) -> None:
    content = b'{"kind": "Order", "metadata": {}, "afterSeconds": 1, "after": 2, "after": 3}'
    told = await serving.get(RESTART, method="POST", content=content, headers=JSON)
    assert told.status_code == 201
    assert 'unknown field \\"after\\"' in told.headers["warning"]
    assert 'duplicate field \\"after\\"' in told.headers["warning"]
    assert "kind" not in told.headers["warning"]
    strict = await serving.get(f"{RESTART}?fieldValidation=Strict", method="POST", content=content, headers=JSON)
    message = 'strict decoding error: unknown field "after", duplicate field "after"'
    assert refused(strict, 400, "BadRequest") == message
    ignored = await serving.get(f"{RESTART}?fieldValidation=Ignore", method="POST", content=content, headers=JSON)
    assert "warning" not in ignored.headers


async def test_text_that_is_none_is_refused_wherever_it_is(serving: Serving) -> None:
    content = b'{"unknown": "\xff"}'
    answer = await serving.get(RESTART, method="POST", content=content, headers=JSON)
    assert "the body cannot be read" in refused(answer, 400, "BadRequest")


@pytest.mark.parametrize(
    ("content", "query", "code", "words"),
    [
        (b"a: 1", "", 422, "fieldManager: Required value: is required for apply patch"),
        (b"a: [", "?fieldManager=me", 400, "the patch cannot be read: not YAML"),
        (b"a: &a {}\nb: *a", "?fieldManager=me", 400, "the patch cannot be read"),
        (b"a: 1\n---\nb: 1", "?fieldManager=me", 400, "it must be one document, not 2"),
        (b"", "?fieldManager=me", 400, "it must be one document, not 0"),
        (b"- 1", "?fieldManager=me", 400, "one of type application/apply-patch+yaml is an object"),
        (b"a: b\n" * 20_000, "?fieldManager=me", 413, "send a longer one as JSON"),
        (b'{"a": ', "?fieldManager=me", 400, "the body cannot be read"),
    ],
)
async def test_an_apply_patch_that_cannot_be(
    serving: Serving, content: bytes, query: str, code: int, words: str
) -> None:
    answer = await serving.get(f"{LABEL}{query}", content=content, **sent(PatchType.APPLY))
    assert answer.status_code == code
    assert words in answer.json()["message"]


@pytest.mark.parametrize(
    ("type_", "content", "code", "reason", "words"),
    [
        (PatchType.MERGE, b"{", 400, "BadRequest", "the body cannot be read: Input data was truncated"),
        (PatchType.MERGE, b"", 400, "BadRequest", "the body cannot be read"),
        (PatchType.MERGE, b"[]", 400, "BadRequest", "one of type application/merge-patch+json is an object"),
        (PatchType.MERGE, b'{"a":' * 50_000, 400, "BadRequest", "nested too deep"),
        (PatchType.JSON, b"{}", 400, "BadRequest", "the patch cannot be read: Expected `array`"),
        (PatchType.JSON, b'[{"op": "add", "path": "/note"}]', 400, "BadRequest", "missing required field `value`"),
        (PatchType.JSON, b'[{"op": "remove", "path": "/x"}]', 422, "Invalid", 'operation 0: there is no "x"'),
        (
            PatchType.JSON,
            b"[" + b",".join([b'{"op":"remove","path":""}'] * 10_001) + b"]",
            413,
            "RequestEntityTooLarge",
            "10001",
        ),
        (PatchType.MERGE, b'{"replicas": -1}', 422, "Invalid", "at `$.replicas`"),
        (PatchType.MERGE, b'{"replicas": 101}', 409, "Conflict", "it is too large"),
        (PatchType.MERGE, b'{"metadata": {"resourceVersion": "1"}}', 409, "Conflict", "has been modified"),
        (
            PatchType.STRATEGIC,
            b"{}",
            415,
            "UnsupportedMediaType",
            "include: application/json-patch+json, application/merge-patch+json",
        ),
        (PatchType.APPLY, b"{}", 415, "UnsupportedMediaType", "application/merge-patch+json"),
    ],
)
async def test_a_patch_that_cannot_be(
    serving: Serving, type_: PatchType, content: bytes, code: int, reason: str, words: str
) -> None:
    answer = await serving.get(SIZE, content=content, **sent(type_))
    assert words in refused(answer, code, reason)
    assert (await serving.get(SIZE)).json()["replicas"] == 1


async def test_a_patch_says_of_which_type_it_is(serving: Serving) -> None:
    for headers in ([], JSON, [("Content-Type", "application/apply-patch+cbor")]):
        answer = await serving.get(SIZE, method="PATCH", content=b"{}", headers=headers)
        assert "application/json-patch+json" in refused(answer, 415, "UnsupportedMediaType")
    typed = [("Content-Type", "application/merge-patch+json; charset=utf-8")]
    assert (await serving.get(SIZE, method="PATCH", content=b"{}", headers=typed)).status_code == 200


async def test_fields_that_nobody_knows_are_told_refused_or_ignored(serving: Serving) -> None:
    content, merging = b'{"replica": 3, "note": "a", "note": "b"}', sent(PatchType.MERGE)
    told = await serving.get(SIZE, content=content, **merging)
    assert told.status_code == 200
    assert told.headers["warning"] == '299 - "duplicate field \\"note\\"", 299 - "unknown field \\"replica\\""'
    strict = await serving.get(f"{SIZE}?fieldValidation=Strict", content=b'{"replica": 3}', **merging)
    assert 'strict decoding error: unknown field "replica"' in refused(strict, 422, "Invalid")
    ignored = await serving.get(f"{SIZE}?fieldValidation=Ignore&fieldManager=me", content=content, **merging)
    assert (ignored.status_code, "warning" in ignored.headers) == (200, False)
    wrong = await serving.get(f"{SIZE}?fieldValidation=Perhaps", content=content, **merging)
    assert "fieldValidation: Unsupported value" in refused(wrong, 422, "Invalid")
    forced = await serving.get(f"{SIZE}?force=true", content=content, **merging)
    assert "force: Forbidden" in refused(forced, 422, "Invalid")
