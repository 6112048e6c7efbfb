"""Decoding: both encodings give the same objects, and whatever comes nothing but UpstreamError is raised."""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubediscovery import schema, schema_pods
from kubediscovery.built_in import KUBERNETES_KINDS
from kubediscovery.compact import Compactor
from kubediscovery.declared import DeclaredRelation, Reader, Where
from kubediscovery.decoding import Decoder
from kubediscovery.errors import UpstreamError, UpstreamExpired
from kubediscovery.framing import FRAME_LIMIT
from kubediscovery.json_decoder import DEEPEST
from kubediscovery.kinds import BUILT_IN_KINDS, CONFIG_MAP, Kind
from kubediscovery.objects import (
    ConfigMapState,
    Event,
    EventType,
    Judgement,
    MetadataState,
    Object,
    Page,
    Reference,
    StatusState,
)
from kubediscovery.selectors import Requirement, Selector
from kubediscovery.shapes import CONFIG_MAP_DATA, METADATA, shape_of
from tests.encoding import (
    ENCODINGS,
    JSON,
    PROTOBUF,
    TEXT,
    Document,
    Encoding,
    delimited,
    documents,
    enveloped,
    framed,
    number,
    to_json,
)

DATA = Path(__file__).parent / "data"
CUSTOM = Kind("example.com", "v1alpha1", "fleets", "Fleet", "fleet", custom=True)
SECRET = next(kind for kind in KUBERNETES_KINDS if kind.kind == "Secret")
SERVICE = next(kind for kind in KUBERNETES_KINDS if kind.kind == "Service")
# One kind for each way of reading; ConfigMaps are read like all that is metadata alone.
KINDS = (*(kind for kind in KUBERNETES_KINDS if shape_of(kind) is not METADATA), CONFIG_MAP)
POD = next(kind for kind in KINDS if kind.kind == "Pod")
PODS = Decoder(POD, Compactor())
DECODERS = {kind: Decoder(kind, Compactor()) for kind in KINDS}

# What declared relations read: of the whole object, of its labels and annotations alone, and a selector.
BY_PATH, BY_LABEL, BY_SELECTOR = (
    Reader(tuple((DeclaredRelation(name, "", "", where, place), CUSTOM) for name, where, place in facts))
    for facts in (
        [("uses", Where.PATH, "spec.queues[*]")],
        [("by-label", Where.LABEL, "queue"), ("noted", Where.ANNOTATION, "example.com/queue")],
        [("selects", Where.SELECTOR, "spec.pods")],
    )
)

each_kind = pytest.mark.parametrize("kind", KINDS, ids=str)
both = pytest.mark.parametrize("encoding", ENCODINGS, ids=["protobuf", "json"])


def events_of(decoder: Decoder, content_type: str, chunks: Sequence[bytes]) -> list[Event[Object]]:
    stream = decoder.stream(content_type)
    return [event for chunk in chunks for event in stream.feed(chunk)]


# What kube-apiserver 1.36.3 answered, the same in both encodings.


def recorded(name: str) -> tuple[bytes, bytes]:
    return (DATA / f"{name}.pb").read_bytes(), (DATA / f"{name}.json").read_bytes()


@pytest.mark.parametrize("kind", BUILT_IN_KINDS, ids=str)
def test_recorded_lists_are_the_same_in_both_encodings(kind: Kind) -> None:
    protobuf, as_json = recorded(kind.resource)
    found = DECODERS[kind].page(protobuf, PROTOBUF)
    assert found == DECODERS[kind].page(as_json, f"{JSON};charset=utf-8")
    listed = json.loads(as_json)
    assert found.resource_version == listed["metadata"]["resourceVersion"]
    assert found.continue_token == listed["metadata"].get("continue", "")
    for item, raw in zip(found.items, listed["items"], strict=True):
        metadata = raw["metadata"]
        assert (item.kind, item.namespace, item.name, item.uid) == (kind, "dp-data", metadata["name"], metadata["uid"])
        assert item.resource_version == int(metadata["resourceVersion"])
        assert item.generation == metadata.get("generation", 0)
        assert dict(item.labels) == metadata.get("labels", {})
        assert [owner.uid for owner in item.owners] == [o["uid"] for o in metadata.get("ownerReferences", [])]
        assert item.created > 1_700_000_000


