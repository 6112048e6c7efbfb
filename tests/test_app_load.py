"""Requests that are too many, too slow or fail, and the account that is kept of each."""

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kubediscovery.app import Entry, create_app
from kubediscovery.audit import Auditor
from kubediscovery.errors import UpstreamError
from kubediscovery.exchange import Exchange
from kubediscovery.identity import Caller, User
from kubediscovery.limits import Limits
from kubediscovery.metrics import Metrics
from kubediscovery.streaming import WatchResponse
from tests.exchanges import WATCHED, WEB
from tests.listening import connected, listening
from tests.serving import GROUP, PREFIX, Serving
from tests.test_metrics import labels, named
from tests.waiting import until

TARGET = f"{PREFIX}/namespaces/shop/deployments/web/compositions"
OF = {
    "verb": "GET",
    "group": GROUP,
    "version": "v1",
    "resource": "deployments.apps",
    "subresource": "compositions",
    "scope": "resource",
    "component": "apiserver",
}


class Lines(list[dict[str, Any]]):
    """An audit log in memory."""

    def put(self, line: bytes) -> None:
        assert line.endswith(b"}\n")
        self.append(msgspec.json.decode(line))


class Loaded(Serving):
    """The application with limits and an audit log."""

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__()
        self.limits = limits or Limits()
        self.audited = Lines()
        auditor = Auditor(self.audited)
        self.services = dataclasses.replace(self.services, limits=self.limits, auditor=auditor)
        self.app = create_app(self.services)

    async def held(self, **options: Any) -> "asyncio.Task[httpx.Response]":
        """A request that waits for its review until :attr:`reviewer`'s gate is opened."""
        self.reviewer.gate = self.reviewer.gate or asyncio.Event()
        under_way = self.reviewer.under_way
        task = asyncio.create_task(self.get(TARGET, **options))
        await until(lambda: self.reviewer.under_way > under_way)
        return task

    def release(self) -> None:
        assert self.reviewer.gate is not None
        self.reviewer.gate.set()


def told(answer: httpx.Response, code: int, reason: str) -> dict[str, Any]:
    """The Status that an answer is; fails for any other."""
    found: dict[str, Any] = answer.json()
    assert (answer.status_code, found["kind"], found["code"], found["reason"]) == (code, "Status", code, reason)
    return found


async def test_the_one_too_many_is_told_to_come_again() -> None:
    serving = Loaded(Limits(requests=1))
    held = await serving.held(user="bob")
    refused = await serving.get(TARGET)
    found = told(refused, 429, "TooManyRequests")
    assert refused.headers["retry-after"] == "1"
    assert found["details"]["retryAfterSeconds"] == 1
    assert found["message"] == "Too many requests, please try again later."
    assert named(serving.metrics, "apiserver_request_terminations_total") == {labels(**OF, code="429"): 1}
    assert named(serving.metrics, "apiserver_request_total") == {labels(**OF, dry_run="", code="429"): 1}
    serving.release()
    assert (await held).status_code == 403
    assert (await serving.get(TARGET)).status_code == 200


async def test_probes_and_administrators_get_in_all_the_same() -> None:
    serving = Loaded(Limits(requests=1))
    held = await serving.held()
    for path in ("/livez", "/readyz", "/healthz"):
        assert (await serving.get(path, user=None)).status_code == 200
    assert (await serving.get(TARGET, user="root", groups=["system:masters"])).status_code == 200
    # Nobody without a right to anything takes part in it either.
    assert (await serving.get(TARGET, user=None)).status_code == 403
    serving.release()
    await held


async def test_every_request_makes_room_however_it_ends() -> None:
    serving = Loaded(Limits(requests=1))
    for user, failure in (("admin", None), ("bob", None), ("admin", UpstreamError("no")), ("admin", KeyError("x"))):
        serving.rights.failure = failure
        await serving.get(TARGET, user=user)
        await serving.get(f"{TARGET}?limit=x", user=user)
        assert serving.limits.requests.inside == 0
        serving.time.now += 100


async def test_who_takes_too_long_is_told_so_and_stopped() -> None:
    serving = Loaded(Limits(seconds=0.05))
    answer = await (await serving.held())
    assert told(answer, 504, "Timeout")["message"] == ("Timeout: request did not complete within the allotted timeout")
    assert serving.limits.requests.inside == 0
    assert named(serving.metrics, "apiserver_request_terminations_total") == {labels(**OF, code="504"): 1}
    assert named(serving.metrics, "apiserver_request_total") == {labels(**OF, dry_run="", code="504"): 1}
    assert [line["responseStatus"]["code"] for line in serving.audited] == [504]
    serving.release()


async def test_a_caller_may_want_less_time() -> None:
    serving = Loaded()
    serving.reviewer.gate = asyncio.Event()
    told(await serving.get(f"{TARGET}?timeout=50ms"), 504, "Timeout")
    found = told(await serving.get(f"{TARGET}?timeout=soon"), 400, "BadRequest")
    assert '"soon"' in found["message"]
    serving.release()
    answer = await serving.get(f"{TARGET}?timeout=5s")
    assert (answer.status_code, answer.headers.get("warning")) == (200, None)


