"""``kubediscovery demo``: a small cluster that plays in this process, and the API served over it."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from rich.console import Console

from kubediscovery.api import ApiGroup
from kubediscovery.built_in import KUBERNETES_KINDS
from kubediscovery.composition import Composition
from kubediscovery.config import API_VERSION, DEFAULT_GROUP
from kubediscovery.errors import StartupError
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.lifetime import Signals
from kubediscovery.listener import bind
from kubediscovery.local import (
    all_compositions,
    local_services,
    questions,
    serve_local,
    url_of,
)
from kubediscovery.scene import STEP_SECONDS, scene
from kubediscovery.scenery import SETTINGS, Manifest
from kubediscovery.snapshot import Manifests, fill
from kubediscovery.store import Store
from kubediscovery.text import create_console, print_compositions

_ADDRESS = "127.0.0.1"
_EXAMPLE = "deployments.apps.web"


async def run_demo(port: int, *, may_move: bool) -> None:
    """Print the trees and the commands to try, and serve on 127.0.0.1 until SIGINT or SIGTERM.

    With ``may_move`` a free port is taken where that one is not to be had; otherwise it raises :class:`StartupError`.
    """
    console = create_console()
    stage = Stage(demo_api(), datetime.now(UTC))
    with bind_or_move(port, console, may_move=may_move) as listening:
        signals = Signals.of_process()
        print_compositions(console, stage.compositions(), datetime.now(UTC))
        console.print("\nThe same over HTTP; try in another terminal:\n")
        example = next(item for item in stage.compositions() if item.metadata.name == _EXAMPLE)
        url = url_of(listening)
        for question in (*questions(url, stage.api, example), *_more_questions(url, stage.api)):
            console.print(f"  {question}", soft_wrap=True)
        console.print(
            f"\nweb is being rolled out: ask again, or add -w to watch. Serving on {url} until Ctrl-C.\n",
            soft_wrap=True,
        )

        async def play() -> None:
            while True:
                await asyncio.sleep(STEP_SECONDS)
                for line in stage.advance():
                    if console.is_terminal:
                        console.print(line, style="dim", soft_wrap=True)

        await serve_local(local_services(stage.api, stage.store), listening, signals, background=[play])
    console.print("stopped")


def demo_api() -> ApiGroup:
    """The API group with the kinds of the scene."""
    found = {(manifest["apiVersion"], manifest["kind"]) for manifest in scene(0, datetime.now(UTC))}
    kinds = Kinds(kind for kind in KUBERNETES_KINDS if (kind.api_version, kind.kind) in found)
    return ApiGroup(DEFAULT_GROUP, API_VERSION, kinds)


def _more_questions(url: str, api: ApiGroup) -> list[str]:
    """What stands around web, who uses a ConfigMap, and the end of the rollout once it is reached."""
    path = f"/apis/{api.api_version}/namespaces/shop"
    asked = (
        "deployments/web/compositions?relations=all&output=text",
        f"configmaps/{SETTINGS}/compositions?direction=users&output=text",
        "deployments/web/compositions?waitFor=Complete,Failed&timeoutSeconds=50",
    )
    return [f"kubectl --server={url} get --raw '{path}/{each}'" for each in asked]


class Stage:
    """The store that the scene is played in; it shows step 0 from the beginning."""

    def __init__(self, api: ApiGroup, started: datetime) -> None:
        self.api = api
        self.store = Store(api.kinds)
        self._manifests = Manifests(api.kinds)
        self._started = started
        self._step = 0
        self._show()

    def compositions(self) -> list[Composition]:
        """All that is on the stage, sorted by namespace and name."""
        return all_compositions(self.api, self.store)

    def advance(self) -> Iterator[str]:
        """Play the next step, and say in a line each whose state it changed: ``web: 3 of 5 pods updated``."""
        before = {item.metadata.uid: _state(item) for item in self.compositions()}
        self._step += 1
        self._show()
        for item in self.compositions():
            state = _state(item)
            if state != before.get(item.metadata.uid):
                yield f"{item.root.name}: {state}"

    def _show(self) -> None:
        manifests = scene(self._step, self._started)
        fill(self.store, [self._manifests.decode(self._kind(found), msgspec.json.encode(found)) for found in manifests])

    def _kind(self, manifest: Manifest) -> Kind:
        kind = self.api.kinds.by_api_version(manifest["apiVersion"], manifest["kind"])
        assert kind is not None, manifest["kind"]  # noqa: S101 - the scene is made of tracked kinds
        return kind


def _state(item: Composition) -> str:
    return item.root.message or item.root.health


def bind_or_move(port: int, console: Console, *, may_move: bool) -> socket.socket:
    """Listen on the port, or say on which other one; raises :class:`StartupError` where it may not be another."""
    try:
        return bind(_ADDRESS, port)
    except StartupError:
        if not may_move:
            raise
    listening = bind(_ADDRESS, 0)
    console.print(f"port {port} is taken: {listening.getsockname()[1]} is used instead\n")
    return listening
