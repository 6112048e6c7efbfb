"""OpenAPI through a real kube-apiserver, and from the server itself, as real kubectl reads it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubediscovery.testing.controlplane import ControlPlane
from tests.integration.serving import GROUP, Server, eventually

DOCUMENT = f"/openapi/v3/apis/{GROUP}/v1"


@pytest.fixture(scope="module", autouse=True)
def published(cluster: ControlPlane, server: Server) -> None:
    """Wait until the aggregator has taken the documents, which it does when the server becomes available."""
    eventually(lambda: f"apis/{GROUP}/v1" in raw(cluster, "/openapi/v3")["paths"], "the index", log=server.log)
    # Version 2 it merges with those of all others.
    eventually(lambda: swagger(cluster)["paths"], "the document of version 2", every=0.5, seconds=70, log=server.log)


def raw(cluster: ControlPlane, path: str) -> Any:
    return json.loads(cluster.kubectl("get", "--raw", path))


def swagger(cluster: ControlPlane) -> dict[str, dict[str, Any]]:
    """What is this group's in the document of the whole cluster."""
    found = raw(cluster, "/openapi/v2")
    return {
        "paths": {path: item for path, item in found["paths"].items() if path.startswith(f"/apis/{GROUP}/")},
        "definitions": {name: found for name, found in found["definitions"].items() if "cloudark" in name},
    }


def explain(cluster: ControlPlane, *arguments: str) -> str:
    return cluster.kubectl("explain", *arguments)


def test_every_field_is_explained_recursively(cluster: ControlPlane) -> None:
    text = explain(cluster, "compositions", "--recursive")
    assert re.search(r"GROUP: +kubediscovery\.cloudark\.io\nKIND: +Composition\nVERSION: +v1\n", text)
    for line in ("apiVersion\t<string>", "metadata\t<ObjectMeta>", "root\t<Node>", "status\t<CompositionStatus>"):
        assert f"  {line}" in text
    # Each level is indented by two; nodes in nodes end where they begin again.
    for line in ("children\t<[]Node>", "info\t<Info>", "pods\t<PodCount>", "omitted\t<[]Omitted>"):
        assert f"\n    {line}" in text
    for line in ("images\t<[]string>", "restarts\t<integer>", "total\t<integer>"):
        assert f"\n      {line}" in text
    assert text.count("children\t") == 1


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("comp", "the tree of all that it owns"),
        ("comp.root", "health"),
        ("comp.root.children", "<[]Node>"),
        ("comp.root.children.children.health", "Suspended"),
        ("comp.root.info", "FIELDS:"),
        ("comp.root.info.images", "<[]string>"),
        ("comp.status", "omitted"),
        ("comp.status.pods.ready", "<integer>"),
        ("comp.metadata.labels", "<map[string]string>"),
    ],
)
def test_a_field_is_explained(cluster: ControlPlane, field: str, says: str) -> None:
    text = explain(cluster, field)
    assert says in " ".join(text.split())
    assert "<no description>" not in text
    assert "<empty>" not in text
    described = re.search(r"DESCRIPTION:\n((?: .*\n)+)", text)
    assert described is not None
    assert len(described[1].split()) > 3


def test_version_2_explains_the_same_and_does_not_break_what_others_say(cluster: ControlPlane) -> None:
    """kubectl reads the whole cluster's document, in protobuf, and refuses all of it for one field that is wrong."""
    old = "--output=plaintext-openapiv2"
    assert "<[]Object>" in explain(cluster, "comp.root.children", old)
    assert "restarts" in explain(cluster, "comp.root.info", old)
    assert "containers" in explain(cluster, "pods.spec", old)


def test_the_cluster_s_document_has_the_paths_and_only_our_definitions(cluster: ControlPlane) -> None:
    ours = swagger(cluster)
    assert f"/apis/{GROUP}/v1/namespaces/{{namespace}}/deployments/{{name}}/compositions" in ours["paths"]
    assert f"/apis/{GROUP}/v1/watch/compositions" in ours["paths"]
    # A second definition under a known name would be called so.
    assert [name for name in raw(cluster, "/openapi/v2")["definitions"] if name.endswith("_v2")] == []
    assert {name.rpartition(".")[0] for name in ours["definitions"]} == {"io.cloudark.kubediscovery.v1"}


def test_the_document_is_what_the_index_names_and_nobody_is_redirected(cluster: ControlPlane) -> None:
    path = raw(cluster, "/openapi/v3")["paths"][f"apis/{GROUP}/v1"]["serverRelativeURL"]
    assert path.startswith(f"{DOCUMENT}?hash=")
    assert raw(cluster, path) == raw(cluster, f"{DOCUMENT}?hash=former") == raw(cluster, DOCUMENT)


def test_kubectl_reads_the_server_s_own_documents(cluster: ControlPlane, server: Server, tmp_path: Path) -> None:
    """Without the aggregator between them; of version 2 it asks for nothing but protobuf."""
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    authority = server.log.with_name("ca.crt")
    config["clusters"][0]["cluster"] = {"server": server.url, "certificate-authority": str(authority)}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(config))
    for output in ("plaintext", "plaintext-openapiv2"):
        text = cluster.kubectl("explain", "compositions.root.info", f"--output={output}", kubeconfig=kubeconfig)
        assert "restarts" in text
