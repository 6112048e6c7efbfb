"""What is read of custom kinds, by convention: whatever does not fit is left out, and nothing is an error."""

from collections.abc import Iterator

from kubediscovery import schema_custom as schema
from kubediscovery.objects import Condition, Reference, StatusState
from kubediscovery.readings import MESSAGE_LIMIT, Shape, flags, row

GATEWAY_GROUP = "gateway.networking.k8s.io"
_ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
_NUMBERS = range(2**63)

Custom = schema.CustomObject | schema.GatewayObject


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _said(value: object) -> str:
    """What is shown, of which nobody bounds the length."""
    return _text(value)[:MESSAGE_LIMIT]


def _number(value: object) -> int:
    """A count, -1 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value in _NUMBERS else -1


def _items(value: object) -> Iterator[dict[str, object]]:
    """The objects of a list."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _held(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _state(raw: Custom) -> StatusState:
    status = raw.status if isinstance(raw.status, schema.CustomStatus) else schema.CustomStatus()
    spec = raw.spec if isinstance(raw.spec, schema.CustomSpec) else schema.CustomSpec()
    return StatusState(
        observed_generation=_number(status.observed_generation),
        conditions=tuple(_conditions(status.conditions)),
        phase=_said(status.phase),
        desired=_number(spec.replicas),
        ready=_number(status.ready_replicas),
        flags=flags(
            {
                "address": next(filter(None, (_said(item.get("value")) for item in _items(status.addresses))), ""),
                "suspended": "true" if spec.suspend is True or spec.paused is True else "",
            }
        ),
    )


def _conditions(value: object) -> Iterator[Condition]:
    for item in _items(value):
        words = (_said(item.get(field)) for field in ("type", "status", "reason", "message"))
        condition = Condition(*words)
        if condition.type:
            yield condition


def _route_state(raw: schema.GatewayObject) -> StatusState:
    parents = raw.status.parents if isinstance(raw.status, schema.CustomStatus) else None
    return StatusState(
        conditions=tuple(found for parent in _items(parents) for found in _conditions(parent.get("conditions")))
    )


def _of_gateway(raw: schema.GatewayObject) -> Iterator[Reference]:
    """The class, and the Secrets of the listeners' certificates."""
    if isinstance(raw.spec, schema.GatewaySpec):
        yield Reference("gatewayClass", GATEWAY_GROUP, "GatewayClass", _text(raw.spec.gateway_class_name))
        for listener in _items(raw.spec.listeners):
            for certificate in _items(_held(listener.get("tls"), "certificateRefs")):
                yield _reference("tls", certificate, "", "Secret")


def _of_route(raw: schema.GatewayObject) -> Iterator[Reference]:
    """The Gateways above and the Services below."""
    if isinstance(raw.spec, schema.GatewaySpec):
        for parent in _items(raw.spec.parent_refs):
            yield _reference("route", parent, GATEWAY_GROUP, "Gateway")
        for rule in _items(raw.spec.rules):
            for backend in _items(rule.get("backendRefs")):
                yield _reference("route", backend, "", "Service")


def _reference(relation: str, item: dict[str, object], group: str, kind: str) -> Reference:
    """A reference with the group and the kind that it has where it gives none; an empty group is the core group."""
    named = item.get("group")
    return Reference(
        relation,
        named if isinstance(named, str) else group,
        _text(item.get("kind")) or kind,
        _text(item.get("name")),
        _text(item.get("namespace")) or None,
    )


CUSTOM = row(schema.CustomObject, _state, custom=True)
SHAPES: dict[tuple[str, str], Shape] = {
    (GATEWAY_GROUP, "Gateway"): row(schema.GatewayObject, _state, _of_gateway, custom=True),
    **{(GATEWAY_GROUP, kind): row(schema.GatewayObject, _route_state, _of_route, custom=True) for kind in _ROUTES},
}
