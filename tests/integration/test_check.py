"""``kubediscovery check`` against a real cluster: good and bad rollouts, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

import pytest

from kubediscovery.testing.controlplane import ControlPlane
from tests.integration.serving import COMMAND, Server, eventually
from tests.integration.test_rollout import CRASHING, KILLED, NOT_READY, Bench, container, template, workload


def environment(**more: str) -> dict[str, str]:
    """Without what a CI system would say."""
    said = ("CI", "GITHUB_ACTIONS", "KUBECONFIG")
    return {name: value for name, value in os.environ.items() if name not in said} | {"TERM": "xterm"} | more


class Checker:
    """The command, in a namespace of the cluster."""

    def __init__(self, bench: Bench, kubeconfig: Path) -> None:
        self.bench = bench
        self._processes: list[subprocess.Popen[bytes]] = []
        self._flags = ("--kubeconfig", str(kubeconfig), "--namespace", bench.namespace)

    def begin(self, *arguments: str, output: int | IO[bytes] = subprocess.PIPE) -> subprocess.Popen[bytes]:
        command = [*COMMAND, "check", *self._flags, *arguments]
        process = subprocess.Popen(command, env=environment(), stdout=output, stderr=subprocess.PIPE)
        self._processes.append(process)
        return process

    def stop(self) -> None:
        """End what a failed test has left behind."""
        for process in self._processes:
            process.kill()
            process.communicate()

    def ended(self, process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
        """Status and outputs."""
        self._processes.remove(process)
        with process:
            try:
                out, error = process.communicate(timeout=100)
            finally:
                process.kill()
        return process.returncode, (out or b"").decode(), error.decode()

    def run(self, *arguments: str) -> tuple[int, str, str]:
        return self.ended(self.begin(*arguments))

    def crash(self) -> str:
        """Make a revision whose pod crashes, and give the pod's name."""
        self.bench.apply(workload("Deployment", replicas=2, template=template("app:2", by_hand=True)))
        pod = self.bench.pod_by_hand()
        self.bench.say(pod, phase="Running", conditions=NOT_READY, containerStatuses=container(CRASHING, KILLED, 3))
        return pod


@pytest.fixture
def checker(cluster: ControlPlane, namespace: str) -> Iterator[Checker]:
    made = Checker(Bench(cluster, namespace), cluster.kubeconfig)
    yield made
    made.stop()


pytestmark = pytest.mark.usefixtures("server")


def test_a_rollout_that_was_just_applied_is_waited_for(checker: Checker, tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    for image in ("app:1", "app:2"):
        checker.bench.apply(workload("Deployment", replicas=3, image=image))
        expectations = ("--expect", "pods.ready == 3", "--expect", f"images == ['{image}'] && rollout.old == 0")
        status, out, error = checker.run("deployment/web", *expectations, "--lint", "--junit", str(junit))
        assert (status, error) == (0, ""), out
        assert f"right: {checker.bench.namespace}/deployments.apps.web: Complete\n" in out
    (suite,) = ElementTree.parse(junit).getroot()  # noqa: S314 - made by ourselves
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "0", "0")


def test_a_rollout_that_fails_is_told_with_its_culprit(checker: Checker, tmp_path: Path) -> None:
    checker.bench.settled(version=checker.bench.apply(workload("Deployment", replicas=2)))
    pod, junit = checker.crash(), tmp_path / "junit.xml"
    status, out, error = checker.run("deploy/web", "--junit", str(junit), "--github", "--timeout", "90s")
    assert (status, error) == (1, ""), out
    last = next(line for line in out.splitlines() if line.startswith("wrong: "))
    assert "Failed: CrashLoopBackOff: " in last
    assert pod in last
    assert "137" in last
    assert f"::error title={checker.bench.namespace}/deployments.apps.web wrong::Failed" in out
    (suite,) = ElementTree.parse(junit).getroot()  # noqa: S314 - made by ourselves
    assert suite.get("failures") == "1"
    status, out, _ = checker.run("deploy/web", "--output", "json", "--no-wait")
    (result,) = json.loads(out)["results"]
    assert (status, result["culprit"]["name"], result["culprit"]["exitCode"]) == (1, pod, 137)


def test_a_failure_while_it_waits_ends_it(checker: Checker) -> None:
    checker.bench.settled(version=checker.bench.apply(workload("Deployment", replicas=2)))
    checker.bench.apply(workload("Deployment", replicas=2, template=template("app:2", by_hand=True)))
    pod = checker.bench.pod_by_hand()
    process = checker.begin("deployments.apps/web", "--timeout", "90s")
    assert process.stdout is not None
    first = process.stdout.readline().decode()
    assert f"{checker.bench.namespace}/deployments.apps.web: Progressing" in first
    checker.bench.say(pod, phase="Running", conditions=NOT_READY, containerStatuses=container(CRASHING, KILLED, 3))
    status, out, error = checker.ended(process)
    assert (status, error) == (1, ""), out
    assert "CrashLoopBackOff" in out


