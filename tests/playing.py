"""The demo's scene in a store."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from kubediscovery.api import ApiGroup
from kubediscovery.compositions import Composition
from kubediscovery.kinds import Kinds
from kubediscovery.local import all_compositions
from kubediscovery.scene import scene
from kubediscovery.scenery import Manifest
from kubediscovery.snapshot import Manifests, fill
from kubediscovery.store import Store

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
API = ApiGroup("kubediscovery.cloudark.io", "v1", Kinds())


def filled(manifests: Iterable[Manifest]) -> Store:
    """A store of these, and of nothing else."""
    store, decoder = Store(API.kinds), Manifests(API.kinds)
    objects = []
    for manifest in manifests:
        kind = API.kinds.by_api_version(manifest["apiVersion"], manifest["kind"])
        assert kind is not None
        objects.append(decoder.decode(kind, msgspec.json.encode(manifest)))
    assert fill(store, objects) == len(objects)
    return store


def composed(store: Store) -> list[Composition]:
    return all_compositions(API, store)


def played(step: int) -> list[Composition]:
    """The compositions at a step of a demo that began at :data:`NOW`."""
    return composed(filled(scene(step, NOW)))
