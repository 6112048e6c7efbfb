"""The command install: what it refuses, what it applies, what it keeps, and what it says."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubediscovery.cluster import path_of
from kubediscovery.errors import ConfigurationError, StartupError
from kubediscovery.install import InstallOptions, install, render
from kubediscovery.manifests import Installation, objects
from kubediscovery.preflight import AGGREGATION_FLAGS
from kubediscovery.serving_certificate import ServingCertificate
from kubediscovery.settling import wait_for_rights
from kubediscovery.size import Size
from tests.discovering import KAFKA, group, resource, version
from tests.kube_apiserver import (
    API_SERVICE,
    AUTHENTICATION,
    DEPLOYMENT,
    NAMESPACE,
    SECRET,
    FakeKubeApiserver,
    UnreachableKubeApiserver,
)

SERVER_ROLE = "/apis/rbac.authorization.k8s.io/v1/clusterroles/kubediscovery:server"
ALL_PATHS = [path_of(m) for m in objects(Installation(), ServingCertificate(b"", b"", b""))]


async def refused(cluster: FakeKubeApiserver, options: InstallOptions | None = None) -> str:
    """What is said when the checks refuse; then nothing was changed."""
    with pytest.raises(StartupError) as caught:
        await install(options or InstallOptions(), cluster, print)
    assert cluster.changes == []
    return str(caught.value)


def outside(directory: Path, **changes: Any) -> InstallOptions:
    return InstallOptions(external_name="localhost", port=18443, cert_dir=directory, **changes)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (InstallOptions(namespace="Not_OK"), "--namespace 'Not_OK'"),
        (InstallOptions(namespace="n" * 64), "--namespace 'nnn"),
        (InstallOptions(api_group="nodots"), "--api-group 'nodots'"),
        (InstallOptions(api_group="a..b"), "--api-group 'a..b'"),
        (InstallOptions(image=""), "--image ''"),
        (outside(Path("d"), namespace="-"), "--namespace '-'"),
        (InstallOptions(external_name="10.0.0.1", cert_dir=Path("d")), "takes no IP address"),
        (InstallOptions(external_name="fd00::1", cert_dir=Path("d")), "takes no IP address"),
        (InstallOptions(external_name="no host", cert_dir=Path("d")), "--external-name 'no host': not a DNS name"),
        (InstallOptions(external_name="", cert_dir=Path("d")), "--external-name '': not a DNS name"),
        (InstallOptions(external_name="localhost", cert_dir=Path("d"), port=0), "--port 0: 1 to 65535"),
        (InstallOptions(external_name="localhost"), "--external-name needs --cert-dir"),
        (InstallOptions(port=443), "--port needs --external-name"),
        (InstallOptions(cert_dir=Path("d")), "--cert-dir needs --external-name"),
        (InstallOptions(kinds=("pods", "Not OK")), '--kinds: "Not OK" is no pattern for kinds'),
        (InstallOptions(kinds=("",)), '--kinds: "" is no pattern for kinds'),
        (InstallOptions(size=Size(cpu_request="fast")), "--cpu-request 'fast': a quantity such as 100m is needed"),
        (InstallOptions(size=Size(memory_limit="1Mi")), "--memory-limit 1Mi: less than --memory-request 192Mi"),
        (outside(Path("d"), size=Size(memory_limit="2Gi")), "--external-name has no pods"),
    ],
)
async def test_flags_that_cannot_be_used_are_named(options: InstallOptions, fault: str) -> None:
    """A bad flag is a ConfigurationError with its value, before anything is asked or written."""
    cluster = UnreachableKubeApiserver()
    with pytest.raises(ConfigurationError) as caught:
        await install(options, cluster, print)
    assert fault in str(caught.value)
    with pytest.raises(ConfigurationError):
        render(options)


def test_all_faults_are_told_at_once() -> None:
    """Whoever mistyped three flags sees three lines."""
    with pytest.raises(ConfigurationError) as caught:
        InstallOptions(namespace="A", api_group="b", port=443).installation()
    assert len(str(caught.value).splitlines()) == 3


def test_printing_needs_no_cluster() -> None:
    """Without --apply the stream holds all objects, and a certificate that fits its caBundle."""
    manifests = list(yaml.safe_load_all(render(InstallOptions())))
    assert [path_of(manifest) for manifest in manifests] == ALL_PATHS
    data = next(m["data"] for m in manifests if m["kind"] == "Secret")
    assert manifests[-1]["spec"]["caBundle"] == data["ca.crt"]
    decoded = (base64.b64decode(data[name]) for name in ("ca.crt", "tls.crt", "tls.key"))
    assert ServingCertificate(*decoded).fault(Installation().certificate_names) == ""


def test_printing_for_a_server_outside_writes_its_files(tmp_path: Path) -> None:
    """The stream holds no private key, the files do; printing again changes nothing."""
    text = render(outside(tmp_path))
    assert "tls.key" not in text
    certificate = ServingCertificate.read(tmp_path)
    assert certificate is not None
    assert certificate.fault(["kubediscovery.kubediscovery.svc", "localhost"]) == ""
    assert base64.b64decode(list(yaml.safe_load_all(text))[-1]["spec"]["caBundle"]) == certificate.ca
    assert render(outside(tmp_path)) == text


@pytest.mark.parametrize("namespace", ["default", "kube-system", "kube-public", "kube-node-lease"])
def test_namespaces_of_the_system_are_never_ours(namespace: str) -> None:
    """They are not made, so they are not labelled, so uninstalling does not delete them."""
    kinds = [m["kind"] for m in yaml.safe_load_all(render(InstallOptions(namespace=namespace)))]
    assert "Namespace" not in kinds


async def test_everything_is_applied_in_order() -> None:
    """All objects are sent by server-side apply, the APIService last, and each is told."""
    cluster, said = FakeKubeApiserver(), list[str]()
    await install(InstallOptions(), cluster, said.append)
    assert cluster.changes == [("PATCH", path) for path in ALL_PATHS]
    assert f"applied {'deployment.apps/kubediscovery in namespace kubediscovery'}" in said
    assert "kubectl get --raw '/apis/kubediscovery.cloudark.io/v1/" in said[-1]


async def test_installing_again_keeps_the_certificate() -> None:
    """A Secret that is still good stays as it is, and so does the caBundle."""
    cluster, said = FakeKubeApiserver(), list[str]()
    await install(InstallOptions(), cluster, print)
    before = cluster.objects[SECRET]["data"], cluster.objects[API_SERVICE]["spec"]["caBundle"]
    await install(InstallOptions(), cluster, said.append)
    assert (cluster.objects[SECRET]["data"], cluster.objects[API_SERVICE]["spec"]["caBundle"]) == before
    assert any(line.startswith("kept the certificate") for line in said)


@pytest.mark.parametrize("data", [None, {}, {"ca.crt": "", "tls.crt": "", "tls.key": ""}, {"tls.crt": "anVuaw=="}])
async def test_a_secret_without_a_good_certificate_gets_one(data: dict[str, str] | None) -> None:
    """Whatever is in the Secret, afterwards its certificate is good and the caBundle is of the same CA."""
    cluster = FakeKubeApiserver()
    cluster.put(SECRET, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "kubediscovery-tls"}, "data": data})
    await install(InstallOptions(), cluster, print)
    found = cluster.objects[SECRET]["data"]
    decoded = (base64.b64decode(found[name]) for name in ("ca.crt", "tls.crt", "tls.key"))
    assert ServingCertificate(*decoded).fault(Installation().certificate_names) == ""
    assert cluster.objects[API_SERVICE]["spec"]["caBundle"] == found["ca.crt"]


async def test_a_renewal_says_why(tmp_path: Path) -> None:
    """A certificate for another name is renewed, and the reason is told."""
    ServingCertificate.create(["kubediscovery.kubediscovery.svc"]).write(tmp_path)
    said = list[str]()
    await install(outside(tmp_path), FakeKubeApiserver(), said.append)
    assert any("renewed the certificate: the one there is not for" in line for line in said)


async def test_without_aggregation_the_flags_are_named() -> None:
    """The error names every kube-apiserver flag to set."""
    config_maps: list[Any] = [{"metadata": {}, "data": {"client-ca-file": "PEM"}}, {"metadata": {}}, None]
    for config_map in config_maps:
        cluster = FakeKubeApiserver()
        del cluster.objects[AUTHENTICATION]
        if config_map:
            cluster.objects[AUTHENTICATION] = config_map
        message = await refused(cluster)
        assert all(flag in message for flag in AGGREGATION_FLAGS)


async def test_missing_rights_are_all_listed() -> None:
    """Every right that is missing is named, in RBAC's words, each once."""
    cluster = FakeKubeApiserver()
    cluster.denied = {("create", "clusterroles"), ("patch", "secrets"), ("list", "apiservices")}
    lines = [line.strip() for line in (await refused(cluster)).splitlines()]
    assert lines == [
        "you lack rights that installing needs:",
        "list apiservices.apiregistration.k8s.io",
        "create clusterroles.rbac.authorization.k8s.io",
        "patch secrets in namespace kubediscovery",
    ]


