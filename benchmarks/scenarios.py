"""The scenarios, by the name that the command line knows them by: adding one is adding a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from benchmarks.context import Context
from benchmarks.figures import Result
from benchmarks.first_sync import first_sync
from benchmarks.many_kinds import many_kinds
from benchmarks.many_requests import many_requests
from benchmarks.one_tree import one_tree
from benchmarks.open_watches import open_watches
from benchmarks.related import related
from benchmarks.restart import restart

SCENARIOS: Mapping[str, Callable[[Context], Result]] = MappingProxyType(
    {
        "first-sync": first_sync,
        "one-tree": one_tree,
        "requests": many_requests,
        "watches": open_watches,
        "restart": restart,
        "relations": related,
        "kinds": many_kinds,
    }
)
