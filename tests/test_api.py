"""The words in which an API group says what it serves."""

import pytest

from kubediscovery.api import ApiGroup, camel
from kubediscovery.kinds import Kinds
from tests.objects import DEPLOYMENT, FLEET, OTHER_DEPLOYMENT, POD
from tests.serving import GROUP, KINDS

API = ApiGroup(GROUP, "v1", Kinds(KINDS))


def test_the_group_has_one_version() -> None:
    assert API.api_version == f"{GROUP}/v1"


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


def test_camel() -> None:
    assert camel("stable.example-site.com.v1") == "StableExampleSiteComV1"
    assert camel("spec-history") == "SpecHistory"