async def test_rights_may_be_granted_by_whoever_holds_them() -> None:
    """RBAC's rule against escalation: bind and escalate are needed only where the granted rights are not held."""
    cluster = FakeKubeApiserver()
    cluster.denied = {("escalate", "clusterroles"), ("bind", "clusterroles"), ("bind", "roles")}
    await install(InstallOptions(), cluster, print)
    cluster = FakeKubeApiserver()
    cluster.denied = {("bind", "clusterroles"), ("create", "tokenreviews")}
    assert (
        "bind clusterroles.rbac.authorization.k8s.io/system:auth-delegator"
        " (or what it gives: create tokenreviews.authentication.k8s.io)"
    ) in await refused(cluster)


async def test_a_role_that_is_a_sum_can_be_made_only_by_who_has_everything() -> None:
    """kube-apiserver asks for `*` on everything, as that role can come to have anything."""
    cluster = FakeKubeApiserver()
    cluster.denied = {("escalate", "clusterroles"), ("*", "*"), ("bind", "clusterroles"), ("watch", "nodes")}
    said = await refused(cluster)
    role = "clusterroles.rbac.authorization.k8s.io/kubediscovery:server"
    assert f"escalate {role} (or what it gives: * *.*, * the path *)" in said
    assert f"escalate {role}-built-in (or what it gives: watch nodes)" in said
    assert f"bind {role} (or what it gives: watch nodes)" in said


