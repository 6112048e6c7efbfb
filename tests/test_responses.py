"""Answers as bytes, and headers that nobody can break."""

import asyncio
import gzip
import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.responses import Response

from kubediscovery import responses
from kubediscovery.discovery import Document
from kubediscovery.errors import (
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotFound,
    ServerTimeout,
    StatusError,
    Subject,
    Unauthorized,
)
from kubediscovery.negotiation import PLAIN, PLAIN_YAML, MediaType, Representation
from kubediscovery.representation import written
from kubediscovery.responses import (
    Renderer,
    error_response,
    json_response,
    known_tags,
    text_response,
    warnings,
)

JSON = Representation(PLAIN)
IN_YAML = Representation(PLAIN_YAML)
PRETTY = Representation(PLAIN, pretty=True)
GZIP = Representation(PLAIN, gzip=True)
DOCUMENT = Document.of({"kind": "APIGroupList"}, "application/json;g=x")
LIMIT = 128 * 1024
# As JSON it has just the length from which nothing is left as it is.
LARGE = ["x" * (LIMIT - 3)]
SMALL = ["x" * (LIMIT - 4)]


def body(response: Response) -> Any:
    return json.loads(bytes(response.body))


EXAMPLES = [
    Unauthorized(),
    *(found("m") for found in StatusError.__subclasses__() if found not in (Unauthorized, Invalid)),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: error.reason)
def test_every_error_is_a_status(error: StatusError) -> None:
    response = error_response(error, JSON)
    assert response.status_code == error.code
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-cache, private"
    assert "retry-after" not in response.headers
    assert body(response) == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": str(error),
        "reason": error.reason,
        "code": error.code,
    }


def test_an_error_says_what_it_is_about_and_when_to_try_again() -> None:
    error = ServerTimeout("wait", subject=Subject("apps", "deployments", "web"), retry_after=3, cause="TooLarge")
    response = error_response(error, JSON)
    assert response.headers["retry-after"] == "3"
    assert body(response)["details"] == {
        "group": "apps",
        "kind": "deployments",
        "name": "web",
        "retryAfterSeconds": 3,
        "causes": [{"reason": "TooLarge", "message": "wait"}],
    }


def test_405_says_what_is_allowed() -> None:
    assert error_response(MethodNotAllowed("m"), JSON).headers["allow"] == "GET, HEAD"
    assert "allow" not in error_response(NotFound("m"), JSON).headers


def test_401_says_how_to_prove_who_one_is() -> None:
    assert error_response(Unauthorized(), JSON).headers["www-authenticate"] == "Bearer"
    assert "www-authenticate" not in error_response(Forbidden("m"), JSON).headers


def test_an_error_has_the_encoding_that_was_asked_for() -> None:
    error = NotFound("no: such", subject=Subject(name="1e3"))
    response = error_response(error, IN_YAML)
    assert response.headers["content-type"] == "application/yaml"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert yaml.safe_load(bytes(response.body)) == body(error_response(error, JSON))
    pretty = error_response(error, PRETTY)
    assert body(pretty) == body(error_response(error, JSON))
    assert bytes(pretty.body).startswith(b'{\n  "kind": "Status",\n')
    assert {response.headers["vary"], pretty.headers["vary"]} == {"Accept, Accept-Encoding"}


def test_what_is_not_negotiated_is_indented_json() -> None:
    response = json_response({"a": [1]})
    assert response.body == b'{\n  "a": [\n    1\n  ]\n}\n'
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-cache, private"


def test_text_is_never_taken_for_html() -> None:
    response = text_response("<script>", code=500)
    assert response.status_code == 500
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"


async def answer(content: object, representation: Representation = JSON, known: str = "") -> Response:
    return await Renderer().answer(content, representation, known=known_tags(if_none_match(known)))


def if_none_match(*values: str) -> Headers:
    return Headers(raw=[(b"if-none-match", value.encode()) for value in values])


