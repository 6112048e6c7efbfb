"""Rules of list options; the expected answers are those of kube-apiserver 1.36.3."""

import pytest

from kubediscovery.errors import Cause, Invalid, Subject
from kubediscovery.validation import check_list_options

FORBIDDEN = "FieldValueForbidden"
MATCH, INITIAL = "resourceVersionMatch", "sendInitialEvents"
WITHOUT_VERSION = Cause(
    FORBIDDEN, "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided", MATCH
)
WITH_CONTINUE = Cause(FORBIDDEN, "Forbidden: resourceVersionMatch is forbidden when continue is provided", MATCH)
EXACTLY_ANY = Cause(FORBIDDEN, 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"', MATCH)
FOR_LIST = Cause(FORBIDDEN, "Forbidden: sendInitialEvents is forbidden for list", INITIAL)
NEEDS_MATCH = Cause(
    FORBIDDEN, "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan", MATCH
)
NEEDS_INITIAL = Cause(
    FORBIDDEN, "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided", MATCH
)


def unsupported(value: str, known: str) -> Cause:
    return Cause("FieldValueNotSupported", f'Unsupported value: "{value}": supported values: {known}', MATCH)


def values(query: str) -> dict[str, str]:
    names = {"v": "resourceVersion", "m": MATCH, "c": "continue", "i": INITIAL}
    return {names[name]: value for name, _, value in (pair.partition("=") for pair in query.split()) if name}


@pytest.mark.parametrize("query", ["", "v=5", "v=0", "v=5 m=Exact", "v=5 m=NotOlderThan", "v=0 m=NotOlderThan", "c=x"])
def test_what_goes_together_in_a_list(query: str) -> None:
    check_list_options(values(query), watch=False)


@pytest.mark.parametrize(
    ("query", "causes"),
    [
        ("m=NotOlderThan", [WITHOUT_VERSION]),
        ("v= m=Exact", [WITHOUT_VERSION]),
        ("v=5 m=Exact c=x", [WITH_CONTINUE]),
        ("v=5 m=exact", [unsupported("exact", '"Exact", "NotOlderThan", ""')]),
        ("v=0 m=Exact", [EXACTLY_ANY]),
        ("i=true", [FOR_LIST]),
        ("i=false", [FOR_LIST]),
        ("i=", [FOR_LIST]),
        (
            "m=Foo c=x i=1",
            [WITHOUT_VERSION, WITH_CONTINUE, unsupported("Foo", '"Exact", "NotOlderThan", ""'), FOR_LIST],
        ),
    ],
)
def test_what_does_not_go_together_in_a_list(query: str, causes: list[Cause]) -> None:
    with pytest.raises(Invalid) as caught:
        check_list_options(values(query), watch=False)
    assert list(caught.value.causes) == causes


@pytest.mark.parametrize("query", ["", "v=5", "c=x", "i=1 m=NotOlderThan", "i=0 v=5 m=NotOlderThan"])
def test_what_goes_together_in_a_watch(query: str) -> None:
    check_list_options(values(query), watch=True)


@pytest.mark.parametrize(
    ("query", "causes"),
    [
        ("i=true", [NEEDS_MATCH]),
        ("i=", [NEEDS_MATCH]),
        ("m=NotOlderThan", [NEEDS_INITIAL]),
        ("v=5 m=Exact", [NEEDS_INITIAL, unsupported("Exact", '"NotOlderThan"')]),
        ("i=1 m=NotOlderThan c=x", [WITH_CONTINUE]),
        ("i=1 m=Exact c=x", [NEEDS_MATCH, unsupported("Exact", '"NotOlderThan"'), WITH_CONTINUE]),
    ],
)
def test_what_does_not_go_together_in_a_watch(query: str, causes: list[Cause]) -> None:
    with pytest.raises(Invalid) as caught:
        check_list_options(values(query), watch=True)
    assert list(caught.value.causes) == causes


def test_the_error_is_that_of_kubernetes() -> None:
    with pytest.raises(Invalid) as caught:
        check_list_options(values("m=Foo"), watch=False)
    assert caught.value.subject == Subject("meta.k8s.io", "ListOptions")
    assert str(caught.value) == (
        'ListOptions.meta.k8s.io "" is invalid: '
        "[resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided, "
        'resourceVersionMatch: Unsupported value: "Foo": supported values: "Exact", "NotOlderThan", ""]'
    )
    with pytest.raises(Invalid) as caught:
        check_list_options(values("i=1"), watch=False)
    assert str(caught.value) == (
        'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list'
    )
