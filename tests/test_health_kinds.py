"""Health of kinds without a state of their own: Kubernetes's own, each by its rule, and custom ones by convention."""

import pytest

from kubediscovery.health import Health
from kubediscovery.kinds import Kind
from kubediscovery.objects import Condition, StatusState
from tests.judging import DEGRADED, HEALTHY, PROGRESSING, SUSPENDED, verdict


def kind(api_version: str, name: str, *, custom: bool = False) -> Kind:
    group, _, version = api_version.rpartition("/")
    return Kind(group, version, f"{name.lower()}s", name, name.lower(), custom=custom)


CLAIM, VOLUME, SERVICE = kind("v1", "PersistentVolumeClaim"), kind("v1", "PersistentVolume"), kind("v1", "Service")
NODE, NAMESPACE = kind("v1", "Node"), kind("v1", "Namespace")
CONTROLLER = kind("v1", "ReplicationController")
INGRESS = kind("networking.k8s.io/v1", "Ingress")
ATTACHMENT = kind("storage.k8s.io/v1", "VolumeAttachment")
AUTOSCALER = kind("autoscaling/v2", "HorizontalPodAutoscaler")
BUDGET = kind("policy/v1", "PodDisruptionBudget")
DEFINITION = kind("apiextensions.k8s.io/v1", "CustomResourceDefinition")
API_SERVICE = kind("apiregistration.k8s.io/v1", "APIService")
SLICE = kind("discovery.k8s.io/v1", "EndpointSlice")
GATEWAY = kind("gateway.networking.k8s.io/v1", "Gateway", custom=True)
GATEWAY_CLASS = kind("gateway.networking.k8s.io/v1", "GatewayClass", custom=True)
ROUTE = kind("gateway.networking.k8s.io/v1", "HTTPRoute", custom=True)
GRANT = kind("gateway.networking.k8s.io/v1", "ReferenceGrant", custom=True)
KAFKA = kind("example.org/v1", "Kafka", custom=True)


def status(*conditions: str, **fields: object) -> StatusState:
    """``Ready=False:NotReady`` is a condition, whose message is ``said``."""
    flags = fields.pop("flags", {})
    assert isinstance(flags, dict)
    return StatusState(
        conditions=tuple(map(condition, conditions)),
        flags=tuple(sorted(flags.items())),
        **fields,  # type: ignore[arg-type]
    )


def condition(text: str) -> Condition:
    type_, _, rest = text.partition("=")
    state, _, reason = rest.partition(":")
    return Condition(type_, state, reason, "said")


def balancer(**flags: str) -> StatusState:
    return status(flags={"type": "LoadBalancer", **flags})


