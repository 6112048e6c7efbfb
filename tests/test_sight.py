"""What a caller sees, where the request looks and beyond."""

import pytest

from kubediscovery.kinds import Kind
from kubediscovery.sight import Sight
from tests.objects import DEPLOYMENT, FLEET, POD, make


@pytest.mark.parametrize(
    ("kind", "namespace", "seen"),
    [
        (POD, "shop", True),
        (DEPLOYMENT, "shop", False),
        (POD, "vault", False),
        (DEPLOYMENT, "vault", True),
        (FLEET, "", True),
    ],
)
def test_beyond_the_namespace_only_what_may_be_listed_everywhere_is_seen(
    kind: Kind, namespace: str, seen: bool
) -> None:
    sight = Sight("shop", frozenset({POD, FLEET}), everywhere=frozenset({DEPLOYMENT}))
    assert sight.sees(make(kind, "a", namespace)) is seen


def test_without_a_namespace_all_are_near() -> None:
    sight = Sight(None, frozenset({POD}))
    assert sight.sees(make(POD, "a", "vault"))
    assert not sight.sees(make(DEPLOYMENT, "a", "vault"))
