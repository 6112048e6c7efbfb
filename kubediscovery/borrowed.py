"""A kubeconfig for the same cluster with another credential."""

import base64
import os
from pathlib import Path
from typing import Any

import yaml

from kubediscovery.config import default_kubeconfig
from kubediscovery.errors import ConfigurationError

_AUTHORITY = "certificate-authority"


def borrowed_kubeconfig(kubeconfig: str | None, token: str) -> dict[str, Any]:
    """A kubeconfig of one context: the cluster of the current one, and a user who shows the token.

    Several files between colons are taken as kubectl takes them: the first that says something counts. Raises
    :class:`ConfigurationError`.
    """
    files = [Path(name).expanduser() for name in (kubeconfig or default_kubeconfig()).split(os.pathsep) if name]
    read = [(path, _read(path)) for path in files if path.exists()]
    current = next((content["current-context"] for _, content in read if content.get("current-context")), "")
    context = _named(read, "contexts", current)[1].get("context", {})
    path, entry = _named(read, "clusters", context.get("cluster", ""))
    cluster = dict(entry.get("cluster", {}))
    if _AUTHORITY in cluster:
        # It counts from the file that names it, and that is not the one that is written.
        content = (path.parent / Path(cluster.pop(_AUTHORITY)).expanduser()).read_bytes()
        cluster[f"{_AUTHORITY}-data"] = base64.b64encode(content).decode()
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": "server", "user": {"token": token}}],
        "contexts": [{"name": "server", "context": {"cluster": "cluster", "user": "server"}}],
        "current-context": "server",
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigurationError(f"kubeconfig {path}: {' '.join(str(error).split())}") from error
    return content if isinstance(content, dict) else {}


def _named(read: list[tuple[Path, dict[str, Any]]], section: str, name: str) -> tuple[Path, dict[str, Any]]:
    for path, content in read:
        for entry in content.get(section) or ():
            if entry.get("name") == name:
                return path, entry
    names = ", ".join(str(path) for path, _ in read)
    raise ConfigurationError(f'kubeconfig {names}: there is no "{name}" among its {section}')
