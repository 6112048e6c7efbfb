"""Rollouts that real controllers carry out, judged and waited for through a real kube-apiserver."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kubediscovery.testing.components import MANUAL_STATUS
from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.kubectl import KubectlError
from tests.integration.serving import API, compositions, eventually

pytestmark = pytest.mark.usefixtures("server")

BY_HAND = dict([MANUAL_STATUS])


def template(image: str, *, by_hand: bool = False, **spec: Any) -> dict[str, Any]:
    """Pods that kwok makes ready, or whose status a test writes."""
    labels = {"app": "web", **(BY_HAND if by_hand else {})}
    return {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": image}], **spec}}


def workload(kind: str, *, name: str = "web", image: str = "app:1", **spec: Any) -> dict[str, Any]:
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template(image), **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


class Bench:
    """One namespace of the cluster."""

    def __init__(self, cluster: ControlPlane, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return self.cluster.kubectl("--namespace", self.namespace, *arguments, stdin=stdin)

    def apply(self, *objects: dict[str, Any]) -> str:
        """The resource version of the last."""
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        written = json.loads(self.kubectl("apply", "--server-side", "--output=json", "-f", "-", stdin=listed))
        last = written["items"][-1] if written["kind"] == "List" else written
        return str(last["metadata"]["resourceVersion"])

    def status(self, path: str, query: str = "") -> Any:
        target = f"namespaces/{self.namespace}/{path}/compositions?{query}"
        return compositions(self.cluster, target)["status"]

    def rollout(self, path: str = "deployments/web", query: str = "") -> Any:
        return self.status(path, query)["rollout"]

    def settled(self, path: str = "deployments/web", *, version: str = "", states: str = "Complete,Failed") -> Any:
        """The verdict once there is one, on what is at least as new as a version."""
        return self.rollout(path, f"waitFor={states}&timeoutSeconds=50&resourceVersion={version}")

    def pods(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", "pods", "--output=json"))["items"]
        return found

    def pod_by_hand(self) -> str:
        """The name of a pod whose status nobody writes, once it has a node."""
        selector = "=".join(MANUAL_STATUS)
        found: list[str] = []

        def is_bound() -> bool:
            listed = json.loads(self.kubectl("get", "pods", f"--selector={selector}", "--output=json"))["items"]
            found[:] = [item["metadata"]["name"] for item in listed if item["spec"].get("nodeName")]
            return bool(found)

        eventually(is_bound, "a pod to be bound to a node")
        return found[0]

    def say(self, pod: str, **status: Any) -> None:
        """Write a pod's status, as a kubelet does."""
        self.kubectl("patch", "pod", pod, "--subresource=status", f"--patch={json.dumps({'status': status})}")


@pytest.fixture
def bench(cluster: ControlPlane, namespace: str) -> Bench:
    return Bench(cluster, namespace)


def container(state: dict[str, Any], last: dict[str, Any] | None = None, restarts: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "name": "app",
            "image": "app:2",
            "imageID": "",
            "ready": False,
            "restartCount": restarts,
            "state": state,
            "lastState": last or {},
        }
    ]


