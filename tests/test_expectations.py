"""Expectations about compositions, and the variables that they are made of."""

import re
from pathlib import Path
from typing import Any

import pytest

from kubediscovery.errors import ConfigurationError
from kubediscovery.expectations import VARIABLES, evaluate, parse_expectations, variables_of
from kubediscovery.verdicts import Told
from tests.answering import answer, pod

DIGEST = "nginx@sha256:0d17b565c37bcbd895e9d92315a05c1c3c9a29f762b011a10c54a66cd53c9b31"
DOCUMENT = (Path(__file__).parents[1] / "docs" / "check.md").read_text(encoding="utf-8")


def told(text: str, **fields: Any) -> Told:
    (found,) = evaluate(parse_expectations([text]), answer(**fields))
    return found


def holds(text: str, **fields: Any) -> bool:
    return told(text, **fields).holds


RUNNING = [
    pod("a", info={"images": ["nginx:1"], "imageIDs": ["docker.io/library/nginx@sha256:1"]}),
    pod("b", info={"images": ["nginx:1"], "imageIDs": ["mirror.example.com/nginx@sha256:1", "sha256:2"]}),
    pod("c"),
]
TWO = {"children": [pod("a", info={"images": ["nginx:1", "log:2"], "restarts": 2}), pod("b")], "pods": (2, 1)}


@pytest.mark.parametrize(
    ("text", "fields", "expected"),
    [
        ("pods.ready >= 3", {}, True),
        ("pods.ready >= 3", TWO, False),
        ("pods.total == 2 && pods.ready == 1", TWO, True),
        ("restarts == 2", TWO, True),
        ("images == ['log:2', 'nginx:1']", TWO, True),
        ('images.all(i, i.endsWith("@sha256:0d17"))', TWO, False),
        (f'images.all(i, i == "{DIGEST}")', {"children": [pod(info={"images": [DIGEST]})]}, True),
        ("digests == ['sha256:1', 'sha256:2']", {"children": RUNNING}, True),
        ("digests == ['sha256:1']", {"children": RUNNING[:1]}, True),
        ("digests == ['sha256:1']", {"children": RUNNING}, False),
        ("rollout.old == 0", {}, True),
        ("rollout.old == 0", {"rollout": {"old": 1}}, False),
        ("rollout.state == 'Complete'", {}, True),
        ("rollout.old == 0", {"state": None}, False),
        ("!has(rollout.state)", {"state": None}, True),
        ("nodes.all(n, !has(n.info.restarts) || n.info.restarts == 0)", TWO, False),
        ("nodes.all(n, !has(n.info.restarts) || n.info.restarts == 0)", {"children": [pod()]}, True),
        ("nodes.filter(n, n.kind == 'Pod').size() == 2", TWO, True),
        ("nodes.all(n, n.message == '' && n.reason == '')", TWO, True),
        ("health == 'Healthy'", {}, True),
        ("metadata.name == 'deployments.apps.web'", {}, True),
        ("root.kind == 'Deployment' && root.children.size() == 2", TWO, True),
        ("status.pods.ready == 1", TWO, True),
        ("composition.root.name == 'web'", {}, True),
        ("revisions.size() == 1", {"rollout": {"revisions": [{"images": ["nginx:1"], "pods": 3, "ready": 3}]}}, True),
        ("revisions.all(r, r.terminating == 0)", {"rollout": {"revisions": [{"pods": 3}]}}, True),
    ],
)
def test_an_expectation(text: str, fields: dict[str, Any], expected: bool) -> None:
    assert holds(text, **fields) is expected


def test_what_does_not_hold_says_what_there_is() -> None:
    assert told("pods.ready >= 3", **TWO).words == "pods is total 2, ready 1"
    assert told("images.size() == 1 && restarts == 0", **TWO).words == "images is log:2, nginx:1, restarts is 2"
    assert told("digests == ['x']", children=RUNNING).words == "digests is sha256:1, sha256:2"
    assert "nonsense" in told("rollout.nonsense == 1").words


@pytest.mark.parametrize("text", ["pods.ready + 'x' == ''", "root.nothing", "pods", "1"])
def test_what_has_no_value_does_not_hold_and_says_why(text: str) -> None:
    found = told(text)
    assert not found.holds
    assert found.words


@pytest.mark.parametrize(
    "text", ["images.all(i, i == 'x')", "nodes.all(n, n.kind == 'x')", "restarts == 0", "pods.ready == 0"]
)
def test_what_may_not_be_seen_is_not_true_of_all(text: str) -> None:
    found = told(text, pods=None)
    assert not found.holds
    assert found.words.endswith("pods may not be listed")
    assert holds("health == 'Healthy' && rollout.state == 'Complete'", pods=None)


def test_each_expectation_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_expectations(["pods.ready >=", "health == 'x'", "flowers == 1"])
    first, second = str(caught.value).splitlines()
    assert 'the expression "pods.ready >="' in first
    assert "there is no variable flowers" in second
    assert first.startswith("--expect")


def test_every_variable_has_a_value_and_is_explained() -> None:
    assert set(variables_of(answer())) == set(VARIABLES)
    assert set(re.findall(r"^\| `([a-z]+)` \| ", DOCUMENT, re.MULTILINE)) >= set(VARIABLES)


def test_every_expectation_in_the_document_can_be_used() -> None:
    texts = [text.replace("\\|", "|") for text in re.findall(r"--expect '([^']+)'", DOCUMENT)]
    assert len(texts) > 5
    parse_expectations(texts)


MANY = {"children": [pod(f"web-{number}", info={"images": ["nginx:1"], "node": "n1"}) for number in range(10_000)]}


@pytest.mark.parametrize(
    "text",
    [
        "nodes.all(n, !has(n.info.restarts) || n.info.restarts == 0)",
        "nodes.all(n, !has(n.info.images) || n.info.images.all(i, i == 'nginx:1'))",
        "nodes.exists_one(n, n.name == 'web-9999') && nodes.size() == 10001",
        "root.children.all(n, n.info.node == 'n1') && composition.root.children.size() == 10000",
        "pods.total > 0 && images.filter(i, i == 'nginx:1').size() == 1",
    ],
)
def test_a_tree_of_ten_thousand_pods_can_be_checked(text: str) -> None:
    found = told(text, **MANY)
    assert (found.holds, found.words) == (True, "")


def test_what_would_take_minutes_says_so() -> None:
    found = told("nodes.filter(n, n.kind == 'Pod').size() == 10000", **MANY)
    assert not found.holds
    assert found.words.endswith("in one list; all, exists and exists_one are")