OTHERS = [kind for kind in KUBERNETES_KINDS if kind not in BUILT_IN_KINDS and (DATA / f"{kind.resource}.pb").exists()]


@pytest.mark.parametrize("kind", OTHERS, ids=str)
def test_recorded_lists_of_other_kinds_are_the_same(kind: Kind) -> None:
    protobuf, as_json = recorded("events.events.k8s.io" if kind.group == "events.k8s.io" else kind.resource)
    decoder = Decoder(kind, Compactor())
    found = decoder.page(protobuf, PROTOBUF)
    assert found == decoder.page(as_json, JSON)
    listed = json.loads(as_json)["items"]
    assert [item.uid for item in found.items] == [raw["metadata"]["uid"] for raw in listed] != []
    says_more = any(item.references or item.selector or item.state != MetadataState() for item in found.items)
    # What Secrets say is told by an annotation that none of these has.
    assert says_more is (not shape_of(kind).metadata_only)


def test_a_kind_of_each_way_of_reading_was_recorded() -> None:
    assert {shape_of(kind) for kind in KUBERNETES_KINDS} == {shape_of(kind) for kind in (*BUILT_IN_KINDS, *OTHERS)}


def test_the_recorded_trust_is_the_same_in_both_encodings() -> None:
    decoder = Decoder(CONFIG_MAP, Compactor(), shape=CONFIG_MAP_DATA)
    protobuf, as_json = recorded("configmaps")
    found = decoder.page(protobuf, PROTOBUF)
    assert found == decoder.page(as_json, JSON)
    assert all(isinstance(item.state, ConfigMapState) and item.state.data for item in found.items)


def test_a_recorded_watch_is_the_same_in_both_encodings() -> None:
    protobuf, as_json = recorded("watch")
    found = [event for event in events_of(PODS, f"{PROTOBUF};stream=watch", [protobuf]) if event.item]
    assert found == [event for event in events_of(PODS, JSON, [as_json]) if event.item]
    assert [event.type for event in found] == ["MODIFIED", "MODIFIED", "DELETED", "ADDED", "MODIFIED"]


@pytest.mark.parametrize(("encoding", "name"), [(PROTOBUF, "expired.pb"), (JSON, "expired.json")])
def test_a_recorded_expiry_is_raised(encoding: str, name: str) -> None:
    with pytest.raises(UpstreamExpired, match="too old resource version: 5") as caught:
        events_of(PODS, encoding, [(DATA / name).read_bytes()])
    assert caught.value.code == 410


@pytest.mark.parametrize("name", ["watch.pb", "watch.json"])
def test_a_watch_may_be_cut_anywhere(name: str) -> None:
    content_type = PROTOBUF if name.endswith("pb") else JSON
    stream = (DATA / name).read_bytes()
    whole = events_of(PODS, content_type, [stream])
    for cut in range(0, len(stream), 7):
        assert events_of(PODS, content_type, [stream[:cut], stream[cut:]]) == whole
    assert events_of(PODS, content_type, [bytes([byte]) for byte in stream]) == whole


# What could be made up.


@each_kind
@given(data=st.data())
@settings(max_examples=60)
def test_both_encodings_of_a_list_are_the_same(kind: Kind, data: st.DataObject) -> None:
    message = shape_of(kind).message
    metadata = data.draw(documents(schema.ListMeta))
    items = data.draw(st.lists(documents(message), max_size=2))
    first, second = (
        DECODERS[kind].page(encoding.page(message, metadata, items), encoding.content_type) for encoding in ENCODINGS
    )
    assert first == second
    assert len(first.items) == len(items)


@each_kind
@given(data=st.data())
@settings(max_examples=30)
def test_both_encodings_of_a_watch_are_the_same_however_they_are_cut(kind: Kind, data: st.DataObject) -> None:
    message = shape_of(kind).message
    types = st.sampled_from(sorted(EventType))
    sent = data.draw(st.lists(st.tuples(types, documents(message)), max_size=3))
    results = []
    for encoding in ENCODINGS:
        stream = b"".join(encoding.event(type_, message, item) for type_, item in sent)
        cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=5)))
        chunks = [stream[start:end] for start, end in pairwise([0, *cuts, len(stream)])]
        results.append(events_of(DECODERS[kind], encoding.content_type, chunks))
    assert results[0] == results[1]
    assert [event.type for event in results[0]] == [type_ for type_, _ in sent]
    assert all((event.item is None) == (event.type is EventType.BOOKMARK) for event in results[0])


