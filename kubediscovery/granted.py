"""What the server is let read: rules for RBAC, and what ``install --kinds`` means by a pattern."""

from collections.abc import Iterable
from itertools import groupby

from kubediscovery.built_in import KUBERNETES_GROUPS, KUBERNETES_KINDS
from kubediscovery.errors import ConfigurationError
from kubediscovery.kinds import Kind
from kubediscovery.selection import KindPattern, Selection
from kubediscovery.workload import Manifest

# A group and a plural in it; the plural ``*`` stands for all that the group has, and will have.
GroupResource = tuple[str, str]

EVERYTHING = "*"
# RBAC cannot let read the metadata alone, so whoever wants Secrets has to name them.
_SECRETS: GroupResource = ("", "secrets")


def _of(kind: Kind) -> GroupResource:
    return kind.group, kind.resource


BY_DEFAULT: tuple[GroupResource, ...] = tuple(
    _of(kind) for kind in Selection().of(KUBERNETES_KINDS) if _of(kind) != _SECRETS
)


def reading_rules(resources: Iterable[GroupResource]) -> list[Manifest]:
    """A rule for each group: list and watch, which is all that a reflector does."""
    by_group = groupby(sorted(set(resources)), key=lambda resource: resource[0])
    return [
        {"apiGroups": [group], "resources": [name for _, name in members], "verbs": ["list", "watch"]}
        for group, members in by_group
    ]


def needs_cluster(pattern: KindPattern) -> bool:
    """Whether only a cluster's discovery can tell what the pattern means."""
    return _exact(pattern) is None


def granted_by(patterns: Iterable[KindPattern], served: Iterable[Kind] = KUBERNETES_KINDS) -> tuple[GroupResource, ...]:
    """What the patterns mean in a cluster that serves these kinds, each once.

    ``secrets`` and ``kafkas.example.org`` mean just that, served or not, and ``*.example.org`` all of the group. Any
    other pattern means what it matches of the kinds, but for Secrets. Raises :class:`ConfigurationError` where that is
    nothing.
    """
    kinds, found = tuple(served), dict[GroupResource, None]()
    for pattern in patterns:
        exact = _exact(pattern)
        matched = [_of(kind) for kind in kinds if pattern.matches(kind) and _of(kind) != _SECRETS]
        if exact is None and not matched:
            raise ConfigurationError(f'--kinds "{pattern.text}": the cluster serves no such kind')
        found |= dict.fromkeys(matched if exact is None else [exact])
    return tuple(found)


def _exact(pattern: KindPattern) -> GroupResource | None:
    """What the pattern means in any cluster, if it is so."""
    resource, dot, group = pattern.text.partition(".")
    if not pattern.is_glob:
        rows = [_of(kind) for kind in KUBERNETES_KINDS if pattern.matches(kind)]
        return (group, resource) if dot else rows[0] if len(rows) == 1 else None
    is_whole_group = resource == EVERYTHING and group and not KindPattern(group).is_glob
    return (group, EVERYTHING) if is_whole_group and group not in KUBERNETES_GROUPS else None
