"""The folder ``manifests/``: the same objects for kustomize, with a certificate of cert-manager's.

``python -m kubediscovery.kustomize DIRECTORY`` writes it anew.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from kubediscovery.management import management, management_arguments
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

_APP_KUSTOMIZATION = """\
# cert-manager must be there already; `kubediscovery install --app` does without it.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
"""

COMPONENT = "manage-apiservice"

_COMPONENT = """\
{}# The last replica that stops takes the APIService away; name this folder under `components` of your kustomization.
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
resources:
  - management.yaml
patches:
  - target: {{kind: Deployment, name: {}}}
    patch: |-
"""
_WRITTEN = """\
# Written by `python -m kubediscovery.kustomize manifests`: change kubediscovery/management.py, not these files.
"""
_ARGUMENT = """\
      - op: add
        path: /spec/template/spec/containers/0/args/-
        value: {}
"""


def write_kustomize(directory: Path, installation: Installation | None = None) -> None:
    """Write a kustomization and its resources, and the component for ``--manage-apiservice``.

    Raises ``OSError``.
    """
    installation = installation or Installation()
    manifests = objects_with_cert_manager(installation)
    directory.mkdir(parents=True, exist_ok=True)
    for name, kinds in _FILES.items():
        (directory / name).write_text(to_yaml(manifest for manifest in manifests if manifest["kind"] in kinds))
    resources = "".join(f"  - {name}\n" for name in _FILES)
    head = _APP_KUSTOMIZATION if installation.app else _KUSTOMIZATION
    (directory / "kustomization.yaml").write_text(head + resources)
    _write_component(directory / COMPONENT, installation)


def _write_component(directory: Path, installation: Installation) -> None:
    directory.mkdir(exist_ok=True)
    namespace, name = installation.namespace, installation.name
    added = management(namespace, installation.api_service_names, name)
    (directory / "management.yaml").write_text(to_yaml(added))
    head = _COMPONENT.format("" if installation.app else _WRITTEN, name)
    arguments = "".join(map(_ARGUMENT.format, management_arguments(namespace)))
    (directory / "kustomization.yaml").write_text(head + arguments)


if __name__ == "__main__":
    write_kustomize(Path(sys.argv[1]))