NOT_READY = [{"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "unready: [app]"}]


def test_a_rollout_is_waited_for_from_revision_to_revision(bench: Bench) -> None:
    first = bench.settled(version=bench.apply(workload("Deployment", replicas=3)))
    assert (first["state"], first["revision"], first["updated"], first["available"]) == ("Complete", "1", 3, 3)
    assert first["revisions"] == [{"revision": "1", "images": ["app:1"], "pods": 3, "ready": 3}]
    second = bench.settled(version=bench.apply(workload("Deployment", replicas=3, image="app:2")))
    assert (second["state"], second["revision"], second["old"], second["terminating"]) == ("Complete", "2", 0, 0)
    assert second["revisions"] == [{"revision": "2", "images": ["app:2"], "pods": 3, "ready": 3}]
    assert bench.rollout() == second
    selected = bench.kubectl("get", "comp", "--field-selector=status.rollout.state=Complete", "--output=wide")
    assert selected.splitlines()[0].split()[-4:] == ["ROLLOUT", "REVISION", "REASON", "IMAGES"]
    assert selected.splitlines()[1].split()[-4:-2] == ["Complete", "2"]
    # The aggregator asks for descriptions a moment after the server is there.
    explain = ("explain", "comp.status.rollout", "--recursive")
    eventually(lambda: {"culprit", "exitCode"} <= set(bench.kubectl(*explain).split()), "the verdict to be explained")


CRASHING = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s restarting failed container"}}
KILLED = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}


def test_a_crashing_revision_has_failed_long_before_its_deadline(bench: Bench) -> None:
    bench.settled(version=bench.apply(workload("Deployment", replicas=2)))
    bench.apply(workload("Deployment", replicas=2, template=template("app:2", by_hand=True)))
    pod = bench.pod_by_hand()
    assert bench.rollout()["state"] == "Progressing"
    bench.say(pod, phase="Running", conditions=NOT_READY, containerStatuses=container(CRASHING, KILLED, 3))
    found = bench.settled()
    assert (found["state"], found["reason"], found["revision"]) == ("Failed", "CrashLoopBackOff", "2")
    culprit = found["culprit"]
    assert (culprit["kind"], culprit["name"], culprit["namespace"]) == ("Pod", pod, bench.namespace)
    assert (culprit["container"], culprit["exitCode"], culprit["lastReason"]) == ("app", 137, "OOMKilled")
    assert (found["ready"], found["old"]) == (2, 2)
    undone = bench.kubectl("rollout", "undo", "deployment/web", "--output=jsonpath={.metadata.resourceVersion}")
    assert bench.settled(version=undone)["state"] == "Complete"


def test_an_image_that_cannot_be_pulled(bench: Bench) -> None:
    bench.apply(workload("Deployment", replicas=1, template=template("no/such:1", by_hand=True)))
    pod = bench.pod_by_hand()
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "no/such:1"'}}
    bench.say(pod, phase="Pending", conditions=NOT_READY, containerStatuses=container(waiting))
    found = bench.settled()
    assert (found["state"], found["reason"], found["culprit"]["name"]) == ("Failed", "ImagePullBackOff", pod)
    assert 'Back-off pulling image "no/such:1"' in found["message"]


def test_a_slow_start_is_waited_for(bench: Bench) -> None:
    bench.apply(workload("Deployment", replicas=1, template=template("app:1", by_hand=True)))
    pod = bench.pod_by_hand()
    bench.say(pod, phase="Running", conditions=NOT_READY, containerStatuses=container({"running": {}}))
    eventually(lambda: "unready: [app]" in bench.rollout()["message"], "the pod's own words")
    answer = bench.cluster.get(
        f"{API}/namespaces/{bench.namespace}/deployments/web/compositions?waitFor=Complete,Failed&timeoutSeconds=1"
    )
    assert (answer.status, answer.json()["status"]["rollout"]["state"]) == (200, "Progressing")
    bench.say(pod, phase="Running", conditions=[{"type": "Ready", "status": "True"}])
    assert bench.settled()["state"] == "Complete"


def test_a_quota_refuses_new_pods(bench: Bench) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "2"}}}
    bench.apply(quota)
    bench.kubectl("wait", "--for=jsonpath={.status.hard.pods}=2", "resourcequota/few", "--timeout=30s")
    assert bench.settled(version=bench.apply(workload("Deployment", replicas=2)))["state"] == "Complete"
    found = bench.settled(version=bench.apply(workload("Deployment", replicas=2, image="app:2")))
    assert (found["state"], found["reason"], found["culprit"]["kind"]) == ("Failed", "FailedCreate", "ReplicaSet")
    assert "exceeded quota: few" in found["message"]
    bench.apply({**quota, "spec": {"hard": {"pods": "9"}}})
    assert bench.settled(states="Complete")["revision"] == "2"


def test_a_paused_deployment(bench: Bench) -> None:
    bench.settled(version=bench.apply(workload("Deployment", replicas=1)))
    bench.kubectl("rollout", "pause", "deployment/web")
    assert bench.settled(states="Paused")["reason"] == "DeploymentPaused"
    bench.kubectl("rollout", "resume", "deployment/web")
    assert bench.settled()["state"] == "Complete"


