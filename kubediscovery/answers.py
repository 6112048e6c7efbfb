"""What a client reads of compositions: leniently, since the server may be older or newer than this code."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from kubediscovery.errors import UpstreamError
from kubediscovery.objects import version_number

Document = Mapping[str, object]


class Info(msgspec.Struct, frozen=True):
    """The facts about an object that a check looks at."""

    images: tuple[str, ...] = ()
    image_ids: tuple[str, ...] = msgspec.field(default=(), name="imageIDs")
    restarts: int = 0


class Node(msgspec.Struct, frozen=True, rename="camel"):
    """One object in a tree; ``health`` is a word that may be newer than this code."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    ready: str = ""
    health: str = "Unknown"
    reason: str = ""
    message: str = ""
    info: Info = Info()
    children: tuple["Node", ...] = ()
    related: tuple["Node", ...] = ()

    def walk(self) -> Iterator["Node"]:
        """This node and all below it, each object once, parents first."""
        seen: set[str] = set()
        waiting = [self]
        while waiting:
            node = waiting.pop()
            key = node.uid or f"{node.api_version} {node.kind} {node.namespace}/{node.name}"
            if key not in seen:
                seen.add(key)
                yield node
                waiting.extend((*node.related[::-1], *node.children[::-1]))


class Culprit(msgspec.Struct, frozen=True, rename="camel"):
    """The object, and where it is one the container, that stands in the way of a rollout."""

    kind: str
    name: str
    namespace: str = ""
    container: str = ""
    reason: str = ""
    message: str = ""
    exit_code: int | None = None


class Rollout(msgspec.Struct, frozen=True):
    """The verdict on a rollout: ``state`` is Complete, Progressing, Paused or Failed."""

    state: str
    reason: str = ""
    message: str = ""
    culprit: Culprit | None = None


class _Pods(msgspec.Struct, frozen=True):
    total: int = 0
    ready: int = 0


class _Status(msgspec.Struct, frozen=True):
    health: str = "Unknown"
    rollout: Rollout | None = None
    pods: _Pods | None = None


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    namespace: str = ""


class _Composition(msgspec.Struct, frozen=True):
    metadata: _Metadata
    root: Node
    status: _Status


@dataclass(frozen=True, slots=True)
class Answer:
    """One composition: what a check looks at itself, and for expressions the ``document`` that it is.

    ``knows_pods`` says whether its pods could be looked at, by whoever asked and by the server.
    """

    name: str
    namespace: str
    root: Node
    health: str
    rollout: Rollout | None
    knows_pods: bool
    document: Document

    @property
    def title(self) -> str:
        """``shop/deployments.apps.web``."""
        return title_of(self.namespace, self.name)

    @property
    def version(self) -> int:
        """The resource version of the root object itself, 0 for none."""
        return version_number(self.root.resource_version)


def title_of(namespace: str, name: str) -> str:
    """How a composition is called: by its namespace, where it has one, and its name."""
    return f"{namespace}/{name}" if namespace else name


def read_answer(document: object) -> Answer:
    """The composition that decoded JSON is; raises :class:`UpstreamError` for what is none."""
    try:
        found = msgspec.convert(_without_nulls(document), _Composition)
    except (msgspec.ValidationError, RecursionError) as error:
        raise UpstreamError(f"the answer is no composition: {error}") from error
    assert isinstance(document, dict)  # noqa: S101 - nothing else converts
    return Answer(
        found.metadata.name,
        found.metadata.namespace,
        found.root,
        found.status.health,
        found.status.rollout,
        found.status.pods is not None,
        document,
    )


def read_answers(document: object) -> tuple[list[Answer], str]:
    """The compositions of a list, and its resource version; raises :class:`UpstreamError` for what is none."""
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(items, list):
        raise UpstreamError("the answer is no list of compositions")
    metadata = document.get("metadata")
    version = metadata.get("resourceVersion", "") if isinstance(metadata, dict) else ""
    return [read_answer(item) for item in items], str(version)


class Problem(msgspec.Struct, frozen=True):
    """A finding of lint; of those with the severity Error something is deleted or refused."""

    metadata: _Metadata
    severity: str
    rule: str
    message: str
    action: str = ""

    @property
    def title(self) -> str:
        """``shop/pods.web-0.orphan``."""
        return title_of(self.metadata.namespace, self.metadata.name)


class _Report(msgspec.Struct, frozen=True):
    items: tuple[Problem, ...] = ()


def read_problems(document: object) -> tuple[Problem, ...]:
    """The findings of a report of lint; raises :class:`UpstreamError` for what is none."""
    try:
        return msgspec.convert(_without_nulls(document), _Report).items
    except (msgspec.ValidationError, RecursionError) as error:
        raise UpstreamError(f"the answer is no report of lint: {error}") from error


def _without_nulls(document: object) -> object:
    """In JSON a null means what is left out."""
    if isinstance(document, dict):
        return {key: _without_nulls(value) for key, value in document.items() if value is not None}
    return [_without_nulls(item) for item in document] if isinstance(document, list) else document
