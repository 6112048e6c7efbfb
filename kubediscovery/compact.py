"""From what was decoded, in either encoding, to the values that the caches hold.

``raw`` is an instance of a class of :mod:`kubediscovery.schema` or the protobuf message of the same shape.
"""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from kubediscovery import schema
from kubediscovery.kinds import Kind
from kubediscovery.objects import Judgement, Labels, Object, Owner, Reference, version_number
from kubediscovery.readings import Shape, seconds
from kubediscovery.selectors import Selector
from kubediscovery.shapes import shape_of
from kubediscovery.sharing import Sharing

# Longer tuples (the endpoints of a Service) are hardly ever those of another object.
_SHARED_REFERENCES = 16
# helm.sh/helm, pkg/action/validate.go; and pkg/storage/driver: the labels of what Helm keeps of a release.
_RELEASE_NAME, _RELEASE_NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"
_RECORDS = frozenset((("", "Secret"), ("", "ConfigMap")))


class Compactor:
    """Makes :class:`Object` values that share what they have in common: the labels, owners and states of siblings."""

    def __init__(self) -> None:
        self.sharing = Sharing()

    def compact(
        self,
        kind: Kind,
        raw: Any,
        shape: Shape | None = None,
        *,
        judgement: Judgement | None = None,
        declared: Iterable[Reference] = (),
        selector: Selector | None = None,
    ) -> Object:
        """The object that ``raw`` describes; the kind's shape, or another, says what is read from it.

        ``judgement``, ``declared`` references and ``selector`` are from rules; a selector of the kind's own goes first.
        """
        metadata: schema.ObjectMeta = raw.metadata
        share, intern = self.sharing.share, sys.intern
        reading = (shape or shape_of(kind)).read(raw, self.sharing)
        references = tuple(dict.fromkeys((*reading.references, *declared))) if declared else reading.references
        selector = selector if reading.selector is None else reading.selector
        owners = metadata.owner_references
        labels = self._labels(metadata.labels, owns_pods=selector is not None and bool(owners))
        # What others name is interned. By position, which takes half of the time.
        return Object(
            kind,
            intern(metadata.namespace),
            intern(metadata.name),
            intern(metadata.uid),
            version_number(metadata.resource_version),
            metadata.generation,
            share(seconds(metadata.creation_timestamp)),
            seconds(metadata.deletion_timestamp) != 0,
            labels,
            share(tuple(map(owner_of, owners))) if owners else (),
            share(reading.state),
            share(references) if len(references) <= _SHARED_REFERENCES else references,
            None if selector is None else self._selector(selector, labels),
            intern(release_of(metadata.annotations) or _recorded_release(kind, metadata)),
            None if judgement is None else share(judgement),
            intern(reading.node),
        )

    def _labels(self, labels: Mapping[str, str], *, owns_pods: bool) -> Labels:
        """Sorted; of a ReplicaSet and its like they are remembered for longer, as its pods will have them too."""
        share, intern = self.sharing.share, sys.intern
        found = tuple(sorted([share((intern(key), intern(value))) for key, value in labels.items()]))
        return self.sharing.keep(found) if owns_pods else share(found)

    def _selector(self, selector: Selector, labels: Labels) -> Selector:
        """One that is made of what is here already: mostly of the object's own labels, or of some of them."""
        share = self.sharing.share
        terms = labels if selector.terms == labels else share(tuple(share(term) for term in selector.terms))
        return share(Selector(terms))


def owner_of(raw: schema.OwnerReference) -> Owner:
    """One entry of ``metadata.ownerReferences``; its texts are those of the owner itself, which is here too."""
    intern = sys.intern
    return Owner(intern(raw.api_version), intern(raw.kind), intern(raw.name), intern(raw.uid), raw.controller)


def release_of(annotations: Mapping[str, str]) -> str:
    """The Helm release that made an object, by its annotations; empty for none."""
    if _RELEASE_NAME not in annotations:
        return ""
    name, namespace = annotations[_RELEASE_NAME], annotations.get(_RELEASE_NAMESPACE, "")
    return f"{namespace}/{name}" if name and namespace else ""


def _recorded_release(kind: Kind, metadata: schema.ObjectMeta) -> str:
    """By the labels of what Helm keeps of a release."""
    if (kind.group, kind.kind) in _RECORDS and metadata.labels.get("owner") == "helm" and metadata.labels.get("name"):
        return f"{metadata.namespace}/{metadata.labels.get('name')}"
    return ""
