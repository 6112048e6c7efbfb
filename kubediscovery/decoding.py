"""Bytes of kube-apiserver's lists and watches to values: the one module that knows which encoding it was.

Protobuf is asked for first and JSON is taken where a kind has no protobuf; the answer's Content-Type decides
(k8s.io/apimachinery, pkg/runtime/serializer/protobuf and pkg/util/framer).
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Protocol

import msgspec
from google.protobuf.message import DecodeError, Message

from kubediscovery import schema
from kubediscovery.compact import Compactor
from kubediscovery.declared import Document, Reader
from kubediscovery.envelopes import Envelopes, envelopes_of
from kubediscovery.errors import UpstreamError, UpstreamExpired
from kubediscovery.framing import MAGIC, Frames, Items, Lines
from kubediscovery.json_decoder import JsonDecoder, at_any_depth, metadata_of
from kubediscovery.kinds import Kind
from kubediscovery.objects import Event, EventType, Judgement, Object, Page
from kubediscovery.pod_states import POD
from kubediscovery.quick_pods import QuickPods
from kubediscovery.readings import Shape
from kubediscovery.shapes import SECRET, SECRET_KINDS, shape_of

PROTOBUF = "application/vnd.kubernetes.protobuf"
JSON = "application/json"
# What makes kube-apiserver leave out everything but the metadata (k8s.io/client-go, metadata/metadata.go).
_PARTIAL_LIST = "as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_PARTIAL = "as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


Judge = Callable[[Document], Judgement | None]


class _JsonEvent(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _JsonPage(msgspec.Struct):
    metadata: schema.ListMeta = schema.ListMeta()
    items: list[msgspec.Raw] | None = None


class EventDecoder(Protocol):
    """Takes the chunks of a watch as they come and gives the events that are complete."""

    def feed(self, chunk: bytes) -> Iterator[Event[Object]]:
        """Events in order; raises :class:`UpstreamExpired` or :class:`UpstreamError` for an ERROR event."""
        ...


class Decoder:
    """Decodes one kind, in whatever encoding kube-apiserver answers.

    With ``judge``, or a ``reader`` that needs more than labels and annotations, the kind is read whole, as JSON, and
    each document is handed to them: the verdict, the references and the selector that they find are the object's. They
    raise nothing. Of a Secret they are handed the metadata alone, as nothing else of one is ever asked for. ``shape``
    is for who needs more, or less, than is kept of a tracked kind.
    """

    def __init__(
        self,
        kind: Kind,
        compactor: Compactor,
        *,
        shape: Shape | None = None,
        judge: Judge | None = None,
        reader: Reader | None = None,
    ) -> None:
        is_secret = (kind.group, kind.kind) in SECRET_KINDS
        self._kind = kind
        self._compactor = compactor
        self._shape = SECRET if is_secret else shape or shape_of(kind)
        self._judge, self._reader = judge, reader
        self._is_whole = judge is not None or (reader is not None and not reader.metadata_only)
        self._is_partial = is_secret or (self._shape.metadata_only and not self._is_whole)
        self._has_other_form = not is_secret
        self._reads_protobuf = not self._shape.custom and not self._is_whole

    @cached_property
    def _protobuf(self) -> Envelopes:
        """Derived with the first answer: the server listens before that."""
        return envelopes_of(self._shape.message)

    @cached_property
    def _json(self) -> "JsonDecoder":
        return JsonDecoder(self._shape.message)

    @cached_property
    def _from_protobuf(self) -> Callable[[bytes], Object]:
        """What reads an object of its message."""
        if self._shape is POD and self._judge is None and self._reader is None:
            return QuickPods(self._kind, self._compactor.sharing).read
        parse = self._protobuf.item.FromString
        return lambda message: self._compacted(parse(message))

    @property
    def reads_protobuf(self) -> bool:
        """Whether protobuf is asked for, of which a list can be read while it comes."""
        return self._reads_protobuf

    @property
    def accept(self) -> str:
        """The ``Accept`` header of a list."""
        return self._accept("", _PARTIAL_LIST)

    @property
    def accept_stream(self) -> str:
        """The ``Accept`` header of a watch."""
        return self._accept(";stream=watch", _PARTIAL)

    def _accept(self, stream: str, partial: str) -> str:
        encodings = [f"{PROTOBUF}{stream}"] * self._reads_protobuf + [JSON]
        if not self._is_partial:
            return ",".join(encodings)
        # An aggregated server may not know how to leave out the rest; of a Secret the rest must not come.
        rest = [JSON] * self._has_other_form
        return ",".join([*(f"{encoding};{partial}" for encoding in encodings), *rest])

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
        listing = self.listing(content_type)
        return listing.end(listing.feed(body))

    def listing(self, content_type: str) -> "ListDecoder":
        """A decoder for the chunks of one page of a list."""
        return ListDecoder(self, Items() if content_type.startswith(PROTOBUF) else None)

    def items(self, messages: list[bytes]) -> list[Object]:
        """The objects that protobuf messages describe."""
        return [*map(self._from_protobuf, messages)]

    def list_metadata(self, message: bytes) -> schema.ListMeta:
        """What a protobuf message says of a list."""
        metadata: schema.ListMeta = _parse(self._protobuf.list_metadata, message)
        return metadata

    def json_page(self, body: bytes) -> Page[Object]:
        """A page in JSON."""
        raw = msgspec.json.decode(body, type=_JsonPage)
        return _page(raw.metadata, [self._from_json(item) for item in raw.items or ()])

    def stream(self, content_type: str) -> "EventDecoder":
        """A decoder for the chunks of one watch."""
        if content_type.startswith(PROTOBUF):
            return _Stream(Frames(), self._protobuf_event)
        return _Stream(Lines(), self._json_event)

    def object(self, document: bytes) -> Object:
        """The object that a single JSON document describes."""
        with _Undecodable(self):
            return at_any_depth(self._from_json, document)

    def _from_json(self, document: bytes | msgspec.Raw) -> Object:
        return self._compacted(self._json.decode(document), document)

    def _compacted(self, raw: Any, document: bytes | msgspec.Raw = b"") -> Object:
        judge, reader = self._judge, self._reader
        if judge is None and reader is None:
            return self._compactor.compact(self._kind, raw, self._shape)
        content = self._content(raw, document)
        return self._compactor.compact(
            self._kind,
            raw,
            self._shape,
            judgement=judge(content) if judge is not None else None,
            declared=reader.references_of(content) if reader is not None else (),
            selector=reader.selector_of(content) if reader is not None else None,
        )

    def _content(self, raw: Any, document: bytes | msgspec.Raw) -> Document:
        """What rules are handed of an object, the document of which is empty where protobuf came."""
        if not self._is_whole or not document:
            metadata: schema.ObjectMeta = raw.metadata
            return {"metadata": {"labels": dict(metadata.labels), "annotations": dict(metadata.annotations)}}
        # What a Secret in a file holds is as private as one in a cluster.
        if self._is_partial:
            return metadata_of(document)
        content: Document = msgspec.json.decode(document)
        return content

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
            if event.type != EventType.BOOKMARK:
                return _event(event.type, self._from_protobuf(body))
            return Event(EventType.BOOKMARK, None, _parse(self._protobuf.item, body).metadata.resource_version)

    def _json_event(self, line: bytes) -> Event[Object]:
        with _Undecodable(self):
            return at_any_depth(self._json_event_of, line)

    def _json_event_of(self, line: bytes) -> Event[Object]:
        event = msgspec.json.decode(line, type=_JsonEvent)
        if event.type == "ERROR":
            raise _upstream_error(msgspec.json.decode(event.object, type=schema.Status))
        raw = self._json.decode(event.object)
        if event.type != EventType.BOOKMARK:
            return _event(event.type, self._compacted(raw, event.object))
        return Event(EventType.BOOKMARK, None, raw.metadata.resource_version)


def _event(type_: str, item: Object) -> Event[Object]:
    return Event(EventType(type_), item, str(item.resource_version or ""))


def _page(metadata: schema.ListMeta, items: list[Object]) -> Page[Object]:
    return Page(items, resource_version=metadata.resource_version, continue_token=metadata.continue_token)


class ListDecoder:
    """Takes the chunks of a page of a list as they come; raises :class:`UpstreamError` for bytes that are none.

    Protobuf is read while it comes. JSON is read at the end: nothing finds its items quickly before it is whole.
    """

    def __init__(self, decoder: Decoder, parts: Items | None) -> None:
        self._decoder = decoder
        self._parts = parts
        self._body = bytearray()

    def feed(self, chunk: bytes) -> list[Object]:
        """The items that are complete, in order."""
        if self._parts is None:
            self._body += chunk
            return []
        with _Undecodable(self._decoder):
            return self._decoder.items(self._parts.feed(chunk))

    def end(self, items: list[Object]) -> Page[Object]:
        """The page of these items and of those that only its end makes complete."""
        with _Undecodable(self._decoder):
            if self._parts is None:
                return at_any_depth(self._decoder.json_page, bytes(self._body))
            self._parts.end()
            return _page(self._decoder.list_metadata(self._parts.metadata), items)


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

    def __init__(self, splitter: "Frames | Lines", decode: Callable[[bytes], Event[Object]]) -> None:
        self._splitter = splitter
        self._decode = decode

    def feed(self, chunk: bytes) -> Iterator[Event[Object]]:
        return map(self._decode, self._splitter.feed(chunk))


def _parse(message: type[Message], body: bytes) -> Any:
    return message.FromString(body)


def _upstream_error(status: schema.Status) -> UpstreamError:
    error = UpstreamExpired if status.code == 410 or status.reason in ("Expired", "Gone") else UpstreamError
    message = status.message or status.reason or "a watch ended with an error"
    return error(message, code=status.code, retry_after=status.details.retry_after_seconds or None)
