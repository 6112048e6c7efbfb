"""The parts of kubernetes_asyncio that are used: its configuration loading and its HTTP client, which is aiohttp's.

Importing any module of kubernetes_asyncio runs the ``__init__`` of its packages, which import 750 models: 36 MB and
0.2 s, for nothing here. So these packages are entered without running their ``__init__``, and forgotten afterwards,
so that whoever imports kubernetes_asyncio later gets all of it. Its configuration imports urllib3, 2 MB, for one
function that is hardly ever called: it is put off until then, and so is what its client imports for models and
threads, and aiohttp for names that are not ASCII. And importing aiohttp reads all authorities of the system, twice,
60 ms, for contexts that no request here uses: each client has one of its own.
"""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from kubediscovery.startup import put_off, without_authorities

with without_authorities(), put_off("idna"):
    import aiohttp

__all__ = ["ApiClient", "ConfigException", "Configuration", "aiohttp", "load_incluster_config", "load_kube_config"]


@contextmanager
def _entered(*packages: str) -> Iterator[tuple[ModuleType, ...]]:
    """Packages whose submodules can be imported although the packages' own code has not run."""
    if any(package in sys.modules for package in packages):
        yield ()
        return
    for package in packages:
        spec = importlib.util.find_spec(package)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        sys.modules[package] = importlib.util.module_from_spec(spec)
    try:
        yield tuple(sys.modules[package] for package in packages)
    finally:
        for package in packages:
            del sys.modules[package]


with (
    put_off("urllib3"),
    put_off("dateutil.parser", "parse"),
    put_off("multiprocessing.pool", "ThreadPool"),
    _entered("kubernetes_asyncio", "kubernetes_asyncio.client", "kubernetes_asyncio.client.models") as packages,
):
    from kubernetes_asyncio.client.api_client import ApiClient
    from kubernetes_asyncio.client.configuration import Configuration

    if packages:
        # What kube_config.py imports from the package itself.
        vars(packages[1]).update(ApiClient=ApiClient, Configuration=Configuration)
    from kubernetes_asyncio.config import ConfigException, load_incluster_config, load_kube_config
