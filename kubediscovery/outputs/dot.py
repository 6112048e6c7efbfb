"""Compositions as a graph for Graphviz (https://graphviz.org/doc/info/lang.html)."""

from collections.abc import Iterator, Mapping

from kubediscovery.composition import Composition, CompositionList
from kubediscovery.health import Health
from kubediscovery.nodes import Node
from kubediscovery.outputs.graph import Edge, graph_of
from kubediscovery.outputs.looks import COLOURS, label_of, names_of, title_of
from kubediscovery.printable import printable

_HEAD = """digraph compositions {
  rankdir=LR;
  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=10];
  edge [fontname="Helvetica", fontsize=9];"""
# An owner that is not the controller has an empty head, and a relation is dashed.
_NOT_CONTROLLER = "arrowhead=empty"
_RELATION = 'style=dashed, arrowhead=vee, color="#666666", label={}'
# In a label a backslash begins an escape and an ampersand an HTML entity, in whichever string.
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "&": "&amp;"})


def dot_of(answer: Composition | CompositionList) -> str:
    """A digraph: boxes in the colour of their health, owners before what they own."""
    return "\n".join((_HEAD, *_statements(answer), "}\n"))


def _statements(answer: Composition | CompositionList) -> Iterator[str]:
    graph = graph_of(answer)
    names = names_of(graph)
    for key, node in graph.nodes.items():
        yield f"  {names[key]} [{_box(node)}];"
    for edge in graph.edges:
        yield f"  {_arrow(edge, names)};"


def _box(node: Node) -> str:
    fill, line = COLOURS[Health(node.health)]
    # The two characters are Graphviz's own line break.
    label = '"' + "\\n".join(map(_escaped, label_of(node))) + '"'
    return f'label={label}, tooltip={_quoted(title_of(node))}, fillcolor="{fill}", color="{line}"'


def _arrow(edge: Edge, names: Mapping[str, str]) -> str:
    tail, head = edge.ends
    arrow = f"{names[tail]} -> {names[head]}"
    if not edge.owns:
        return f"{arrow} [{_RELATION.format(_quoted(edge.relation))}]"
    return arrow if edge.controller is not False else f"{arrow} [{_NOT_CONTROLLER}]"


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return printable(text).translate(_ESCAPES)
