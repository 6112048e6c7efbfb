"""The forms in which a composition can be asked for with ``output=``."""

from enum import StrEnum

from kubediscovery.errors import BadRequest


class Output(StrEnum):
    """What a composition, or a list of them, is written as."""

    TREE = "tree"
    NODES = "nodes"
    DOT = "dot"
    MERMAID = "mermaid"
    TEXT = "text"
    SPLIT = "split"
    KUBEDISCOVERY = "kubediscovery"


def parse_output(text: str, *, watch: bool = False) -> Output:
    """The output that ``text`` names, the tree for the empty one; a watch has no other.

    Raises :class:`BadRequest` that names what is accepted.
    """
    if text not in ("", *Output):
        raise BadRequest(f'output must be one of {", ".join(Output)}, not "{text}"')
    output = Output(text or Output.TREE)
    if watch and output is not Output.TREE:
        raise BadRequest(f"output must be {Output.TREE} for a watch, not {output}")
    return output
