"""What is read of a composition, and what is none."""

import msgspec
import pytest

from kubediscovery.answers import read_answer, read_answers, title_of
from kubediscovery.errors import UpstreamError
from tests.answering import answer, composition, pod
from tests.playing import played


def test_what_a_server_of_this_version_answers_is_read() -> None:
    for found in played(3):
        read = read_answer(msgspec.json.decode(msgspec.json.encode(found)))
        assert (read.name, read.namespace) == (found.metadata.name, found.metadata.namespace)
        assert read.health == found.status.health
        assert len(list(read.root.walk())) > 1 or not found.root.children


def test_what_a_newer_server_adds_does_no_harm() -> None:
    document = composition(children=[pod(novelty={"a": 1})])
    document["status"]["novelty"] = [1]
    document["root"]["message"] = None
    read = read_answer(document)
    assert [node.name for node in read.root.walk()] == ["web", "web-1"]
    assert read.root.message == ""


def test_an_object_that_stands_twice_counts_once() -> None:
    shared = pod("shared")
    read = answer(children=[pod("a", children=[shared]), pod("b", related=[shared])])
    assert [node.name for node in read.root.walk()] == ["web", "a", "shared", "b"]


@pytest.mark.parametrize("document", [None, 5, [], {}, {"metadata": {}}, {**composition(), "root": 5}])
def test_what_is_no_composition(document: object) -> None:
    with pytest.raises(UpstreamError, match="the answer is no composition"):
        read_answer(document)


@pytest.mark.parametrize("document", [None, [], {}, {"items": 5}])
def test_what_is_no_list(document: object) -> None:
    with pytest.raises(UpstreamError, match="the answer is no list"):
        read_answers(document)


def test_a_list_and_its_version() -> None:
    answers, version = read_answers({"metadata": {"resourceVersion": "9"}, "items": [composition()]})
    assert [each.title for each in answers] == ["shop/deployments.apps.web"]
    assert version == "9"
    assert title_of("", "nodes.n1") == "nodes.n1"


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("", 0), ("x", 0), ("7x", 0)])
def test_the_version_of_the_root(text: str, number: int) -> None:
    assert answer(resourceVersion=text).version == number
