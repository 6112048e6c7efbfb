"""Documents that may hold Kubernetes objects, or lists of them, to the manifests in them."""

import re
from collections.abc import Iterator

import msgspec

_API_VERSION = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
_KIND = re.compile(r"[A-Za-z0-9]+")
_LIST = "List"


class Head(msgspec.Struct, rename={"api_version": "apiVersion"}):
    """What tells of a document what it is; ``items`` are a list's."""

    api_version: str = ""
    kind: str = ""
    metadata: msgspec.Raw = msgspec.Raw(b"{}")
    items: list[msgspec.Raw] | None = None


_HEADS: msgspec.json.Decoder[Head | list[msgspec.Raw]] = msgspec.json.Decoder(Head | list[msgspec.Raw])
_NOTHING = Head()


def opened(document: bytes | msgspec.Raw, of_list: Head = _NOTHING) -> Iterator[tuple[Head, bytes | msgspec.Raw]]:
    """The manifests in a document; the items of a ``PodList`` need not say themselves what they are."""
    try:
        head = _HEADS.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    if isinstance(head, list):
        for item in head:
            yield from opened(item)
    elif head.items is not None and head.kind.endswith(_LIST):
        of_items = Head(head.api_version, head.kind.removesuffix(_LIST))
        for item in head.items:
            yield from opened(item, of_items)
    else:
        head = head if head.kind else Head(of_list.api_version, of_list.kind, head.metadata)
        if _API_VERSION.fullmatch(head.api_version) and _KIND.fullmatch(head.kind):
            yield head, document
