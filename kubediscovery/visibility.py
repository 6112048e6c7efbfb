"""What of the tracked kinds a caller may see; asked of kube-apiserver as the caller, never assumed."""

from collections.abc import Iterable
from typing import Protocol

from kubediscovery.authz import Attributes, ResourceAttributes
from kubediscovery.identity import User
from kubediscovery.kinds import Kind, Kinds


class Asks(Protocol):
    """Who answers what a user may."""

    async def allowed_many(
        self, user: User, attributes: Iterable[Attributes], *, max_age: float | None = None
    ) -> frozenset[Attributes]:
        """Those of the attributes that are allowed, asked less than ``max_age`` seconds ago.

        Raises where that cannot be found out.
        """
        ...


class Visibility:
    """The right to list a kind's own resource is the right to see its objects in trees.

    ``get`` would not do: a tree tells names that the caller does not know yet. All kinds are asked for, whether or
    not the tree has any of them, so that what is left out cannot be guessed from the answer.
    """

    def __init__(self, authorizer: Asks, kinds: Kinds) -> None:
        self._authorizer = authorizer
        self._kinds = kinds

    async def kinds(self, user: User, namespace: str | None, *, max_age: float | None = None) -> frozenset[Kind]:
        """The kinds that the user may list in a namespace, or in all of them for None.

        What counts was asked less than ``max_age`` seconds ago, without that less than 10.
        """
        questions = {_question(kind, namespace or ""): kind for kind in self._kinds}
        allowed = await self._authorizer.allowed_many(user, questions, max_age=max_age)
        return frozenset(kind for question, kind in questions.items() if question in allowed)


def _question(kind: Kind, namespace: str) -> Attributes:
    return ResourceAttributes(
        "list", kind.group, kind.version, kind.resource, namespace=namespace if kind.namespaced else ""
    )
