"""What ``install --manage-apiservice`` adds, takes away again, and prints."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from kubediscovery.cluster import path_of
from kubediscovery.errors import StartupError
from kubediscovery.install import InstallOptions, install
from kubediscovery.kustomize import COMPONENT
from kubediscovery.management import management
from kubediscovery.manifests import INSTALLED_KINDS, External, Installation, objects
from kubediscovery.presence import SharedLease
from kubediscovery.serving_certificate import ServingCertificate
from kubediscovery.uninstall import uninstall
from kubediscovery.workload import Manifest, deployment
from tests.kube_apiserver import API_SERVICE, AUTHENTICATION, FakeKubeApiserver
from tests.versioned import LEASE, LEASE_NAME

ROOT = Path(__file__).parents[1]
UNSIGNED = ServingCertificate(b"", b"", b"")
MANAGED = InstallOptions(manage_apiservice=True)
ADDED = ("kubediscovery:apiservice", "kubediscovery:replicas", LEASE_NAME)


def added_paths(cluster: FakeKubeApiserver) -> list[str]:
    return [path for path in cluster.objects if path.endswith(ADDED)]


def rules_of(manifest: Manifest) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    return [
        (rule["resources"][0], tuple(rule.get("resourceNames", ())), tuple(rule["verbs"])) for rule in manifest["rules"]
    ]


def test_the_rights_are_to_one_api_service_and_one_lease() -> None:
    """Only the verb create cannot be limited to a name."""
    by_kind = {manifest["kind"]: manifest for manifest in management("here", ["v1.trees.example.com"])}
    assert rules_of(by_kind["ClusterRole"]) == [
        ("apiservices", ("v1.trees.example.com",), ("get", "patch", "delete")),
        ("apiservices", (), ("create",)),
    ]
    assert rules_of(by_kind["Role"]) == [("leases", (LEASE_NAME,), ("get", "update"))]
    for name in ("Role", "RoleBinding", "Lease"):
        assert by_kind[name]["metadata"]["namespace"] == "here"
    subject = {"kind": "ServiceAccount", "name": "kubediscovery", "namespace": "here"}
    assert by_kind["ClusterRoleBinding"]["subjects"] == by_kind["RoleBinding"]["subjects"] == [subject]


def test_an_app_has_a_lease_and_rights_of_its_own() -> None:
    names = ["v1.images.example.org", "v2.audits.example.org"]
    made = management("here", names, "images")
    by_kind = {manifest["kind"]: manifest for manifest in made}
    assert rules_of(by_kind["ClusterRole"])[0] == ("apiservices", tuple(names), ("get", "patch", "delete"))
    assert rules_of(by_kind["Role"]) == [("leases", ("images-replicas",), ("get", "update"))]
    assert path_of(by_kind["Lease"]) == SharedLease(FakeKubeApiserver(), "here", "images").path
    assert {manifest["metadata"]["labels"]["app.kubernetes.io/name"] for manifest in made} == {"images"}
    subject = {"kind": "ServiceAccount", "name": "images", "namespace": "here"}
    assert by_kind["ClusterRoleBinding"]["subjects"] == by_kind["RoleBinding"]["subjects"] == [subject]


def test_the_lease_is_the_one_that_replicas_share() -> None:
    (lease,) = [manifest for manifest in management("here", ["x"]) if manifest["kind"] == "Lease"]
    assert path_of(lease) == SharedLease(FakeKubeApiserver(), "here", "kubediscovery").path


@pytest.mark.parametrize("external", [None, External("localhost", 18443)])
def test_without_the_option_nothing_of_it_is_installed(external: External | None) -> None:
    """And with it objects still come in the order of the table, what others need first."""
    without = objects(Installation(external=external), UNSIGNED)
    with_it = objects(Installation(external=external, manages_api_service=True), UNSIGNED)
    assert not any(manifest["metadata"]["name"] in ADDED for manifest in without)
    added = {path_of(manifest) for manifest in with_it} - {path_of(manifest) for manifest in without}
    assert added == {path_of(manifest) for manifest in management("kubediscovery", ["v1.kubediscovery.cloudark.io"])}
    order = [kind.kind for kind in INSTALLED_KINDS]
    positions = [order.index(manifest["kind"]) for manifest in with_it]
    assert positions == sorted(positions)


def arguments_of(manifest: Manifest) -> list[str]:
    arguments: list[str] = manifest["spec"]["template"]["spec"]["containers"][0]["args"]
    return arguments


def test_the_pods_get_the_flags() -> None:
    installation = Installation(namespace="other", manages_api_service=True)
    (found,) = [manifest for manifest in objects(installation, UNSIGNED) if manifest["kind"] == "Deployment"]
    assert arguments_of(found)[-2:] == ["--manage-apiservice", "--namespace=other"]
    assert "--manage-apiservice" not in arguments_of(deployment("other", "image", "example.com", "secret"))


async def test_outside_the_told_command_has_the_flags(tmp_path: Path) -> None:
    options = InstallOptions(
        external_name="localhost", port=18443, cert_dir=tmp_path, namespace="other", manage_apiservice=True
    )
    said = list[str]()
    await install(options, FakeKubeApiserver(), said.append)
    (serve,) = [line for line in said if line.startswith("kubediscovery serve ")]
    assert serve.endswith(" --manage-apiservice --namespace=other")


async def test_installing_without_the_option_takes_lease_and_rights_away() -> None:
    """The Lease first: from then on no replica takes the APIService away."""
    cluster, said = FakeKubeApiserver(), list[str]()
    await install(MANAGED, cluster, print)
    assert len(added_paths(cluster)) == 5
    cluster.changes.clear()
    await install(InstallOptions(), cluster, said.append)
    assert added_paths(cluster) == []
    deleted = [path for method, path in cluster.changes if method == "DELETE"]
    assert len(deleted) == 5
    assert deleted[0] == LEASE
    assert f"removed lease.coordination.k8s.io/{LEASE_NAME} in namespace kubediscovery: not needed any more" in said
    assert API_SERVICE in cluster.objects


async def test_uninstalling_takes_the_lease_away_before_all_else() -> None:
    """Otherwise a replica that still runs would put the APIService back."""
    cluster = FakeKubeApiserver()
    await install(MANAGED, cluster, print)
    cluster.changes.clear()
    await uninstall(cluster, print)
    assert list(cluster.objects) == [AUTHENTICATION]
    assert cluster.changes[:2] == [("DELETE", LEASE), ("DELETE", API_SERVICE)]


async def test_who_may_not_give_these_rights_is_told_so() -> None:
    cluster = FakeKubeApiserver()
    for verb in ("escalate", "bind", "delete", "update"):
        cluster.denied |= {(verb, resource) for resource in ("clusterroles", "roles", "apiservices", "leases")}
    with pytest.raises(StartupError) as caught:
        await install(MANAGED, cluster, print)
    lines = str(caught.value).splitlines()
    over = "escalate clusterroles.rbac.authorization.k8s.io/kubediscovery:apiservice"
    assert f"  {over} (or what it gives: delete apiservices.apiregistration.k8s.io)" in lines
    over = "bind roles.rbac.authorization.k8s.io/kubediscovery:replicas in namespace kubediscovery"
    assert f"  {over} (or what it gives: update leases.coordination.k8s.io in namespace kubediscovery)" in lines


def test_the_component_adds_the_same() -> None:
    """``manifests/manage-apiservice``, for kustomize; that it can be built is seen with kubectl."""
    folder = ROOT / "manifests" / COMPONENT
    component = yaml.safe_load((folder / "kustomization.yaml").read_text())
    written: list[Any] = [m for name in component["resources"] for m in yaml.safe_load_all((folder / name).read_text())]
    assert written == [*management(Installation().namespace, Installation().api_service_names)]
    (patch,) = component["patches"]
    assert patch["target"] == {"kind": "Deployment", "name": "kubediscovery"}
    values = [operation["value"] for operation in yaml.safe_load(patch["patch"])]
    assert values == ["--manage-apiservice", "--namespace=kubediscovery"]
