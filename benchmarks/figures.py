"""What a benchmark finds: figures of kubediscovery beside those of a peer, and the targets for them."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from kubediscovery.errors import KubediscoveryError


class AtMostTimes(msgspec.Struct, frozen=True, tag=True):
    """At most so many times the peer's figure, in the same run."""

    factor: float

    def is_met(self, own: float, peer: float | None) -> bool:
        """Compare; never met without a peer."""
        return peer is not None and own <= self.factor * peer

    def __str__(self) -> str:
        return f"ratio at most {self.factor:g}"


class AtLeastTimes(msgspec.Struct, frozen=True, tag=True):
    """At least so many times the peer's figure, in the same run."""

    factor: float

    def is_met(self, own: float, peer: float | None) -> bool:
        """Compare; never met without a peer."""
        return peer is not None and own >= self.factor * peer

    def __str__(self) -> str:
        return f"ratio at least {self.factor:g}"


class Below(msgspec.Struct, frozen=True, tag=True):
    """Less than a fixed size, in the figure's unit."""

    limit: float

    def is_met(self, own: float, peer: float | None) -> bool:
        """Compare with the limit alone."""
        del peer
        return own < self.limit

    def __str__(self) -> str:
        return f"below {self.limit:g}"


#: What is to be reached; as text it is what the report shows.
Target = AtMostTimes | AtLeastTimes | Below


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report: ``own`` is kubediscovery's, ``peer`` is what ``peer_name`` reached, None without one."""

    name: str
    unit: str
    own: float
    peer_name: str = ""
    peer: float | None = None
    target: Target | None = None

    @property
    def ratio(self) -> float | None:
        """Own to peer; None where there is nothing to divide by."""
        return self.own / self.peer if self.peer else None

    @property
    def verdict(self) -> str:
        """``yes`` where the target is reached, ``no``, or nothing where there is none."""
        if self.target is None:
            return ""
        return "yes" if self.target.is_met(self.own, self.peer) else "no"


@dataclass(frozen=True, slots=True)
class Result:
    """What a scenario found; ``notes`` are sentences on how."""

    title: str
    notes: tuple[str, ...]
    figures: tuple[Figure, ...]


class WrongAnswerError(KubediscoveryError):
    """A server did not answer what it had to: then no figure counts."""
