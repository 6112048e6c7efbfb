"""The command uninstall: everything of ours goes, in order, and nothing else."""

from pathlib import Path

import pytest

from kubediscovery.errors import StartupError
from kubediscovery.install import InstallOptions, install
from kubediscovery.serving_certificate import ServingCertificate
from kubediscovery.uninstall import uninstall
from tests.kube_apiserver import API_SERVICE, AUTHENTICATION, NAMESPACE, FakeKubeApiserver, UnreachableKubeApiserver


async def installed(options: InstallOptions | None = None) -> FakeKubeApiserver:
    cluster = FakeKubeApiserver()
    await install(options or InstallOptions(), cluster, print)
    cluster.changes.clear()
    return cluster


async def test_everything_goes_the_api_service_first() -> None:
    """While an APIService leads nowhere no namespace can be deleted: it goes first, the namespace last."""
    cluster, said = await installed(), list[str]()
    await uninstall(cluster, said.append)
    assert list(cluster.objects) == [AUTHENTICATION]
    assert cluster.changes[0] == ("DELETE", API_SERVICE)
    assert cluster.changes[-1] == ("DELETE", NAMESPACE)
    assert len(said) == len(cluster.changes) == 15
    assert said[0] == "removed apiservice.apiregistration.k8s.io/v1.kubediscovery.cloudark.io"


async def test_a_stuck_api_service_stops_the_rest() -> None:
    """Nothing is deleted before the APIService is gone."""
    cluster = await installed()
    cluster.undeletable = {API_SERVICE}
    with pytest.raises(StartupError, match=r"apiservice\.apiregistration\.k8s\.io/.* is still being deleted"):
        await uninstall(cluster, print, wait=0)
    assert cluster.changes == [("DELETE", API_SERVICE)]


async def test_uninstalling_twice_succeeds() -> None:
    """What is absent is no error, and is said."""
    cluster, said = await installed(), list[str]()
    await uninstall(cluster, print)
    await uninstall(cluster, said.append)
    assert said == ["kubediscovery is not installed: nothing to remove"]


async def test_any_namespace_and_group_is_found() -> None:
    """Objects are found by label, so no flag of the installation has to be repeated."""
    cluster = await installed(InstallOptions(namespace="other", api_group="trees.example.com"))
    await uninstall(cluster, print)
    assert list(cluster.objects) == [AUTHENTICATION]


async def test_only_what_is_labelled_as_ours_goes() -> None:
    """Objects of the same name without our labels, and our objects' neighbours, stay."""
    cluster = await installed()
    cluster.objects[NAMESPACE]["metadata"]["labels"] = {"app.kubernetes.io/name": "kubediscovery"}
    await uninstall(cluster, print)
    assert set(cluster.objects) == {AUTHENTICATION, NAMESPACE}


async def test_a_stuck_namespace_is_explained() -> None:
    """A namespace that does not go is named with Kubernetes's own reason."""
    cluster = await installed()
    cluster.undeletable = {NAMESPACE}
    cluster.objects[NAMESPACE]["status"] = {
        "conditions": [{"status": "True", "message": "Discovery failed for metrics"}]
    }
    with pytest.raises(StartupError) as caught:
        await uninstall(cluster, print, wait=0)
    assert "namespace/kubediscovery is still being deleted (Discovery failed for metrics)" in str(caught.value)


async def test_files_go_only_when_their_directory_is_named(tmp_path: Path) -> None:
    """The certificate's files may belong to another cluster's installation."""
    cluster, said = FakeKubeApiserver(), list[str]()
    certificate = ServingCertificate.create(["localhost"])
    certificate.write(tmp_path)
    await uninstall(cluster, print)
    assert ServingCertificate.read(tmp_path) == certificate
    await uninstall(cluster, said.append, cert_dir=tmp_path)
    assert ServingCertificate.read(tmp_path) is None
    assert f"removed {tmp_path}/tls.key" in said


async def test_an_unreachable_cluster_is_one_line() -> None:
    """Nobody answers: one line with the client's words."""
    with pytest.raises(StartupError, match=r"^kube-apiserver: .*connection refused$"):
        await uninstall(UnreachableKubeApiserver(), print)