@each_kind
@given(data=st.data())
@settings(max_examples=30)
def test_a_single_document_is_the_item_of_a_list(kind: Kind, data: st.DataObject) -> None:
    message = shape_of(kind).message
    document = data.draw(documents(message))
    single = DECODERS[kind].object(json.dumps(to_json(message, document)).encode())
    assert [single] == DECODERS[kind].page(ENCODINGS[0].page(message, {}, [document]), PROTOBUF).items


@both
@given(data=st.data())
@settings(max_examples=150)
def test_damaged_lists_raise_nothing_else(encoding: Encoding, data: st.DataObject) -> None:
    document = data.draw(documents(schema_pods.Pod))
    body = bytearray(encoding.page(schema_pods.Pod, {"resource_version": "5"}, [document]))
    for place in data.draw(st.lists(st.integers(0, len(body) - 1), max_size=3)):
        body[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))
    _page_or_error(bytes(body[:cut]), encoding.content_type)


@given(body=st.binary(), enveloping=st.booleans(), content_type=st.sampled_from(["", JSON, PROTOBUF, "text/html"]))
def test_garbage_raises_nothing_else(body: bytes, enveloping: bool, content_type: str) -> None:
    _page_or_error(enveloped(body) if enveloping else body, content_type)


def _page_or_error(body: bytes, content_type: str) -> None:
    try:
        page = Decoder(POD, Compactor()).page(body, content_type)
    except UpstreamError:
        return
    assert isinstance(page, Page)


@both
@given(data=st.data())
@settings(max_examples=100)
def test_a_damaged_watch_raises_nothing_else(encoding: Encoding, data: st.DataObject) -> None:
    stream = bytearray(encoding.event("ADDED", schema_pods.Pod, data.draw(documents(schema_pods.Pod))) * 2)
    for place in data.draw(st.lists(st.integers(0, len(stream) - 1), max_size=3)):
        stream[place] = data.draw(st.integers(0, 255))
    try:
        events = events_of(PODS, encoding.content_type, [bytes(stream)])
    except UpstreamError:
        return
    assert len(events) <= 2


# One at a time.


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (b"", PROTOBUF, "not Kubernetes protobuf"),
        (b"k8s\x01" + delimited(2, b""), PROTOBUF, "not Kubernetes protobuf"),
        (b'{"items":[]}', PROTOBUF, "not Kubernetes protobuf"),
        (b"k8s\x00\xff", PROTOBUF, "cannot be decoded"),
        (enveloped(b"\xff"), PROTOBUF, "cannot be decoded"),
        (enveloped(delimited(2, b"\x0a")), PROTOBUF, "cannot be decoded"),
        (b"", JSON, "cannot be decoded"),
        (b"<html>", "text/html", "cannot be decoded"),
        (b"[]", JSON, "cannot be decoded"),
        (b'{"items":{}}', JSON, "cannot be decoded"),
        (b'{"items":[[]]}', JSON, "cannot be decoded"),
        (b'{"items":[{"metadata":{"name":5}}]}', JSON, "metadata.name"),
        (b'{"items":[{"metadata":{"name":"\xff"}}]}', JSON, "cannot be decoded"),
        (b'{"items":[{"metadata":{"creationTimestamp":5}}]}', JSON, "metadata.creationTimestamp"),
        (b'{"items":[{"metadata":{"creationTimestamp":"yesterday"}}]}', JSON, "metadata.creationTimestamp"),
        (b'{"items":[{"metadata":{"creationTimestamp":"2026-01-01T00:00:00"}}]}', JSON, "timezone"),
        (b'{"items":[{"metadata":{"unknown":' + b"[" * 100_000, JSON, "cannot be decoded"),
        (b'{"items":[{"metadata":5,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}", JSON, "cannot be decoded"),
    ],
)
def test_what_is_not_a_list_is_an_error(body: bytes, content_type: str, words: str) -> None:
    with pytest.raises(UpstreamError, match=words) as caught:
        Decoder(POD, Compactor()).page(body, content_type)
    assert "pods" in str(caught.value)


