"""What the installing user must be allowed to do, asked of kube-apiserver before anything is changed."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from kubediscovery.cluster import KubeApiserver, kind_of
from kubediscovery.workload import Manifest

AUTHENTICATION_CONFIG_MAP = "extension-apiserver-authentication"

# The rules of roles that are part of every cluster and that the server is bound to.
_SYSTEM_RULES: Mapping[str, tuple[Manifest, ...]] = {
    "system:auth-delegator": (
        {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
        {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
    ),
    "extension-apiserver-authentication-reader": (
        {
            "apiGroups": [""],
            "resources": ["configmaps"],
            "resourceNames": [AUTHENTICATION_CONFIG_MAP],
            "verbs": ["get", "list", "watch"],
        },
    ),
}


@dataclass(frozen=True, slots=True)
class Right:
    """One thing to be allowed to do, as RBAC names it."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""
    #: A path that is no resource's; then group and resource are empty.
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"{self.verb} the path {self.path}"
        group = f".{self.group}" if self.group else ""
        # A name matters to a reader only where the right is to that one object.
        name = f"/{self.name}" if self.verb in ("bind", "escalate") else ""
        namespace = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.resource}{group}{name}{namespace}"


# Who makes a role that is the sum of others must have everything, since it can come to have anything
# (pkg/registry/rbac/clusterrole/policybased/storage.go).
_FULL_AUTHORITY = (Right("*", "*", "*"), Right("*", "", "", path="*"))


@dataclass(frozen=True, slots=True)
class Grant:
    """Giving rights away: allowed by ``right``, or by having all of ``held`` (RBAC's rule against escalation)."""

    right: Right
    held: tuple[Right, ...]


async def missing_rights(client: KubeApiserver, manifests: Iterable[Manifest]) -> tuple[str, ...]:
    """What the caller may not do and would have to, in words, each once."""
    manifests = tuple(manifests)
    rights, grants = _rights_needed(manifests), _grants(manifests)
    allowed, granted = await asyncio.gather(
        asyncio.gather(*(_allowed(client, right) for right in rights)),
        asyncio.gather(*(_lacking(client, grant) for grant in grants)),
    )
    missing = [str(right) for right, is_allowed in zip(rights, allowed, strict=True) if not is_allowed]
    return tuple(dict.fromkeys([*missing, *filter(None, granted)]))


def _rights_needed(manifests: tuple[Manifest, ...]) -> list[Right]:
    read = [
        Right("get", "", "configmaps", "kube-system", AUTHENTICATION_CONFIG_MAP),
        Right("list", "apiregistration.k8s.io", "apiservices"),
    ]
    # A server-side apply that makes an object needs both verbs; what is there already is read first.
    return read + [
        _right(verb, manifest)
        for manifest in manifests
        for verb in ("get", "create", "patch")
        if verb != "get" or manifest["kind"] in ("Namespace", "Secret", "APIService")
    ]


def _right(verb: str, manifest: Manifest) -> Right:
    kind, metadata = kind_of(manifest), manifest["metadata"]
    return Right(verb, kind.group, kind.resource, metadata.get("namespace", ""), metadata["name"])


def _grants(manifests: tuple[Manifest, ...]) -> list[Grant]:
    own = {
        manifest["metadata"]["name"]: _rules_of(manifest, manifests)
        for manifest in manifests
        if "rules" in manifest or "aggregationRule" in manifest
    }
    rules = {**_SYSTEM_RULES, **own}
    group = "rbac.authorization.k8s.io"
    escalations = [
        Grant(_right("escalate", manifest), _of_rules(manifest["rules"], manifest["metadata"].get("namespace", "")))
        for manifest in manifests
        if "rules" in manifest
    ]
    escalations += [
        Grant(_right("escalate", manifest), _FULL_AUTHORITY) for manifest in manifests if "aggregationRule" in manifest
    ]
    bindings = [
        Grant(
            Right("bind", group, f"{manifest['roleRef']['kind'].lower()}s", namespace, manifest["roleRef"]["name"]),
            _of_rules(rules[manifest["roleRef"]["name"]], namespace),
        )
        for manifest in manifests
        if "roleRef" in manifest
        for namespace in [manifest["metadata"].get("namespace", "")]
    ]
    return escalations + bindings


def _rules_of(role: Manifest, manifests: tuple[Manifest, ...]) -> list[Manifest]:
    """A role's rules; one that is a sum of others will have those of the roles that it selects."""
    selectors = role.get("aggregationRule", {}).get("clusterRoleSelectors", ())
    summed = [
        rule
        for selector in selectors
        for manifest in manifests
        if selector["matchLabels"].items() <= manifest["metadata"]["labels"].items()
        for rule in manifest["rules"]
    ]
    return [*role.get("rules", ()), *summed]


def _of_rules(rules: Iterable[Manifest], namespace: str = "") -> tuple[Right, ...]:
    return tuple(
        Right(verb, group, resource, namespace, name)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
        for verb in rule["verbs"]
    )


async def _lacking(client: KubeApiserver, grant: Grant) -> str:
    if await _allowed(client, grant.right):
        return ""
    held = await asyncio.gather(*(_allowed(client, right) for right in grant.held))
    lacking = [right for right, is_held in zip(grant.held, held, strict=True) if not is_held]
    return f"{grant.right} (or what it gives: {_grouped(lacking)})" if lacking else ""


def _grouped(rights: Iterable[Right]) -> str:
    verbs: dict[Right, list[str]] = {}
    for right in rights:
        verbs.setdefault(replace(right, verb=""), []).append(right.verb)
    return ", ".join(str(replace(right, verb="/".join(of_right))) for right, of_right in verbs.items())


async def _allowed(client: KubeApiserver, right: Right) -> bool:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": _spec_of(right),
    }
    answer = await client.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=review)
    return answer["status"].get("allowed") is True


def _spec_of(right: Right) -> Manifest:
    if right.path:
        return {"nonResourceAttributes": {"path": right.path, "verb": right.verb}}
    resource, _, subresource = right.resource.partition("/")
    attributes = {
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        "subresource": subresource,
        "namespace": right.namespace,
        "name": right.name,
    }
    return {"resourceAttributes": {key: value for key, value in attributes.items() if value}}
