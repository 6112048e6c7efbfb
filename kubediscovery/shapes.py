"""What is read of each kind: a row of a table, or what all kinds without a row have."""

from collections.abc import Mapping

from kubediscovery import custom_states, pod_states, references, schema, status_states, workload_states
from kubediscovery.kinds import Kind
from kubediscovery.objects import ConfigMapState, MetadataState
from kubediscovery.readings import Shape, row


def _config_map(raw: schema.ConfigMap) -> ConfigMapState:
    return ConfigMapState(data=tuple(sorted(raw.data.items())))


METADATA = row(schema.PartialObjectMetadata, lambda _: MetadataState())._replace(metadata_only=True)
SECRET = row(schema.PartialObjectMetadata, lambda _: MetadataState(), references.of_secret)._replace(metadata_only=True)
# Of the one ConfigMap that says whom to believe; tracked ConfigMaps are metadata.
CONFIG_MAP_DATA = row(schema.ConfigMap, _config_map)

_SHAPES: Mapping[tuple[str, str], Shape] = {
    ("", "Pod"): pod_states.POD,
    ("", "Secret"): SECRET,
    **workload_states.SHAPES,
    **status_states.SHAPES,
    **custom_states.SHAPES,
}
# Of these nothing but the metadata is ever asked for, whoever wants more.
SECRET_KINDS = frozenset((("", "Secret"),))


def shape_of(kind: Kind) -> Shape:
    """The kind's row; else a custom kind has a status by convention, and any other its metadata alone."""
    return _SHAPES.get((kind.group, kind.kind)) or (custom_states.CUSTOM if kind.custom else METADATA)
