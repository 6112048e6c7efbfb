"""What of the tracked kinds a caller may see; asked of kube-apiserver as the caller, never assumed."""

from collections.abc import Iterable
from typing import Protocol

from kubediscovery.authz import Attributes, ResourceAttributes
from kubediscovery.identity import User
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.recent import Recent

# Namespaces whose questions are kept, and answers of each; there are as many answers as there are different rights.
_NAMESPACES, _ANSWERS = 1024, 16
# Kubernetes's own limit for a namespace's name: who makes up longer ones fills no memory with them.
_LONGEST = 63


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
        self._questions: Recent[str, _Questions] = Recent(_NAMESPACES)

    async def kinds(self, user: User, namespace: str | None, *, max_age: float | None = None) -> frozenset[Kind]:
        """The kinds that the user may list in a namespace, or in all of them for None.

        What counts was asked less than ``max_age`` seconds ago, without that less than 10.
        """
        questions = self._questions.get(namespace or "") or self._questions_about(namespace or "")
        return questions.kinds(await self._authorizer.allowed_many(user, questions.all, max_age=max_age))

    def _questions_about(self, namespace: str) -> "_Questions":
        questions = _Questions(self._kinds, namespace)
        if len(namespace) <= _LONGEST:
            self._questions.keep(namespace, questions)
        return questions


class _Questions:
    """What is asked about one namespace, and what kinds an answer to it makes visible: always the same set for it."""

    def __init__(self, kinds: Kinds, namespace: str) -> None:
        self._kinds = {_question(kind, namespace): kind for kind in kinds}
        self._answers: Recent[frozenset[Attributes], frozenset[Kind]] = Recent(_ANSWERS)
        self.all = frozenset(self._kinds)

    def kinds(self, allowed: frozenset[Attributes]) -> frozenset[Kind]:
        found = self._answers.get(allowed)
        if found is None:
            found = frozenset(kind for question, kind in self._kinds.items() if question in allowed)
            self._answers.keep(allowed, found)
        return found


def _question(kind: Kind, namespace: str) -> Attributes:
    return ResourceAttributes(
        "list", kind.group, kind.version, kind.resource, namespace=namespace if kind.namespaced else ""
    )