MORE = "/apis/rbac.authorization.k8s.io/v1/clusterroles/kubediscovery:server-more"


def more_rules(manifests: list[Any]) -> list[Any]:
    return [m["rules"] for m in manifests if m["metadata"]["name"] == "kubediscovery:server-more"]


def test_printing_more_kinds_needs_no_cluster_where_they_are_named() -> None:
    """A kind with its group, a whole group, one of Kubernetes's own; all else only a cluster can tell."""
    options = InstallOptions(kinds=("secrets", "kafkas.example.org", "*.example.com"))
    assert more_rules(list(yaml.safe_load_all(render(options)))) == [
        [
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]},
            {"apiGroups": ["example.com"], "resources": ["*"], "verbs": ["list", "watch"]},
            {"apiGroups": ["example.org"], "resources": ["kafkas"], "verbs": ["list", "watch"]},
        ]
    ]
    assert more_rules(list(yaml.safe_load_all(render(InstallOptions())))) == []
    for unclear in ("kafkas", "kaf*.example.org", "*"):
        with pytest.raises(ConfigurationError) as caught:
            render(InstallOptions(kinds=("secrets", unclear)))
        assert str(caught.value).startswith(f'--kinds "{unclear}": only a cluster can tell which kinds these are.')


async def test_globs_are_looked_up_in_the_cluster() -> None:
    """Installing without them takes the role away again."""
    cluster, said = FakeKubeApiserver(), list[str]()
    cluster.objects["/api"] = {"items": []}
    cluster.objects["/apis"] = {"items": [group("example.org", version("v1", resource(KAFKA)))]}
    await install(InstallOptions(kinds=("kaf*",)), cluster, print)
    assert cluster.objects[MORE]["rules"] == [
        {"apiGroups": ["example.org"], "resources": ["kafkas"], "verbs": ["list", "watch"]}
    ]
    with pytest.raises(ConfigurationError, match="the cluster serves no such kind"):
        await install(InstallOptions(kinds=("none*",)), cluster, print)
    await install(InstallOptions(), cluster, said.append)
    assert MORE not in cluster.objects
    assert any(line.startswith("removed") and line.endswith("not needed any more") for line in said)


