"""Restart a workload as ``kubectl rollout restart`` does: one that acts.

    kubediscovery serve --app examples.restart:registry
    kubectl create --raw /apis/restart.example.org/v1/namespaces/default/deployments/web/restart -f /dev/null

The server needs the right to patch what it restarts, and the caller too.
"""

from kubediscovery.framework import Forbidden, Registry, Struct, SubresourceRequest

registry = Registry(group="restart.example.org", version="v1")
ANNOTATION = "kubectl.kubernetes.io/restartedAt"


class Restart(Struct, frozen=True, rename="camel"):
    """What is answered; apiVersion, kind and metadata are added."""

    restarted_at: str
    dry_run: bool


@registry.subresource(
    "restart", on="deployments.apps, statefulsets.apps, daemonsets.apps", returns=Restart, verbs=["create"]
)
async def restart(request: SubresourceRequest) -> Restart:
    """Write the time into the pod template, so that the controller makes new pods; dryRun=All only asks."""
    kind, namespace, name = request.kind, request.namespace, request.name
    # The client has this server's rights: without this question everybody would have them.
    if not await request.may("patch", kind.resource, group=kind.group, namespace=namespace, name=name):
        raise Forbidden(f'you may not patch {kind.group_resource} "{name}"')
    now = request.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    await request.client.request(
        "PATCH",
        f"/apis/{kind.api_version}/namespaces/{namespace}/{kind.resource}/{name}",
        body={"spec": {"template": {"metadata": {"annotations": {ANNOTATION: now}}}}},
        content_type="application/merge-patch+json",
    )
    return Restart(now, request.dry_run)