def test_what_does_not_come_in_time(checker: Checker) -> None:
    checker.bench.apply(workload("Deployment", replicas=2, template=template("app:2", by_hand=True)))
    status, out, _ = checker.run("deployment/web", "--timeout", "5s")
    assert status == 3
    assert f"not reached: {checker.bench.namespace}/deployments.apps.web: Progressing" in out
    status, out, _ = checker.run("statefulset/absent", "--timeout", "5s")
    assert (status, out.splitlines()[-1].split(":")[0]) == (3, "not reached")
    assert checker.run("statefulset/absent", "--no-wait")[0] == 1


def test_a_selector_and_what_is_made_meanwhile(checker: Checker) -> None:
    process = checker.begin("--selector", "team=shop")
    assert process.stdout is not None
    assert "Missing: nothing matches" in process.stdout.readline().decode()
    made = workload("Deployment", replicas=1)
    made["metadata"]["labels"] = {"team": "shop"}
    checker.bench.apply(made)
    status, out, error = checker.ended(process)
    assert (status, error) == (0, ""), out
    assert out.splitlines()[-1] == f"right: {checker.bench.namespace}/deployments.apps.web: Complete"


def test_any_object_of_a_tree_can_be_a_target(checker: Checker) -> None:
    checker.bench.settled(version=checker.bench.apply(workload("Deployment", replicas=1)))
    (pod,) = checker.bench.pods()
    replica_set = pod["metadata"]["ownerReferences"][0]["name"]
    status, out, _ = checker.run(f"po/{pod['metadata']['name']}", f"rs/{replica_set}")
    assert status == 0, out
    assert out.splitlines()[-1] == "right: 2 right"


def test_who_may_only_get_is_answered_too(cluster: ControlPlane, checker: Checker) -> None:
    """Without the right to watch, and without one to the objects themselves."""
    kubectl, user = checker.bench.kubectl, f"only-get-{checker.bench.namespace}"
    kubectl("create", "role", "asks", "--verb=get", "--resource=deployments.kubediscovery.cloudark.io/compositions")
    kubectl("create", "rolebinding", "asks", "--role=asks", f"--user={user}")
    asker = Checker(checker.bench, cluster.kubeconfig_for(user))
    checker.bench.apply(workload("Deployment", replicas=2))
    # A new right takes a moment to be known everywhere.
    eventually(lambda: asker.run("deployment/web", "--timeout", "20s")[0] == 0, "an answer")
    status, out, _ = asker.run("statefulset/db", "--timeout", "20s")
    assert status == 4
    assert "cannot ask: " in out
    assert "forbidden" in out


def test_a_terminal_sees_a_tree(checker: Checker) -> None:
    checker.bench.apply(workload("Deployment", replicas=1, template=template("app:2", by_hand=True)))
    pod = checker.bench.pod_by_hand()
    ours, its = pty.openpty()
    process = checker.begin("deployment/web", output=its)
    os.close(its)
    seen = bytearray()

    def read() -> None:
        try:
            while data := os.read(ours, 4096):
                seen.extend(data)
        except OSError:
            pass
        finally:
            os.close(ours)

    reader = threading.Thread(target=read)
    reader.start()
    eventually(lambda: pod in seen.decode(errors="replace"), "the pod to be shown")
    checker.bench.kubectl("patch", "deployment", "web", "--patch", json.dumps({"spec": {"replicas": 0}}))
    status, _, error = checker.ended(process)
    reader.join(timeout=30)
    assert (status, error) == (0, "")
    assert "right: " in seen.decode()


def test_without_kubediscovery_it_says_how_to_install_it(checker: Checker) -> None:
    status, out, error = checker.run("deployment/web", "--api-group", "nothing.example.org")
    assert (status, error) == (4, "")
    assert "cannot ask: deployment/web: " in out
    assert "kubediscovery install --apply" in out


def test_bad_usage_is_told_before_anything_is_asked(checker: Checker) -> None:
    status, out, error = checker.run("deployment/web", "--expect", "pods.ready >=")
    assert (status, out) == (2, "")
    assert error.startswith("error: --expect: the expression ")
    status, out, error = checker.run("flower/web")
    assert (status, out, error.splitlines()) == (2, "", [f'error: the cluster has no kind "flower"; {ACCEPTED}'])


