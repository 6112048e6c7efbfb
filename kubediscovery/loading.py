"""What ``--app module:registry`` names: a registry, or several, in a module that Python finds, also in the working
directory.
"""

import importlib
import re
import sys
import sysconfig
import traceback
from pathlib import Path

from kubediscovery.errors import ConfigurationError, RegistrationError
from kubediscovery.registry import Registry

# Where there is no code of the app: in this package, and where Python and packages are.
_LIBRARIES = (str(Path(__file__).parent), *map(sysconfig.get_path, ("stdlib", "purelib", "platlib")), "<frozen ")
_APP = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<name>[A-Za-z_]\w*)", re.ASCII)


def load_registries(app: str) -> tuple[Registry, ...]:
    """The registry, or those of a list; raises :class:`ConfigurationError` that says what is wrong, and where."""
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
    named = getattr(module, found["name"], None)
    registries = tuple(named) if isinstance(named, list | tuple) else (named,)
    if not registries or not all(isinstance(each, Registry) for each in registries):
        what = "has nothing of that name" if named is None else "has no Registry there nor a list of such"
        raise ConfigurationError(f"--app {app}: the module {module.__name__} ({module.__file__}) {what}")
    return registries


def _words(module: str, error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name and f"{module}.".startswith(f"{error.name}."):
        return f'there is no module "{error.name}" in {Path.cwd()}, nor elsewhere on the path of Python'
    what = str(error)
    if isinstance(error, SyntaxError):
        what, place = error.msg, f"{error.filename}:{error.lineno}"
    else:
        frames = traceback.extract_tb(error.__traceback__)
        # What went wrong within a library is the fault of the line that called it.
        own = [frame for frame in frames if not frame.filename.startswith(_LIBRARIES)]
        place = "{0.filename}:{0.lineno}".format((own or frames)[-1])
    return f"{module} cannot be imported: {type(error).__name__}: {what} ({place})"
