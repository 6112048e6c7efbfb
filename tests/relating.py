"""Objects that relations lead between, and an obvious reading of what trees have to show of them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.kinds import BUILT_IN_KINDS, Kind, Kinds
from kubediscovery.links import Links
from kubediscovery.naming import namespace_of
from kubediscovery.nodes import Node
from kubediscovery.objects import EventState, Object, Reference
from kubediscovery.relations import RULES, How, Relations
from kubediscovery.selectors import EVERYTHING, Requirement, Selector
from kubediscovery.sight import Sight
from kubediscovery.store import Store
from tests.objects import DEPLOYMENT, FLEET, POD, REPLICA_SET, STATEFUL_SET, make, owner_of

NETWORK, GATEWAYS, STORAGE = "networking.k8s.io", "gateway.networking.k8s.io", "storage.k8s.io"
SERVICE = Kind("", "v1", "services", "Service", "service")
SLICE = Kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", "endpointslice")
INGRESS = Kind(NETWORK, "v1", "ingresses", "Ingress", "ingress")
INGRESS_CLASS = Kind(NETWORK, "v1", "ingressclasses", "IngressClass", "ingressclass", namespaced=False)
POLICY = Kind(NETWORK, "v1", "networkpolicies", "NetworkPolicy", "networkpolicy")
GATEWAY = Kind(GATEWAYS, "v1", "gateways", "Gateway", "gateway")
GATEWAY_CLASS = Kind(GATEWAYS, "v1", "gatewayclasses", "GatewayClass", "gatewayclass", namespaced=False)
ROUTE = Kind(GATEWAYS, "v1", "httproutes", "HTTPRoute", "httproute")
AUTOSCALER = Kind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa")
BUDGET = Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", "poddisruptionbudget")
CONFIG = Kind("", "v1", "configmaps", "ConfigMap", "configmap")
SECRET = Kind("", "v1", "secrets", "Secret", "secret")
ACCOUNT = Kind("", "v1", "serviceaccounts", "ServiceAccount", "serviceaccount")
NODE = Kind("", "v1", "nodes", "Node", "node", namespaced=False)
CLAIM = Kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", "persistentvolumeclaim")
VOLUME = Kind("", "v1", "persistentvolumes", "PersistentVolume", "persistentvolume", namespaced=False)
STORAGE_CLASS = Kind(STORAGE, "v1", "storageclasses", "StorageClass", "storageclass", namespaced=False)
DRIVER = Kind(STORAGE, "v1", "csidrivers", "CSIDriver", "csidriver", namespaced=False)
ATTACHMENT = Kind(STORAGE, "v1", "volumeattachments", "VolumeAttachment", "volumeattachment", namespaced=False)
PRIORITY = Kind("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", "priorityclass", namespaced=False)
RUNTIME = Kind("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", "runtimeclass", namespaced=False)
RBAC = "rbac.authorization.k8s.io"
ROLE = Kind(RBAC, "v1", "roles", "Role", "role")
BINDING = Kind(RBAC, "v1", "rolebindings", "RoleBinding", "rolebinding")
CLUSTER_ROLE = Kind(RBAC, "v1", "clusterroles", "ClusterRole", "clusterrole", namespaced=False)
WEBHOOKS = Kind(
    "admissionregistration.k8s.io",
    "v1",
    "validatingwebhookconfigurations",
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfiguration",
    namespaced=False,
)
API_SERVICE = Kind("apiregistration.k8s.io", "v1", "apiservices", "APIService", "apiservice", namespaced=False)
EVENT = Kind("", "v1", "events", "Event", "event")

RELATED_KINDS = Kinds(
    (
        *BUILT_IN_KINDS,
        FLEET,
        *(SERVICE, SLICE, INGRESS, INGRESS_CLASS, POLICY, GATEWAY, GATEWAY_CLASS, ROUTE, AUTOSCALER, BUDGET, CONFIG),
        *(SECRET, ACCOUNT, NODE, CLAIM, VOLUME, STORAGE_CLASS, DRIVER, ATTACHMENT, PRIORITY, RUNTIME, ROLE, BINDING),
        *(CLUSTER_ROLE, WEBHOOKS, API_SERVICE, EVENT),
    )
)
EVERYBODY = Sight(None, frozenset(RELATED_KINDS), all=True)
ALL = Relations().names


def refers(relation: str, target: Object, namespace: str | None = None) -> Reference:
    """What an object says that names the target; without a namespace it means its own."""
    return Reference(relation, target.kind.group, target.kind.kind, target.name, namespace)


def selects(**labels: str) -> Selector:
    return Selector(tuple(Requirement(key, "in", frozenset((value,))) for key, value in sorted(labels.items())))


def labels(**found: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(found.items()))


def pod(name: str, *references: Reference, node: str = "", **fields: Any) -> Object:
    return make(POD, name, references=references, node=node, **fields)


def event(name: str, about: Object, last_seen: int = 1, *, uid: str | None = None) -> Object:
    state = EventState("Warning", "Because", f"of {name}", 2, last_seen, about.uid if uid is None else uid)
    return make(EVENT, name, about.namespace or "default", state=state, references=(refers("event", about),))


def stored(objects: Iterable[Object]) -> Store:
    """A store of these objects that has seen all of every kind, each put in its turn."""
    store = Store(Kinds(RELATED_KINDS))
    for kind in RELATED_KINDS:
        store.replace(kind, [], 1)
    for item in objects:
        store.put(item)
    return store


def is_empty(links: Links) -> bool:
    """Whether nobody says anything of anybody."""
    sets = (links._siblings, links._on_node, links._selecting, links._releases, links._told, links._numbered)
    return not links._named._named and not any(len(found) for found in sets)


# What anybody would write who need not be quick


class Line(NamedTuple):
    """One edge as it is drawn: from the UID ``above`` to the UID ``below``."""

    relation: str
    above: str
    below: str


def lines(objects: list[Object]) -> set[Line]:
    """All edges between the objects but those of events and releases, by looking at every pair of them."""
    return {line for one in objects for other in objects for line in _between(one, other)}


def _between(one: Object, other: Object) -> Iterable[Line]:
    rules = Relations()
    named = (other.kind.group, other.kind.kind)
    for reference in one.named:
        if (
            (reference.group, reference.kind) != named
            or reference.relation == "event"
            or not _is_at(reference, one, other)
        ):
            continue
        if any(rule.how is How.REVERSED and rule.name == reference.relation and rule.source == named for rule in RULES):
            yield Line(reference.relation, other.uid, one.uid)
        else:
            yield Line(reference.relation, one.uid, other.uid)
    relation, selected = rules.selects.get((one.kind.group, one.kind.kind), ("", ("", "")))
    if one.selector is None or selected != named or one.namespace != other.namespace:
        return
    if one.selector.matches(dict(other.labels)):
        yield Line(relation, one.uid, other.uid)


def _is_at(reference: Reference, one: Object, other: Object) -> bool:
    if reference.relation == "claimTemplate":
        ordinal = other.name.removeprefix(reference.name)
        is_numbered = other.name.startswith(reference.name) and ordinal == str(
            int(ordinal) if ordinal.isdecimal() else ""
        )
        return is_numbered and other.namespace == one.namespace
    at = namespace_of(reference, one.namespace) if other.kind.namespaced else ""
    return (at, reference.name) == (other.namespace, other.name)


# Graphs

_KINDS = (
    *(DEPLOYMENT, REPLICA_SET, REPLICA_SET, POD, POD, POD, STATEFUL_SET, FLEET),
    *(SERVICE, SLICE, INGRESS, GATEWAY, ROUTE, AUTOSCALER, BUDGET, POLICY, CONFIG, SECRET, ACCOUNT, NODE, CLAIM),
    *(VOLUME, STORAGE_CLASS, DRIVER, ATTACHMENT, CLUSTER_ROLE),
)
_SELECTORS = (EVERYTHING, selects(app="x"), selects(app="y"), Selector((Requirement("app", "exists"),)))


@st.composite
def graphs(draw: st.DrawFn) -> list[Object]:
    """Up to fourteen objects in two namespaces with owners, references and selectors of all sorts among them."""
    kinds = draw(st.lists(st.sampled_from(_KINDS), min_size=1, max_size=14))
    placed = [
        make(
            kind,
            f"n-{number}" if kind is CLAIM else f"n{number}",
            draw(st.sampled_from("aab")),
            uid=f"uid-{number}",
            resource_version=draw(st.integers(1, 99)),
            labels=draw(st.sampled_from([(), labels(app="x"), labels(app="y", tier="z")])),
            deleting=draw(st.sampled_from([False, False, False, True])),
        )
        for number, kind in enumerate(kinds)
    ]
    return [_linked(draw, item, placed) for item in placed]


def _linked(draw: st.DrawFn, item: Object, placed: list[Object]) -> Object:
    owners = draw(st.lists(st.sampled_from([*placed, make(DEPLOYMENT, "gone")]), max_size=2))
    ruled = [rule for rule in RULES if rule.how in (How.REFERENCE, How.REVERSED)]
    possible = [
        (rule.name, target)
        for target in placed
        for rule in ruled
        if (_says(item, rule.source) and _says(target, rule.target) and rule.how is How.REFERENCE)
        or (_says(item, rule.target) and _says(target, rule.source) and rule.how is How.REVERSED)
    ]
    chosen = draw(st.lists(st.sampled_from(possible), max_size=4)) if possible else []
    references = tuple(
        Reference(relation, target.kind.group, target.kind.kind, _called(relation, target), _at(draw))
        for relation, target in chosen
        if relation != "node"
    )
    item = structs.replace(
        item,
        owners=tuple(owner_of(owner, controller=draw(st.booleans())) for owner in owners),
        references=references,
        selector=draw(st.sampled_from(_SELECTORS)) if item.kind in (BUDGET, POLICY, CLUSTER_ROLE, DEPLOYMENT) else None,
    )
    nodes = [target.name for relation, target in chosen if relation == "node"]
    return structs.replace(item, node=nodes[0] if nodes else "") if item.kind == POD else item


def _says(item: Object, group_kind: tuple[str, str]) -> bool:
    return group_kind in ((item.kind.group, item.kind.kind), ("*", "*"))


def _called(relation: str, target: Object) -> str:
    return "n-" if relation == "claimTemplate" else target.name


def _at(draw: st.DrawFn) -> str | None:
    return draw(st.sampled_from([None, None, None, "a", "b"]))


def sights() -> st.SearchStrategy[Sight]:
    """Of somebody who may list some kinds in one namespace, or in all, and perhaps others everywhere."""
    kinds = st.frozensets(st.sampled_from(sorted(set(_KINDS), key=str)))
    every = frozenset(_KINDS)
    limited = st.builds(
        lambda place, hidden, far: Sight(place, every - hidden, far - hidden),
        st.sampled_from([None, "a"]),
        kinds,
        kinds,
    )
    return st.one_of(st.just(EVERYBODY), limited)


def walk(node: Node) -> Iterable[Node]:
    """A node and all below it, in the order of the document."""
    yield node
    for other in (*node.children, *node.related):
        yield from walk(other)
