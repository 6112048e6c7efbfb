"""Files of YAML or JSON to JSON documents.

YAML is read from its events rather than into a tree of nodes: that takes a quarter of the time, nothing recurses
however deep a document is nested, and aliases, by which a small file can describe a huge object, are refused. Scalars
are those of JSON (YAML 1.2.2, section 10.3): a timestamp stays the text that it is in Kubernetes.
"""

import re
from collections.abc import Iterator

import msgspec
import yaml

# Objects that kube-apiserver serves nest 20 deep; libyaml's time grows with the square of it.
MAX_DEPTH = 256

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS = {"": None, "~": None, "true": True, "false": False} | dict.fromkeys(("null", "Null", "NULL"))
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"-?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")


def read_documents(data: bytes) -> Iterator[bytes]:
    """The documents in a file, each as JSON; ``ValueError`` of one line for what is neither JSON nor YAML."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if data.lstrip()[:1] not in (b"{", b"["):
        yield from _read_yaml(data)
        return
    try:
        yield bytes(msgspec.json.decode(data, type=msgspec.Raw))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        # JSON with comments or trailing commas is YAML; of what is neither, JSON's own error says more.
        try:
            documents = list(_read_yaml(data))
        except ValueError:
            raise ValueError(f"not JSON: {error}") from None
        yield from documents


def _read_yaml(data: bytes) -> Iterator[bytes]:
    try:
        for value in _values(yaml.parse(data, Loader=_LOADER)):
            if value is not None:
                yield msgspec.json.encode(value)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"not YAML: {error.problem or error.context}{line}") from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise ValueError(f"not YAML: {' '.join(str(error).split())}") from None


class _Mapping:
    """A mapping under construction; entries without a value are left out, which is what null means in Kubernetes."""

    def __init__(self) -> None:
        self.content: dict[str, object] = {}
        self._key: str | None = None

    def add(self, event: yaml.Event, value: object) -> None:
        if self._key is None:
            if not isinstance(event, yaml.ScalarEvent):
                raise _refused("a key must be text", event)
            self._key = event.value
            return
        if value is not None:
            self.content[self._key] = value
        self._key = None


class _Sequence:
    """A sequence under construction."""

    def __init__(self) -> None:
        self.content: list[object] = []

    def add(self, _: yaml.Event, value: object) -> None:
        self.content.append(value)


def _values(events: Iterator[yaml.Event]) -> Iterator[object]:
    """The value of each document."""
    parents: list[_Mapping | _Sequence] = []
    for event in events:
        value: object
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(parents) >= MAX_DEPTH:
                raise _refused("a document must not nest so deep", event)
            parents.append(_Mapping() if isinstance(event, yaml.MappingStartEvent) else _Sequence())
            continue
        elif isinstance(event, yaml.CollectionEndEvent):
            value = parents.pop().content
            if len(parents) == 2:
                # An item of a list: as JSON it takes a tenth of the memory, and lists are long.
                value = msgspec.Raw(msgspec.json.encode(value))
        elif isinstance(event, yaml.AliasEvent):
            raise _refused("aliases are not supported", event)
        else:
            continue
        if parents:
            parents[-1].add(event, value)
        else:
            yield value


def _refused(problem: str, event: yaml.Event) -> ValueError:
    line = f", line {event.start_mark.line + 1}" if event.start_mark else ""
    return ValueError(f"YAML: {problem}{line}")


def _scalar(event: yaml.ScalarEvent) -> object:
    """What a scalar means; one in quotes or with a tag is text."""
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
