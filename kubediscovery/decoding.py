"""Bytes of kube-apiserver's lists and watches to values: the one module that knows which encoding it was.

Protobuf is asked for first and JSON is taken where a kind has no protobuf; the answer's Content-Type decides
(k8s.io/apimachinery, pkg/runtime/serializer/protobuf and pkg/util/framer).
"""

import math
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Protocol

import msgspec
from google.protobuf.message import DecodeError, Message

from kubediscovery import schema
from kubediscovery.compact import Compactor, shape_of
from kubediscovery.errors import UpstreamError, UpstreamExpired
from kubediscovery.kinds import Kind
from kubediscovery.objects import Event, EventType, Object, Page
from kubediscovery.protobuf import Messages

PROTOBUF = "application/vnd.kubernetes.protobuf"
JSON = "application/json"
MAGIC = b"k8s\x00"
# An object is at most 3 MiB at kube-apiserver's door; a longer frame is garbage.
FRAME_LIMIT = 16 * 2**20


class _RawExtension(schema.Message, frozen=True):
    raw: Annotated[bytes, 1] = b""


class _WatchEvent(schema.Message, frozen=True):
    type: Annotated[str, 1] = ""
    object: Annotated[_RawExtension, 2] = _RawExtension()


class _Unknown(schema.Message, frozen=True):
    raw: Annotated[bytes, 2] = b""


