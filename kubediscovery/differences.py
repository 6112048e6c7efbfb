"""What is different between two JSON documents, as field paths.

Lists whose entries have a key are compared by it, so that an entry that moved is not another one. The keys are those of
Kubernetes's own lists (k8s.io/api, ``patchMergeKey`` and ``listMapKey``); of other lists any by which all entries
differ. A list of plain values is one value, as it is for a strategic merge patch.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from kubediscovery.field_paths import Keyed, Path, key_text, scalar_text

_KEYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "ports": (("containerPort", "protocol"), ("port", "protocol"), ("containerPort",), ("port",), ("name",)),
    "volumeMounts": (("mountPath",),),
    "volumeDevices": (("devicePath",),),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
    "hostAliases": (("ip",),),
    "conditions": (("type",),),
    "addresses": (("type",),),
    "ownerReferences": (("uid",),),
}
_USUAL: tuple[tuple[str, ...], ...] = (("name",), ("key",), ("id",), ("uid",), ("type",))


class What(StrEnum):
    """What became of a field."""

    ADDED = "Added"
    REMOVED = "Removed"
    CHANGED = "Changed"
    REORDERED = "Reordered"


class Difference(NamedTuple):
    """One field; ``before`` of what was added and ``after`` of what was removed are None.

    Of a list whose entries stand in another order they are the entries' keys, as text, in their orders.
    """

    path: Path
    what: What
    before: object
    after: object


def differences(before: object, after: object) -> list[Difference]:
    """What has to be done to ``before`` to get ``after``, in the order of the documents."""
    found: list[Difference] = []
    _compare((), before, after, found)
    return found


def _compare(path: Path, before: object, after: object, found: list[Difference]) -> None:
    if isinstance(before, dict) and isinstance(after, dict):
        _compare_fields(path, before, after, found)
    elif isinstance(before, list) and isinstance(after, list):
        _compare_lists(path, before, after, found)
    elif type(before) is not type(after) or before != after:
        found.append(Difference(path, What.CHANGED, before, after))


def _compare_fields(
    path: Path, before: Mapping[str, object], after: Mapping[str, object], found: list[Difference]
) -> None:
    for name, value in before.items():
        if name in after:
            _compare((*path, name), value, after[name], found)
        else:
            found.append(Difference((*path, name), What.REMOVED, value, None))
    found += [Difference((*path, name), What.ADDED, None, value) for name, value in after.items() if name not in before]


def _compare_lists(path: Path, before: list[object], after: list[object], found: list[Difference]) -> None:
    fields = _key_fields(path, before, after)
    if fields is not None:
        _compare_keyed(path, _by_key(before, fields), _by_key(after, fields), found)
    elif len(before) == len(after) and all(isinstance(item, dict) for item in (*before, *after)):
        for place, (former, present) in enumerate(zip(before, after, strict=True)):
            _compare((*path, place), former, present, found)
    elif not _is_same(before, after):
        found.append(Difference(path, What.CHANGED, before, after))


def _compare_keyed(
    path: Path, before: Mapping[Keyed, object], after: Mapping[Keyed, object], found: list[Difference]
) -> None:
    for key, item in before.items():
        if key in after:
            _compare((*path, key), item, after[key], found)
        else:
            found.append(Difference((*path, key), What.REMOVED, item, None))
    added = [key for key in after if key not in before]
    found += [Difference((*path, key), What.ADDED, None, after[key]) for key in added]
    order, wanted = [*(key for key in before if key in after), *added], list(after)
    if order != wanted:
        found.append(Difference(path, What.REORDERED, [*map(key_text, order)], [*map(key_text, wanted)]))


def _is_same(before: object, after: object) -> bool:
    found: list[Difference] = []
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_is_same, before, after))
    _compare((), before, after, found)
    return not found


def _key_fields(path: Path, before: Sequence[object], after: Sequence[object]) -> tuple[str, ...] | None:
    """The fields by which the entries of both lists can be told apart; None for no such fields."""
    items = (*before, *after)
    if not items or not all(isinstance(item, dict) for item in items):
        return None
    name = next((step for step in reversed(path) if isinstance(step, str)), "")
    for fields in (*_KEYS.get(name, ()), *_USUAL):
        keys = [_keys(found, fields) for found in (before, after)]
        if all(None not in found and len({*found}) == len(found) for found in keys):
            return fields
    return None


def _keys(items: Iterable[object], fields: tuple[str, ...]) -> list[Keyed | None]:
    return [_key(item, fields) for item in items]


def _key(item: object, fields: tuple[str, ...]) -> Keyed | None:
    pairs: list[tuple[str, str]] = []
    for name in fields:
        value = scalar_text(item.get(name)) if isinstance(item, dict) else None
        if value is None:
            return None
        pairs.append((name, value))
    return Keyed(tuple(pairs))


def _by_key(items: Iterable[object], fields: tuple[str, ...]) -> dict[Keyed, object]:
    return {key: item for item in items if (key := _key(item, fields)) is not None}