async def test_it_waits_until_the_rights_are_summed_up() -> None:
    """A server that starts before would begin with refusals; without kube-controller-manager it says so."""
    cluster, said = FakeKubeApiserver(), list[str]()
    cluster.aggregates = False
    cluster.put(SERVER_ROLE, {"kind": "ClusterRole", "metadata": {}})
    await wait_for_rights(cluster, said.append, seconds=0.0)
    assert said == [
        "ClusterRole kubediscovery:server has no rules yet: kube-controller-manager gives it those of others"
    ]
    waiting = asyncio.create_task(wait_for_rights(cluster, said.append, seconds=10.0))
    await asyncio.sleep(0)
    cluster.objects[SERVER_ROLE]["rules"] = [{"verbs": ["list"]}]
    await waiting
    cluster.refused = {SERVER_ROLE}
    await wait_for_rights(cluster, said.append, seconds=10.0)
    assert len(said) == 1


MANAGERS = [{"manager": "kube-apiserver", "subresource": "status"}, {"manager": "kubectl-create"}]


def foreign_api_service(service: dict[str, str] | None, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1.kubediscovery.cloudark.io", **metadata},
        "spec": {"group": "kubediscovery.cloudark.io", "service": service},
    }


@pytest.mark.parametrize(
    ("api_service", "whose"),
    [
        (
            foreign_api_service({"namespace": "n", "name": "s"}, labels={"app.kubernetes.io/managed-by": "argo"}),
            "it leads to Service n/s and is managed by argo",
        ),
        (
            foreign_api_service(
                {"namespace": "n", "name": "s"}, annotations={"meta.helm.sh/release-name": "discovery"}
            ),
            "managed by Helm release discovery",
        ),
        (
            foreign_api_service({"namespace": "n", "name": "s"}, managedFields=MANAGERS),
            "managed by kubectl-create",
        ),
        (
            foreign_api_service(None, labels={"kube-aggregator.kubernetes.io/automanaged": "true"}),
            "CustomResourceDefinitions of that group",
        ),
        (foreign_api_service(None), "it leads to kube-apiserver itself and is managed by somebody unnamed"),
    ],
)
async def test_a_foreign_api_service_is_refused(api_service: dict[str, Any], whose: str) -> None:
    """An APIService of that name that is not ours is left alone, and its owner is named."""
    cluster = FakeKubeApiserver()
    cluster.put(API_SERVICE, api_service)
    message = await refused(cluster)
    assert whose in message
    assert "--api-group" in message


async def test_an_unlabelled_api_service_of_ours_is_taken_over() -> None:
    """What leads to our Service is ours, whoever wrote it."""
    cluster = FakeKubeApiserver()
    cluster.put(API_SERVICE, foreign_api_service({"namespace": "kubediscovery", "name": "kubediscovery"}))
    await install(InstallOptions(), cluster, print)
    assert "caBundle" in cluster.objects[API_SERVICE]["spec"]


@pytest.mark.parametrize("options", [InstallOptions(namespace="other"), InstallOptions(api_group="trees.example.com")])
async def test_a_second_installation_is_refused(options: InstallOptions) -> None:
    """Roles and bindings are the cluster's, so one cluster has one installation; the error says where it is."""
    cluster = FakeKubeApiserver()
    await install(InstallOptions(), cluster, print)
    cluster.changes.clear()
    message = await refused(cluster, options)
    assert "installed already" in message
    assert "Service kubediscovery/kubediscovery" in message


async def test_a_namespace_that_ends_is_waited_for_by_the_user() -> None:
    """A namespace in deletion is named with what holds it back."""
    cluster = FakeKubeApiserver()
    await install(InstallOptions(), cluster, print)
    cluster.changes.clear()
    cluster.objects[NAMESPACE]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    cluster.objects[NAMESPACE]["status"] = {
        "conditions": [
            {"type": "NamespaceDeletionDiscoveryFailure", "status": "True", "message": "discovery failed"},
            {"type": "NamespaceDeletionContentFailure", "status": "False", "message": "all deleted"},
        ]
    }
    assert await refused(cluster) == (
        "namespace kubediscovery is being deleted (discovery failed): wait until it is gone"
    )


