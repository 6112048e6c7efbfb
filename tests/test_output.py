"""The parameter ``output``: read once, refused by name."""

import pytest

from kubediscovery.errors import BadRequest
from kubediscovery.options import parse_options
from kubediscovery.output import Output, parse_output


def test_every_output_by_its_name_and_the_tree_by_none() -> None:
    assert [parse_output(name) for name in Output] == list(Output)
    assert parse_output("") is Output.TREE
    assert parse_options(b"").output is Output.TREE
    assert parse_options(b"output=dot").output is Output.DOT


@pytest.mark.parametrize("text", ["Tree", "json", "table", "dot "])
def test_another_is_refused_and_all_are_named(text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_output(text)
    assert [word for word in (*Output, f'"{text}"') if word not in str(caught.value)] == []


@pytest.mark.parametrize("output", [output for output in Output if output is not Output.TREE])
def test_a_watch_has_trees_alone(output: Output) -> None:
    with pytest.raises(BadRequest, match="output must be tree for a watch"):
        parse_options(f"output={output}".encode(), watch=True)
    assert parse_options(b"output=tree", watch=True).output is Output.TREE
