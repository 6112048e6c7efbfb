"""Who may what in an installation: the server of itself, and users of what it serves."""

from collections.abc import Iterable
from dataclasses import dataclass

from kubediscovery.config import AGGREGATION_LABEL, SERVER_ROLE
from kubediscovery.granted import GroupResource, reading_rules
from kubediscovery.roles import aggregate_role, binding, cluster_role
from kubediscovery.workload import NAME, Manifest

_READ = frozenset(("get", "list", "watch"))
_READERS, _WRITERS = ("view", "edit", "admin"), ("edit", "admin")
# What podmetrics answers with; nothing of it can be watched.
_METRICS: Manifest = {"apiGroups": ["metrics.k8s.io"], "resources": ["pods"], "verbs": ["list"]}
_AUTHENTICATION_READER = "extension-apiserver-authentication-reader"


@dataclass(frozen=True, slots=True)
class UsersRule:
    """A resource or subresource, as ``*/images``, and the verbs that users get; in the first group without another."""

    resource: str
    verbs: tuple[str, ...]
    group: str = ""


BUILT_IN = (
    UsersRule("compositions", ("get", "list", "watch")),
    UsersRule("lint", ("list",)),
    UsersRule("*/compositions", ("get", "watch")),
    UsersRule("*/connections", ("get", "watch")),
    UsersRule("*/explain", ("get",)),
    UsersRule("*/man", ("get",)),
    UsersRule("*/podmetrics", ("get",)),
    *(UsersRule(f"*/{name}", ("get",)) for name in ("versions", "spechistory", "diff", "bisect", "changes")),
)


def access(
    product: str,
    namespace: str,
    api_group: str,
    resources: tuple[Iterable[GroupResource], Iterable[GroupResource]],
    users: tuple[UsersRule, ...],
) -> tuple[Manifest, ...]:
    """Roles and bindings for the service account ``product`` in the namespace, and for users of the group.

    ``resources`` are what the server reads, and what it reads beside that. What kubediscovery may read is the sum of
    roles that anybody may add to; a server of somebody's own subresources reads what it needs and no more.
    """
    server_role = SERVER_ROLE if product == NAME else f"{product}:server"

    def bound(name: str, kind: str, role: str, *, inside: str = "") -> Manifest:
        return binding(namespace, name, kind, role, namespace=inside, product=product)

    return (
        *_server_roles(product, server_role, *map(tuple, resources)),
        *_user_roles(product, api_group, users or BUILT_IN),
        bound(server_role, "ClusterRole", server_role),
        bound(f"{product}:auth-delegator", "ClusterRole", "system:auth-delegator"),
        bound(f"{product}:auth-reader", "Role", _AUTHENTICATION_READER, inside="kube-system"),
    )


def _server_roles(
    product: str, role: str, resources: tuple[GroupResource, ...], more: tuple[GroupResource, ...]
) -> tuple[Manifest, ...]:
    if product != NAME:
        return (cluster_role(role, reading_rules((*resources, *more)), product=product),)
    label = {AGGREGATION_LABEL: "true"}
    return (
        aggregate_role(role, AGGREGATION_LABEL),
        cluster_role(f"{role}-built-in", [*reading_rules(resources), _METRICS], labels=label),
        *([cluster_role(f"{role}-more", reading_rules(more), labels=label)] if more else []),
    )


def _user_roles(product: str, api_group: str, users: tuple[UsersRule, ...]) -> list[Manifest]:
    """Asking is open to whoever may view, acting to whoever may edit; what they see is still checked kind by kind."""
    made = []
    for name, to, is_meant in (("view", _READERS, _READ.__contains__), ("edit", _WRITERS, _is_acting)):
        rules = [
            {"apiGroups": [rule.group or api_group], "resources": [rule.resource], "verbs": verbs}
            for rule in users
            if (verbs := [verb for verb in rule.verbs if is_meant(verb)])
        ]
        labels = {f"rbac.authorization.k8s.io/aggregate-to-{role}": "true" for role in to}
        if rules:
            made.append(cluster_role(f"{product}:{name}", rules, labels=labels, product=product))
    return made


def _is_acting(verb: str) -> bool:
    return verb not in _READ
