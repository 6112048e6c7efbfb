"""Nodes that trees share: one for each object and relation, while the object is the same."""

from msgspec import structs

from kubediscovery.leaves import Leaves
from kubediscovery.nodes import node_of
from tests.objects import make
from tests.relating import CONFIG

SETTINGS = make(CONFIG, "settings")


def test_a_leaf_is_made_once() -> None:
    leaves = Leaves()
    order, found = leaves.leaf(SETTINGS, "configMap")
    assert found == node_of(SETTINGS, relation="configMap")
    assert order == ("configMap", "ConfigMap", "shop", "settings", "v1", "")
    assert leaves.leaf(SETTINGS, "configMap")[1] is found
    assert leaves.leaf(SETTINGS, "helm")[1].relation == "helm"


def test_another_version_has_another_leaf() -> None:
    leaves = Leaves()
    leaves.leaf(SETTINGS, "configMap")
    changed = structs.replace(SETTINGS, resource_version=77)
    assert leaves.leaf(changed, "configMap")[1].resource_version == "77"
    assert leaves.leaf(SETTINGS, "configMap")[1].resource_version == str(SETTINGS.resource_version)
