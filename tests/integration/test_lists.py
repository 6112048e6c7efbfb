"""Lists in full: pages, versions and selectors, with real kubectl through a real kube-apiserver."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from kubediscovery.continuation import LATEST, Continuation, Key, encode_continuation
from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.probes import Answer
from tests.integration.serving import API, compositions, eventually

pytestmark = pytest.mark.usefixtures("server")

NAMES = [f"web-{number}" for number in range(1, 8)]
FUTURE = 10**12


def make(cluster: ControlPlane, namespace: str, *names: str) -> None:
    """Deployments without pods, known to the server."""
    for name in names:
        cluster.kubectl("-n", namespace, "create", "deployment", name, "--image=nginx:1", "--replicas=0")
    eventually(lambda: set(names) <= present(cluster, namespace), "the Deployments to be known")


def present(cluster: ControlPlane, namespace: str) -> set[str]:
    """The names of the roots that the server knows."""
    return {item["root"]["name"] for item in compositions(cluster, f"namespaces/{namespace}/compositions")["items"]}


def listed(answer: dict[str, Any]) -> list[str]:
    return [item["metadata"]["name"] for item in answer["items"]]


def get(cluster: ControlPlane, namespace: str, **query: object) -> Answer:
    return cluster.get(f"{API}/namespaces/{namespace}/compositions?{urlencode(query)}")


def pages(cluster: ControlPlane, path: str, limit: int) -> Iterator[dict[str, Any]]:
    token = ""
    while True:
        page = compositions(cluster, f"{path}?{urlencode({'limit': limit, 'continue': token})}")
        yield page
        token = page["metadata"].get("continue", "")
        if not token:
            return


def test_kubectl_follows_the_pages_of_a_list(cluster: ControlPlane, namespace: str) -> None:
    make(cluster, namespace, *NAMES)
    output = ("-o", "custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name", "--no-headers")
    whole = cluster.kubectl("get", "comp", "-A", "--chunk-size=0", *output)
    assert len(whole.splitlines()) >= len(NAMES)
    assert cluster.kubectl("get", "comp", "-A", "--chunk-size=2", *output) == whole
    # The Table that kubectl prints otherwise is paged too.
    printed = cluster.kubectl("-n", namespace, "get", "comp", "--chunk-size=2", "--no-headers", "-v=6", check=False)
    assert [line.split()[0] for line in printed.splitlines() if line.startswith("deployments")] == [
        f"deployments.apps.{name}" for name in NAMES
    ]
    assert printed.count("limit=2") == 4
    assert printed.count("continue=") == 3


@pytest.mark.parametrize("path", ["namespaces/{}/compositions", "namespaces/{}/deployments/*/compositions"])
def test_pages_say_what_remains(cluster: ControlPlane, namespace: str, path: str) -> None:
    make(cluster, namespace, *NAMES)
    found = list(pages(cluster, path.format(namespace), 3))
    assert [listed(page) for page in found] == [
        [f"deployments.apps.{name}" for name in names] for names in (NAMES[:3], NAMES[3:6], NAMES[6:])
    ]
    assert [page["metadata"].get("remainingItemCount") for page in found] == [4, 1, None]


def test_what_is_there_all_the_time_is_in_one_page_whatever_comes_and_goes(
    cluster: ControlPlane, namespace: str
) -> None:
    make(cluster, namespace, *NAMES)
    found = []
    for number, page in enumerate(pages(cluster, f"namespaces/{namespace}/compositions", 2), 1):
        found.append(page)
        if number == 1:
            # One comes before the pages to come and one within them; one goes that was listed, and one that was not.
            make(cluster, namespace, "before", "web-45")
            cluster.kubectl("-n", namespace, "delete", "deployment", "web-1", "web-6", "--wait")
            eventually(lambda: not {"web-1", "web-6"} & present(cluster, namespace), "the deletions to be known")
    names = [name for page in found for name in listed(page)]
    assert names == [f"deployments.apps.web-{number}" for number in (1, 2, 3, 4, 45, 5, 7)]
    assert len({page["metadata"]["resourceVersion"] for page in found}) == 1


def test_a_token_is_checked(cluster: ControlPlane, namespace: str) -> None:
    make(cluster, namespace, "web-1", "web-2")
    token = get(cluster, namespace, limit=1).json()["metadata"]["continue"]
    for garbled in ("x", token[:-2], token + "AAAA", "%00", "e30"):
        answer = get(cluster, namespace, limit=1, **{"continue": garbled})
        assert (answer.status, answer.json()["reason"]) == (400, "BadRequest")
        assert answer.json()["message"].startswith("continue key is not valid: ")
    answer = get(cluster, namespace, resourceVersion=7, **{"continue": token})
    assert answer.json()["message"] == "specifying resource version is not allowed when using continue"
    key = Key(namespace, "deployments.apps.web-1", "deployments.apps")
    again = get(cluster, namespace, limit=1, **{"continue": encode_continuation(Continuation(LATEST, key))})
    assert listed(again.json()) == ["deployments.apps.web-2"]
    ahead = get(cluster, namespace, limit=1, **{"continue": encode_continuation(Continuation(FUTURE, key))})
    assert (ahead.status, ahead.json()["reason"]) == (504, "Timeout")


def test_an_expired_token_is_answered_with_one_for_the_rest(cluster: ControlPlane, namespace: str) -> None:
    make(cluster, namespace, "web-1", "web-2")
    key = Key(namespace, "deployments.apps.web-1", "deployments.apps")
    answer = get(cluster, namespace, limit=1, **{"continue": encode_continuation(Continuation(1, key))})
    status = answer.json()
    assert (answer.status, status["reason"]) == (410, "Expired")
    assert status["message"].startswith("The provided continue parameter is too old to display a consistent list")
    rest = get(cluster, namespace, limit=1, **{"continue": status["metadata"]["continue"]}).json()
    assert listed(rest) == ["deployments.apps.web-2"]
    assert int(rest["metadata"]["resourceVersion"]) > 1


def test_a_list_is_as_fresh_as_asked(cluster: ControlPlane, namespace: str) -> None:
    for number in range(1, 6):
        made = cluster.kubectl(
            *("-n", namespace, "run", f"pod-{number}", "--image=nginx:1", "-o", "jsonpath={.metadata.resourceVersion}")
        )
        answer = get(cluster, namespace, resourceVersion=made, resourceVersionMatch="NotOlderThan")
        assert f"pods.pod-{number}" in listed(answer.json())
        assert int(answer.json()["metadata"]["resourceVersion"]) >= int(made)
        one = cluster.get(f"{API}/namespaces/{namespace}/pods/pod-{number}/compositions?resourceVersion={made}")
        assert one.json()["root"]["name"] == f"pod-{number}"


def test_a_version_of_the_future_is_a_timeout(cluster: ControlPlane, namespace: str) -> None:
    ours = get(cluster, namespace, resourceVersion=FUTURE, resourceVersionMatch="NotOlderThan")
    theirs = cluster.get(f"/api/v1/namespaces?resourceVersion={FUTURE}&resourceVersionMatch=NotOlderThan")
    for answer in (ours, theirs):
        status = answer.json()
        assert (answer.status, status["reason"]) == (504, "Timeout")
        assert status["message"].startswith(f"Timeout: Too large resource version: {FUTURE}, current: ")
        assert status["details"]["retryAfterSeconds"] == 1
        assert [cause["reason"] for cause in status["details"]["causes"]] == ["ResourceVersionTooLarge"]


def test_a_former_version_is_not_kept(cluster: ControlPlane, namespace: str) -> None:
    answer = get(cluster, namespace, resourceVersion=1, resourceVersionMatch="Exact")
    assert (answer.status, answer.json()["reason"]) == (410, "Expired")


def test_what_does_not_go_together_is_refused_as_kube_apiserver_does(cluster: ControlPlane, namespace: str) -> None:
    choices: dict[str, tuple[str | None, ...]] = {
        "resourceVersion": (None, "", "0", "1"),
        "resourceVersionMatch": (None, "", "Exact", "NotOlderThan", "Newest"),
        "continue": (None, "x"),
        "sendInitialEvents": (None, "", "true", "false"),
    }
    refused = 0
    for values in itertools.product(*choices.values()):
        query = {name: value for name, value in zip(choices, values, strict=True) if value is not None}
        theirs = cluster.get(f"/api/v1/namespaces?{urlencode(query)}")
        if theirs.status == 422:
            refused += 1
            assert get(cluster, namespace, **query).json() == theirs.json(), query
        else:
            assert get(cluster, namespace, **query).status in (200, 400, 410), query
    assert refused > 100


def test_kubectl_selects_sorts_and_prints(cluster: ControlPlane, namespace: str) -> None:
    make(cluster, namespace, "b", "c", "a")
    cluster.kubectl("-n", namespace, "label", "deployment", "a", "c", "tier=front")
    selector = ("-l", "tier in (front),app notin (b,d),!nothing")
    eventually(
        lambda: len(cluster.kubectl("-n", namespace, "get", "comp", *selector, "-o", "name").split()) == 2, "labels"
    )

    def printed(*flags: str) -> list[list[str]]:
        chunks = ("--chunk-size=1", "--no-headers")
        return [line.split() for line in cluster.kubectl("-n", namespace, "get", "comp", *chunks, *flags).splitlines()]

    names = ["deployments.apps.a", "deployments.apps.b", "deployments.apps.c"]
    assert [line[0] for line in printed()] == names
    assert [line[0] for line in printed("--sort-by={.metadata.uid}")] == sorted(
        names,
        key=lambda name: json.loads(cluster.kubectl("-n", namespace, "get", "comp", name, "-o", "json"))["metadata"][
            "uid"
        ],
    )
    assert [line[0] for line in printed(*selector, "-o", "wide")] == [names[0], names[2]]
    assert [line[-1] for line in printed("--show-labels", *selector)] == ["app=a,tier=front", "app=c,tier=front"]
    assert [line[-1] for line in printed("-L", "app")] == ["a", "b", "c"]
    assert printed("-o", "custom-columns=A:.metadata.labels.app,H:.status.health", "-l", "app>0") == []
    assert printed("-o", "custom-columns=A:.metadata.labels.app,K:.root.kind") == [
        [name, "Deployment"] for name in "abc"
    ]
    jsonpath = cluster.kubectl("-n", namespace, "get", "comp", "--chunk-size=1", "-o", "jsonpath={.items[*].root.name}")
    assert jsonpath == "a b c"
    yaml = cluster.kubectl(
        "-n", namespace, "get", "comp", "--chunk-size=1", "-o", "yaml", "--field-selector=root.kind!=Pod"
    )
    assert yaml.count("kind: Composition\n") == 3
    assert "No resources found" in cluster.kubectl(
        "-n", namespace, "get", "comp", "--field-selector=root.kind=Pod", check=False
    )
