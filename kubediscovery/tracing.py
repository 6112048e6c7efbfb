"""Traces by OpenTelemetry, for whoever sets its environment variables; without them nothing of it is even imported.

``OTEL_EXPORTER_OTLP_ENDPOINT`` (or ``…_TRACES_ENDPOINT``) or ``OTEL_TRACES_EXPORTER=otlp`` turns them on, and all other
variables of the SDK and of its OTLP exporter over HTTP count. Spans are named as ``k8s.io/apiserver,
pkg/endpoints/filters/traces.go`` names them: by a path's form, never by what a caller wrote into it.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kubediscovery import __version__
from kubediscovery.authz import ResourceAttributes
from kubediscovery.errors import ConfigurationError, UpstreamError
from kubediscovery.exchange import Exchange
from kubediscovery.reviews import Reviewer

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

SERVICE = "kubediscovery"
_EXPORTER, _DISABLED = "OTEL_TRACES_EXPORTER", "OTEL_SDK_DISABLED"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_HTTP = "http/protobuf"
_TRACE_HEADERS = (b"traceparent", b"tracestate")


def tracing_from(environment: Mapping[str, str]) -> "Tracing | None":
    """Tracing as the environment asks for it, ``None`` where it does not.

    Raises :class:`ConfigurationError` for what is not supported, and where the packages are not installed.
    """
    because = _asked_by(environment)
    if because is None:
        return None
    protocol = next((environment[name] for name in _PROTOCOLS if environment.get(name)), _HTTP)
    if protocol != _HTTP:
        raise ConfigurationError(f'{_PROTOCOLS[1]}: only {_HTTP} is supported, not "{protocol}"')
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ConfigurationError(
            f'{because} is set, but tracing is not installed: pip install "kubediscovery[tracing]" ({error})'
        ) from error
    try:
        # The resource's own variables, OTEL_SERVICE_NAME among them, go before what is said here.
        named = {SERVICE_NAME: environment.get("OTEL_SERVICE_NAME") or SERVICE, SERVICE_VERSION: __version__}
        provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    except (ValueError, OSError) as error:
        raise ConfigurationError(f"{because} is set, but tracing cannot start: {error}") from error
    return Tracing(provider)


def _asked_by(environment: Mapping[str, str]) -> str | None:
    """The variable that asks for traces."""
    exporter = environment.get(_EXPORTER, "")
    if environment.get(_DISABLED, "").lower() == "true" or exporter == "none":
        return None
    if exporter not in ("", "otlp"):
        raise ConfigurationError(f'{_EXPORTER}: accepted are otlp and none, not "{exporter}"')
    return _EXPORTER if exporter else next((name for name in _ENDPOINTS if environment.get(name)), None)


class Tracing:
    """Makes spans of requests and of reviews; spans wait in memory, and are lost rather than holding anything up."""

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer(SERVICE, __version__)
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, exchange: Exchange) -> Iterator[None]:
        """A span for the request, which is the parent of all others meanwhile."""
        from opentelemetry.trace import SpanKind, use_span

        span = self._tracer.start_span(
            exchange.http["method"],
            context=self._parent(exchange),
            kind=SpanKind.SERVER,
            start_time=int(exchange.received * 1e9),
        )
        with use_span(span, end_on_exit=True, record_exception=False):
            try:
                yield
            finally:
                if span.is_recording():
                    _describe(span, exchange)

    def traced(self, reviewer: Reviewer) -> Reviewer:
        """The reviewer, with a span for each of its requests."""
        return _TracedReviewer(reviewer, self)

    @contextmanager
    def upstream(self, name: str) -> Iterator["Span"]:
        """A span for a request to kube-apiserver."""
        from opentelemetry.trace import SpanKind

        with self._tracer.start_as_current_span(name, kind=SpanKind.CLIENT, record_exception=False) as span:
            yield span

    def close(self, seconds: float) -> None:
        """Send what waits, for at most so many seconds."""
        # The SDK's own bound is half a minute for a collector that does not answer.
        closing = threading.Thread(target=self._provider.shutdown, name="tracing-shutdown", daemon=True)
        closing.start()
        closing.join(seconds)

    def _parent(self, exchange: Exchange) -> "Context | None":
        # Whoever may say what is traced can make it cost: only who shows a certificate of the cluster, as the
        # aggregator does (k8s.io/apiserver asks for system:masters).
        if exchange.http.get("state", {}).get("peer_certificate") is None:
            return None
        lines = {
            name.decode(): value.decode("latin-1") for name, value in exchange.http["headers"] if name in _TRACE_HEADERS
        }
        return self._propagator.extract(lines) if lines else None


class _TracedReviewer:
    """Reviews as spans, named by what is reviewed."""

    def __init__(self, reviewer: Reviewer, tracing: Tracing) -> None:
        self._reviewer = reviewer
        self._tracing = tracing

    async def create(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        """POST the body; raises :class:`UpstreamError`."""
        with self._tracing.upstream(f"create {body.get('kind', '')}") as span:
            span.set_attribute("http.request.method", "POST")
            span.set_attribute("http.route", path)
            try:
                return await self._reviewer.create(path, body)
            except UpstreamError as error:
                span.set_attribute("http.response.status_code", error.code)
                raise


def route_of(exchange: Exchange) -> str:
    """The form of the request's path, such as ``/apis/g/v1/namespaces/{namespace}/deployments/{name}/compositions``."""
    labels, asked = exchange.labels(), exchange.attributes
    if not labels.resource or not isinstance(asked, ResourceAttributes):
        return labels.subresource
    parts = ["/apis", labels.group, labels.version]
    parts += ["namespaces", "{namespace}"] if asked.namespace else []
    parts += [labels.resource, *(["{name}"] if asked.name else []), *filter(None, [labels.subresource])]
    return "/".join(parts)


def _describe(span: "Span", exchange: Exchange) -> None:
    from opentelemetry.trace import StatusCode

    labels, route, method = exchange.labels(), route_of(exchange), exchange.http["method"]
    span.update_name(f"{method} {route}".strip())
    span.set_attributes(
        {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": exchange.code,
            "k8s.verb": labels.verb,
            "k8s.resource": labels.resource,
            "audit-id": exchange.audit_id,
        }
    )
    if exchange.code >= 500:
        span.set_status(StatusCode.ERROR)
