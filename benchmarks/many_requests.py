"""How many requests a second are answered over 32 connections, with all that a request of a real user needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.adapter_server import DISCOVERY, NO_METRIC, AdapterServer
from benchmarks.aggregation import READER, reader, reader_token, register, wait_until_available
from benchmarks.bursts import Burst, Party, burst
from benchmarks.context import Context
from benchmarks.endpoint import Endpoint
from benchmarks.figures import AtLeastTimes, Figure, Result, Target
from benchmarks.kubediscovery_server import KubediscoveryServer
from benchmarks.one_tree import ASKED, LOAD, check_through_aggregator
from benchmarks.percentiles import median
from benchmarks.processes import MeasuredProcess
from benchmarks.program import ADAPTER, find_adapter
from benchmarks.reference_server import PROTOBUF, ReferenceServer

_CONNECTIONS = 32
_ROUNDS = 6
_SECONDS = 1.5

_OWN, _OWN_TREES, _OWN_AGGREGATED = "one tree", "trees in turn", "one tree through the aggregator"
_REFERENCE, _REFERENCE_AGGREGATED = "client-go and net/http", "client-go and net/http behind the aggregator"
_STATUS, _DISCOVERY = "test adapter, a Status of 404", "test adapter, a discovery document"


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of whom; ``process`` is the server whose processor time counts."""

    party: Party
    paths: tuple[str, ...]
    process: MeasuredProcess
    status: int = 200


@dataclass(frozen=True, slots=True)
class _Round:
    """One burst, and the server's microseconds of processor time for each request."""

    burst: Burst
    cpu: float


def many_requests(context: Context) -> Result:
    """All servers run side by side; each is asked in turn, in several rounds, alone with the client."""
    adapter_program = find_adapter()
    with context.clusters.lend(LOAD) as cluster, ExitStack() as stack:
        own = KubediscoveryServer.install(cluster, context.folder)
        peer = ReferenceServer(cluster, context.reference, context.folder, PROTOBUF)
        adapter = AdapterServer(cluster, adapter_program, context.folder)
        processes = [stack.enter_context(server.start()) for server in (own, peer, adapter)]
        own.wait(processes[0])
        peer.wait(processes[1])
        adapter.wait(processes[2])
        register(cluster, peer)
        wait_until_available(cluster, (own.endpoint.group, peer.endpoint.group))
        check_through_aggregator(cluster, reader(cluster), own.endpoint, peer.endpoint)
        authority = context.folder / "kube-apiserver.crt"
        authority.write_bytes(cluster.ca)
        token = reader_token(cluster)
        aggregator = Party(cluster.server, str(authority), token)
        endpoints = (own.endpoint, peer.endpoint, adapter.endpoint)
        questions = _questions(endpoints, processes, aggregator, token)
        rounds = _measure(context, questions)
    return Result(
        title=f"Requests over {_CONNECTIONS} connections, among {LOAD}",
        notes=(
            f"A tree has {2 + LOAD.pods} objects. Medians of {_ROUNDS} rounds of {_SECONDS:g} s each, in turn.",
            f"The user is service account {READER} with a bearer token, bound by RBAC to compositions and their parts.",
            "kubediscovery authenticates, authorizes and filters each request; its reviews count for 10 s.",
            f"The test adapter is custom-metrics-apiserver's, {ADAPTER.version}; it reviews that token and its rights.",
            "client-go's server asks nobody who they are.",
            "The client is a small Go program on the same cores. kubediscovery is one thread, the others are several.",
        ),
        figures=tuple(_figures(rounds)),
    )


def _questions(
    endpoints: Sequence[Endpoint], processes: Sequence[MeasuredProcess], aggregator: Party, token: str
) -> dict[str, _Question]:
    own, peer, _ = endpoints
    own_process, peer_process, adapter_process = processes
    direct, reference, third = (Party(each.url, str(each.authority), token) for each in endpoints)
    trees = tuple(own.tree_path(*target) for target in ASKED)
    other = (peer.tree_path(*ASKED[0]),)
    return {
        _OWN: _Question(direct, trees[:1], own_process),
        _OWN_TREES: _Question(direct, trees, own_process),
        _STATUS: _Question(third, (NO_METRIC,), adapter_process, status=404),
        _DISCOVERY: _Question(third, (DISCOVERY,), adapter_process),
        _REFERENCE: _Question(reference, other, peer_process),
        _OWN_AGGREGATED: _Question(aggregator, trees[:1], own_process),
        _REFERENCE_AGGREGATED: _Question(aggregator, other, peer_process),
    }


def _measure(context: Context, questions: Mapping[str, _Question]) -> dict[str, list[_Round]]:
    rounds: dict[str, list[_Round]] = {name: [] for name in questions}
    # The first round fills caches, and does not count.
    for number in range(_ROUNDS + 1):
        # Who is asked first after a pause finds a colder machine: each is as often before its peer as behind it.
        ordered = list(questions.items())
        for name, question in reversed(ordered) if number % 2 else ordered:
            found = _round(context.reference, question, context.folder, _SECONDS if number else 1.0)
            context.say(f"round {number} of {_ROUNDS}: {name} {found.burst.rate:,.0f} requests/s")
            rounds[name] += [found] if number else []
    return rounds


def _round(program: Path, question: _Question, folder: Path, seconds: float) -> _Round:
    before = question.process.cpu_seconds
    found = burst(
        program,
        question.party,
        question.paths,
        folder,
        status=question.status,
        connections=_CONNECTIONS,
        seconds=seconds,
    )
    return _Round(found, (question.process.cpu_seconds - before) / found.requests * 1_000_000)


def _figures(rounds: Mapping[str, Sequence[_Round]]) -> list[Figure]:
    as_many, nearly = AtLeastTimes(1), AtLeastTimes(0.9)
    compared: tuple[tuple[str, str, Target | None], ...] = (
        (_OWN, _STATUS, as_many),
        (_OWN, _DISCOVERY, as_many),
        (_OWN, _REFERENCE, None),
        (_OWN_TREES, _STATUS, None),
        (_OWN_AGGREGATED, _REFERENCE_AGGREGATED, nearly),
    )
    rates = [
        Figure(_where(own), "requests/s", _rate(rounds[own]), peer, _rate(rounds[peer]), target)
        for own, peer, target in compared
    ]
    details = [
        Figure(
            name=f"{_where(own)}, {name}",
            unit=unit,
            own=median(read(found) for found in rounds[own]),
            peer_name=peer,
            peer=median(read(found) for found in rounds[peer]),
        )
        for own, peer in ((_OWN, _STATUS), (_OWN_AGGREGATED, _REFERENCE_AGGREGATED))
        for name, unit, read in _DETAILS
    ]
    return rates + details


_DETAILS: tuple[tuple[str, str, Callable[[_Round], float]], ...] = (
    ("p50", "ms", lambda found: found.burst.p50),
    ("p99", "ms", lambda found: found.burst.p99),
    ("the server's CPU a request", "µs", lambda found: found.cpu),
)


def _rate(rounds: Sequence[_Round]) -> float:
    return median(found.burst.rate for found in rounds)


def _where(name: str) -> str:
    return name if name == _OWN_AGGREGATED else f"{name}, direct"
