"""Compositions as lines of text, one an object, in the columns of kubectl-tree (github.com/ahmetb/kubectl-tree)."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from kubediscovery.composition import Composition, CompositionList
from kubediscovery.outputs.graph import Step, compositions_of, walk
from kubediscovery.outputs.looks import relation_of
from kubediscovery.printable import printable
from kubediscovery.table import age

_HEADINGS = ("NAMESPACE", "NAME", "READY", "HEALTH", "REASON", "AGE")
_NAME = _HEADINGS.index("NAME")
_GAP = "  "
#: kubectl's word for a cell that has nothing to say.
NOTHING = "-"


def lines_of(answer: Composition | CompositionList, now: datetime) -> str:
    """A heading and a line for each place in the trees, below the one that it hangs from.

    What a relation leads to says by which.
    """
    rows = [_HEADINGS, *(_cells(step, now) for found in compositions_of(answer) for step in walk(found.root))]
    return "".join(aligned(rows))


def _cells(step: Step, now: datetime) -> Sequence[str]:
    node = step.node
    cells = (
        node.namespace,
        f"{node.kind}/{node.name}{relation_of(node)}",
        node.ready or "",
        node.health,
        node.reason,
        age(node.creation_timestamp, now),
    )
    return [f"{branch}{printable(cell) or NOTHING}" for branch, cell in zip(_branches(step), cells, strict=True)]


def _branches(step: Step) -> Iterator[str]:
    """What stands before the cells: before the name the branch that it hangs on, before all others nothing."""
    *above, last = step.lasts or (None,)
    branch = "".join("  " if ended else "│ " for ended in above)
    if last is not None:
        branch += "└─" if last else "├─"
    return (branch if column == _NAME else "" for column in range(len(_HEADINGS)))


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The rows as lines, their cells below one another."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield _GAP.join(cells).rstrip() + "\n"