@pytest.mark.parametrize(
    ("representation", "written", "media_type"),
    [
        (JSON, b'{"a":["1"]}', "application/json"),
        (PRETTY, b'{\n  "a": [\n    "1"\n  ]\n}\n', "application/json"),
        (IN_YAML, b'a:\n- "1"\n', "application/yaml"),
        (Representation(MediaType("Table", "meta.k8s.io", "v1")), b'{"a":["1"]}', "application/json"),
    ],
)
async def test_an_answer_has_the_form_that_was_negotiated(
    representation: Representation, written: bytes, media_type: str
) -> None:
    response = await Renderer().answer({"a": ["1"]}, representation, headers={"Warning": "w"})
    assert (response.status_code, response.body) == (200, written)
    headers = dict(response.headers)
    assert re.fullmatch(r'"[0-9a-f]{40}"', headers.pop("etag"))
    assert headers == {
        "content-type": media_type,
        "content-length": str(len(written)),
        "cache-control": "no-cache, private",
        "vary": "Accept, Accept-Encoding",
        "x-content-type-options": "nosniff",
        "warning": "w",
    }


async def test_the_tag_is_that_of_the_bytes_on_every_replica() -> None:
    response = await answer({"a": 1})
    assert response.headers["etag"] == '"1edfdb0d6b41b26a399cabe18b2fb709da5848b3"'
    assert (await answer({"a": 1})).headers["etag"] == response.headers["etag"]
    others = [await answer({"a": 2}), await answer({"a": 1}, PRETTY), await answer({"a": 1}, IN_YAML)]
    assert len({response.headers["etag"], *(other.headers["etag"] for other in others)}) == 4


@pytest.mark.parametrize("form", ["{}", " {} ", "W/{}", '"other", {}', '"other",W/{}', "*"])
@pytest.mark.parametrize("representation", [JSON, PRETTY, IN_YAML, GZIP])
@pytest.mark.parametrize("content", [{"a": 1}, LARGE], ids=["small", "large"])
async def test_who_has_these_bytes_gets_304(content: object, representation: Representation, form: str) -> None:
    full = await answer(content, representation)
    response = await answer(content, representation, form.format(full.headers["etag"]))
    assert (response.status_code, response.body) == (304, b"")
    kept = {name: full.headers[name] for name in ("etag", "vary", "cache-control", "x-content-type-options")}
    assert dict(response.headers) == kept


@pytest.mark.parametrize("known", ["", '"other"', "W/", ",", '""', "etag"])
async def test_who_has_others_gets_the_answer(known: str) -> None:
    assert (await answer({"a": 1}, JSON, known)).status_code == 200


async def test_a_tag_without_its_quotes_is_none() -> None:
    etag = (await answer({"a": 1})).headers["etag"]
    for known in (etag.strip('"'), etag.upper(), f'{etag[:-1]}-gzip"'):
        assert (await answer({"a": 1}, JSON, known)).status_code == 200


def test_tags_are_read_from_all_lines() -> None:
    assert known_tags(if_none_match()) == frozenset()
    assert known_tags(if_none_match('"a", W/"b"', '"c"')) >= {'"a"', '"b"', '"c"'}


@given(st.binary(max_size=60))
def test_no_if_none_match_raises(value: bytes) -> None:
    known_tags(Headers(raw=[(b"if-none-match", value)]))


async def test_large_answers_are_compressed_for_who_takes_gzip() -> None:
    plain, compressed = await answer(LARGE), await answer(LARGE, GZIP)
    assert "content-encoding" not in plain.headers
    assert compressed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(bytes(compressed.body)) == plain.body
    assert compressed.headers["content-length"] == str(len(compressed.body))
    assert len(compressed.body) < LIMIT / 50
    # A strong tag stands for bytes, and these are others.
    assert compressed.headers["etag"] == f'{plain.headers["etag"][:-1]}-gzip"'
    assert (await answer(LARGE, GZIP, plain.headers["etag"])).status_code == 200
    assert (await answer(LARGE, JSON, compressed.headers["etag"])).status_code == 200
    assert compressed.body == (await answer(LARGE, GZIP)).body


async def test_answers_up_to_128_kib_are_not_compressed() -> None:
    assert len(bytes((await answer(SMALL)).body)) == LIMIT
    response = await answer(SMALL, GZIP)
    assert "content-encoding" not in response.headers
    assert response.headers["vary"] == "Accept, Accept-Encoding"
    assert response.body == (await answer(SMALL)).body
    # What counts is what is sent.
    assert (await answer(SMALL, Representation(PLAIN, pretty=True, gzip=True))).headers["content-encoding"] == "gzip"


