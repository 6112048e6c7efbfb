"""Objects in the cluster: where they are, and reading, applying and deleting them."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

from kubediscovery.errors import UpstreamNotFound
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.manifests import INSTALLED_KINDS
from kubediscovery.workload import NAME, Manifest, marks_of

_KINDS = Kinds(INSTALLED_KINDS)
POLL_SECONDS = 0.5


class KubeApiserver(Protocol):
    """What installing needs of the client."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float = 30,
    ) -> Any:
        """Ask once; the answer's JSON, decoded. Raises UpstreamError or the subclass of its status."""


def kind_of(manifest: Manifest) -> Kind:
    """The row of INSTALLED_KINDS that an object is of."""
    kind = _KINDS.by_api_version(manifest["apiVersion"], manifest["kind"])
    if kind is None:
        raise LookupError(f"{manifest['apiVersion']} {manifest['kind']} is not a kind that is installed")
    return kind


def path_of(manifest: Manifest) -> str:
    """Where kube-apiserver has the object."""
    kind, metadata = kind_of(manifest), manifest["metadata"]
    if not kind.namespaced:
        return f"{kind.list_path}/{metadata['name']}"
    prefix = kind.list_path.removesuffix(kind.resource)
    return f"{prefix}namespaces/{metadata['namespace']}/{kind.resource}/{metadata['name']}"


def words_for(manifest: Manifest) -> str:
    """The object as a user calls it: ``deployment.apps/kubediscovery in namespace kubediscovery``."""
    kind, metadata = kind_of(manifest), manifest["metadata"]
    name = f"{kind.singular}{'.' if kind.group else ''}{kind.group}/{metadata['name']}"
    return f"{name} in namespace {metadata['namespace']}" if kind.namespaced else name


def is_ours(manifest: Mapping[str, Any], product: str = NAME) -> bool:
    """Whether an installation of the product made the object, by its labels."""
    return marks_of(product).items() <= (manifest["metadata"].get("labels") or {}).items()


async def read(client: KubeApiserver, path: str) -> Manifest | None:
    """The object at a path; None where there is none."""
    try:
        found: Manifest = await client.request("GET", path)
    except UpstreamNotFound:
        return None
    return found


async def apply(client: KubeApiserver, manifest: Manifest) -> None:
    """Make the object, or change it to what the manifest says (server-side apply)."""
    await client.request(
        "PATCH",
        path_of(manifest),
        query={"fieldManager": NAME, "force": "true"},
        body=manifest,
        content_type="application/apply-patch+yaml",
    )


async def list_ours(client: KubeApiserver, kind: Kind, product: str = NAME) -> list[Manifest]:
    """All objects of a kind that an installation of the product made, in whatever namespace."""
    selector = ",".join(f"{key}={value}" for key, value in marks_of(product).items())
    listed = await client.request("GET", kind.list_path, query={"labelSelector": selector})
    # The items of a list come without their type.
    return [{"apiVersion": kind.api_version, "kind": kind.kind, **item} for item in listed["items"]]


async def delete(client: KubeApiserver, manifest: Manifest) -> None:
    """Begin to delete the object, after all that it owns; no object is no error."""
    with suppress(UpstreamNotFound):
        await client.request("DELETE", path_of(manifest), query={"propagationPolicy": "Foreground"})


async def wait_until_gone(client: KubeApiserver, manifest: Manifest, *, until: float) -> Manifest | None:
    """Wait for the end of a deletion; what is still there when the event loop's clock says ``until``, or None."""
    while (found := await read(client, path_of(manifest))) and _same(found, manifest):
        if asyncio.get_running_loop().time() >= until:
            return found
        await asyncio.sleep(POLL_SECONDS)
    return None


def _same(found: Manifest, manifest: Manifest) -> bool:
    return bool(found["metadata"].get("uid") == manifest["metadata"].get("uid"))
