"""Compositions made up for the outputs: any tree, with names and messages that nobody should write."""

from typing import Any

from hypothesis import strategies as st

from kubediscovery.composition import Composition, CompositionList, CompositionStatus
from kubediscovery.health import Health
from kubediscovery.meta import ListMeta, ObjectMeta
from kubediscovery.nodes import Info, Node
from kubediscovery.relations import OWNER

CREATED = "2023-11-14T22:13:20Z"
HOSTILE = (
    '"]; x --> y',
    "a\\",
    '\\"',
    "<script>alert(1)</script>",
    "&quot;&#35;",
    "%%{init: {}}%%",
    "a\nb\r\t\x1b[31m",
    "`**b**`",
)
RELATIONS = ("", OWNER, "configMap", "endpoints", 'say "so"')
# Whatever JSON can hold.
TEXTS = st.sampled_from(HOSTILE) | st.text(max_size=12)


def node(kind: str = "Pod", name: str = "web", uid: str = "", **fields: Any) -> Node:
    """A healthy object of the namespace shop; without a UID it is called by its kind and name."""
    given = {"api_version": "v1", "resource_version": "7", "health": Health.HEALTHY, "namespace": "shop"}
    return Node(**{**given, "kind": kind, "name": name, "uid": uid or f"uid-{kind}-{name}", **fields})


def composition(root: Node, **status: Any) -> Composition:
    """The composition of a root."""
    return Composition(
        kind="Composition",
        api_version="g.io/v1",
        metadata=ObjectMeta(name=f"pods.{root.name}", namespace=root.namespace, uid=root.uid, resource_version="9"),
        root=root,
        status=CompositionStatus(**{"health": root.health, **status}),
    )


def listed(*roots: Node) -> CompositionList:
    """The list of some roots' compositions."""
    metadata = ListMeta(resource_version="900")
    return CompositionList(api_version="g.io/v1", metadata=metadata, items=list(map(composition, roots)), omitted=[])


@st.composite
def pools(draw: st.DrawFn) -> list[dict[str, Any]]:
    """The facts about up to a dozen objects."""
    return [
        {
            "kind": draw(st.sampled_from(("Pod", "ConfigMap")) | TEXTS),
            "name": draw(TEXTS),
            "uid": f"u{number}",
            "health": draw(st.sampled_from(Health)),
            "reason": draw(TEXTS),
            "message": draw(TEXTS),
            "ready": draw(st.none() | TEXTS),
            "info": draw(st.none() | st.builds(Info, images=st.tuples(TEXTS))),
        }
        for number in range(draw(st.integers(1, 12)))
    ]


@st.composite
def trees(draw: st.DrawFn, pool: st.SearchStrategy[list[dict[str, Any]]]) -> Node:
    """A tree of the objects of a pool, in which some stand several times and lead on where they stood first."""
    objects = draw(pool)
    root = node(**draw(st.sampled_from(objects)))
    placed, led_on = [root], {root.uid: root}
    for _ in range(draw(st.integers(0, 16))):
        above = led_on[draw(st.sampled_from(placed)).uid]
        relation = draw(st.sampled_from(RELATIONS))
        below = node(**draw(st.sampled_from(objects)), relation=relation)
        if relation in ("", OWNER):
            below.controller = draw(st.booleans())
        else:
            below.incoming = draw(st.none() | st.just(value=True))
        siblings = above.related if relation not in ("", OWNER) else above.children
        if all((each.uid, each.relation, each.incoming) != (below.uid, relation, below.incoming) for each in siblings):
            siblings.append(below)
            placed.append(led_on.setdefault(below.uid, below))
    return root


ANSWERS = trees(pools()).map(composition) | pools().flatmap(
    lambda pool: st.lists(trees(st.just(pool)), max_size=3).map(lambda roots: listed(*roots))
)