@pytest.mark.parametrize(
    ("chunk", "content_type", "words"),
    [
        (framed(b""), PROTOBUF, "not Kubernetes protobuf"),
        (framed(b"\xff"), PROTOBUF, "cannot be decoded"),
        (framed(delimited(1, b"ADDED") + delimited(2, delimited(1, b"garbage"))), PROTOBUF, "not Kubernetes protobuf"),
        ((FRAME_LIMIT + 1).to_bytes(4, "big"), PROTOBUF, f"a frame of {FRAME_LIMIT + 1} bytes"),
        (b"HTTP", PROTOBUF, "a frame of"),
        (b"x" * (FRAME_LIMIT + 1), JSON, f"a line of over {FRAME_LIMIT} bytes"),
        (b"{}\n", JSON, "cannot be decoded"),
        (b'{"type":"ADDED","object":null}\n', JSON, "cannot be decoded"),
        (b'{"type":"ADDED"}\n', JSON, "cannot be decoded"),
        (b'{"type":"ERROR","object":[]}\n', JSON, "cannot be decoded"),
        (b'{"type":null,"object":{}}\n', JSON, "cannot be decoded"),
    ],
)
def test_what_is_not_an_event_is_an_error(chunk: bytes, content_type: str, words: str) -> None:
    with pytest.raises(UpstreamError, match=words):
        events_of(Decoder(POD, Compactor()), content_type, [chunk])


@both
@pytest.mark.parametrize("type_", ["", "added", "SYNC", "é"])
def test_an_unknown_event_type_is_an_error(encoding: Encoding, type_: str) -> None:
    with pytest.raises(UpstreamError, match="cannot be decoded"):
        events_of(PODS, encoding.content_type, [encoding.event(type_, schema_pods.Pod, {})])


@both
def test_a_bookmark_has_a_version_alone(encoding: Encoding) -> None:
    sent = encoding.event("BOOKMARK", schema_pods.Pod, {"metadata": {"resource_version": "77"}})
    assert events_of(PODS, encoding.content_type, [sent]) == [Event(EventType.BOOKMARK, None, "77")]


@both
@pytest.mark.parametrize(
    ("status", "error", "code", "words", "retry_after"),
    [
        ({"code": 410, "reason": "Expired", "message": "too old"}, UpstreamExpired, 410, "too old", None),
        ({"reason": "Expired"}, UpstreamExpired, 0, "Expired", None),
        ({"reason": "Gone"}, UpstreamExpired, 0, "Gone", None),
        ({"code": 500, "reason": "InternalError", "message": "etcd"}, UpstreamError, 500, "etcd", None),
        (
            {"code": 504, "reason": "Timeout", "details": {"retry_after_seconds": 3}},
            UpstreamError,
            504,
            "Timeout",
            3,
        ),
        ({}, UpstreamError, 0, "ended with an error", None),
    ],
)
def test_an_error_event_is_raised(
    encoding: Encoding,
    status: Document,
    error: type[UpstreamError],
    code: int,
    words: str,
    retry_after: float | None,
) -> None:
    with pytest.raises(UpstreamError, match=words) as caught:
        events_of(PODS, encoding.content_type, [encoding.event("ERROR", schema.Status, status)])
    assert type(caught.value) is error
    assert (caught.value.code, caught.value.retry_after) == (code, retry_after)


@both
def test_events_before_an_error_are_given_first(encoding: Encoding) -> None:
    sent = encoding.event("ADDED", schema_pods.Pod, {}) + encoding.event("ERROR", schema.Status, {})
    events = PODS.stream(encoding.content_type).feed(sent)
    assert next(events).type is EventType.ADDED
    with pytest.raises(UpstreamError):
        next(events)


def test_empty_lines_between_events_are_nothing() -> None:
    event = ENCODINGS[1].event("ADDED", schema_pods.Pod, {})
    assert len(events_of(PODS, JSON, [b"\n", event, b"\n\n", event[:-1], b"\n"])) == 2


def test_what_an_ended_watch_left_unfinished_is_nothing() -> None:
    for encoding in ENCODINGS:
        whole = encoding.event("ADDED", schema_pods.Pod, {})
        assert len(events_of(PODS, encoding.content_type, [whole, whole[:-1]])) == 1