async def test_yaml_is_compressed_too() -> None:
    content = ["y" * LIMIT]
    response = await answer(content, Representation(PLAIN_YAML, gzip=True))
    assert response.headers["content-type"] == "application/yaml"
    assert yaml.safe_load(gzip.decompress(bytes(response.body))) == content


@pytest.mark.parametrize("representation", [GZIP, IN_YAML])
async def test_the_event_loop_goes_on_while_a_large_answer_is_written(representation: Representation) -> None:
    content = [{"name": f"web-{number}"} for number in range(20_000)]
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await asyncio.sleep(0)
    before = turns
    await answer(content, representation)
    counting.cancel()
    assert turns > before + 1


async def test_large_yaml_is_written_one_at_a_time() -> None:
    renderer, running, most = Renderer(), 0, 0
    content = ["text of some length"] * 500

    def counted(body: bytes, representation: Representation) -> bytes:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return written(body, representation)
        finally:
            running -= 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(responses, "written", counted)
        answers = await asyncio.gather(*(renderer.answer(content, IN_YAML) for _ in range(8)))
    assert most == 1
    assert {response.status_code for response in answers} == {200}


async def document(representation: Representation = JSON, known: str = "", content: Document = DOCUMENT) -> Response:
    return await Renderer().document(content, representation, known=known_tags(if_none_match(known)))


@pytest.mark.parametrize("known", [DOCUMENT.etag, f'"other", {DOCUMENT.etag}', f" {DOCUMENT.etag} "])
async def test_who_has_the_document_gets_304(known: str) -> None:
    response = await document(JSON, known)
    assert (response.status_code, response.body) == (304, b"")
    assert (response.headers["etag"], response.headers["vary"]) == (DOCUMENT.etag, "Accept, Accept-Encoding")


@pytest.mark.parametrize("known", ["", '"other"', DOCUMENT.etag.strip('"'), DOCUMENT.etag.lower()])
async def test_who_has_another_gets_the_document(known: str) -> None:
    response = await document(JSON, known)
    assert (response.status_code, response.body) == (200, b'{"kind":"APIGroupList"}')
    assert response.headers["content-type"] == "application/json;g=x"
    assert (response.headers["etag"], response.headers["vary"]) == (DOCUMENT.etag, "Accept, Accept-Encoding")
    assert response.headers["cache-control"] == "public"


async def test_documents_have_other_forms_under_other_tags() -> None:
    in_yaml, pretty = await document(IN_YAML), await document(PRETTY)
    assert in_yaml.headers["content-type"] == "application/yaml;g=x"
    assert in_yaml.body == b"kind: APIGroupList\n"
    assert pretty.body == b'{\n  "kind": "APIGroupList"\n}\n'
    assert len({DOCUMENT.etag, in_yaml.headers["etag"], pretty.headers["etag"]}) == 3
    assert (await document(IN_YAML, in_yaml.headers["etag"])).status_code == 304
    large = await document(GZIP, content=Document.of(LARGE))
    assert large.headers["etag"] == f'{Document.of(LARGE).etag[:-1]}-gzip"'


def test_no_warning_makes_no_header() -> None:
    assert warnings([]) == {}


QUOTED = re.compile(r'299 - "((?:[^"\\]|\\.)*)"')


@given(st.lists(st.text(max_size=300), min_size=1, max_size=4))
@example(["a" * 255 + '"'])
@example(["\\" * 255])
@example(['x\r\nSet-Cookie: a=b", 299 - "y'])
def test_warnings_are_read_back_as_they_were_meant(texts: list[str]) -> None:
    """No text ends its own quotes, or the header's line; what cannot be written becomes a question mark."""
    header = warnings(texts)["Warning"]
    assert re.fullmatch(r"[ -~]*", header)
    read = [re.sub(r"\\(.)", r"\1", quoted) for quoted in QUOTED.findall(header)]
    assert ", ".join(f'299 - "{quoted}"' for quoted in QUOTED.findall(header)) == header
    assert read == ["".join(each if " " <= each <= "~" else "?" for each in text[:256]) for text in texts]
