"""Query parameters as documents describe them; what each of them does is in :mod:`kubediscovery.options`.

The names and their meaning are Kubernetes's (k8s.io/apimachinery, ``pkg/apis/meta/v1/types.go``, ListOptions).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubediscovery.drawing import MAX_DEPTH, Direction
from kubediscovery.namespaces import MOST_NAMESPACES
from kubediscovery.options import FIELDS
from kubediscovery.output import Output
from kubediscovery.validation import EXACT, NOT_OLDER_THAN
from kubediscovery.wish import DEFAULT_SECONDS, HEADER, MOST_SECONDS, REACHED, STATES, TIMED_OUT


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter; ``single`` says that it means something for one composition too, not only for lists.

    ``least`` is the least value of a number.
    """

    name: str
    description: str
    type: str = "string"
    accepted: tuple[str, ...] = ()
    single: bool = False
    least: int = 0

    @property
    def schema(self) -> Mapping[str, Any]:
        """Its values."""
        if self.accepted:
            return {"type": self.type, "enum": list(self.accepted)}
        return {"type": self.type, **({"format": "int64", "minimum": self.least} if self.type == "integer" else {})}


#: The parameters of lint; the others are refused there.
OF_LINT = (
    "labelSelector",
    "namespaces",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "timeout",
    "pretty",
    "includeObject",
)

PARAMETERS = (
    Parameter(
        "labelSelector",
        "Lists only what has these labels on its root: app=web, tier in (front,back), !canary, comma-separated.",
    ),
    Parameter(
        "fieldSelector",
        "Lists only what has these fields, as field=value or field!=value, comma-separated; accepted are "
        f"{', '.join(FIELDS)}.",
    ),
    Parameter(
        "namespaces",
        "Of a list of all namespaces these alone, comma-separated, as in shop,vault; of a list of one namespace these "
        f"too, where you may ask the same of each; at most {MOST_NAMESPACES}. Relations are followed into them as into "
        "the namespace of the path. A watch has none.",
        single=True,
    ),
    Parameter(
        "limit",
        "The most items to list at once; 0 or nothing is all. If there are more, metadata.continue of the answer is "
        "the token for the rest.",
        "integer",
    ),
    Parameter(
        "continue",
        "Goes on with the list that gave this token; all other parameters must be what they were. A token that is too "
        "old is answered with 410: start again without one.",
    ),
    Parameter(
        "resourceVersion",
        "Answers with what is at least as new as this version. A watch goes on after it; one that is too old for that "
        "ends with 410.",
        single=True,
    ),
    Parameter(
        "resourceVersionMatch",
        f"What resourceVersion means for a list: {NOT_OLDER_THAN}, also without this parameter, is that or anything "
        f"newer; {EXACT} is that alone, which is answered with 410 once there is anything newer.",
        accepted=(NOT_OLDER_THAN, EXACT),
    ),
    Parameter(
        "timeout",
        "Answers within this time, such as 10s, or with 504; a minute is the most. A watch has timeoutSeconds instead.",
        single=True,
    ),
    Parameter(
        "timeoutSeconds",
        "Ends a watch after this many seconds; without it after half an hour to an hour. With waitFor, how many "
        f"seconds are waited: {DEFAULT_SECONDS} without it, {MOST_SECONDS} at most.",
        "integer",
        single=True,
    ),
    Parameter(
        "waitFor",
        "Answers for one composition once its rollout or its health is in one of these states, comma-separated, and "
        f"after timeoutSeconds with what it is then; the header {HEADER} says {REACHED} or {TIMED_OUT}. Accepted are "
        f"{', '.join(STATES)}. What does not exist is answered with 404 at once, and what is deleted meanwhile too.",
        single=True,
    ),
    Parameter(
        "watch",
        "Answers with a stream of changes, one event a line, instead of a list. Give resourceVersion to go on from a "
        "list. On a path with a name kube-apiserver cuts it after a minute; the same path after /watch/ is not cut.",
        "boolean",
    ),
    Parameter(
        "allowWatchBookmarks",
        "Lets a watch also send BOOKMARK events, whose object has nothing but the resource version to go on from.",
        "boolean",
    ),
    Parameter(
        "sendInitialEvents",
        "Begins a watch with an ADDED event for all that there is and then, with allowWatchBookmarks, a BOOKMARK with "
        f"the annotation k8s.io/initial-events-end; needs resourceVersionMatch={NOT_OLDER_THAN}.",
        "boolean",
    ),
    Parameter("pretty", "Indents JSON for people.", "boolean", single=True),
    Parameter(
        "includeObject",
        "What each row of a Table carries of its object: None, Metadata (the default) or Object, which is all of it.",
        accepted=("None", "Metadata", "Object"),
        single=True,
    ),
    Parameter(
        "output",
        "What is answered: a tree, also without this parameter; nodes, every object once and without nesting; dot for "
        "Graphviz, mermaid for Mermaid, text for people, split for people with a table for each kind; kubediscovery, "
        "as the first kubediscovery answered. Accept is asked only for the form. A watch has trees alone.",
        accepted=tuple(Output),
        single=True,
    ),
    Parameter(
        "relations",
        "Relations that are drawn beside ownership, comma-separated: all, none (the default), names as in "
        "endpoints,scale, and !name for all but that one. An unknown one is answered with all names. A watch has none.",
        single=True,
    ),
    Parameter(
        "direction",
        "Which way the tree grows: to the children (the default), to the owners up to the root, to the users that refer"
        " to the object, to what it uses itself and what that uses, or to what the garbage collector would take with "
        "it. A watch has children alone.",
        accepted=tuple(Direction),
        single=True,
    ),
    Parameter("depth", f"Levels below the root that are drawn, at most {MAX_DEPTH}.", "integer", single=True, least=1),
    Parameter(
        "kinds",
        "Kinds that are drawn, comma-separated, as kind, plural or plural.group, with the wildcards * and ?, and ! for "
        "all but these. What leads to one of them stays.",
        single=True,
    ),
    Parameter(
        "hideInactive",
        "Leaves out what is kept only to go back to: old ReplicaSets without pods, and former ControllerRevisions.",
        "boolean",
        single=True,
    ),
)
