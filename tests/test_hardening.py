"""What checkers of manifests (kube-linter and its like) ask of a workload, of all that can be installed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubediscovery.access import UsersRule
from kubediscovery.manifests import Installation, objects
from kubediscovery.serving_certificate import ServingCertificate
from kubediscovery.workload import Manifest

ROOT = Path(__file__).parents[1]
APP = Installation(
    name="images",
    namespace="images",
    api_group="images.example.org",
    app="images:registry",
    image="registry.example.org/images:1.2",
    users=(UsersRule("*/images", ("get",)),),
)


def of_folder(folder: Path) -> list[Manifest]:
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    texts = [(folder / name).read_text() for name in kustomization["resources"]]
    return [manifest for text in texts for manifest in yaml.safe_load_all(text)]


def of_installation(installation: Installation) -> list[Manifest]:
    return list(objects(installation, ServingCertificate(b"ca", b"certificate", b"key")))


INSTALLATIONS = {
    "install": of_installation(Installation()),
    "install --manage-apiservice": of_installation(Installation(manages_api_service=True)),
    "install --app": of_installation(APP),
    "kustomize": of_folder(ROOT / "manifests"),
}
EACH = pytest.mark.parametrize("manifests", INSTALLATIONS.values(), ids=INSTALLATIONS)


def named(manifests: list[Manifest], kind: str) -> Manifest:
    (found,) = [manifest for manifest in manifests if manifest["kind"] == kind]
    return found


def pod_of(manifests: list[Manifest]) -> Manifest:
    template: Manifest = named(manifests, "Deployment")["spec"]["template"]
    return template


def container_of(manifests: list[Manifest]) -> Manifest:
    (container,) = pod_of(manifests)["spec"]["containers"]
    return dict(container)


def rules_of(manifests: list[Manifest]) -> Iterator[dict[str, Any]]:
    for manifest in manifests:
        if manifest["kind"] in ("ClusterRole", "Role"):
            yield from manifest.get("rules", ())


@EACH
def test_nothing_of_the_node_is_shared(manifests: list[Manifest]) -> None:
    spec = pod_of(manifests)["spec"]
    assert not {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "initContainers"} & set(spec)
    assert "sysctls" not in spec["securityContext"]
    assert "hostPort" not in str(container_of(manifests)["ports"])
    assert {kind for volume in spec["volumes"] for kind in volume if kind != "name"} == {"secret", "emptyDir"}


@EACH
def test_the_container_can_become_nothing_more(manifests: list[Manifest]) -> None:
    pod, container = pod_of(manifests)["spec"]["securityContext"], container_of(manifests)["securityContext"]
    assert pod["runAsNonRoot"] is True
    assert min(pod["runAsUser"], pod["runAsGroup"], pod["fsGroup"]) >= 10_000
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


@EACH
def test_what_it_writes_is_bounded_and_what_it_reads_is_read_only(manifests: list[Manifest]) -> None:
    volumes = {volume["name"]: volume for volume in pod_of(manifests)["spec"]["volumes"]}
    for mount in container_of(manifests)["volumeMounts"]:
        volume = volumes[mount["name"]]
        assert mount.get("readOnly") is True or volume["emptyDir"]["sizeLimit"]
        assert "secret" not in volume or not volume["secret"]["defaultMode"] & 0o007


@EACH
def test_an_autoscaler_may_take_its_node(manifests: list[Manifest]) -> None:
    """Volumes on the node hold it back unless they are named (cluster-autoscaler's FAQ)."""
    annotation = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"
    named_volumes = pod_of(manifests)["metadata"]["annotations"][annotation].split(",")
    volumes = pod_of(manifests)["spec"]["volumes"]
    assert named_volumes == [volume["name"] for volume in volumes if "emptyDir" in volume]


@EACH
def test_it_asks_for_what_it_needs(manifests: list[Manifest]) -> None:
    """No limit on the processor: docs/sizing.md says why."""
    resources = container_of(manifests)["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert set(resources["limits"]) == {"memory"}


@EACH
def test_the_image_is_one_version(manifests: list[Manifest]) -> None:
    _, _, tag = container_of(manifests)["image"].rpartition(":")
    assert tag
    assert tag != "latest"
    assert "env" not in container_of(manifests)


@EACH
def test_kubelet_asks_how_it_is(manifests: list[Manifest]) -> None:
    """Being alive is another question than being ready, and is asked of a port that is there."""
    container = container_of(manifests)
    ports = {port["name"] for port in container["ports"]}
    paths = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {path["port"] for path in paths.values()} <= ports
    assert {path["scheme"] for path in paths.values()} == {"HTTPS"}
    assert paths["liveness"]["path"] == paths["startup"]["path"] != paths["readiness"]["path"]


@EACH
def test_one_replica_at_a_time_goes_away(manifests: list[Manifest]) -> None:
    deployment, budget = named(manifests, "Deployment")["spec"], named(manifests, "PodDisruptionBudget")["spec"]
    assert deployment["replicas"] >= 2
    assert deployment["strategy"]["type"] == "RollingUpdate"
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert 1 <= budget["maxUnavailable"] < deployment["replicas"]
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    (spread,) = pod_of(manifests)["spec"]["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"


@EACH
def test_every_selector_finds_the_pods(manifests: list[Manifest]) -> None:
    labels = pod_of(manifests)["metadata"]["labels"].items()
    for selector in (
        named(manifests, "Deployment")["spec"]["selector"]["matchLabels"],
        named(manifests, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        named(manifests, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        named(manifests, "Service")["spec"]["selector"],
    ):
        assert selector
        assert selector.items() <= labels


@EACH
def test_its_account_is_its_own_and_gives_a_token_to_nobody_else(manifests: list[Manifest]) -> None:
    account, spec = named(manifests, "ServiceAccount"), pod_of(manifests)["spec"]
    assert spec["serviceAccountName"] == account["metadata"]["name"] != "default"
    assert account["automountServiceAccountToken"] is False
    assert named(manifests, "PriorityClass")["metadata"]["name"] == spec["priorityClassName"]


@EACH
def test_no_right_is_more_than_it_says(manifests: list[Manifest]) -> None:
    """No wildcard, no Secret, nothing that makes pods or rights, nobody's cluster-admin."""
    for rule in rules_of(manifests):
        assert "*" not in (*rule.get("verbs", ()), *rule.get("apiGroups", ()), *rule.get("resources", ()))
        assert not {"secrets", "pods/exec", "pods/attach", "nodes/proxy"} & set(rule.get("resources", ()))
        assert not {"impersonate", "escalate", "bind", "deletecollection"} & set(rule["verbs"])
        if not set(rule["verbs"]) <= {"get", "list", "watch"}:
            assert set(rule["resources"]) <= {"apiservices", "leases"}
    bound = {manifest["roleRef"]["name"] for manifest in manifests if "roleRef" in manifest}
    assert not bound & {"cluster-admin", "admin", "edit"}


@EACH
def test_its_namespace_takes_no_lesser_pod(manifests: list[Manifest]) -> None:
    labels = named(manifests, "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
