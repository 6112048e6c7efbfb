"""The kinds that a cluster serves, as its aggregated discovery names them (k8s.io/api, apidiscovery/v2)."""

from collections.abc import Iterator

import msgspec

from kubediscovery.addresses import Named
from kubediscovery.kinds import Kind

# Kubernetes 1.30 and newer, and 1.26 to 1.29 (kubernetes.io, "The Kubernetes API", aggregated discovery).
DISCOVERY = ",".join(
    f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in ("v2", "v2beta1")
)


class _Name(msgspec.Struct, frozen=True):
    name: str = ""


class _Answered(msgspec.Struct, frozen=True):
    group: str = ""
    version: str = ""
    kind: str = ""


class _Resource(msgspec.Struct, frozen=True, rename="camel"):
    """An entry of aggregated discovery (k8s.io/api, apidiscovery/v2, APIResourceDiscovery)."""

    resource: str
    scope: str = ""
    singular_resource: str = ""
    short_names: tuple[str, ...] | None = None
    response_kind: _Answered = _Answered()


class _Version(msgspec.Struct, frozen=True):
    version: str
    resources: tuple[_Resource, ...] | None = None


class _Group(msgspec.Struct, frozen=True):
    metadata: _Name = _Name()
    versions: tuple[_Version, ...] | None = None


class _Groups(msgspec.Struct, frozen=True):
    items: tuple[_Group, ...] | None = None


def discovered(document: object, own_group: str) -> Iterator[Named]:
    """The kinds of a discovery document, in its order, which is kubectl's; none of one in the older form.

    ``own_group`` is left out: its kinds only carry the subresources of the others.
    """
    try:
        groups = msgspec.convert(document, _Groups)
    except msgspec.ValidationError:
        return
    for group in groups.items or ():
        if group.metadata.name == own_group:
            continue
        seen: set[str] = set()
        for version in group.versions or ():
            for found in version.resources or ():
                if found.resource not in seen:
                    seen.add(found.resource)
                    yield _named(group.metadata.name, version.version, found)


def _named(group: str, version: str, found: _Resource) -> Named:
    kind = Kind(
        group,
        version,
        found.resource,
        found.response_kind.kind,
        found.singular_resource,
        namespaced=found.scope != "Cluster",
    )
    return Named(kind, found.short_names or ())
