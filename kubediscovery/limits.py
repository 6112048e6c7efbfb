"""How many requests may be under way, and for how long.

The rules are those of ``k8s.io/apiserver, pkg/server/filters/maxinflight.go``, ``timeout.go`` and
``pkg/endpoints/filters/request_deadline.go``, except that watches, which are counted apart there too, have a bound.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from kubediscovery.config import MAX_REQUESTS, MAX_WATCHES, REQUEST_SECONDS, parse_duration
from kubediscovery.deadline import Deadline
from kubediscovery.errors import BadRequest, ConfigurationError, ServerTimeout, TooManyRequests
from kubediscovery.exchange import Exchange

RETRY_AFTER = 1
_PRIVILEGED = "system:masters"
_TIMEOUT = re.compile(rb"(?:^|&)timeout=([^&]*)")
_LONGEST_TIMEOUT = 100
# Seconds for which one who has asked is likely to ask again.
_LATELY = 1.0


@dataclass(slots=True)
class Gate:
    """Counts who is inside; ``limit`` 0 is none, ``most`` the most there were since it was last asked."""

    limit: int
    inside: int = 0
    most: int = 0

    @property
    def full(self) -> bool:
        """Whether nobody else may come in."""
        return 0 < self.limit <= self.inside

    def enter(self) -> None:
        """One more."""
        self.inside += 1
        if self.inside > self.most:
            self.most = self.inside

    def leave(self) -> None:
        """One less."""
        self.inside -= 1

    def take_most(self) -> int:
        """The most there were, which is then counted anew."""
        most, self.most = self.most, self.inside
        return most


class Limits:
    """Of one process; ``seconds`` is how long a request that is not a watch may take."""

    def __init__(
        self,
        *,
        requests: int = MAX_REQUESTS,
        watches: int = MAX_WATCHES,
        seconds: float = REQUEST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.requests = Gate(requests)
        self.watches = Gate(watches)
        self.seconds = seconds
        self._now = clock
        self._asked_at = float("-inf")

    def awaited(self) -> bool:
        """Whether anybody watches or waits for an answer, or has just been given one."""
        return bool(self.watches.inside or self.requests.inside) or self._now() - self._asked_at < _LATELY

    def admit(self, exchange: Exchange) -> None:
        """Count the request until :meth:`release`; from now on its deadline is its own.

        A watch has none, others that of their parameter ``timeout``, where it is sooner than everybody's.

        Raises :class:`TooManyRequests` where there are enough, members of system:masters left out, and
        :class:`BadRequest` for a timeout that is no duration.
        """
        gate = self._gate(exchange)
        if gate.full and _PRIVILEGED not in exchange.user.groups:
            raise TooManyRequests("Too many requests, please try again later.", retry_after=RETRY_AFTER)
        gate.enter()
        self._asked_at = self._now()
        exchange.admitted = True
        if exchange.deadline is not None:
            self._allot(exchange, exchange.deadline)

    def release(self, exchange: Exchange) -> None:
        """The request is answered, or its caller is gone."""
        if exchange.admitted:
            exchange.admitted = False
            self._gate(exchange).leave()

    def _allot(self, exchange: Exchange, deadline: Deadline) -> None:
        query: bytes = exchange.http["query_string"]
        if exchange.watching:
            deadline.reschedule(None)
        elif b"timeout=" in query and (found := _TIMEOUT.search(query)):
            seconds, ends = _seconds(found[1]), deadline.when()
            if ends is not None and 0 < seconds < self.seconds:
                deadline.reschedule(ends - self.seconds + seconds)

    def _gate(self, exchange: Exchange) -> Gate:
        return self.watches if exchange.watching else self.requests


def _seconds(given: bytes) -> float:
    """What ``timeout`` says; 0 is none."""
    try:
        return parse_duration(unquote(given[:_LONGEST_TIMEOUT].decode("latin-1"))) if given else 0
    except ConfigurationError as error:
        raise BadRequest(f"invalid timeout specified in the request URL: {error}") from None


def overdue() -> ServerTimeout:
    """What a caller is told whose request took too long."""
    return ServerTimeout("Timeout: request did not complete within the allotted timeout")
