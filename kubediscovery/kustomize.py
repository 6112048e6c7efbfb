"""The folder ``manifests/``: the same objects for kustomize, with a certificate of cert-manager's.

``python -m kubediscovery.kustomize DIRECTORY`` writes it anew.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from kubediscovery.manifests import Installation, objects_with_cert_manager, to_yaml

# Which file an object is in, by its kind.
_FILES: Mapping[str, tuple[str, ...]] = {
    "namespace.yaml": ("Namespace",),
    "rbac.yaml": ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "RoleBinding"),
    "certificate.yaml": ("Issuer", "Certificate"),
    "workload.yaml": ("PriorityClass", "NetworkPolicy", "PodDisruptionBudget", "Deployment"),
    "service.yaml": ("Service",),
    "apiservice.yaml": ("APIService",),
}

_KUSTOMIZATION = """\
# Written by `python -m kubediscovery.kustomize manifests`: change kubediscovery/manifests.py, not these files.
# cert-manager must be there already; `kubediscovery install` does without it.
# Another namespace: `kubediscovery install --namespace` (kustomize would also move the RoleBinding in kube-system).
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
"""


def write_kustomize(directory: Path) -> None:
    """Write a kustomization and its resources."""
    manifests = objects_with_cert_manager(Installation())
    directory.mkdir(parents=True, exist_ok=True)
    for name, kinds in _FILES.items():
        (directory / name).write_text(to_yaml(manifest for manifest in manifests if manifest["kind"] in kinds))
    resources = "".join(f"  - {name}\n" for name in _FILES)
    (directory / "kustomization.yaml").write_text(_KUSTOMIZATION + resources)


if __name__ == "__main__":
    write_kustomize(Path(sys.argv[1]))
