"""Managing the APIService: there while a replica is ready, away when the last one has said goodbye."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from kubediscovery.api import GroupVersion
from kubediscovery.apiservice import ApiService, ApiServiceKeeper
from kubediscovery.presence import LEASE_SECONDS, RENEW_SECONDS, SharedLease
from tests.managing import MANAGED, NAMESPACE, Cluster, cancelled
from tests.versioned import API_SERVICE, API_SERVICES, LEASE, VersionedKubeApiserver, installed_api_service

COPIES = "kubediscovery.cloudark.io/apiservices"


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    made = Cluster()
    yield made
    await made.close()


async def test_one_of_two_stops_and_nothing_happens(cluster: Cluster) -> None:
    await cluster.start("a")
    await cluster.start("b")
    before = cluster.there()
    await cluster.end("a")
    assert cluster.there() == before


async def test_the_last_takes_it_away_and_the_first_puts_it_back(cluster: Cluster) -> None:
    await cluster.start("a")
    before = (cluster.found()["metadata"]["labels"], cluster.found()["spec"])
    await cluster.end("a")
    assert cluster.there() is None
    await cluster.start("b")
    assert (cluster.found()["metadata"]["labels"], cluster.found()["spec"]) == before


async def test_what_others_changed_comes_back_as_they_left_it(cluster: Cluster) -> None:
    """A user's priority and annotation, and the caBundle that cert-manager put in, also at the last moment."""
    await cluster.start("a")
    edited = installed_api_service()
    edited["metadata"]["annotations"] = {"cert-manager.io/inject-ca-from": "kubediscovery/kubediscovery-tls"}
    edited["spec"] |= {"caBundle": "TkVX", "groupPriorityMinimum": 2000}
    cluster.api.put(API_SERVICE, edited)
    await cluster.end("a")
    assert cluster.there() is None
    await cluster.start("a")
    assert cluster.found()["spec"] == edited["spec"]
    assert cluster.found()["metadata"]["annotations"] == edited["metadata"]["annotations"]


async def test_it_is_not_written_while_it_is_there(cluster: Cluster) -> None:
    """Reading it is all that a replica does, however often it renews."""
    cluster.api.objects[API_SERVICE]["status"] = {"conditions": [{"type": "Available", "status": "True"}]}
    slept = asyncio.Queue[float]()

    async def sleep(seconds: float) -> None:
        await slept.put(seconds)
        await asyncio.sleep(0)

    task = asyncio.create_task(cluster.keeper("a", sleep).run())
    assert [await slept.get() for _ in range(3)] == [RENEW_SECONDS] * 3
    await cancelled(task)
    assert {request for request in cluster.api.requests if request[1] != LEASE} == {("GET", API_SERVICE)}


async def test_an_edit_while_it_is_taken_away_is_not_lost(cluster: Cluster) -> None:
    """What is deleted is what was copied: another version is refused, read and copied first."""
    edited = installed_api_service()
    edited["spec"]["versionPriority"] = 99

    class Edited(VersionedKubeApiserver):
        async def request(self, method: str, path: str, **options: Any) -> Any:
            if method == "DELETE" and edited["spec"] != self.objects[API_SERVICE]["spec"]:
                self.put(API_SERVICE, edited)
            return await super().request(method, path, **options)

    cluster = Cluster(Edited())
    await cluster.start("a")
    await cluster.end("a")
    assert cluster.there() is None
    await cluster.start("a")
    assert cluster.found()["spec"] == edited["spec"]
    await cluster.close()


@pytest.mark.parametrize("labels", [{}, {"app.kubernetes.io/name": "kubediscovery"}, None])
async def test_somebody_elses_is_never_touched(
    cluster: Cluster, labels: dict[str, str] | None, caplog: pytest.LogCaptureFixture
) -> None:
    foreign = installed_api_service()
    foreign["metadata"]["labels"] = labels
    before = cluster.api.put(API_SERVICE, foreign)
    await cluster.start("a")
    await cluster.end("a")
    assert cluster.there() is before
    assert "it is somebody else's, and left alone" in caplog.text


@pytest.mark.parametrize(
    "service", [{"namespace": "other", "name": "kubediscovery"}, {"namespace": NAMESPACE, "name": "mine"}, None]
)
async def test_one_that_leads_elsewhere_is_never_touched(cluster: Cluster, service: dict[str, str] | None) -> None:
    """Another installation's, or one whose Service a user replaced."""
    changed = installed_api_service()
    changed["spec"]["service"] = service
    before = cluster.api.put(API_SERVICE, changed)
    await cluster.start("a")
    await cluster.end("a")
    assert cluster.there() is before


async def test_one_that_was_deleted_by_hand_comes_back(cluster: Cluster) -> None:
    await cluster.start("a")
    del cluster.api.objects[API_SERVICE]
    await cluster.start("b")
    assert cluster.there() is not None


