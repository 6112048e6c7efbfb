"""What an app says of the kinds that it wants: what is followed, and what it is let read."""

import re
from pathlib import Path

import pytest

from kubediscovery.errors import RegistrationError
from kubediscovery.framework import Registry, Struct, SubresourceRequest
from kubediscovery.granted import granted_by
from kubediscovery.loading import load_registries
from kubediscovery.objects import PodState
from kubediscovery.project import READS, Project, make_project
from kubediscovery.selection import KindPattern, Selection
from kubediscovery.settings import Settings
from kubediscovery.testing.samples import deployment
from kubediscovery.testing.server import TestServer
from kubediscovery.wanted_kinds import wanted_kinds


class Count(Struct, frozen=True):
    pods: int


def app(follows: str | None, *on: str, group: str = "counts.example.org") -> Registry:
    registry = Registry(group, follows=follows)
    for number, kinds in enumerate(on):

        @registry.subresource(f"count{number}", on=kinds, returns=Count)
        async def count(request: SubresourceRequest) -> Count:
            return Count(sum(isinstance(item.state, PodState) for item in request.seen.below(request.parent)))

    return registry


def words(*registries: Registry) -> set[str] | None:
    found = wanted_kinds(registries)
    return None if found is None else {pattern.text for pattern in found}


def test_who_says_nothing_follows_all() -> None:
    assert words() is None
    assert words(app(None, "deployments.apps")) is None
    assert words(app("pods.", "deployments.apps"), app(None, "jobs.batch", group="b.example.org")) is None


@pytest.mark.parametrize(
    ("follows", "on", "expected"),
    [
        ("", "deployments.apps", {"deployments.apps", "replicasets.apps", "pods."}),
        ("services.", "pods", {"pods.", "services.", "endpointslices.discovery.k8s.io"}),
        ("", "CronJob", {"cronjobs.batch", "jobs.batch", "pods."}),
        ("", "kafkas.example.org", {"kafkas.example.org"}),
        ("deployments.apps", "*", {"deployments.apps", "replicasets.apps", "pods."}),
        ("nodes.", "*,!pods", {"nodes."}),
        ("*.example.org, pods.", "nodes", {"*.example.org", "pods.", "nodes."}),
        (
            "",
            "*.apps,!replicasets",
            {"controllerrevisions.apps", "daemonsets.apps", "deployments.apps", "statefulsets.apps"}
            | {"pods.", "replicasets.apps"},
        ),
    ],
)
def test_it_is_what_is_named_what_subresources_are_of_and_what_is_made_of_these(
    follows: str, on: str, expected: set[str]
) -> None:
    assert words(app(follows, on)) == expected


def test_several_registries_add_up() -> None:
    assert words(app("nodes.", "pods"), app("", "jobs.batch", group="b.example.org")) == {
        "nodes.",
        "pods.",
        "jobs.batch",
    }


@pytest.mark.parametrize("follows", ["Pod", "!pods", "a b"])
def test_what_is_no_pattern_is_refused_with_its_place(follows: str) -> None:
    with pytest.raises(RegistrationError, match=rf"{re.escape(__file__)}:\d+: follows: .* accepted are a plural"):
        app(follows)


def test_a_new_project_reads_what_its_manifests_grant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_project(Project("wantedimages", directory=tmp_path / "made"))
    monkeypatch.syspath_prepend(tmp_path / "made")
    found = wanted_kinds(load_registries("wantedimages:registry"))
    assert sorted(granted_by(found or ())) == sorted(READS)


async def test_a_server_follows_these_alone_and_trees_are_whole() -> None:
    async with TestServer(app("", "deployments.apps"), objects=deployment("web", "shop", replicas=2)) as server:
        assert (await server.get("namespaces/shop/deployments/web/count0")).json()["pods"] == 2
        assert "services" not in (await server.get("/metrics")).text
        answer = await server.get("namespaces/shop/services/web/count0")
        assert answer.status == 404


async def test_the_configuration_is_asked_first() -> None:
    settings = Settings(kinds=Selection((KindPattern("deployments.apps"), KindPattern("replicasets.apps"))))
    objects = deployment("web", "shop", replicas=2)
    async with TestServer(app("", "deployments.apps"), objects=objects, settings=settings) as server:
        assert (await server.get("namespaces/shop/deployments/web/count0")).json()["pods"] == 0
