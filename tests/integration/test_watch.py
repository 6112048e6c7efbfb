"""Watches with real kubectl through a real kube-apiserver; what informers make of them is in test_informers."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from kubediscovery.testing.components import MANUAL_STATUS
from kubediscovery.testing.controlplane import ControlPlane
from tests.integration.load import Load
from tests.integration.serving import API, Server, compositions, eventually
from tests.integration.watching import Watching

WEB = "deployments.apps.web"
OTHER = "deployments.apps.other"
ROLES = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: watch-test}
rules:
- {apiGroups: [kubediscovery.cloudark.io], resources: [compositions, "*/compositions"], verbs: [get, list, watch]}
- {apiGroups: [apps], resources: [deployments, replicasets], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: watch-test-pods}
rules:
- {apiGroups: [""], resources: [pods], verbs: [list]}
"""
# Seconds after which a right that was taken away has ended: ten, what kube-apiserver's own authorizer takes to know,
# and as much again for a machine under load.
REVOKED = 10 + 1.5 + 10


@dataclass(frozen=True)
class Long:
    """Two watches that were begun before all tests: one lasts, one is of the kind that kube-apiserver cuts off."""

    namespace: str
    lasting: Watching
    short: Watching


@pytest.fixture(scope="module", autouse=True)
def long(cluster: ControlPlane, server: Server) -> Iterator[Long]:
    kubectl, name = cluster.kubectl, "watched-for-long"
    kubectl("create", "namespace", name)
    kubectl("-n", name, "create", "deployment", "web", "--image=nginx:1", "--replicas=0")
    eventually(lambda: compositions(cluster, f"namespaces/{name}/deployments/web/compositions"), "it to be known")
    lasting = f"{API}/watch/namespaces/{name}/deployments/*/compositions?timeoutSeconds=900"
    short = f"{API}/namespaces/{name}/deployments/web/compositions?watch=true"
    with Watching(cluster, "get", "--raw", lasting) as first, Watching(cluster, "get", "--raw", short) as second:
        yield Long(name, first, second)
    kubectl("delete", "namespace", name, "--wait=false")


def create(cluster: ControlPlane, namespace: str, *names: str, replicas: int = 1) -> None:
    for name in names:
        cluster.kubectl(*("-n", namespace, "create", "deployment", name, "--image=nginx:1", f"--replicas={replicas}"))
    for name in names:
        cluster.kubectl("-n", namespace, "rollout", "status", f"deployment/{name}", "--timeout=110s")

    def is_calm() -> bool:
        before = compositions(cluster, f"namespaces/{namespace}/compositions")["items"]
        time.sleep(0.5)
        after = compositions(cluster, f"namespaces/{namespace}/compositions")["items"]
        return before == after and all(item["status"]["health"] == "Healthy" for item in after)

    # What controllers write last may be on its way yet.
    eventually(is_calm, "all to be known")


def watch(cluster: ControlPlane, namespace: str, *arguments: str, **options: Any) -> Watching:
    return Watching(cluster, "-n", namespace, "get", "comp", *arguments, **options)


def column(watching: Watching, number: int) -> list[str]:
    return [line.split()[number] for line in list(watching.lines)]


def test_a_rollout_is_shown_as_it_goes_and_nothing_twice(cluster: ControlPlane, namespace: str) -> None:
    create(cluster, namespace, "web", "other", replicas=2)
    with (
        watch(cluster, namespace, "-w") as table,
        watch(cluster, namespace, "-w", "-o", "json") as objects,
        watch(cluster, namespace, "--watch-only") as news,
    ):
        table.said(WEB)
        eventually(lambda: len(objects.documents()) == 2, "both as JSON")
        time.sleep(0.5)
        assert column(table, 0) == ["NAME", OTHER, WEB]
        assert news.lines == []
        cluster.kubectl("-n", namespace, "set", "image", "deployment/web", "nginx=nginx:2")
        table.said("Progressing")
        news.said("Progressing")
        cluster.kubectl("-n", namespace, "rollout", "status", "deployment/web", "--timeout=110s")

        def right() -> bool:
            assert table.lines[-1].split()[:4] == news.lines[-1].split()[:4] == [WEB, "2/2", "Healthy", "2/2"]
            found = compositions(cluster, f"namespaces/{namespace}/deployments/web/compositions")
            return bool(objects.documents()[-1] == found)

        eventually(right, "the end of the rollout to be shown")
        assert column(news, 0)[0] == "NAME"
        assert set(column(news, 0)[1:]) == set(column(table, 0)[3:]) == {WEB}
        shown = objects.documents()
        assert all(document not in shown[:number] for number, document in enumerate(shown))


