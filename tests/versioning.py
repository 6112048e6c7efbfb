"""Versions of a made-up Deployment."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from kubediscovery.versions import Origin, Version


def document(image: str, replicas: int | None = None) -> dict[str, Any]:
    """What a version keeps of a Deployment; without ``replicas`` what its revision does."""
    spec: dict[str, Any] = {} if replicas is None else {"replicas": replicas}
    return {"spec": {**spec, "template": {"spec": {"containers": [{"name": "nginx", "image": image}]}}}}


def version_of(content: dict[str, Any], *origins: Origin, **fields: Any) -> Version:
    """A version with this document."""
    digest = hashlib.blake2b(msgspec.json.encode(content, order="deterministic"), digest_size=16).digest()
    return Version(content, digest, frozenset(origins or (Origin.CACHE,)), **fields)


def whole(image: str, generation: int, replicas: int = 1, **fields: Any) -> Version:
    """One that was seen as it was."""
    return version_of(document(image, replicas), generation=generation, **fields)


def partial(image: str, revision: int, **fields: Any) -> Version:
    """One of which a revision alone tells."""
    return version_of(document(image), Origin.REVISION, revision=revision, partial=True, **fields)
