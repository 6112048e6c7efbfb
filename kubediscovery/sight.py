"""What one caller may see: kinds of objects, where the request looks and beyond."""

from msgspec import Struct

from kubediscovery.kinds import Kind
from kubediscovery.objects import Object


class Sight(Struct, frozen=True, cache_hash=True):
    """The kinds that somebody may list in a namespace, or in all of them for None.

    ``everywhere`` are those that he may list in all namespaces, as far as that was asked for: where a request that is
    about one namespace comes to an object of another, nothing else counts, unless it names that one too: ``beside`` has
    those with what may be listed in them. ``named`` are the kinds that were asked for whatever the cluster has, of
    which alone it may be said that they are hidden; ``all`` says that nothing is.
    """

    namespace: str | None
    kinds: frozenset[Kind]
    everywhere: frozenset[Kind] = frozenset()
    named: frozenset[Kind] = frozenset()
    all: bool = False
    beside: tuple[tuple[str, frozenset[Kind]], ...] = ()

    def sees(self, item: Object) -> bool:
        """Whether the object may be shown."""
        is_near = self.namespace is None or item.namespace in ("", self.namespace)
        return item.kind in (self.kinds if is_near else self.beyond(item.namespace))

    def beyond(self, namespace: str) -> frozenset[Kind]:
        """The kinds that may be seen in a namespace that is not the request's first."""
        for name, kinds in self.beside:
            if name == namespace:
                return kinds
        return self.everywhere
