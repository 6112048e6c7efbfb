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
from benchmarks.figures import Result
from benchmarks.machine import Setting
from benchmarks.plot import plot
from benchmarks.program import find_reference
from benchmarks.report import page, pictured, report
from benchmarks.scenarios import SCENARIOS, SETS
from kubediscovery.errors import KubediscoveryError, StartupError
from kubediscovery.testing.binaries import find_binaries

_PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run scenarios; gives the exit status, which no figure changes: 1 for a wrong answer or what could not be run."""
    options = _options(arguments)
    # SIGTERM asks for what Ctrl-C asks for: everything that was started is ended.
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.default_int_handler)
    try:
        setting, results = _run(options.scenarios or list(SETS[options.set]), options.quick)
    except KubediscoveryError as error:
        _say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    text = report(setting, results)
    print(text)
    if options.write:
        picture = _PAGE.with_name(f"benchmarks-{options.set}.svg")
        picture.write_text(plot(results, "kubediscovery over its peer"))
        _PAGE.write_text(page(pictured(text, picture.name), options.set, _PAGE.read_text() if _PAGE.exists() else ""))
        _say(f"wrote {_PAGE}")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"{', '.join(SCENARIOS)}; without any, a set")
    parser.add_argument("--set", choices=tuple(SETS), default="standard", help="which are run where none is named")
    parser.add_argument("--quick", action="store_true", help="measure once what is otherwise measured for its median")
    parser.add_argument("--write", action="store_true", help="write the set's part of docs/benchmarks.md, and its plot")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.scenarios if name not in SCENARIOS]
    if unknown:
        parser.error(f"there is no scenario {unknown[0]!r}; accepted are {', '.join(SCENARIOS)}")
    if options.write and (options.scenarios or options.quick):
        parser.error("--write needs a whole run of a set: name no scenario, and be patient")
    return options


def _run(names: Sequence[str], quick: bool) -> tuple[Setting, list[Result]]:
    if not Path("/proc/self/stat").exists():
        raise StartupError("CPU time and memory are read from /proc: run the benchmarks on Linux")
    binaries, reference = find_binaries(), find_reference()
    results = []
    for name in names:
        _say(f"{name}:")
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="kubediscovery-benchmarks-") as folder:
            context = Context(binaries, reference, Path(folder), lambda line: _say(f"  {line}"), quick)
            results.append(SCENARIOS[name](context))
        _say(f"  {time.monotonic() - started:.0f} s in all")
    return Setting.look(reference), results


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
