"""Accept: what clients of Kubernetes send, and what nobody should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.errors import NotAcceptable
from kubediscovery.negotiation import AGGREGATED_DISCOVERY, PLAIN, TABLES, negotiate

TABLE_V1, TABLE_V1BETA1 = TABLES
V2, V2BETA1 = AGGREGATED_DISCOVERY
ROWS = (*TABLES, PLAIN)
DISCOVERY = (*AGGREGATED_DISCOVERY, PLAIN)
KUBECTL = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)
AGGREGATOR = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)


@pytest.mark.parametrize(
    ("accept", "offered", "chosen"),
    [
        (KUBECTL, ROWS, TABLE_V1),
        (KUBECTL, (PLAIN,), PLAIN),
        ("application/json;as=Table;v=v1beta1;g=meta.k8s.io", ROWS, TABLE_V1BETA1),
        (AGGREGATOR, DISCOVERY, V2),
        ("application/json;as=APIGroupDiscoveryList;v=v2beta1;g=apidiscovery.k8s.io", DISCOVERY, V2BETA1),
        # client-go's typed and metadata clients.
        ("application/vnd.kubernetes.protobuf,application/json", ROWS, PLAIN),
        ("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json", ROWS, PLAIN),
        ("application/json, */*", ROWS, PLAIN),
        ("*/*", ROWS, PLAIN),
        ("application/*", ROWS, PLAIN),
        ("", ROWS, PLAIN),
        ("  ", ROWS, PLAIN),
        ("text/html,application/xhtml+xml,*/*;q=0.8", ROWS, PLAIN),
        ("APPLICATION/JSON", ROWS, PLAIN),
        ("application/json;charset=utf-8", ROWS, PLAIN),
        (' application/json ; AS="Table" ; v=v1 ; g=meta.k8s.io ', ROWS, TABLE_V1),
        ("application/json;q=0.5,application/json;as=Table;v=v1;g=meta.k8s.io", ROWS, TABLE_V1),
        ("application/json;as=Table;v=v1;g=meta.k8s.io;q=0.1,application/json;q=0.2", ROWS, PLAIN),
        ("application/json;as=Table;v=v1;g=meta.k8s.io;q=nan,application/json;q=0.1", ROWS, PLAIN),
        ("application/json;as=Table;v=v1;g=meta.k8s.io;q=0,application/json;q=0.1", ROWS, PLAIN),
    ],
)
def test_the_first_wish_that_is_offered_is_granted(accept: str, offered: tuple[object, ...], chosen: object) -> None:
    assert negotiate(accept, offered) == chosen  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "accept",
    [
        "application/yaml",
        "text/html",
        "application/vnd.kubernetes.protobuf",
        "application/json;q=0",
        "application/json;q=-1",
        "application/json;q=much",
        "application/json;as=Table;v=v2;g=meta.k8s.io",
        "application/json;as=Table",
        "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
        "application/jsonp",
        "json",
        ";",
        ",",
        "*",
    ],
)
def test_what_cannot_be_served_is_refused_with_what_can(accept: str) -> None:
    with pytest.raises(NotAcceptable) as caught:
        negotiate(accept, ROWS)
    message = str(caught.value)
    assert "application/json;as=Table;v=v1;g=meta.k8s.io" in message
    assert "application/json;as=Table;v=v1beta1;g=meta.k8s.io" in message
    assert message.endswith(", application/json")


@given(st.text(max_size=60) | st.text(alphabet="application/json;q=0.19,*as=Table e+-_naif", max_size=60))
def test_whatever_is_asked_for_only_what_is_offered_is_given(accept: str) -> None:
    try:
        assert negotiate(accept, ROWS) in ROWS
    except NotAcceptable:
        assert accept.strip()
