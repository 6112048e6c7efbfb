"""The table of what is served, which discovery, routing and the manifests are derived from."""

import pytest

from kubediscovery.api import ApiGroup
from kubediscovery.kinds import Kinds
from tests.objects import DEPLOYMENT, FLEET, OTHER_DEPLOYMENT, POD
from tests.serving import GROUP, KINDS

API = ApiGroup(GROUP, "v1", Kinds(KINDS))


def test_the_group_has_one_version() -> None:
    assert API.api_version == f"{GROUP}/v1"


def test_every_kind_has_a_parent_and_a_subresource() -> None:
    names = [resource.name for resource in API.resources()]
    assert names[:2] == ["compositions", "lint"]
    plurals = dict.fromkeys(kind.resource for kind in KINDS)
    assert names[2:] == [name for plural in plurals for name in (plural, f"{plural}/compositions")]


def test_only_what_is_answered_has_verbs() -> None:
    verbs = {resource.name: resource.verbs for resource in API.resources()}
    assert verbs["compositions"] == ("get", "list", "watch")
    assert verbs["lint"] == ("list",)
    assert verbs["pods"] == ()
    assert verbs["pods/compositions"] == ("get", "watch")


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        ("deployments", DEPLOYMENT),
        ("deployments.apps", DEPLOYMENT),
        ("deployments.example.com", OTHER_DEPLOYMENT),
        ("pods", POD),
        ("fleets", FLEET),
        ("fleets.example.com", FLEET),
        ("pods.", None),
        ("pods.v1", None),
        ("Pods", None),
        ("pod", None),
        ("deployments.batch", None),
        ("", None),
    ],
)
def test_parents_are_found_by_plural_and_by_plural_and_group(resource: str, kind: object) -> None:
    assert API.parent(resource) == kind
