"""Does memory stay while pods come and go: a short run, and one of an hour."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from benchmarks.answers import check_counts
from benchmarks.context import Context
from benchmarks.figures import AtMostTimes, Figure, Result, WrongAnswerError
from benchmarks.filled import STANDARD, filled_cluster
from benchmarks.kubediscovery_server import KubediscoveryServer, held, read_samples
from benchmarks.percentiles import median
from benchmarks.processes import MeasuredProcess
from benchmarks.watching import Changed, Changes

LOAD = STANDARD
_RATE = 100.0
_SHORT, _HOUR = 30.0, 3600.0
_EVERY_SECONDS = 2.0
_SETTLE_SECONDS = 2.0
_CAUGHT_UP_SECONDS, _POLL_SECONDS = 5.0, 0.2
# What grows at first, until it is as large as it may be, is no leak: the journal, and trees that are kept.
_WARM = 0.25
_NO_GROWTH = 1.02


@dataclass(frozen=True, slots=True)
class _Sample:
    """The moment, in seconds since the changes began, the memory in megabytes, the CPU seconds so far."""

    seconds: float
    resident: float
    cpu: float


def churn(context: Context) -> Result:
    """Half a minute: it shows what changes cost, and a leak only where that is large."""
    return _measure(context, _SHORT)


def churn_hour(context: Context) -> Result:
    """An hour."""
    return _measure(context, _HOUR)


def _measure(context: Context, seconds: float) -> Result:
    scratch = context.folder / "churn"
    with filled_cluster(LOAD, context.binaries, context.reference, scratch=scratch) as cluster:
        own = KubediscoveryServer.install(cluster, context.folder)
        with own.start() as process:
            own.wait(process)
            time.sleep(_SETTLE_SECONDS)
            settled = process.resident_megabytes
            plan = {**Changes(cluster.kubeconfig, LOAD, _RATE, seconds).plan, "replace": True}
            samples = list(_samples(context, process, plan))
            changed = msgspec.json.decode((context.folder / "churn.out").read_bytes(), type=Changed)
            _check(own)
    # Less than a minute is too short to tell a leak from what fills up.
    target = AtMostTimes(_NO_GROWTH) if seconds == _HOUR else None
    early, late = _resident(samples, _WARM, _WARM + 0.25), _resident(samples, 0.75, 1.0)
    cores = (samples[-1].cpu - samples[0].cpu) / (samples[-1].seconds - samples[0].seconds)
    return Result(
        title=f"Churn for {seconds / 60:g} min among {LOAD}",
        notes=(
            f"Pods are deleted, made anew under other names and given a status: {changed.rate:,.0f} changes a second.",
            f"Memory is VmRSS each {_EVERY_SECONDS:g} s: medians of the second and of the last quarter of the time.",
            "Until the second quarter the journal of changes fills, which a watch goes on from; it is bounded.",
        ),
        figures=(
            Figure("resident memory, last quarter", "MB", late, "second quarter", early, target),
            Figure("resident memory, last quarter", "MB", late, "before any change", settled),
            Figure(f"CPU at {changed.rate:,.0f} changes a second", "cores", cores),
        ),
    )


def _check(own: KubediscoveryServer) -> None:
    """`WrongAnswerError` where it does not soon hold what there is after the last change."""
    until = time.monotonic() + _CAUGHT_UP_SECONDS
    with own.connect() as connection:
        while True:
            try:
                return check_counts(own.name, held(read_samples(connection.text("/metrics"))), LOAD.counts)
            except WrongAnswerError:
                if time.monotonic() > until:
                    raise
            time.sleep(_POLL_SECONDS)


def _samples(context: Context, process: MeasuredProcess, plan: object) -> Iterator[_Sample]:
    file, output, started = context.folder / "churn.json", context.folder / "churn.out", time.perf_counter()
    file.write_text(json.dumps(plan))
    with output.open("wb") as told:
        command = [str(context.reference), "change", f"--plan={file}"]
        changing = subprocess.Popen(command, stdout=told, stderr=subprocess.PIPE, text=True)
        try:
            while changing.poll() is None:
                time.sleep(_EVERY_SECONDS)
                yield _Sample(time.perf_counter() - started, process.resident_megabytes, process.cpu_seconds)
        finally:
            changing.terminate()
            _, errors = changing.communicate()
    if changing.returncode:
        raise WrongAnswerError(errors.strip())
    context.say(f"{process.resident_megabytes:.0f} MB at the end")


def _resident(samples: list[_Sample], start: float, end: float) -> float:
    """The median between two parts of the time."""
    last = samples[-1].seconds
    return median(each.resident for each in samples if start * last <= each.seconds <= end * last)
