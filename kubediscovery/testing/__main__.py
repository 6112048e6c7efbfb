"""``python -m kubediscovery.testing build`` and ``run``: what ``make binaries`` and ``make cluster`` call."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import time
from pathlib import Path

from kubediscovery.errors import KubediscoveryError
from kubediscovery.testing.binaries import cache_folder, find_binaries
from kubediscovery.testing.controlplane import ControlPlane

_CHECK_SECONDS = 0.5


def main(arguments: list[str] | None = None) -> int:
    """Run a command; gives the exit status. An error is told in its own words, without a traceback."""
    options = _parser().parse_args(arguments)
    # SIGTERM asks for what Ctrl-C asks for; and a shell that starts this in the background has SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        _COMMANDS[options.command](options)
    except KubediscoveryError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m kubediscovery.testing", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="find the control plane's binaries, and build what is missing")
    run = commands.add_parser("run", help="run a control plane in the foreground until Ctrl-C")
    run.add_argument("--directory", type=Path, help="the folder that holds it (default: one in the cache folder)")
    run.add_argument("--nodes", type=int, default=2, help="how many nodes it plays (default: %(default)s)")
    run.add_argument("--keep", action="store_true", help="keep the objects of the last run in this folder")
    return parser


def _build(_: argparse.Namespace) -> None:
    for each in find_binaries().found:
        sys.stdout.write(f"{each.name:<25} {each.path} ({each.origin})\n")


def _run(options: argparse.Namespace) -> None:
    directory = options.directory or cache_folder(os.environ).parent / "cluster"
    sys.stdout.write(f"starting a control plane in {directory}\n")
    sys.stdout.flush()
    with ControlPlane.start(directory, nodes=options.nodes, keep=options.keep) as cluster:
        _stay(cluster)


def _stay(cluster: ControlPlane) -> None:
    """Wait for Ctrl-C, which is the way to end and no error; a component that ends by itself is one."""
    try:
        sys.stdout.write(
            f"\nexport KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}\n"
            f"alias kubectl={shlex.quote(str(cluster.kubectl.program))}\n\n"
            f"{cluster.server} is ready; its logs are in {cluster.logs}. Ctrl-C ends it.\n"
        )
        sys.stdout.flush()
        while True:
            cluster.check()
            time.sleep(_CHECK_SECONDS)
    except KeyboardInterrupt:
        sys.stdout.write("\nstopping\n")


_COMMANDS = {"build": _build, "run": _run}

if __name__ == "__main__":
    sys.exit(main())
