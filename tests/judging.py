"""What the tables of cases of health are made of."""

from typing import Any

import pytest

from kubediscovery.health import Health, assess
from kubediscovery.kinds import Kind
from tests.objects import make

HEALTHY, SUSPENDED, PROGRESSING, DEGRADED = Health.HEALTHY, Health.SUSPENDED, Health.PROGRESSING, Health.DEGRADED

Case = tuple[str, dict[str, Any], Health, str, str]


def verdict(kind: Kind, state: Any, **fields: Any) -> tuple[Health, str, str]:
    return tuple(assess(make(kind, "x", state=state, **fields)))  # type: ignore[return-value]


def cases(*rows: Case) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("changes", "health", "reason", "message"), [row[1:] for row in rows], ids=[row[0] for row in rows]
    )
