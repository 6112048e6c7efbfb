"""The protobuf messages that a kind arrives in (k8s.io/apimachinery, pkg/runtime and pkg/apis/meta/v1)."""

from functools import cache
from typing import Annotated

from kubediscovery import schema
from kubediscovery.protobuf import Messages


class _RawExtension(schema.Message, frozen=True):
    raw: Annotated[bytes, 1] = b""


class _WatchEvent(schema.Message, frozen=True):
    type: Annotated[str, 1] = ""
    object: Annotated[_RawExtension, 2] = _RawExtension()


class _Unknown(schema.Message, frozen=True):
    raw: Annotated[bytes, 2] = b""


class Envelopes:
    """The message of a kind's objects, and those of what they come in."""

    def __init__(self, message: type[schema.Message]) -> None:
        messages = _messages()
        messages.add(message)
        self.item = messages.message_class(message)
        self.list_metadata = messages.message_class(schema.ListMeta)
        self.status = messages.message_class(schema.Status)
        self.event = messages.message_class(_WatchEvent)
        self.unknown = messages.message_class(_Unknown)


@cache
def envelopes_of(message: type[schema.Message]) -> Envelopes:
    """One for all kinds that are read alike."""
    return Envelopes(message)


@cache
def _messages() -> Messages:
    """What all kinds have in common is derived once: some 30 KB each, and the time."""
    return Messages(schema.ListMeta, schema.Status, _WatchEvent, _Unknown)
