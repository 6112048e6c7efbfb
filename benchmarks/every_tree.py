"""All trees in one list, and what a user waits for one of them, beside other tools that draw trees."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.aggregation import wait_until_available
from benchmarks.answers import check_drawn, check_uids, members, sample
from benchmarks.context import Context
from benchmarks.endpoint import Connection
from benchmarks.figures import AtLeastTimes, AtMostTimes, Below, Figure, Result, Target, WrongAnswerError
from benchmarks.filled import LARGE, STANDARD, Load
from benchmarks.gitops_cache import GitopsCache
from benchmarks.kubediscovery_server import KubediscoveryServer
from benchmarks.percentiles import median, percentile
from benchmarks.processes import MeasuredProcess
from benchmarks.program import find_gitops, find_lineage, find_tree_plugin
from kubediscovery.config import DEFAULT_GROUP
from kubediscovery.testing.controlplane import ControlPlane

_LIST = f"/apis/{DEFAULT_GROUP}/v1/deployments/*/compositions"
_LISTS, _WALKS, _COMMANDS = 7, 7, 7
_ASKED = 100


@dataclass(frozen=True, slots=True)
class _Lists:
    """Milliseconds of lists of all trees, their bytes, and megabytes that were resident before and at most."""

    milliseconds: list[float]
    first: list[float]
    bytes: int
    before: float
    peak: float


def every_tree(context: Context) -> Result:
    """With 10,000 Pods."""
    return _measure(context, STANDARD, 40, AtLeastTimes(8))


def every_tree_large(context: Context) -> Result:
    """With 100,000 Pods."""
    return _measure(context, LARGE, 300, AtLeastTimes(12))


def _measure(context: Context, load: Load, limit: float, faster: Target) -> Result:
    with context.clusters.lend(load) as cluster:
        own, gitops = (
            KubediscoveryServer.install(cluster, context.folder),
            GitopsCache(cluster, find_gitops(), context.folder),
        )
        with own.start() as process:
            own.wait(process)
            wait_until_available(cluster, (own.endpoint.group,))
            with own.connect() as connection:
                lists = _lists(connection, process, context)
                found = uids(connection, load)
            commands = _commands(cluster, own, load, context)
        with gitops.start() as walker:
            gitops.wait(walker)
            walked = gitops.walk(walker, together=True, members=True)
            check_uids(gitops.name, walked.members, found)
            together = gitops.walk(walker, together=True, times=_WALKS).milliseconds
            alone = gitops.walk(walker, sample(load, _ASKED), times=5).milliseconds
    return Result(
        title=f"All trees of {load}, and one as a user asks for it",
        notes=(
            f"A list is read directly, whole, over one connection, {_LISTS} times: {lists.bytes:,} bytes.",
            "gitops-engine walks from all Deployments in one call, inside its process, and writes nothing.",
            f"Commands are run {_COMMANDS} times in turn, each for another Deployment, through kube-apiserver.",
            *commands.notes,
        ),
        figures=(
            *_list_figures(lists, together, limit),
            Figure("gitops-engine's walk of one Deployment, p50", "ms", percentile(alone, 50)),
            *_command_figures(commands.milliseconds, faster),
        ),
    )


def _lists(connection: Connection, process: MeasuredProcess, context: Context) -> _Lists:
    before, lengths, totals, firsts = process.resident_megabytes, [0], list[float](), list[float]()
    for _ in range(_LISTS):
        first, total, length = connection.time(_LIST)
        totals.append(total * 1000)
        firsts.append(first * 1000)
        lengths.append(length)
        context.say(f"a list of all trees: {total * 1000:.0f} ms, {length:,} bytes")
    return _Lists(totals, firsts, lengths[-1], before, process.peak_megabytes)


def uids(connection: Connection, load: Load) -> frozenset[str]:
    """Those in all trees; `WrongAnswerError` if they are not as many as were filled in."""
    items = json.loads(connection.text(_LIST))["items"]
    found = frozenset(member.uid for item in items for member in members(item))
    if len(found) != sum(load.counts.values()):
        raise WrongAnswerError(f"the trees have {len(found)} objects, {sum(load.counts.values())} are right")
    return found


@dataclass(frozen=True, slots=True)
class _Commands:
    milliseconds: Mapping[str, Sequence[float]]
    notes: tuple[str, ...]


_OWN, _LINEAGE, _TREE = "kubectl get --raw", "kube-lineage", "kubectl-tree"
Arguments = Callable[[str, str], list[str]]


def _commands(cluster: ControlPlane, own: KubediscoveryServer, load: Load, context: Context) -> _Commands:
    # Our own comes first: the others have to draw the same objects.
    programs, tree = dict(_programs(cluster, own)), dict[str, Any]()
    took: dict[str, list[float]] = {name: [] for name in programs}
    # The first of each fills caches on the disk, and does not count.
    for number, (namespace, name) in enumerate(sample(load, _COMMANDS + 1)):
        for program, arguments in programs.items():
            milliseconds, output = _time(arguments(namespace, name))
            if program == _OWN:
                tree = json.loads(output)
            else:
                check_drawn(program, output, tree)
            took[program] += [milliseconds] if number else []
    for program, each in took.items():
        context.say(f"{program}: {median(each):.0f} ms")
    missing = () if _TREE in programs else ("kubectl-tree is measured where it is installed; here it was not.",)
    return _Commands(took, missing)


def _programs(cluster: ControlPlane, own: KubediscoveryServer) -> Iterator[tuple[str, Arguments]]:
    kubeconfig, kubectl = f"--kubeconfig={cluster.kubeconfig}", str(cluster.kubectl.program)
    caches = f"--cache-dir={cluster.directory / 'kubectl-cache'}"
    yield _OWN, lambda space, name: [kubectl, kubeconfig, caches, "get", "--raw", own.endpoint.tree_path(space, name)]
    programs: tuple[tuple[str, Path | None], ...] = ((_LINEAGE, find_lineage()), (_TREE, find_tree_plugin()))
    for name, program in programs:
        if program is not None:
            yield name, _drawing(str(program), [kubeconfig, caches])


def _drawing(program: str, flags: list[str]) -> Arguments:
    return lambda namespace, name: [program, "deployment", name, f"--namespace={namespace}", *flags]


def _time(command: Sequence[str]) -> tuple[float, str]:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    milliseconds = (time.perf_counter() - started) * 1000
    if done.returncode:
        raise WrongAnswerError(f"{' '.join(command)}: {done.stderr.strip()}")
    return milliseconds, done.stdout


def _list_figures(lists: _Lists, walks: Sequence[float], limit: float) -> Iterator[Figure]:
    walk = "gitops-engine's walk, without a byte"
    yield Figure("all trees in one list, median", "ms", median(lists.milliseconds), target=Below(limit))
    yield Figure("all trees in one list, median", "ms", median(lists.milliseconds), walk, median(walks), AtMostTimes(1))
    yield Figure("the first bytes of it, median", "ms", median(lists.first))
    yield Figure("the slowest of them", "ms", max(lists.milliseconds), walk, max(walks))
    yield Figure("resident memory at most, during the lists", "MB", lists.peak, "before them", lists.before)


def _command_figures(took: Mapping[str, Sequence[float]], faster: Target) -> Iterator[Figure]:
    """How many times faster: the peer's time over ours, so the ratio stands the other way round."""
    for peer in (_LINEAGE, _TREE):
        if peer in took:
            own, other = median(took[_OWN]), median(took[peer])
            yield Figure(f"{_OWN} of one tree, whole command", "ms", own, peer, other)
            yield Figure(f"times as fast as {peer}", "", other / own, "as fast", 1.0, faster if peer == _TREE else None)
