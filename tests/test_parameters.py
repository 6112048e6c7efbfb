"""Documents and parser cannot disagree about query parameters."""

import pytest

from kubediscovery import options
from kubediscovery.errors import StatusError
from kubediscovery.options import FIELDS, parse_options
from kubediscovery.parameters import PARAMETERS, Parameter

BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}
TYPED = [parameter for parameter in PARAMETERS if parameter.type != "string" or parameter.accepted]
VALUES = {"string": "", "integer": "1", "boolean": "true"}
WITH_WORDS = [(parameter, word) for parameter in PARAMETERS for word in parameter.accepted]


def test_what_is_accepted_is_described_and_nothing_else() -> None:
    assert set(BY_NAME) == {*options.STANDARD, *options._OF_COMPOSITIONS}
    assert len(PARAMETERS) == len(BY_NAME)


# What must stand beside it, and whether it is a watch's alone.
NEEDED = {
    "resourceVersionMatch": ("resourceVersion=1", False),
    "sendInitialEvents": ("resourceVersionMatch=NotOlderThan", True),
}


def parse(parameter: Parameter, value: str) -> options.Options:
    needed, watch = NEEDED.get(parameter.name, ("", False))
    return parse_options(f"{parameter.name}={value}&{needed}&other=1".encode(), watch=watch)


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter.name)
def test_a_described_parameter_is_not_ignored(parameter: Parameter) -> None:
    assert parse(parameter, VALUES[parameter.type]).ignored == ("other",)


@pytest.mark.parametrize("parameter", TYPED, ids=lambda parameter: parameter.name)
def test_a_value_of_another_type_is_refused(parameter: Parameter) -> None:
    with pytest.raises(StatusError, match=parameter.name):
        parse(parameter, "other")


@pytest.mark.parametrize(("parameter", "word"), WITH_WORDS)
def test_every_word_that_is_described_is_accepted(parameter: Parameter, word: str) -> None:
    assert parse(parameter, word).ignored == ("other",)


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter.name)
def test_every_parameter_is_explained(parameter: Parameter) -> None:
    assert parameter.description.endswith(".")
    assert len(parameter.description.split()) > 3


def test_all_fields_are_named() -> None:
    assert [field for field in FIELDS if field not in BY_NAME["fieldSelector"].description] == []


def test_numbers_are_not_below_zero() -> None:
    assert BY_NAME["limit"].schema == {"type": "integer", "format": "int64", "minimum": 0}
    assert BY_NAME["pretty"].schema == {"type": "boolean"}
    assert BY_NAME["includeObject"].schema == {"type": "string", "enum": ["None", "Metadata", "Object"]}
