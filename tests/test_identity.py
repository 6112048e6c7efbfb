"""The user, and what the front proxy's headers say about it: aggregation's third mistake, line by line."""

import json
import string
from random import Random
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.identity import ANONYMOUS, RequestHeaders, User, authenticated_user

# What kubeadm writes.
KUBEADM = {
    "requestheader-username-headers": '["X-Remote-User"]',
    "requestheader-group-headers": '["X-Remote-Group"]',
    "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
    "requestheader-allowed-names": '["front-proxy-client"]',
}
HEADERS = RequestHeaders.from_config_map(KUBEADM)
NAME = (b"x-remote-user", b"alice")

# Go's net/http and every Python server cut spaces and tabs at both ends of a value.
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(lambda text: text == text.strip())


def read(*lines: tuple[bytes, bytes], headers: RequestHeaders = HEADERS) -> User | None:
    return headers.user(headers.lines(lines))


def groups(*lines: tuple[bytes, bytes]) -> tuple[str, ...]:
    user = read(NAME, *lines)
    assert user is not None
    return user.groups


def extra(*lines: tuple[bytes, bytes]) -> dict[str, tuple[str, ...]]:
    user = read(NAME, *lines)
    assert user is not None
    return dict(user.extra)


def test_the_configmap_of_kubeadm_is_read() -> None:
    expected = RequestHeaders(
        (b"x-remote-user",), (), (b"x-remote-group",), (b"x-remote-extra-",), ("front-proxy-client",)
    )
    assert expected == HEADERS


@pytest.mark.parametrize("data", [{}, dict.fromkeys(KUBEADM, "[]"), dict.fromkeys(KUBEADM, "null")])
def test_lists_that_are_absent_or_empty_name_nobody(data: dict[str, str]) -> None:
    headers = RequestHeaders.from_config_map(data)
    assert headers == RequestHeaders()
    assert read(NAME, (b"x-remote-group", b"g"), headers=headers) is None


@pytest.mark.parametrize("key", [*KUBEADM, "requestheader-uid-headers"])
@pytest.mark.parametrize("value", ["X-Remote-User", '["a', '"a"', "[1]", "[null]", '{"a": "b"}', "true"])
def test_a_list_that_is_not_json_strings_is_named(key: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"{key} is not a JSON list of strings"):
        RequestHeaders.from_config_map({**KUBEADM, key: value})


@pytest.mark.parametrize("key", [key for key in KUBEADM if not key.endswith("names")])
def test_an_empty_header_name_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=f"{key} holds an empty name"):
        RequestHeaders.from_config_map({**KUBEADM, key: '["X-Some", " "]'})


def test_a_user_with_everything() -> None:
    headers = RequestHeaders.from_config_map({**KUBEADM, "requestheader-uid-headers": '["X-Remote-Uid"]'})
    lines = (
        (b"host", b"10.0.0.1"),
        NAME,
        (b"x-remote-uid", b"42"),
        (b"x-remote-group", b"one"),
        (b"accept", b"*/*"),
        (b"x-remote-group", b"two"),
        (b"x-remote-extra-scopes", b"a"),
        (b"x-remote-extra-acme.com%2fproject", b"p"),
        (b"x-remote-extra-scopes", b"b"),
    )
    assert read(*lines, headers=headers) == User(
        "alice",
        "42",
        ("one", "two", "system:authenticated"),
        (("acme.com/project", ("p",)), ("scopes", ("a", "b"))),
    )


def test_a_uid_counts_only_if_the_configmap_names_its_header() -> None:
    user = read(NAME, (b"x-remote-uid", b"42"))
    assert user is not None
    assert user.uid == ""


def test_no_username_header_names_nobody() -> None:
    assert read((b"x-remote-group", b"system:masters")) is None


@pytest.mark.parametrize("name", [b"x_remote_user", b"x-remote-user-", b"xremote-user", b"remote-user"])
def test_a_similar_header_is_another_header(name: bytes) -> None:
    assert read((name, b"admin")) is None
    assert groups((name.replace(b"user", b"group"), b"system:masters")) == ("system:authenticated",)


def test_the_first_line_of_a_repeated_username_header_wins() -> None:
    user = read(NAME, (b"x-remote-user", b"bob"))
    assert user is not None
    assert user.name == "alice"


def test_only_the_first_line_of_a_name_counts_even_if_empty_as_in_go() -> None:
    assert read((b"x-remote-user", b""), NAME) is None


