"""What cannot be served beside :mod:`tests.integration.framework_app`."""

from __future__ import annotations

from kubediscovery.framework import Registry, Struct, SubresourceRequest

registry = Registry(group="images.example.org", version="v1")


class Other(Struct, frozen=True):
    """Nothing."""


@registry.subresource("images", on="*.apps", returns=Other)
async def images(request: SubresourceRequest) -> Other:
    del request
    return Other()
