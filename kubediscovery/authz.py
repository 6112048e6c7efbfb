"""Delegated authorization: may a user do this.

The rules are those of ``k8s.io/apiserver, pkg/server/options/authorization.go`` and
``plugin/pkg/authorizer/webhook``: system:masters and the health paths pass, everything else is a SubjectAccessReview.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import NamedTuple

import msgspec

from kubediscovery.errors import Forbidden, InternalError, Subject, UpstreamError
from kubediscovery.identity import User
from kubediscovery.recent import Recent
from kubediscovery.reviews import TIMEOUT_SECONDS, Reviewer, ReviewKind, Reviews, Sleep, Timer

_SUBJECT_ACCESS_REVIEW = ReviewKind(
    "authorization.k8s.io/v1", "SubjectAccessReview", "/apis/authorization.k8s.io/v1/subjectaccessreviews"
)
_ALWAYS_ALLOWED_GROUP = "system:masters"
_ALWAYS_ALLOWED_PATHS = frozenset({"/healthz", "/livez", "/readyz"})
# Answers to several questions at once that are kept.
_TOGETHER = 1024
# Reviews that one request has under way at the same time.
_SIDE_BY_SIDE = 16
# Characters; longer questions are asked anew each time, so that nobody fills the memory with them.
_LONGEST_KEPT = 2_000
# k8s.io/apiserver, pkg/endpoints/handlers/responsewriters/errors.go: against browsers that take text for HTML.
_HARMLESS = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_ESCAPES = {
    '"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
}  # fmt: skip


class SelectorRequirement(msgspec.Struct, frozen=True):
    """One requirement of a selector; ``operator`` is In, NotIn, Exists or DoesNotExist, all of which narrow."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


class ResourceAttributes(msgspec.Struct, frozen=True, cache_hash=True):
    """What is to be done to which resource; no namespace means the cluster's scope, or all namespaces.

    The selectors are those of a list, watch or deletecollection: a right may be given to what they let through alone.
    """

    verb: str
    group: str
    version: str
    resource: str
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    field_selector: tuple[SelectorRequirement, ...] = ()
    label_selector: tuple[SelectorRequirement, ...] = ()


class NonResourceAttributes(msgspec.Struct, frozen=True, cache_hash=True):
    """What is to be done to a path that is no resource; the verb is the HTTP method in lower case."""

    path: str
    verb: str


Attributes = ResourceAttributes | NonResourceAttributes


class _Decision(msgspec.Struct, frozen=True):
    allowed: bool
    reason: str = ""


_ALLOWED = _Decision(allowed=True)


class _Together(NamedTuple):
    """Which of several questions are allowed, and when the first of them was asked."""

    allowed: frozenset[Attributes]
    asked: float


class _Asking(NamedTuple):
    """Several questions that are being asked, and when the oldest answer among them was asked for."""

    task: asyncio.Task[frozenset[Attributes]]
    oldest: float