def test_in_the_middle_of_a_rollout_nothing_is_shown_twice(cluster: ControlPlane, namespace: str) -> None:
    with contextlib.ExitStack() as stack:
        cluster.kubectl("-n", namespace, "create", "deployment", "web", "--image=nginx:1", "--replicas=5")
        started = []
        for _ in range(3):
            started.append(stack.enter_context(watch(cluster, namespace, "-w", "-o", "json")))
            time.sleep(0.1)
        cluster.kubectl("-n", namespace, "rollout", "status", "deployment/web", "--timeout=110s")
        path = f"namespaces/{namespace}/deployments/web/compositions"
        for watching in started:
            eventually(lambda: watching.documents()[-1] == compositions(cluster, path), "the end of the rollout")  # noqa: B023
            shown = watching.documents()
            assert all(document not in shown[:number] for number, document in enumerate(shown))


def test_one_is_watched_by_its_name(cluster: ControlPlane, namespace: str) -> None:
    create(cluster, namespace, "web", "other")
    with watch(cluster, namespace, WEB, "-w") as one:
        one.said(WEB)
        cluster.kubectl("-n", namespace, "scale", "deployment/other", "--replicas=2")
        cluster.kubectl("-n", namespace, "rollout", "status", "deployment/other", "--timeout=110s")
        time.sleep(0.3)
        assert set(column(one, 0)[1:]) == {WEB}
        cluster.kubectl("-n", namespace, "scale", "deployment/web", "--replicas=2")
        one.said("2/2")
        assert set(column(one, 0)[1:]) == {WEB}


def test_what_is_selected_comes_and_goes(cluster: ControlPlane, namespace: str) -> None:
    create(cluster, namespace, "web", "other", replicas=0)
    with watch(cluster, namespace, "-l", "app=web", "-w", "--output-watch-events") as selected:
        selected.said(WEB)
        for number, (name, label) in enumerate((("other", "web"), ("web", "other"), ("web", "web")), 1):
            cluster.kubectl("-n", namespace, "label", "--overwrite", f"deployment/{name}", f"app={label}")
            # Each for itself: what happens within milliseconds is told as one. A heading and WEB come first.
            eventually(lambda: len(selected.lines) > 1 + number, f"the label {label} of {name}")  # noqa: B023
        cluster.kubectl("-n", namespace, "delete", "deployment", "other", "--cascade=orphan")
        # What was orphaned keeps its label.
        selected.said(f"DELETED    {OTHER}")
        told = [line.split()[:2] for line in selected.lines[1:]]
        assert told[:4] == [["ADDED", WEB], ["ADDED", OTHER], ["DELETED", WEB], ["ADDED", WEB]]


def test_a_script_waits_for_health(cluster: ControlPlane, namespace: str) -> None:
    kubectl = cluster.kubectl
    create(cluster, namespace, "web", replicas=2)

    def label(key: str, value: str | None) -> None:
        """Give the pods of a new revision a label, or take it from them."""
        patch = {"spec": {"template": {"metadata": {"labels": {key: value}}}}}
        kubectl("-n", namespace, "patch", "deployment", "web", "--patch", json.dumps(patch))

    # Nobody makes such pods ready.
    label(*MANUAL_STATUS)
    path = f"namespaces/{namespace}/deployments/web/compositions"
    eventually(lambda: compositions(cluster, path)["status"]["health"] == "Progressing", "the rollout to be under way")
    wanted = ("wait", "--for=jsonpath={.status.health}=Healthy", f"comp/{WEB}")
    assert "timed out" in kubectl("-n", namespace, *wanted, "--timeout=1s", check=False)
    label(MANUAL_STATUS[0], None)
    assert f"{WEB} condition met" in kubectl("-n", namespace, *wanted, "--timeout=110s")
    assert compositions(cluster, path)["status"]["health"] == "Healthy"
    kubectl("-n", namespace, "delete", "deployment", "web", "--wait=false")
    kubectl("-n", namespace, "wait", "--for=delete", f"comp/{WEB}", "--timeout=110s")


@pytest.mark.parametrize(
    "path",
    [
        "watch/namespaces/{}/deployments/*/compositions?",
        "watch/namespaces/{}/deployments/web/compositions?",
        "namespaces/{}/deployments/*/compositions?watch=true&",
        "namespaces/{}/deployments/web/compositions?watch=true&",
        "namespaces/{}/compositions?watch=true&fieldSelector=root.kind=Deployment&",
    ],
)
def test_every_path_streams(cluster: ControlPlane, long: Long, path: str) -> None:
    raw = f"{API}/{path.format(long.namespace)}timeoutSeconds=1&allowWatchBookmarks=true"
    with Watching(cluster, "get", "--raw", raw) as watching:
        assert watching.ended() == 0
    first, bookmark = watching.documents()
    assert (first["type"], first["object"]["metadata"]["name"]) == ("ADDED", WEB)
    assert bookmark["type"] == "BOOKMARK"
    assert int(bookmark["object"]["metadata"]["resourceVersion"]) >= int(first["object"]["metadata"]["resourceVersion"])


