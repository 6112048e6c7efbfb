"""Gets that wait, answered by the whole application."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
from msgspec import structs

from kubediscovery import patience
from kubediscovery.broadcast import Broadcaster
from kubediscovery.objects import Object, PodState, WorkloadState
from kubediscovery.patience import gone
from kubediscovery.reviews import REVIEW_MAX_AGE
from kubediscovery.store import Coverage
from tests.objects import CRON_JOB, DEPLOYMENT, FLEET, POD, REPLICA_SET, RUNNING_POD
from tests.serving import GROUP, PREFIX, Serving, make, workload
from tests.waiting import until

WEB = f"{PREFIX}/namespaces/shop/deployments/web/compositions"
NAMED = f"{PREFIX}/namespaces/shop/compositions/deployments.apps.web"


def rolling() -> list[Object]:
    """A Deployment of which one of two pods is ready."""
    web = make(DEPLOYMENT, "web", state=workload(2, 1, "3"), version=110)
    replica_set = make(REPLICA_SET, "web-1", owner=web, version=120)
    return [
        web,
        replica_set,
        make(POD, "web-1-a", owner=replica_set, version=130),
        make(POD, "web-1-b", owner=replica_set, version=131, state=unready()),
        make(POD, "lonely"),
        make(DEPLOYMENT, "other", state=workload(2, 1)),
        make(FLEET, "north"),
    ]


def unready() -> PodState:
    return structs.replace(RUNNING_POD, is_ready=False, ready=0)


@pytest.fixture
def serving() -> Serving:
    return Serving(rolling())


def find(serving: Serving, kind: object, name: str) -> Object:
    return next(item for item in rolling() if item.kind == kind and item.name == name)


def complete(serving: Serving, version: int = 901) -> None:
    serving.store.put(structs.replace(find(serving, POD, "web-1-b"), state=RUNNING_POD, resource_version=version))
    web = structs.replace(find(serving, DEPLOYMENT, "web"), state=workload(2, 2, "3"), resource_version=version + 1)
    serving.store.put(web)


def waiting(serving: Serving) -> int:
    return sum(found.watches for found in serving.store._observers if isinstance(found, Broadcaster))


async def meanwhile(
    serving: Serving, target: str, happens: Callable[[], object], user: str = "admin"
) -> httpx.Response:
    """The answer to who waits while something happens."""
    asking = asyncio.create_task(serving.get(target, user=user))
    await until(lambda: waiting(serving) or asking.done())
    assert waiting(serving) == 1
    happens()
    async with asyncio.timeout(10):
        answer = await asking
    assert waiting(serving) == 0
    return answer


@pytest.mark.parametrize("target", [WEB, NAMED])
async def test_it_is_answered_when_the_rollout_is_complete(serving: Serving, target: str) -> None:
    answer = await meanwhile(serving, f"{target}?waitFor=Complete,Failed", lambda: complete(serving))
    assert (answer.status_code, answer.headers["Kubediscovery-Wait"]) == (200, "Reached")
    found = answer.json()
    assert (found["status"]["rollout"]["state"], found["status"]["health"]) == ("Complete", "Healthy")
    assert "Warning" not in answer.headers


@pytest.mark.parametrize("states", ["Progressing", "Failed,Progressing", "Progressing,Healthy"])
async def test_what_is_so_already_is_answered_at_once(serving: Serving, states: str) -> None:
    answer = await serving.get(f"{WEB}?waitFor={states}")
    assert (answer.status_code, answer.headers["Kubediscovery-Wait"]) == (200, "Reached")
    # Not the answer of before, though nothing else was asked.
    complete(serving)
    later = await serving.get(f"{WEB}?waitFor={states},Complete")
    assert later.json()["status"]["rollout"]["state"] == "Complete"
    assert "Kubediscovery-Wait" not in (await serving.get(WEB)).headers


async def test_health_is_waited_for_too_also_of_what_is_no_root(serving: Serving) -> None:
    target = f"{PREFIX}/namespaces/shop/compositions/replicasets.apps.web-1?waitFor=Healthy"
    answer = await meanwhile(serving, target, lambda: complete(serving))
    assert answer.headers["Kubediscovery-Wait"] == "Reached"
    assert "rollout" not in answer.json()["status"]


async def test_when_the_time_is_over_it_is_answered_as_it_is(serving: Serving) -> None:
    answer = await serving.get(f"{WEB}?waitFor=Complete&timeoutSeconds=1")
    assert (answer.status_code, answer.headers["Kubediscovery-Wait"]) == (200, "TimedOut")
    assert answer.json()["status"]["rollout"]["state"] == "Progressing"
    assert answer.headers["Warning"] == '299 - "not Complete within 1 seconds"'


async def test_a_longer_time_than_kube_apiserver_gives_is_cut(serving: Serving) -> None:
    answer = await serving.get(f"{WEB}?waitFor=Progressing&timeoutSeconds=120")
    assert (answer.headers["Kubediscovery-Wait"], "120" in answer.headers["Warning"]) == ("Reached", True)


async def test_it_can_be_a_table_and_be_known_already(serving: Serving) -> None:
    table = ("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
    answer = await serving.get(f"{WEB}?waitFor=Progressing", headers=[table])
    assert (answer.json()["kind"], answer.headers["Kubediscovery-Wait"]) == ("Table", "Reached")
    answer = await serving.get(f"{WEB}?waitFor=Progressing")
    again = await serving.get(f"{WEB}?waitFor=Progressing", headers=[("If-None-Match", answer.headers["ETag"])])
    assert (again.status_code, again.headers["Kubediscovery-Wait"]) == (304, "Reached")


@pytest.mark.parametrize("target", [WEB, NAMED])
async def test_what_is_deleted_meanwhile_is_not_found(serving: Serving, target: str) -> None:
    web = find(serving, DEPLOYMENT, "web")
    answer = await meanwhile(serving, f"{target}?waitFor=Complete", lambda: serving.store.remove(web, 950))
    assert (answer.status_code, answer.json()["reason"]) == (404, "NotFound")


async def test_what_is_not_there_is_not_waited_for(serving: Serving) -> None:
    answer = await serving.get(f"{WEB.replace('/web/', '/absent/')}?waitFor=Complete")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (f"{PREFIX}/compositions?waitFor=Complete", "not for a list"),
        (f"{PREFIX}/namespaces/shop/compositions?waitFor=Healthy", "not for a list"),
        (f"{PREFIX}/namespaces/shop/deployments/*/compositions?waitFor=Healthy", "not for a list"),
        (f"{PREFIX}/watch/namespaces/shop/deployments/web/compositions?waitFor=Healthy", "not for a watch"),
        (f"{WEB}?watch=true&waitFor=Healthy", "not for a watch"),
        (f"{WEB}?waitFor=Ready", "accepted are Complete"),
        (f"{PREFIX}/fleets/north/compositions?waitFor=Complete", "a Fleet rolls out nothing"),
        (f"{PREFIX}/namespaces/shop/pods/lonely/compositions?waitFor=Complete,Failed", "accepted for it are Healthy"),
    ],
)
async def test_what_cannot_be_waited_for_is_refused(serving: Serving, target: str, words: str) -> None:
    answer = await serving.get(target)
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")
    assert words in answer.json()["message"]


def grant(serving: Serving, *resources: str) -> None:
    serving.rights.grant("eve", verb="get", group=GROUP, resource="deployments/compositions")
    for resource in resources:
        serving.rights.grant("eve", verb="list", resource=resource)


async def test_a_right_that_was_taken_away_meanwhile_gives_no_answer(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "REVIEW_MAX_AGE", 0)
    grant(serving, "replicasets", "pods")

    def revoke() -> None:
        serving.time.now += REVIEW_MAX_AGE
        serving.rights.granted.clear()
        complete(serving)

    answer = await meanwhile(serving, f"{WEB}?waitFor=Complete", revoke, "eve")
    assert (answer.status_code, answer.json()["reason"]) == (403, "Forbidden")
    assert "Complete" not in answer.text


async def test_what_may_not_be_seen_any_more_is_not_in_the_answer(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "REVIEW_MAX_AGE", 0)
    grant(serving, "replicasets", "pods")

    def revoke() -> None:
        serving.time.now += REVIEW_MAX_AGE
        serving.rights.granted.clear()
        grant(serving, "replicasets")
        complete(serving)

    answer = await meanwhile(serving, f"{WEB}?waitFor=Complete", revoke, "eve")
    assert answer.headers["Kubediscovery-Wait"] == "Reached"
    assert "web-1-a" not in answer.text
    assert "revisions" not in answer.json()["status"]["rollout"]


async def test_who_may_not_see_pods_is_told_what_the_deployment_says(serving: Serving) -> None:
    grant(serving)
    found = (await serving.get(f"{WEB}?waitFor=Progressing", user="eve")).json()["status"]["rollout"]
    assert (found["state"], found["reason"]) == ("Progressing", "PodsNotAvailable")
    assert "web-1" not in str(found)


async def test_what_becomes_unknown_meanwhile_is_waited_for_no_longer(serving: Serving) -> None:
    answer = await meanwhile(
        serving, f"{WEB}?waitFor=Complete", lambda: serving.store.omit(DEPLOYMENT, Coverage.FORBIDDEN)
    )
    assert answer.status_code in (404, 503)


async def test_another_kind_that_becomes_unknown_does_not_end_it(serving: Serving) -> None:
    def happens() -> None:
        serving.store.omit(CRON_JOB, Coverage.FORBIDDEN)
        asyncio.get_running_loop().call_later(0.02, complete, serving)

    answer = await meanwhile(serving, f"{WEB}?waitFor=Complete", happens)
    assert answer.headers["Kubediscovery-Wait"] == "Reached"


async def test_changes_that_are_not_what_is_wished_for_do_not_end_it(serving: Serving) -> None:
    def happens() -> None:
        pod = find(serving, POD, "web-1-b")
        serving.store.put(structs.replace(pod, resource_version=902, labels=(("touched", "yes"),)))
        other = find(serving, DEPLOYMENT, "other")
        serving.store.put(structs.replace(other, state=workload(), resource_version=903))
        asyncio.get_running_loop().call_later(0.05, complete, serving, 904)

    answer = await meanwhile(serving, f"{WEB}?waitFor=Complete", happens)
    assert answer.json()["status"]["rollout"]["state"] == "Complete"


async def test_a_server_that_ends_answers_as_it_is(serving: Serving) -> None:
    answer = await meanwhile(serving, f"{WEB}?waitFor=Complete", serving.readiness.draining.set)
    assert (answer.status_code, answer.headers["Kubediscovery-Wait"]) == (200, "TimedOut")


async def test_who_hangs_up_is_not_waited_for() -> None:
    said = asyncio.Queue[dict[str, str]]()
    leaving = asyncio.create_task(gone(said.get, asyncio.Event()))
    said.put_nowait({"type": "http.request"})
    await asyncio.sleep(0.01)
    assert not leaving.done()
    said.put_nowait({"type": "http.disconnect"})
    async with asyncio.timeout(10):
        await leaving


async def test_a_request_that_is_cut_off_leaves_nothing_behind(serving: Serving) -> None:
    asking = asyncio.create_task(serving.get(f"{WEB}?waitFor=Complete&timeout=50ms"))
    async with asyncio.timeout(10):
        answer = await asking
    assert (answer.status_code, waiting(serving)) == (504, 0)


def test_the_root_of_these_tests_goes_on() -> None:
    state = rolling()[0].state
    assert isinstance(state, WorkloadState)
    assert state.available < state.desired
