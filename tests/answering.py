"""Compositions as a server answers with them, made up, and sources of them for checks."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from kubediscovery.addresses import Address, KindNames, Place, names_of
from kubediscovery.answers import Answer, Problem, read_answer
from kubediscovery.asking import Change
from kubediscovery.errors import UpstreamError
from kubediscovery.kinds import BUILT_IN_KINDS

Document = dict[str, Any]
DEPLOYMENT = BUILT_IN_KINDS[0]
WEB = Address(DEPLOYMENT, "shop", "web")
HOSTILE = "\x1b[31m[red]##[error]::error::x\n::add-mask::y\r\x00]]><&\x9b\u202e"


def pod(name: str = "web-1", health: str = "Healthy", **fields: Any) -> Document:
    """A pod's node."""
    node = {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": name, "uid": name, "health": health}
    return {**node, "info": {"images": ["nginx:1"], "restarts": 0}, **fields}


def composition(
    name: str = "web",
    *,
    state: str | None = "Complete",
    health: str = "Healthy",
    version: int = 7,
    children: Sequence[Document] = (),
    rollout: Document | None = None,
    pods: tuple[int, int] | None = (3, 3),
    **root: Any,
) -> Document:
    """A Deployment's composition; without a state it has no rollout, without pods they may not be listed."""
    status: Document = {"health": health}
    if pods is not None:
        status["pods"] = {"total": pods[0], "ready": pods[1]}
    if state is not None:
        status["rollout"] = {"state": state, **(rollout or {})}
    return {
        "kind": "Composition",
        "apiVersion": "kubediscovery.cloudark.io/v1",
        "metadata": {"name": f"deployments.apps.{name}", "namespace": "shop", "resourceVersion": str(version)},
        "root": {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "namespace": "shop",
            "name": name,
            "uid": name,
            "resourceVersion": str(version),
            "health": health if state is None else "Healthy",
            "children": list(children),
            **root,
        },
        "status": status,
    }


def answer(**fields: Any) -> Answer:
    """The same as it is read."""
    return read_answer(composition(**fields))


class FakeSource:
    """Gives what it is told to, one after the other, and then the last again; a watch gives what is put into it."""

    def __init__(
        self, *given: list[Answer] | UpstreamError, least: int = 0, lint: tuple[Problem, ...] | UpstreamError = ()
    ) -> None:
        self._given = list(given)
        self._least = least
        self._lint = lint
        self.asked = 0
        self.watched = 0
        self.refusal: UpstreamError | None = None
        self.events: asyncio.Queue[Change | None] = asyncio.Queue()

    async def names(self) -> KindNames:
        return names_of(BUILT_IN_KINDS)

    async def least_version(self, place: Place) -> int:
        return self._least

    async def answers(self, place: Place, least_version: int) -> tuple[list[Answer], str]:
        self.asked += 1
        given = self._given[0] if len(self._given) == 1 else self._given.pop(0)
        if isinstance(given, UpstreamError):
            raise given
        return given, "9"

    async def changes(self, place: Place, version: str) -> AsyncIterator[Change]:
        self.watched += 1
        if self.refusal is not None:
            raise self.refusal
        while (event := await self.events.get()) is not None:
            yield event

    async def lint(self, namespace: str | None) -> tuple[Problem, ...]:
        if isinstance(self._lint, UpstreamError):
            raise self._lint
        return self._lint
