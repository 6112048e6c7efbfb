"""JSON documents of kube-apiserver to the classes of :mod:`kubediscovery.schema`."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec

from kubediscovery import schema

# Nothing deeper is needed. kube-apiserver stores 10,000 levels (sigs.k8s.io/json), and msgspec reads 1,000.
DEEPEST = 200
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)

T = TypeVar("T")


def at_any_depth(decode: Callable[[bytes], T], document: bytes) -> T:
    """What ``decode`` makes of a document, without what is nested too deeply for it.

    Anybody who may create a custom resource can nest something in it, and must not take the kind from all others.
    """
    try:
        return decode(document)
    except RecursionError:
        return decode(shallow(document))


def shallow(document: bytes) -> bytes:
    """The document with null for what is nested deeper than :data:`DEEPEST`."""
    parts, kept, depth = list[bytes](), 0, 0
    for token in _BRACKETS.finditer(document):
        match token[0]:
            case b"{" | b"[":
                if depth == DEEPEST:
                    parts.append(document[kept : token.start()] + b"null")
                depth += 1
            case b"}" | b"]":
                depth -= 1
                if depth == DEEPEST:
                    kept = token.end()
    parts.append(document[kept:])
    return b"".join(parts)


class _Head(msgspec.Struct, rename="camel"):
    api_version: str = ""
    kind: str = ""
    metadata: dict[str, object] = {}


class JsonDecoder:
    """Decodes JSON into one class of :mod:`kubediscovery.schema`."""

    def __init__(self, message: type[schema.Message]) -> None:
        self._message = message
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(message, dec_hook=_decode_other)

    def decode(self, document: bytes | msgspec.Raw) -> Any:
        """An instance of the class; raises ``msgspec.ValidationError`` naming the field that does not fit."""
        try:
            return self._decoder.decode(document)
        except msgspec.ValidationError:
            # To Go null is as good as absent. It is rare (the containers of a bookmark): tried where decoding fails.
            present = _without_nulls(msgspec.json.decode(document))
            return msgspec.convert(present, self._message, dec_hook=_decode_other)


def metadata_of(document: bytes | msgspec.Raw) -> Mapping[str, object]:
    """A document without all that is not its metadata."""
    head = msgspec.json.decode(document, type=_Head)
    return {"apiVersion": head.api_version, "kind": head.kind, "metadata": head.metadata}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(held) for key, held in value.items() if held is not None}
    if isinstance(value, list):
        return [_without_nulls(held) for held in value if held is not None]
    return value


def _decode_other(declared: type, value: object) -> schema.Time | schema.Quantity:
    """The types that msgspec does not know."""
    return _quantity(value) if declared is schema.Quantity else _time(value)


def _quantity(value: object) -> schema.Quantity:
    """Whatever is no quantity is an empty one, which says nothing: it takes no pod from the others."""
    known = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    return schema.Quantity(str(value) if known else "")


def _time(value: object) -> schema.Time:
    """Without an offset a text would mean this machine's time zone."""
    try:
        moment = msgspec.convert(value, Annotated[datetime, msgspec.Meta(tz=True)])
    except msgspec.ValidationError as error:
        # To a plain ValueError msgspec adds the field's path.
        raise ValueError(str(error)) from None
    return schema.Time(math.floor(moment.timestamp()))
