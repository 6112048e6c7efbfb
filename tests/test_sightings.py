from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from kubediscovery.sightings import Glimpse, glimpse, sighting
from kubediscovery.versions import Origin
from tests.sighting import LAST_APPLIED, deployment, sighted

_WRITTEN = datetime(2026, 1, 2, tzinfo=UTC).timestamp()


def _glimpse(document: dict[str, Any]) -> Glimpse:
    return glimpse(msgspec.json.encode(document))


def test_what_somebody_wrote_is_kept_and_nothing_else() -> None:
    found = sighted(generation=3)
    assert found.version().document == {
        "metadata": {"labels": {"app": "web"}, "annotations": {"note": "kept"}},
        "spec": deployment()["spec"],
    }
    assert (found.uid, found.namespace, found.name) == ("uid-web", "shop", "web")
    assert (found.generation, found.resource_version) == (3, 30)
    assert found.origins == {Origin.CACHE}
    assert len(found.blob) < found.size


def test_who_wrote_last_is_who_did_not_write_the_status() -> None:
    found = sighted()
    assert (found.seen, found.manager) == (_WRITTEN, "kubectl-set")


def test_what_was_seen_being_written_has_that_time() -> None:
    assert sighted(now=_WRITTEN + 1.5).manager == "kubectl-set"
    found = sighted(now=_WRITTEN + 60)
    assert (found.seen, found.manager) == (_WRITTEN + 60, "")


def test_without_managers_the_creation_counts() -> None:
    assert sighted(managedFields=None).seen == datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert sighted(managedFields=[{"time": "yesterday"}], creationTimestamp=None).seen == 0


def test_the_status_and_notes_make_no_other_version() -> None:
    document = deployment()
    mark, digest = _glimpse(document).mark, sighted().digest
    document["status"] = {"replicas": 9}
    document["metadata"] |= {"resourceVersion": "99", "managedFields": []}
    document["metadata"]["annotations"] = {"note": "kept", LAST_APPLIED: '{"a":1}'}
    assert _glimpse(document).mark == mark
    assert sighting(_glimpse(document), Origin.CACHE).digest == digest


@pytest.mark.parametrize(
    "fields", [{"generation": 2}, {"labels": {"app": "other"}}, {"annotations": {"note": "other"}}, {"uid": "other"}]
)
def test_whatever_may_be_another_version_is_looked_at(fields: dict[str, Any]) -> None:
    assert _glimpse(deployment(**fields)).mark != _glimpse(deployment()).mark


def test_kinds_without_a_generation_are_looked_at_whole() -> None:
    document = {"metadata": {"uid": "u", "resourceVersion": "5"}, "data": {"a": "1"}, "status": {"x": 1}}
    mark = _glimpse(document).mark
    assert _glimpse({**document, "status": {}}).mark == mark
    assert _glimpse({**document, "data": {"a": "2"}}).mark != mark
    assert sighting(_glimpse(document), Origin.CACHE).version().document == {"data": {"a": "1"}}


def test_what_is_nested_too_deeply_is_left_out() -> None:
    for depth in (300, 2_000):
        document = b'{"metadata":{"uid":"u"},"spec":' + b'{"a":' * depth + b"1" + b"}" * depth + b',"data":1}'
        found = sighting(glimpse(document), Origin.CACHE)
        assert found.size < 2_000, depth


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"null", b'{"metadata":[]}', b'{"metadata":{"labels":{"a":1}}}', b"{"]
)
def test_what_is_no_object_is_said_to_be_none(document: bytes) -> None:
    with pytest.raises(ValueError):
        glimpse(document)


def test_what_is_like_another_document_takes_less_and_is_read_all_the_same() -> None:
    alone, document = sighted("nginx:2", 2), deployment("nginx:2", 2)
    found = sighting(_glimpse(document), Origin.CACHE, like=sighted().body)
    assert len(found.blob) < len(alone.blob) / 2
    assert (found.version(), found.digest, found.size) == (alone.version(), alone.digest, alone.size)
    assert (found.whole, alone.whole) == (alone.blob, alone.blob)
