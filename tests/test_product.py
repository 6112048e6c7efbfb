"""Whether a server is one of kubediscovery's installation or of an app's, and what it manages and follows then."""

from kubediscovery.api import GroupVersion
from kubediscovery.config import ServeOptions
from kubediscovery.framework import Registry
from kubediscovery.product import product_of
from kubediscovery.selection import KindPattern, Selection

OWN = GroupVersion("kubediscovery.cloudark.io", "v1")


def app(group: str, version: str = "v1", follows: str | None = "pods.") -> Registry:
    return Registry(group, version, follows=follows)


def test_without_an_app_it_is_kubediscovery() -> None:
    found = product_of(ServeOptions(), ())
    assert (found.name, found.namespace, found.apis) == ("kubediscovery", "kubediscovery", (OWN,))
    assert found.selection == Selection()
    assert product_of(ServeOptions(namespace="other"), ()).namespace == "other"


def test_with_one_it_is_the_apps_by_its_first_group() -> None:
    found = product_of(ServeOptions(), (app("images.example.org"), app("audits.example.org", "v2")))
    assert (found.name, found.namespace) == ("images", "images")
    assert found.apis == (GroupVersion("images.example.org", "v1"), GroupVersion("audits.example.org", "v2"))
    assert found.selection == Selection((KindPattern("pods."),), exclude=())


def test_several_registries_of_a_version_have_one_api_service() -> None:
    found = product_of(ServeOptions(name="gallery"), (app("images.example.org"), app("images.example.org")))
    assert (found.name, found.namespace) == ("gallery", "gallery")
    assert found.apis == (GroupVersion("images.example.org", "v1"),)


def test_an_app_that_does_not_say_what_it_follows_follows_all() -> None:
    assert product_of(ServeOptions(), (app("images.example.org", follows=None),)).selection == Selection()


def test_kubediscovery_that_serves_an_app_too_stays_what_it_is() -> None:
    found = product_of(ServeOptions(name="kubediscovery"), (app("images.example.org"),))
    assert (found.name, found.apis, found.selection) == ("kubediscovery", (OWN,), Selection())
