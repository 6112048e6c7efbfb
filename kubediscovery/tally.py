"""Histograms for what happens thousands of times a second: the library's take a lock, twice, for each value."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.utils import floatToGoString


class Tally:
    """How many values of one series there were in each bucket, and their sum; for one thread alone."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """One more; a value that is a bound is within its bucket."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value


class Tallies:
    """The series of one histogram, to be registered as a collector; ``bounds`` are upper ones, without infinity."""

    def __init__(self, name: str, help_: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        self._name, self._help, self._labels, self._bounds = name, help_, labels, bounds
        self._names = [*map(floatToGoString, bounds), "+Inf"]
        self._series: dict[tuple[str, ...], Tally] = {}

    def of(self, *labels: str) -> Tally:
        """The series with the labels, of which there must not be ever more."""
        found = self._series.get(labels)
        if found is None:
            found = self._series[labels] = Tally(self._bounds)
        return found

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What there is, as the library writes it."""
        family = HistogramMetricFamily(self._name, self._help, labels=self._labels)
        for labels, tally in self._series.items():
            buckets = list(zip(self._names, map(float, accumulate(tally.counts)), strict=True))
            family.add_metric(labels, buckets, tally.total)
        yield family
