"""What a request waits for: ``waitFor`` and ``timeoutSeconds`` of a get."""

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from kubediscovery.errors import BadRequest
from kubediscovery.health import Health
from kubediscovery.outcome import Rollout, RolloutState

# Seconds that are waited without timeoutSeconds, and at most: kube-apiserver ends what is no watch after a minute.
DEFAULT_SECONDS, MOST_SECONDS = 30, 50
_MARGIN = 5
# A header of the answer, and what it says: that one of the states was reached, or that the time was over before.
HEADER, REACHED, TIMED_OUT = "Kubediscovery-Wait", "Reached", "TimedOut"
STATES: tuple[str, ...] = tuple(dict.fromkeys((*RolloutState, *Health)))
_OF_ROLLOUTS_ALONE = frozenset[str](RolloutState) - frozenset[str](Health)


class Wish(Struct, frozen=True):
    """``states`` are those of which one is enough, ``seconds`` how long to wait, ``asked`` how long was asked for."""

    states: tuple[str, ...]
    seconds: float = DEFAULT_SECONDS
    asked: int = 0

    def is_granted(self, rollout: Rollout | None, health: Health) -> bool:
        """Whether a composition with this verdict and this health is in one of the states."""
        return health in self.states or (rollout is not None and rollout.state in self.states)

    def require_of(self, kind: str, rollout: Rollout | None) -> None:
        """Raise :class:`BadRequest` where nothing can ever grant it, because the kind rolls out nothing."""
        if rollout is None and _OF_ROLLOUTS_ALONE.issuperset(self.states):
            raise BadRequest(
                f"waitFor={','.join(self.states)}: a {kind} rolls out nothing; accepted for it are {', '.join(Health)}"
            )

    def within(self, seconds: float) -> "Wish":
        """The same, ended in time where a request may take only so many seconds."""
        return replace(self, seconds=min(self.seconds, max(seconds - _MARGIN, seconds / 2)))

    def warnings(self, *, reached: bool) -> Iterator[str]:
        """What whoever waited should know."""
        if self.asked > self.seconds:
            yield f"timeoutSeconds={self.asked} is more than can be waited: {self.seconds:g} were meant"
        if not reached:
            yield f"not {' or '.join(self.states)} within {self.seconds:g} seconds"


def parse_wish(values: Mapping[str, str], *, watch: bool = False, exact: bool = False) -> Wish | None:
    """``waitFor=Complete,Failed``; None for nothing to wait for.

    States are those of a rollout and those of health; ``watch`` and ``exact`` say what else is asked for.
    ``timeoutSeconds`` has been checked; 0 and nothing mean :data:`DEFAULT_SECONDS`. Raises :class:`BadRequest` that
    names what is accepted.
    """
    text = values.get("waitFor", "")
    if not text:
        return None
    if watch:
        raise BadRequest("waitFor is for a get, not for a watch, which tells of every change")
    if exact:
        raise BadRequest("waitFor does not go together with resourceVersionMatch=Exact: what is there may change")
    states = tuple(dict.fromkeys(text.split(",")))
    for state in states:
        if state not in STATES:
            raise BadRequest(f'waitFor: "{state[:100]}" is no state; accepted are {", ".join(STATES)}, comma-separated')
    asked = int(values.get("timeoutSeconds") or 0)
    return Wish(states, min(asked or DEFAULT_SECONDS, MOST_SECONDS), asked)
