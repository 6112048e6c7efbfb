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
from kubediscovery.offers import Offer, offer_of
from kubediscovery.reloading import Child, changes, keep_running
from kubediscovery.settling import API_SERVICES, availability
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
    ``kinds`` are read whatever the app says.
    """

    install: InstallOptions
    folder: Path
    kinds: tuple[str, ...] = ()

    def validate(self) -> None:
        """Raise :class:`ConfigurationError` for flags that cannot be used."""
        with_host = replace(self.install, external_name=self.install.external_name or _LOCALHOST, cert_dir=Path())
        with_host.installation()


async def develop(development: Development, say: Say) -> None:
    """Install, serve, and start again on changes until SIGINT, SIGTERM or SIGHUP; then take all of it away.

    Where the app has come to offer something else it is installed again; where its sources cannot be loaded the former
    code goes on. Where the cluster cannot reach this machine, that is said, the APIServices go at once, and the server
    goes on for direct requests. Raises :class:`ConfigurationError` and :class:`StartupError`.
    """
    development.validate()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    client = await Client.connect(development.install.kubeconfig)
    try:
        with tempfile.TemporaryDirectory(prefix="kubediscovery-dev-") as directory:
            options = placed(development.install, client, Path(directory))
            await _develop(replace(development, install=options), client, stopped, say)
    finally:
        await client.close()


async def _develop(development: Development, client: Client, stopped: asyncio.Event, say: Say) -> None:
    options = development.install
    try:
        await install(options, client, _quietly)
        await _serve_until(stopped, development, client, say)
    except BaseException:
        # What went wrong is told, not that cleaning up was impossible for the same reason.
        with suppress(StartupError):
            await uninstall(client, _quietly, product=options.name)
        raise
    say("cleaning up")
    await uninstall(client, _quietly, product=options.name)
    say("the cluster is as it was before")


async def _serve_until(stopped: asyncio.Event, development: Development, client: Client, say: Say) -> None:
    options, folder = development.install, development.folder
    command = _command(options, await _write_kubeconfig(options, client))
    installed = _Installed(development, client, say)

    async def start() -> Child:
        return await Child.start(command, _environment(folder), folder)

    say(f"serving {options.app} on port {options.port}; its sources are in {folder}; Ctrl-C ends it")
    ending = asyncio.create_task(stopped.wait())
    running = {
        asyncio.create_task(keep_running(start, changes(folder, say), say, accept=installed.follow)),
        asyncio.create_task(installed.tell_when_reached()),
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


class _Installed:
    """What is installed of the app: it follows the sources, and is told of once the cluster has found it."""

    def __init__(self, development: Development, client: Client, say: Say) -> None:
        self._development = development
        self._client = client
        self._say = say
        self._offer = offer_of(development.install.app)
        self._awaited: asyncio.Queue[InstallOptions] = asyncio.Queue()
        self._awaited.put_nowait(development.install)
        self._was_reached = self._is_whole = False

    async def follow(self) -> bool:
        """Install again what the sources offer now, if that is something else; False where they cannot be served."""
        development, former = self._development, "the server goes on with the former code"
        try:
            offer = await _look(development.install.app, development.folder)
        except ConfigurationError as error:
            self._say(f"{error}\n{former}")
            return False
        if offer == self._offer and (self._is_whole or not self._was_reached):
            return True
        options = offer.installed_by(replace(development.install, kinds=development.kinds))
        try:
            await install(options, self._client, _quietly)
        except (ConfigurationError, StartupError) as error:
            self._say(f"what the app offers now cannot be installed: {error}\n{former}")
            return False
        self._say("installed again: " + (", ".join(offer.news(self._offer)) or "its APIServices were taken away"))
        self._offer = offer
        self._awaited.put_nowait(options)
        return True

    async def tell_when_reached(self) -> None:
        """Wait until kube-apiserver reaches the server; where it does not, say so and take the APIServices away."""
        while True:
            options = await self._awaited.get()
            self._is_whole = True
            installation = options.installation()
            for name in installation.api_service_names:
                self._is_whole = await _tell_when_reached(name, options, self._client, self._say) and self._is_whole
            self._was_reached = self._was_reached or self._is_whole


async def _look(app: str, folder: Path) -> Offer:
    """What the sources offer as they are now, seen by a process that has not loaded them before."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kubediscovery.offers", app),
        cwd=folder,
        env=_environment(folder),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        written, told = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    try:
        return msgspec.json.decode(written.splitlines()[-1], type=Offer)
    except (IndexError, ValueError):
        *_, why = told.decode(errors="replace").strip().splitlines() or ["its process ended without a word"]
        raise ConfigurationError(why) from None


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


async def _tell_when_reached(name: str, options: InstallOptions, client: KubeApiserver, say: Say) -> bool:
    """Wait until kube-apiserver reaches the server; where it does not, say so and take the APIService away."""
    path, (version, _, group) = f"{API_SERVICES}/{name}", name.partition(".")
    until, message = asyncio.get_running_loop().time() + _REACHED_SECONDS, ""
    while asyncio.get_running_loop().time() < until:
        try:
            is_available, message = availability(await read(client, path))
        except UpstreamError as error:
            is_available, message = False, str(error)
        if is_available:
            say(f"the cluster has found it: kubectl get --raw /apis/{group}/{version}")
            return True
        await asyncio.sleep(_POLL_SECONDS)
    # Left behind it would hold back the deletion of namespaces.
    with suppress(UpstreamNotFound):
        await client.request("DELETE", path)
    where = f"{options.external_name}:{options.port}"
    say(
        f"kube-apiserver cannot reach this machine as {where}: {message}\n"
        f"APIService {name} was taken away, and the server goes on for direct requests alone. Give\n"
        "--external-name the name by which kube-apiserver reaches this machine: host.docker.internal for kind on\n"
        "Docker Desktop, host.minikube.internal for minikube; a cluster elsewhere needs a way through its firewall to\n"
        "--port."
    )
    return False


def _quietly(_: str) -> None:
    """Of installing and uninstalling only what went wrong is told, and that is raised."""
