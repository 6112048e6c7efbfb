"""The circles of a directed graph."""

from collections.abc import Iterator, Mapping, Sequence

_Graph = Mapping[str, Sequence[str]]


def knots(graph: _Graph) -> Iterator[frozenset[str]]:
    """The sets of nodes from each of which a way leads to all of the set and back, a node with an edge to itself too.

    That is Tarjan's algorithm for strongly connected components, without recursion: it takes time in proportion to the
    nodes and edges. An edge to what is no node of the graph leads nowhere.
    """
    search = _Search(graph)
    for node in graph:
        if node not in search.numbers:
            yield from search.run(node)


class _Search:
    """One walk over the graph: the order in which nodes were met, and the first node that each leads back to."""

    def __init__(self, graph: _Graph) -> None:
        self._graph = graph
        self.numbers: dict[str, int] = {}
        self._lowest: dict[str, int] = {}
        self._open: list[str] = []
        self._is_open: set[str] = set()

    def run(self, start: str) -> Iterator[frozenset[str]]:
        """The knots that are reached from a node and were not before."""
        ways = [(start, self._enter(start))]
        while ways:
            node, onward = ways[-1]
            following = next(onward, None)
            if following is None:
                ways.pop()
                if ways:
                    above = ways[-1][0]
                    self._lowest[above] = min(self._lowest[above], self._lowest[node])
                if self._lowest[node] == self.numbers[node]:
                    yield from self._close(node)
            elif following not in self.numbers:
                ways.append((following, self._enter(following)))
            elif following in self._is_open:
                self._lowest[node] = min(self._lowest[node], self.numbers[following])

    def _enter(self, node: str) -> Iterator[str]:
        self.numbers[node] = self._lowest[node] = len(self.numbers)
        self._open.append(node)
        self._is_open.add(node)
        return (following for following in self._graph[node] if following in self._graph)

    def _close(self, node: str) -> Iterator[frozenset[str]]:
        members = set()
        while node not in members:
            member = self._open.pop()
            self._is_open.discard(member)
            members.add(member)
        if len(members) > 1 or node in self._graph[node]:
            yield frozenset(members)
