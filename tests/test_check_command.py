"""docs/check.md says what ``kubediscovery check`` can be told, and its examples can be used."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from kubediscovery.check_command import check
from kubediscovery.checker import CheckOptions
from kubediscovery.expectations import parse_expectations
from kubediscovery.verdicts import STATUSES
from kubediscovery.workload import IMAGE

DOCUMENT = (Path(__file__).parents[1] / "docs" / "check.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(--[a-z-]+)`(?:, `-[a-zA-Z]`)? \| (?:`([^`]*)`)? ?\| .+ \|$", re.MULTILINE)
MANIFESTS = [
    document
    for block in re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    for document in yaml.safe_load_all(block)
]


def test_every_flag_is_explained_with_its_default() -> None:
    flags = {
        option.opts[0]: "" if option.default is None or option.default is False else str(option.default)
        for option in check.params
        if isinstance(option, click.Option) and option.name != "help"
    }
    explained = dict(ROW.findall(DOCUMENT))
    assert {flag for flag in explained if flag in flags} == set(flags)
    assert {flag: default for flag, default in explained.items() if default} == {
        flag: default for flag, default in flags.items() if default and "Sentinel" not in default
    }


def test_every_status_is_explained() -> None:
    told = {int(number) for number in re.findall(r"^\| (\d+) \| ", DOCUMENT, re.MULTILINE)}
    assert told == {*STATUSES.values(), 2, 130}


def texts(value: Any) -> Iterator[Any]:
    """All that stands in a manifest, and lists of arguments as a whole."""
    if isinstance(value, dict):
        for held in value.values():
            yield from texts(held)
    elif isinstance(value, list) and "check" in value:
        yield value
    elif isinstance(value, list):
        for held in value:
            yield from texts(held)
    else:
        yield value


def commands() -> list[list[str]]:
    """The arguments of each check in the examples."""
    found: list[list[str]] = []
    for text in texts(MANIFESTS):
        words = text if isinstance(text, list) else shlex.split(str(text)) if " check " in str(text) else []
        if "check" in words:
            found.append(words[words.index("check") + 1 :])
    return found


def test_every_example_can_be_used() -> None:
    assert len(commands()) == 3
    for arguments in commands():
        # What Argo fills in.
        filled = [re.sub(r"{{[^}]+}}", "web", argument) for argument in arguments]
        with check.make_context("check", filled) as context:
            options = CheckOptions(**context.params)
        options.validate()
        parse_expectations(options.expect)
        assert all("/" in target for target in options.targets)


def test_the_examples_are_about_this_version() -> None:
    images = set(re.findall(r"ghcr\.io/[^\s\"]+", DOCUMENT))
    assert images == {IMAGE}


def test_the_example_for_argo_has_all_its_parts() -> None:
    kinds = [document["kind"] for document in MANIFESTS if "kind" in document]
    assert kinds == ["AnalysisTemplate", "Rollout", "ServiceAccount", "RoleBinding"]
    template = MANIFESTS[-4]["spec"]
    job = template["metrics"][0]["provider"]["job"]["spec"]["template"]["spec"]
    given = {found for text in job["containers"][0]["args"] for found in re.findall(r"{{args\.([a-z-]+)}}", text)}
    assert given == {argument["name"] for argument in template["args"]}
    assert job["serviceAccountName"] == MANIFESTS[-2]["metadata"]["name"]


@pytest.mark.parametrize("module", ["rich", "starlette", "uvloop"])
def test_lines_need_nothing_of_a_terminal_and_help_nothing_at_all(module: str) -> None:
    program = f"import sys, kubediscovery.cli, kubediscovery.checker; sys.exit('{module}' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0
