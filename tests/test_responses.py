"""Answers as bytes, and headers that nobody can break."""

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.responses import Response

from kubediscovery.discovery import Document
from kubediscovery.errors import (
    BadRequest,
    Expired,
    Forbidden,
    InternalError,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    ServerTimeout,
    ServiceUnavailable,
    StatusError,
    Subject,
    Unauthorized,
)
from kubediscovery.responses import document_response, error_response, json_response, text_response, warnings

DOCUMENT = Document.of({"kind": "APIGroupList"}, "application/json;g=x")


def body(response: Response) -> Any:
    return json.loads(bytes(response.body))


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (BadRequest("m"), 400, "BadRequest"),
        (Unauthorized(), 401, "Unauthorized"),
        (Forbidden("m"), 403, "Forbidden"),
        (NotFound("m"), 404, "NotFound"),
        (MethodNotAllowed("m"), 405, "MethodNotAllowed"),
        (NotAcceptable("m"), 406, "NotAcceptable"),
        (Expired("m"), 410, "Expired"),
        (InternalError("m"), 500, "InternalError"),
        (ServiceUnavailable("m"), 503, "ServiceUnavailable"),
        (ServerTimeout("m"), 504, "Timeout"),
    ],
)
def test_every_error_is_a_status(error: StatusError, code: int, reason: str) -> None:
    response = error_response(error)
    assert response.status_code == code
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
        "reason": reason,
        "code": code,
    }


def test_every_kind_of_status_error_is_covered_above() -> None:
    assert len(StatusError.__subclasses__()) == 10


def test_an_error_says_what_it_is_about_and_when_to_try_again() -> None:
    error = ServerTimeout("wait", subject=Subject("apps", "deployments", "web"), retry_after=3, cause="TooLarge")
    response = error_response(error)
    assert response.headers["retry-after"] == "3"
    assert body(response)["details"] == {
        "group": "apps",
        "kind": "deployments",
        "name": "web",
        "retryAfterSeconds": 3,
        "causes": [{"reason": "TooLarge", "message": "wait"}],
    }


def test_405_says_what_is_allowed() -> None:
    assert error_response(MethodNotAllowed("m")).headers["allow"] == "GET, HEAD"
    assert "allow" not in error_response(NotFound("m")).headers


def test_json_is_compact_or_indented_and_never_kept_by_a_cache() -> None:
    compact, pretty = json_response({"a": [1]}), json_response({"a": [1]}, pretty=True, headers={"Warning": "w"})
    assert compact.body == b'{"a":[1]}'
    assert pretty.body == b'{\n  "a": [\n    1\n  ]\n}\n'
    assert compact.headers["cache-control"] == pretty.headers["cache-control"] == "no-cache, private"
    assert pretty.headers["warning"] == "w"


def test_text_is_never_taken_for_html() -> None:
    response = text_response("<script>", code=500)
    assert response.status_code == 500
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("given_", [DOCUMENT.etag, f'"other", {DOCUMENT.etag}', f" {DOCUMENT.etag} "])
def test_who_has_the_document_gets_304(given_: str) -> None:
    response = document_response(DOCUMENT, given_)
    assert (response.status_code, response.body) == (304, b"")
    assert (response.headers["etag"], response.headers["vary"]) == (DOCUMENT.etag, "Accept")


@pytest.mark.parametrize("given_", ["", '"other"', DOCUMENT.etag.strip('"'), DOCUMENT.etag.lower()])
def test_who_has_another_gets_the_document(given_: str) -> None:
    response = document_response(DOCUMENT, given_)
    assert (response.status_code, response.body) == (200, b'{"kind":"APIGroupList"}')
    assert response.headers["content-type"] == "application/json;g=x"
    assert (response.headers["etag"], response.headers["vary"]) == (DOCUMENT.etag, "Accept")


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
