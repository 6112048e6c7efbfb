"""What a pod asks its node for, by the rule of the scheduler.

It is that of k8s.io/component-helpers, resource/helpers.go, PodRequests and AggregateContainerRequests, of the spec
alone: what the status says while a resize is under way is not looked at.
"""

from collections.abc import Iterable, Mapping

from kubediscovery import schema, schema_pods
from kubediscovery.quantities import Amount, add, parse, raise_to

# What spec.resources may say for the whole pod (supportedPodLevelResources, and a prefix).
_OF_PODS = frozenset(("cpu", "memory"))
_HUGE_PAGES = "hugepages-"

Amounts = dict[str, Amount]


def requests_of(spec: schema_pods.PodSpec) -> tuple[tuple[str, str], ...]:
    """Each resource with its quantity, sorted by name; what cannot be read is left out."""
    found = _of_containers(spec)
    whole = _amounts(spec.resources.requests)
    found |= {name: amount for name, amount in whole.items() if name in _OF_PODS or name.startswith(_HUGE_PAGES)}
    add(found, _amounts(spec.overhead))
    return tuple(sorted((name, str(amount)) for name, amount in found.items()))


def _of_containers(spec: schema_pods.PodSpec) -> Amounts:
    """The sum of what runs together, or the most that is asked for while the init containers run one by one."""
    found = _sum(spec.containers)
    sidecars: Amounts = {}
    starting: Amounts = {}
    for container in spec.init_containers:
        asked = _amounts(container.resources.requests)
        if container.restart_policy == "Always":
            add(found, asked)
            add(sidecars, asked)
            asked = sidecars
        else:
            add(asked, sidecars)
        raise_to(starting, asked)
    raise_to(found, starting)
    return found


def _sum(containers: Iterable[schema_pods.Container]) -> Amounts:
    found: Amounts = {}
    for container in containers:
        add(found, _amounts(container.resources.requests))
    return found


def _amounts(quantities: Mapping[str, schema.Quantity]) -> Amounts:
    if not quantities:
        return {}
    return {name: amount for name, quantity in quantities.items() if (amount := parse(quantity.string)) is not None}
