"""Which installation a server is one of, and what follows from that: kubediscovery itself, or an app by itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from kubediscovery.api import GroupVersion
from kubediscovery.config import API_VERSION, ServeOptions
from kubediscovery.registry import Registry
from kubediscovery.selection import Selection
from kubediscovery.wanted_kinds import wanted_kinds
from kubediscovery.workload import NAME, called


@dataclass(frozen=True, slots=True)
class Product:
    """What is installed: ``apis`` are those whose APIServices lead to it, ``selection`` is what it follows."""

    name: str
    namespace: str
    apis: tuple[GroupVersion, ...]
    selection: Selection


def product_of(options: ServeOptions, apps: Sequence[Registry]) -> Product:
    """What a server with these apps belongs to: to kubediscovery without any, and where it is told so."""
    own = GroupVersion(options.api_group, API_VERSION)
    others = tuple(api for api in dict.fromkeys(GroupVersion(app.group, app.version) for app in apps) if api != own)
    name = options.name or (called(others[0].group) if others else NAME)
    namespace = options.namespace or name
    if name == NAME or not others:
        return Product(name, namespace, (own,), Selection())
    wanted = wanted_kinds(apps)
    return Product(name, namespace, others, Selection() if wanted is None else Selection(wanted, exclude=()))
