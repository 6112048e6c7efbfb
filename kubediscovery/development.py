"""The command ``dev``: an app on this machine, installed in the cluster of a kubeconfig for as long as it runs."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from kubediscovery.borrowed import borrowed_kubeconfig
from kubediscovery.client import Client
from kubediscovery.cluster import KubeApiserver, read
from kubediscovery.errors import ConfigurationError, StartupError, UpstreamError, UpstreamNotFound
from kubediscovery.install import InstallOptions, install
from kubediscovery.listener import bind
from kubediscovery.reloading import Child, changes, keep_running
from kubediscovery.settling import availability
from kubediscovery.uninstall import uninstall

Say = Callable[[str], object]

_LOOPBACK, _EVERYWHERE, _LOCALHOST = "127.0.0.1", "0.0.0.0", "localhost"  # noqa: S104 - the cluster calls
# Seconds that kube-apiserver may take to find the server, and that a token is good for.
_REACHED_SECONDS = 45.0
_TOKEN_SECONDS = 24 * 3600
_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Development:
    """What is run: ``install`` says as what it is installed; ``folder`` holds the sources that are watched.

    ``install.external_name`` is how kube-apiserver calls this machine; without one it is told by the kubeconfig.
    """

    install: InstallOptions
    folder: Path

    def validate(self) -> None:
        """Raise :class:`ConfigurationError` for flags that cannot be used."""
        with_host = replace(self.install, external_name=self.install.external_name or _LOCALHOST, cert_dir=Path())
        with_host.installation()


async def develop(development: Development, say: Say) -> None:
    """Install, serve, and start again on changes until SIGINT or SIGTERM; then take all of it away.

    Where the cluster cannot reach this machine, that is said, the APIService goes at once, and the server goes on for
    direct requests. Raises :class:`ConfigurationError` and :class:`StartupError`.
    """
    development.validate()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    client = await Client.connect(development.install.kubeconfig)
    try:
        with tempfile.TemporaryDirectory(prefix="kubediscovery-dev-") as directory:
            options = placed(development.install, client, Path(directory))
            await _develop(options, development.folder, client, stopped, say)
    finally:
        await client.close()


async def _develop(options: InstallOptions, folder: Path, client: Client, stopped: asyncio.Event, say: Say) -> None:
    try:
        await install(options, client, _quietly)
        await _serve_until(stopped, options, folder, client, say)
    except BaseException:
        # What went wrong is told, not that cleaning up was impossible for the same reason.
        with suppress(StartupError):
            await uninstall(client, _quietly, product=options.name)
        raise
    say("cleaning up")
    await uninstall(client, _quietly, product=options.name)
    say("the cluster is as it was before")


async def _serve_until(stopped: asyncio.Event, options: InstallOptions, folder: Path, client: Client, say: Say) -> None:
    command = _command(options, await _write_kubeconfig(options, client))

    async def start() -> Child:
        return await Child.start(command, _environment(folder), folder)

    say(f"serving {options.app} on port {options.port}; its sources are in {folder}; Ctrl-C ends it")
    ending = asyncio.create_task(stopped.wait())
    running = {
        asyncio.create_task(keep_running(start, changes(folder, say), say)),
        asyncio.create_task(_tell_when_reached(options, client, say)),
    }
    try:
        while not ending.done():
            done, _ = await asyncio.wait((*running, ending), return_when=asyncio.FIRST_COMPLETED)
            for task in done & running:
                running.discard(task)
                await task
    finally:
        for task in (*running, ending):
            task.cancel()
        await asyncio.gather(*running, ending, return_exceptions=True)


def placed(options: InstallOptions, client: Client, directory: Path) -> InstallOptions:
    """The options with this machine's name and a port that is free now; certificates go to the directory.

    Raises :class:`ConfigurationError` where nobody said how a cluster elsewhere calls this machine.
    """
    host = options.external_name
    if host is None:
        if not _is_local(urlsplit(client.host).hostname or ""):
            raise ConfigurationError(
                f"{client.host} is not on this machine: name this machine as kube-apiserver resolves it, by"
                " --external-name HOST, and open --port there"
            )
        host = _LOCALHOST
    port = options.port
    if port is None:
        with bind(_address_of(host), 0) as free:
            port = free.getsockname()[1]
    return replace(options, external_name=host, port=port, cert_dir=directory)


def _is_local(host: str) -> bool:
    return host in (_LOCALHOST, "::1", "kubernetes.docker.internal") or host.startswith("127.")


def _address_of(host: str) -> str:
    return _LOOPBACK if host == _LOCALHOST else _EVERYWHERE


def _command(options: InstallOptions, kubeconfig: Path) -> list[str]:
    flags: Mapping[str, object] = {
        "--app": options.app,
        "--kubeconfig": kubeconfig,
        "--bind-address": _address_of(options.external_name or ""),
        "--secure-port": options.port,
        "--cert-dir": options.cert_dir,
    }
    given = [str(part) for flag, value in flags.items() for part in (flag, value)]
    return [sys.executable, "-m", "kubediscovery", "serve", *given]


def _environment(folder: Path) -> dict[str, str]:
    """The environment in which Python finds what is in the folder before anything else."""
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH", ""))))
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


async def _write_kubeconfig(options: InstallOptions, client: Client) -> Path:
    """A kubeconfig with the rights that the app has when it is installed, and no more."""
    path = f"/api/v1/namespaces/{options.namespace}/serviceaccounts/{options.name}/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
    try:
        made = await client.request("POST", path, body={**body, "spec": {"expirationSeconds": _TOKEN_SECONDS}})
    except UpstreamError as error:
        raise StartupError(f"no token can be made for the server: {error}") from error
    target = (options.cert_dir or Path()) / "kubeconfig"
    content = borrowed_kubeconfig(options.kubeconfig, made["status"]["token"])
    target.touch(mode=0o600)
    target.write_bytes(msgspec.yaml.encode(content))
    return target


async def _tell_when_reached(options: InstallOptions, client: KubeApiserver, say: Say) -> None:
    """Wait until kube-apiserver reaches the server; where it does not, say so and take the APIService away."""
    installation = options.installation()
    path = f"/apis/apiregistration.k8s.io/v1/apiservices/{installation.api_service_name}"
    until, message = asyncio.get_running_loop().time() + _REACHED_SECONDS, ""
    while asyncio.get_running_loop().time() < until:
        try:
            is_available, message = availability(await read(client, path))
        except UpstreamError as error:
            is_available, message = False, str(error)
        if is_available:
            say(f"the cluster has found it: kubectl get --raw /apis/{installation.api_group}/{installation.version}")
            return
        await asyncio.sleep(_POLL_SECONDS)
    # Left behind it would hold back the deletion of namespaces.
    with suppress(UpstreamNotFound):
        await client.request("DELETE", path)
    where = f"{options.external_name}:{options.port}"
    say(
        f"kube-apiserver cannot reach this machine as {where}: {message}\n"
        "Its APIService was taken away, and the server goes on for direct requests alone. Give --external-name the\n"
        "name by which kube-apiserver reaches this machine: host.docker.internal for kind on Docker Desktop,\n"
        "host.minikube.internal for minikube; a cluster elsewhere needs a way through its firewall to --port."
    )


def _quietly(_: str) -> None:
    """Of installing and uninstalling only what went wrong is told, and that is raised."""
