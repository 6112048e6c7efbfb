"""The demo's scene in a store."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from kubediscovery.composition import Composition
from kubediscovery.compositions import Compositions, Target
from kubediscovery.demo import demo_api
from kubediscovery.drawing import Drawing
from kubediscovery.local import all_compositions
from kubediscovery.options import Options
from kubediscovery.scene import scene
from kubediscovery.scenery import Manifest
from kubediscovery.sight import Sight
from kubediscovery.snapshot import Manifests, fill
from kubediscovery.store import Store

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
API = demo_api()


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


def related(step: int) -> list[Composition]:
    """The compositions at a step with all relations."""
    store = filled(scene(step, NOW))
    options = Options(drawing=Drawing(relations=store.links.relations.names))
    sight = Sight(None, frozenset(API.kinds), all=True)
    return Compositions(API, store).many(Target(None, None), options, sight).items


def composed(store: Store) -> list[Composition]:
    return all_compositions(API, store)


def played(step: int) -> list[Composition]:
    """The compositions at a step of a demo that began at :data:`NOW`."""
    return composed(filled(scene(step, NOW)))
