"""`new` and `dev`, and `install` and `uninstall` of an app: what the command line makes of their flags."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from kubediscovery.cli import commands
from kubediscovery.errors import ConfigurationError
from kubediscovery.install import InstallOptions
from kubediscovery.project_commands import app_options, separated

APP = """
from kubediscovery.framework import Registry, Struct, SubresourceRequest

registry = Registry("pictures.example.org", "v2")

class Picture(Struct, frozen=True):
    size: int = 0

@registry.subresource("picture", on="pods", returns=Picture, watch=True)
async def picture(request: SubresourceRequest) -> Picture:
    return Picture()

@registry.subresource("redraw", on="pods", returns=Picture, verbs=("create",))
async def redraw(request: SubresourceRequest) -> Picture:
    return Picture()
"""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "pictures.py").write_text(APP)
    yield "pictures:registry"
    sys.modules.pop("pictures", None)


def invoked(*arguments: str) -> str:
    result = CliRunner().invoke(commands, arguments, catch_exceptions=False, standalone_mode=False)
    return result.output


def installed(*arguments: str) -> dict[tuple[str, str], Any]:
    documents = yaml.safe_load_all(invoked("install", *arguments))
    return {(found["kind"], found["metadata"]["name"]): found for found in documents}


def test_new_tells_what_it_made_and_what_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = invoked("new", "pod-images", "--group", "images.acme.org")
    assert "pod-images/pod_images/subresources.py\n" in told
    assert "cd pod-images" in told
    assert 'group="images.acme.org"' in (tmp_path / "pod-images" / "pod_images" / "subresources.py").read_text()


def test_an_app_is_installed_under_its_own_name_with_what_it_needs(app: str) -> None:
    made = installed("--app", app, "--image", "registry.example.org/pictures:1", "--kinds", "pods")
    service = made["APIService", "v2.pictures.example.org"]["spec"]
    assert (service["group"], service["version"]) == ("pictures.example.org", "v2")
    assert (service["service"]["namespace"], service["service"]["name"]) == ("pictures", "pictures")
    pod = made["Deployment", "pictures"]["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "pictures"
    (container,) = pod["containers"]
    assert container["image"] == "registry.example.org/pictures:1"
    assert f"--app={app}" in container["args"]
    assert made["ClusterRole", "pictures:server"]["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}
    ]
    assert made["ClusterRole", "pictures:view"]["rules"] == [
        {"apiGroups": ["pictures.example.org"], "resources": ["*/picture"], "verbs": ["get", "watch"]}
    ]
    assert made["ClusterRole", "pictures:edit"]["rules"] == [
        {"apiGroups": ["pictures.example.org"], "resources": ["*/redraw"], "verbs": ["create"]}
    ]
    names = {name for _, name in made} - {"v2.pictures.example.org"}
    assert all(name.startswith("pictures") for name in names)


def test_name_and_namespace_can_be_chosen(app: str) -> None:
    options = app_options(app, "gallery", namespace="art")
    assert (options.name, options.namespace, options.version) == ("gallery", "art", "v2")
    assert app_options(app, "", suffix="-dev").namespace == "pictures-dev"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--app", "pictures:registry"), "--app needs --image, one with the app in it, or --external-name"),
        (("--name", "x"), "--name needs --app"),
        (("--app", "pictures:registry", "--image", "i", "--name", "kubediscovery"), "that is kubediscovery itself"),
        (("--app", "pictures:registry", "--image", "i", "--name", "No"), "not a DNS label such as images"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(app: str, arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        invoked("install", *arguments)


def test_an_app_may_manage_its_api_services(app: str) -> None:
    objects = installed("--app", app, "--image", "i", "--manage-apiservice")
    arguments = objects["Deployment", "pictures"]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments[-4:] == [f"--app={app}", "--name=pictures", "--manage-apiservice", "--namespace=pictures"]
    assert ("Lease", "pictures-replicas") in objects
    (named, create) = objects["ClusterRole", "pictures:apiservice"]["rules"]
    assert (named["resourceNames"], named["verbs"]) == (["v2.pictures.example.org"], ["get", "patch", "delete"])
    assert create["verbs"] == ["create"]


def test_an_app_of_several_groups_has_an_api_service_and_rights_for_each(app: str, tmp_path: Path) -> None:
    more = """
drawings = Registry("drawings.example.org", "v1beta1")
drawings.subresource("drawing", on="nodes", returns=Picture)(picture)
everything = [registry, drawings]
"""
    (tmp_path / "pictures.py").write_text(APP + more)
    objects = installed("--app", "pictures:everything", "--image", "i", "--manage-apiservice")
    names = ["v2.pictures.example.org", "v1beta1.drawings.example.org"]
    assert [name for kind, name in objects if kind == "APIService"] == names
    for name in names:
        assert objects["APIService", name]["spec"]["service"]["name"] == "pictures"
    rules = {tuple(rule["apiGroups"]): rule["resources"] for rule in objects["ClusterRole", "pictures:view"]["rules"]}
    assert rules[("drawings.example.org",)] == ["*/drawing"]
    assert objects["ClusterRole", "pictures:apiservice"]["rules"][0]["resourceNames"] == names


def test_a_server_of_an_app_outside_the_cluster_is_told_how_to_start(app: str, tmp_path: Path) -> None:
    from kubediscovery.install import next_commands

    options = app_options(app, "", external_name="localhost", port=8443, cert_dir=tmp_path)
    told = "\n".join(next_commands(options, options.installation()))
    assert f"--secure-port 8443 --cert-dir {tmp_path} --app=pictures:registry --name=pictures" in told
    assert "create token pictures --namespace pictures" in told
    assert "/apis/pictures.example.org/v2" in told
    assert "--api-group" not in told


def test_kubediscovery_itself_is_installed_as_ever() -> None:
    assert ("APIService", "v1.kubediscovery.cloudark.io") in installed()
    assert InstallOptions().name == "kubediscovery"


def test_words_between_commas_and_repeated_flags_are_the_same() -> None:
    assert separated(("a,b", "c")) == ("a", "b", "c")
