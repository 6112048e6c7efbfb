"""The manifests: what an installation consists of, and that ``manifests/`` is the same."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubediscovery.built_in_registry import built_in_registry
from kubediscovery.granted import BY_DEFAULT
from kubediscovery.kustomize import write_kustomize
from kubediscovery.manifests import INSTALLED_KINDS, External, Installation, objects, to_yaml
from kubediscovery.serving_certificate import ServingCertificate
from kubediscovery.workload import IMAGE, LABELS, Manifest

ROOT = Path(__file__).parents[1]
CERTIFICATE = ServingCertificate.create(Installation().certificate_names)
IN_CLUSTER = objects(Installation(), CERTIFICATE)
OUTSIDE = objects(Installation(external=External("localhost", 18443)), CERTIFICATE)
BOTH = pytest.mark.parametrize("manifests", [IN_CLUSTER, OUTSIDE], ids=["in cluster", "outside"])


def named(manifests: tuple[Manifest, ...], kind: str, name: str | None = None) -> Manifest:
    (found,) = [m for m in manifests if m["kind"] == kind and name in (None, m["metadata"]["name"])]
    return found


def pod() -> Manifest:
    spec: Manifest = named(IN_CLUSTER, "Deployment")["spec"]["template"]["spec"]
    return spec


def kinds_of(manifests: tuple[Manifest, ...]) -> list[str]:
    return [manifest["kind"] for manifest in manifests]


def granted(role: Manifest) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


@BOTH
def test_the_server_may_read_exactly_what_is_tracked_by_default(manifests: tuple[Manifest, ...]) -> None:
    """Least privilege: list and watch of Kubernetes's own kinds that are tracked, without Secrets."""
    found = granted(named(manifests, "ClusterRole", "kubediscovery:server-built-in"))
    metrics = ("metrics.k8s.io", "pods", "list")
    assert found - {metrics} == {
        (group, resource, verb) for group, resource in BY_DEFAULT for verb in ("list", "watch")
    }
    assert metrics in found
    assert ("", "pods", "list") in found
    assert not [right for right in found if right[1] in ("secrets", "events", "leases", "*")]


@BOTH
def test_its_role_is_the_sum_of_those_with_the_label(manifests: tuple[Manifest, ...]) -> None:
    """kube-controller-manager writes the rules, so that whoever adds a kind edits no role of ours."""
    role, label = (
        named(manifests, "ClusterRole", "kubediscovery:server"),
        "kubediscovery.cloudark.io/aggregate-to-server",
    )
    assert role["aggregationRule"] == {"clusterRoleSelectors": [{"matchLabels": {label: "true"}}]}
    assert "rules" not in role
    labelled = [m["metadata"]["name"] for m in manifests if label in m["metadata"]["labels"]]
    assert labelled == ["kubediscovery:server-built-in"]


def test_more_kinds_are_a_role_of_their_own() -> None:
    """What --kinds adds is beside the built-in kinds, with the same label."""
    manifests = objects(Installation(more=(("", "secrets"), ("example.org", "*"))), CERTIFICATE)
    role = named(manifests, "ClusterRole", "kubediscovery:server-more")
    assert granted(role) == {
        (group, resource, verb)
        for group, resource in [("", "secrets"), ("example.org", "*")]
        for verb in ("list", "watch")
    }
    assert role["metadata"]["labels"]["kubediscovery.cloudark.io/aggregate-to-server"] == "true"
    others = [manifest for manifest in manifests if manifest is not role]
    assert kinds_of(tuple(others)) == kinds_of(IN_CLUSTER)


def test_the_rules_name_each_group_once() -> None:
    """The role is grouped by API group, so that a person can read it."""
    role = named(IN_CLUSTER, "ClusterRole", "kubediscovery:server-built-in")
    groups = [group for rule in role["rules"] for group in rule["apiGroups"]]
    assert sorted(groups) == sorted(set(groups))