async def test_a_namespace_of_somebody_else_is_not_labelled() -> None:
    """A namespace that was there before is used and never becomes ours."""
    cluster = FakeKubeApiserver()
    theirs = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kubediscovery", "labels": {"team": "a"}}}
    cluster.put(NAMESPACE, theirs)
    cluster.denied = {("create", "namespaces"), ("patch", "namespaces")}
    await install(InstallOptions(), cluster, print)
    assert ("PATCH", NAMESPACE) not in cluster.changes
    assert cluster.objects[NAMESPACE]["metadata"]["labels"] == {"team": "a"}


@pytest.mark.parametrize("flag", ["--enable-aggregator-routing", "--enable-aggregator-routing=true"])
async def test_aggregator_routing_takes_no_external_name(tmp_path: Path, flag: str) -> None:
    """Where kube-apiserver's flags can be seen, the one that ExternalName fails with is named."""
    cluster = FakeKubeApiserver()
    cluster.pods = [{"spec": {"containers": [{"command": ["kube-apiserver", flag]}]}}]
    assert "--enable-aggregator-routing" in await refused(cluster, outside(tmp_path))
    await install(InstallOptions(), cluster, print)


async def test_flags_that_cannot_be_seen_are_no_fault(tmp_path: Path) -> None:
    """Who may not list pods in kube-system can install all the same."""
    cluster = FakeKubeApiserver()
    cluster.refused = {"/api/v1/namespaces/kube-system/pods"}
    await install(outside(tmp_path), cluster, print)
    assert API_SERVICE in cluster.objects


async def test_an_api_service_that_stays_unavailable_is_explained() -> None:
    """The condition's message is told while waiting and in the error, with what to look at."""
    cluster, said = FakeKubeApiserver(), list[str]()
    cluster.condition = {
        "type": "Available",
        "status": "False",
        "reason": "MissingEndpoints",
        "message": "no addresses",
    }
    with pytest.raises(StartupError) as caught:
        await install(InstallOptions(wait=0), cluster, said.append)
    assert "no addresses" in said[-1]
    assert "no addresses" in str(caught.value)
    assert "kubectl --namespace kubediscovery logs deployment/kubediscovery" in str(caught.value)


async def test_a_refusal_names_the_object() -> None:
    """An object that kube-apiserver refuses is named with its words."""
    cluster = FakeKubeApiserver()
    cluster.refused = {DEPLOYMENT}
    with pytest.raises(StartupError, match=r"^deployment.apps/kubediscovery in namespace .*: forbidden: not you"):
        await install(InstallOptions(), cluster, print)


async def test_an_unreachable_cluster_is_one_line() -> None:
    """Nobody answers: one line with the client's words."""
    with pytest.raises(StartupError, match=r"^kube-apiserver: .*connection refused$"):
        await install(InstallOptions(), UnreachableKubeApiserver(), print)


async def test_outside_the_next_commands_are_told(tmp_path: Path) -> None:
    """Nothing is waited for; the last lines are what to type: kubeconfig, serve, a first get."""
    cluster, said = FakeKubeApiserver(), list[str]()
    cluster.condition = {"type": "Available", "status": "False", "message": "connection refused"}
    directory = tmp_path / "a b"
    await install(outside(directory, api_group="trees.example.com", kubeconfig="/my/config"), cluster, said.append)
    commands = said[[line.startswith("# A kubeconfig") for line in said].index(True) :]
    assert any("create token kubediscovery --namespace kubediscovery" in line for line in commands)
    assert (
        f"kubediscovery serve --kubeconfig '{directory}/kubeconfig' --secure-port 18443 --cert-dir '{directory}'"
        " --api-group trees.example.com"
    ) in commands
    assert commands[-1] == (
        "kubectl --kubeconfig /my/config get --raw"
        " '/apis/trees.example.com/v1/namespaces/default/deployments/*/compositions'"
    )


async def test_a_server_that_moved_outside_leaves_no_pods(tmp_path: Path) -> None:
    """Installing for outside takes away what served inside, where it is ours; rights and namespace stay."""
    cluster = FakeKubeApiserver()
    await install(InstallOptions(), cluster, print)
    cluster.objects[SECRET]["metadata"]["labels"] = {}
    await install(outside(tmp_path), cluster, print)
    assert DEPLOYMENT not in cluster.objects
    assert SECRET in cluster.objects
    external = Installation(external=outside(tmp_path).installation().external)
    expected = {path_of(m) for m in objects(external, ServingCertificate(b"", b"", b""))}
    assert set(cluster.objects) == expected | {AUTHENTICATION, SECRET}
