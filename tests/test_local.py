"""Serving without a cluster: who may ask, and the commands to ask with."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from kubediscovery.app import create_app
from kubediscovery.authz import Attributes, NonResourceAttributes, ResourceAttributes
from kubediscovery.config import ServeOptions
from kubediscovery.drawing import Drawing
from kubediscovery.errors import ConfigurationError, Forbidden, StartupError
from kubediscovery.listener import bind
from kubediscovery.local import (
    LOCAL_USER,
    LocalAuthenticator,
    LocalAuthorizer,
    load_local,
    local_api,
    local_services,
    questions,
    serve_snapshot,
    url_of,
)
from kubediscovery.printable import printable
from kubediscovery.scene import scene
from kubediscovery.settings import read_settings
from kubediscovery.sight import Sight
from kubediscovery.store import Store
from kubediscovery.tree import build_tree
from tests.playing import API, NOW, composed, filled, played

PREFIX = f"/apis/{API.api_version}"


async def get(path: str, host: str = "localhost:8001", **headers: str) -> httpx.Response:
    app = create_app(local_services(API, filled(scene(0, NOW))))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.get(path, headers={"Host": host, **headers})


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8001",
        "LocalHost:1",
        "127.0.0.1",
        "127.0.0.1:8001",
        "127.8.9.1:80",
        "[::1]",
        "[::1]:8001",
    ],
)
async def test_the_local_user_is_a_master(host: str) -> None:
    user = await LocalAuthenticator().authenticate([(b"host", host.encode())], None)
    assert user is LOCAL_USER
    assert set(user.groups) == {"system:masters", "system:authenticated"}


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        [""],
        ["evil.example"],
        ["evil.example:8001"],
        ["localhost.evil.example"],
        ["127.0.0.1.evil.example:8001"],
        ["localhost:8001.evil.example"],
        ["user@localhost"],
        ["10.0.0.1"],
        ["0.0.0.0"],  # noqa: S104 - it is refused
        ["::1"],
        ["[::2]:8001"],
        ["[::ffff:10.0.0.1]"],
        ["127.0.0.1:8001:8001"],
        ["127.1"],
        ["999.0.0.1"],
        ["localhost", "evil.example"],
        ["\xff\x1b"],
    ],
)
async def test_requests_for_another_name_are_refused(hosts: list[str]) -> None:
    headers = [(b"accept", b"*/*"), *((b"host", host.encode("latin-1")) for host in hosts)]
    with pytest.raises(Forbidden, match="the Host header must be localhost or a loopback address, not ") as raised:
        await LocalAuthenticator().authenticate(headers, None)
    assert str(raised.value).isprintable()


async def test_the_whole_api_is_served() -> None:
    answer = await get(f"{PREFIX}/compositions")
    assert answer.status_code == 200
    assert [item["metadata"]["name"] for item in answer.json()["items"]] == [item.metadata.name for item in played(0)]
    assert "omitted" not in answer.json()["items"][0]["status"]
    assert (await get("/apis")).status_code == 200
    assert (await get("/readyz")).text == "ok"
    assert (await get("/metrics")).status_code == 200


async def test_dns_rebinding_gets_nothing_but_health() -> None:
    answer = await get(f"{PREFIX}/compositions", host="evil.example")
    assert (answer.status_code, answer.json()["reason"]) == (403, "Forbidden")
    assert "shop" not in answer.text
    assert (await get("/apis", host="evil.example")).status_code == 403


async def test_objects_of_the_cluster_are_forbidden_rather_than_not_found() -> None:
    answer = await get("/api/v1/namespaces/shop")
    assert (answer.status_code, answer.json()["message"]) == (
        403,
        "there is no cluster behind this server, only its compositions",
    )
    assert (await get("/api")).status_code == 200


async def test_what_somebody_else_may_see_is_not_made_up() -> None:
    answer = await get(f"{PREFIX}/compositions", **{"Impersonate-User": "bob"})
    assert (answer.status_code, answer.json()["reason"]) == (403, "Forbidden")
    assert "no cluster behind this server" in answer.json()["message"]


async def test_everything_else_is_allowed() -> None:
    attributes: list[Attributes] = [
        ResourceAttributes("list", "", "v1", "secrets"),
        NonResourceAttributes("/metrics", "get"),
    ]
    assert await LocalAuthorizer().allowed_many(LOCAL_USER, attributes) == set(attributes)
    for asked in attributes:
        await LocalAuthorizer().authorize(LOCAL_USER, asked)


@pytest.mark.parametrize(("address", "host"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_the_url_is_that_of_the_socket(address: str, host: str) -> None:
    with bind(address, 0) as listening:
        assert url_of(listening) == f"http://{host}:{listening.getsockname()[1]}"


async def test_the_commands_are_about_the_example() -> None:
    web = next(item for item in played(0) if item.metadata.name == "deployments.apps.web")
    asked = questions("http://localhost:8001", API, web)
    kubectl = ["kubectl", "--server=http://localhost:8001", "get"]
    url = f"http://localhost:8001{PREFIX}/namespaces/shop/deployments/web/compositions?pretty=true"
    assert list(map(shlex.split, asked)) == [
        [*kubectl, "comp", "-A"],
        [*kubectl, "comp", "-n", "shop", "-o", "wide"],
        [*kubectl, "comp", "deployments.apps.web", "-n", "shop", "-o", "yaml"],
        [*kubectl, "--raw", f"{PREFIX}/namespaces/shop/deployments/*/compositions"],
        ["curl", url],
    ]
    answer = await get(url.removeprefix("http://localhost:8001"))
    assert answer.json()["metadata"]["name"] == "deployments.apps.web"


def test_without_an_object_there_is_one_command() -> None:
    assert questions("http://localhost:1", API, None) == ["kubectl --server=http://localhost:1 get comp -A"]


def test_names_cannot_become_commands() -> None:
    manifest = scene(0, NOW)[-1]
    manifest["metadata"]["name"] = "a; rm -rf $HOME `x` ' \x1b[2J\n"
    manifest["metadata"]["namespace"] = "$(y)"
    asked = questions("http://localhost:1", API, composed(filled([manifest]))[0])
    assert all(line.isprintable() for line in asked)
    name = printable(f"pods.{manifest['metadata']['name']}")
    kubectl = ["kubectl", "--server=http://localhost:1", "get", "comp"]
    assert shlex.split(asked[1]) == [*kubectl, "-n", "$(y)", "-o", "wide"]
    assert shlex.split(asked[2]) == [*kubectl, name, "-n", "$(y)", "-o", "yaml"]
    assert [len(shlex.split(line)) for line in asked[3:]] == [5, 2]


def test_relations_of_the_configuration_and_of_definitions_hold_in_files(tmp_path: Path) -> None:
    """Whatever the order in which files say what leads where, what is led to and who leads."""
    metadata = {"name": "blog", "namespace": "shop"}
    files: dict[str, list[Any]] = {
        "a": [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**metadata, "annotations": {"site": "blog"}}},
            {"apiVersion": "v1", "kind": "Secret", "metadata": {**metadata, "labels": {"part-of": "blog"}}},
            {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, "labels": {"app": "x"}}},
        ],
        "b": [{"apiVersion": "example.org/v1", "kind": "Site", "metadata": metadata, "spec": {"pods": {"app": "x"}}}],
        "c": [
            {
                "apiVersion": "apiextensions.k8s.io/v1",
                "kind": "CustomResourceDefinition",
                "metadata": {
                    "name": "sites.example.org",
                    "annotations": {
                        "resource/annotation-relationship": "on:ConfigMap, key:site, value:INSTANCE.metadata.name"
                    },
                },
                "spec": {"group": "example.org", "names": {"kind": "Site", "plural": "sites"}},
            }
        ],
    }
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    relations = [
        {"name": "part", "from": "Secret", "to": "Site", "label": "part-of", "attached": True},
        {"name": "backs-up", "from": "sites.example.org", "to": "Pod", "selector": "spec.pods"},
    ]
    store = Store(local_api("kubediscovery.cloudark.io").kinds)
    load_local(tmp_path, store, read_settings({"relations": relations}))
    (site,) = (item for item in store.roots() if item.kind.kind == "Site")
    drawing = Drawing(relations=store.links.relations.names)
    found = build_tree(store, site, Sight(None, frozenset(store.kinds), all=True), drawing).root.related
    assert [(node.relation, node.kind, node.incoming) for node in found] == [
        ("annotation-relationship", "ConfigMap", None),
        ("backs-up", "Pod", None),
        ("part", "Secret", True),
    ]


async def test_what_cannot_be_served_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(ConfigurationError, match="No such file"):
        await serve_snapshot(
            ServeOptions(bind_address="127.0.0.1", secure_port=0, snapshot=tmp_path / "no"), said.append
        )
    with pytest.raises(ConfigurationError, match="on loopback only"):
        await serve_snapshot(ServeOptions(snapshot=tmp_path), said.append)
    with bind("127.0.0.1", 0) as taken:
        options = ServeOptions(bind_address="127.0.0.1", secure_port=taken.getsockname()[1], snapshot=tmp_path)
        with pytest.raises(StartupError, match="cannot listen on"):
            await serve_snapshot(options, said.append)
    assert said == []


def test_serving_in_a_cluster_loads_nothing_that_only_the_demo_needs() -> None:
    program = "import sys, kubediscovery.cli, kubediscovery.server; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    demo = ("demo", "local", "scene", "scenery", "snapshot", "documents", "text")
    assert "kubediscovery.server" in loaded
    assert not {"rich", *(f"kubediscovery.{name}" for name in demo)} & set(loaded)


@pytest.mark.parametrize(
    ("origin", "code"),
    [
        ("http://localhost:8001", 200),
        ("http://127.0.0.1", 200),
        ("https://page.example", 403),
        ("http://localhost.page.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
async def test_pages_from_elsewhere_get_nothing(origin: str, code: int) -> None:
    answer = await get("/version", Origin=origin)
    assert answer.status_code == code