@BOTH
def test_the_service_account_is_bound_to_three_roles(manifests: tuple[Manifest, ...]) -> None:
    """The documented bindings of an extension API server, in whatever mode, all to the one service account."""
    bindings = [manifest for manifest in manifests if "roleRef" in manifest]
    assert {
        (b["kind"], b["metadata"].get("namespace"), b["roleRef"]["kind"], b["roleRef"]["name"]) for b in bindings
    } == {
        ("ClusterRoleBinding", None, "ClusterRole", "kubediscovery:server"),
        ("ClusterRoleBinding", None, "ClusterRole", "system:auth-delegator"),
        ("RoleBinding", "kube-system", "Role", "extension-apiserver-authentication-reader"),
    }
    subject = {"kind": "ServiceAccount", "name": "kubediscovery", "namespace": "kubediscovery"}
    assert all(binding["subjects"] == [subject] for binding in bindings)


@BOTH
def test_viewers_may_ask(manifests: tuple[Manifest, ...]) -> None:
    """Whoever has view, edit or admin may get compositions, of our group alone."""
    role = named(manifests, "ClusterRole", "kubediscovery:view")
    labels = role["metadata"]["labels"]
    assert all(labels[f"rbac.authorization.k8s.io/aggregate-to-{name}"] == "true" for name in ("view", "edit", "admin"))
    assert {tuple(rule["apiGroups"]) for rule in role["rules"]} == {("kubediscovery.cloudark.io",)}
    rules = [(*rule["resources"], *rule["verbs"]) for rule in role["rules"]]
    assert rules[:3] == [
        ("compositions", "get", "list", "watch"),
        ("lint", "list"),
        ("*/compositions", "get", "watch"),
    ]
    subresources = {(f"*/{each.name}", *each.verbs) for each in built_in_registry() if each.on is not None}
    assert subresources <= set(rules[2:])
    assert {verb for rule in rules for verb in rule[1:]} == {"get", "list", "watch"}


@BOTH
def test_tls_verification_is_never_off(manifests: tuple[Manifest, ...]) -> None:
    """The APIService trusts the CA of the serving certificate, and never skips verification."""
    spec = named(manifests, "APIService")["spec"]
    assert base64.b64decode(spec["caBundle"]) == CERTIFICATE.ca
    assert "insecureSkipTLSVerify" not in spec


@BOTH
def test_kubectl_get_keeps_meaning_the_built_in_kinds(manifests: tuple[Manifest, ...]) -> None:
    """The group's priority is lower than that of any group of Kubernetes's own (17,000 and more)."""
    spec = named(manifests, "APIService")["spec"]
    assert (spec["groupPriorityMinimum"], spec["versionPriority"]) == (100, 15)


@BOTH
def test_everything_carries_the_standard_labels(manifests: tuple[Manifest, ...]) -> None:
    """Uninstalling finds by label, so nothing is without."""
    for manifest in manifests:
        assert LABELS.items() <= manifest["metadata"]["labels"].items()
    assert set(LABELS) == {f"app.kubernetes.io/{name}" for name in ("name", "component", "managed-by", "version")}


@BOTH
def test_objects_come_in_the_order_of_the_table(manifests: tuple[Manifest, ...]) -> None:
    """What others need comes first, the APIService last; each kind is in the table that uninstalling goes by."""
    order = [kind.kind for kind in INSTALLED_KINDS]
    positions = [order.index(kind) for kind in kinds_of(manifests)]
    assert positions == sorted(positions)
    assert manifests[-1]["kind"] == "APIService"


def test_outside_the_cluster_nothing_runs_in_it() -> None:
    """A server outside: no pod, nothing that guards pods, no private key in the cluster; all rights the same."""
    assert set(kinds_of(IN_CLUSTER)) - set(kinds_of(OUTSIDE)) == {
        "Deployment",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "PriorityClass",
        "Secret",
    }
    count = kinds_of(IN_CLUSTER).index("PriorityClass")
    assert IN_CLUSTER[:count] == OUTSIDE[:count]


def test_outside_the_cluster_the_service_is_a_name() -> None:
    """The Service is an ExternalName with the port, and the APIService goes to that port."""
    spec = named(OUTSIDE, "Service")["spec"]
    assert spec["type"] == "ExternalName"
    assert spec["externalName"] == "localhost"
    assert [port["port"] for port in spec["ports"]] == [18443]
    assert named(OUTSIDE, "APIService")["spec"]["service"]["port"] == 18443


