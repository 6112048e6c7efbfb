"""What ``output=`` gives beside the tree: pure functions of the answer, interchangeable, one a module."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from kubediscovery.composition import Composition, CompositionList
from kubediscovery.negotiation import UNCONVERTED, MediaType
from kubediscovery.output import Output
from kubediscovery.outputs.dot import dot_of
from kubediscovery.outputs.flat import nodes_of
from kubediscovery.outputs.former import Find, former_of
from kubediscovery.outputs.lines import lines_of
from kubediscovery.outputs.mermaid import mermaid_of
from kubediscovery.outputs.sections import sections_of

DOT_TYPE, MERMAID_TYPE, TEXT_TYPE = "text/vnd.graphviz", "text/vnd.mermaid", "text/plain"


@dataclass(frozen=True, slots=True)
class Drawer:
    """One output: how it is made, and the media types that it can be served as, the first without other wishes.

    What it draws is text, or content for JSON and YAML. ``tells_omitted`` says that this names what was left out.
    """

    draw: Callable[[Composition | CompositionList, datetime, Find], object]
    offered: tuple[MediaType, ...]
    tells_omitted: bool = False


def _text(*encodings: str) -> tuple[MediaType, ...]:
    return tuple(MediaType(encoding=encoding) for encoding in encodings)


DRAWERS: Mapping[Output, Drawer] = {
    Output.NODES: Drawer(lambda answer, _, __: nodes_of(answer), UNCONVERTED, tells_omitted=True),
    Output.DOT: Drawer(lambda answer, _, __: dot_of(answer), _text(DOT_TYPE, TEXT_TYPE)),
    Output.MERMAID: Drawer(lambda answer, _, __: mermaid_of(answer), _text(MERMAID_TYPE, TEXT_TYPE)),
    Output.TEXT: Drawer(lambda answer, now, _: lines_of(answer, now), _text(TEXT_TYPE)),
    Output.SPLIT: Drawer(lambda answer, now, _: sections_of(answer, now), _text(TEXT_TYPE)),
    Output.KUBEDISCOVERY: Drawer(lambda answer, _, find: former_of(answer, find), UNCONVERTED),
}
