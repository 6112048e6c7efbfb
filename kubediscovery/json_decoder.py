"""JSON documents of kube-apiserver to the classes of :mod:`kubediscovery.schema`."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec

from kubediscovery import schema


class _Head(msgspec.Struct, rename="camel"):
    api_version: str = ""
    kind: str = ""
    metadata: dict[str, object] = {}


class JsonDecoder:
    """Decodes JSON into one class of :mod:`kubediscovery.schema`."""

    def __init__(self, message: type[schema.Message]) -> None:
        self._message = message
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(message, dec_hook=_decode_time)

    def decode(self, document: bytes | msgspec.Raw) -> Any:
        """An instance of the class; raises ``msgspec.ValidationError`` naming the field that does not fit."""
        try:
            return self._decoder.decode(document)
        except msgspec.ValidationError:
            # To Go null is as good as absent. It is rare (the containers of a bookmark): tried where decoding fails.
            present = _without_nulls(msgspec.json.decode(document))
            return msgspec.convert(present, self._message, dec_hook=_decode_time)


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


def _decode_time(_: type, value: object) -> schema.Time:
    """The one type that msgspec does not know; without an offset a text would mean this machine's time zone."""
    try:
        moment = msgspec.convert(value, Annotated[datetime, msgspec.Meta(tz=True)])
    except msgspec.ValidationError as error:
        # To a plain ValueError msgspec adds the field's path.
        raise ValueError(str(error)) from None
    return schema.Time(math.floor(moment.timestamp()))