def test_the_certificate_is_for_the_names_that_are_dialled() -> None:
    """kube-aggregator asks for <service>.<namespace>.svc; a server outside is dialled by its own name, too."""
    names = Installation(namespace="other", external=External("host.example.com")).certificate_names
    assert names == ("kubediscovery.other.svc", "kubediscovery.other.svc.cluster.local", "host.example.com")


def test_the_secret_holds_the_certificate_the_pod_mounts() -> None:
    """A TLS secret with its CA, mounted read-only where the arguments point."""
    secret = named(IN_CLUSTER, "Secret")
    assert secret["type"] == "kubernetes.io/tls"
    decoded = {name: base64.b64decode(value) for name, value in secret["data"].items()}
    assert decoded == {"ca.crt": CERTIFICATE.ca, "tls.crt": CERTIFICATE.certificate, "tls.key": CERTIFICATE.key}
    (container,) = pod()["containers"]
    volumes = {volume["name"]: volume for volume in pod()["volumes"]}
    (mount,) = [mount for mount in container["volumeMounts"] if mount["name"] == "tls"]
    assert mount["readOnly"] is True
    assert volumes["tls"]["secret"]["secretName"] == secret["metadata"]["name"]
    assert f"--tls-cert-file={mount['mountPath']}/tls.crt" in container["args"]
    assert f"--tls-private-key-file={mount['mountPath']}/tls.key" in container["args"]


