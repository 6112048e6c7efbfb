"""What `--app` names: found in the working directory, and every way in which it is not told in one line."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubediscovery.errors import ConfigurationError
from kubediscovery.loading import load_registries

APP = "from kubediscovery.framework import Registry\nregistry = Registry('loaded.example.org')\nother = 1\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory of a command that is installed: not on Python's path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_registry_in_the_working_directory_is_found(folder: Path) -> None:
    (folder / "loadable").mkdir()
    (folder / "loadable" / "__init__.py").write_text("")
    (folder / "loadable" / "inner.py").write_text(APP)
    assert load_registries("loadable.inner:registry")[0].group == "loaded.example.org"


@pytest.mark.parametrize(
    "app", ["", "images", "images:", ":registry", "images:registry:x", "../images:registry", "a b:c"]
)
def test_what_is_no_module_and_name_is_refused(app: str) -> None:
    with pytest.raises(ConfigurationError, match="--app must be module:registry, such as images:registry, not"):
        load_registries(app)


@pytest.mark.parametrize(
    ("content", "app", "words"),
    [
        (None, "nowhere:registry", 'there is no module "nowhere" in '),
        (APP, "faulty.inner:registry", 'there is no module "faulty.inner" in '),
        (APP, "faulty:absent", r"the module faulty \(.*faulty.py\) has nothing of that name"),
        (APP, "faulty:other", "has no Registry there nor a list of such"),
        (
            "import nowhere_at_all\n",
            "faulty:registry",
            r"ModuleNotFoundError: No module named 'nowhere_at_all' \(.*:1\)",
        ),
        ("\n1 / 0\n", "faulty:registry", r"faulty cannot be imported: ZeroDivisionError: .* \(.*faulty.py:2\)"),
        (
            "from kubediscovery.framework import Registry\n\nRegistry(5)\n",
            "faulty:registry",
            r"TypeError: .* \(.*faulty.py:3\)",
        ),
        ("import json\njson.loads('{')\n", "faulty:registry", r"JSONDecodeError: .* \(.*faulty.py:2\)"),
        ("this is no Python\n", "faulty:registry", r"SyntaxError: .* \(.*faulty.py:1\)"),
        (f"{APP}Registry('nodot')\n", "faulty:registry", r'faulty.py:4: group must be a DNS name .* not "nodot"'),
    ],
)
def test_what_cannot_be_loaded_is_told_with_its_place(folder: Path, content: str | None, app: str, words: str) -> None:
    if content is not None:
        (folder / "faulty.py").write_text(content)
    with pytest.raises(ConfigurationError, match=words) as caught:
        load_registries(app)
    assert str(caught.value).startswith(f"--app {app}: ")
    assert "\n" not in str(caught.value)
