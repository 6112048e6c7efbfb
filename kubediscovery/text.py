"""Compositions as coloured text trees for a terminal; what matters is said in words, so that they read without colour.

Names and messages of objects are never taken for markup, and nothing in them reaches the terminal as a command.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import TextIO

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from kubediscovery.composition import Composition
from kubediscovery.health import Health
from kubediscovery.nodes import Info, Node
from kubediscovery.omissions import Omitted
from kubediscovery.outputs.graph import walk
from kubediscovery.outputs.looks import relation_of
from kubediscovery.printable import printable
from kubediscovery.table import age

# Columns of a line that is not for a terminal: scripts want one line an object.
_UNWRAPPED = 4096
_DIGEST_LENGTH = 12
# Columns that a level takes, and that a line should have.
_GUIDE, _NARROWEST = 4, 40

# The symbol and the style of each health.
_LOOKS: Mapping[Health, tuple[str, str]] = {
    Health.HEALTHY: ("✔", "green"),
    Health.SUSPENDED: ("=", "cyan"),
    Health.PROGRESSING: ("~", "yellow"),
    Health.MISSING: ("-", "magenta"),
    Health.DEGRADED: ("✘", "bold red"),
    Health.UNKNOWN: ("?", "magenta"),
}


def create_console(file: TextIO | None = None) -> Console:
    """A console that writes to standard output, or to ``file``; only to a terminal it wraps lines."""
    stream = file or sys.stdout
    if hasattr(stream, "reconfigure"):
        # A terminal that cannot show a letter shows a question mark.
        stream.reconfigure(errors="replace")
    console = Console(file=stream, markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = _UNWRAPPED
    return console


def print_compositions(console: Console, compositions: Iterable[Composition], now: datetime) -> None:
    """Print one tree a namespace, with that namespace's compositions below it; they come sorted by namespace."""
    for namespace, of_namespace in groupby(compositions, key=lambda item: item.metadata.namespace):
        trunk = Tree(Text(printable(namespace) or "no namespace", "bold"))
        depth = max(_hang(trunk, composition, now) for composition in of_namespace)
        # What lies too deep for the console would be left out in silence: the terminal wraps it instead.
        console.width = max(console.width, depth * _GUIDE + _NARROWEST)
        console.print(trunk, crop=False)


def _hang(trunk: Tree, composition: Composition, now: datetime) -> int:
    """Hang a composition's tree below ``trunk`` and give its depth; what is left out stands below its root."""
    deepest = 1
    branches: dict[int, Tree] = {}
    for node, parent, lasts in walk(composition.root):
        if parent is None:
            branch = trunk.add(line_of(node, now, worst=composition.status.health))
            for omitted in composition.status.omitted or ():
                branch.add(_omitted(omitted))
        else:
            branch = branches[id(parent)].add(line_of(node, now, parent=parent))
        branches[id(node)] = branch
        deepest = max(deepest, len(lasts) + 2)
    return deepest


def line_of(node: Node, now: datetime, *, parent: Node | None = None, worst: Health | None = None) -> Text:
    """``Deployment web 2/3 ~ Progressing — reason: message (web:1.3, revision 3, 2d)``.

    Images are left out where they are the parent's; ``worst`` is the health of the tree, said where it is another.
    """
    line = Text(f"{printable(node.kind)} ").append(printable(node.name), "bold").append(printable(relation_of(node)))
    if node.ready:
        line.append(f" {node.ready}")
    line.append(" ").append_text(_health(node.health))
    if worst and worst != node.health:
        line.append(", ").append_text(_health(worst)).append(" below")
    if said := ": ".join(printable(part) for part in (node.reason, node.message) if part):
        line.append(f" — {said}")
    return line.append(f" ({', '.join(_details(node, now, parent))})", "dim")


def short_image(image: str) -> str:
    """``web:1.3`` of ``registry.example.com/shop/web:1.3``; of a digest the first twelve digits."""
    name, _, digest = image.rpartition("/")[2].partition("@")
    return f"{name}@{digest.removeprefix('sha256:')[:_DIGEST_LENGTH]}" if digest else name


def _health(health: Health) -> Text:
    symbol, style = _LOOKS[health]
    return Text(f"{symbol} {health}", style)


def _details(node: Node, now: datetime, parent: Node | None) -> Iterator[str]:
    info = node.info or Info()
    inherited = parent.info.images if parent and parent.info else None
    if info.images != inherited:
        yield from (printable(short_image(image)) for image in info.images or ())
    if info.revision:
        yield f"revision {printable(info.revision)}"
    if info.restarts:
        yield f"{info.restarts} restart{'' if info.restarts == 1 else 's'}"
    if info.node:
        yield f"on {printable(info.node)}"
    yield age(node.creation_timestamp, now)


def _omitted(omitted: Omitted) -> Text:
    name = printable(f"{omitted.resource}.{omitted.group}" if omitted.group else omitted.resource)
    return Text(f"{name} left out — {omitted.reason}: {printable(omitted.message)}", "italic")
