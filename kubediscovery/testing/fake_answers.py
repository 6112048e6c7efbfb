"""How the fake kube-apiserver answers: paths to objects, discovery, reviews and watches, all in JSON."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from kubediscovery.authz import ResourceAttributes, refusal
from kubediscovery.errors import BadRequest, Conflict, Expired, MethodNotAllowed, NotFound, StatusError
from kubediscovery.identity import User
from kubediscovery.kinds import Kind
from kubediscovery.meta import status_of
from kubediscovery.patches import merged
from kubediscovery.selectors import parse_field_selector, parse_label_selector
from kubediscovery.testing.fake_documents import bookmark, discovery, partial, whole
from kubediscovery.testing.fake_objects import Change, Manifest, Matches, Objects
from kubediscovery.testing.fake_rights import Rights

_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_PARTIAL = "as=PartialObjectMetadata"
_SUBRESOURCES = ("", "status")
_DRY_RUN = "All"


@dataclass(slots=True)
class Conditions:
    """What a test makes of the server: all of it may be changed at any time.

    ``forbidden`` has resources that the client itself may do nothing with, ``documents`` other paths with what GET
    answers. Bookmarks go out every ``bookmark_seconds`` (kube-apiserver: 60). Pages hold at most
    ``longest_page`` objects, whatever is asked for.
    """

    is_away: bool = False
    forbidden: set[str] = field(default_factory=set)
    documents: dict[str, object] = field(default_factory=dict)
    bookmark_seconds: float = 60.0
    longest_page: int = 500


@dataclass(frozen=True, slots=True)
class Target:
    """What a path is about: a kind, and the namespace, name and subresource where it says these."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""


class Answers:
    """Answers requests out of objects and rights."""

    def __init__(self, objects: Objects, rights: Rights, conditions: Conditions) -> None:
        self._objects = objects
        self._rights = rights
        self._conditions = conditions
        self._reviews: Mapping[str, Callable[[Mapping[str, Any]], Manifest]] = {
            "/apis/authentication.k8s.io/v1/tokenreviews": rights.review_token,
            "/apis/authorization.k8s.io/v1/subjectaccessreviews": rights.review_access,
        }
        self._methods = {
            "POST": self._create,
            "PUT": self._replace,
            "PATCH": self._patch,
            "DELETE": self._delete,
        }

    async def answer(self, request: Request) -> Response:
        """The answer to a request; errors are Status documents."""
        try:
            return await self._answer(request)
        except StatusError as error:
            return JSONResponse(msgspec.to_builtins(status_of(error)), error.code)

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        if request.method == "POST" and path in self._reviews:
            body = await request.json()
            return JSONResponse({**body, "status": self._reviews[path](body["spec"])}, 201)
        if request.method == "GET" and path in self._conditions.documents:
            return JSONResponse(self._conditions.documents[path])
        if path in ("/healthz", "/livez", "/readyz"):
            return Response("ok")
        if path in ("/api", "/apis"):
            return Response(msgspec.json.encode(discovery(self._objects.kinds, path)), media_type=_DISCOVERY)
        target = self._target(path)
        if target.subresource not in _SUBRESOURCES:
            raise NotFound(f"the fake serves no {target.kind.resource}/{target.subresource}")
        if target.kind.group_resource in self._conditions.forbidden:
            raise refusal(User("fake-client"), _attributes(target, request.method))
        if request.method == "GET":
            return self._read(request, target)
        if request.method not in self._methods:
            raise MethodNotAllowed(f"{request.method} is not supported on {path}")
        return await self._methods[request.method](request, target)

    def _target(self, path: str) -> Target:
        """Raises :class:`NotFound` for what is not served."""
        parts = path.strip("/").split("/")
        group, rest = ("", parts[1:]) if parts[0] == "api" else (parts[1] if len(parts) > 1 else "", parts[2:])
        version, rest = (rest[0], rest[1:]) if rest else ("", [])
        namespace = ""
        if len(rest) > 2 and rest[0] == "namespaces" and self._objects.find(group, version, rest[2]):
            namespace, rest = rest[1], rest[2:]
        kind = self._objects.find(group, version, rest[0]) if rest else None
        if kind is None or parts[0] not in ("api", "apis") or len(rest) > 3:
            raise NotFound("the server could not find the requested resource")
        name, subresource = (*rest[1:], "", "")[:2]
        return Target(kind, namespace, name, subresource)

    def _read(self, request: Request, target: Target) -> Response:
        query, is_partial = request.query_params, _PARTIAL in request.headers.get("accept", "")
        shown = partial if is_partial else whole
        if target.name:
            return JSONResponse(shown(self._objects.get(target.kind, target.namespace, target.name)))
        matches = _matcher(target, query.get("labelSelector", ""), query.get("fieldSelector", ""))
        if query.get("watch", "") in ("1", "true"):
            return self._watch(target.kind, matches, shown, query)
        limit = min(int(query.get("limit") or self._conditions.longest_page), self._conditions.longest_page)
        page = self._objects.list(target.kind, matches, limit=limit, token=query.get("continue", ""))
        left = {"continue": page.token, "remainingItemCount": page.left} if page.token else {}
        return JSONResponse(
            {
                "apiVersion": target.kind.api_version,
                "kind": f"{target.kind.kind}List",
                "metadata": {"resourceVersion": str(page.version), **left},
                "items": [shown(item) for item in page.items],
            }
        )

    def _watch(
        self, kind: Kind, matches: Matches, shown: Callable[[Manifest], Manifest], query: Mapping[str, str]
    ) -> Response:
        since = int(query.get("resourceVersion") or self._objects.version)
        stack = ExitStack()
        try:
            queue = stack.enter_context(self._objects.following(since))
        except Expired as error:
            # What is too old is said within the stream (k8s.io/apiserver, pkg/storage/cacher/cacher.go, newErrWatcher).
            return _stream(_once({"type": "ERROR", "object": msgspec.to_builtins(status_of(error))}))
        seconds = float(query.get("timeoutSeconds") or 3600)
        wants_bookmarks = query.get("allowWatchBookmarks") in ("1", "true")

        async def events() -> AsyncIterator[bytes]:
            with stack:
                async for change in self._changes(queue, seconds, wants_bookmarks=wants_bookmarks):
                    event = bookmark(kind, self._objects.version) if change is None else None
                    if change is not None and change.kind == kind:
                        event = change.event(matches)
                    if event is not None:
                        yield _line({**event, "object": shown(event["object"])})

        return _stream(events())

    async def _changes(
        self, queue: asyncio.Queue[Change], seconds: float, *, wants_bookmarks: bool
    ) -> AsyncIterator[Change | None]:
        """Changes as they come, and None where a bookmark is due: now and then, and two seconds before the end."""
        now = time.monotonic()
        end, last = now + seconds, now + max(seconds - 2.0, 0.0)
        due = min(now + self._conditions.bookmark_seconds, last)
        while (left := min(end, due if wants_bookmarks else end) - time.monotonic()) > 0 or time.monotonic() < end:
            try:
                async with asyncio.timeout(max(left, 0)):
                    yield await queue.get()
            except TimeoutError:
                if time.monotonic() < end:
                    yield None
                due = time.monotonic() + self._conditions.bookmark_seconds
                due = last if time.monotonic() < last < due else due

    async def _create(self, request: Request, target: Target) -> Response:
        body = _placed(await request.json(), target)
        name = body.get("metadata", {}).get("name", "")
        if name and self._is_there(target, body["metadata"].get("namespace", ""), name):
            raise Conflict(f'{target.kind.group_resource} "{name}" already exists')
        return JSONResponse(self._put(request, body), 201)

    async def _replace(self, request: Request, target: Target) -> Response:
        self._objects.get(target.kind, target.namespace, target.name)
        return JSONResponse(self._put(request, _placed(await request.json(), target)))

    async def _patch(self, request: Request, target: Target) -> Response:
        """Merge patches (RFC 7396); strategic ones and server-side apply are carried out as such, so lists replace."""
        patch = msgspec.yaml.decode(await request.body()) if _is_apply(request) else await request.json()
        if not isinstance(patch, dict):
            raise BadRequest("a patch must be a merge patch: JSON patches are not carried out by the fake")
        if _is_apply(request) and not self._is_there(target, target.namespace, target.name):
            return JSONResponse(self._put(request, _placed(patch, target)), 201)
        found = self._objects.get(target.kind, target.namespace, target.name)
        return JSONResponse(self._put(request, cast(Manifest, merged(found, patch))))

    async def _delete(self, request: Request, target: Target) -> Response:
        keep = request.query_params.get("dryRun") != _DRY_RUN
        return JSONResponse(self._objects.delete(target.kind, target.namespace, target.name, keep=keep))

    def _put(self, request: Request, manifest: Manifest) -> Manifest:
        return self._objects.put(manifest, keep=request.query_params.get("dryRun") != _DRY_RUN)

    def _is_there(self, target: Target, namespace: str, name: str) -> bool:
        try:
            self._objects.get(target.kind, namespace, name)
        except NotFound:
            return False
        return True


