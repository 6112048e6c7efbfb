"""Who made an object, up to those that nothing owns.

kubediscovery serve --app examples.owners:registry
kubectl get --raw /apis/owners.example.org/v1/namespaces/default/pods/web-0/owners
"""

from kubediscovery.framework import Column, Registry, Struct, SubresourceRequest

registry = Registry(group="owners.example.org", version="v1")


class Owner(Struct, frozen=True):
    """One of the owners; those of the object itself are one step away."""

    kind: str
    name: str
    steps: int


class OwnerList(Struct, frozen=True):
    """What is answered; apiVersion, kind and metadata are added."""

    owners: list[Owner]


class Wanted(Struct, frozen=True):
    """The query parameters, as in ``?roots=true``: those alone that nothing owns."""

    roots: bool = False


@registry.subresource(
    "owners",
    on="*",
    returns=OwnerList,
    query=Wanted,
    columns=[Column("Owners", "string", lambda found: ", ".join(f"{each.kind}/{each.name}" for each in found.owners))],
)
async def owners(request: SubresourceRequest) -> OwnerList:
    """All owners that the caller may list, each once, the nearest first."""
    found: list[Owner] = []
    seen, step, above = {request.parent.uid}, 0, [request.parent]
    while above:
        step += 1
        nearest = {owner.uid: owner for item in above for owner in request.seen.owners(item) if owner.uid not in seen}
        seen |= nearest.keys()
        above = list(nearest.values())
        shown = [item for item in above if not (request.query.roots and request.seen.owners(item))]
        found += [Owner(item.kind.kind, item.name, step) for item in shown]
    return OwnerList(found)