class Authorizer:
    """Asks kube-apiserver what users may do. Answers count for 10 s; an error never allows anything."""

    def __init__(
        self,
        reviewer: Reviewer,
        *,
        timer: Timer = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._reviews: Reviews[tuple[User, Attributes], _Decision] = Reviews(
            reviewer, _SUBJECT_ACCESS_REVIEW, _read, timer=timer, sleep=sleep, timeout=timeout
        )
        self._together: Recent[tuple[User, frozenset[Attributes]], _Together] = Recent(_TOGETHER)
        self._asking: dict[tuple[User, frozenset[Attributes]], _Asking] = {}

    async def allowed(self, user: User, attributes: Attributes, *, max_age: float | None = None) -> bool:
        """Whether the user may; raises :class:`InternalError` if that cannot be found out."""
        return (await self._decide(user, attributes, max_age)).allowed

    async def authorize(self, user: User, attributes: Attributes, *, max_age: float | None = None) -> str:
        """Why the user may; raises :class:`Forbidden` in Kubernetes's own words, or :class:`InternalError`.

        The answer was asked for less than ``max_age`` seconds ago, without that less than 10.
        """
        decision = await self._decide(user, attributes, max_age)
        if not decision.allowed:
            raise refusal(user, attributes, decision.reason)
        return decision.reason

    async def allowed_many(
        self, user: User, attributes: Iterable[Attributes], *, max_age: float | None = None
    ) -> frozenset[Attributes]:
        """Those that the user may, asked side by side; :class:`InternalError` if one of them cannot be found out.

        The same questions are found fastest in the same frozenset. Who asks them while somebody else does waits for the
        same answers, if these are new enough for both.
        """
        asked = frozenset(attributes)
        if _ALWAYS_ALLOWED_GROUP in user.groups:
            return asked
        together = self._together.get((user, asked))
        if together is not None and self._reviews.counts(together.asked, max_age):
            return together.allowed
        asking = self._asking.get((user, asked))
        if asking is None or not self._reviews.counts(asking.oldest, max_age):
            decisions = {question: self._decided(user, question, max_age) for question in asked}
            if None not in decisions.values():
                return self._keep(user, decisions)
            task = asyncio.create_task(self._complete(user, decisions, max_age))
            asking = self._asking[user, asked] = _Asking(task, self._oldest(user, decisions))
            task.add_done_callback(partial(self._landed, (user, asked)))
        return await asyncio.shield(asking.task)

    async def _complete(
        self, user: User, decisions: dict[Attributes, _Decision | None], max_age: float | None
    ) -> frozenset[Attributes]:
        limit = asyncio.Semaphore(_SIDE_BY_SIDE)

        async def ask(question: Attributes) -> None:
            async with limit:
                decisions[question] = await self._decide(user, question, max_age)

        await asyncio.gather(*(ask(question) for question, known in decisions.items() if known is None))
        return self._keep(user, decisions)

    def _keep(self, user: User, decisions: Mapping[Attributes, _Decision | None]) -> frozenset[Attributes]:
        """Those that are allowed, for who asks the same again."""
        allowed = frozenset(question for question, decision in decisions.items() if decision and decision.allowed)
        with contextlib.suppress(KeyError, ValueError):
            first = min(self._reviews.asked((user, question)) for question in decisions)
            self._together.keep((user, frozenset(decisions)), _Together(allowed, first))
        return allowed

    def _oldest(self, user: User, decisions: Mapping[Attributes, _Decision | None]) -> float:
        """When the first of the decisions was asked for, of which the last are being asked for now."""
        oldest = self._reviews.now()
        for question, decision in decisions.items():
            if decision is not None and decision is not _ALLOWED:
                oldest = min(oldest, self._reviews.asked((user, question)))
        return oldest

    def _landed(self, questions: tuple[User, frozenset[Attributes]], task: asyncio.Task[frozenset[Attributes]]) -> None:
        asking = self._asking.get(questions)
        if asking is not None and asking.task is task:
            del self._asking[questions]
        if not task.cancelled():
            # Looked at here, because everybody who waited may be gone by now.
            task.exception()

    async def _decide(self, user: User, attributes: Attributes, max_age: float | None) -> _Decision:
        decision = self._decided(user, attributes, max_age)
        if decision is not None:
            return decision
        keep = _length(attributes) < _LONGEST_KEPT
        try:
            return await self._reviews.verdict(
                (user, attributes), lambda: _spec(user, attributes), keep=keep, max_age=max_age
            )
        except UpstreamError as error:
            raise InternalError("the authorization of the request could not be reviewed") from error

    def _decided(self, user: User, attributes: Attributes, max_age: float | None) -> _Decision | None:
        if _ALWAYS_ALLOWED_GROUP in user.groups:
            return _ALLOWED
        if isinstance(attributes, NonResourceAttributes) and attributes.path in _ALWAYS_ALLOWED_PATHS:
            return _ALLOWED
        try:
            return self._reviews.known((user, attributes), max_age=max_age)
        except KeyError:
            return None


def _spec(user: User, attributes: Attributes) -> dict[str, object]:
    kind = "resourceAttributes" if isinstance(attributes, ResourceAttributes) else "nonResourceAttributes"
    asked = {name: value for name, value in msgspec.structs.asdict(attributes).items() if value}
    for name, field in _SELECTORS.items():
        if name in asked:
            asked[field] = {"requirements": list(map(_requirement, asked.pop(name)))}
    extra = {key: list(values) for key, values in user.extra}
    return {"user": user.name, "uid": user.uid, "groups": list(user.groups), "extra": extra, kind: asked}


_SELECTORS = {"field_selector": "fieldSelector", "label_selector": "labelSelector"}


def _requirement(found: SelectorRequirement) -> dict[str, object]:
    asked: dict[str, object] = {"key": found.key, "operator": found.operator}
    return {**asked, "values": list(found.values)} if found.values else asked


def _length(attributes: Attributes) -> int:
    """The characters that the caller chose, and some for each requirement."""
    parts = msgspec.structs.astuple(attributes)
    selectors = [found for part in parts if isinstance(part, tuple) for found in part]
    texts = [part for part in parts if isinstance(part, str)]
    texts += [text for found in selectors for text in (found.key, *found.values)]
    return sum(map(len, texts)) + 20 * len(selectors)


def _read(status: Mapping[str, object]) -> _Decision:
    allowed, denied, reason = status.get("allowed"), status.get("denied", False), status.get("reason", "")
    if not isinstance(allowed, bool) or not isinstance(denied, bool) or not isinstance(reason, str):
        raise UpstreamError("SubjectAccessReview: the answer cannot be understood")
    return _Decision(allowed and not denied, reason)


def refusal(user: User, attributes: Attributes, reason: str = "") -> Forbidden:
    """What somebody is told who may not, in Kubernetes's own words."""
    sentence = _sentence(user, attributes).translate(_HARMLESS) + (f": {reason}" if reason else "")
    if isinstance(attributes, NonResourceAttributes):
        return Forbidden(f"forbidden: {sentence}", subject=Subject(), because=reason)
    what = f"{attributes.resource}.{attributes.group}" if attributes.group else attributes.resource
    if attributes.name:
        what += f" {quoted(attributes.name)}"
    subject = Subject(attributes.group, attributes.resource, attributes.name)
    return Forbidden(f"{what} is forbidden: {sentence}", subject=subject, because=reason)


def _sentence(user: User, attributes: Attributes) -> str:
    start = f"User {quoted(user.name)} cannot {attributes.verb}"
    if isinstance(attributes, NonResourceAttributes):
        return f"{start} path {quoted(attributes.path)}"
    resource = f"{attributes.resource}/{attributes.subresource}" if attributes.subresource else attributes.resource
    scope = f"in the namespace {quoted(attributes.namespace)}" if attributes.namespace else "at the cluster scope"
    return f"{start} resource {quoted(resource)} in API group {quoted(attributes.group)} {scope}"


def quoted(text: str) -> str:
    """The text in double quotes, with escapes for all that cannot be seen: Go's ``%q``."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