def test_old_pods_that_are_still_terminating_are_waited_for(bench: Bench) -> None:
    bench.settled(version=bench.apply(workload("Deployment", replicas=1)))
    [old] = bench.pods()
    name = old["metadata"]["name"]
    bench.kubectl("patch", "pod", name, '--patch={"metadata":{"finalizers":["example.com/stays"]}}')
    bench.apply(workload("Deployment", replicas=1, image="app:2"))
    bench.kubectl("rollout", "status", "deployment/web", "--timeout=50s")

    def waits() -> bool:
        found = bench.rollout()
        return (found["state"], found["reason"], found["terminating"]) == ("Progressing", "OldPodsTerminating", 1)

    eventually(waits, "the old pod to be counted as terminating")
    bench.kubectl("patch", "pod", name, '--patch={"metadata":{"finalizers":null}}')
    assert bench.settled()["state"] == "Complete"


def test_a_stateful_set_with_a_partition_and_on_delete(bench: Bench) -> None:
    def db(image: str, **strategy: Any) -> dict[str, Any]:
        return workload("StatefulSet", image=image, serviceName="db", replicas=3, updateStrategy=strategy)

    path = "statefulsets/web"
    found = bench.settled(path, version=bench.apply(db("app:1")))
    assert (found["state"], found["revisions"][0]["revision"]) == ("Complete", found["revision"])
    found = bench.settled(path, version=bench.apply(db("app:2", type="RollingUpdate", rollingUpdate={"partition": 2})))
    assert (found["state"], found["reason"], found["old"]) == ("Complete", "PartitionReached", 2)
    assert sorted((row["images"][0], row["pods"]) for row in found["revisions"]) == [("app:1", 2), ("app:2", 1)]
    found = bench.settled(path, version=bench.apply(db("app:2", type="RollingUpdate", rollingUpdate={"partition": 0})))
    assert (found["state"], found["old"]) == ("Complete", 0)
    found = bench.settled(path, version=bench.apply(db("app:3", type="OnDelete")), states="Paused,Complete,Failed")
    assert (found["state"], found["reason"], found["old"]) == ("Paused", "OnDelete", 3)
    bench.kubectl("delete", "pods", "--all", "--wait=false")
    assert bench.settled(path)["state"] == "Complete"


def test_the_broken_pod_of_a_stateful_set_blocks_it(bench: Bench) -> None:
    bench.apply(workload("StatefulSet", serviceName="db", replicas=3, template=template("app:1", by_hand=True)))
    pod = bench.pod_by_hand()
    bench.say(pod, phase="Running", conditions=NOT_READY, containerStatuses=container(CRASHING, KILLED, 3))
    found = bench.settled("statefulsets/web")
    assert (found["state"], found["culprit"]["name"], found["desired"]) == ("Failed", "web-0", 3)
    # With its order kept, the repaired template alone does not help: that pod has to be deleted.
    version = bench.apply(workload("StatefulSet", serviceName="db", replicas=3, image="app:2"))
    found = bench.settled("statefulsets/web", version=version)
    assert (found["state"], found["message"].split(":")[0]) == ("Failed", "blocked by a pod of a former revision")
    bench.kubectl("delete", "pod", "web-0")
    assert bench.settled("statefulsets/web", states="Complete")["state"] == "Complete"


def test_a_daemon_set(bench: Bench) -> None:
    path = "daemonsets/web"
    first = bench.settled(path, version=bench.apply(workload("DaemonSet")))
    assert (first["state"], first["desired"], first["revisions"][0]["pods"]) == ("Complete", 2, 2)
    second = bench.settled(path, version=bench.apply(workload("DaemonSet", image="app:2")))
    assert (second["state"], second["old"]) == ("Complete", 0)
    assert first["revision"] != second["revision"] == second["revisions"][0]["revision"]


def job(image: str = "app:1", *, by_hand: bool = False) -> dict[str, Any]:
    spec = {"backoffLimit": 0, "template": template(image, by_hand=by_hand, restartPolicy="Never")}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": spec}


def test_a_job_that_succeeds(bench: Bench) -> None:
    found = bench.settled("jobs/once", version=bench.apply(job()))
    assert (found["state"], found["desired"], found["succeeded"]) == ("Complete", 1, 1)


def test_a_job_that_fails(bench: Bench) -> None:
    bench.apply(job(by_hand=True))
    pod = bench.pod_by_hand()
    ended = {"terminated": {"reason": "Error", "exitCode": 3}}
    bench.say(pod, phase="Failed", containerStatuses=container(ended))
    found = bench.settled("jobs/once")
    assert (found["state"], found["reason"]) == ("Failed", "BackoffLimitExceeded")
    assert (found["culprit"]["name"], found["culprit"]["exitCode"]) == (pod, 3)


