"""Discovery to kinds, over HTTP as kube-apiserver answers it."""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from kubediscovery.catalogue import Catalogue, kinds_served
from kubediscovery.client import Client
from kubediscovery.errors import UpstreamError
from kubediscovery.kinds import BUILT_IN_KINDS, Kind, Kinds
from tests.discovering import KAFKA, SECRET, group, resource, version
from tests.objects import DEPLOYMENT, POD
from tests.upstream import reaching, serving

OWN = "kubediscovery.cloudark.io"
SERVICE = Kind("", "v1", "services", "Service", "service")
OTHER_SERVICE = Kind("serving.example.org", "v1", "services", "Service", "service", workload=True, custom=True)
CONTENT_TYPE = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@dataclass
class Discovery:
    """What is served at /api and /apis; answers are counted by their status."""

    core: list[dict[str, Any]] = field(default_factory=lambda: [group("", version("v1", resource(POD)))])
    groups: list[dict[str, Any]] = field(default_factory=list)
    content_type: str = CONTENT_TYPE
    status: int = 200
    body: bytes | None = None
    answered: list[int] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        items = self.core if request.path == "/api" else self.groups
        etag = f'"{hash(str(items))}"'
        assert "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" in request.headers["Accept"]
        status = 304 if request.headers.get("If-None-Match") == etag and self.status == 200 else self.status
        self.answered.append(status)
        whole = json.dumps({"kind": "APIGroupDiscoveryList", "items": items}).encode()
        body = (self.body or whole) if status == 200 else None
        return web.Response(status=status, body=body, headers={"ETag": etag, "Content-Type": self.content_type})


@contextlib.asynccontextmanager
async def asked(discovery: Discovery, directory: Path) -> AsyncIterator[Client]:
    async with serving(discovery.handle) as url, reaching(directory, url) as client:
        yield client


@contextlib.asynccontextmanager
async def catalogue_of(discovery: Discovery, directory: Path) -> AsyncIterator[Catalogue]:
    async with asked(discovery, directory) as client:
        yield Catalogue(client, OWN)


async def found(discovery: Discovery, directory: Path) -> tuple[Kind, ...]:
    """The kinds beside those that have rules of their own."""
    async with catalogue_of(discovery, directory) as catalogue:
        await catalogue.look()
        assert catalogue.kinds[: len(BUILT_IN_KINDS)] == BUILT_IN_KINDS
        return catalogue.kinds[len(BUILT_IN_KINDS) :]


async def test_kinds_come_in_the_order_in_which_kubectl_resolves_plurals(tmp_path: Path) -> None:
    discovery = Discovery(
        [group("", version("v1", resource(POD), resource(SECRET), resource(SERVICE)))],
        [
            group("apps", version("v1", resource(DEPLOYMENT))),
            group("example.org", version("v1", resource(KAFKA))),
            group("serving.example.org", version("v1", resource(OTHER_SERVICE))),
        ],
    )
    kinds = await found(discovery, tmp_path)
    assert kinds == (SECRET, SERVICE, KAFKA, OTHER_SERVICE)
    assert Kinds(kinds).by_resource("services") == SERVICE
    assert Kinds(kinds).by_resource("services.serving.example.org") == OTHER_SERVICE


async def test_what_cannot_be_listed_and_watched_is_left_out(tmp_path: Path) -> None:
    discovery = Discovery(
        [
            group(
                "",
                version(
                    "v1",
                    resource(SECRET, ("list",)),
                    resource(SERVICE, ("watch", "get")),
                    {"resource": "parents", "verbs": ["list", "watch"], "subresources": [{"subresource": "status"}]},
                    {"resource": "old", "responseKind": None, "verbs": ["list", "watch"]},
                ),
            )
        ],
        [
            group(OWN, version("v1", resource(KAFKA))),
            group("empty.example.org"),
            group("none.example.org", version("v1")),
        ],
    )
    assert await found(discovery, tmp_path) == ()


async def test_of_two_versions_of_a_kind_the_preferred_one_counts(tmp_path: Path) -> None:
    beta = Kind("example.org", "v1beta1", "topics", "Topic", "topic", namespaced=False, workload=True, custom=True)
    old = Kind("example.org", "v1beta1", "kafkas", "Kafka", "kafka")
    versions = version("v1", resource(KAFKA)), version("v1beta1", resource(old), resource(beta))
    assert await found(Discovery(groups=[group("example.org", *versions)]), tmp_path) == (KAFKA, beta)


async def test_a_stale_group_keeps_its_former_kinds(tmp_path: Path) -> None:
    discovery = Discovery(groups=[group("example.org", version("v1", resource(KAFKA)))])
    async with catalogue_of(discovery, tmp_path) as catalogue:
        await catalogue.look()
        discovery.groups = [group("example.org", version("v1", freshness="Stale"))]
        await catalogue.look()
        assert KAFKA in catalogue.kinds
        discovery.groups = [group("example.org", version("v1"))]
        await catalogue.look()
        assert KAFKA not in catalogue.kinds


async def test_what_has_not_changed_is_not_sent_again(tmp_path: Path) -> None:
    discovery = Discovery(groups=[group("example.org", version("v1", resource(KAFKA)))])
    async with catalogue_of(discovery, tmp_path) as catalogue:
        for _ in range(3):
            await catalogue.look()
        assert discovery.answered == [200, 200, 304, 304, 304, 304]
        assert KAFKA in catalogue.kinds
        discovery.groups = []
        await catalogue.look()
        assert discovery.answered[-2:] == [304, 200]
        assert KAFKA not in catalogue.kinds


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"status": 403}, "HTTP 403"),
        ({"status": 503}, "HTTP 503"),
        ({"status": 304}, "HTTP 304"),
        ({"content_type": "application/json"}, "no aggregated discovery, which Kubernetes has from 1.30 on"),
        ({"body": b"{"}, "discovery cannot be decoded"),
        ({"body": b'{"items": [{"versions": 5}]}'}, "discovery cannot be decoded"),
        ({"body": b'{"items": null}'}, "discovery cannot be decoded"),
        ({"body": b"[" * 100_000}, "discovery cannot be decoded"),
        ({"body": b"\xff"}, "discovery cannot be decoded"),
    ],
)
async def test_an_answer_that_cannot_be_read_leaves_what_is_known(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    discovery = Discovery(groups=[group("example.org", version("v1", resource(KAFKA)))])
    async with catalogue_of(discovery, tmp_path) as catalogue:
        assert catalogue.kinds == BUILT_IN_KINDS
        await catalogue.look()
        before = catalogue.kinds
        discovery.groups = []
        for name, value in changed.items():
            setattr(discovery, name, value)
        if changed != {"status": 304}:
            with pytest.raises(UpstreamError, match=said):
                await catalogue.look()
        assert catalogue.kinds == before
        async with catalogue_of(discovery, tmp_path) as unknowing:
            with pytest.raises(UpstreamError, match=said):
                await unknowing.look()
            assert unknowing.kinds == BUILT_IN_KINDS


async def test_installing_reads_it_once(tmp_path: Path) -> None:
    discovery = Discovery(groups=[group("example.org", version("v1", resource(KAFKA)))])
    async with asked(discovery, tmp_path) as client:
        assert await kinds_served(client) == (*BUILT_IN_KINDS, KAFKA)
        discovery.body = b'{"items": 5}'
        with pytest.raises(UpstreamError, match="discovery cannot be decoded"):
            await kinds_served(client)