def test_the_pod_is_hardened() -> None:
    """The profile `restricted` of the Pod Security Standards, which the namespace enforces, and a read-only root."""
    (container,) = pod()["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    security = pod()["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] == 65532
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    labels = named(IN_CLUSTER, "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_pod_ends_after_its_requests() -> None:
    """The grace period has room for the shutdown delay and for one whole request of 60 s."""
    (container,) = pod()["containers"]
    (delay,) = [a.partition("=")[2] for a in container["args"] if a.startswith("--shutdown-delay-duration=")]
    assert pod()["terminationGracePeriodSeconds"] >= int(delay.removesuffix("s")) + 60


def test_only_the_secure_port_is_open() -> None:
    """One port, the same in the container, the probes, the Service and the NetworkPolicy."""
    (container,) = pod()["containers"]
    assert [(port["name"], port["containerPort"]) for port in container["ports"]] == [("https", 10250)]
    assert "--secure-port=10250" in container["args"]
    for probe, path in [("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")]:
        assert container[probe]["httpGet"] == {"path": path, "port": "https", "scheme": "HTTPS"}
    (service_port,) = named(IN_CLUSTER, "Service")["spec"]["ports"]
    assert (service_port["port"], service_port["targetPort"]) == (443, "https")
    policy = named(IN_CLUSTER, "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress"]
    assert policy["ingress"] == [{"ports": [{"protocol": "TCP", "port": 10250}]}]


def test_every_selector_picks_the_pods() -> None:
    """Service, NetworkPolicy, PodDisruptionBudget and Deployment mean the same pods, also across versions."""
    spec = named(IN_CLUSTER, "Deployment")["spec"]
    selectors = [
        spec["selector"]["matchLabels"],
        named(IN_CLUSTER, "Service")["spec"]["selector"],
        named(IN_CLUSTER, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        named(IN_CLUSTER, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        *(spread["labelSelector"]["matchLabels"] for spread in pod()["topologySpreadConstraints"]),
    ]
    assert all(selector == selectors[0] for selector in selectors)
    assert selectors[0].items() <= spec["template"]["metadata"]["labels"].items()
    assert "app.kubernetes.io/version" not in selectors[0]


def test_priority_is_a_class_of_its_own() -> None:
    """Kubernetes's own classes are kept to kube-system on some clusters; ours is allowed everywhere."""
    priority = named(IN_CLUSTER, "PriorityClass")
    assert pod()["priorityClassName"] == priority["metadata"]["name"]
    assert not priority["metadata"]["name"].startswith("system-")
    assert priority["value"] == 1_000_000_000


def test_the_group_is_the_same_everywhere() -> None:
    """--api-group reaches the APIService, the viewers' role and the server's arguments."""
    manifests = objects(Installation(api_group="trees.example.com"), CERTIFICATE)
    # But for the label of roles, which is the same whatever group is served.
    assert "cloudark.io" not in to_yaml(manifests).replace("kubediscovery.cloudark.io/aggregate-to-server", "")
    assert named(manifests, "APIService")["metadata"]["name"] == "v1.trees.example.com"
    assert named(manifests, "APIService")["spec"]["group"] == "trees.example.com"


def test_the_namespace_is_the_same_everywhere() -> None:
    """--namespace reaches every object that has one, but for the binding that Kubernetes wants in kube-system."""
    manifests = objects(Installation(namespace="other"), CERTIFICATE)
    namespaces = {m["metadata"]["namespace"] for m in manifests if "namespace" in m["metadata"]}
    assert namespaces == {"other", "kube-system"}
    assert named(manifests, "Namespace")["metadata"]["name"] == "other"
    assert named(manifests, "APIService")["spec"]["service"]["namespace"] == "other"


def test_a_foreign_namespace_is_left_alone() -> None:
    """A namespace that is somebody else's is not labelled, so that uninstalling never deletes it."""
    assert "Namespace" not in kinds_of(objects(Installation(makes_namespace=False), CERTIFICATE))


@BOTH
def test_the_yaml_is_what_was_generated(manifests: tuple[Manifest, ...]) -> None:
    """One stream of documents without anchors, which kubectl reads as the same objects."""
    text = to_yaml(manifests)
    assert "&id" not in text
    assert list(yaml.safe_load_all(text)) == list(manifests)


def test_the_image_is_the_version_s() -> None:
    """Without --image the image of this very version is run."""
    (container,) = pod()["containers"]
    assert container["image"] == IMAGE == f"ghcr.io/cloud-ark/kubediscovery:{LABELS['app.kubernetes.io/version']}"


def test_the_folder_manifests_is_up_to_date(tmp_path: Path) -> None:
    """``manifests/`` is written by kubediscovery.kustomize and never by hand."""
    write_kustomize(tmp_path)

    def texts(folder: Path) -> dict[str, str]:
        return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.yaml")}

    assert texts(ROOT / "manifests") == texts(tmp_path), "run: python -m kubediscovery.kustomize manifests"


def kustomized() -> list[Manifest]:
    kustomization = yaml.safe_load((ROOT / "manifests" / "kustomization.yaml").read_text())
    texts = [(ROOT / "manifests" / name).read_text() for name in kustomization["resources"]]
    return [manifest for text in texts for manifest in yaml.safe_load_all(text)]


def without_trust(manifest: Manifest) -> Manifest:
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "annotations"}
    spec = {key: value for key, value in manifest["spec"].items() if key != "caBundle"}
    return {**manifest, "metadata": metadata, "spec": spec}


def test_kustomize_differs_only_in_the_certificate() -> None:
    """The folder holds the same objects; cert-manager's Issuers and Certificates stand for the Secret."""

    def key(manifest: Manifest) -> tuple[Any, ...]:
        return manifest["kind"], manifest["metadata"].get("namespace"), manifest["metadata"]["name"]

    applied = {key(m): without_trust(m) if m["kind"] == "APIService" else m for m in IN_CLUSTER}
    folder = {key(m): without_trust(m) if m["kind"] == "APIService" else m for m in kustomized()}
    assert {name[0] for name in folder.keys() - applied.keys()} == {"Issuer", "Certificate"}
    assert {name[0] for name in applied.keys() - folder.keys()} == {"Secret"}
    assert all(folder[name] == applied[name] for name in folder.keys() & applied.keys())


def test_cert_manager_fills_the_same_secret_and_the_caBundle() -> None:  # noqa: N802 - the field's own name
    """cert-manager writes the Secret that the pod mounts, for the same names, and injects its CA."""
    manifests = tuple(kustomized())
    (serving,) = [m for m in manifests if m["kind"] == "Certificate" and "dnsNames" in m["spec"]]
    assert serving["spec"]["secretName"] == named(IN_CLUSTER, "Secret")["metadata"]["name"]
    assert tuple(serving["spec"]["dnsNames"]) == Installation().certificate_names
    api_service = named(manifests, "APIService")
    reference = f"{serving['metadata']['namespace']}/{serving['metadata']['name']}"
    assert api_service["metadata"]["annotations"]["cert-manager.io/inject-ca-from"] == reference
    assert "insecureSkipTLSVerify" not in api_service["spec"]
