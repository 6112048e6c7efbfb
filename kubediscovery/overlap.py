"""Whether two filters may mean the same kind, said before anybody knows which kinds a cluster has."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from kubediscovery.drawing import KindFilter
from kubediscovery.kinds import Kind

_EVERYTHING = ("*",)


def overlap(one: KindFilter, other: KindFilter, known: Iterable[Kind] = ()) -> bool:
    """Whether a kind may pass both; where that cannot be told from their words, it counts as one that may.

    A custom kind that one of them calls by its kind and the other by its plural is not found, unless it is ``known``.
    """
    if any(one.passes(kind) and other.passes(kind) for kind in known):
        return True
    return any(
        _may_meet(word, beside)
        and not any(_covers(refused, word) for refused in other.refused)
        and not any(_covers(refused, beside) for refused in one.refused)
        for word in one.accepted or _EVERYTHING
        for beside in other.accepted or _EVERYTHING
    )


def _may_meet(one: str, other: str) -> bool:
    """Whether two globs match a name that both have; one without a group means a plural of any group."""
    if ("." in one) == ("." in other):
        return _intersect(one, other)
    return _intersect(one.partition(".")[0], other.partition(".")[0]) or _intersect(one, other)


def _covers(refused: str, word: str) -> bool:
    """Whether all that the word can match is refused."""
    return fnmatchcase(word, refused) or ("." not in refused and fnmatchcase(word.partition(".")[0], refused))


def _intersect(one: str, other: str) -> bool:
    """Whether any text matches both globs: all pairs of places that can be reached together."""
    reached, todo = {(0, 0)}, [(0, 0)]
    while todo:
        place = todo.pop()
        if place == (len(one), len(other)):
            return True
        for following in _following(one, other, *place):
            if following not in reached:
                reached.add(following)
                todo.append(following)
    return False


def _following(one: str, other: str, here: int, there: int) -> Iterable[tuple[int, int]]:
    left, right = one[here : here + 1], other[there : there + 1]
    if left == "*":
        yield here + 1, there
        if right:
            yield here, there + 1
    if right == "*":
        yield here, there + 1
        if left:
            yield here + 1, there
    if left and right and (left == right or "?" in (left, right)):
        yield here + 1, there + 1
