"""``python -m benchmarks.synthetic --deployments 1000 -- FLAGS``: ``kubediscovery serve FLAGS`` on a synthetic cluster.

All of the server is as it always is but for the connection to kube-apiserver. ``--trusted FILE`` has the authority that
client certificates are verified by. Each line of the standard input is a JSON object, answered by one:

- ``{"change": 500, "seconds": 10}``: so many pods a second are sent anew, another tree each time; tells ``changes``,
  ``seconds``, and the milliseconds ``p50``, ``p99`` and ``max`` from each until it had been dealt with.
- ``{"relist": "pods"}``: what was watched is listed again; tells ``seconds``, and the milliseconds that the event loop
  was late meanwhile, ``p50``, ``p99``, ``p999`` and ``max``.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from benchmarks.filled import Load
from benchmarks.lag import LagMeter, as_met
from benchmarks.percentiles import percentile
from benchmarks.synthetic_client import SyntheticClient
from benchmarks.synthetic_objects import SyntheticObjects
from kubediscovery import client as connecting

# A step that has no factor in common with their number leads through all trees, far apart.
_STEP = 389
_TICK = 0.005
_LISTED_SECONDS = 120.0


class Command(msgspec.Struct):
    """A line of the standard input."""

    change: float = 0.0
    seconds: float = 0.0
    relist: str = ""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM, or until the standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.synthetic", description="serve a synthetic cluster")
    parser.add_argument("--deployments", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=10)
    parser.add_argument("--namespaces", type=int, default=20)
    parser.add_argument("--trusted", type=Path, required=True, help="file of the authority of client certificates")
    parser.add_argument("flags", nargs="*", help="those of kubediscovery serve")
    options = parser.parse_args(arguments)
    load = Load(options.deployments, options.pods, options.namespaces)
    trusted = _trusted(options.trusted.read_text())

    async def connect(*_: object, **__: object) -> SyntheticClient:
        made = SyntheticClient(SyntheticObjects(load), trusted)
        # The loop keeps no reference of its own to a task.
        connect.__dict__["task"] = asyncio.create_task(_obey(made, load.deployments * load.pods))
        return made

    connecting.Client.connect = connect  # type: ignore[method-assign,assignment]
    from kubediscovery.cli import main as command

    sys.argv = ["kubediscovery", "serve", *options.flags]
    command()


def _trusted(authority: str) -> Mapping[str, str]:
    """What kube-apiserver publishes of whom to believe."""
    return {
        "client-ca-file": authority,
        "requestheader-client-ca-file": authority,
        "requestheader-allowed-names": '["front-proxy-client"]',
        "requestheader-username-headers": '["X-Remote-User"]',
        "requestheader-group-headers": '["X-Remote-Group"]',
        "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
    }


async def _obey(client: SyntheticClient, pods: int) -> None:
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async for line in lines:
        command = msgspec.json.decode(line, type=Command)
        told = await (_relist(client, command) if command.relist else _change(client, command, pods))
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
        sys.stdout.flush()
    # Whoever started this is gone.
    os.kill(os.getpid(), signal.SIGTERM)


async def _change(client: SyntheticClient, command: Command, pods: int) -> Mapping[str, float]:
    """At an even rate; what is due is sent together every few milliseconds."""
    client.lags.clear()
    started, total = time.perf_counter(), int(command.change * command.seconds)
    for number in range(total):
        ahead = started + number / command.change - time.perf_counter()
        if ahead > 0:
            await asyncio.sleep(max(ahead, _TICK))
        client.change(number * _STEP % pods)
    seconds = time.perf_counter() - started
    await client.dealt_with(total)
    return {
        "changes": total,
        "seconds": seconds,
        **_milliseconds(client.lags, (50, 99)),
        "max": max(client.lags) * 1000,
    }


async def _relist(client: SyntheticClient, command: Command) -> Mapping[str, float]:
    client.watched.clear()
    started = time.perf_counter()
    async with LagMeter() as meter:
        client.expire(command.relist)
        async with asyncio.timeout(_LISTED_SECONDS):
            await client.watched.wait()
    seconds, met = time.perf_counter() - started, as_met(meter.late)
    return {"seconds": seconds, **_milliseconds(met, (50, 99, 99.9)), "max": max(met) * 1000}


def _milliseconds(values: Sequence[float], percents: Sequence[float]) -> Mapping[str, float]:
    return {f"p{percent:g}".replace(".", ""): percentile(values, percent) * 1000 for percent in percents}


if __name__ == "__main__":
    main()