async def test_an_allowed_request_is_audited() -> None:
    serving = Loaded()
    answer = await serving.get(
        f"{TARGET}?pretty=1", headers=[("Audit-Id", "abc"), ("User-Agent", "kubectl"), ("X-Forwarded-For", "192.0.2.7")]
    )
    (line,) = serving.audited
    assert answer.headers["audit-id"] == "abc"
    assert line.pop("requestReceivedTimestamp") <= line.pop("stageTimestamp")
    assert line == {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": "abc",
        "stage": "ResponseComplete",
        "requestURI": f"{TARGET}?pretty=1",
        "verb": "get",
        "user": {"username": "admin", "groups": ["system:authenticated"]},
        "sourceIPs": ["192.0.2.7", "127.0.0.1"],
        "userAgent": "kubectl",
        "objectRef": {
            "resource": "deployments",
            "namespace": "shop",
            "name": "web",
            "apiGroup": GROUP,
            "apiVersion": "v1",
            "subresource": "compositions",
        },
        "responseStatus": {"metadata": {}, "code": 200},
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
    }


async def test_a_refused_request_is_audited_with_what_was_said() -> None:
    serving = Loaded()
    answer = await serving.get(f"{PREFIX}/namespaces/shop/compositions", user="bob")
    (line,) = serving.audited
    assert (line["verb"], line["user"]["username"]) == ("list", "bob")
    assert line["annotations"]["authorization.k8s.io/decision"] == "forbid"
    said = line["responseStatus"]
    assert (said["code"], said["reason"], said["message"]) == (403, "Forbidden", answer.json()["message"])


@pytest.mark.parametrize(
    ("headers", "code", "user"),
    [
        ([("Authorization", "Bearer worthless")], 401, {}),
        ([], 403, {"username": "system:anonymous", "groups": ["system:unauthenticated"]}),
    ],
)
async def test_nobody_is_audited_as_nobody(headers: list[tuple[str, str]], code: int, user: dict[str, Any]) -> None:
    serving = Loaded()
    assert (await serving.send(TARGET, headers=headers)).status_code == code
    (line,) = serving.audited
    assert (line["user"], line["responseStatus"]["code"], line["objectRef"]["name"]) == (user, code, "web")
    assert "worthless" not in str(line)


async def test_who_acts_as_somebody_else_is_audited_with_both() -> None:
    serving = Loaded()
    await serving.get(TARGET, headers=[("Impersonate-User", "carol"), ("Impersonate-Group", "team")])
    (line,) = serving.audited
    assert line["user"]["username"] == "admin"
    assert line["impersonatedUser"] == {"username": "carol", "groups": ["team", "system:authenticated"]}


async def test_a_fault_is_audited_as_one(caplog: pytest.LogCaptureFixture) -> None:
    serving = Loaded()
    serving.rights.failure = KeyError("secret")
    told(await serving.get(TARGET), 500, "InternalError")
    (line,) = serving.audited
    assert (line["stage"], line["responseStatus"]["code"]) == ("Panic", 500)
    assert "KeyError" in line["responseStatus"]["message"]
    assert "secret" not in str(line)
    assert "secret" in caplog.text


async def test_paths_that_mean_nothing_are_audited_too() -> None:
    serving = Loaded()
    for path in ("/a//b", "/%2e%2e", "/livez"):
        await serving.send(path)
    assert [line["requestURI"] for line in serving.audited] == ["/a//b", "/%2e%2e", "/livez"]
    assert all("objectRef" not in line for line in serving.audited)


Responder = Callable[[Scope, Receive, Send], Awaitable[None]]


class Stub:
    """A handler that knows the request, and answers it as a test wants."""

    def __init__(self, serving: Loaded, answer: Responder, *, watch: bool) -> None:
        self._limits = serving.limits
        self._answer = answer
        self._watch = watch

    async def respond(self, request: Request, exchange: Exchange) -> Response:
        exchange.attributes = WATCHED if self._watch else WEB
        exchange.resource = "compositions"
        exchange.caller = Caller(User("alice"))
        self._limits.admit(exchange)
        return self._answer  # type: ignore[return-value]


def stubbed(serving: Loaded, answer: Responder, *, watch: bool = False) -> Entry:
    entry = Entry(serving.services)
    entry._handler = Stub(serving, answer, watch=watch)  # type: ignore[assignment]
    return entry


