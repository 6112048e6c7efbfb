"""What users expect of a composition beyond its verdict: expressions in CEL, as in ``pods.ready >= 3``."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kubediscovery.answers import Answer
from kubediscovery.errors import ConfigurationError, ExpressionError
from kubediscovery.expressions import FOR_ANSWERS, Expression
from kubediscovery.verdicts import Told

# Every variable and what it holds, as docs/check.md explains it.
VARIABLES: Mapping[str, str] = {
    "composition": "the whole composition, as the API gives it",
    "metadata": "its metadata: name, namespace, labels, ...",
    "root": "the root object's node",
    "status": "what holds of the whole tree",
    "health": "the worst health in the tree",
    "rollout": "the rollout's verdict and numbers; empty where the kind has no rollout",
    "pods": "the number of pods: total and ready",
    "images": "all images of the tree's pods, each once, sorted",
    "digests": "digests of all images that the tree's pods run, each once, sorted",
    "restarts": "how often containers of the tree's pods were restarted, in all",
    "nodes": "all objects of the tree, each once, parents first",
    "revisions": "the pods of the rollout by revision and images",
}
# What an answer leaves out where it is empty or nothing, so that expressions need not ask whether it is there.
_ROLLOUT = {"desired": 0, "ready": 0, "old": 0, "terminating": 0, "revision": "", "reason": "", "message": ""}
_NODE = {"namespace": "", "ready": "", "reason": "", "message": ""}
_REVISION = {"revision": "", "terminating": 0}
_OF_PODS = frozenset(("pods", "images", "digests", "restarts", "nodes", "revisions"))
_LONGEST = 100


def parse_expectations(texts: Iterable[str]) -> tuple[Expression, ...]:
    """The expressions; raises :class:`ConfigurationError` with each fault in a line."""
    parsed, faults = [], []
    for text in texts:
        try:
            parsed.append(Expression(text, VARIABLES, "--expect", FOR_ANSWERS))
        except ConfigurationError as error:
            faults.append(str(error))
    if faults:
        raise ConfigurationError("\n".join(faults))
    return tuple(parsed)


def evaluate(expectations: Iterable[Expression], answer: Answer) -> tuple[Told, ...]:
    """Which of the expectations hold; one that cannot be evaluated does not."""
    expectations = tuple(expectations)
    values = variables_of(answer) if expectations else {}
    return tuple(_evaluated(each, values, knows_pods=answer.knows_pods) for each in expectations)


def _evaluated(expectation: Expression, values: Mapping[str, object], *, knows_pods: bool) -> Told:
    if not knows_pods and (hidden := sorted(expectation.variables & _OF_PODS)):
        # Of nothing everything is true.
        words = f"nothing can be said of {', '.join(hidden)}: pods may not be listed"
        return Told(expectation.text, holds=False, words=words)
    try:
        if expectation.holds(values):
            return Told(expectation.text, holds=True)
    except ExpressionError as error:
        return Told(expectation.text, holds=False, words=str(error))
    used = sorted(expectation.variables & _SHORT)
    return Told(expectation.text, holds=False, words=", ".join(f"{name} is {_shown(values[name])}" for name in used))


# What can be said in a few words where an expectation does not hold.
_SHORT = frozenset(("health", "pods", "images", "digests", "restarts"))


def _shown(value: object) -> str:
    if isinstance(value, dict):
        text = ", ".join(f"{key} {held}" for key, held in value.items())
    else:
        text = ", ".join(value) if isinstance(value, list) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def variables_of(answer: Answer) -> Mapping[str, object]:
    """The variables' values for a composition."""
    document = answer.document
    status = _mapping(document.get("status"))
    rollout = _mapping(status.get("rollout"))
    pods = [node for node in answer.root.walk() if (node.kind, node.api_version) == ("Pod", "v1")]
    return {
        "composition": document,
        "metadata": _mapping(document.get("metadata")),
        "root": _mapping(document.get("root")),
        "status": status,
        "health": answer.health,
        "rollout": {**_ROLLOUT, **rollout} if rollout else {},
        "pods": {"total": 0, "ready": 0, **_mapping(status.get("pods"))},
        "images": sorted({image for pod in pods for image in pod.info.images}),
        "digests": sorted({_digest(image) for pod in pods for image in pod.info.image_ids}),
        "restarts": sum(pod.info.restarts for pod in pods),
        "nodes": list(_nodes(document.get("root"))),
        "revisions": [{**_REVISION, **_mapping(each)} for each in _sequence(rollout.get("revisions"))],
    }


def _digest(image_id: str) -> str:
    """``sha256:2f1e``: what names the content, whatever registry or runtime it is called after."""
    return image_id.rpartition("@")[2]


def _nodes(root: object) -> Iterator[dict[str, Any]]:
    """The nodes without what is below them; the same rule as :meth:`Node.walk`."""
    seen: set[str] = set()
    waiting = [_mapping(root)]
    while waiting:
        node = waiting.pop()
        uid = str(node.get("uid", ""))
        if uid in seen:
            continue
        seen.add(uid)
        below = [*_sequence(node.get("children")), *_sequence(node.get("related"))]
        waiting.extend(map(_mapping, reversed(below)))
        own = {key: value for key, value in node.items() if key not in ("children", "related")}
        yield {**_NODE, **own, "info": _mapping(node.get("info"))}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
