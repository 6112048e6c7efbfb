"""Health of what kube-apiserver sends: from the document to the verdict."""

from typing import Any

import msgspec
import pytest
import yaml

from kubediscovery.compact import Compactor
from kubediscovery.decoding import Decoder
from kubediscovery.health import Health, assess
from kubediscovery.kinds import Kind
from kubediscovery.ripening import ripened
from tests.judging import DEGRADED, HEALTHY, PROGRESSING, SUSPENDED
from tests.objects import CRON_JOB, DAEMON_SET, DEPLOYMENT, JOB, POD, REPLICA_SET, STATEFUL_SET
from tests.test_health_kinds import (
    API_SERVICE,
    ATTACHMENT,
    AUTOSCALER,
    BUDGET,
    CLAIM,
    CONTROLLER,
    DEFINITION,
    GATEWAY,
    INGRESS,
    KAFKA,
    NODE,
    ROUTE,
    SERVICE,
    SLICE,
    VOLUME,
)

UPDATED = "replicas: 2, readyReplicas: 2, availableReplicas: 2, updatedReplicas: 2, observedGeneration: 1"
DONE = "{type: Progressing, status: 'True', reason: NewReplicaSetAvailable}"
AVAILABLE = "{type: Available, status: 'True'}"
UNSCHEDULABLE = "{type: PodScheduled, status: 'False', reason: Unschedulable}"
ROLLED = f"""
spec: {{replicas: 2, updateStrategy: {{type: RollingUpdate, rollingUpdate: {{partition: 0}}}}}}
status: {{{UPDATED}, currentReplicas: 2, currentRevision: a, updateRevision: a}}
"""
EVERYWHERE = """
status: {desiredNumberScheduled: 1, currentNumberScheduled: 1, updatedNumberScheduled: 1, numberAvailable: 1,
  numberReady: 1, observedGeneration: 1}
"""
PARENT = "{conditions: [{type: Accepted, status: 'True'}]}"
REFUSED = "{conditions: [{type: Accepted, status: 'False', reason: NoMatchingParent}]}"


@pytest.mark.parametrize(
    ("kind", "document", "health", "reason"),
    [
        (
            DEPLOYMENT,
            f"spec: {{replicas: 2}}\nstatus: {{{UPDATED}, conditions: [{AVAILABLE}, {DONE}]}}",
            HEALTHY,
            "NewReplicaSetAvailable",
        ),
        (
            DEPLOYMENT,
            f"spec: {{replicas: 2, progressDeadlineSeconds: 600}}\nstatus: {{{UPDATED}, conditions: [{AVAILABLE}]}}",
            PROGRESSING,
            "",
        ),
        (REPLICA_SET, "spec: {replicas: 0}\nstatus: {replicas: 0, observedGeneration: 1}", HEALTHY, ""),
        (
            STATEFUL_SET,
            ROLLED,
            HEALTHY,
            "",
        ),
        (STATEFUL_SET, "spec: {replicas: 0}\nstatus: {replicas: 0}", PROGRESSING, "GenerationNotObserved"),
        (
            DAEMON_SET,
            EVERYWHERE,
            HEALTHY,
            "",
        ),
        (JOB, "spec: {suspend: true}", SUSPENDED, "JobSuspended"),
        (CRON_JOB, "status: {lastScheduleTime: '2026-01-01T00:00:00Z'}", DEGRADED, "LastRunFailed"),
        (POD, f"status: {{phase: Pending, conditions: [{UNSCHEDULABLE}]}}", DEGRADED, "Unschedulable"),
        (CONTROLLER, f"spec: {{replicas: 3}}\nstatus: {{{UPDATED}, fullyLabeledReplicas: 2}}", PROGRESSING, ""),
        (CLAIM, "status: {phase: Lost}", DEGRADED, "Lost"),
        (VOLUME, "status: {phase: Failed}", DEGRADED, "Failed"),
        (ATTACHMENT, "status: {attached: false, attachError: {message: full}}", DEGRADED, "AttachFailed"),
        (SERVICE, "spec: {type: ClusterIP, clusterIP: 10.0.0.1}", HEALTHY, ""),
        (SERVICE, "spec: {type: LoadBalancer, clusterIP: 10.0.0.1}", PROGRESSING, "NoAddress"),
        (
            SERVICE,
            "spec: {type: LoadBalancer, clusterIP: 10.0.0.1}\nstatus: {loadBalancer: {ingress: [{hostname: a}]}}",
            HEALTHY,
            "",
        ),
        (INGRESS, "spec: {}", PROGRESSING, "NoAddress"),
        (INGRESS, "status: {loadBalancer: {ingress: [{ip: 203.0.113.7}]}}", HEALTHY, ""),
        (SLICE, "endpoints: [{addresses: [10.0.0.1], conditions: {ready: false}}]", HEALTHY, ""),
        (
            AUTOSCALER,
            "status: {conditions: [{type: ScalingActive, status: 'False', reason: FailedGetResourceMetric}]}",
            DEGRADED,
            "FailedGetResourceMetric",
        ),
        (BUDGET, "status: {observedGeneration: 1, desiredHealthy: 2, currentHealthy: 1}", HEALTHY, ""),
        (DEFINITION, "status: {conditions: [{type: Established, status: 'True'}]}", HEALTHY, "Established"),
        (API_SERVICE, "status: {conditions: [{type: Available, status: 'False', reason: Gone}]}", PROGRESSING, "Gone"),
        (
            NODE,
            "spec: {unschedulable: true}\nstatus: {conditions: [{type: Ready, status: 'True'}]}",
            SUSPENDED,
            "Unschedulable",
        ),
        (NODE, "status: {conditions: [{type: Ready, status: Unknown, reason: Lost}]}", DEGRADED, "Lost"),
        (GATEWAY, "status: {conditions: [{type: Programmed, status: 'True'}]}", HEALTHY, ""),
        (GATEWAY, "status: {}", PROGRESSING, "NotAccepted"),
        (ROUTE, f"status: {{parents: [{PARENT}]}}", HEALTHY, ""),
        (ROUTE, f"status: {{parents: [{PARENT}, {REFUSED}]}}", DEGRADED, "NoMatchingParent"),
        (KAFKA, "spec: {suspend: true}", SUSPENDED, "Suspended"),
        (KAFKA, "status: {observedGeneration: 0}", PROGRESSING, "GenerationNotObserved"),
        (KAFKA, "spec: {replicas: 3}\nstatus: {readyReplicas: 1}", PROGRESSING, "NotReady"),
        (KAFKA, "status: {conditions: [{type: Ready, status: 'False', reason: Down}]}", PROGRESSING, "Down"),
        (KAFKA, "status: anything", HEALTHY, ""),
    ],
)
def test_from_the_document_to_the_verdict(kind: Kind, document: str, health: Health, reason: str) -> None:
    metadata = {
        "name": "x",
        "uid": "1",
        "resourceVersion": "7",
        "generation": 1,
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    content: dict[str, Any] = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}
    item = Decoder(kind, Compactor()).object(msgspec.json.encode(content | yaml.safe_load(document)))
    # A year later, as far as pods that wait for a node are concerned.
    assert assess(ripened(item, item.created + 31_536_000))[:2] == (health, reason)
