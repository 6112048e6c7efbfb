"""A list that is joined of pieces is, byte for byte, the list that is written whole."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.api import ApiGroup
from kubediscovery.composition import CompositionList
from kubediscovery.compositions import Compositions, Target
from kubediscovery.errors import NotAcceptable
from kubediscovery.meta import ListMeta
from kubediscovery.negotiation import (
    JSON,
    PARTIAL_OBJECT,
    PARTIAL_OBJECT_LIST,
    PLAIN,
    PLAIN_YAML,
    TABLE,
    YAML,
    MediaType,
    Representation,
)
from kubediscovery.options import Options
from kubediscovery.pieces import form_of, pieces_of
from kubediscovery.representation import encode, transform
from tests.objects import DEPLOYMENT, KINDS, POD, REPLICA_SET, filled, make, seeing

NOW = datetime(2026, 1, 1, tzinfo=UTC)
META = "meta.k8s.io"
FORMS = [
    Representation(media_type, pretty=pretty)
    for pretty in (False, True)
    for media_type in (
        PLAIN,
        PLAIN_YAML,
        *(MediaType(kind, META, "v1", encoding) for kind in (TABLE, PARTIAL_OBJECT_LIST) for encoding in (JSON, YAML)),
    )
]
# What would be taken for the place of the items, and what has to be escaped.
HOSTILE = ["items: []", '"items":[]', '"rows": [', "- ", "a\nb", "\x85\u2028", "yes", ""]
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20))


def composed(names: list[str], labels: dict[str, str], token: str) -> CompositionList:
    roots = [make(DEPLOYMENT, name or "x", labels=tuple(sorted(labels.items()))) for name in dict.fromkeys(names)]
    sets = [make(REPLICA_SET, f"{root.name}-1", owners=[root]) for root in roots]
    pods = [make(POD, f"{found.name}-{number}", owners=[found]) for found in sets for number in range(2)]
    answer = Compositions(ApiGroup("g.io", "v1", KINDS), filled([*roots, *sets, *pods])).many(
        Target(DEPLOYMENT, None), Options(), seeing(KINDS)
    )
    return structs.replace(answer, metadata=ListMeta(resource_version="7", continue_=token))


@pytest.mark.parametrize("form", FORMS, ids=str)
@given(st.lists(TEXTS, max_size=3), st.dictionaries(TEXTS, TEXTS, max_size=2), TEXTS)
@settings(max_examples=20, deadline=None)
def test_the_pieces_make_the_whole(form: Representation, names: list[str], labels: dict[str, str], token: str) -> None:
    answer = composed(names, labels, token)
    head = structs.replace(answer, items=[])
    pieces = pieces_of(head, form, NOW)
    shape = form_of(head, form)
    items = [shape.at(shape.of(item), make(DEPLOYMENT, "any"), NOW) for item in answer.items]
    assert pieces.whole(items) == encode(transform(answer, form, NOW), form)


def test_a_list_is_no_single_object() -> None:
    head = composed([], {}, "")
    with pytest.raises(NotAcceptable):
        pieces_of(head, Representation(MediaType(PARTIAL_OBJECT, META, "v1")), NOW)