def test_username_headers_are_tried_in_the_order_of_the_configmap() -> None:
    both = RequestHeaders.from_config_map({"requestheader-username-headers": '["X-First", "X-Second"]'})
    second, first = (b"x-second", b"second"), (b"x-first", b"first")
    for lines, expected in (((second, first), "first"), ((second,), "second"), ((second, (b"x-first", b"")), "second")):
        user = read(*lines, headers=both)
        assert user is not None
        assert user.name == expected


def test_empty_groups_are_dropped() -> None:
    assert groups((b"x-remote-group", b""), (b"x-remote-group", b"g")) == ("g", "system:authenticated")


def test_groups_are_never_split_on_commas() -> None:
    assert groups((b"x-remote-group", b"CN=a,OU=b"), (b"x-remote-group", b"c, d")) == (
        "CN=a,OU=b",
        "c, d",
        "system:authenticated",
    )


def test_two_thousand_groups() -> None:
    lines = [(b"x-remote-group", f"group-{number}".encode()) for number in range(2000)]
    assert groups(*lines) == (*(f"group-{number}" for number in range(2000)), "system:authenticated")


@given(st.lists(texts))
def test_groups_come_through_as_they_were_sent(names: list[str]) -> None:
    sent = [(b"x-remote-group", name.encode()) for name in names]
    expected = tuple(names) if "system:authenticated" in names else (*names, "system:authenticated")
    assert groups(*sent) == expected


@given(texts)
def test_names_are_utf_8(name: str) -> None:
    user = read((b"x-remote-user", name.encode()))
    assert user is not None
    assert user.name == name


@pytest.mark.parametrize("name", [b"x-remote-user", b"x-remote-group", b"x-remote-extra-a"])
def test_what_is_not_utf_8_is_refused(name: bytes) -> None:
    with pytest.raises(UnicodeDecodeError):
        read((name, "ü".encode("latin-1")), NAME)


def test_space_around_a_value_does_not_count() -> None:
    assert read((b"x-remote-user", b"\t alice ")) == read(NAME)


@given(st.dictionaries(st.text(string.printable.lower() + "äß漢", min_size=1).map(str.lower), st.lists(texts)))
def test_extra_keys_are_percent_decoded(sent: dict[str, list[str]]) -> None:
    lines = [
        (b"x-remote-extra-" + quote(key, safe="").lower().encode(), value.encode())
        for key, values in sent.items()
        for value in values
    ]
    assert extra(*lines) == {key: tuple(values) for key, values in sent.items() if values}


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        (b"plain", "plain"),
        (b"a%2fb", "a/b"),
        (b"%41", "A"),  # lower-cased first, decoded then
        (b"a+b", "a+b"),
        (b"50%", "50%"),
        (b"%zz%2f", "%zz%2f"),  # kept whole, as Go does
        (b"%c3%bc", "ü"),
        (b"%2541", "%41"),  # decoded once
        (b"", ""),
    ],
)
def test_the_key_of_an_extra_header(encoded: bytes, key: str) -> None:
    assert extra((b"x-remote-extra-" + encoded, b"v")) == {key: ("v",)}


def test_an_extra_key_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(UnicodeDecodeError):
        extra((b"x-remote-extra-%ff", b"v"))


def test_all_values_of_an_extra_count_also_empty_ones() -> None:
    sent = [(b"x-remote-extra-a", b"2"), (b"x-remote-extra-a", b""), (b"x-remote-extra-%61", b"1")]
    assert extra(*sent) == {"a": ("2", "", "1")}


def test_equal_users_are_equal_in_whatever_order_their_extras_came() -> None:
    one, two = (b"x-remote-extra-a", b"1"), (b"x-remote-extra-b", b"2")
    assert read(NAME, one, two) == read(NAME, two, one)
    assert hash(read(NAME, one, two)) == hash(read(NAME, two, one))


@given(st.dictionaries(st.sampled_from([*KUBEADM, "requestheader-uid-headers"]), st.lists(texts)))
def test_what_the_configmap_lists_is_what_counts(data: dict[str, list[str]]) -> None:
    headers = RequestHeaders.from_config_map({key: json.dumps(names) for key, names in data.items()})
    assert headers.username == tuple(name.lower().encode() for name in data.get("requestheader-username-headers", ()))
    assert headers.allowed_names == tuple(data.get("requestheader-allowed-names", ()))


def test_the_authenticated_group_is_added_once() -> None:
    user = authenticated_user("alice", "", ["system:authenticated", "a"], {})
    assert user.groups == ("system:authenticated", "a")


