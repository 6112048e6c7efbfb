"""A live server does what the configuration file in docs/operations.md says."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.kubectl import KubectlError
from tests.integration.serving import Server, compositions, eventually, started

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"^## Configuration file$.*?^```yaml$(.*?)^```$", OPERATIONS, re.MULTILINE | re.DOTALL)
FAILED = {"phase": "Failed", "message": "no certificate"}


def definition(plural: str, kind: str, group: str) -> dict[str, Any]:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


DEFINITIONS = definition("sites", "Site", "example.org"), definition("notes", "Note", "drafts.example.org")


@pytest.fixture(scope="module")
def configured(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with that file, and the right to what it says more than the default."""
    directory = tmp_path_factory.mktemp("configured")
    path = directory / "config.yaml"
    path.write_text(EXAMPLE)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=items(*DEFINITIONS))
    names = [f"crd/{found['metadata']['name']}" for found in DEFINITIONS]
    cluster.kubectl("wait", "--for=condition=Established", *names, "--timeout=110s")
    kinds = ("--kinds", "events.,*.example.org,*.drafts.example.org")
    Server(cluster, directory, port, kinds).install()
    server = Server(cluster, directory, port, ("--config", str(path)))
    try:
        with started(server):
            yield server
    finally:
        cluster.kubectl("delete", *names, "--wait=false")


def items(*manifests: dict[str, Any]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})


def site(name: str, **content: Any) -> dict[str, Any]:
    return {"apiVersion": "example.org/v1", "kind": "Site", "metadata": {"name": name}, **content}


@pytest.fixture
def asked(cluster: ControlPlane, configured: Server, namespace: str) -> Any:
    """Asks for a composition of the namespace."""
    service = {"spec": {"ports": [{"port": 5432}]}, "metadata": {"name": "main-db"}}
    cluster.kubectl(
        "apply",
        "--namespace",
        namespace,
        "-f",
        "-",
        stdin=items(
            {"apiVersion": "v1", "kind": "Service", **service},
            site("shop", spec={"databases": [{"service": "main-db"}]}, status=FAILED),
            site("blog", status={"phase": "Running"}),
        ),
    )

    def ask(path: str) -> Any:
        return compositions(cluster, f"namespaces/{namespace}/{path}")

    return ask


def test_the_rule_in_cel_judges(asked: Any) -> None:
    def is_judged() -> bool:
        shop, blog = (asked(f"sites/{name}/compositions")["root"] for name in ("shop", "blog"))
        judged = [shop[key] for key in ("health", "reason", "message")]
        return judged == ["Degraded", "SiteFailed", "no certificate"] and blog["health"] == "Healthy"

    eventually(is_judged, "the sites to be judged")


def test_the_declared_relation_leads_there_and_back(asked: Any) -> None:
    def leads() -> bool:
        (forth,) = asked("sites/shop/compositions?relations=database")["root"]["related"]
        (back,) = asked("services/main-db/compositions?relations=database")["root"]["related"]
        assert (forth["kind"], forth["name"], forth["relation"]) == ("Service", "main-db", "database")
        assert (back["kind"], back["name"], back["incoming"]) == ("Site", "shop", True)
        users = asked("services/main-db/compositions?direction=users")["root"]["children"]
        return [found["name"] for found in users] == ["shop"]

    eventually(leads, "the relation")


def test_events_are_included(cluster: ControlPlane, asked: Any, namespace: str) -> None:
    uid = cluster.kubectl("get", "site", "shop", "--namespace", namespace, "--output=jsonpath={.metadata.uid}")
    about = {"apiVersion": "example.org/v1", "kind": "Site", "name": "shop", "namespace": namespace, "uid": uid}
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "shop.1"},
        "involvedObject": about,
        "type": "Warning",
        "reason": "CertificateExpired",
        "message": "the certificate is too old",
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }
    cluster.kubectl("create", "--namespace", namespace, "-f", "-", stdin=json.dumps(event))

    def is_told() -> bool:
        (found,) = asked("sites/shop/compositions?relations=event")["root"]["events"]
        return bool(found["reason"] == "CertificateExpired")

    eventually(is_told, "the Event")


def test_what_is_excluded_is_not_followed_and_flags_hold(configured: Server, asked: Any) -> None:
    metrics = configured.get_as_admin("/metrics")[1].decode()
    followed = set(re.findall(r'^kubediscovery_reflector_watching\{resource="([^"]+)"\} 1', metrics, re.MULTILINE))
    assert {"events", "sites.example.org", "pods"} <= followed
    assert not followed & {"leases.coordination.k8s.io", "endpoints", "notes.drafts.example.org"}
    with pytest.raises(KubectlError):
        asked("notes.drafts.example.org/any/compositions")
    lines = [json.loads(line) for line in configured.log.read_text().splitlines()]
    assert all("ts" in line for line in lines)
    assert yaml.safe_load(EXAMPLE)["logging-format"] == "json"
