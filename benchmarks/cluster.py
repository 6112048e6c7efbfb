"""``python -m benchmarks.cluster 10000``: a filled control plane in the foreground, to look at or to profile on.

The numbers are those of Deployments, of Pods of each, and of namespaces.
"""

from __future__ import annotations

import argparse
import signal
from collections.abc import Sequence
from contextlib import suppress

from benchmarks.filled import Load, filled_cluster
from benchmarks.program import find_reference
from kubediscovery.testing.binaries import find_binaries


def main(arguments: Sequence[str] | None = None) -> None:
    """Run it; the folder is the one that the benchmarks use, and they wait for nobody."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("deployments", type=int)
    parser.add_argument("pods", type=int, nargs="?", default=10)
    parser.add_argument("namespaces", type=int, nargs="?", default=100)
    options = parser.parse_args(arguments)
    load = Load(options.deployments, options.pods, options.namespaces)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), filled_cluster(load, find_binaries(), find_reference()) as cluster:
        print(f"{load}:\nexport KUBECONFIG={cluster.kubeconfig}", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
