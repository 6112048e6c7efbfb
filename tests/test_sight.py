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


def test_a_namespace_that_is_named_beside_has_kinds_of_its_own() -> None:
    sight = Sight("shop", frozenset({POD}), frozenset({FLEET}), beside=(("vault", frozenset({DEPLOYMENT})),))
    assert [sight.sees(make(kind, "a", "vault")) for kind in (POD, DEPLOYMENT)] == [False, True]
    assert [sight.sees(make(kind, "a", "other")) for kind in (POD, DEPLOYMENT)] == [False, False]
    assert [sight.sees(make(kind, "a", "shop")) for kind in (POD, DEPLOYMENT)] == [True, False]