DOCUMENT = (Path(__file__).parents[2] / "docs" / "check.md").read_text(encoding="utf-8")
DOCUMENTED = [line for block in re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL) for line in block.splitlines()]


@pytest.fixture(scope="module")
def shop(cluster: ControlPlane) -> Iterator[Path]:
    """What the document's commands are about, in the cluster and in a file; the kubeconfig."""
    cluster.kubectl("create", "namespace", "shop")
    bench = Bench(cluster, "shop")
    bench.apply(
        *(
            {**each, "metadata": {"name": each["metadata"]["name"], "labels": {"team": "shop"}}}
            for each in (workload("Deployment", replicas=3), workload("StatefulSet", name="db", serviceName="db"))
        )
    )
    yield cluster.kubeconfig
    cluster.kubectl("delete", "namespace", "shop", "--wait=false")


@pytest.mark.parametrize("command", DOCUMENTED)
def test_a_command_of_the_document(command: str, shop: Path, tmp_path: Path) -> None:
    typed = command.replace("kubediscovery ", f"{sys.executable} -m kubediscovery ", 1)
    variables = environment(KUBECONFIG=str(shop), KUBERNETES_SERVICE_HOST="")
    done = subprocess.run(
        ["bash", "-ec", typed], cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


ACCEPTED = "accepted is TYPE/NAME, as in deployment/web, sts/db or kafkas.example.org/main"


def test_a_server_that_comes_back_is_waited_for(checker: Checker, server: Server) -> None:
    checker.bench.apply(workload("Deployment", replicas=1))
    server.stop()
    process = checker.begin("deployment/web", "--timeout", "90s")
    server.start()
    status, out, error = checker.ended(process)
    assert (status, error) == (0, ""), out


KAFKA = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "kafkas.check.example.org"},
    "spec": {
        "group": "check.example.org",
        "scope": "Namespaced",
        "names": {"plural": "kafkas", "singular": "kafka", "kind": "Kafka", "shortNames": ["kfk"]},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            }
        ],
    },
}


MAY_READ_KAFKAS = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {
        "name": "kubediscovery-kafkas",
        "labels": {"kubediscovery.cloudark.io/aggregate-to-server": "true"},
    },
    "rules": [{"apiGroups": ["check.example.org"], "resources": ["kafkas"], "verbs": ["get", "list", "watch"]}],
}


def test_a_custom_kind_is_known_by_all_its_names(cluster: ControlPlane, checker: Checker) -> None:
    """From the moment on that the cluster serves it."""
    kubectl = checker.bench.kubectl
    checker.bench.apply(KAFKA)
    try:
        kubectl("wait", "--for=condition=Established", "crd/kafkas.check.example.org", "--timeout=110s")
        made = {"apiVersion": "check.example.org/v1", "kind": "Kafka", "metadata": {"name": "main"}}
        eventually(lambda: "kfk" in kubectl("api-resources", "--api-group=check.example.org"), "discovery")
        kubectl("apply", "-f", "-", stdin=json.dumps(made))
        eventually(lambda: checker.run("kfk/main", "--no-wait")[0] == 4, "the kind to be known")
        status, out, _ = checker.run("kfk/main")
        assert status == 4
        assert "install --apply --kinds kafkas.check.example.org" in out
        checker.bench.apply(MAY_READ_KAFKAS)
        eventually(lambda: checker.run("kfk/main", "--no-wait")[0] != 4, "the right to be used", seconds=120)
        process = checker.begin("kfk/main", "Kafka/main", "kafkas.check.example.org/main", "--timeout", "60s")
        not_ready = {"conditions": [{"type": "Ready", "status": "False", "reason": "Starting", "message": "0 of 3"}]}
        kubectl(
            "patch", "kafka", "main", "--subresource=status", "--type=merge", "-p", json.dumps({"status": not_ready})
        )
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        kubectl("patch", "kafka", "main", "--subresource=status", "--type=merge", "-p", json.dumps({"status": ready}))
        status, out, error = checker.ended(process)
        assert (status, error) == (0, ""), out
        assert out.splitlines()[-1].startswith(f"right: {checker.bench.namespace}/kafkas.check.example.org.main: ")
        stalled = {"conditions": [{"type": "Stalled", "status": "True", "reason": "NoDisk", "message": "no disk left"}]}
        kubectl("patch", "kafka", "main", "--subresource=status", "--type=merge", "-p", json.dumps({"status": stalled}))
        status, out, error = checker.run("kafka/main", "--timeout", "60s")
        assert (status, error) == (1, ""), out
        assert "Degraded: Kafka main: NoDisk: no disk left" in out
    finally:
        kubectl("delete", "crd/kafkas.check.example.org", "clusterrole/kubediscovery-kafkas", "--wait=false")
