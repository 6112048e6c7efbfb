"""The image's steps, run without a container engine: the builder's commands in a folder of the test's own."""

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

from kubediscovery import __version__
from kubediscovery.config import SECURE_PORT
from kubediscovery.workload import deployment

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile; ``stage`` counts the FROM lines before it."""

    stage: int
    name: str
    arguments: str


def instructions() -> Iterator[Instruction]:
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    stage = -1
    for statement in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if statement:
            name, _, arguments = statement.partition(" ")
            stage += name == "FROM"
            yield Instruction(stage, name, arguments)


def arguments_of(name: str, stage: int = 1) -> list[str]:
    return [step.arguments for step in instructions() if (step.stage, step.name) == (stage, name)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the builder stage makes, below a temporary folder in place of /."""
    root = tmp_path_factory.mktemp("image")
    (root / "opt").mkdir()
    directory = root
    for step in instructions():
        if step.stage != 0:
            break
        if step.name == "WORKDIR":
            directory = root / step.arguments.lstrip("/")
            directory.mkdir()
        elif step.name == "COPY":
            copy(step.arguments, directory)
        elif step.name == "RUN":
            run(step.arguments.replace("/opt/", f"{root}/opt/"), directory)
    return root / "opt"


def copy(arguments: str, directory: Path) -> None:
    *sources, destination = shlex.split(arguments)
    for source in sources:
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, directory / destination, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, directory / destination)


def run(command: str, directory: Path) -> str:
    """Run it as RUN does, with this Python as the base image's and nothing of its environment in reach."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        ["sh", "-c", command], cwd=directory, env=kept | {"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_built_environment_runs_kubediscovery(built: Path) -> None:
    """The package, its command and all its dependencies are there, at the locked versions; pytest is none of them."""
    python = built / "kubediscovery" / "bin" / "python"
    code = (
        "import importlib, importlib.metadata, pathlib, pkgutil, kubediscovery\n"
        "found = pkgutil.walk_packages(kubediscovery.__path__, 'kubediscovery.')\n"
        "names = [m.name for m in found if not m.name.endswith(('__main__', 'testing.plugin'))]\n"
        "assert len(names) > 5\n"
        "[importlib.import_module(name) for name in names]\n"
        "print(importlib.metadata.version('kubediscovery'), pathlib.Path(kubediscovery.__file__).parents[1])"
    )
    version, location = run(f"{python} -I -c {shlex.quote(code)}", built).split()
    assert version == __version__
    assert Path(location).is_relative_to(built)
    assert os.access(built / "kubediscovery" / "bin" / "kubediscovery", os.X_OK)


def test_the_command_answers(built: Path) -> None:
    """ENTRYPOINT names a command that starts."""
    assert __version__ in run(f"{built}/kubediscovery/bin/kubediscovery --version", built)


def test_no_build_tools_are_left(built: Path) -> None:
    """What is copied into the image holds neither pip nor the build backend nor a test tool."""
    python = built / "kubediscovery" / "bin" / "python"
    code = "import importlib.metadata as m; print(*(d.metadata['Name'].lower() for d in m.distributions()))"
    installed = set(run(f"{python} -I -c {shlex.quote(code)}", built).split())
    assert {"kubediscovery", "starlette", "uvicorn"} <= installed
    assert not installed & {"pip", "setuptools", "wheel", "hatchling", "pytest", "mypy", "ruff"}
    assert not list((built / "kubediscovery" / "bin").glob("pip*"))


def test_a_start_compiles_nothing(built: Path) -> None:
    """All bytecode is there, and counts whatever the sources' times are after copying: also in the standard library."""
    sources = [path for path in (built / "kubediscovery" / "lib").rglob("*.py") if path.is_file()]
    assert len(sources) > 500
    for source in sources:
        bytecode = Path(importlib.util.cache_from_source(str(source)))
        # PEP 552: bit 0 says that there is a hash, bit 1 that it is checked.
        assert bytecode.read_bytes()[4:8] == b"\x01\0\0\0", source
    (library,) = [command for command in arguments_of("RUN") if "compileall" in command]
    version = arguments_of("FROM")[0].removeprefix("python:").partition("-")[0]
    assert library.endswith(f"--invalidation-mode unchecked-hash /usr/local/lib/python{version}")


def test_everything_installed_was_locked_by_hash() -> None:
    """Each pip install from an index checks hashes and takes wheels alone: no code of strangers runs at build time."""
    installs = [command for command in arguments_of("RUN", 0) if re.search(r"\binstall\b", command)]
    assert len(installs) == 3
    for command in installs:
        assert "--no-index" in command or "--require-hashes --only-binary :all:" in command


def test_the_image_is_as_the_deployment_runs_it() -> None:
    """Same user and port as the Deployment, whose args replace CMD and not ENTRYPOINT."""
    pod = deployment("kubediscovery", "image", "example.com", "secret")["spec"]["template"]["spec"]
    security = pod["securityContext"]
    assert arguments_of("USER") == [f"{security['runAsUser']}:{security['runAsGroup']}"]
    assert arguments_of("EXPOSE") == [str(SECURE_PORT)]
    assert arguments_of("ENTRYPOINT") == ['["kubediscovery"]']
    assert arguments_of("CMD") == ['["serve"]']
    assert pod["containers"][0]["args"][0] == "serve"


def test_the_final_stage_takes_only_the_environment() -> None:
    """The last stage copies nothing but the built environment, and removes the pip that its base brings."""
    assert arguments_of("COPY") == ["--from=builder /opt/kubediscovery /opt/kubediscovery"]
    assert any("pip uninstall" in command for command in arguments_of("RUN"))
    assert [step.arguments.split()[0] for step in instructions() if step.name == "FROM"] == [
        "python:3.13-slim-bookworm",
        "python:3.13-slim-bookworm",
    ]


def test_no_program_runs_as_another_user() -> None:
    """The bits that do so are taken from all that the base brings, before the user is changed."""
    steps = [(step.name, step.arguments) for step in instructions() if step.stage == 1]
    (stripped,) = [number for number, (_, arguments) in enumerate(steps) if "-perm /6000" in arguments]
    assert stripped < [name for name, _ in steps].index("USER")


def test_the_build_context_holds_what_is_copied() -> None:
    """.dockerignore lets through every file that is copied, and neither history nor environments."""
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [source for arguments in arguments_of("COPY", 0) for source in shlex.split(arguments)[:-1]]
    assert set(copied) == set(allowed)
    assert not any(fnmatch(name, pattern) for name in (".git", ".venv", "tests") for pattern in allowed)
