"""Who would adopt what: the controllers' own rules; test_lint.py has the table of them."""

from typing import Any

import pytest
from msgspec import structs

from kubediscovery.adoption import adopters_of
from kubediscovery.selectors import Requirement, Selector
from tests.objects import DEPLOYMENT, FLEET, POD, REPLICA_SET, filled, make, owner_of

LABELS = (("app", "web"),)
SELECTS = Selector((Requirement("app", "in", frozenset(("web",))),))
CONTROLLER = make(REPLICA_SET, "web", selector=SELECTS)
ORPHAN = make(POD, "web-a", labels=LABELS)


def test_all_that_select_it() -> None:
    other = make(REPLICA_SET, "other", selector=Selector((Requirement("app", "exists"),)))
    store = filled([CONTROLLER, other, ORPHAN, make(DEPLOYMENT, "web", selector=SELECTS)])
    assert {found.name for found in adopters_of(store, ORPHAN)} == {"web", "other"}


@pytest.mark.parametrize(
    "fields",
    [
        {"deleting": True},
        {"labels": ()},
        {"namespace": "vault"},
        {"kind": FLEET},
        {"owners": (owner_of(make(DEPLOYMENT, "any")),)},
    ],
)
def test_what_nobody_adopts(fields: dict[str, Any]) -> None:
    orphan = structs.replace(ORPHAN, **fields)
    assert list(adopters_of(filled([CONTROLLER, orphan]), orphan)) == []


def test_a_plain_owner_does_not_keep_it_from_being_adopted() -> None:
    orphan = structs.replace(ORPHAN, owners=(owner_of(make(DEPLOYMENT, "any"), controller=False),))
    assert list(adopters_of(filled([CONTROLLER, orphan]), orphan)) == [CONTROLLER]
