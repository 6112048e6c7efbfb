"""Continue tokens: what comes back, and what is done with what nobody gave out."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.continuation import LATEST, Continuation, Key, decode_continuation, encode_continuation
from kubediscovery.errors import BadRequest

KEY = Key("shop", "deployments.apps.web", "deployments.apps")
NEWEST = 2**63 - 1
text = st.text(max_size=20)
keys = st.builds(Key, text, st.text(min_size=1, max_size=20), text)
continuations = st.builds(Continuation, st.integers(LATEST, NEWEST), keys)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(("v", "rv", "start", "x")), inner),
    max_leaves=8,
)
nearly = st.fixed_dictionaries(
    {},
    optional={
        "v": st.sampled_from(("v1", "v2", "")) | json_values,
        "rv": st.integers() | json_values,
        "start": st.lists(text, max_size=4) | json_values,
        "x": json_values,
    },
)


def encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def token(**fields: object) -> str:
    return encoded(json.dumps({"v": "v1", "rv": 7, "start": [*KEY], **fields}).encode())


@given(continuations)
def test_a_token_says_what_was_put_into_it(continuation: Continuation) -> None:
    found = encode_continuation(continuation)
    assert re.fullmatch("[A-Za-z0-9_-]+", found)
    assert decode_continuation(found) == continuation


def test_a_token_is_unpadded_base64url_of_json_with_the_names_of_kubernetes() -> None:
    found = encode_continuation(Continuation(7, KEY))
    content = json.loads(urlsafe_b64decode(found + "=" * (-len(found) % 4)))
    assert content == {"v": "v1", "rv": 7, "start": ["shop", "deployments.apps.web", "deployments.apps"]}
    assert decode_continuation(token()) == Continuation(7, KEY)


def test_the_keys_of_objects_that_share_a_name_differ() -> None:
    dotted, measured = Key("shop", "pods.metrics.k8s.io.web", "pods"), Key("shop", "pods.metrics.k8s.io.web", "pods.m")
    assert dotted < measured
    assert Key("a", "z", "z") < Key("b", "a", "a")


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ("", "base64url"),
        ("x" * 9, "gives out"),
        ("x", "gives out"),
        ("é", "base64url"),
        ("a b", "base64url"),
        ("YQ==", "base64url"),
        ("YQ\n", "base64url"),
        ("+/+/", "base64url"),
        (encoded(b""), "base64url"),
        (encoded(b"{}"), "gives out"),
        (encoded(b"null"), "gives out"),
        (encoded(b"\xff"), "gives out"),
        (encoded(b"[" * 10_000), "gives out"),
        (encoded(b'{"v":"v1","rv":7,"start":["a","b","\\ud800"]}'), "gives out"),
        (token() + token(), "gives out"),
        (token(v="v2"), "does not recognize this encoded version"),
        (token(v=1), "gives out"),
        (token(rv=LATEST - 1), "gives out"),
        (token(rv=NEWEST + 1), "gives out"),
        (token(rv=10**4000), "gives out"),
        (token(rv=7.0), "gives out"),
        (token(rv="7"), "gives out"),
        (token(rv=True), "gives out"),
        (token(start="shop/web\0"), "gives out"),
        (token(start=["shop", "web"]), "gives out"),
        (token(start=["shop", "web", None]), "gives out"),
        (token(start=["shop", "", "deployments.apps"]), "start key empty"),
        (token(more=1), "gives out"),
        # Kubernetes's own, as etcd's keys have it.
        (encoded(b'{"v":"meta.k8s.io/v1","rv":200,"start":"/default\\u0000"}'), "gives out"),
    ],
)
def test_what_is_no_token_is_a_bad_request_in_kubernetes_words(found: str, why: str) -> None:
    with pytest.raises(BadRequest, match=r"^continue key is not valid: ") as caught:
        decode_continuation(found)
    assert why in str(caught.value)
    # Whatever was sent, nothing of it comes back.
    assert len(str(caught.value)) < 150


@given(
    st.text() | st.binary().map(encoded) | (json_values | nearly).map(lambda value: encoded(json.dumps(value).encode()))
)
def test_any_text_is_a_token_or_a_bad_request(found: str) -> None:
    try:
        continuation = decode_continuation(found)
    except BadRequest as error:
        assert str(error).startswith("continue key is not valid: ")  # noqa: PT017
        return
    # What is understood can be given out again: an expired token is answered with a new one.
    assert decode_continuation(encode_continuation(continuation)) == continuation
