"""``/livez`` and ``/readyz``: named checks, in the form of k8s.io/apiserver (pkg/server/healthz/healthz.go)."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from kubediscovery.errors import NotFound


@dataclass(frozen=True, slots=True)
class Check:
    """A check that has passed or not, with a word on what is being done; nothing in it may be secret.

    Those that have passed and have the same ``among`` are told of in one line, unless they are asked for by name.
    """

    name: str
    passed: bool
    note: str = ""
    among: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of some checks as text; ``passed`` decides between 200 and 500."""

    passed: bool
    text: str


class Readiness:
    """Two lists of checks, asked anew at every probe, and how far the process is on its way out.

    First ``shutting_down`` is true and readiness fails; when no new connections are taken any more ``draining`` is set,
    and watches end (k8s.io/apiserver, pkg/server/lifecycle_signals.go).
    """

    def __init__(self, checks: Callable[[], Iterable[Check]]) -> None:
        self._checks = checks
        self.shutting_down = False
        self.draining = asyncio.Event()

    def live(self, name: str, *, verbose: bool, excluded: frozenset[str]) -> Report:
        """Alive means answering; nothing outside the process can make it fail."""
        return _report("livez", [Check("ping", passed=True)], name, verbose=verbose, excluded=excluded)

    def ready(self, name: str, *, verbose: bool, excluded: frozenset[str]) -> Report:
        """Ready means that requests get answers; ``name`` asks for one check alone.

        Raises :class:`NotFound` for a check that does not exist.
        """
        checks = [Check("ping", passed=True), *self._checks(), Check("shutdown", passed=not self.shutting_down)]
        return _report("readyz", checks, name, verbose=verbose, excluded=excluded)


def _report(endpoint: str, checks: list[Check], name: str, *, verbose: bool, excluded: frozenset[str]) -> Report:
    if name:
        checks = [check for check in checks if check.name == name]
        if not checks:
            raise NotFound("the server could not find the requested resource")
    passed = all(check.passed or check.name in excluded for check in checks)
    if passed and not verbose:
        return Report(passed, "ok")
    lines = list(_lines(checks, excluded, whole=bool(name)))
    lines += [
        f'warn: some health checks cannot be excluded: no matches for "{unknown}"'
        for unknown in sorted(excluded - {check.name for check in checks})
    ]
    return Report(passed, "\n".join([*lines, f"{endpoint} check {'passed' if passed else 'failed'}", ""]))


def _lines(checks: list[Check], excluded: frozenset[str], *, whole: bool) -> Iterator[str]:
    """A line for each check, and one for all that need none of their own, where the first of them is."""
    alike = Counter((check.among, check.note) for check in checks if _is_quiet(check, excluded) and not whole)
    for check in checks:
        if whole or not _is_quiet(check, excluded):
            yield _line(check, excluded)
        elif number := alike.pop((check.among, check.note), 0):
            yield f"[+]{check.among} ok: {number} more, {check.note}"


def _is_quiet(check: Check, excluded: frozenset[str]) -> bool:
    return bool(check.among) and check.passed and check.name not in excluded


def _line(check: Check, excluded: frozenset[str]) -> str:
    note = f": {check.note}" if check.note else ""
    if check.name in excluded:
        return f"[+]{check.name} excluded: ok"
    return f"[+]{check.name} ok{note}" if check.passed else f"[-]{check.name} failed{note}"
