"""Trees of some kinds keep what leads to them."""

from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.drawing import Drawing, parse_kinds
from kubediscovery.kinds import Kind
from kubediscovery.nodes import Node
from kubediscovery.objects import Object
from kubediscovery.tree import Tree, build_tree
from tests.objects import DEPLOYMENT, JOB, REPLICA_SET, make
from tests.relating import ALL, CONFIG, EVERYBODY, RELATED_KINDS, graphs, pod, refers, stored, walk

WEB = make(DEPLOYMENT, "web")
SET, JOBS = make(REPLICA_SET, "web-1", owners=[WEB]), make(JOB, "job", owners=[WEB])
CONFIGURED = make(CONFIG, "c")
ONE = pod("p", refers("configMap", CONFIGURED), owners=[SET])
OBJECTS = [WEB, SET, JOBS, CONFIGURED, ONE]


def pruned(kinds: str, relations: frozenset[str] = frozenset()) -> Tree:
    return build_tree(stored(OBJECTS), WEB, EVERYBODY, Drawing(kinds=parse_kinds(kinds), relations=relations))


def names(tree: Tree) -> list[str]:
    return [node.name for node in walk(tree.root)]


def test_the_middle_of_a_chain_stays() -> None:
    assert names(pruned("Pod")) == ["web", "web-1", "p"]


def test_what_is_refused_stays_only_in_the_middle() -> None:
    assert names(pruned("!ReplicaSet")) == ["web", "job", "web-1", "p"]
    assert names(pruned("!ReplicaSet,!Pod")) == ["web", "job"]


def test_the_root_stays() -> None:
    assert names(pruned("!*")) == ["web"]


def test_what_is_related_leads_too() -> None:
    assert names(pruned("ConfigMap", ALL)) == ["web", "web-1", "p", "c"]
    assert names(pruned("Pod", ALL)) == ["web", "web-1", "p"]


def test_what_is_said_of_the_whole_stays() -> None:
    whole, some = build_tree(stored(OBJECTS), WEB, EVERYBODY), pruned("Job")
    assert (some.health, some.pods, some.version, some.members) == (whole.health, 1, whole.version, whole.members)


KINDS = st.sets(st.sampled_from(sorted(set(RELATED_KINDS), key=str)))


@given(graphs(), KINDS, st.booleans())
def test_what_stays_is_what_is_wanted_and_what_leads_there(objects: list[Object], kinds: set[Kind], all_: bool) -> None:
    wanted = parse_kinds(",".join(sorted(kind.group_resource for kind in kinds)) or "!*")
    relations = ALL if all_ else frozenset[str]()
    store, root = stored(objects), objects[0]
    whole = build_tree(store, root, EVERYBODY, Drawing(relations=relations)).root
    found = build_tree(store, root, EVERYBODY, Drawing(relations=relations, kinds=wanted)).root
    names = {(kind.api_version, kind.kind) for kind in kinds}
    assert ways(found) == {way[:length] for way in ways(whole) for length in leads(way, names)} | {ways_root(whole)}


Way = tuple[tuple[str, str, str, str], ...]


def step(node: Node) -> tuple[str, str, str, str]:
    return node.api_version, node.kind, node.uid, f"{node.relation}{node.incoming}"


def ways_root(root: Node) -> Way:
    return (step(root),)


def ways(node: Node, before: Way = ()) -> set[Way]:
    """From the root to each node."""
    here = (*before, step(node))
    return {here}.union(*(ways(other, here) for other in (*node.children, *node.related)))


def leads(way: Way, wanted: set[tuple[str, str]]) -> range:
    """All the beginnings of a way that ends at what is wanted."""
    return range(1, len(way) + 1 if way[-1][:2] in wanted else 1)
