"""The relations beside ownership, as a table of rules.

Each says where a fact stands and which way its edge is drawn; nothing is guessed by name. What the facts of an object
are is read when it is decoded (:class:`kubediscovery.objects.Reference`), so that rules here only say what they mean.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from kubediscovery.recent import Recent

GroupKind = tuple[str, str]

ANY: GroupKind = ("*", "*")
# Of an owner to whom it stands below, where a tree grows upward; no rule.
OWNER = "owner"
EVENT, RELEASE, CLAIM_TEMPLATE, NODE_RELATION = "event", "helm", "claimTemplate", "node"

# Choices of relations whose ways are kept.
_WAYS = 32

_GATEWAY = "gateway.networking.k8s.io"
_RBAC = "rbac.authorization.k8s.io"
_STORAGE = "storage.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
_NETWORKING = "networking.k8s.io"

POD, SERVICE, NODE, SECRET = ("", "Pod"), ("", "Service"), ("", "Node"), ("", "Secret")
CLAIM, VOLUME = ("", "PersistentVolumeClaim"), ("", "PersistentVolume")
SLICE = ("discovery.k8s.io", "EndpointSlice")
INGRESS, GATEWAY = (_NETWORKING, "Ingress"), (_GATEWAY, "Gateway")
STORAGE_CLASS, CSI_DRIVER = (_STORAGE, "StorageClass"), (_STORAGE, "CSIDriver")
ATTACHMENT = (_STORAGE, "VolumeAttachment")
CLUSTER_ROLE, ACCOUNT = (_RBAC, "ClusterRole"), ("", "ServiceAccount")
_ROUTES = tuple((_GATEWAY, kind) for kind in ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"))
_BINDINGS = ((_RBAC, "RoleBinding"), (_RBAC, "ClusterRoleBinding"))
_WEBHOOKS = (
    (_ADMISSION, "MutatingWebhookConfiguration"),
    (_ADMISSION, "ValidatingWebhookConfiguration"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
)


class How(StrEnum):
    """Where the fact of a relation stands."""

    #: A field of the source names the target.
    REFERENCE = "reference"
    #: A field or label of the target names the source: the edge is drawn against it.
    REVERSED = "reversed"
    #: The source selects targets by their labels.
    SELECTOR = "selector"
    #: An Event is about the source, by its UID.
    EVENT = "event"
    #: Both are of one Helm release.
    RELEASE = "release"


class Rule(Struct, frozen=True):
    """One relation between objects of some kinds: the edge is drawn from ``source`` to ``target``.

    An ``attached`` one also says something of the target: it is followed backwards too, from what a composition owns
    to what serves, scales or guards it. ``then`` are the relations by which the way goes on at a target.
    """

    name: str
    source: GroupKind
    target: GroupKind
    how: How
    sentence: str
    attached: bool = False
    then: frozenset[str] = frozenset()


def _rules(
    name: str,
    sources: Iterable[GroupKind],
    targets: Iterable[GroupKind],
    sentence: str,
    how: How = How.REFERENCE,
    *,
    attached: bool = False,
    then: str = "",
) -> tuple[Rule, ...]:
    follows = frozenset(then.split())
    return tuple(
        Rule(name, source, target, how, sentence, attached, follows) for source in sources for target in targets
    )


RULES: tuple[Rule, ...] = (
    *_rules(
        "endpoints",
        [SERVICE],
        [SLICE],
        "a Service to its EndpointSlices, by their label kubernetes.io/service-name",
        How.REVERSED,
        attached=True,
        then="endpoints",
    ),
    *_rules("endpoints", [SLICE], [POD], "an EndpointSlice to the pods that it lists", attached=True),
    *_rules(
        "ingress",
        [INGRESS],
        [ANY],
        "an Ingress to the Services, or other backends, behind it",
        attached=True,
        then="endpoints",
    ),
    *_rules("ingressClass", [INGRESS], [(_NETWORKING, "IngressClass")], "an Ingress to its class"),
    *_rules("tls", [INGRESS, GATEWAY], [SECRET], "an Ingress or a Gateway to the Secrets of its certificates"),
    *_rules(
        "route",
        [GATEWAY],
        _ROUTES,
        "a Gateway to the routes that name it as their parent",
        How.REVERSED,
        attached=True,
        then="route endpoints",
    ),
    *_rules("route", _ROUTES, [SERVICE], "a route to the Services behind it", attached=True, then="endpoints"),
    *_rules("gatewayClass", [GATEWAY], [(_GATEWAY, "GatewayClass")], "a Gateway to its class"),
    *_rules(
        "scale",
        [("autoscaling", "HorizontalPodAutoscaler")],
        [ANY],
        "a HorizontalPodAutoscaler to what it scales",
        attached=True,
    ),
    *_rules(
        "disruption",
        [("policy", "PodDisruptionBudget")],
        [POD],
        "a PodDisruptionBudget to the pods that it selects",
        How.SELECTOR,
        attached=True,
    ),
    *_rules(
        "networkPolicy",
        [(_NETWORKING, "NetworkPolicy")],
        [POD],
        "a NetworkPolicy to the pods that it selects",
        How.SELECTOR,
        attached=True,
    ),
    *_rules("configMap", [POD], [("", "ConfigMap")], "a Pod to the ConfigMaps of its containers and volumes"),
    *_rules(
        "secret",
        [POD, VOLUME],
        [SECRET],
        "a Pod to the Secrets of its containers, volumes and image pulls, a PersistentVolume to those of its driver",
    ),
    *_rules("claim", [POD], [CLAIM], "a Pod to its PersistentVolumeClaims", then="volume storageClass"),
    *_rules("serviceAccount", [POD], [ACCOUNT], "a Pod to its ServiceAccount"),
    *_rules(NODE_RELATION, [POD], [NODE], "a Pod to the Node that it was given to"),
    *_rules("priorityClass", [POD], [("scheduling.k8s.io", "PriorityClass")], "a Pod to its PriorityClass"),
    *_rules("runtimeClass", [POD], [("node.k8s.io", "RuntimeClass")], "a Pod to its RuntimeClass"),
    *_rules(
        "csiDriver",
        [POD, VOLUME, STORAGE_CLASS, ATTACHMENT],
        [CSI_DRIVER],
        "what is stored by a CSIDriver to that driver",
    ),
    *_rules(
        "volume",
        [CLAIM],
        [VOLUME],
        "a PersistentVolumeClaim to the PersistentVolume that it is bound to",
        then="storageClass csiDriver",
    ),
    *_rules("storageClass", [CLAIM, VOLUME], [STORAGE_CLASS], "a claim or volume to its class", then="csiDriver"),
    *_rules(
        "attachment",
        [ATTACHMENT],
        [VOLUME, NODE],
        "a VolumeAttachment to its PersistentVolume and its Node",
        attached=True,
        then="storageClass csiDriver",
    ),
    *_rules(
        CLAIM_TEMPLATE,
        [("apps", "StatefulSet")],
        [CLAIM],
        "a StatefulSet to the claims of its volumeClaimTemplates, named <template>-<set>-<ordinal> by its controller",
        then="volume storageClass",
    ),
    *_rules(
        "role", _BINDINGS, [(_RBAC, "Role"), CLUSTER_ROLE], "a binding to the role that it gives", then="aggregation"
    ),
    *_rules("subject", _BINDINGS, [ACCOUNT], "a binding to the ServiceAccounts that it gives it to", attached=True),
    *_rules(
        "aggregation",
        [CLUSTER_ROLE],
        [CLUSTER_ROLE],
        "a ClusterRole to those that it puts together",
        How.SELECTOR,
        then="aggregation",
    ),
    *_rules(
        "webhook",
        _WEBHOOKS,
        [SERVICE],
        "a webhook configuration, or a CustomResourceDefinition that is converted, to the Service that is called",
        attached=True,
        then="endpoints",
    ),
    *_rules(
        "apiService",
        [("apiregistration.k8s.io", "APIService")],
        [SERVICE],
        "an APIService to the Service behind it",
        attached=True,
        then="endpoints",
    ),
    *_rules("tokenSecret", [ACCOUNT], [SECRET], "a ServiceAccount to its Secrets"),
    *_rules("tokenSecret", [ACCOUNT], [SECRET], "a ServiceAccount to Secrets annotated with its name", How.REVERSED),
    *_rules(EVENT, [ANY], [("", "Event")], "an object to the latest Events about it", How.EVENT),
    *_rules(RELEASE, [ANY], [ANY], "an object to the others of its Helm release", How.RELEASE),
)

# Kinds of the table that have no namespace: a reference to one of them has none either.
CLUSTER_SCOPED: frozenset[GroupKind] = frozenset(
    (
        NODE,
        VOLUME,
        STORAGE_CLASS,
        CSI_DRIVER,
        CLUSTER_ROLE,
        ("", "Namespace"),
        (_NETWORKING, "IngressClass"),
        (_GATEWAY, "GatewayClass"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("node.k8s.io", "RuntimeClass"),
    )
)


class Ways(NamedTuple):
    """The relations that are followed, those of them that are followed backwards too, and how each goes on."""

    followed: frozenset[str]
    attached: frozenset[str]
    then: Mapping[str, frozenset[str]]


class Relations:
    """The rules that hold, those that users declare among them, found by what a walk has in hand."""

    def __init__(self, declared: Iterable[Rule] = ()) -> None:
        self._ways: Recent[frozenset[str], Ways] = Recent(_WAYS)
        self.rules = (*RULES, *declared)
        #: What ``relations=`` may name.
        self.names = frozenset(rule.name for rule in self.rules)
        #: The relations that are followed backwards from what a composition owns.
        self.attached = frozenset(rule.name for rule in self.rules if rule.attached)
        #: By relation: how the way goes on at its targets.
        self.then = _united(self.rules)
        #: By the kind that the edge is drawn from: the relations in which others name it.
        self.named_by = _names_by((rule.source, rule.name) for rule in self.rules if rule.how is How.REVERSED)
        #: The kinds whose objects name whom the edge is drawn from.
        self.naming = frozenset(rule.target for rule in self.rules if rule.how is How.REVERSED)
        #: By a kind that selects: the relation, and the kind that is selected, by the first rule that says so.
        self.selects: Mapping[GroupKind, tuple[str, GroupKind]] = {
            rule.source: (rule.name, rule.target) for rule in reversed(self.rules) if rule.how is How.SELECTOR
        }
        #: The kinds whose objects are selected.
        self.selected = frozenset(rule.target for rule in self.rules if rule.how is How.SELECTOR)

    def ways(self, relations: frozenset[str]) -> Ways:
        """Where ways go that follow some relations."""
        found = self._ways.get(relations)
        if found is None:
            followed = relations - {EVENT, RELEASE}
            then = {name: self.then.get(name, frozenset()) & followed for name in followed}
            found = Ways(followed, followed & self.attached, then)
            self._ways.keep(relations, found)
        return found


def _united(rules: Iterable[Rule]) -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for rule in rules:
        found[rule.name] = found.get(rule.name, frozenset()) | rule.then
    return found


def _names_by(pairs: Iterable[tuple[GroupKind, str]]) -> Mapping[GroupKind, frozenset[str]]:
    found: defaultdict[GroupKind, set[str]] = defaultdict(set)
    for key, name in pairs:
        found[key].add(name)
    return {key: frozenset(names) for key, names in found.items()}
