"""What the author of a CustomResourceDefinition wrote about its kind, as annotations that the first kubediscovery read.

It is read with this server's right to list, and told to who may get it: the definition, and the ConfigMap that has it.
"""

from typing import Any, NamedTuple, Protocol

import msgspec
from msgspec import Struct

from kubediscovery.authz import Attributes, ResourceAttributes
from kubediscovery.errors import UpstreamError
from kubediscovery.explanation import Usage, usage_of
from kubediscovery.kinds import Kind

_EXTENSIONS, _DEFINITIONS = "apiextensions.k8s.io", "customresourcedefinitions"
_USAGE, _COMPOSITION = "resource/usage", "resource/composition"
_TIMEOUT = 10.0
#: Characters of what an author wrote: as much as a ConfigMap can hold is no page that anybody reads.
LONGEST_NOTE = 64 * 1024


class Requests(Protocol):
    """Who asks kube-apiserver once."""

    async def request(self, method: str, path: str, *, query: dict[str, str] = ..., timeout: float = ...) -> Any:
        """The answer's JSON, decoded. Raises :class:`UpstreamError`."""


class Asks(Protocol):
    """Who tells what the caller may."""

    async def __call__(self, attributes: Attributes) -> bool:
        """Whether it is allowed; raises where that cannot be found out."""
        ...


class Notes(NamedTuple):
    """How to use a kind and what it is composed of, as far as that is written, and why something of it is missing."""

    usage: str | None = None
    composition: str | None = None
    missing: tuple[str, ...] = ()


class _Metadata(Struct):
    annotations: dict[str, str] = {}


class _Item(Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    data: dict[str, str] = {}


class _List(Struct):
    items: list[_Item] = []


async def notes_of(client: Requests, may: Asks, kind: Kind) -> Notes:
    """What is written about a custom kind; of a kind without a definition nothing is."""
    if not await may(_getting(_EXTENSIONS, _DEFINITIONS, kind.group_resource)):
        return Notes(missing=(f"usage: you may not get {_DEFINITIONS}.{_EXTENSIONS}",))
    try:
        found = await _named(client, f"/apis/{_EXTENSIONS}/v1/{_DEFINITIONS}", kind.group_resource)
    except UpstreamError:
        return Notes(missing=(f"usage: {_DEFINITIONS}.{_EXTENSIONS} cannot be read at the moment",))
    annotations = found.metadata.annotations if found is not None else {}
    composition = annotations.get(_COMPOSITION, "")[:LONGEST_NOTE] or None
    if _USAGE not in annotations:
        return Notes(composition=composition)
    usage = usage_of(annotations[_USAGE])
    if usage is None:
        return Notes(None, composition, (f"usage: the annotation {_USAGE} must be namespace.configmap.key",))
    try:
        text = await _read(client, may, usage)
    except LookupError as error:
        return Notes(None, composition, (f"usage: {error.args[0]}",))
    return Notes(text[:LONGEST_NOTE], composition)


async def _read(client: Requests, may: Asks, usage: Usage) -> str:
    """The text; raises :class:`LookupError` that says why there is none."""
    if not await may(_getting("", "configmaps", usage.name, usage.namespace)):
        raise LookupError(f"you may not get the ConfigMap {usage.namespace}/{usage.name} that has it")
    try:
        found = await _named(client, f"/api/v1/namespaces/{usage.namespace}/configmaps", usage.name)
    except UpstreamError:
        raise LookupError("the ConfigMap that has it cannot be read at the moment") from None
    if found is None or usage.key not in found.data:
        raise LookupError(f"there is no key {usage.key} in a ConfigMap {usage.namespace}/{usage.name}")
    return found.data[usage.key]


async def _named(client: Requests, path: str, name: str) -> _Item | None:
    """One object, found by a list: more than to list is not needed of the server's rights."""
    query = {"fieldSelector": f"metadata.name={name}"}
    answer = await client.request("GET", path, query=query, timeout=_TIMEOUT)
    try:
        return next(iter(msgspec.convert(answer, _List).items), None)
    except msgspec.ValidationError as error:
        raise UpstreamError(f"GET {path}: the answer cannot be understood") from error


def _getting(group: str, resource: str, name: str, namespace: str = "") -> ResourceAttributes:
    return ResourceAttributes("get", group, "v1", resource, namespace=namespace, name=name)
