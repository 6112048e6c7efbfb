"""Registries as authors of subresources write them."""

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from kubediscovery.authz import ResourceAttributes
from kubediscovery.framework import (
    Column,
    Conflict,
    Meta,
    NotFound,
    Patch,
    Registration,
    Registry,
    Struct,
    SubresourceRequest,
    User,
)
from kubediscovery.objects import PodState
from kubediscovery.registry import Renew
from kubediscovery.services import Services

IMAGES, ACTIONS = "images.example.org", "actions.example.org"
OF_IMAGES = f"/apis/{IMAGES}/v1/namespaces/shop/deployments"
OF_ACTIONS = f"/apis/{ACTIONS}/v1alpha1/namespaces/shop/deployments"
WEB_IMAGES = f"{OF_IMAGES}/web/images"


class Order(StrEnum):
    NAME = "name"
    USE = "use"


class Wanted(Struct, frozen=True):
    """What can be asked of images."""

    order: Order = Order.NAME
    least: Annotated[int, Meta(ge=1, le=100)] = 1
    of: tuple[str, ...] = ()
    short: bool = False
    prefix: str | None = None


class Image(Struct, frozen=True):
    """One image."""

    name: Annotated[str, Meta(description="Name of the image.")]
    pods: int


class ImageList(Struct, frozen=True):
    """All images in a tree."""

    images: list[Image]


class Order2(Struct, frozen=True, rename="camel"):
    """What is to be done."""

    after_seconds: Annotated[int, Meta(ge=0)] = 0


class Size(Struct, frozen=True, rename="camel"):
    """How much of it there is to be; who gets it may update it."""

    replicas: Annotated[int, Meta(ge=0)] = 1
    note: str | None = None
    limits: Mapping[str, int] = {}


class Done(Struct, frozen=True):
    """What was done."""

    message: str
    dry_run: bool = False


def image_registry() -> Registry:
    """One that reads: ``images`` of two kinds, and what goes wrong in ways of its own."""
    registry = Registry(group=IMAGES, version="v1")

    @registry.subresource(
        "images",
        on="deployments.apps, statefulsets.apps",
        returns=ImageList,
        query=Wanted,
        watch=True,
        columns=[
            Column("Images", "string", lambda found: [each.name for each in found.images]),
            Column("Pods", "integer", lambda found: sum(each.pods for each in found.images), 1, "Pods that run."),
        ],
    )
    async def images(request: SubresourceRequest[Wanted]) -> ImageList:
        """The images in the tree of one object."""
        counted: dict[str, int] = {}
        for item in request.seen.below(request.parent):
            for name in item.state.images if isinstance(item.state, PodState) else ():
                counted[name] = counted.get(name, 0) + 1
        wanted = [Image(name, pods) for name, pods in sorted(counted.items()) if pods >= request.query.least]
        return ImageList([each for each in wanted if not request.query.of or each.name in request.query.of])

    @registry.subresource("health", returns=Done)
    async def health(request: SubresourceRequest) -> Done:
        """What the composition says."""
        return Done(request.composition.status.health)

    @registry.subresource("broken", returns=Done)
    async def broken(request: SubresourceRequest) -> Done:
        raise ValueError(f"a secret of {request.name}")

    @registry.subresource("slow", returns=Done, timeout=0.01)
    async def slow(request: SubresourceRequest) -> Done:
        del request
        await asyncio.sleep(60)
        return Done("never")

    @registry.subresource("wrong", returns=Done)
    async def wrong(request: SubresourceRequest) -> Done:
        return request.name  # type: ignore[return-value]

    @registry.subresource("absent", returns=Done)
    async def absent(request: SubresourceRequest) -> Done:
        if request.name == "web":
            raise NotFound("there is nothing of web")
        return Done(request.name)

    return registry


def action_registry() -> Registry:
    """One that acts: ``restart`` as a class with several verbs, ``tail`` as a connection, ``raw`` as a responder."""
    registry = Registry(group=ACTIONS, version="v1alpha1")

    @registry.subresource("restart", on="deployments.apps", returns=Done, body=Order2)
    class Restart:
        """Restarts what it is asked of."""

        async def get(self, request: SubresourceRequest[None, None]) -> Done:
            return Done(f"{request.name} can be restarted")

        async def create(self, request: SubresourceRequest[None, Order2]) -> Done:
            """Restart it."""
            if request.body.after_seconds > 100:
                raise Conflict("it is restarted already")
            return Done(f"{request.verb} {request.body.after_seconds}", dry_run=request.dry_run)

        async def update(self, request: SubresourceRequest[None, Order2]) -> Done:
            return Done(f"{request.verb} {request.body.after_seconds}", dry_run=request.dry_run)

    @registry.subresource("halt", on="deployments.apps", verbs=("create", "delete"))
    async def halt(request: SubresourceRequest) -> None:
        """Halt it, or let it go on."""
        if not request.dry_run and request.verb == "create":
            raise Conflict(f"{request.name} cannot be halted")

    @registry.subresource("tail", on="pods", verbs=("connect",))
    async def tail(request: SubresourceRequest) -> Response:
        """What it says."""
        assert request.http is not None
        return PlainTextResponse(f"{request.http.method} {request.name} {request.verb}")

    registry.respond("raw", on="pods", kind="Raw", verbs=("get",), by=Raw)
    return registry


def patch_registry() -> Registry:
    """One whose ``size`` is patched by what gets and updates it, and ``label`` by a handler of its own."""
    registry = Registry(group=ACTIONS, version="v1alpha1")

    @registry.subresource("size", on="deployments.apps", returns=Size, body=Size)
    class Sizes:
        """What can be patched, as it is got and updated."""

        kept = Size(note="as it was", limits={"cpu": 2})

        async def get(self, request: SubresourceRequest[None, None]) -> Size:
            assert (request.verb, request.body) == ("get", None)
            return self.kept

        async def update(self, request: SubresourceRequest[None, Size]) -> Size:
            if request.body.replicas > 100:
                raise Conflict("it is too large")
            if not request.dry_run:
                self.kept = request.body
            return request.body

    @registry.subresource("label", on="deployments.apps", returns=Done, verbs=("patch",))
    async def label(request: SubresourceRequest[None, Patch]) -> Done:
        """Label it."""
        patch = request.body
        said = f"{request.verb} {patch.type.name} {patch.document} {patch.field_manager} {patch.force}"
        return Done(said, dry_run=request.dry_run)

    return registry


class Raw:
    """Answers requests as they are."""

    def __init__(self, services: Services, registration: Registration) -> None:
        self.services, self.registration = services, registration

    async def respond(self, request: Request, user: User, attributes: ResourceAttributes, renew: Renew) -> Response:
        await renew()
        return PlainTextResponse(f"{user.name} {request.method} {attributes.name} {self.registration.name}")
