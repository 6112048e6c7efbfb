"""Is a composition right? What a check makes of a rollout's verdict, of health, of expectations and of lint."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kubediscovery.answers import Answer, Culprit, Node


class Outcome(StrEnum):
    """From best to worst."""

    RIGHT = "right"
    PENDING = "not reached"
    WRONG = "wrong"
    UNANSWERED = "cannot ask"


# What the command ends with, by its worst outcome.
STATUSES: Mapping[Outcome, int] = {
    Outcome.RIGHT: 0,
    Outcome.WRONG: 1,
    Outcome.PENDING: 3,
    Outcome.UNANSWERED: 4,
}
CANNOT_ASK = STATUSES[Outcome.UNANSWERED]
# The state of a target of which all but an expectation is right.
EXPECTATION = "Expectation"
_ORDER = {outcome: rank for rank, outcome in enumerate(Outcome)}
# Nothing is wrong with what somebody has suspended: that is what was wanted.
_FINE = ("Healthy", "Suspended")
# From best to worst, as kubediscovery.health has them; a word that is not known here is worse than all.
_HEALTHS = ("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown")


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The worst of them; right of none."""
    return max(outcomes, key=_ORDER.__getitem__, default=Outcome.RIGHT)


@dataclass(frozen=True, slots=True)
class Verdict:
    """``state`` is one word for it, ``words`` why, for people; ``culprit`` is what is to blame, where it is known."""

    outcome: Outcome
    state: str
    words: str = ""
    culprit: Culprit | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """An expectation, or a finding of lint as one that does not hold, and what there is to say about it."""

    text: str
    holds: bool
    words: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """All that a check says about one target."""

    title: str
    verdict: Verdict
    answer: Answer | None = None
    expectations: tuple[Told, ...] = ()
    lint: tuple[Told, ...] = ()
    unmet: tuple[Told, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "unmet", tuple(each for each in (*self.expectations, *self.lint) if not each.holds))


def judge(answer: Answer, *, least_version: int = 0) -> Verdict:
    """The verdict on a composition by its rollout and its health.

    ``least_version`` is the version of the root object that kube-apiserver had when the check began: what the server
    says of an older one is not about what was asked.
    """
    if answer.version < least_version:
        return Verdict(Outcome.PENDING, "NotSeen", "the last change has not been seen by kubediscovery yet")
    rollout = answer.rollout
    if rollout is not None and rollout.state == "Failed":
        culprit = rollout.culprit or _found(answer.root, "Degraded")
        return Verdict(Outcome.WRONG, rollout.state, _blamed(culprit, _said(rollout.reason, rollout.message)), culprit)
    if rollout is not None and rollout.state != "Complete":
        return Verdict(Outcome.PENDING, rollout.state, _said(rollout.reason, rollout.message), rollout.culprit)
    health = _health(answer)
    if health in _FINE:
        unseen = "its pods may not be listed: it is judged without them" if not answer.knows_pods else ""
        return Verdict(Outcome.RIGHT, rollout.state if rollout else health, unseen)
    culprit = _found(answer.root, health)
    outcome = Outcome.WRONG if health == "Degraded" else Outcome.PENDING
    return Verdict(outcome, health, words_of(culprit) if culprit else "", culprit)


def _health(answer: Answer) -> str:
    """The health that counts: once a rollout is complete, nothing that is over does.

    Then all pods that are wanted are available, so that one which is Degraded has ended (evicted, or an attempt of a
    Job that another one made good), and of a CronJob only the last Job matters.
    """
    if answer.rollout is None:
        return answer.health
    if answer.root.api_version.startswith("batch/"):
        return "Healthy"
    nodes = list(answer.root.walk())
    counted = [node.health for node in nodes if (node.kind, node.health) != ("Pod", "Degraded")]
    is_over = answer.health == "Degraded" and len(counted) < len(nodes)
    return max(counted, key=_severity, default="Healthy") if is_over else answer.health


def _severity(health: str) -> int:
    return _HEALTHS.index(health) if health in _HEALTHS else len(_HEALTHS)


def _blamed(culprit: Culprit | None, own: str) -> str:
    """The rollout's own words, which name the culprit as a rule."""
    if culprit is None or culprit.name in own:
        return own
    return "; ".join(filter(None, (words_of(culprit), own)))


def _found(root: Node, health: str) -> Culprit | None:
    """The deepest object with a health: what is above it only says so after it."""
    node = _first(root.walk(), health)
    if node is None:
        return None
    while below := _first((each for each in node.walk() if each is not node), health):
        node = below
    return Culprit(node.kind, node.name, node.namespace, reason=node.reason, message=node.message)


def _first(nodes: Iterable[Node], health: str) -> Node | None:
    return next((node for node in nodes if node.health == health), None)


def words_of(culprit: Culprit) -> str:
    """``Pod web-1 container app: CrashLoopBackOff: back-off restarting (exit code 1)``."""
    what = f"{culprit.kind} {culprit.name}" + (f" container {culprit.container}" if culprit.container else "")
    said = _said(culprit.reason, culprit.message)
    code = f" (exit code {culprit.exit_code})" if culprit.exit_code is not None else ""
    return f"{what}: {said}{code}" if said else f"{what}{code}"


def _said(reason: str, message: str) -> str:
    return ": ".join(filter(None, (reason, message)))
