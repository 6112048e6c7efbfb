"""The scenarios, by the name that the command line knows them by, and the sets that are run together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from benchmarks.churn import churn, churn_hour
from benchmarks.context import Context
from benchmarks.every_tree import every_tree, every_tree_large
from benchmarks.figures import Result
from benchmarks.first_sync import first_sync, first_sync_large
from benchmarks.framework import framework
from benchmarks.freshness import freshness
from benchmarks.many_kinds import many_kinds
from benchmarks.many_requests import many_requests
from benchmarks.one_tree import one_tree
from benchmarks.open_watches import open_watches
from benchmarks.related import related
from benchmarks.restart import restart
from benchmarks.sizes import sizes, sizes_large

Scenario = Callable[[Context], Result]

#: With 10,000 Pods, and what needs none.
STANDARD: Mapping[str, Scenario] = MappingProxyType(
    {
        "first-sync": first_sync,
        "one-tree": one_tree,
        "trees": every_tree,
        "requests": many_requests,
        "freshness": freshness,
        "watches": open_watches,
        "churn": churn,
        "sizes": sizes,
        "restart": restart,
        "relations": related,
        "kinds": many_kinds,
        "framework": framework,
    }
)
#: With 100,000 Pods and more.
LARGE: Mapping[str, Scenario] = MappingProxyType(
    {"first-sync-large": first_sync_large, "trees-large": every_tree_large, "sizes-large": sizes_large}
)
#: What takes an hour.
CHURN: Mapping[str, Scenario] = MappingProxyType({"churn-hour": churn_hour})

#: What goes on with the filled cluster of the one before; any other has the machine, and the folder, to itself.
CONTINUING = frozenset({"one-tree", "trees", "requests", "freshness", "watches", "trees-large"})

SETS: Mapping[str, Mapping[str, Scenario]] = MappingProxyType({"standard": STANDARD, "large": LARGE, "churn": CHURN})
SCENARIOS: Mapping[str, Scenario] = MappingProxyType({**STANDARD, **LARGE, **CHURN})
