"""How a check stands, as a tree in a terminal that is drawn anew with every change: what is all right is left out."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

from kubediscovery.answers import Node
from kubediscovery.lines import fit
from kubediscovery.printable import printable
from kubediscovery.verdicts import Outcome, Result

# Objects of one target that are shown; the tree must not run off the screen.
MOST_NODES = 12
_FINE = ("Healthy", "Suspended")
_LOOKS: Mapping[Outcome, tuple[str, str]] = {
    Outcome.RIGHT: ("✔", "green"),
    Outcome.PENDING: ("~", "yellow"),
    Outcome.WRONG: ("✘", "bold red"),
    Outcome.UNANSWERED: ("?", "magenta"),
}
_STYLES: Mapping[str, str] = {"Progressing": "yellow", "Degraded": "bold red"}


class LiveTree:
    """A tree for each target, with the objects that it waits for; gone from the screen at the end."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()

    def show(self, results: Sequence[Result], elapsed: float) -> None:
        """Draw anew."""
        trunk = Tree(_text(f"kubediscovery check, {elapsed:.0f} s", "bold"))
        for result in results:
            _hang(trunk, result)
        self._live.update(trunk, refresh=True)

    def close(self) -> None:
        """Give the terminal back."""
        self._live.stop()


def _hang(trunk: Tree, result: Result) -> None:
    verdict = result.verdict
    symbol, style = _LOOKS[verdict.outcome]
    line = _text("").append(f"{symbol} ", style).append(fit(result.title), "bold").append(f" {verdict.state}", style)
    if verdict.words:
        line.append(f" — {fit(verdict.words)}")
    branch = trunk.add(line)
    for told in result.unmet:
        branch.add(_text(f"{told.text}: {told.words or 'does not hold'}", "red"))
    if result.answer is None or verdict.outcome is Outcome.RIGHT:
        return
    kept, branches = list(_kept(result.answer.root)), [branch]
    for depth, node in kept[:MOST_NODES]:
        branches[depth:] = [branches[depth - 1].add(_line_of(node))]
    if len(kept) > MOST_NODES:
        branch.add(_text(f"and {len(kept) - MOST_NODES} more", "dim"))


def _kept(node: Node, depth: int = 1) -> Iterator[tuple[int, Node]]:
    """What is below a node and is not all right, or leads to something that is not, each with its depth."""
    for child in (*node.children, *node.related):
        if any(each.health not in _FINE for each in child.walk()):
            yield depth, child
            yield from _kept(child, depth + 1)


def _line_of(node: Node) -> Text:
    line = _text(f"{node.kind} ").append(printable(node.name), "bold")
    if node.ready:
        line.append(f" {printable(node.ready)}")
    line.append(f" {printable(node.health)}", _STYLES.get(node.health, "magenta"))
    if said := ": ".join(filter(None, (node.reason, node.message))):
        line.append(f" — {fit(said)}")
    return line


def _text(text: str, style: str = "") -> Text:
    # Never taken for markup; cut off at the edge of the screen rather than wrapped, so that the tree keeps its height.
    return Text(fit(text), style, no_wrap=True, overflow="ellipsis")
