"""The pages for operators: all flags, all objects, all rights, and the very words that the server says."""

import re
import shlex
from pathlib import Path

import pytest

from kubediscovery.cli import commands
from kubediscovery.config import DEFAULT_GROUP, DEFAULT_NAMESPACE, SECURE_PORT
from kubediscovery.manifests import Installation, objects
from kubediscovery.serving_certificate import ServingCertificate
from kubediscovery.size import DEFAULT_SIZE

ROOT = Path(__file__).parents[1]
FLAG = re.compile(r"^\| `(--[a-z-]+)` \| (?:`([^`]*)`)?", re.MULTILINE)
# Whole objects that are told of together with others.
TOGETHER = {"ClusterRole", "ClusterRoleBinding", "RoleBinding"}


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def part(text: str, heading: str) -> str:
    """From a heading to the next one."""
    (found,) = re.findall(rf"^#+ {heading}$(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    return str(found)


def test_every_flag_of_install_is_explained_with_its_default() -> None:
    documented = dict(FLAG.findall(page("installation.md")))
    assert set(documented) == {parameter.opts[0] for parameter in commands.commands["install"].params}
    size = {
        "--cpu-request": DEFAULT_SIZE.cpu_request,
        "--memory-request": DEFAULT_SIZE.memory_request,
        "--memory-limit": DEFAULT_SIZE.memory_limit,
    }
    others = {"--namespace": DEFAULT_NAMESPACE, "--api-group": DEFAULT_GROUP, "--port": str(SECURE_PORT)}
    assert {flag: default for flag, default in documented.items() if default} == size | others


def test_every_kind_that_is_installed_is_told_of() -> None:
    told = part(page("installation.md"), "What is installed")
    installed = {manifest["kind"] for manifest in objects(Installation(), ServingCertificate(b"", b"", b""))}
    assert {kind for kind in installed - TOGETHER if kind not in told} == set()


def test_the_defaults_are_told_where_sizes_are_chosen() -> None:
    told = part(page("sizing.md"), "Requests and limits")
    words = f"`cpu: {DEFAULT_SIZE.cpu_request}` and `memory: {DEFAULT_SIZE.memory_request}`"
    assert words in told
    assert f"`{DEFAULT_SIZE.memory_limit}`" in told


def test_what_answers_say_is_what_the_server_says() -> None:
    """Each text in the table is in the sources, so that whoever searches for an error finds it here."""
    source = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "kubediscovery").glob("*.py"))
    rows = re.findall(r"^\| \d+ \| `([^`]+)`", part(page("troubleshooting.md"), "What answers say"), re.MULTILINE)
    assert len(rows) >= 7
    assert [row for row in rows if row not in source] == []


def test_every_right_of_the_server_is_told_of() -> None:
    told = part(page("security.md"), "What the server may do")
    bound = {
        manifest["roleRef"]["name"]
        for manifest in objects(Installation(), ServingCertificate(b"", b"", b""))
        if "roleRef" in manifest
    }
    assert bound == {"kubediscovery:server", "system:auth-delegator", "extension-apiserver-authentication-reader"}
    assert bound - {"kubediscovery:server"} == {name for name in bound if f"`{name}`" in told}
    for verb in ("list", "watch", "create", "get"):
        assert f"`{verb}`" in told


def command_lines() -> list[str]:
    """All calls of the command line in blocks of the documents, whether a test can run them or not."""
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    blocks = [
        block
        for document in documents
        for block in re.findall(r"^```(?:sh|text)$(.*?)^```$", document.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    ]
    return [line for block in blocks for line in block.splitlines() if line.startswith("kubediscovery ")]


@pytest.mark.parametrize("line", command_lines())
def test_every_command_line_that_is_shown_is_understood(line: str) -> None:
    _, name, *arguments = shlex.split(line.partition(" > ")[0])
    command = commands.commands[name]
    context = command.make_context(name, arguments)
    assert context.command is command
