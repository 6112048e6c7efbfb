"""Medians and percentiles of what was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

__all__ = ["median", "percentile"]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of the values that at least ``percent`` of them do not exceed (nearest rank).

    ``ValueError`` without values or for a percent that is not over 0 and up to 100.
    """
    if not values or not 0 < percent <= 100:
        raise ValueError(f"there is no percentile {percent} of {len(values)} values")
    return sorted(values)[math.ceil(percent / 100 * len(values)) - 1]
