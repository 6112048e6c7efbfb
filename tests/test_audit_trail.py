from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kubediscovery.audit_trail import AuditTrail
from kubediscovery.errors import StartupError
from kubediscovery.sightings import Sighting
from kubediscovery.versions import Origin
from tests.sighting import deployment


def _event(document: object = None, **fields: Any) -> bytes:
    event = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "stage": "ResponseComplete",
        "requestURI": "/apis/apps/v1/namespaces/shop/deployments/web",
        "verb": "patch",
        "objectRef": {"resource": "deployments", "namespace": "shop", "name": "web", "apiGroup": "apps"},
        "responseStatus": {"metadata": {}, "code": 200},
        "responseObject": deployment() if document is None else document,
        "stageTimestamp": "2026-01-02T00:00:00.500000Z",
    }
    return msgspec.json.encode({**event, **fields}) + b"\n"


def _told(path: Path) -> tuple[list[Sighting], AuditTrail]:
    trail = AuditTrail(path, lambda group, resource: (group, resource) == ("apps", "deployments"))
    trail.check()
    found: list[Sighting] = []
    while (told := trail.next()) is not None:
        found += told
    trail.close()
    return found, trail


def test_writes_are_told_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    scaled = {**deployment("b", 3), "status": {"replicas": 2}}
    path.write_bytes(
        _event(deployment("a", 1), verb="create", responseStatus={"code": 201})
        + _event(deployment("b", 2))
        + _event(deployment("b", 2), verb="update", objectRef={**_STATUS})
        + _event(scaled, verb="update", objectRef={**_STATUS})
    )
    found, trail = _told(path)
    assert [each.generation for each in found] == [1, 2, 3]
    assert found[0].origins == {Origin.AUDIT}
    assert (found[0].seen, found[0].manager) == (1_767_312_000.5, "kubectl-set")
    assert trail.skipped == 0


_STATUS = {"resource": "deployments", "apiGroup": "apps", "subresource": "status"}


@pytest.mark.parametrize(
    "fields",
    [
        {"stage": "RequestReceived"},
        {"verb": "get"},
        {"verb": "delete"},
        {"responseStatus": {"code": 409}},
        {"requestURI": "/apis/apps/v1/namespaces/shop/deployments/web?dryRun=All"},
        {"objectRef": {"resource": "secrets"}},
        {"objectRef": {"resource": "deployments", "apiGroup": "apps", "subresource": "scale"}},
        {"responseObject": {"kind": "Status", "apiVersion": "v1", "metadata": {"uid": "u"}}},
        {"responseObject": {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": {"uid": "u"}}},
        {"responseObject": {"metadata": {}}},
    ],
)
def test_whatever_is_no_write_of_an_object_is_left_out(tmp_path: Path, fields: dict[str, Any]) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(_event(**fields))
    found, trail = _told(path)
    assert (found, trail.skipped) == ([], 0)


def test_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(
        _event()[:-3]
        + b"\n"
        + _event({"metadata": 5})
        + _event(stageTimestamp="now")
        + b"nothing\n"
        + _event(deployment("z", 9))
    )
    found, trail = _told(path)
    assert [each.generation for each in found] == [9]
    assert (trail.lines, trail.skipped) == (5, 3)


def test_a_log_that_is_not_there_may_come(tmp_path: Path) -> None:
    assert _told(tmp_path / "audit.log")[0] == []


def test_a_log_that_cannot_be_read_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"audit log of kube-apiserver .*: there is no such folder"):
        _told(tmp_path / "nowhere" / "audit.log")
    with pytest.raises(StartupError, match="Is a directory"):
        _told(tmp_path)
    if os.geteuid():
        path = tmp_path / "audit.log"
        path.touch(mode=0o000)
        with pytest.raises(StartupError, match="Permission denied"):
            _told(path)