class _JsonEvent(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _JsonList(msgspec.Struct):
    metadata: schema.ListMeta = schema.ListMeta()
    items: list[msgspec.Raw] | None = None


class EventDecoder(Protocol):
    """Takes the chunks of a watch as they come and gives the events that are complete."""

    def feed(self, chunk: bytes) -> Iterator[Event[Object]]:
        """Events in order; raises :class:`UpstreamExpired` or :class:`UpstreamError` for an ERROR event."""
        ...


class Decoder:
    """Decodes one kind, in whatever encoding kube-apiserver answers."""

    def __init__(self, kind: Kind, compactor: Compactor) -> None:
        self._kind = kind
        self._compactor = compactor
        self._message = shape_of(kind).message
        self._json = JsonDecoder(self._message)
        self._reads_protobuf = True

    @cached_property
    def _protobuf(self) -> "_Protobuf":
        """Derived with the first answer: the server listens before that."""
        return _Protobuf(self._message)

    @property
    def accept(self) -> str:
        """The ``Accept`` header of a list."""
        return f"{PROTOBUF},{JSON}" if self._reads_protobuf else JSON

    @property
    def accept_stream(self) -> str:
        """The ``Accept`` header of a watch."""
        return f"{PROTOBUF};stream=watch,{JSON}" if self._reads_protobuf else JSON

    def refuse_protobuf(self) -> None:
        """Ask for JSON from now on.

        Anybody can store text that is not UTF-8 by writing protobuf, and kube-apiserver hands it on as it is, which one
        object is enough to make a whole list unreadable. In JSON it replaces such bytes (encoding/json, appendString).
        """
        self._reads_protobuf = False

    @property
    def kind(self) -> Kind:
        """What is decoded."""
        return self._kind

    def page(self, body: bytes, content_type: str) -> Page[Object]:
        """One page of a list; raises :class:`UpstreamError` for bytes that are not one."""
        with _Undecodable(self):
            if content_type.startswith(PROTOBUF):
                raw: Any = _parse(self._protobuf.page, self._enveloped(body))
                items: Any = raw.items
            else:
                raw = msgspec.json.decode(body, type=_JsonList)
                items = (self._json.decode(item) for item in raw.items or ())
            compact, kind = self._compactor.compact, self._kind
            return Page(
                items=[compact(kind, item) for item in items],
                resource_version=raw.metadata.resource_version,
                continue_token=raw.metadata.continue_token,
            )

    def stream(self, content_type: str) -> "EventDecoder":
        """A decoder for the chunks of one watch."""
        if content_type.startswith(PROTOBUF):
            return _Stream(_Frames(), self._protobuf_event)
        return _Stream(_Lines(), self._json_event)

    def object(self, document: bytes) -> Object:
        """The object that a single JSON document describes."""
        with _Undecodable(self):
            return self._compactor.compact(self._kind, self._json.decode(document))

    def _enveloped(self, body: bytes) -> bytes:
        if not body.startswith(MAGIC):
            raise UpstreamError(f"kube-apiserver's answer for {self._kind} is not Kubernetes protobuf")
        raw: bytes = _parse(self._protobuf.unknown, body[len(MAGIC) :]).raw
        return raw

    def _protobuf_event(self, frame: bytes) -> Event[Object]:
        with _Undecodable(self):
            event = _parse(self._protobuf.event, frame)
            body = self._enveloped(event.object.raw)
            if event.type == "ERROR":
                raise _upstream_error(_parse(self._protobuf.status, body))
            return self._as_event(event.type, _parse(self._protobuf.item, body))

    def _json_event(self, line: bytes) -> Event[Object]:
        with _Undecodable(self):
            event = msgspec.json.decode(line, type=_JsonEvent)
            if event.type == "ERROR":
                raise _upstream_error(msgspec.json.decode(event.object, type=schema.Status))
            return self._as_event(event.type, self._json.decode(event.object))

    def _as_event(self, type_: str, raw: Any) -> Event[Object]:
        if type_ == EventType.BOOKMARK:
            return Event(EventType.BOOKMARK, None, raw.metadata.resource_version)
        return Event(EventType(type_), self._compactor.compact(self._kind, raw), raw.metadata.resource_version)


class _Protobuf:
    """The messages that a kind arrives in."""

    def __init__(self, message: type[schema.Message]) -> None:
        page = type(f"{message.__name__}Page", (), {"__annotations__": _page_annotations(message)})
        messages = Messages(page, schema.Status, _WatchEvent, _Unknown)
        self.page = messages.message_class(page)
        self.item = messages.message_class(message)
        self.status = messages.message_class(schema.Status)
        self.event = messages.message_class(_WatchEvent)
        self.unknown = messages.message_class(_Unknown)


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


class _Undecodable:
    """Turns the decoders' errors into one UpstreamError that names the kind."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, (DecodeError, ValueError, RecursionError)):
            if isinstance(error, DecodeError):
                self._decoder.refuse_protobuf()
            raise UpstreamError(f"an answer for {self._decoder.kind} cannot be decoded: {error}") from error


class _Stream:
    """An :class:`EventDecoder` out of a splitter and a decoder of what it splits."""

    def __init__(self, splitter: "_Frames | _Lines", decode: Callable[[bytes], Event[Object]]) -> None:
        self._splitter = splitter
        self._decode = decode

    def feed(self, chunk: bytes) -> Iterator[Event[Object]]:
        return map(self._decode, self._splitter.feed(chunk))


class _Frames:
    """Splits at four bytes of big-endian length (k8s.io/apimachinery, pkg/util/framer/framer.go)."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        buffer = self._buffer
        buffer += chunk
        while len(buffer) >= 4:
            length = int.from_bytes(buffer[:4], "big")
            if length > FRAME_LIMIT:
                raise UpstreamError(f"a watch sent a frame of {length} bytes")
            if len(buffer) < 4 + length:
                return
            frame = bytes(buffer[4 : 4 + length])
            del buffer[: 4 + length]
            yield frame


class _Lines:
    """Splits at line ends."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        self._buffer += chunk
        *lines, rest = bytes(self._buffer).split(b"\n")
        if len(rest) > FRAME_LIMIT:
            raise UpstreamError(f"a watch sent a line of over {FRAME_LIMIT} bytes")
        self._buffer = bytearray(rest)
        yield from filter(None, lines)


def _parse(message: type[Message], body: bytes) -> Any:
    return message.FromString(body)


def _page_annotations(message: type) -> dict[str, Any]:
    return {"metadata": Annotated[schema.ListMeta, 1], "items": Annotated[list[message], 2]}  # type: ignore[valid-type]


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


def _upstream_error(status: schema.Status) -> UpstreamError:
    error = UpstreamExpired if status.code == 410 or status.reason in ("Expired", "Gone") else UpstreamError
    message = status.message or status.reason or "a watch ended with an error"
    return error(message, code=status.code, retry_after=status.details.retry_after_seconds or None)
