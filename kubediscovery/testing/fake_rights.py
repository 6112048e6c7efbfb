"""Who may what in the fake cluster, and its answers to reviews."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

#: Who is in this group may do everything (k8s.io/apiserver, pkg/authentication/user/user.go).
MASTERS = "system:masters"

_EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """What ``who``, a user or a group, may: ``verbs`` on ``resources`` in ``namespace``, or everywhere without one.

    A resource is ``pods``, ``deployments.apps`` or ``deployments.apps/scale``: plural, group and subresource, each a
    glob; ``*`` alone is everything. ``names`` are of objects; none means all. ``paths`` are of requests for no
    resource, with ``*`` at their end.
    """

    who: str
    verbs: frozenset[str]
    resources: tuple[str, ...] = ()
    namespace: str = ""
    names: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()

    def allows(self, asked: Mapping[str, str], *, is_path: bool) -> bool:
        """Whether the attributes of a review are among what the rule gives."""
        if not {asked.get("verb", ""), _EVERYTHING} & self.verbs:
            return False
        if is_path:
            return any(fnmatchcase(asked.get("path", ""), path) for path in self.paths)
        if self.namespace and asked.get("namespace", "") != self.namespace:
            return False
        if self.names and asked.get("name", "") not in self.names:
            return False
        return any(_means(resource, asked) for resource in self.resources)


def _means(resource: str, asked: Mapping[str, str]) -> bool:
    if resource == _EVERYTHING:
        return True
    whole, _, subresource = resource.partition("/")
    plural, _, group = whole.partition(".")
    pairs = ((plural, "resource"), (group, "group"), (subresource, "subresource"))
    return all(fnmatchcase(asked.get(name, ""), pattern) for pattern, name in pairs)


@dataclass(slots=True)
class Rights:
    """Rules that tests add to and take from, and the bearer tokens that are good.

    Nobody may anything but members of system:masters, who may everything.
    """

    rules: list[Rule] = field(default_factory=list)
    tokens: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    def allow(self, who: str, verbs: str, resources: str, *, namespace: str = "", names: Iterable[str] = ()) -> None:
        """Allow a user or group verbs on resources, both comma-separated: ``allow("jane", "get,list", "pods")``."""
        self.rules.append(Rule(who, _words(verbs), tuple(_split(resources)), namespace, frozenset(names)))

    def allow_paths(self, who: str, paths: str, *, verbs: str = "get") -> None:
        """Allow a user or group paths that are of no resource, comma-separated, as ``/metrics,/version/*``."""
        self.rules.append(Rule(who, _words(verbs), paths=tuple(_split(paths))))

    def take(self, who: str) -> None:
        """Take all rights from a user or group."""
        self.rules = [rule for rule in self.rules if rule.who != who]

    def allows(self, user: str, groups: Iterable[str], asked: Mapping[str, str], *, is_path: bool = False) -> bool:
        """Whether any rule lets them."""
        names = {user, *groups}
        if MASTERS in names:
            return True
        return any(rule.who in names and rule.allows(asked, is_path=is_path) for rule in self.rules)

    def review_access(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """The status of a SubjectAccessReview."""
        is_path = not spec.get("resourceAttributes")
        asked = spec.get("nonResourceAttributes") if is_path else spec["resourceAttributes"]
        allowed = self.allows(spec.get("user", ""), spec.get("groups") or (), asked or {}, is_path=is_path)
        return {"allowed": allowed, "reason": "" if allowed else "no rule of the fake cluster allows it"}

    def review_token(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """The status of a TokenReview."""
        if spec.get("token") not in self.tokens:
            return {"authenticated": False}
        user, groups = self.tokens[spec["token"]]
        return {"authenticated": True, "user": {"username": user, "groups": [*groups, "system:authenticated"]}}


def _split(words: str) -> Iterable[str]:
    return (word.strip() for word in words.split(",") if word.strip())


def _words(words: str) -> frozenset[str]:
    return frozenset(_split(words))
