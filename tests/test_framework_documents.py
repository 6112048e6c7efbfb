"""docs/framework.md: its example can be run, and what its reference names is there."""

import importlib
import re
from pathlib import Path

from kubediscovery.framework import Registry

DOCUMENTS = Path(__file__).parents[1] / "docs"
FRAMEWORK = (DOCUMENTS / "framework.md").read_text(encoding="utf-8")


def test_each_example_registers_what_it_says() -> None:
    registered = []
    for example in re.findall(r"^```python\n(.*?)^```$", FRAMEWORK, re.MULTILINE | re.DOTALL):
        defined: dict[str, object] = {}
        exec(compile(example, "framework.md", "exec"), defined)  # noqa: S102
        registry = defined["registry"]
        assert isinstance(registry, Registry)
        registered.append((registry.group, [(found.name, found.kind, found.verbs) for found in registry]))
    assert registered == [
        ("images.example.org", [("images", "ImageList", ("get",))]),
        ("paces.example.org", [("pace", "Pace", ("get", "update", "patch"))]),
        ("images.example.org", []),
    ]


def test_what_the_reference_names_is_there() -> None:
    named = re.findall(r"^::: (\S+)$", FRAMEWORK, re.MULTILINE)
    assert len(named) > 5
    for path in named:
        module, _, name = path.rpartition(".")
        found = getattr(importlib.import_module(module), name, None) or importlib.import_module(path)
        assert found.__doc__, path


def test_every_page_is_in_the_site() -> None:
    navigation = (DOCUMENTS.parent / "mkdocs.yml").read_text(encoding="utf-8")
    assert [path.name for path in DOCUMENTS.glob("*.md") if path.name not in navigation] == []
