"""All images in a tree, with the pods that run them.

kubediscovery serve --app examples.images:registry
kubectl get --raw /apis/images.example.org/v1/namespaces/default/deployments/web/images
"""

from kubediscovery.framework import Column, Registry, Struct, SubresourceRequest
from kubediscovery.objects import PodState

registry = Registry(group="images.example.org", version="v1")


class Image(Struct, frozen=True):
    """An image, and the names of the pods that run it."""

    image: str
    pods: list[str]


class ImageList(Struct, frozen=True):
    """What is answered; apiVersion, kind and metadata are added."""

    images: list[Image]


@registry.subresource(
    "images",
    on="*",
    returns=ImageList,
    watch=True,
    columns=[
        Column("Images", "integer", lambda found: len(found.images)),
        Column("Names", "string", lambda found: ", ".join(each.image for each in found.images), priority=1),
    ],
)
async def images(request: SubresourceRequest) -> ImageList:
    """The images of the object's pods, its own if it is one; the caller sees pods that they may list alone."""
    running: dict[str, set[str]] = {}
    for item in (request.parent, *request.seen.below(request.parent)):
        if isinstance(item.state, PodState):
            for image in item.state.images:
                running.setdefault(image, set()).add(item.name)
    return ImageList([Image(image, sorted(pods)) for image, pods in sorted(running.items())])
