"""``python -m benchmarks``: what ``make bench`` calls."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.context import Context
from benchmarks.machine import Setting
from benchmarks.program import find_reference
from benchmarks.report import page, report
from benchmarks.scenarios import SCENARIOS
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
        text = _run(options.scenarios or list(SCENARIOS))
    except KubediscoveryError as error:
        _say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    print(text)
    if options.write:
        _PAGE.write_text(page(text))
        _say(f"wrote {_PAGE}")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"{', '.join(SCENARIOS)}; without any, all")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md, from a run of all scenarios")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.scenarios if name not in SCENARIOS]
    if unknown:
        parser.error(f"there is no scenario {unknown[0]!r}; accepted are {', '.join(SCENARIOS)}")
    if options.write and options.scenarios:
        parser.error("--write needs a run of all scenarios: name none")
    return options


def _run(names: Sequence[str]) -> str:
    if not Path("/proc/self/stat").exists():
        raise StartupError("CPU time and memory are read from /proc: run the benchmarks on Linux")
    binaries, reference = find_binaries(), find_reference()
    results = []
    for name in names:
        _say(f"{name}:")
        with tempfile.TemporaryDirectory(prefix="kubediscovery-benchmarks-") as folder:
            results.append(SCENARIOS[name](Context(binaries, reference, Path(folder), lambda line: _say(f"  {line}"))))
    return report(Setting.look(reference), results)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
