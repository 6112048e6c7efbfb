"""Everything that the author of a subresource imports, in one place.

::

    from kubediscovery.framework import Registry, Struct, SubresourceRequest

    registry = Registry(group="images.example.org", version="v1")


    class ImageList(Struct, frozen=True):
        images: list[str]


    @registry.subresource("images", on="deployments.apps, statefulsets.apps", returns=ImageList)
    async def images(request: SubresourceRequest) -> ImageList: ...

``kubediscovery serve --app module:registry`` serves it.
"""

from msgspec import Meta, Struct

from kubediscovery.contracts import Contract
from kubediscovery.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RegistrationError,
    ServiceUnavailable,
    StatusError,
    TooManyRequests,
    UnsupportedMediaType,
    UpstreamError,
)
from kubediscovery.identity import User
from kubediscovery.kinds import Kind
from kubediscovery.objects import Object
from kubediscovery.patches import Patch, PatchType
from kubediscovery.registry import Description, Registration, Registry, Responder
from kubediscovery.subresource import Column, Seen, SubresourceRequest

__all__ = [
    "BadRequest",
    "Column",
    "Conflict",
    "Contract",
    "Description",
    "Forbidden",
    "Invalid",
    "Kind",
    "Meta",
    "NotFound",
    "Object",
    "Patch",
    "PatchType",
    "Registration",
    "RegistrationError",
    "Registry",
    "Responder",
    "Seen",
    "ServiceUnavailable",
    "StatusError",
    "Struct",
    "SubresourceRequest",
    "TooManyRequests",
    "UnsupportedMediaType",
    "UpstreamError",
    "User",
]
