"""What ``--app module:registry`` names: a registry in a module that Python finds, also in the working directory."""

import importlib
import re
import sys
import traceback
from pathlib import Path

from kubediscovery.errors import ConfigurationError, RegistrationError
from kubediscovery.registry import Registry

_APP = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<name>[A-Za-z_]\w*)", re.ASCII)


def load_registry(app: str) -> Registry:
    """The registry; raises :class:`ConfigurationError` that says what could not be imported, and where."""
    found = _APP.fullmatch(app)
    if found is None:
        raise ConfigurationError(f'--app must be module:registry, such as images:registry, not "{app}"')
    # A command that is installed is started with its own folder there, not with the one that it is called in.
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(found["module"])
    except RegistrationError as error:
        raise ConfigurationError(f"--app {app}: {error}") from error
    except Exception as error:
        raise ConfigurationError(f"--app {app}: {_words(found['module'], error)}") from error
    registry = getattr(module, found["name"], None)
    if not isinstance(registry, Registry):
        what = "has nothing of that name" if registry is None else "has no Registry there, but something else"
        raise ConfigurationError(f"--app {app}: the module {module.__name__} ({module.__file__}) {what}")
    return registry


def _words(module: str, error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name and f"{module}.".startswith(f"{error.name}."):
        return f'there is no module "{error.name}" in {Path.cwd()}, nor elsewhere on the path of Python'
    if isinstance(error, SyntaxError):
        place = f"{error.filename}:{error.lineno}"
    else:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{last.filename}:{last.lineno}"
    return f"{module} cannot be imported: {type(error).__name__}: {error} ({place})"
