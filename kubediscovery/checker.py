"""Puts a check together: what its flags mean, whom it asks, who is told, and the status that it ends with.

What only some checks need is not imported before.
"""

import asyncio
import json
import os
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from kubediscovery.addresses import Address, KindNames, Place, Selection, Wanted, parse_target
from kubediscovery.annotations import annotations
from kubediscovery.asking import ClusterSource, Source
from kubediscovery.checking import POLL, Check, Terms, lint_results, passes
from kubediscovery.client import Client
from kubediscovery.config import DEFAULT_GROUP, default_kubeconfig
from kubediscovery.errors import BadRequest, ConfigurationError, StartupError, UpstreamError
from kubediscovery.expectations import parse_expectations
from kubediscovery.expressions import Expression
from kubediscovery.junit import render_junit, write_junit
from kubediscovery.lines import Lines, Reporter, say, summary
from kubediscovery.options import FIELDS
from kubediscovery.report import report
from kubediscovery.selectors import parse_field_selector, parse_label_selector
from kubediscovery.verdicts import CANNOT_ASK, STATUSES, Outcome, Result, Verdict, worst

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """The flags of ``kubediscovery check``; times are in seconds, ``github`` None means where GitHub runs it."""

    targets: tuple[str, ...] = ()
    namespace: str | None = None
    all_namespaces: bool = False
    selector: str = ""
    field_selector: str = ""
    kubeconfig: str | None = None
    context: str | None = None
    snapshot: Path | None = None
    timeout: float = 300.0
    wait: bool = True
    settle: float = 10.0
    expect: tuple[str, ...] = ()
    lint: bool = False
    junit: Path | None = None
    github: bool | None = None
    output: str = "auto"
    api_group: str = DEFAULT_GROUP

    def validate(self) -> None:
        """Raise :class:`ConfigurationError` with every fault, one a line."""
        faults = [words for is_wrong, words in self._rules() if is_wrong]
        if faults:
            raise ConfigurationError("\n".join(faults))

    def _rules(self) -> tuple[tuple[bool, str], ...]:
        selects = bool(self.selector or self.field_selector)
        junit = self.junit
        return (
            (self.all_namespaces and self.namespace is not None, "--namespace and --all-namespaces exclude each other"),
            (
                self.namespace is not None and not _NAMESPACE.fullmatch(self.namespace),
                f'--namespace must be the name of a namespace, not "{self.namespace}"',
            ),
            (bool(self.targets) and selects, "targets and selectors exclude each other"),
            (bool(self.targets) and self.all_namespaces, "targets are of one namespace: --all-namespaces is for none"),
            (
                not (self.targets or selects or self.all_namespaces or self.namespace is not None),
                "nothing to check: give a target such as deployment/web, --selector, --namespace or --all-namespaces",
            ),
            (
                self.snapshot is not None and (self.kubeconfig is not None or self.context is not None),
                "--snapshot goes without --kubeconfig and --context: no cluster is behind it",
            ),
            (
                junit is not None and not _can_be_written(junit),
                f"--junit {junit}: not a file in a directory that can be written to",
            ),
        )


def _can_be_written(path: Path) -> bool:
    try:
        return not path.is_dir() and os.access(path.parent, os.W_OK)
    except OSError:
        return False


def run_check(options: CheckOptions, out: TextIO, error: TextIO) -> int:
    """Make the check, tell its results, and give the exit status; raises :class:`ConfigurationError` for bad usage."""
    for stream in (out, error):
        if hasattr(stream, "reconfigure"):
            # What cannot show a letter shows a question mark.
            stream.reconfigure(errors="replace")
    options.validate()
    plan = _plan(options)
    started = time.monotonic()
    reporter = _reporter(options, out, error)
    try:
        results = asyncio.run(_results(options, plan, reporter))
    finally:
        reporter.close()
    status = STATUSES[worst(result.verdict.outcome for result in results)]
    _tell(options, results, out, error)
    if options.junit is not None:
        try:
            write_junit(options.junit, render_junit(results, time.monotonic() - started))
        except StartupError as fault:
            say(error, f"error: {fault}")
            return max(status, CANNOT_ASK)
    return status


@dataclass(frozen=True, slots=True)
class _Plan:
    """What was understood of the flags before anything is asked."""

    wanted: tuple[Wanted, ...]
    expectations: tuple[Expression, ...]
    terms: Terms