async def test_without_a_lease_nothing_is_done(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    """Not installed with the option, or uninstalled: the APIService is none of this server's business."""
    del cluster.api.objects[LEASE]
    await cluster.start("a")
    await cluster.end("a")
    assert cluster.there() is not None
    del cluster.api.objects[API_SERVICE]
    await cluster.start("a")
    assert cluster.there() is None
    assert f"there is no Lease {LEASE}: it is left alone" in caplog.text


async def test_an_uninstallation_wins_over_a_replica_that_puts_back() -> None:
    """The Lease goes between the replica's look at it and its answer to the APIService's absence."""

    class Uninstalled(VersionedKubeApiserver):
        async def request(self, method: str, path: str, **options: Any) -> Any:
            if method == "POST":
                del self.objects[LEASE]
            return await super().request(method, path, **options)

    cluster = Cluster(Uninstalled())
    await cluster.start("a")
    del cluster.api.objects[API_SERVICE]
    await cluster.start("b")
    assert ("POST", API_SERVICES) in cluster.api.requests
    assert cluster.there() is None
    await cluster.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda _: "",
        lambda _: "no JSON",
        lambda _: "[" * 100_000,
        lambda copy: copy.replace('"version":"v1"', '"version":"v2"'),
        lambda copy: copy.replace('"group":"kubediscovery.cloudark.io"', '"group":"apps"'),
        lambda copy: copy.replace('"namespace":"kubediscovery"', '"namespace":"mine"'),
        lambda copy: copy.replace("managed-by", "made-by"),
        lambda copy: copy.replace('"spec":{', '"spec":5,"x":{'),
    ],
)
async def test_only_this_api_service_is_ever_made(
    cluster: Cluster, change: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever may write the Lease must not come to make another APIService, or lead this one elsewhere."""
    await cluster.start("a")
    await cluster.end("a")
    annotations = cluster.api.objects[LEASE]["metadata"]["annotations"]
    copy = msgspec.json.decode(annotations[COPIES])[MANAGED.name]
    assert change(copy) != copy
    annotations[COPIES] = msgspec.json.encode({MANAGED.name: change(copy)}).decode()
    await cluster.start("b")
    assert cluster.there() is None
    assert not [request for request in cluster.api.requests if request[0] == "POST"]
    assert "there is no copy of it" in caplog.text


def test_a_copy_takes_nothing_of_kube_apiserver_along() -> None:
    live = installed_api_service()
    live["metadata"] |= {"uid": "u", "resourceVersion": "5", "managedFields": [{}], "creationTimestamp": "t"}
    live["status"] = {"conditions": []}
    assert MANAGED.of_copy(MANAGED.copy_of(live)) == installed_api_service() | {
        "metadata": {**installed_api_service()["metadata"], "annotations": {}}
    }


async def test_a_replica_that_is_not_ready_is_not_there(cluster: Cluster) -> None:
    ready, polls = [False], asyncio.Queue[float]()

    async def sleep(seconds: float) -> None:
        await polls.put(seconds)
        await asyncio.sleep(0)

    lease = SharedLease(cluster.api, NAMESPACE, "kubediscovery", clock=lambda: cluster.now)
    keeper = ApiServiceKeeper(cluster.api, [MANAGED], lease, replica="a", is_ready=lambda: ready[0], sleep=sleep)
    task = asyncio.create_task(keeper.run())
    for _ in range(3):
        assert await polls.get() < 1
    assert cluster.api.requests == []
    ready[0] = True
    while await polls.get() < RENEW_SECONDS:
        pass
    assert "a" in cluster.api.objects[LEASE]["spec"]["holderIdentity"]
    await cancelled(task)


async def test_one_that_was_never_ready_leaves_no_api_service_behind(cluster: Cluster) -> None:
    """Nobody is there: what a crashed predecessor left goes too."""
    await cluster.keeper("a").leave()
    assert cluster.there() is None


async def test_a_crashed_replica_counts_until_its_time_is_up(cluster: Cluster) -> None:
    await cluster.start("a")
    await cluster.start("b")
    await cluster.crash("a")
    await cluster.end("b")
    assert cluster.there() is not None
    await cluster.start("b")
    cluster.now += timedelta(seconds=LEASE_SECONDS + 1)
    await cluster.end("b")
    assert cluster.there() is None


async def test_a_crashed_replica_that_is_back_goes_under_its_name(cluster: Cluster) -> None:
    await cluster.start("a")
    await cluster.crash("a")
    await cluster.start("a")
    await cluster.end("a")
    assert cluster.there() is None


async def test_unavailable_after_a_crash_kube_apiserver_is_made_to_look(cluster: Cluster) -> None:
    """Once, by an annotation that is no part of what is put back."""
    cluster.api.objects[API_SERVICE]["status"] = {"conditions": [{"type": "Available", "status": "False"}]}
    await cluster.start("a")
    assert [*cluster.found()["metadata"]["annotations"]] == ["kubediscovery.cloudark.io/ready-at"]
    await cluster.start("a")
    assert cluster.api.requests.count(("PATCH", API_SERVICE)) == 2, "once for each start"
    kept = msgspec.json.decode(cluster.api.objects[LEASE]["metadata"]["annotations"][COPIES])[MANAGED.name]
    assert msgspec.json.decode(kept)["metadata"]["annotations"] == {}


async def test_a_failure_is_told_once_and_tried_again(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    slept = asyncio.Queue[float]()

    async def sleep(seconds: float) -> None:
        await slept.put(seconds)
        await asyncio.sleep(0)

    cluster.api.is_away = True
    task = asyncio.create_task(cluster.keeper("a", sleep).run())
    assert [await slept.get() for _ in range(3)] == [1.0] * 3
    assert caplog.text.count("connection refused") == 1
    cluster.api.is_away = False
    while await slept.get() != RENEW_SECONDS:
        pass
    assert cluster.api.objects[LEASE]["spec"]["holderIdentity"] == "a"
    await cancelled(task)


@pytest.mark.parametrize("refused", [("GET", LEASE), ("PUT", LEASE), ("GET", API_SERVICE)])
async def test_without_the_rights_it_goes_on_serving(
    cluster: Cluster, refused: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    cluster.api.refused.add(refused)
    await cluster.start("a")
    assert not cluster.tasks["a"].done()
    await cluster.end("a")
    assert cluster.there() is not None
    assert f"it cannot be managed: {refused[0]} {refused[1]}: forbidden" in caplog.text


async def test_leaving_is_tried_until_kube_apiserver_is_back(cluster: Cluster) -> None:
    tried = list[float]()

    async def sleep(seconds: float) -> None:
        tried.append(seconds)
        cluster.api.is_away = len(tried) < 3
        await asyncio.sleep(0)

    cluster.api.is_away = True
    await cluster.keeper("a", sleep).leave()
    assert len(tried) == 3
    assert cluster.there() is None


async def test_leaving_is_given_up_in_the_end(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("kubediscovery.apiservice.LEAVE_SECONDS", 0.01)
    cluster.api.is_away = True
    await cluster.keeper("a").leave()
    assert "was not told that this replica stops" in caplog.text


async def test_who_has_left_does_not_come_back(cluster: Cluster) -> None:
    """Renewing goes on in the background until the process ends."""
    wake = asyncio.Event()

    async def sleep(_: float) -> None:
        await wake.wait()

    keeper = cluster.keeper("a", sleep)
    task = asyncio.create_task(keeper.run())
    await asyncio.sleep(0.001)
    await keeper.leave()
    wake.set()
    await task
    assert cluster.there() is None


async def test_somebody_who_puts_it_back_each_time_keeps_nobody_busy(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Insisting(VersionedKubeApiserver):
        async def request(self, method: str, path: str, **options: Any) -> Any:
            answer = await super().request(method, path, **options)
            if method == "DELETE":
                self.put(API_SERVICE, installed_api_service())
            return answer

    monkeypatch.setattr("kubediscovery.apiservice.LEAVE_SECONDS", 0.01)
    cluster = Cluster(Insisting())
    await cluster.keeper("a").leave()
    assert cluster.api.requests.count(("DELETE", API_SERVICE)) == 10
    assert "changed by somebody else again and again" in caplog.text


async def test_several_are_managed_as_one(cluster: Cluster) -> None:
    """All of an app's go with the last replica, and come back with the first, each as it was."""
    other = ApiService(GroupVersion("more.example.org", "v2"), NAMESPACE)
    path = f"{API_SERVICES}/{other.name}"
    made = installed_api_service()
    spec = {**made["spec"], "group": "more.example.org", "version": "v2", "versionPriority": 42}
    cluster.api.put(path, {**made, "metadata": {**made["metadata"], "name": other.name}, "spec": spec})
    cluster.managed.append(other)
    await cluster.start("a")
    await cluster.start("b")
    await cluster.end("a")
    assert {API_SERVICE, path} <= cluster.api.objects.keys()
    await cluster.end("b")
    assert not {API_SERVICE, path} & cluster.api.objects.keys()
    await cluster.start("b")
    assert cluster.api.objects[path]["spec"] == spec
    assert cluster.found()["spec"] == made["spec"]


async def test_one_that_is_forbidden_keeps_nobody_from_the_others(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    other = ApiService(GroupVersion("more.example.org", "v2"), NAMESPACE)
    cluster.managed.insert(0, other)
    cluster.api.refused.add(("GET", f"{API_SERVICES}/{other.name}"))
    await cluster.start("a")
    await cluster.end("a")
    assert cluster.there() is None
    assert f"APIService {other.name}: it cannot be managed" in caplog.text