def test_the_anonymous_user_of_a_front_proxy_stays_unauthenticated() -> None:
    assert authenticated_user("system:anonymous", "", ["system:unauthenticated"], {}) == ANONYMOUS
    assert authenticated_user("system:anonymous", "", [], {}).groups == ()
    assert authenticated_user("other", "", ["system:unauthenticated"], {}).groups == ("system:unauthenticated",)


EVERYTHING = RequestHeaders.from_config_map(
    {
        "requestheader-username-headers": '["X-Remote-User", "X-Other-User"]',
        "requestheader-uid-headers": '["X-Remote-Uid"]',
        "requestheader-group-headers": '["X-Remote-Group", "X-Other-Group"]',
        "requestheader-extra-headers-prefix": '["X-Remote-Extra-", "X-Extra-"]',
    }
)
header_name = st.sampled_from(
    (
        *("x-remote-user", "x-other-user", "x-remote-uid", "x-remote-group", "x-remote-group", "x-other-group"),
        *(
            "x-remote-extra-a",
            "x-remote-extra-%61",
            "x-extra-a%2Fb",
            "x-extra-",
            "x-remote-extra-%ff",
            "x-remote-extra-%",
        ),
        *("x_remote_user", "x_remote_group", "x-remote-groups", "x-remote-extra", "remote-user", "accept", ""),
    )
).map(str.encode)
header_value = st.sampled_from(
    (b"alice", b"system:masters", b"a,b", b"a, b", b" a ", b"", b" ", "ü".encode(), b"\xfc", b"a\xa0", b"\x00")
) | st.binary(max_size=8)


class Model:
    """The rules of ``headerrequest`` as they are written down: over Go's map from a name to all its values."""

    def __init__(self, lines: list[tuple[bytes, bytes]]) -> None:
        self._values: dict[bytes, list[bytes]] = {}
        for name, value in lines:
            self._values.setdefault(name, []).append(value.strip(b" \t"))

    def first(self, *names: bytes) -> str:
        found = (self._values.get(name, [b""])[0].decode() for name in names)
        return next(filter(None, found), "")

    def user(self) -> User | None:
        name = self.first(b"x-remote-user", b"x-other-user")
        if not name:
            return None
        values = [value for key in (b"x-remote-group", b"x-other-group") for value in self._values.get(key, [])]
        groups = tuple(value.decode() for value in values if value)
        extra: dict[str, tuple[str, ...]] = {}
        for prefix in (b"x-remote-extra-", b"x-extra-"):
            for key, found in self._values.items():
                if key.startswith(prefix):
                    said = key.removeprefix(prefix)
                    decoded = said.decode() if said == b"%" else unquote_to_bytes(said).decode()
                    extra[decoded] = extra.get(decoded, ()) + tuple(value.decode() for value in found)
        more = () if {"system:authenticated", "system:unauthenticated"} & {*groups} else ("system:authenticated",)
        return User(name, self.first(b"x-remote-uid"), groups + more, tuple(sorted(extra.items())))


@given(st.lists(st.tuples(header_name, header_value), max_size=12))
def test_any_list_of_headers_is_read_as_written_down_or_refused_as_not_utf_8(lines: list[tuple[bytes, bytes]]) -> None:
    counted = EVERYTHING.lines(lines)
    try:
        expected = Model(lines).user()
    except UnicodeDecodeError:
        with pytest.raises(UnicodeDecodeError):
            EVERYTHING.user(counted)
        return
    found = EVERYTHING.user(counted)
    if expected is None or found is None:
        assert found == expected
        return
    # Values of keys that are spelt in two ways come in the order of the wire, which Go's map does not keep.
    assert (found.name, found.uid, found.groups) == (expected.name, expected.uid, expected.groups)
    assert {key: sorted(values) for key, values in found.extra} == {
        key: sorted(values) for key, values in expected.extra
    }


@given(st.lists(st.tuples(header_name, st.sampled_from((b"a", b"b,c", b""))), max_size=12), st.randoms())
def test_other_headers_between_change_nothing_and_no_group_is_lost_or_joined(
    lines: list[tuple[bytes, bytes]], random: Random
) -> None:
    names = sorted({name for name, _ in lines})
    random.shuffle(names)
    regrouped = [line for name in names for line in lines if line[0] == name]
    sent = [value for name, value in lines if name in (b"x-remote-group", b"x-other-group") and value]
    users = []
    for each in (lines, regrouped):
        try:
            users.append(EVERYTHING.user(each))
        except UnicodeDecodeError:
            users.append(None)
    assert (users[0] is None) == (users[1] is None)
    if users[0] is not None and users[1] is not None:
        assert users[0].groups == users[1].groups
        assert sorted(users[0].groups) == sorted([*(each.decode() for each in sent), "system:authenticated"])
