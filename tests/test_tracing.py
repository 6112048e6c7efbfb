"""Traces, as a collector gets them: real SDK, real exporter, a receiver in this process."""

import asyncio
import contextlib
import dataclasses
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from kubediscovery.app import create_app
from kubediscovery.authn import Authenticator
from kubediscovery.authz import Authorizer, NonResourceAttributes, ResourceAttributes
from kubediscovery.errors import ConfigurationError
from kubediscovery.tracing import Tracing, route_of, tracing_from
from tests.exchanges import WATCHED, WEB, exchange_of
from tests.serving import GROUP, PREFIX, Serving, config_map

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = ("traceparent", f"00-{TRACE}-{PARENT}-01")
TARGET = f"{PREFIX}/namespaces/shop/deployments/web/compositions"
ROUTE = f"/apis/{GROUP}/v1/namespaces/{{namespace}}/deployments.apps/{{name}}/compositions"


@dataclass
class Collector:
    """What was received, and where."""

    url: str = ""
    paths: list[str] = field(default_factory=list)
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)

    @property
    def spans(self) -> list[Span]:
        return [
            span for found in self.requests for r in found.resource_spans for s in r.scope_spans for span in s.spans
        ]

    def named(self, name: str) -> Span:
        (span,) = [span for span in self.spans if span.name == name]
        return span

    @property
    def resource(self) -> dict[str, str]:
        found = self.requests[0].resource_spans[0].resource
        return {each.key: each.value.string_value for each in found.attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.paths.append(self.path)
            found.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        found.url = f"http://127.0.0.1:{server.server_port}"
        yield found
        server.shutdown()


@contextlib.contextmanager
def tracing_to(collector: Collector, monkeypatch: pytest.MonkeyPatch, **more: str) -> Iterator[Tracing]:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **more}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    tracing = tracing_from(environment)
    assert tracing is not None
    yield tracing
    tracing.close(10)


def traced(tracing: Tracing) -> Serving:
    serving = Serving()
    reviewer = tracing.traced(serving.reviewer)
    authenticator = Authenticator(reviewer)
    authenticator.configure(config_map())
    serving.services = dataclasses.replace(
        serving.services, tracing=tracing, authenticator=authenticator, authorizer=Authorizer(reviewer)
    )
    serving.app = create_app(serving.services)
    return serving


def attributes(span: Span) -> dict[str, str | int]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


async def test_a_request_and_its_reviews_are_one_trace(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    with tracing_to(collector, monkeypatch) as tracing:
        answer = await traced(tracing).get(TARGET, headers=[TRACEPARENT, ("Audit-Id", "abc")])
        assert answer.status_code == 200
        await asyncio.sleep(0)
    assert set(collector.paths) == {"/v1/traces"}
    assert collector.resource["service.name"] == "kubediscovery"
    request = collector.named(f"GET {ROUTE}")
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, PARENT)
    assert request.kind == Span.SPAN_KIND_SERVER
    assert attributes(request) == {
        "http.request.method": "GET",
        "http.route": ROUTE,
        "http.response.status_code": 200,
        "k8s.verb": "GET",
        "k8s.resource": "deployments.apps",
        "audit-id": "abc",
    }
    reviews = [span for span in collector.spans if span.name == "create SubjectAccessReview"]
    assert reviews
    assert {span.trace_id.hex() for span in reviews} == {TRACE}
    assert {span.parent_span_id for span in reviews} == {request.span_id}
    assert {span.kind for span in reviews} == {Span.SPAN_KIND_CLIENT}


async def test_nothing_that_a_caller_wrote_names_a_span(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    with tracing_to(collector, monkeypatch) as tracing:
        serving = traced(tracing)
        for path in ("/injected", f"{PREFIX}/injected", f"{PREFIX}/namespaces/injected/compositions", "/a//injected"):
            await serving.get(path)
    assert "injected" not in str(
        [
            (span.name, attributes(span)["http.route"])
            for span in collector.spans[::1]
            if span.kind == Span.SPAN_KIND_SERVER
        ]
    )
    names = sorted(span.name for span in collector.spans if span.kind == Span.SPAN_KIND_SERVER)
    assert names == ["GET", "GET", "GET", f"GET /apis/{GROUP}/v1/namespaces/{{namespace}}/compositions"]


async def test_who_shows_no_certificate_does_not_decide_what_is_traced(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tracing_to(collector, monkeypatch, OTEL_TRACES_SAMPLER="parentbased_always_off") as tracing:
        serving = traced(tracing)
        await serving.send("/livez", headers=[TRACEPARENT])
        await serving.get("/version", headers=[TRACEPARENT])
    assert [span.name for span in collector.spans if span.kind == Span.SPAN_KIND_SERVER] == ["GET /version"]


async def test_an_error_of_this_side_is_one(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    with tracing_to(collector, monkeypatch) as tracing:
        serving = traced(tracing)
        serving.rights.failure = KeyError("x")
        await serving.get("/version")
        serving.rights.failure = None
        await serving.get("/apis", user="nobody")
    codes = {
        attributes(span)["http.response.status_code"]: span.status.code
        for span in collector.spans
        if span.kind == Span.SPAN_KIND_SERVER
    }
    assert codes == {500: 2, 403: 0}


async def test_a_collector_that_is_away_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nobody = Collector("http://127.0.0.1:9")
    with tracing_to(nobody, monkeypatch, OTEL_EXPORTER_OTLP_TIMEOUT="1") as tracing:
        assert (await traced(tracing).get(TARGET)).status_code == 200


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_SERVICE_NAME": "x"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "True"},
    ],
)
def test_without_its_variables_there_is_none(environment: Mapping[str, str]) -> None:
    assert tracing_from(environment) is None


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"OTEL_TRACES_EXPORTER": "jaeger"}, ["OTEL_TRACES_EXPORTER", "otlp and none", '"jaeger"']),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            ["OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", '"grpc"'],
        ),
    ],
)
def test_what_is_not_supported_is_named(environment: Mapping[str, str], words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        tracing_from(environment)
    assert [word for word in words if word not in str(caught.value)] == []


def test_missing_packages_are_named_with_the_way_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigurationError) as caught:
        tracing_from({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"})
    assert str(caught.value).startswith("OTEL_EXPORTER_OTLP_ENDPOINT is set, but tracing is not installed: pip install")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "route"),
    [
        (WEB, ROUTE),
        (WATCHED, f"/apis/{GROUP}/v1/namespaces/{{namespace}}/compositions"),
        (ResourceAttributes("list", GROUP, "v1", "compositions"), f"/apis/{GROUP}/v1/compositions"),
    ],
)
def test_routes(asked: ResourceAttributes, route: str) -> None:
    named = ("deployments.apps", "compositions") if asked is WEB else ("compositions", "")
    assert route_of(exchange_of(asked, resource=named[0], subresource=named[1])) == route


def test_a_path_has_its_beginning_as_its_route() -> None:
    assert route_of(exchange_of(NonResourceAttributes("/readyz/x", "get"))) == "/readyz"
    assert route_of(exchange_of(NonResourceAttributes("/x/y", "get"))) == ""
