"""Are the servers that are compared of one mind: the same objects in the same trees."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.figures import WrongAnswerError
from benchmarks.filled import Load


@dataclass(frozen=True, slots=True)
class Member:
    """An object in a tree, and the UID of the one above it (empty for the root)."""

    kind: str
    namespace: str
    name: str
    uid: str
    parent: str


def members(composition: Mapping[str, Any]) -> frozenset[Member]:
    """All objects of a Composition."""
    return frozenset(_walk(composition["root"], ""))


def _walk(node: Mapping[str, Any], parent: str) -> Iterator[Member]:
    yield Member(node["kind"], node["namespace"], node["name"], node["uid"], parent)
    for child in node.get("children", ()):
        yield from _walk(child, node["uid"])


def check_drawn(program: str, text: str, composition: Mapping[str, Any]) -> None:
    """`WrongAnswerError` if a tree that is drawn for people, as ``Kind/name``, is not of the same objects."""
    expected = {f"{member.kind}/{member.name}" for member in members(composition)}
    found = set(re.findall(r"[A-Z][A-Za-z]*/[a-z0-9.-]+", text))
    if found != expected:
        raise WrongAnswerError(f"{program} draws other objects than there are: {', '.join(sorted(found ^ expected))}")


def check_uids(program: str, found: Iterable[str], expected: frozenset[str]) -> None:
    """`WrongAnswerError` if a program knows other objects."""
    different = expected.symmetric_difference(found)
    if different:
        raise WrongAnswerError(f"{program} differs in {len(different)} of {len(expected)} objects")


def sample(load: Load, count: int = 20) -> list[tuple[str, str]]:
    """Some of the Deployments, the same in every run, of all namespaces: namespace and name."""
    chosen = random.Random(count).sample(range(load.deployments), count)  # noqa: S311 - no secret
    return [load.deployment(number) for number in chosen]


def check_counts(name: str, counts: Mapping[str, int], expected: Mapping[str, int]) -> None:
    """`WrongAnswerError` if a server does not hold what was filled in; of other kinds it may hold more."""
    held = {resource: counts.get(resource, 0) for resource in expected}
    if held != dict(expected):
        raise WrongAnswerError(f"{name} holds {held}, and the cluster {dict(expected)}")


def check_same(
    own: Callable[[str, str], Any], peer: Callable[[str, str], Any], sample: list[tuple[str, str]], size: int
) -> None:
    """Compare the trees of some Deployments (namespace, name), which have ``size`` objects each.

    `WrongAnswerError` for the first one that differs.
    """
    for namespace, name in sample:
        found, expected = members(own(namespace, name)), members(peer(namespace, name))
        if found != expected or len(found) != size:
            difference = sorted(member.name for member in found ^ expected)
            raise WrongAnswerError(
                f"the trees of {namespace}/{name} have {len(found)} and {len(expected)} objects, {size} are right;"
                f" they differ in {', '.join(difference) or 'nothing'}"
            )
