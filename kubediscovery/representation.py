"""Answers in the form that was negotiated: what is put into it, and the bytes that this becomes.

Lists, single objects and the events of watches are written with the same functions; nothing here waits.
"""

import re
from collections.abc import Iterator
from datetime import datetime

import msgspec
import yaml

from kubediscovery.composition import Composition, CompositionList
from kubediscovery.errors import NotAcceptable
from kubediscovery.meta import ListMeta, ObjectMeta, PartialObjectMetadata, PartialObjectMetadataList
from kubediscovery.negotiation import JSON, PARTIAL_OBJECT, PARTIAL_OBJECT_LIST, TABLE, YAML, Representation
from kubediscovery.table import table_of, table_of_bookmark

_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
# What every version of YAML reads as text; all else goes into quotes, "1e3" and "no" too.
_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_WORDS = frozenset(("y", "n", "yes", "no", "true", "false", "on", "off", "null"))
# No line is folded.
_WIDTH = 1 << 30


def transform(
    answer: Composition | CompositionList, representation: Representation, now: datetime, *, columns: bool = True
) -> object:
    """What is encoded: the answer itself, its Table, or its metadata alone.

    ``columns`` is false for the second and later Tables of a watch. Raises :class:`NotAcceptable` for one object asked
    for as a list, and the other way round (k8s.io/apiserver, ``pkg/endpoints/handlers/response.go``).
    """
    kind, version = representation.media_type.as_kind, representation.media_type.version
    is_list = isinstance(answer, CompositionList)
    if not kind:
        return answer
    if kind == TABLE:
        return table_of(
            answer.items if isinstance(answer, CompositionList) else [answer],
            answer.metadata if isinstance(answer, CompositionList) else _list_metadata(answer.metadata),
            version=version,
            include_object=representation.include_object,
            now=now,
            columns=columns,
        )
    if is_list != (kind == PARTIAL_OBJECT_LIST):
        is_what = "a list" if is_list else "not a list"
        raise NotAcceptable(f"you requested {kind}, but the requested object is {is_what} ({answer.kind})")
    if isinstance(answer, Composition):
        return _partial(answer.metadata, version)
    return PartialObjectMetadataList(
        api_version=f"meta.k8s.io/{version}",
        metadata=answer.metadata,
        items=[_partial(item.metadata, version) for item in answer.items],
    )


def bookmark(metadata: ObjectMeta, api_version: str, representation: Representation, *, columns: bool = True) -> object:
    """The object of a watch's bookmark, which has metadata only; ``api_version`` is that of compositions."""
    kind, version = representation.media_type.as_kind, representation.media_type.version
    if kind == TABLE:
        return table_of_bookmark(metadata, version=version, columns=columns)
    if kind == PARTIAL_OBJECT:
        return _partial(metadata, version)
    return {"kind": "Composition", "apiVersion": api_version, "metadata": metadata}


def encode(content: object, representation: Representation) -> bytes:
    """The bytes of some content."""
    return written(msgspec.json.encode(content), representation)


def written(body: bytes, representation: Representation) -> bytes:
    """JSON in the encoding that the representation has: as it is, indented, or as YAML; what is no JSON stays so."""
    if representation.media_type.encoding == YAML:
        return _yaml(msgspec.json.decode(body))
    if representation.pretty and representation.media_type.encoding == JSON:
        return msgspec.json.format(body, indent=2) + b"\n"
    return body


def _partial(metadata: ObjectMeta, version: str) -> PartialObjectMetadata:
    return PartialObjectMetadata(metadata=metadata, api_version=f"meta.k8s.io/{version}")


def _list_metadata(metadata: ObjectMeta) -> ListMeta:
    return ListMeta(resource_version=metadata.resource_version)


def _yaml(content: object) -> bytes:
    """YAML from its events rather than from a tree of nodes: that takes a third of the time and little memory."""
    text: str = yaml.emit(_document(content), Dumper=_DUMPER, allow_unicode=True, width=_WIDTH)
    return text.encode()


def _document(content: object) -> Iterator[yaml.Event]:
    yield yaml.StreamStartEvent()
    yield yaml.DocumentStartEvent(explicit=False)
    yield from _events(content, {})
    yield yaml.DocumentEndEvent(explicit=False)
    yield yaml.StreamEndEvent()


def _events(value: object, keys: dict[str, yaml.Event]) -> Iterator[yaml.Event]:
    """The events of a JSON value; ``keys`` are those of the names that have come up, as they come up often."""
    if isinstance(value, dict):
        yield yaml.MappingStartEvent(None, None, implicit=True, flow_style=not value)
        for name, inner in value.items():
            if name not in keys:
                keys[name] = _scalar(name)
            yield keys[name]
            yield from _events(inner, keys)
        yield yaml.MappingEndEvent()
    elif isinstance(value, list):
        yield yaml.SequenceStartEvent(None, None, implicit=True, flow_style=not value)
        for inner in value:
            yield from _events(inner, keys)
        yield yaml.SequenceEndEvent()
    else:
        yield _scalar(value)


def _scalar(value: object) -> yaml.Event:
    """Text so that no reader of YAML, of whichever version, takes it for anything else; and what is no text."""
    if isinstance(value, str):
        plain = _TEXT.fullmatch(value) and value.lower() not in _WORDS
        return yaml.ScalarEvent(None, None, (True, True), value, style=None if plain else '"')
    text = msgspec.json.encode(value).decode()
    if isinstance(value, float):
        # YAML 1.1 knows no exponent without a point before it and a sign behind it.
        text = repr(value) if "." in repr(value) else repr(value).replace("e", ".0e")
    return yaml.ScalarEvent(None, None, (True, True), text)
