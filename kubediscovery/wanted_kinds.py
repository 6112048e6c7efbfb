"""Which kinds an app wants to be followed, as its registries say: no others are read, nor are rights to them needed."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from kubediscovery.built_in import KUBERNETES_KINDS
from kubediscovery.drawing import KindFilter
from kubediscovery.errors import ConfigurationError, RegistrationError
from kubediscovery.kinds import Kind
from kubediscovery.selection import KindPattern

if TYPE_CHECKING:
    from kubediscovery.registry import Registry

_ANY = "*"
# What Kubernetes itself makes of its own kinds: trees and rollouts are drawn of these.
_MADE_OF: Mapping[str, tuple[str, ...]] = {
    "cronjobs.batch": ("jobs.batch",),
    "daemonsets.apps": ("controllerrevisions.apps", "pods."),
    "deployments.apps": ("replicasets.apps",),
    "jobs.batch": ("pods.",),
    "replicasets.apps": ("pods.",),
    "replicationcontrollers.": ("pods.",),
    "services.": ("endpointslices.discovery.k8s.io",),
    "statefulsets.apps": ("controllerrevisions.apps", "pods."),
}


def parse_follows(text: str | None, place: str) -> tuple[KindPattern, ...] | None:
    """``services., *.example.org``; None stays None. Raises :class:`RegistrationError` that names the place."""
    if text is None:
        return None
    try:
        return tuple(KindPattern.parse(word) for word in map(str.strip, text.split(",")) if word)
    except ConfigurationError as error:
        raise RegistrationError(f"{place}: follows: {error}") from None


def wanted_kinds(registries: Iterable["Registry"]) -> tuple[KindPattern, ...] | None:
    """What is followed for these registries: None for all, where there are none or one of them does not say it.

    It is what they name, the kinds that their subresources are of, and what Kubernetes makes of all these.
    """
    given = tuple(registries)
    if not given or any(registry.follows is None for registry in given):
        return None
    found = dict.fromkeys(pattern for registry in given for pattern in registry.follows or ())
    for registry in given:
        for registration in registry:
            if registration.on is not None:
                found |= dict.fromkeys(_parents(registration.on))
    waiting = [_name(kind) for kind in KUBERNETES_KINDS if any(pattern.matches(kind) for pattern in found)]
    while waiting:
        made = _MADE_OF.get(waiting.pop(), ())
        waiting += [name for name in made if KindPattern(name) not in found]
        found |= dict.fromkeys(map(KindPattern, made))
    return tuple(found)


def _parents(on: KindFilter) -> Iterator[KindPattern]:
    """The kinds that a subresource is of; none where it is of any."""
    if not on.accepted or _ANY in on.accepted:
        return
    for word in on.accepted:
        own = KindFilter((word,))
        named = [KindPattern(_name(kind)) for kind in KUBERNETES_KINDS if own.passes(kind) and on.passes(kind)]
        yield from named or [KindPattern(word)]


def _name(kind: Kind) -> str:
    return f"{kind.resource}.{kind.group}"
