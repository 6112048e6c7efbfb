"""What users write, and the paths that it becomes."""

import pytest

from kubediscovery.addresses import Address, KindNames, Named, Selection, names_of, parse_target
from kubediscovery.errors import ConfigurationError
from kubediscovery.kinds import BUILT_IN_KINDS, Kind

DEPLOYMENT = BUILT_IN_KINDS[0]
KAFKA = Kind("example.org", "v1beta2", "kafkas", "Kafka", "kafka")
OTHER = Kind("example.org", "v1", "deployments", "Deployment", "deployment")
FLEET = Kind("example.org", "v1", "fleets", "Fleet", "fleet", namespaced=False)
NAMES = KindNames([Named(DEPLOYMENT, ("deploy",)), Named(KAFKA, ("k",)), Named(OTHER), Named(FLEET)])


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("deployment", DEPLOYMENT),
        ("deployments", DEPLOYMENT),
        ("Deployment", DEPLOYMENT),
        ("deploy", DEPLOYMENT),
        ("deployments.apps", DEPLOYMENT),
        ("deployment.v1.apps", DEPLOYMENT),
        ("deploy.apps", DEPLOYMENT),
        ("deployments.example.org", OTHER),
        ("kafka", KAFKA),
        ("KAFKAS.example.org", KAFKA),
        ("k", KAFKA),
        ("kafkas.v1beta2.example.org", KAFKA),
    ],
)
def test_a_kind_is_found_by_every_name_that_kubectl_knows(word: str, kind: Kind) -> None:
    assert NAMES.find(word) is kind


@pytest.mark.parametrize("word", ["flower", "kafkas.apps", "deploymen", "", "kafkas.v1.example.org"])
def test_a_kind_that_there_is_not(word: str) -> None:
    with pytest.raises(ConfigurationError, match="no kind"):
        NAMES.find(word)


@pytest.mark.parametrize(
    ("word", "resource"),
    [("deploy", "deployments"), ("sts", "statefulsets"), ("ds", "daemonsets"), ("rs", "replicasets"), ("po", "pods")],
)
def test_the_short_names_of_built_in_kinds(word: str, resource: str) -> None:
    assert names_of(BUILT_IN_KINDS).find(word).resource == resource


@pytest.mark.parametrize("text", ["web", "deployment/", "/web", "", "deployment/a/b", "deployment/../x", "deploy/a b"])
def test_a_target_that_cannot_be_meant(text: str) -> None:
    with pytest.raises(ConfigurationError, match="accepted is TYPE/NAME"):
        parse_target(text)


def test_a_target_that_can() -> None:
    wanted = parse_target("kafkas.example.org/main-1.x")
    assert (wanted.type, wanted.name) == ("kafkas.example.org", "main-1.x")


@pytest.mark.parametrize(
    ("address", "path", "object_path", "title"),
    [
        (
            Address(DEPLOYMENT, "shop", "web"),
            "/namespaces/shop/deployments/web/compositions",
            "/apis/apps/v1/namespaces/shop/deployments/web",
            "shop/deployments.apps.web",
        ),
        (
            Address(BUILT_IN_KINDS[7], "shop", "web-0"),
            "/namespaces/shop/pods/web-0/compositions",
            "/api/v1/namespaces/shop/pods/web-0",
            "shop/pods.web-0",
        ),
        (
            Address(OTHER, "shop", "a:b"),
            "/namespaces/shop/deployments.example.org/a%3Ab/compositions",
            "/apis/example.org/v1/namespaces/shop/deployments/a%3Ab",
            "shop/deployments.example.org.a:b",
        ),
        (
            Address(FLEET, "", "north"),
            "/fleets.example.org/north/compositions",
            "/apis/example.org/v1/fleets/north",
            "fleets.example.org.north",
        ),
    ],
)
def test_where_an_object_is(address: Address, path: str, object_path: str, title: str) -> None:
    assert (address.path, address.object_path, address.title) == (path, object_path, title)


def test_where_a_selection_is() -> None:
    everywhere = Selection(None)
    assert (everywhere.path, dict(everywhere.query), everywhere.title) == ("/compositions", {}, "all namespaces")
    some = Selection("shop", "app=web", "root.kind=Deployment")
    assert some.path == "/namespaces/shop/compositions"
    assert some.query == {"labelSelector": "app=web", "fieldSelector": "root.kind=Deployment"}
    assert some.title == "shop (app=web root.kind=Deployment)"
