"""What the fake kube-apiserver holds: objects by kind, their versions, and the history that watches read."""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from kubediscovery.built_in import KUBERNETES_KINDS, classified
from kubediscovery.errors import BadRequest, Cause, Conflict, Expired, Invalid, NotFound, Subject
from kubediscovery.kinds import Kind

#: An object as JSON has it.
Manifest = dict[str, Any]
Matches = Callable[[Manifest], bool]
_Key = tuple[str, str, str, str]

_FIRST_VERSION = 1_000
_DEFINITION = "CustomResourceDefinition"
ADDED, MODIFIED, DELETED = "ADDED", "MODIFIED", "DELETED"


@dataclass(frozen=True, slots=True)
class Change:
    """What happened at a version; ``before`` and ``after`` are None where there was, or is, no object."""

    version: int
    kind: Kind
    before: Manifest | None
    after: Manifest | None

    def event(self, matches: Matches) -> Manifest | None:
        """The watch event for who sees what ``matches``; None where nothing changes for them.

        What no longer matches is deleted to them (k8s.io/apiserver, pkg/storage/cacher/cache_watcher.go).
        """
        was = self.before is not None and matches(self.before)
        is_now = self.after is not None and matches(self.after)
        if not was and not is_now:
            return None
        found = self.after if is_now else {**(self.before or {})}
        if not is_now and found is not None:
            found["metadata"] = {**found["metadata"], "resourceVersion": str(self.version)}
        return {"type": MODIFIED if was and is_now else ADDED if is_now else DELETED, "object": found}


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of objects at a version; ``token`` continues it and is empty at the end, ``left`` counts what follows."""

    items: list[Manifest]
    version: int
    token: str
    left: int


class Objects:
    """Objects by kind, namespace and name. Nobody acts on what is written: there are no controllers."""

    def __init__(self) -> None:
        self.version = _FIRST_VERSION
        self.kinds: list[Kind] = list(KUBERNETES_KINDS)
        self._held: dict[_Key, Manifest] = {}
        self._history: list[Change] = []
        self._floor = self.version
        self._pages: dict[str, tuple[int, list[Manifest]]] = {}
        self._tokens = itertools.count(1)
        self._queues: set[asyncio.Queue[Change]] = set()

    def kind_of(self, api_version: str, kind: str) -> Kind:
        """The kind that a manifest is of; raises :class:`BadRequest` that says how to make it known."""
        for found in self.kinds:
            if (found.api_version, found.kind) == (api_version, kind):
                return found
        raise BadRequest(
            f'no matches for kind "{kind}" in version "{api_version}": put its CustomResourceDefinition before it'
        )

    def find(self, group: str, version: str, resource: str) -> Kind | None:
        """The kind that is served under this path."""
        wanted = (group, version, resource)
        return next((kind for kind in self.kinds if (kind.group, kind.version, kind.resource) == wanted), None)

    def get(self, kind: Kind, namespace: str, name: str) -> Manifest:
        """A copy of an object; raises :class:`NotFound`."""
        try:
            return copy.deepcopy(self._held[_key(kind, namespace, name)])
        except KeyError:
            raise not_found(kind, name) from None

    def put(self, manifest: Mapping[str, Any], *, keep: bool = True) -> Manifest:
        """Make an object, or replace it, and give it as it is then; with ``keep`` false nothing is changed.

        What kube-apiserver fills in is filled in: namespace, uid, creationTimestamp, generation, resourceVersion.
        Raises :class:`BadRequest` for an unknown kind, :class:`Invalid` without a name and :class:`Conflict` where
        ``metadata.resourceVersion`` is another than the object's.
        """
        kind = self.kind_of(str(manifest.get("apiVersion")), str(manifest.get("kind")))
        made: Manifest = copy.deepcopy(dict(manifest))
        metadata = made.setdefault("metadata", {})
        if not metadata.get("name"):
            cause = Cause("FieldValueRequired", "Required value: name is required", "metadata.name")
            raise Invalid(Subject(kind.group, kind.kind), [cause])
        if kind.namespaced:
            metadata.setdefault("namespace", "default")
        key = _key(kind, metadata.get("namespace", ""), metadata["name"])
        before = self._held.get(key)
        self._fill_in(kind, made, before)
        if keep:
            self._commit(kind, key, before, made)
        return copy.deepcopy(made)

    def delete(self, kind: Kind, namespace: str, name: str, *, keep: bool = True) -> Manifest:
        """Take an object away, and give it as it was last; raises :class:`NotFound`."""
        found = self.get(kind, namespace, name)
        if keep:
            key = _key(kind, namespace, name)
            self._commit(kind, key, self._held[key], None)
        return found

    def list(self, kind: Kind, matches: Matches, *, limit: int = 0, token: str = "") -> Listed:
        """Objects sorted by namespace and name, all of one version; raises :class:`Expired` for an old token."""
        if token:
            if token not in self._pages:
                raise Expired("The provided continue parameter is too old to display a consistent list result.")
            version, items = self._pages.pop(token)
        else:
            version = self.version
            items = [item for key, item in sorted(self._held.items()) if key[:2] == (kind.group, kind.resource)]
            items = [copy.deepcopy(item) for item in items if matches(item)]
        page, rest = (items[:limit], items[limit:]) if limit else (items, [])
        following = f"page-{next(self._tokens)}" if rest else ""
        if rest:
            self._pages[following] = (version, rest)
        return Listed(page, version, following, len(rest))

    @contextmanager
    def following(self, since: int) -> Iterator[asyncio.Queue[Change]]:
        """A queue of all changes after a version; raises :class:`Expired` where that is no longer known."""
        if since < self._floor:
            raise Expired(f"too old resource version: {since} ({self._floor})")
        queue: asyncio.Queue[Change] = asyncio.Queue()
        for change in self._history:
            if change.version > since:
                queue.put_nowait(change)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    def expire(self) -> None:
        """Forget all that was before now: lists that are read in pages, and watches from older versions, get 410."""
        # An expired version must differ from the present one, or a watch from it would still be answered.
        self.version += 1
        self._floor = self.version
        self._history.clear()
        self._pages.clear()

    def _fill_in(self, kind: Kind, made: Manifest, before: Manifest | None) -> None:
        metadata = made["metadata"]
        old: Manifest = before["metadata"] if before else {}
        given = metadata.get("resourceVersion")
        if before is not None and given and given != old["resourceVersion"]:
            words = "the object has been modified; please apply your changes to the latest version and try again"
            raise Conflict(
                f'Operation cannot be fulfilled on {kind.group_resource} "{metadata["name"]}": {words}',
                subject=Subject(kind.group, kind.resource, metadata["name"]),
            )
        path = f"{kind}/{metadata.get('namespace', '')}/{metadata['name']}/{self.version}"
        metadata["uid"] = old.get("uid") or metadata.get("uid") or str(uuid5(NAMESPACE_URL, path))
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        metadata["creationTimestamp"] = old.get("creationTimestamp") or metadata.get("creationTimestamp") or now
        is_new_spec = before is not None and before.get("spec") != made.get("spec")
        metadata["generation"] = int(old.get("generation") or metadata.get("generation") or 1) + is_new_spec
        metadata["resourceVersion"] = str(self.version + 1)

    def _commit(self, kind: Kind, key: _Key, before: Manifest | None, after: Manifest | None) -> None:
        self.version += 1
        if after is None:
            del self._held[key]
        else:
            self._held[key] = after
        for found in (before, after):
            if found is not None and kind.kind == _DEFINITION:
                self._define(found, is_there=after is not None)
        change = Change(self.version, kind, before, after)
        self._history.append(change)
        for queue in self._queues:
            queue.put_nowait(change)

    def _define(self, definition: Manifest, *, is_there: bool) -> None:
        kinds = set(kinds_of(definition))
        self.kinds = [kind for kind in self.kinds if kind not in kinds]
        if is_there:
            self.kinds += kinds_of(definition)


def kinds_of(definition: Mapping[str, Any]) -> list[Kind]:
    """The kinds that a CustomResourceDefinition defines, one for each version that it serves."""
    spec = definition["spec"]
    names, is_namespaced = spec["names"], spec["scope"] == "Namespaced"
    singular = names.get("singular") or names["kind"].lower()
    versions: Iterable[Manifest] = (found for found in spec["versions"] if found.get("served", True))
    return [
        classified(Kind(spec["group"], found["name"], names["plural"], names["kind"], singular, is_namespaced))
        for found in versions
    ]


def not_found(kind: Kind, name: str) -> NotFound:
    """What kube-apiserver says of an object that is not there."""
    return NotFound(f'{kind.group_resource} "{name}" not found', subject=Subject(kind.group, kind.resource, name))


def _key(kind: Kind, namespace: str, name: str) -> _Key:
    return kind.group, kind.resource, namespace if kind.namespaced else "", name