Row = tuple[str, Kind, StatusState, Health, str]
ROWS: tuple[Row, ...] = (
    ("a claim", CLAIM, status(phase="Bound"), HEALTHY, "Bound"),
    ("a claim that waits", CLAIM, status(phase="Pending"), PROGRESSING, "NotBound"),
    ("a claim that nobody has seen", CLAIM, status(), PROGRESSING, "NotBound"),
    ("a lost claim", CLAIM, status(phase="Lost"), DEGRADED, "Lost"),
    ("a free volume", VOLUME, status(phase="Available"), HEALTHY, ""),
    ("a bound volume", VOLUME, status(phase="Bound"), HEALTHY, ""),
    ("a released volume", VOLUME, status(phase="Released"), HEALTHY, ""),
    ("a new volume", VOLUME, status(phase="Pending"), PROGRESSING, "Pending"),
    ("a failed volume", VOLUME, status(phase="Failed"), DEGRADED, "Failed"),
    ("an attachment", ATTACHMENT, status(flags={"attached": "true"}), HEALTHY, ""),
    ("an attachment that waits", ATTACHMENT, status(flags={"attached": "false"}), PROGRESSING, "NotAttached"),
    (
        "an attachment that failed",
        ATTACHMENT,
        status(flags={"attached": "false", "error": "no"}),
        DEGRADED,
        "AttachFailed",
    ),
    ("a service", SERVICE, status(flags={"type": "ClusterIP", "clusterIP": "10.0.0.1"}), HEALTHY, ""),
    ("a service of the default type", SERVICE, status(), HEALTHY, ""),
    ("a balanced service", SERVICE, balancer(clusterIP="10.0.0.1", address="203.0.113.7"), HEALTHY, ""),
    ("a balanced service without address", SERVICE, balancer(clusterIP="10.0.0.1"), PROGRESSING, "NoAddress"),
    ("a balanced service without cluster IP", SERVICE, balancer(address="a"), PROGRESSING, "NoIPAssigned"),
    ("an ingress", INGRESS, status(flags={"address": "lb.example.org"}), HEALTHY, ""),
    ("an ingress without address", INGRESS, status(), PROGRESSING, "NoAddress"),
    ("a new autoscaler", AUTOSCALER, status(), PROGRESSING, "NotScaledYet"),
    ("an autoscaler", AUTOSCALER, status("AbleToScale=True:ReadyForNewScale"), HEALTHY, "ReadyForNewScale"),
    (
        "an autoscaler at its limit",
        AUTOSCALER,
        status("ScalingLimited=True:TooManyReplicas"),
        HEALTHY,
        "TooManyReplicas",
    ),
    (
        "an autoscaler without metrics",
        AUTOSCALER,
        status("AbleToScale=True:SucceededGetScale", "ScalingActive=False:FailedGetResourceMetric"),
        DEGRADED,
        "FailedGetResourceMetric",
    ),
    (
        "an autoscaler without target",
        AUTOSCALER,
        status("AbleToScale=False:FailedGetScale"),
        DEGRADED,
        "FailedGetScale",
    ),
    (
        "an autoscaler that is off",
        AUTOSCALER,
        status("AbleToScale=True:SucceededGetScale", "ScalingActive=False:ScalingDisabled"),
        HEALTHY,
        "SucceededGetScale",
    ),
    ("a new budget", BUDGET, status(), HEALTHY, ""),
    ("a budget", BUDGET, status("DisruptionAllowed=True:SufficientPods", desired=1, ready=2), HEALTHY, ""),
    ("a spent budget", BUDGET, status("DisruptionAllowed=False:InsufficientPods", desired=2, ready=1), HEALTHY, ""),
    ("a broken budget", BUDGET, status("DisruptionAllowed=False:SyncFailed"), DEGRADED, "SyncFailed"),
    ("a budget not seen", BUDGET, status(observed_generation=0), PROGRESSING, "GenerationNotObserved"),
    (
        "a definition",
        DEFINITION,
        status("NamesAccepted=True", "Established=True:InitialNamesAccepted"),
        HEALTHY,
        "Established",
    ),
    ("a new definition", DEFINITION, status(), PROGRESSING, "Installing"),
    ("a definition being installed", DEFINITION, status("Established=False:Installing"), PROGRESSING, "Installing"),
    ("a definition not established", DEFINITION, status("Established=False:NotAccepted"), DEGRADED, "NotAccepted"),
    (
        "a definition with taken names",
        DEFINITION,
        status("NamesAccepted=False:PluralConflict"),
        DEGRADED,
        "PluralConflict",
    ),
    (
        "a definition without structure",
        DEFINITION,
        status("Established=True", "NonStructuralSchema=True:Violations"),
        DEGRADED,
        "Violations",
    ),
    ("an API service", API_SERVICE, status("Available=True:Passed"), HEALTHY, "Passed"),
    (
        "an API service that fails",
        API_SERVICE,
        status("Available=False:FailedDiscoveryCheck"),
        PROGRESSING,
        "FailedDiscoveryCheck",
    ),
    ("a new API service", API_SERVICE, status(), PROGRESSING, "NotAvailable"),
    ("a namespace", NAMESPACE, status(phase="Active"), HEALTHY, ""),
    ("a node", NODE, status("MemoryPressure=False", "Ready=True:KubeletReady"), HEALTHY, "KubeletReady"),
    ("a node that is not ready", NODE, status("Ready=False:KubeletNotReady"), PROGRESSING, "KubeletNotReady"),
    ("a lost node", NODE, status("Ready=Unknown:NodeStatusUnknown"), DEGRADED, "NodeStatusUnknown"),
    ("a node short of memory", NODE, status("MemoryPressure=True:Low", "Ready=True"), DEGRADED, "Low"),
    ("a node short of disk", NODE, status("DiskPressure=True:Low", "Ready=True"), DEGRADED, "Low"),
    ("a node short of processes", NODE, status("PIDPressure=True:Low", "Ready=True"), DEGRADED, "Low"),
    ("a node without network", NODE, status("NetworkUnavailable=True:NoRoute", "Ready=True"), DEGRADED, "NoRoute"),
    ("a cordoned node", NODE, status("Ready=True", flags={"unschedulable": "true"}), SUSPENDED, "Unschedulable"),
    ("endpoints, some not ready", SLICE, status(desired=2, ready=1), HEALTHY, ""),
    ("a gateway", GATEWAY, status("Accepted=True", "Programmed=True"), HEALTHY, ""),
    ("a new gateway", GATEWAY, status(), PROGRESSING, "NotAccepted"),
    (
        "a gateway that waits",
        GATEWAY,
        status("Accepted=Unknown:Pending", "Programmed=Unknown:Pending"),
        PROGRESSING,
        "Pending",
    ),
    ("a refused gateway", GATEWAY, status("Accepted=False:Invalid", "Programmed=False"), DEGRADED, "Invalid"),
    (
        "a gateway not programmed",
        GATEWAY,
        status("Accepted=True", "Programmed=False:NoResources"),
        PROGRESSING,
        "NoResources",
    ),
    (
        "a gateway that is not ready",
        GATEWAY,
        status("Programmed=True", "Ready=False:ListenersNotReady"),
        PROGRESSING,
        "ListenersNotReady",
    ),
    ("a gateway class", GATEWAY_CLASS, status("Accepted=True"), HEALTHY, ""),
    (
        "a refused gateway class",
        GATEWAY_CLASS,
        status("Accepted=False:InvalidParameters"),
        DEGRADED,
        "InvalidParameters",
    ),
    ("a route", ROUTE, status("Accepted=True", "ResolvedRefs=True"), HEALTHY, ""),
    (
        "a route to nowhere",
        ROUTE,
        status("Accepted=True", "ResolvedRefs=False:BackendNotFound"),
        DEGRADED,
        "BackendNotFound",
    ),
    (
        "a route refused by its second gateway",
        ROUTE,
        status("Accepted=True", "Accepted=False:NoMatch"),
        DEGRADED,
        "NoMatch",
    ),
    ("a route that nobody has seen", ROUTE, status(), PROGRESSING, "NotAccepted"),
    ("a grant, which has no status", GRANT, status(), HEALTHY, ""),
    ("a custom kind without a word", KAFKA, status(), HEALTHY, ""),
    ("not seen", KAFKA, status("Ready=True", observed_generation=0), PROGRESSING, "GenerationNotObserved"),
    ("seen", KAFKA, status("Ready=True:Up", observed_generation=1), HEALTHY, "Up"),
    ("reconciling", KAFKA, status("Reconciling=True:Busy", "Ready=True"), PROGRESSING, "Busy"),
    ("stalled", KAFKA, status("Stalled=True:Stuck", "Ready=True"), DEGRADED, "Stuck"),
    ("stalled, then reconciling", KAFKA, status("Stalled=True:Stuck", "Reconciling=True"), DEGRADED, "Stuck"),
    ("reconciling, then stalled", KAFKA, status("Reconciling=True:Busy", "Stalled=True"), PROGRESSING, "Busy"),
    ("neither any more", KAFKA, status("Reconciling=False", "Stalled=False", "Ready=True"), HEALTHY, "Ready"),
    ("a claim that stalled", CLAIM, status("Stalled=True:Stuck", phase="Bound"), DEGRADED, "Stuck"),
    ("ready", KAFKA, status("Ready=True:Up"), HEALTHY, "Up"),
    ("not ready", KAFKA, status("Ready=False:Down"), PROGRESSING, "Down"),
    ("nobody knows", KAFKA, status("Ready=Unknown:Lost"), PROGRESSING, "Lost"),
    ("ready in another word", KAFKA, status("Ready=Maybe"), HEALTHY, ""),
    ("ready, not available", KAFKA, status("Ready=True:Up", "Available=False"), HEALTHY, "Up"),
    ("ready, of fewer", KAFKA, status("Ready=True:Up", desired=3, ready=1), HEALTHY, "Up"),
    ("available", KAFKA, status("Available=True"), HEALTHY, ""),
    ("not available", KAFKA, status("Available=False:Down"), PROGRESSING, "Down"),
    ("availability unknown", KAFKA, status("Available=Unknown:Lost"), PROGRESSING, "Lost"),
    ("progressing", KAFKA, status("Available=True", "Progressing=True:Moving"), PROGRESSING, "Moving"),
    ("no longer progressing", KAFKA, status("Available=True", "Progressing=False:Done"), HEALTHY, ""),
    ("done as Deployments are", KAFKA, status("Progressing=True:NewReplicaSetAvailable"), HEALTHY, ""),
    (
        "late as Deployments are",
        KAFKA,
        status("Progressing=False:ProgressDeadlineExceeded"),
        DEGRADED,
        "ProgressDeadlineExceeded",
    ),
    ("degraded", KAFKA, status("Degraded=True:Broken", "Ready=True"), DEGRADED, "Broken"),
    ("suspended", KAFKA, status("Ready=False", flags={"suspended": "true"}), SUSPENDED, "Suspended"),
    ("fewer than wanted", KAFKA, status(desired=3, ready=1), PROGRESSING, "NotReady"),
    ("as many as wanted", KAFKA, status(desired=3, ready=3), HEALTHY, ""),
    ("nobody counts those that are ready", KAFKA, status(desired=3), HEALTHY, ""),
)


@pytest.mark.parametrize(("of", "state", "health", "reason"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_status(of: Kind, state: StatusState, health: Health, reason: str) -> None:
    assert verdict(of, state)[:2] == (health, reason)


@pytest.mark.parametrize(
    ("of", "state", "message"),
    [
        (CLAIM, status(phase="Pending"), "the claim is Pending, not bound"),
        (CLAIM, status(), "the claim is new, not bound"),
        (VOLUME, status(phase="Failed"), "the volume is Failed"),
        (VOLUME, status(phase="Bound"), ""),
        (ATTACHMENT, status(flags={"error": "no such disk"}), "no such disk"),
        (KAFKA, status("Ready=False"), "said"),
        (KAFKA, status(desired=3, ready=1), "1 of 3 ready"),
    ],
)
def test_the_words(of: Kind, state: StatusState, message: str) -> None:
    assert verdict(of, state)[2] == message
