"""What of the tracked kinds a caller may see; asked of kube-apiserver as the caller, never assumed."""

from collections.abc import Iterable
from typing import Protocol

from msgspec.structs import replace

from kubediscovery.authz import Attributes, ResourceAttributes
from kubediscovery.identity import User
from kubediscovery.kinds import BUILT_IN_KINDS, Kind
from kubediscovery.namespaces import spread
from kubediscovery.recent import Recent
from kubediscovery.sight import Sight
from kubediscovery.store import Store

# Namespaces whose questions are kept, and answers of each; there are as many answers as there are different rights.
_NAMESPACES, _ANSWERS = 1024, 16
# Kubernetes's own limit for a namespace's name: who makes up longer ones fills no memory with them.
_LONGEST = 63
_ALWAYS = frozenset(BUILT_IN_KINDS)
_ANY = "*"


class Asks(Protocol):
    """Who answers what a user may."""

    async def allowed_many(
        self, user: User, attributes: Iterable[Attributes], *, max_age: float | None = None
    ) -> frozenset[Attributes]:
        """Those of the attributes that are allowed, asked less than ``max_age`` seconds ago.

        Raises where that cannot be found out.
        """
        ...


class Authorizes(Protocol):
    """Who refuses what a user may not."""

    async def authorize(self, user: User, attributes: Attributes, *, max_age: float | None = None) -> str:
        """Why that is allowed; raises :class:`Forbidden` that says what is not."""
        ...


async def authorize_beside(
    authorizer: Authorizes, user: User, attributes: ResourceAttributes, named: Iterable[str]
) -> None:
    """Review a list of one namespace in those that it names beside; raises :class:`Forbidden` that says which.

    The path itself has been reviewed as what it is, by kube-apiserver too: one of all namespaces needs the right to all
    of them, whichever are named.
    """
    for name in spread(attributes.namespace, named)[1:] if attributes.namespace else ():
        await authorizer.authorize(user, replace(attributes, namespace=name))


class Visibility:
    """The right to list a kind's own resource is the right to see its objects in trees.

    ``get`` would not do: a tree tells names that the caller does not know yet. Which kinds are asked for never depends
    on what one tree has, so that what is left out cannot be guessed from the answer: those that every cluster has, and
    others from their first object in the cluster on, which costs nothing for the many kinds without any.
    """

    def __init__(self, authorizer: Asks, store: Store) -> None:
        self._authorizer = authorizer
        self._store = store
        self._questions: Recent[tuple[str, bool], _Questions] = Recent(_NAMESPACES)

    async def sight(
        self, user: User, namespace: str | None, *, related: bool = False, max_age: float | None = None
    ) -> Sight:
        """What the user may list in a namespace, or in all of them for None: of what can be in trees of owners.

        With ``related`` of all kinds, and beyond the namespace too. What counts was asked less than ``max_age`` seconds
        ago, without that less than 10.
        """
        near = self._questions_about(namespace or "", related)
        if namespace and max_age is not None:
            allowed = await self._renewed(user, near, self._questions_about("", related), max_age)
        else:
            allowed = await self._authorizer.allowed_many(user, near.all, max_age=max_age)
        if not related or not namespace:
            return near.sight(namespace, allowed)
        beyond = self._questions_about("", related)
        everywhere = await self._authorizer.allowed_many(user, beyond.all, max_age=max_age)
        return near.sight(namespace, allowed, beyond.kinds(everywhere))

    async def sights(
        self, user: User, namespaces: Iterable[str], *, related: bool = False, max_age: float | None = None
    ) -> tuple[Sight, ...]:
        """The same for each of several namespaces: in each the others are seen too, as far as they may be."""
        found = [await self.sight(user, name, related=related, max_age=max_age) for name in namespaces]
        kinds = tuple((sight.namespace or "", sight.kinds) for sight in found)
        return tuple(
            replace(sight, beside=tuple(pair for pair in kinds if pair[0] != sight.namespace)) for sight in found
        )

    async def _renewed(
        self, user: User, near: "_Questions", beyond: "_Questions", max_age: float
    ) -> frozenset[Attributes]:
        """What may be listed everywhere is not asked for in each namespace that somebody watches."""
        everywhere = beyond.sight(None, await self._authorizer.allowed_many(user, beyond.all, max_age=max_age))
        settled, left = near.beside(everywhere.kinds)
        return settled | await self._authorizer.allowed_many(user, left, max_age=max_age)

    def _questions_about(self, namespace: str, related: bool) -> "_Questions":
        store = self._store
        questions = self._questions.get((namespace, related))
        if questions is None or not questions.holds(store):
            questions = _Questions(store, namespace, related)
            if len(namespace) <= _LONGEST:
                self._questions.keep((namespace, related), questions)
        return questions


class _Questions:
    """What is asked about one namespace, and what an answer to it lets see: always the same value for it."""

    def __init__(self, store: Store, namespace: str, related: bool) -> None:
        self._kinds_version, self._seen, self._owned = store.kinds.version, store.seen, store.owned
        named = {kind for kind in store.kinds if kind in _ALWAYS or (not kind.custom and (related or kind.workload))}
        present = store.seen if related else store.owned | {kind for kind in store.seen if kind.workload}
        self._named = frozenset(named)
        self._kinds = {_question(kind, namespace): kind for kind in named | present}
        self._everything = ResourceAttributes("list", _ANY, _ANY, _ANY, namespace=namespace)
        self._answers: Recent[tuple[frozenset[Attributes], frozenset[Kind]], Sight] = Recent(_ANSWERS)
        self._beside: Recent[frozenset[Kind], tuple[frozenset[Attributes], frozenset[Attributes]]] = Recent(_ANSWERS)
        self.all: frozenset[Attributes] = frozenset((*self._kinds, self._everything))

    def holds(self, store: Store) -> bool:
        """Whether these are still the kinds to ask for."""
        return self._kinds_version == store.kinds.version and self._seen is store.seen and self._owned is store.owned

    def kinds(self, allowed: frozenset[Attributes]) -> frozenset[Kind]:
        return frozenset(kind for question, kind in self._kinds.items() if question in allowed)

    def beside(self, everywhere: frozenset[Kind]) -> tuple[frozenset[Attributes], frozenset[Attributes]]:
        """The questions that are answered for who may list these kinds in all namespaces, and those that are left."""
        found = self._beside.get(everywhere)
        if found is None:
            settled = frozenset(question for question, kind in self._kinds.items() if kind in everywhere)
            found = settled, self.all - settled
            self._beside.keep(everywhere, found)
        return found

    def sight(
        self, namespace: str | None, allowed: frozenset[Attributes], everywhere: frozenset[Kind] = frozenset()
    ) -> Sight:
        found = self._answers.get((allowed, everywhere))
        if found is None:
            found = Sight(namespace, self.kinds(allowed), everywhere, self._named, all=self._everything in allowed)
            self._answers.keep((allowed, everywhere), found)
        return found


def _question(kind: Kind, namespace: str) -> Attributes:
    return ResourceAttributes(
        "list", kind.group, kind.version, kind.resource, namespace=namespace if kind.namespaced else ""
    )
