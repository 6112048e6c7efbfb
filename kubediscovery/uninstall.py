"""The command ``uninstall``: takes away everything that ``install`` made."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from kubediscovery.cluster import KubeApiserver, delete, list_ours, wait_until_gone, words_for
from kubediscovery.errors import StartupError, UpstreamError
from kubediscovery.kinds import Kind
from kubediscovery.manifests import INSTALLED_KINDS
from kubediscovery.preflight import deletion_words
from kubediscovery.serving_certificate import remove_files
from kubediscovery.workload import NAME, Manifest

# Each is gone before the next begins.
_STAGES = (
    # Without the Lease no replica puts the APIService back.
    tuple(kind for kind in INSTALLED_KINDS if kind.kind == "Lease"),
    tuple(kind for kind in INSTALLED_KINDS if kind.kind == "APIService"),
    tuple(kind for kind in reversed(INSTALLED_KINDS) if kind.kind not in ("Lease", "APIService", "Namespace")),
    tuple(kind for kind in INSTALLED_KINDS if kind.kind == "Namespace"),
)


async def uninstall(
    client: KubeApiserver,
    say: Callable[[str], None],
    *,
    cert_dir: Path | None = None,
    wait: float = 180,
    product: str = NAME,
) -> None:
    """Take away everything that carries the product's labels, the APIService before what serves it, and wait for it.

    While an APIService leads nowhere, Kubernetes deletes no namespace, so the rest must not go before it. ``cert_dir``
    loses the certificate's files only where it is given: they may belong to another cluster's installation.
    Raises :class:`StartupError` with what is left after ``wait`` seconds.
    """
    until = asyncio.get_running_loop().time() + wait
    removed = 0
    try:
        for kinds in _STAGES:
            removed += await _remove(client, product, kinds, until, say)
    except UpstreamError as error:
        raise StartupError(f"kube-apiserver: {error}") from error
    for path in remove_files(cert_dir) if cert_dir else ():
        say(f"removed {path}")
    if not removed:
        say(f"{product} is not installed: nothing to remove")


async def _remove(
    client: KubeApiserver, product: str, kinds: tuple[Kind, ...], until: float, say: Callable[[str], None]
) -> int:
    listed = await asyncio.gather(*(list_ours(client, kind, product) for kind in kinds))
    manifests = [manifest for of_kind in listed for manifest in of_kind]
    await asyncio.gather(*(delete(client, manifest) for manifest in manifests))
    for manifest in manifests:
        await _wait_until_gone(client, manifest, until)
        say(f"removed {words_for(manifest)}")
    return len(manifests)


async def _wait_until_gone(client: KubeApiserver, manifest: Manifest, until: float) -> None:
    left = await wait_until_gone(client, manifest, until=until)
    if left:
        why = deletion_words(left) if left["kind"] == "Namespace" else ""
        raise StartupError(f"{words_for(manifest)} is still being deleted{why}; run uninstall again to go on")
