"""Kinds that come, change and go while the server runs, with rights and without."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kubediscovery.built_in import KUBERNETES_KINDS
from kubediscovery.selection import Selection
from kubediscovery.testing.controlplane import ControlPlane
from tests.integration.serving import API_SERVICE, Server, compositions, eventually, run_command

# Megabytes that 200 kinds without objects may add.
MORE_MEMORY = 30
LABEL = "kubediscovery.cloudark.io/aggregate-to-server=true"


def definition(
    plural: str, kind: str, *, group: str = "example.org", versions: tuple[str, ...] = ("v1",), **spec: Any
) -> dict[str, Any]:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    served = [{"name": name, "served": True, "storage": name == versions[0], "schema": schema} for name in versions]
    names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": served, **spec},
    }


Apply = Callable[..., None]


@pytest.fixture
def apply(cluster: ControlPlane, tmp_path: Path) -> Apply:
    def applied(*manifests: dict[str, Any]) -> None:
        path = tmp_path / "manifests.json"
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)}))
        cluster.kubectl("apply", "--server-side", "-f", str(path))

    return applied


@contextmanager
def defined(cluster: ControlPlane, apply: Apply, *definitions: dict[str, Any]) -> Iterator[None]:
    names = [found["metadata"]["name"] for found in definitions]
    apply(*definitions)
    try:
        yield
    finally:
        cluster.kubectl("delete", "crd", *names, "--ignore-not-found", "--wait=false")
        cluster.kubectl("wait", "--for=delete", *[f"crd/{name}" for name in names], "--timeout=110s")


@contextmanager
def let_read(cluster: ControlPlane, name: str, resources: str) -> Iterator[None]:
    """As the documentation says: a ClusterRole with the label."""
    cluster.kubectl("create", "clusterrole", name, "--verb=list,watch", f"--resource={resources}")
    try:
        cluster.kubectl("label", "clusterrole", name, LABEL)
        yield
    finally:
        cluster.kubectl("delete", "clusterrole", name)


@pytest.fixture
def all_of_example_org(cluster: ControlPlane) -> Iterator[None]:
    with let_read(cluster, "example-org", "*.example.org,*.more.example.org"):
        yield


def metric(server: Server, name: str, resource: str) -> float | None:
    text = server.get_as_admin("/metrics")[1].decode()
    found = re.search(rf'^{name}{{resource="{re.escape(resource)}"}} ([0-9.]+)$', text, re.MULTILINE)
    return float(found[1]) if found else None


def watched(server: Server, resource: str) -> bool:
    return metric(server, "kubediscovery_reflector_watching", resource) == 1


def readiness(server: Server) -> tuple[int, dict[str, str]]:
    """The status, and the lines by the name of the check."""
    status, body = server.get("/readyz?verbose")
    lines = body.decode().splitlines()[:-1]
    return status, {line[3:].partition(" ")[0]: line for line in lines}


def test_all_of_kubernetes_s_own_kinds_are_followed_but_secrets(server: Server) -> None:
    followed = Selection().of(KUBERNETES_KINDS)
    on_by_default = [kind for kind in followed if "alpha" not in kind.version and "beta" not in kind.version]
    for kind in on_by_default:
        if kind.resource != "secrets":
            eventually(lambda kind=kind: watched(server, str(kind)), f"{kind} to be watched")  # type: ignore[misc]
    assert metric(server, "kubediscovery_reflector_watching", "leases.coordination.k8s.io") is None
    status, lines = readiness(server)
    assert status == 200
    assert "omitted (Forbidden)" in lines["cache-secrets"]
    assert len(lines) < 20


def test_a_new_kind_is_followed_with_its_objects_and_goes_with_its_definition(
    cluster: ControlPlane, server: Server, namespace: str, apply: Apply, all_of_example_org: None
) -> None:
    kafka = {"apiVersion": "example.org/v1", "kind": "Kafka", "metadata": {"name": "broker", "namespace": namespace}}
    with defined(cluster, apply, definition("kafkas", "Kafka")):
        eventually(lambda: watched(server, "kafkas.example.org"), "kafkas to be watched")
        apply(kafka)
        found = eventually_objects(server, "kafkas.example.org", 1)
        assert found == 1
        path = f"namespaces/{namespace}/kafkas.example.org/*/compositions"
        eventually(
            lambda: [item["root"]["name"] for item in compositions(cluster, path)["items"]] == ["broker"],
            "the subresource",
        )
        assert readiness(server)[0] == 200
    eventually(
        lambda: metric(server, "kubediscovery_cache_objects", "kafkas.example.org") is None, "kafkas to be forgotten"
    )


def eventually_objects(server: Server, resource: str, number: int) -> int:
    eventually(lambda: metric(server, "kubediscovery_cache_objects", resource) == number, f"{number} of {resource}")
    return number


def test_a_kind_whose_version_changes_is_read_in_the_new_one(
    cluster: ControlPlane, server: Server, namespace: str, apply: Apply, all_of_example_org: None
) -> None:
    topic = {"apiVersion": "example.org/v1alpha1", "kind": "Topic", "metadata": {"name": "t", "namespace": namespace}}
    with defined(cluster, apply, definition("topics", "Topic", versions=("v1alpha1",))):
        apply(topic)
        eventually_objects(server, "topics.example.org", 1)
        apply(definition("topics", "Topic", versions=("v1", "v1alpha1")))
        path = f"namespaces/{namespace}/topics.example.org/t/compositions"
        eventually(lambda: compositions(cluster, path)["root"]["apiVersion"] == "example.org/v1", "the new version")


def test_equal_plurals_of_two_groups_are_told_apart(
    cluster: ControlPlane, server: Server, namespace: str, apply: Apply, all_of_example_org: None
) -> None:
    service = {"apiVersion": "example.org/v1", "kind": "Service", "metadata": {"name": "ours", "namespace": namespace}}
    with defined(cluster, apply, definition("services", "Service")):
        eventually(lambda: watched(server, "services.example.org"), "services to be watched")
        cluster.kubectl("create", "service", "clusterip", "theirs", "--tcp=80", f"--namespace={namespace}")
        apply(service)

        def names(resource: str) -> list[str]:
            found = compositions(cluster, f"namespaces/{namespace}/{resource}/*/compositions")
            return [item["root"]["name"] for item in found["items"]]

        eventually(lambda: names("services.example.org") == ["ours"], "the custom one")
        eventually(lambda: names("services") == ["theirs"], "the core one")


def test_a_kind_without_rights_is_named_with_the_role_that_adds_it(
    cluster: ControlPlane, server: Server, apply: Apply
) -> None:
    with defined(cluster, apply, definition("vaults", "Vault", group="private.example.org")):
        eventually(
            lambda: "omitted (Forbidden)" in readiness(server)[1]["cache-vaults.private.example.org"], "the refusal"
        )
        status, lines = readiness(server)
        assert status == 200
        assert LABEL.replace("=true", ': "true"') in lines["cache-vaults.private.example.org"]
        assert "install --kinds vaults.private.example.org" in lines["cache-vaults.private.example.org"]
        with let_read(cluster, "vaults", "vaults.private.example.org"):
            # The server sees the change of the roles, and need not wait for its next try.
            eventually(lambda: watched(server, "vaults.private.example.org"), "the right to count")


def test_install_lets_it_read_more(cluster: ControlPlane, server: Server, apply: Apply) -> None:
    flags = ("--external-name", "localhost", "--port", str(server.port), "--cert-dir", str(server.directory))
    with defined(cluster, apply, definition("boats", "Boat", group="harbour.example.org")):
        eventually(
            lambda: "omitted (Forbidden)" in readiness(server)[1]["cache-boats.harbour.example.org"], "the refusal"
        )
        run_command("install", "--apply", *flags, "--kinds", "b*.harbour.*,secrets", kubeconfig=cluster.kubeconfig)
        for resource in ("boats.harbour.example.org", "secrets"):
            eventually(lambda resource=resource: watched(server, resource), resource)  # type: ignore[misc]
        # What they hold was never asked for.
        assert cluster.kubectl("get", "clusterrole", "kubediscovery:server-more", "-o", "name").strip()
        server.install()
        assert not cluster.kubectl("get", "clusterrole", "kubediscovery:server-more", "--ignore-not-found").strip()
    assert cluster.kubectl("get", "apiservice", API_SERVICE, "-o", "name").strip()


def test_a_kind_that_only_fails_keeps_nothing_waiting(
    cluster: ControlPlane, server: Server, namespace: str, apply: Apply, all_of_example_org: None
) -> None:
    """Its objects would be converted by a webhook that is not there; a server that starts is ready all the same."""
    nowhere = {"clientConfig": {"url": "https://127.0.0.1:1/convert"}, "conversionReviewVersions": ["v1"]}
    old = {"apiVersion": "example.org/v1", "kind": "Relic", "metadata": {"name": "old", "namespace": namespace}}
    broken = definition(
        "relics", "Relic", versions=("v1", "v2"), conversion={"strategy": "Webhook", "webhook": nowhere}
    )
    with defined(cluster, apply, definition("relics", "Relic")):
        apply(old)
        eventually_objects(server, "relics.example.org", 1)
        apply(broken)
        server.stop()
        server.start()
        took = eventually(lambda: server.get("/readyz")[0] == 200, "the server to be ready", log=server.log)
        assert took < 25
        assert "omitted (Unavailable)" in readiness(server)[1]["cache-relics.example.org"]
        assert metric(server, "kubediscovery_cache_objects", "relics.example.org") == 0
        # Once it is mended the kind is there.
        apply(definition("relics", "Relic", versions=("v1", "v2"), conversion={"strategy": "None"}))
        eventually(
            lambda: metric(server, "kubediscovery_cache_objects", "relics.example.org") == 1,
            "the mended one",
            seconds=120,
        )


def test_hundreds_of_kinds_take_little_memory(
    cluster: ControlPlane, server: Server, apply: Apply, all_of_example_org: None, record_property: Any
) -> None:
    before = server.memory()
    many = [definition(f"things{number}", f"Thing{number}", group="more.example.org") for number in range(200)]
    for found in many:
        found["metadata"]["labels"] = {"example.org/part-of": "many"}
    try:
        apply(*many)
        eventually(lambda: every_one_watched(server, 200), "all kinds to be watched", seconds=120, every=0.5)
        # A watch that has ended is opened again.
        eventually(lambda: all_are_watched_in_one_line(server), "readiness to say so")
        added = server.memory() - before
        record_property("megabytes", added)
        assert added < MORE_MEMORY
    finally:
        # kubectl would delete one after the other.
        selected = "labelSelector=example.org%2Fpart-of=many"
        cluster.kubectl("delete", "--raw", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions?{selected}")


def all_are_watched_in_one_line(server: Server) -> bool:
    status, lines = readiness(server)
    assert re.fullmatch(r"\[\+\]caches ok: 2\d\d more, watching", lines["caches"]), lines["caches"]
    return status == 200 and len(lines) < 20


def every_one_watched(server: Server, number: int) -> bool:
    text = server.get_as_admin("/metrics")[1].decode()
    pattern = r'^kubediscovery_reflector_watching{resource="things\d+\.more\.example\.org"} 1\.0$'
    return len(re.findall(pattern, text, re.MULTILINE)) == number
