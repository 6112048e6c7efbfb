"""The objects of one kind, and what is known of the kind."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from kubediscovery.objects import Object


class Coverage(StrEnum):
    """What the store knows of a kind; for an omitted kind the value is the reason that answers give."""

    PENDING = "Pending"
    COMPLETE = "Complete"
    FORBIDDEN = "Forbidden"
    NOT_FOUND = "NotFound"
    UNAVAILABLE = "Unavailable"

    @property
    def omits(self) -> bool:
        """Whether nothing is known of such a kind, and nothing is to be expected."""
        return self not in (Coverage.PENDING, Coverage.COMPLETE)


@dataclass(slots=True)
class Table:
    """The objects of one kind: namespace → name → object.

    One that ``came_late`` is of a kind that others did not wait for: what its first list brings are changes.
    """

    came_late: bool = False
    coverage: Coverage = Coverage.PENDING
    version: int = 0
    count: int = 0
    namespaces: dict[str, dict[str, Object]] = field(default_factory=dict)

    def objects(self, namespace: str | None) -> Iterator[Object]:
        """Those of one namespace or of all; not to be held across an await."""
        if namespace is not None:
            yield from self.namespaces.get(namespace, {}).values()
            return
        for by_name in self.namespaces.values():
            yield from by_name.values()

    def discard(self, item: Object) -> None:
        """Drop an object that is here."""
        by_name = self.namespaces[item.namespace]
        del by_name[item.name]
        if not by_name:
            del self.namespaces[item.namespace]
        self.count -= 1
