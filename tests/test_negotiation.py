"""Accept and its companions: what clients of Kubernetes send, and what nobody should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from kubediscovery.errors import NotAcceptable
from kubediscovery.negotiation import (
    AGGREGATED_DISCOVERY,
    JSON,
    PLAIN,
    PLAIN_YAML,
    READABLE,
    UNCONVERTED,
    WATCHABLE,
    YAML,
    MediaType,
    Representation,
    accepts_gzip,
    negotiate,
    representation_of,
    representation_of_errors,
    wants_pretty,
)

DISCOVERY = (*UNCONVERTED, *AGGREGATED_DISCOVERY)
V2, V2BETA1, V2_YAML, _ = AGGREGATED_DISCOVERY
KUBECTL = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)
AGGREGATOR = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)
# client-go, metadata/metadata.go.
METADATA_LIST = (
    "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,"
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
)
METADATA_WATCH = METADATA_LIST.replace("MetadataList", "Metadata")


def converted(kind: str, version: str = "v1", encoding: str = JSON) -> MediaType:
    return MediaType(kind, "meta.k8s.io", version, encoding)


@pytest.mark.parametrize(
    ("accept", "offered", "chosen"),
    [
        (KUBECTL, READABLE, converted("Table")),
        (KUBECTL, UNCONVERTED, PLAIN),
        ("application/json;as=Table;v=v1beta1;g=meta.k8s.io", READABLE, converted("Table", "v1beta1")),
        (AGGREGATOR, DISCOVERY, V2),
        ("application/json;as=APIGroupDiscoveryList;v=v2beta1;g=apidiscovery.k8s.io", DISCOVERY, V2BETA1),
        ("application/yaml;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io", DISCOVERY, V2_YAML),
        ("*/*", DISCOVERY, PLAIN),
        ("application/vnd.kubernetes.protobuf,application/json", READABLE, PLAIN),
        (METADATA_LIST, READABLE, converted("PartialObjectMetadataList")),
        (METADATA_WATCH, READABLE, converted("PartialObjectMetadata")),
        (METADATA_WATCH, WATCHABLE, converted("PartialObjectMetadata")),
        (METADATA_LIST, WATCHABLE, PLAIN),
        ("application/json, */*", READABLE, PLAIN),
        ("*/*", READABLE, PLAIN),
        ("*", READABLE, PLAIN),
        ("application/*", READABLE, PLAIN),
        ("", READABLE, PLAIN),
        ("  ", READABLE, PLAIN),
        ("text/html,application/xhtml+xml,*/*;q=0.8", READABLE, PLAIN),
        ("APPLICATION/JSON", READABLE, PLAIN),
        ("application/json;charset=utf-8", READABLE, PLAIN),
        (' application/json ; AS="Table" ; v=v1 ; g=meta.k8s.io ', READABLE, converted("Table")),
        ("application/yaml", READABLE, PLAIN_YAML),
        ("application/yaml;as=Table;v=v1;g=meta.k8s.io", READABLE, converted("Table", encoding=YAML)),
        ("application/yaml,application/json", READABLE, PLAIN_YAML),
        ("application/yaml,application/json", WATCHABLE, PLAIN),
        # What is named comes before wildcards of the same quality, whatever the order.
        ("*/*,application/yaml", READABLE, PLAIN_YAML),
        ("*/*,application/*,application/yaml", READABLE, PLAIN_YAML),
        ("*/*;q=0.9,application/yaml;q=0.8", READABLE, PLAIN),
        ("*/*;as=Table;v=v1;g=meta.k8s.io", READABLE, converted("Table")),
        ("application/*;as=Table;v=v1;g=meta.k8s.io", (PLAIN_YAML, converted("Table", encoding=YAML)), None),
        # Quality comes before order; what has none is never given, by a wildcard neither.
        ("application/json;q=0.5,application/json;as=Table;v=v1;g=meta.k8s.io", READABLE, converted("Table")),
        ("application/json;as=Table;v=v1;g=meta.k8s.io;q=0.1,application/json;q=0.2", READABLE, PLAIN),
        ("application/json;as=Table;v=v1;g=meta.k8s.io;q=nan,application/json;q=0.1", READABLE, PLAIN),
        ("application/json;as=Table;v=v1;g=meta.k8s.io;q=0,application/json;q=0.1", READABLE, PLAIN),
        ("application/json;q=0,*/*;q=0.1", READABLE, PLAIN_YAML),
        ("application/json;as=Table;v=v1;g=meta.k8s.io;q=0,*/*;q=0.1", READABLE, PLAIN),
        ("application/*;q=0,application/yaml", READABLE, PLAIN_YAML),
        # Streams are lines of JSON.
        ("application/json;stream=watch", WATCHABLE, PLAIN),
        ("application/json;stream=watch", READABLE, PLAIN),
        ("application/json;stream=", READABLE, PLAIN),
        ("application/yaml;stream=watch,application/json", READABLE, PLAIN),
        ("*/*;stream=watch", READABLE, PLAIN),
        ("application/json;stream=other,application/yaml", READABLE, PLAIN_YAML),
        ("application/json;sv=v1,application/yaml", READABLE, PLAIN_YAML),
        ("application/json;sv=;profile=local;export=1", READABLE, PLAIN),
    ],
)
def test_the_first_wish_that_is_offered_is_granted(
    accept: str, offered: tuple[MediaType, ...], chosen: MediaType | None
) -> None:
    assert negotiate(accept, offered) == (chosen or offered[-1])


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/vnd.kubernetes.protobuf",
        "application/json;q=0",
        "application/json;q=-1",
        "application/json;q=much",
        "application/json;as=Table;v=v2;g=meta.k8s.io",
        "application/json;as=Table",
        "application/json;g=meta.k8s.io",
        "application/json;as=PartialObject;v=v1;g=meta.k8s.io",
        "application/jsonp",
        "application/json/x",
        "application",
        "json",
        ";",
        ",",
        "*/json",
        "application/json;stream=other",
        "application/json;q=0,application/yaml;q=0,*/*",
        "application/*;q=0,*/*",
    ],
)
def test_what_cannot_be_served_is_refused_with_what_can(accept: str) -> None:
    with pytest.raises(NotAcceptable) as caught:
        negotiate(accept, READABLE)
    said, _, accepted = str(caught.value).partition(": ")
    assert said == "only the following media types are accepted"
    assert accepted.split(", ") == [str(media_type) for media_type in READABLE]


def test_yaml_is_not_offered_for_watches() -> None:
    with pytest.raises(NotAcceptable, match="application/json;as=Table;") as caught:
        negotiate("application/yaml", WATCHABLE)
    assert "yaml" not in str(caught.value)


def test_pretty_may_be_part_of_the_media_type() -> None:
    assert negotiate("application/json;pretty=1", READABLE) == MediaType(pretty=True)
    assert negotiate("application/json;pretty=0", READABLE) == negotiate("application/json;pretty=x", READABLE) == PLAIN


def test_a_header_that_takes_long_to_read_is_not_read() -> None:
    assert negotiate("application/json," * 480, READABLE) == PLAIN
    with pytest.raises(NotAcceptable):
        negotiate("application/json," * 500, READABLE)


hostile = st.binary(max_size=60).map(lambda data: data.decode("latin-1")) | st.text(
    alphabet='application/json;q=0.19,*as=Table e+-_naify"mlvw', max_size=60
)
TYPES = ("application/json", "application/yaml", "application/*", "*/*", "text/html", "text/*")


@given(hostile, st.sampled_from((READABLE, WATCHABLE, DISCOVERY, UNCONVERTED)))
def test_whatever_is_asked_for_only_what_is_offered_is_given(accept: str, offered: tuple[MediaType, ...]) -> None:
    try:
        chosen = negotiate(accept, offered)
    except NotAcceptable:
        assert accept.strip()
    else:
        assert MediaType(chosen.as_kind, chosen.group, chosen.version, chosen.encoding) in offered


def covers(name: str, offer: MediaType) -> bool:
    return name in ("*/*", "application/*", offer.encoding)


@given(st.dictionaries(st.sampled_from(TYPES), st.integers(0, 1000), min_size=1))
def test_nothing_that_is_liked_better_is_passed_over(wishes: dict[str, int]) -> None:
    """The quality of what is given is the best there is, and nothing is given that is refused by its own name."""

    def refused(name: str, offer: MediaType) -> bool:
        closer = [other for other in wishes if covers(other, offer) and other.count("*") < name.count("*")]
        return any(wishes[other] == 0 for other in closer)

    granted = {
        (offer, quality)
        for offer in UNCONVERTED
        for name, quality in wishes.items()
        if quality > 0 and covers(name, offer) and not refused(name, offer)
    }
    accept = ", ".join(f"{name}; q={quality / 1000:.3f}" for name, quality in wishes.items())
    if granted:
        best = max(quality for _, quality in granted)
        assert (negotiate(accept, UNCONVERTED), best) in granted
    else:
        with pytest.raises(NotAcceptable):
            negotiate(accept, UNCONVERTED)


@pytest.mark.parametrize(
    ("accept_encoding", "accepted"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("gzip, deflate, br", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("identity;q=0.5, gzip;q=1.0", True),
        ("gzip;q=0.001", True),
        ("*", True),
        ("identity, gzip", True),
        ("identity;q=0, gzip;q=0.1", True),
        ("", False),
        (" ", False),
        (",", False),
        ("identity", False),
        ("deflate, br", False),
        ("gzip;q=0", False),
        ("gzip;q=0.0, *", False),
        ("gzip;q=0, *;q=1", False),
        ("*;q=0", False),
        ("gzip;q=0.5, identity;q=0.8", False),
        ("gzip;q=much", False),
        ("gzip;q=nan", False),
        ("xgzip", False),
        ("gzip," * 2000, False),
    ],
)
def test_gzip_is_taken_where_it_is_asked_for_and_liked_no_less_than_nothing(
    accept_encoding: str, accepted: bool
) -> None:
    assert accepts_gzip(accept_encoding) == accepted


@given(hostile)
def test_no_accept_encoding_raises(accept_encoding: str) -> None:
    assert accepts_gzip(accept_encoding) in (True, False)


@pytest.mark.parametrize(
    ("query", "user_agent", "pretty"),
    [
        (b"", "kubectl/v1.36.3 (linux/amd64) kubernetes/1", False),
        (b"", "", False),
        (b"", "curl/8.5.0", True),
        (b"limit=5", "Wget/1.21", True),
        (b"", "Mozilla/5.0 (X11; Linux x86_64)", True),
        (b"", "my-curl", False),
        (b"pretty=true", "", True),
        (b"a=b&pretty=1", "", True),
        (b"pretty=True", "", True),
        (b"pretty=false", "curl/8.5.0", False),
        (b"pretty=0", "curl/8.5.0", False),
        (b"pretty=maybe", "curl/8.5.0", False),
        (b"pretty=", "curl/8.5.0", True),
        (b"pretty", "", False),
        (b"pretty=false&pretty=true", "", False),
        (b"xpretty=1", "", False),
        (b"pretty=%ff\xfe", "", False),
    ],
)
def test_json_is_indented_for_who_asks_or_reads_it_oneself(query: bytes, user_agent: str, pretty: bool) -> None:
    assert wants_pretty(query, user_agent) == pretty


@given(st.binary(max_size=40).map(b"pretty=".__add__))
def test_no_query_raises(query: bytes) -> None:
    assert wants_pretty(query, "") in (True, False)


def headers(**values: str | list[str]) -> Headers:
    lists = {name: [value] if isinstance(value, str) else value for name, value in values.items()}
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, found in lists.items() for value in found]
    return Headers(raw=raw)


def test_a_representation_is_all_that_a_request_asks_for() -> None:
    assert representation_of(headers(), b"", READABLE) == Representation(PLAIN)
    asked = headers(accept="application/json;pretty=1", accept_encoding="gzip", user_agent="x")
    found = representation_of(asked, b"", READABLE, "None")
    assert (found.pretty, found.gzip, found.include_object) == (True, True, "None")
    assert representation_of(headers(user_agent="curl/8"), b"", READABLE).pretty
    assert not representation_of(headers(user_agent="curl/8"), b"pretty=false", READABLE).pretty


def test_a_header_in_several_lines_is_one() -> None:
    found = representation_of(
        headers(accept=["text/html", "application/yaml"], accept_encoding=["br", "gzip"]), b"", READABLE
    )
    assert (found.media_type, found.gzip) == (PLAIN_YAML, True)


def test_an_error_is_never_hidden_by_what_was_asked_for() -> None:
    assert representation_of_errors(headers(accept="application/yaml"), b"").media_type == PLAIN_YAML
    assert representation_of_errors(headers(accept=KUBECTL), b"") == Representation(PLAIN)
    for accept in ("text/html", "application/json;as=Table;v=v1;g=meta.k8s.io"):
        assert representation_of_errors(headers(accept=accept), b"") == Representation(PLAIN, pretty=True)
