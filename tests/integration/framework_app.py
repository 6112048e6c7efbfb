"""What an author of subresources writes: a group that reads, and one that acts."""

from __future__ import annotations

from typing import Annotated

from kubediscovery.framework import Column, Conflict, Meta, Registry, Struct, SubresourceRequest, UpstreamError
from kubediscovery.objects import PodState

images = Registry(group="images.example.org", version="v1")
actions = Registry(group="actions.example.org", version="v1alpha1")


class ImageQuery(Struct, frozen=True):
    least: Annotated[int, Meta(ge=1)] = 1


class ImageList(Struct, frozen=True):
    """All images in a tree."""

    images: list[str]


class Restarted(Struct, frozen=True):
    """What was restarted."""

    generation: int


class Restart(Struct, frozen=True):
    """When it is to be restarted."""

    at: str


@images.subresource(
    "images",
    on="deployments.apps, statefulsets.apps",
    returns=ImageList,
    query=ImageQuery,
    watch=True,
    columns=[Column("Images", "string", lambda found: found.images)],
)
async def images_of(request: SubresourceRequest[ImageQuery]) -> ImageList:
    """All images in the tree of one object, with the pods that run them."""
    states = [item.state for item in request.seen.below(request.parent)]
    return ImageList(sorted({name for state in states if isinstance(state, PodState) for name in state.images}))


@images.subresource("broken", on="deployments.apps", returns=ImageList)
async def broken(request: SubresourceRequest) -> ImageList:
    """Fail."""
    raise ValueError(f"a secret of {request.name}")


class Pace(Struct, frozen=True):
    """How long it waits, kept in an annotation."""

    seconds: Annotated[int, Meta(ge=0)] = 0


@actions.subresource("pace", on="deployments.apps", returns=Pace, body=Pace)
class Pacing:
    """What is got and updated, and so can be patched."""

    async def get(self, request: SubresourceRequest) -> Pace:
        """How long it waits."""
        found = await request.client.request("GET", _path(request))
        return Pace(int(found["metadata"].get("annotations", {}).get("pace", "0")))

    async def update(self, request: SubresourceRequest[None, Pace]) -> Pace:
        """Let it wait so long."""
        annotations = {"pace": str(request.body.seconds)}
        await request.client.request(
            "PATCH",
            _path(request),
            body={"metadata": {"annotations": annotations}},
            content_type="application/merge-patch+json",
        )
        return request.body


@actions.subresource("restart", on="deployments.apps", returns=Restarted, body=Restart, verbs=("create",))
async def restart(request: SubresourceRequest[None, Restart]) -> Restarted:
    """Restart its pods."""
    annotations = {"kubectl.kubernetes.io/restartedAt": request.body.at}
    try:
        changed = await request.client.request(
            "PATCH",
            _path(request),
            body={"spec": {"template": {"metadata": {"annotations": annotations}}}},
            content_type="application/merge-patch+json",
        )
    except UpstreamError as error:
        raise Conflict(f"{request.name} cannot be restarted") from error
    return Restarted(changed["metadata"]["generation"])


def _path(request: SubresourceRequest) -> str:
    return f"/apis/apps/v1/namespaces/{request.namespace}/deployments/{request.name}"