def test_who_may_not_see_pods_is_told_nothing_of_them(cluster: ControlPlane, namespace: str) -> None:
    create(cluster, namespace, "web")
    kubectl = cluster.kubectl
    kubectl("apply", "-f", "-", stdin=ROLES)
    kubectl("-n", namespace, "create", "rolebinding", "bare", "--clusterrole=watch-test", "--user=bare")
    bare = cluster.kubeconfig_for("bare")
    eventually(lambda: kubectl("-n", namespace, "get", "comp", kubeconfig=bare), "the right to take effect")
    shown = ("-w", "-o", "json")
    with watch(cluster, namespace, *shown, kubeconfig=bare) as little, watch(cluster, namespace, *shown) as all_of_it:
        for watching in (little, all_of_it):
            eventually(lambda: len(watching.documents()) == 1, "what there is")  # noqa: B023
        for number in range(3):
            kubectl("-n", namespace, "label", "--overwrite", "pods", "--all", f"number={number}")
            # Each for itself: what happens within milliseconds is told as one.
            eventually(lambda: len(all_of_it.documents()) == 2 + number, "a change of a pod")  # noqa: B023
        time.sleep(0.5)
        assert len(little.documents()) == 1
        kubectl("-n", namespace, "label", "deployment/web", "number=4")
        eventually(lambda: len(little.documents()) == 2, "a change of what may be seen")
        assert "Pod" not in "".join(little.lines)


def test_a_right_that_is_taken_away_ends_what_is_open(cluster: ControlPlane, namespace: str) -> None:
    kubectl = cluster.kubectl
    kubectl("apply", "-f", "-", stdin=ROLES)
    create(cluster, namespace, *Load.names()[:1], replicas=0)
    users = ("banned", "blinkered")
    for user in users:
        for role in ("watch-test", "watch-test-pods"):
            kubectl(
                "-n", namespace, "create", "rolebinding", f"{user}-{role}", f"--clusterrole={role}", f"--user={user}"
            )
    configs = {user: cluster.kubeconfig_for(user) for user in users}

    def sees_pods(user: str) -> bool:
        (item,) = compositions(cluster, f"namespaces/{namespace}/compositions", kubeconfig=configs[user])["items"]
        return "pods" in item["status"]

    eventually(lambda: all(map(sees_pods, users)), "the rights to take effect")
    with contextlib.ExitStack() as stack:
        open_ones = [
            stack.enter_context(watch(cluster, namespace, "-w", "-o", "json", kubeconfig=configs[user]))
            for user in users
        ]
        with Load(cluster, namespace, per_second=20):
            for watching in open_ones:
                eventually(lambda: len(watching.documents()) > 10, "changes to be shown")  # noqa: B023
            kubectl("-n", namespace, "delete", "rolebinding", "banned-watch-test", "blinkered-watch-test-pods")
            revoked = time.monotonic()
            for watching in open_ones:
                watching.ended(seconds=40)
        for watching, words in zip(open_ones, ("is forbidden", "what you may see has changed"), strict=True):
            assert watching.last - revoked < REVOKED
            # kubectl prints the error that a watch ends with as it prints objects.
            assert words in watching.documents()[-1]["message"]


def fold(events: list[Any]) -> dict[str, Any]:
    """What somebody has who has followed these events."""
    held: dict[str, Any] = {}
    for event in events:
        name = event["object"]["metadata"]["name"]
        if event["type"] == "DELETED":
            held.pop(name, None)
        else:
            assert event["type"] in ("ADDED", "MODIFIED"), event
            held[name] = event["object"]
    return held


def test_under_a_load_of_changes_watches_end_equal_to_the_list(cluster: ControlPlane, namespace: str) -> None:
    create(cluster, namespace, *Load.names(), replicas=0)
    path = f"namespaces/{namespace}/compositions"
    selector = "labelSelector=app%3Dweb"
    with (
        Watching(cluster, "get", "--raw", f"{API}/{path}?watch=true") as everything,
        Watching(cluster, "get", "--raw", f"{API}/{path}?watch=true&{selector}") as selected,
    ):
        with Load(cluster, namespace, per_second=200) as load:
            time.sleep(5)
        assert load.refused == []
        # Fewer would be no load, on however slow a machine.
        assert load.changes > 50
        for watching, query in ((everything, ""), (selected, f"?{selector}")):

            def equal() -> bool:
                there = compositions(cluster, path + query)["items"]  # noqa: B023
                return fold(watching.documents()) == {item["metadata"]["name"]: item for item in there}  # noqa: B023

            eventually(equal, "what was followed to be what is listed")


def test_a_watch_outlives_a_minute(cluster: ControlPlane, long: Long) -> None:
    """kube-apiserver lets what it knows as a watch go on; what it does not ends by itself, before it is cut off."""
    remaining = long.lasting.started + 62 - time.monotonic()
    time.sleep(max(0, remaining))
    cluster.kubectl("-n", long.namespace, "label", "deployment/web", "late=yes")
    eventually(
        lambda: long.lasting.documents()[-1]["object"]["metadata"]["labels"].get("late") == "yes", "a late event"
    )
    assert long.short.ended() == 0
    for watching in (long.lasting, long.short):
        assert "ERROR" not in "".join(watching.lines)