def _plan(options: CheckOptions) -> _Plan:
    try:
        parse_label_selector(options.selector)
        parse_field_selector(options.field_selector, FIELDS)
    except BadRequest as error:
        raise ConfigurationError(str(error)) from error
    waits = options.wait and options.snapshot is None
    return _Plan(
        tuple(map(parse_target, options.targets)),
        parse_expectations(options.expect),
        Terms(wait=waits, timeout=options.timeout, settle=options.settle if waits else 0.0),
    )


def _reporter(options: CheckOptions, out: TextIO, error: TextIO) -> Reporter:
    is_for_people = out.isatty() and os.environ.get("CI", "").lower() in ("", "false", "0")
    if options.output == "tree" or (options.output == "auto" and is_for_people):
        from kubediscovery.live import LiveTree
        from kubediscovery.text import create_console

        return LiveTree(create_console(out))
    return Lines(error if options.output == "json" else out)


def _tell(options: CheckOptions, results: Sequence[Result], out: TextIO, error: TextIO) -> None:
    if options.output == "json":
        say(out, json.dumps(report(results), indent=2))
    else:
        for line in summary(results):
            say(out, line)
    is_github = os.environ.get("GITHUB_ACTIONS") == "true" if options.github is None else options.github
    if is_github:
        for line in annotations(results):
            # A runner reads both; the JSON must stay JSON.
            say(error if options.output == "json" else out, line)


async def _results(options: CheckOptions, plan: _Plan, reporter: Reporter) -> list[Result]:
    started = time.monotonic()
    try:
        async with _source(options) as (source, namespace):
            names = await _names(source, plan.terms)
            places = _places(options, plan, names, namespace)
            terms = replace(plan.terms, timeout=plan.terms.timeout - (time.monotonic() - started))
            results = await Check(source, places, plan.expectations, terms, reporter).run()
            return [*results, *(await lint_results(source, places, terms) if options.lint else ())]
    except UpstreamError as error:
        return _unanswered(options, str(error))


@asynccontextmanager
async def _source(options: CheckOptions) -> AsyncIterator[tuple[Source, str]]:
    """Whom to ask, and the namespace that is meant where none is said; raises :class:`UpstreamError` for nobody."""
    try:
        if options.snapshot is not None:
            from kubediscovery.reading import SnapshotSource

            client, source = None, SnapshotSource(options.snapshot, options.api_group)
        else:
            client = await Client.connect(options.kubeconfig or _kubeconfig(options), context=options.context)
    except ConfigurationError as error:
        raise UpstreamError(str(error)) from error
    if client is None:
        yield source, "default"
        return
    try:
        yield ClusterSource(client, options.api_group), client.namespace
    finally:
        await client.close()


def _kubeconfig(options: CheckOptions) -> str | None:
    """The kubeconfig that kubectl would read; None to take the pod's service account, if there is one."""
    path = default_kubeconfig()
    is_meant = options.context is not None or "KUBECONFIG" in os.environ or Path(path).exists()
    return path if is_meant else None


async def _names(source: Source, terms: Terms) -> KindNames:
    """The names of kinds, once there is somebody who tells them; raises :class:`UpstreamError`."""
    until = time.monotonic() + (terms.timeout if terms.wait else 0)
    while True:
        try:
            return await source.names()
        except UpstreamError as error:
            if error.code in (0, 404) or not passes(error) or time.monotonic() + POLL > until:
                raise
        await asyncio.sleep(POLL)


def _places(options: CheckOptions, plan: _Plan, names: KindNames, namespace: str) -> list[Place]:
    namespace = options.namespace if options.namespace is not None else namespace
    if not plan.wanted:
        return [Selection(None if options.all_namespaces else namespace, options.selector, options.field_selector)]
    found = [(names.find(wanted.type), wanted.name) for wanted in plan.wanted]
    places = [Address(kind, namespace if kind.namespaced else "", name) for kind, name in found]
    return list(dict.fromkeys(places))


def _unanswered(options: CheckOptions, words: str) -> list[Result]:
    titles = dict.fromkeys(options.targets) or ("compositions",)
    return [Result(title, Verdict(Outcome.UNANSWERED, "NoAnswer", words)) for title in titles]
