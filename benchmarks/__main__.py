"""``python -m benchmarks``: what ``make bench`` calls."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.context import Context
from benchmarks.filled import Clusters
from benchmarks.machine import Setting
from benchmarks.pages import write_pages
from benchmarks.program import find_reference
from benchmarks.records import Record, write_record
from benchmarks.report import section
from benchmarks.scenarios import CONTINUING, SCENARIOS, SETS
from kubediscovery.errors import KubediscoveryError, StartupError
from kubediscovery.testing.binaries import find_binaries


def main(arguments: Sequence[str] | None = None) -> int:
    """Run scenarios; gives the exit status, which no figure changes: 1 for a wrong answer or what could not be run."""
    options = _options(arguments)
    # SIGTERM asks for what Ctrl-C asks for: everything that was started is ended.
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.default_int_handler)
    started = time.monotonic()
    try:
        _run(options.scenarios or list(SETS[options.set]), options.quick, options.write)
    except KubediscoveryError as error:
        _say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    _say(f"{(time.monotonic() - started) / 60:.1f} min in all")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"{', '.join(SCENARIOS)}; without any, a set")
    parser.add_argument("--set", choices=tuple(SETS), default="standard", help="which are run where none is named")
    parser.add_argument("--quick", action="store_true", help="measure once what is otherwise measured for its median")
    parser.add_argument(
        "--write", action="store_true", help="keep what is found: renew its sections and plots in docs/"
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.scenarios if name not in SCENARIOS]
    if unknown:
        parser.error(f"there is no scenario {unknown[0]!r}; accepted are {', '.join(SCENARIOS)}")
    if options.write and options.quick:
        parser.error("--write keeps figures for good: be patient, and do without --quick")
    return options


def _run(names: Sequence[str], quick: bool, write: bool) -> None:
    if not Path("/proc/self/stat").exists():
        raise StartupError("CPU time and memory are read from /proc: run the benchmarks on Linux")
    binaries, reference = find_binaries(), find_reference()
    setting = Setting.look(reference)
    with Clusters(binaries, reference) as clusters:
        for name in names:
            if name not in CONTINUING:
                clusters.close()
            _say(f"{name}:")
            started = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="kubediscovery-benchmarks-") as folder:
                context = Context(binaries, reference, Path(folder), clusters, lambda line: _say(f"  {line}"), quick)
                result = SCENARIOS[name](context)
            record = Record(setting, time.monotonic() - started, result)
            _say(f"  {record.seconds:.0f} s in all")
            # At once: a later scenario that fails takes nothing of this one.
            print(section(record), flush=True)
            if write:
                write_record(name, record)
                write_pages()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