def _attributes(target: Target, method: str) -> ResourceAttributes:
    verb = {"GET": "get" if target.name else "list", "POST": "create", "PUT": "update"}.get(method, method.lower())
    kind = target.kind
    return ResourceAttributes(
        verb, kind.group, kind.version, kind.resource, target.subresource, target.namespace, target.name
    )


def _matcher(target: Target, labels: str, fields: str) -> Matches:
    """Who is in the namespace and meets both selectors; of fields only those of the metadata are known."""
    by_label, by_field = parse_label_selector(labels), parse_field_selector(fields, None)

    def matches(manifest: Manifest) -> bool:
        metadata = manifest["metadata"]
        known = {f"metadata.{name}": metadata.get(name, "") for name in ("name", "namespace")}
        here = not target.namespace or metadata.get("namespace") == target.namespace
        return here and by_label.matches(metadata.get("labels") or {}) and by_field.matches(known)

    return matches


def _placed(body: Any, target: Target) -> Manifest:
    """The object with what the path says of it already."""
    if not isinstance(body, dict):
        raise BadRequest("the body must be an object in JSON")
    metadata = {**(body.get("metadata") or {})}
    if target.namespace:
        metadata["namespace"] = target.namespace
    if target.name:
        metadata["name"] = target.name
    return {"apiVersion": target.kind.api_version, "kind": target.kind.kind, **body, "metadata": metadata}


def _is_apply(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("application/apply-patch")


def _line(event: Manifest) -> bytes:
    return msgspec.json.encode(event) + b"\n"


async def _once(event: Manifest) -> AsyncIterator[bytes]:
    yield _line(event)


def _stream(events: AsyncIterator[bytes]) -> Response:
    return StreamingResponse(events, media_type="application/json")
