"""Kubernetes's own kinds, as version 1.36 serves them: for what works without a cluster, and to tell others from them.

The rows are those of kube-apiserver's discovery, in its order, and of the groups that are off by default (pkg/registry,
each group's ``rest/storage_*.go``). What cannot be listed and watched is not among them.
"""

from kubediscovery.kinds import BUILT_IN_KINDS, Kind

_NAMESPACED, _CLUSTER = True, False
# Group and version, and of each kind the plural, the kind, and whether its objects are in namespaces.
_TABLE: tuple[tuple[str, str, tuple[tuple[str, str, bool], ...]], ...] = (
    (
        "",
        "v1",
        (
            ("configmaps", "ConfigMap", _NAMESPACED),
            ("endpoints", "Endpoints", _NAMESPACED),
            ("events", "Event", _NAMESPACED),
            ("limitranges", "LimitRange", _NAMESPACED),
            ("namespaces", "Namespace", _CLUSTER),
            ("nodes", "Node", _CLUSTER),
            ("persistentvolumeclaims", "PersistentVolumeClaim", _NAMESPACED),
            ("persistentvolumes", "PersistentVolume", _CLUSTER),
            ("podtemplates", "PodTemplate", _NAMESPACED),
            ("replicationcontrollers", "ReplicationController", _NAMESPACED),
            ("resourcequotas", "ResourceQuota", _NAMESPACED),
            ("secrets", "Secret", _NAMESPACED),
            ("serviceaccounts", "ServiceAccount", _NAMESPACED),
            ("services", "Service", _NAMESPACED),
        ),
    ),
    ("apiregistration.k8s.io", "v1", (("apiservices", "APIService", _CLUSTER),)),
    ("events.k8s.io", "v1", (("events", "Event", _NAMESPACED),)),
    ("autoscaling", "v2", (("horizontalpodautoscalers", "HorizontalPodAutoscaler", _NAMESPACED),)),
    (
        "certificates.k8s.io",
        "v1",
        (("certificatesigningrequests", "CertificateSigningRequest", _CLUSTER),),
    ),
    (
        "certificates.k8s.io",
        "v1beta1",
        (
            ("clustertrustbundles", "ClusterTrustBundle", _CLUSTER),
            ("podcertificaterequests", "PodCertificateRequest", _NAMESPACED),
        ),
    ),
    (
        "networking.k8s.io",
        "v1",
        (
            ("ingressclasses", "IngressClass", _CLUSTER),
            ("ingresses", "Ingress", _NAMESPACED),
            ("ipaddresses", "IPAddress", _CLUSTER),
            ("networkpolicies", "NetworkPolicy", _NAMESPACED),
            ("servicecidrs", "ServiceCIDR", _CLUSTER),
        ),
    ),
    ("policy", "v1", (("poddisruptionbudgets", "PodDisruptionBudget", _NAMESPACED),)),
    (
        "rbac.authorization.k8s.io",
        "v1",
        (
            ("clusterrolebindings", "ClusterRoleBinding", _CLUSTER),
            ("clusterroles", "ClusterRole", _CLUSTER),
            ("rolebindings", "RoleBinding", _NAMESPACED),
            ("roles", "Role", _NAMESPACED),
        ),
    ),
    (
        "storage.k8s.io",
        "v1",
        (
            ("csidrivers", "CSIDriver", _CLUSTER),
            ("csinodes", "CSINode", _CLUSTER),
            ("csistoragecapacities", "CSIStorageCapacity", _NAMESPACED),
            ("storageclasses", "StorageClass", _CLUSTER),
            ("volumeattachments", "VolumeAttachment", _CLUSTER),
            ("volumeattributesclasses", "VolumeAttributesClass", _CLUSTER),
        ),
    ),
    (
        "admissionregistration.k8s.io",
        "v1",
        (
            ("mutatingadmissionpolicies", "MutatingAdmissionPolicy", _CLUSTER),
            ("mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding", _CLUSTER),
            ("mutatingwebhookconfigurations", "MutatingWebhookConfiguration", _CLUSTER),
            ("validatingadmissionpolicies", "ValidatingAdmissionPolicy", _CLUSTER),
            ("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", _CLUSTER),
            ("validatingwebhookconfigurations", "ValidatingWebhookConfiguration", _CLUSTER),
        ),
    ),
    ("apiextensions.k8s.io", "v1", (("customresourcedefinitions", "CustomResourceDefinition", _CLUSTER),)),
    ("scheduling.k8s.io", "v1", (("priorityclasses", "PriorityClass", _CLUSTER),)),
    (
        "scheduling.k8s.io",
        "v1alpha2",
        (("podgroups", "PodGroup", _NAMESPACED), ("workloads", "Workload", _NAMESPACED)),
    ),
    ("coordination.k8s.io", "v1", (("leases", "Lease", _NAMESPACED),)),
    ("coordination.k8s.io", "v1beta1", (("leasecandidates", "LeaseCandidate", _NAMESPACED),)),
    ("node.k8s.io", "v1", (("runtimeclasses", "RuntimeClass", _CLUSTER),)),
    ("discovery.k8s.io", "v1", (("endpointslices", "EndpointSlice", _NAMESPACED),)),
    (
        "resource.k8s.io",
        "v1",
        (
            ("deviceclasses", "DeviceClass", _CLUSTER),
            ("resourceclaims", "ResourceClaim", _NAMESPACED),
            ("resourceclaimtemplates", "ResourceClaimTemplate", _NAMESPACED),
            ("resourceslices", "ResourceSlice", _CLUSTER),
        ),
    ),
    ("resource.k8s.io", "v1beta2", (("devicetaintrules", "DeviceTaintRule", _CLUSTER),)),
    ("resource.k8s.io", "v1alpha3", (("resourcepoolstatusrequests", "ResourcePoolStatusRequest", _CLUSTER),)),
    (
        "flowcontrol.apiserver.k8s.io",
        "v1",
        (
            ("flowschemas", "FlowSchema", _CLUSTER),
            ("prioritylevelconfigurations", "PriorityLevelConfiguration", _CLUSTER),
        ),
    ),
    ("storagemigration.k8s.io", "v1beta1", (("storageversionmigrations", "StorageVersionMigration", _CLUSTER),)),
    ("internal.apiserver.k8s.io", "v1alpha1", (("storageversions", "StorageVersion", _CLUSTER),)),
)
# Of these an object that nothing owns is a root, beside the kinds that have rules of their own.
_WORKLOADS = frozenset((("", "replicationcontrollers"),))

KUBERNETES_KINDS: tuple[Kind, ...] = (
    *BUILT_IN_KINDS,
    *(
        Kind(group, version, resource, kind, kind.lower(), namespaced, workload=(group, resource) in _WORKLOADS)
        for group, version, rows in _TABLE
        for resource, kind, namespaced in rows
    ),
)

# Some hold nothing that can be listed, or were served once.
KUBERNETES_GROUPS = frozenset(kind.group for kind in KUBERNETES_KINDS) | {
    "authentication.k8s.io",
    "authorization.k8s.io",
    "extensions",
    "imagepolicy.k8s.io",
}


def classified(kind: Kind) -> Kind:
    """The kind as it is tracked: with the row's own flags, or as a custom one where its group is not Kubernetes's."""
    return _ROWS.get((kind.group, kind.version, kind.resource)) or Kind(
        kind.group,
        kind.version,
        kind.resource,
        kind.kind,
        kind.singular,
        kind.namespaced,
        workload=kind.group not in KUBERNETES_GROUPS or (kind.group, kind.resource) in _WORKLOADS,
        custom=kind.group not in KUBERNETES_GROUPS,
    )


_ROWS = {(kind.group, kind.version, kind.resource): kind for kind in BUILT_IN_KINDS}