def test_a_cron_job_is_its_last_job(bench: Bench) -> None:
    spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": job()["spec"]}}
    bench.apply({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "tick"}, "spec": spec})
    assert bench.settled("cronjobs/tick")["reason"] == "NotScheduled"
    bench.kubectl("create", "job", "--from=cronjob/tick", "tick-now")
    eventually(lambda: bench.rollout("cronjobs/tick").get("revision") == "tick-now", "the job")
    assert bench.settled("cronjobs/tick")["state"] == "Complete"


def test_a_pod_that_no_node_takes(bench: Bench) -> None:
    nowhere = template("app:1", nodeSelector={"example.com/none": "such"})
    bench.apply(workload("Deployment", replicas=1, template=nowhere))
    found = bench.settled()
    assert (found["state"], found["reason"], found["culprit"]["kind"]) == ("Failed", "Unschedulable", "Pod")
    assert "0/2 nodes are available" in found["message"]


def test_who_may_not_see_pods_is_told_what_the_deployment_itself_says(bench: Bench) -> None:
    bench.apply(workload("Deployment", replicas=1, template=template("app:1", by_hand=True)))
    pod = bench.pod_by_hand()
    bench.say(pod, phase="Running", conditions=NOT_READY, containerStatuses=container(CRASHING, KILLED, 3))
    assert bench.settled()["state"] == "Failed"
    role = ("--verb=get", "--resource=deployments.kubediscovery.cloudark.io/compositions")
    bench.kubectl("create", "role", "asks", *role)
    bench.kubectl("create", "rolebinding", "asks", "--role=asks", "--user=narrow")
    kubeconfig = bench.cluster.kubeconfig_for("narrow")
    target = f"namespaces/{bench.namespace}/deployments/web/compositions"

    def answers() -> bool:
        told = compositions(bench.cluster, target, kubeconfig=kubeconfig)["status"]["rollout"]
        assert (told["state"], "culprit" in told, "revisions" in told) == ("Progressing", False, False)
        return pod not in json.dumps(told)

    eventually(answers, "the right to be known")


def test_what_is_deleted_while_it_is_waited_for_is_not_found(bench: Bench) -> None:
    bench.apply(workload("Deployment", replicas=1, template=template("app:1", by_hand=True)))
    bench.pod_by_hand()
    with ThreadPoolExecutor() as others:
        waiting = others.submit(bench.settled)
        bench.kubectl("delete", "deployment/web", "--wait=false")
        with pytest.raises(KubectlError, match="not found"):
            waiting.result(timeout=60)


def test_a_time_that_is_over_is_told_by_kubectl(bench: Bench) -> None:
    bench.apply(workload("Deployment", replicas=1, template=template("app:1", by_hand=True)))
    bench.pod_by_hand()
    target = f"{API}/namespaces/{bench.namespace}/compositions/deployments.apps.web?timeoutSeconds=1&waitFor="
    # With these words kubectl shows the headers of the answer too.
    said = bench.cluster.kubectl("get", "--raw", f"{target}Complete", "--v=8", check=False)
    assert "Kubediscovery-Wait: TimedOut" in said
    assert "Warning: not Complete within 1 seconds" in said
    said = bench.cluster.kubectl("get", "--raw", f"{target}Progressing", "--v=8", check=False)
    assert "Kubediscovery-Wait: Reached" in said


def test_what_was_written_is_in_the_answer_to_who_asks_for_that_version(bench: Bench) -> None:
    bench.settled(version=bench.apply(workload("Deployment", replicas=2)))
    pods = [pod["metadata"]["name"] for pod in bench.pods()]
    for number in range(10):
        # Kinds arrive by watches of their own: one is written, and others have changed meanwhile.
        bench.kubectl("annotate", "deployment/web", f"example.com/number={number}", "--overwrite")
        written = ("annotate", "pod", pods[number % 2], f"example.com/number={number}", "--overwrite")
        version = bench.kubectl(*written, "--output=jsonpath={.metadata.resourceVersion}")
        query = f"resourceVersion={version}&resourceVersionMatch=NotOlderThan"
        target = f"namespaces/{bench.namespace}/deployments/web/compositions?{query}"
        [replica_set] = compositions(bench.cluster, target)["root"]["children"]
        assert version in [pod["resourceVersion"] for pod in replica_set["children"]]