def test_a_list_without_items_is_empty() -> None:
    for body in (b'{"items":null}', b"{}", b'{"metadata":{},"items":[]}'):
        assert PODS.page(body, JSON) == Page([], "", "")
    assert PODS.page(enveloped(b""), PROTOBUF) == Page([], "", "")


def test_null_is_as_good_as_absent() -> None:
    """As in the bookmarks of pods, whose ``spec.containers`` is null."""
    owners: list[Document | None] = [{"uid": "u", "kind": None}, None]
    document = {
        "metadata": {"name": "a", "labels": None, "creationTimestamp": None, "ownerReferences": owners},
        "spec": {"containers": None, "nodeName": None},
        "status": None,
    }
    plain = {"metadata": {"name": "a", "ownerReferences": [{"uid": "u"}]}}
    assert PODS.object(json.dumps(document).encode()) == PODS.object(json.dumps(plain).encode())


def test_a_time_counts_wherever_it_was_written() -> None:
    def created(text: str) -> int:
        return PODS.object(json.dumps({"metadata": {"creationTimestamp": text}}).encode()).created

    assert created("2026-01-01T00:00:00Z") == created("2026-01-01T05:30:00.999+05:30") == 1_767_225_600
    assert created("1969-12-31T23:59:59.5Z") == -1


@pytest.mark.parametrize("version", ["", "abc", "-5", "1.5", "9" * 20, "9" * 5000, "²"])
def test_a_version_that_is_no_number_is_none(version: str) -> None:
    for encoding in ENCODINGS:
        page = PODS.page(
            encoding.page(schema_pods.Pod, {}, [{"metadata": {"resource_version": version}}]), encoding.content_type
        )
        assert page.items[0].resource_version == 0


def test_huge_metadata_is_borne() -> None:
    labels = {f"label-{n}": "x" * 100 for n in range(5_000)}
    owners = [{"uid": f"uid-{n}", "controller": n == 3} for n in range(5_000)]
    document = {"metadata": {"labels": labels, "annotations": {"big": "y" * 10**6}, "owner_references": owners}}
    first, second = (
        PODS.page(encoding.page(schema_pods.Pod, {}, [document]), encoding.content_type).items for encoding in ENCODINGS
    )
    assert first == second
    assert dict(first[0].labels) == labels
    assert [owner.uid for owner in first[0].owners if owner.controller] == ["uid-3"]


# Text that is not UTF-8: anybody who may create an object can have kube-apiserver send it.


def latin(encoded: bytes) -> bytes:
    return encoded.replace(b"NAME", b"n\xff\xfem")


def test_after_protobuf_that_cannot_be_read_json_is_asked_for() -> None:
    decoder = Decoder(POD, Compactor())
    assert decoder.accept == f"{PROTOBUF},{JSON}"
    assert decoder.accept_stream == f"{PROTOBUF};stream=watch,{JSON}"
    body = latin(ENCODINGS[0].page(schema_pods.Pod, {}, [{"metadata": {"labels": {"a": "NAME"}}}]))
    with pytest.raises(UpstreamError, match="UTF-8"):
        decoder.page(body, PROTOBUF)
    assert (decoder.accept, decoder.accept_stream) == (JSON, JSON)


def test_also_a_watch_can_be_the_first_to_bring_it() -> None:
    decoder = Decoder(POD, Compactor())
    with pytest.raises(UpstreamError, match="UTF-8"):
        events_of(
            decoder, PROTOBUF, [latin(ENCODINGS[0].event("ADDED", schema_pods.Pod, {"spec": {"node_name": "NAME"}}))]
        )
    assert decoder.accept_stream == JSON


@pytest.mark.parametrize("chunk", [b"\xff" * 4, framed(delimited(1, b"WHAT"))])
def test_other_faults_do_not_end_protobuf(chunk: bytes) -> None:
    decoder = Decoder(POD, Compactor())
    with pytest.raises(UpstreamError):
        events_of(decoder, PROTOBUF, [chunk])
    with pytest.raises(UpstreamError):
        decoder.page(b"<html>", "text/html")
    assert decoder.accept.startswith(PROTOBUF)


@given(text=TEXT)
def test_what_is_not_looked_at_need_not_be_text(text: str) -> None:
    """A field that no tree needs is skipped unread."""
    junk = delimited(99, b"\xff" + text.encode()) + number(98, -1)
    assert PODS.page(enveloped(delimited(2, junk)), PROTOBUF) == PODS.page(b'{"items":[{}]}', JSON)


