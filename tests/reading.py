"""Objects as the caches hold them, from documents."""

import json
from typing import Any

from kubediscovery.built_in import KUBERNETES_KINDS
from kubediscovery.compact import Compactor
from kubediscovery.decoding import Decoder
from kubediscovery.kinds import CONFIG_MAP, Kind, Kinds
from kubediscovery.objects import Object, Reference

KINDS = Kinds((*KUBERNETES_KINDS, CONFIG_MAP))


def read(kind: Kind | str, document: dict[str, Any], compactor: Compactor | None = None) -> Object:
    """What is kept of a document; a kind may be named as kubectl names it: ``ingresses.networking.k8s.io``."""
    return Decoder(kind_of(kind), compactor or Compactor()).object(json.dumps(document).encode())


def kind_of(kind: Kind | str) -> Kind:
    """The kind of that name."""
    found = KINDS.by_resource(kind) if isinstance(kind, str) else kind
    assert found is not None, kind
    return found


def spelled(references: tuple[Reference, ...]) -> list[str]:
    """``relation Kind.group namespace/name``, as short as it can be."""
    return [
        f"{found.relation} {found.kind}{found.group and '.' + found.group} "
        f"{'' if found.namespace is None else found.namespace + '/'}{found.name}"
        for found in references
    ]
