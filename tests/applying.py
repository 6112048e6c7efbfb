"""Applies the differences between two documents, to see that they say all."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

from kubediscovery.differences import Difference, What
from kubediscovery.field_paths import Keyed, Step, is_entry, parse_path


def applied(document: object, changes: Iterable[Difference]) -> object:
    """The document with these differences, which were found between it and another one: that other one.

    Raises ``LookupError`` where it has no such field.
    """
    root: list[object] = [deepcopy(document)]
    for change in changes:
        holder: object = root
        last: Step = 0
        for step in change.path:
            holder, last = _entered(holder, last), step
        _change(holder, last, change)
    return root[0]


def _entered(holder: object, step: Step) -> object:
    if isinstance(holder, dict) and isinstance(step, str):
        return holder[step]
    if isinstance(holder, list):
        return holder[_place(holder, step)]
    raise LookupError(step)


def _place(items: list[object], step: Step) -> int:
    if isinstance(step, int):
        return step
    assert isinstance(step, Keyed)
    return next((place for place, item in enumerate(items) if is_entry(item, step)), len(items))


def _change(holder: object, step: Step, change: Difference) -> None:
    if change.what is What.REORDERED:
        _reorder(_entered(holder, step), change.after)
    elif isinstance(holder, dict) and isinstance(step, str):
        if change.what is What.REMOVED:
            del holder[step]
        else:
            holder[step] = deepcopy(change.after)
    elif isinstance(holder, list):
        place = _place(holder, step)
        # What is added has no place yet: it comes after all others.
        holder[place : place + 1] = [] if change.what is What.REMOVED else [deepcopy(change.after)]
    else:
        raise LookupError(step)


def _reorder(items: object, order: object) -> None:
    assert isinstance(items, list)
    assert isinstance(order, list)
    keys = [parse_path(f"[{key}]")[0] for key in order]
    items.sort(key=lambda item: [isinstance(key, Keyed) and is_entry(item, key) for key in keys].index(True))