# What is asked for.

PARTIAL_LIST, PARTIAL = (f"as=PartialObjectMetadata{suffix};g=meta.k8s.io;v=v1" for suffix in ("List", ""))


def test_of_kinds_whose_metadata_is_enough_nothing_else_is_asked_for() -> None:
    decoder = Decoder(CONFIG_MAP, Compactor())
    assert decoder.accept == f"{PROTOBUF};{PARTIAL_LIST},{JSON};{PARTIAL_LIST},{JSON}"
    assert decoder.accept_stream == f"{PROTOBUF};stream=watch;{PARTIAL},{JSON};{PARTIAL},{JSON}"
    decoder.refuse_protobuf()
    assert decoder.accept == f"{JSON};{PARTIAL_LIST},{JSON}"
    assert decoder.accept_stream == f"{JSON};{PARTIAL},{JSON}"


def test_the_data_of_one_config_map_is_asked_for() -> None:
    decoder = Decoder(CONFIG_MAP, Compactor(), shape=CONFIG_MAP_DATA)
    assert decoder.accept == f"{PROTOBUF},{JSON}"


def test_custom_kinds_have_no_protobuf() -> None:
    decoder = Decoder(CUSTOM, Compactor())
    assert (decoder.accept, decoder.accept_stream) == (JSON, JSON)


@pytest.mark.parametrize("shape", [None, CONFIG_MAP_DATA])
@pytest.mark.parametrize("judge", [None, lambda _: None])
@pytest.mark.parametrize("reader", [None, BY_PATH, BY_LABEL])
def test_the_data_of_a_secret_is_never_asked_for(shape: Any, judge: Any, reader: Any) -> None:
    decoder = Decoder(SECRET, Compactor(), shape=shape, judge=judge, reader=reader)
    for _ in range(2):
        for accept, partial in ((decoder.accept, PARTIAL_LIST), (decoder.accept_stream, PARTIAL)):
            assert all(choice.endswith(f";{partial}") for choice in accept.split(","))
        decoder.refuse_protobuf()


# What the configuration makes of documents.


def test_a_judge_is_handed_whole_documents_and_its_verdict_is_kept() -> None:
    handed = []

    def judge(document: Mapping[str, object]) -> Judgement | None:
        handed.append(document)
        return Judgement("Degraded", "Odd", "too odd") if document.get("spec") else None

    odd, plain = {"metadata": {"name": "a"}, "spec": {"odd": [1, None]}}, {"metadata": {"name": "b"}}
    decoder = Decoder(CUSTOM, Compactor(), judge=judge)
    page = decoder.page(json.dumps({"items": [odd, plain]}).encode(), JSON)
    assert [item.judgement for item in page.items] == [Judgement("Degraded", "Odd", "too odd"), None]
    event = json.dumps({"type": "ADDED", "object": odd}).encode() + b"\n"
    bookmark = json.dumps({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}}).encode() + b"\n"
    added, passed = events_of(decoder, JSON, [event + bookmark])
    assert added.item == page.items[0] == decoder.object(json.dumps(odd).encode())
    assert passed.resource_version == "9"
    assert handed == [odd, plain, odd, odd]


@pytest.mark.parametrize("kind", [POD, CUSTOM, CONFIG_MAP], ids=str)
def test_what_is_judged_or_read_by_rules_is_read_whole_as_json(kind: Kind) -> None:
    for rules in ({"judge": lambda _: None}, {"reader": BY_PATH}, {"judge": lambda _: None, "reader": BY_LABEL}):
        decoder = Decoder(kind, Compactor(), **rules)
        assert (decoder.accept, decoder.accept_stream) == (JSON, JSON)


def test_references_of_rules_come_after_those_of_fields() -> None:
    declared = Reference("uses", "example.com", "Fleet", "q")
    account = Reference("serviceAccount", "", "ServiceAccount", "sa")
    document = {"metadata": {"name": "a"}, "spec": {"serviceAccountName": "sa", "queues": ["q", "q"]}}
    found = Decoder(POD, Compactor(), reader=BY_PATH).object(json.dumps(document).encode())
    assert found.references == (account, declared)