async def begin(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun", "more_body": True})


async def everything(app: Entry) -> bytes:
    """What comes over one connection until it ends."""
    async with listening(app, None) as port, connected(port, None) as connection, asyncio.timeout(10):
        connection.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        said = b""
        try:
            while more := await connection.reader.read(1000):
                said += more
                if said.endswith(b"0\r\n\r\n"):
                    break
        except ConnectionError:
            pass
        return said


def aborts(metrics: Metrics) -> list[float]:
    return list(named(metrics, "apiserver_request_aborts_total").values())


async def test_an_answer_that_breaks_off_does_not_look_whole(caplog: pytest.LogCaptureFixture) -> None:
    async def break_off(scope: Scope, receive: Receive, send: Send) -> None:
        await begin(send)
        raise KeyError("broken")

    serving = Loaded()
    said = await everything(stubbed(serving, break_off))
    assert said.endswith(b"begun\r\n") or said == b""
    assert aborts(serving.metrics) == [1]
    assert [line["stage"] for line in serving.audited] == ["Panic"]
    assert "broken" in caplog.text
    assert "uvicorn.error" not in [record.name for record in caplog.records if record.levelno >= logging.ERROR]


async def test_an_answer_that_takes_too_long_is_broken_off() -> None:
    async def hang(scope: Scope, receive: Receive, send: Send) -> None:
        await begin(send)
        await asyncio.Event().wait()

    serving = Loaded(Limits(seconds=0.1))
    said = await everything(stubbed(serving, hang))
    assert not said.endswith(b"0\r\n\r\n")
    assert aborts(serving.metrics) == [1]
    assert serving.limits.requests.inside == 0


async def until_left(scope: Scope, receive: Receive, send: Send) -> None:
    """A watch: it lasts until its reader leaves."""
    await begin(send)
    while (await receive())["type"] != "http.disconnect":
        pass
    await send({"type": "http.response.body", "body": b""})


async def test_a_watch_lasts_longer_than_a_request_and_ends_when_the_server_does() -> None:
    serving = Loaded(Limits(seconds=0.05))
    app = stubbed(serving, until_left, watch=True)
    running = asyncio.create_task(everything(app))
    await until(lambda: serving.limits.watches.inside)
    await asyncio.sleep(0.2)
    assert list(named(serving.metrics, "apiserver_longrunning_requests").values()) == [1]
    assert [line["stage"] for line in serving.audited] == ["ResponseStarted"]
    serving.readiness.draining.set()
    assert (await running).endswith(b"begun\r\n0\r\n\r\n")
    assert list(named(serving.metrics, "apiserver_longrunning_requests").values()) == [0]
    assert [line["stage"] for line in serving.audited] == ["ResponseStarted", "ResponseComplete"]
    assert serving.limits.watches.inside == 0
    assert aborts(serving.metrics) == []


class Lasting(WatchResponse):
    """A watch on a path with a name, which is no long request to Kubernetes."""

    def __init__(self) -> None: ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await until_left(scope, receive, send)


async def test_a_watch_of_one_name_ends_with_the_server_too() -> None:
    serving = Loaded()
    running = asyncio.create_task(everything(stubbed(serving, Lasting())))
    await until(lambda: serving.limits.requests.inside)
    serving.readiness.draining.set()
    assert (await running).endswith(b"begun\r\n0\r\n\r\n")


async def test_an_answer_that_was_given_up_does_not_look_whole(caplog: pytest.LogCaptureFixture) -> None:
    async def give_up(scope: Scope, receive: Receive, send: Send) -> None:
        await begin(send)

    serving = Loaded()
    said = await everything(stubbed(serving, give_up, watch=True))
    assert not said.endswith(b"0\r\n\r\n")
    assert aborts(serving.metrics) == []
    assert "uvicorn.error" not in [record.name for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_watch_ends_when_its_reader_has_left() -> None:
    serving = Loaded()
    async with listening(stubbed(serving, until_left, watch=True), None) as port:
        async with connected(port, None) as connection:
            connection.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await connection.reader.readuntil(b"begun")
        await until(lambda: not serving.limits.watches.inside)
    assert [line["stage"] for line in serving.audited] == ["ResponseStarted", "ResponseComplete"]


async def test_watches_too_many_are_told_to_come_again() -> None:
    serving = Loaded(Limits(watches=1))
    app = stubbed(serving, until_left, watch=True)
    running = asyncio.create_task(everything(app))
    await until(lambda: serving.limits.watches.inside)
    async with listening(app, None) as port, connected(port, None) as connection:
        assert (await connection.get()).code == 429
    serving.readiness.draining.set()
    await running


async def test_each_answer_is_logged_for_who_wants_it(caplog: pytest.LogCaptureFixture) -> None:
    serving = Loaded()
    with caplog.at_level(logging.DEBUG, "kubediscovery.app"):
        await serving.get(TARGET, headers=[("Audit-Id", "abc"), ("Authorization", "Bearer secret")])
    (record,) = [record for record in caplog.records if record.name == "kubediscovery.app"]
    fields = vars(record)
    assert {name: fields[name] for name in ("verb", "path", "code", "user", "audit_id")} == {
        "verb": "get",
        "path": TARGET,
        "code": 200,
        "user": "admin",
        "audit_id": "abc",
    }
    assert "secret" not in str(fields)
