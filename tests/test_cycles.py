"""Circles of a graph: the same as by asking of every two nodes whether each is reached from the other."""

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.cycles import knots

NODES = "abcdefgh"
EDGES = st.lists(st.sampled_from(NODES + "x"), max_size=4, unique=True)
GRAPHS = st.dictionaries(st.sampled_from(NODES), EDGES)


def reached(graph: Mapping[str, Sequence[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        node = waiting.pop()
        if node in graph and node not in found:
            found.add(node)
            waiting.extend(graph[node])
    return found


@given(GRAPHS)
def test_knots_are_what_reaches_itself_with_all_that_it_reaches_and_that_reaches_it(
    graph: Mapping[str, Sequence[str]],
) -> None:
    beyond = {node: reached(graph, node) for node in graph}
    expected = {
        frozenset(other for other in beyond[node] if node in beyond[other]) for node in graph if node in beyond[node]
    }
    found = list(knots(graph))
    assert set(found) == expected
    assert len(found) == len(expected)


def test_a_long_circle_and_a_long_chain_are_no_matter_of_recursion() -> None:
    chain: dict[str, list[str]] = {str(number): [str(number + 1)] for number in range(50_000)}
    assert list(knots(chain)) == []
    assert list(knots({**chain, "50000": ["0"]})) == [frozenset(map(str, range(50_001)))]