@pytest.mark.parametrize("kind", [POD, CUSTOM, CONFIG_MAP, SECRET], ids=str)
def test_labels_and_annotations_are_read_in_whatever_comes(kind: Kind) -> None:
    plain, decoder = Decoder(kind, Compactor()), Decoder(kind, Compactor(), reader=BY_LABEL)
    assert (decoder.accept, decoder.accept_stream) == (plain.accept, plain.accept_stream)
    metadata = {"name": "a", "labels": {"queue": "q"}, "annotations": {"example.com/queue": "far/r"}}
    expected = (
        Reference("by-label", "example.com", "Fleet", "q"),
        Reference("noted", "example.com", "Fleet", "r", "far"),
    )
    (found,) = decoder.page(json.dumps({"items": [{"metadata": metadata}]}).encode(), JSON).items
    assert found.references == expected


@both
def test_labels_and_annotations_are_read_in_either_encoding(encoding: Encoding) -> None:
    metadata = {"name": "a", "labels": {"queue": "q"}, "annotations": {"example.com/queue": "far/r"}}
    decoder, document = Decoder(POD, Compactor(), reader=BY_LABEL), {"metadata": metadata}
    (found,) = decoder.page(encoding.page(schema_pods.Pod, {}, [document]), encoding.content_type).items
    (event,) = events_of(decoder, encoding.content_type, [encoding.event("ADDED", schema_pods.Pod, document)])
    assert [reference.name for reference in found.references] == ["q", "r"]
    assert event.item == found


def test_a_selector_of_rules_is_that_of_kinds_without_one() -> None:
    document = {"metadata": {"name": "a"}, "spec": {"selector": {"app": "own"}, "pods": {"app": "declared"}}}
    for kind, value in ((CUSTOM, "declared"), (SERVICE, "own")):
        found = Decoder(kind, Compactor(), reader=BY_SELECTOR).object(json.dumps(document).encode())
        assert found.selector == Selector((Requirement("app", "in", frozenset((value,))),))


def test_of_a_secret_nothing_but_the_metadata_is_handed_on() -> None:
    handed = []

    def judge(document: Mapping[str, object]) -> Judgement | None:
        handed.append(document)
        return None

    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "labels": {"a": "b"}}, "data": {"k": "v"}}
    found = Decoder(SECRET, Compactor(), judge=judge).object(json.dumps(secret).encode())
    assert found.name == "s"
    assert handed == [{key: value for key, value in secret.items() if key != "data"}]


# What is nested: anybody who may create a custom resource may nest something in it.


def nested(depth: int, inner: str = "1") -> str:
    return '{"a":' * depth + inner + "}" * depth


@pytest.mark.parametrize("depth", [1, DEEPEST, 900, 1_000, 9_900])
def test_what_one_object_nests_does_not_take_the_others(depth: int) -> None:
    """kube-apiserver 1.36 stores 9,900 levels."""
    items = [f'{{"metadata":{{"name":"{name}"}},"spec":{nested(depth)},"status":{{"phase":"Up"}}}}' for name in "ab"]
    decoder = Decoder(CUSTOM, Compactor(), judge=lambda document: Judgement(str(document["status"])))
    found = decoder.page(f'{{"items":[{",".join(items)}],"metadata":{{"resourceVersion":"7"}}}}'.encode(), JSON)
    assert [(item.name, item.state) for item in found.items] == [(name, StatusState(phase="Up")) for name in "ab"]
    assert found.resource_version == "7"
    assert all(item.judgement == Judgement("{'phase': 'Up'}") for item in found.items)
    line = f'{{"type":"ADDED","object":{items[0]}}}\n'.encode()
    assert [event.item for event in events_of(decoder, JSON, [line])] == found.items[:1]
    assert decoder.object(items[0].encode()) == found.items[0]


@pytest.mark.parametrize("inner", [nested(2_000), "[" * 2_000 + "]" * 2_000, nested(2_000, '"]}\\"{["')])
def test_what_is_too_deep_is_left_out_alone(inner: str) -> None:
    status = f'{{"phase":"]}}\\"{{[","conditions":{inner},"observedGeneration":3}}'
    found = Decoder(CUSTOM, Compactor()).object(f'{{"metadata":{{"name":"a"}},"status":{status}}}'.encode())
    assert found.state == StatusState(observed_generation=3, phase=']}"{[')
