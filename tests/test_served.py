"""What several registries serve together: routes, and the resources that discovery tells of."""

import logging

import pytest

from kubediscovery.api import GroupVersion
from kubediscovery.authz import ResourceAttributes
from kubediscovery.built_in_registry import built_in_registry
from kubediscovery.errors import NotFound, RegistrationError
from kubediscovery.framework import Registry, SubresourceRequest
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.served import Served
from tests.objects import DEPLOYMENT, FLEET
from tests.registering import ACTIONS, IMAGES, Done, action_registry, image_registry
from tests.serving import GROUP, KINDS

OWN = GroupVersion(GROUP, "v1")
KAFKA = Kind("example.org", "v1", "kafkas", "Kafka", "kafka", custom=True)


def served(*more: Kind) -> Served:
    return Served((built_in_registry(), image_registry(), action_registry()), Kinds((*KINDS, *more)))


def asked(resource: str, subresource: str = "", *, group: str = IMAGES, name: str = "web") -> ResourceAttributes:
    version = "v1alpha1" if group == ACTIONS else "v1"
    return ResourceAttributes("get", group, version, resource, subresource, "shop", name)


async def handler(request: SubresourceRequest) -> Done:
    return Done(request.name)


def test_versions_are_in_the_order_of_their_registration() -> None:
    found = served()
    assert [each.api_version for each in found.versions] == [f"{GROUP}/v1", f"{IMAGES}/v1", f"{ACTIONS}/v1alpha1"]
    assert found.has(IMAGES, "v1")
    assert not found.has(IMAGES, "v1alpha1")


def test_every_kind_has_a_parent_and_a_subresource() -> None:
    names = [resource.name for resource in served().resources(OWN)]
    assert names[:2] == ["compositions", "lint"]
    plurals = dict.fromkeys(kind.resource for kind in KINDS)
    parents = [name for name in names[2:] if "/" not in name]
    assert parents == list(plurals)
    assert all(f"{name}/compositions" in names for name in parents)


def test_only_what_is_answered_has_verbs() -> None:
    verbs = {resource.name: resource.verbs for resource in served().resources(OWN)}
    assert verbs["compositions"] == ("get", "list", "watch")
    assert verbs["lint"] == ("list",)
    assert verbs["pods"] == ()
    assert verbs["pods/compositions"] == ("get", "watch")


def test_a_kind_with_the_name_of_a_resource_has_no_entry_but_a_route() -> None:
    crossplane = Kind("apiextensions.crossplane.io", "v1", "compositions", "Composition", "composition", custom=True)
    found = served(crossplane)
    assert [each.name for each in found.resources(OWN)].count("compositions") == 1
    assert found.route(asked("compositions", "compositions", group=GROUP)).kind == crossplane


def test_a_route_has_the_registration_the_kind_and_the_names() -> None:
    found = served().route(asked("deployments", "images"))
    assert (found.registration.name, found.kind, found.names) == ("images", DEPLOYMENT, ("deployments.apps", "images"))
    top = served().route(asked("compositions", group=GROUP))
    assert (top.kind, top.names) == (None, ("compositions", ""))


@pytest.mark.parametrize(
    "wrong",
    [
        asked("deployments"),
        asked("deployments", "compositions"),
        asked("pods", "images"),
        asked("nothing", "health"),
        asked("fleets", "health"),
        asked("compositions"),
    ],
)
def test_nothing_else_is_routed(wrong: ResourceAttributes) -> None:
    with pytest.raises(NotFound, match="the server could not find the requested resource"):
        served().route(wrong)


def test_one_of_the_cluster_is_in_no_namespace() -> None:
    found = served().route(ResourceAttributes("get", IMAGES, "v1", "fleets", "health", "", "north"))
    assert found.kind == FLEET


def test_registries_of_one_version_are_served_together_unless_in_conflict() -> None:
    more, other = Registry(group=GROUP), Registry(group=GROUP)
    more.subresource("health", returns=Done)(handler)
    found = Served((built_in_registry(), more), Kinds(KINDS))
    assert len(found.versions) == 1
    assert found.route(asked("pods", "health", group=GROUP)).registration.name == "health"
    other.subresource("compositions", on="pods", returns=Done)(handler)
    with pytest.raises(RegistrationError, match=r"test_served\.py:\d+: .* registered at \S+built_in_registry\.py:\d+"):
        Served((built_in_registry(), other), Kinds(KINDS))


def test_of_two_that_nobody_could_tell_apart_the_first_is_served(caplog: pytest.LogCaptureFixture) -> None:
    registry = Registry(group=IMAGES)
    registry.subresource("topics", on="kafka", returns=Done)(handler)
    registry.subresource("topics", on="kafkas.example.org", returns=Done)(handler)
    first, second = registry
    found = Served((registry,), Kinds((*KINDS, KAFKA)))
    with caplog.at_level(logging.ERROR):
        names = [each.name for each in found.resources(GroupVersion(IMAGES, "v1"))]
    assert names == ["kafkas", "kafkas/topics"]
    assert f"{second.place}: {second} is not served for kafkas.example.org: {first.place} has it already" in caplog.text
    assert found.route(asked("kafkas", "topics")).registration is first
