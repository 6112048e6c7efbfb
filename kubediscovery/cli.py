"""The commands. Each reads its flags into frozen options and hands them on; errors end as one line and a status."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import yaml

from kubediscovery import __version__
from kubediscovery.config import DEFAULT_GROUP, SECURE_PORT, ServeOptions, parse_duration
from kubediscovery.errors import ConfigurationError, KubediscoveryError

if TYPE_CHECKING:
    from kubediscovery.client import Client

# Where kubectl proxy listens; without a cluster's certificate everything stays on this machine.
LOOPBACK, LOCAL_PORT = "127.0.0.1", 8001

Kubeconfig = Annotated[
    str | None,
    typer.Option(help="Kubeconfig file; otherwise the pod's service account, otherwise the default kubeconfig."),
]
ApiGroupName = Annotated[str, typer.Option(help="API group to serve.")]


def main() -> None:
    """Run the command line; exit status 2 for what cannot be used, 1 for what cannot be done."""
    try:
        app(standalone_mode=True)
    except KubediscoveryError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)  # noqa: T201
        sys.exit(2 if isinstance(error, ConfigurationError) else 1)


app = typer.Typer(
    name="kubediscovery",
    help="What is this made of, and is it all right? An aggregated Kubernetes API server.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kubediscovery {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options that stand before a command."""


def read_config(context: typer.Context, path: Path | None) -> Path | None:
    """Take the flags' defaults from a YAML file whose keys are the flags' names; raises :class:`ConfigurationError`."""
    if path is None:
        return None
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"config {path}: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"config {path}: a mapping of flags to values is needed")
    names = {option.lstrip("-"): parameter.name for parameter in context.command.params for option in parameter.opts}
    if unknown := [str(key) for key in content if key not in names or key == "config"]:
        accepted = ", ".join(sorted(names.keys() - {"config", "help"}))
        raise ConfigurationError(f'config {path}: "{unknown[0]}" is not known; accepted are {accepted}')
    context.default_map = {names[key]: value for key, value in content.items()}
    return path


@app.command()
def serve(
    kubeconfig: Kubeconfig = None,
    snapshot: Annotated[
        Path | None,
        typer.Option(help="Serve what kubectl get -o yaml or a support bundle wrote to a file or directory instead."),
    ] = None,
    bind_address: Annotated[
        str | None, typer.Option(help="IP address to listen on.", show_default=f"0.0.0.0; {LOOPBACK} with --snapshot")
    ] = None,
    secure_port: Annotated[
        int | None, typer.Option(help="Port to listen on.", show_default=f"{SECURE_PORT}; {LOCAL_PORT} with --snapshot")
    ] = None,
    tls_cert_file: Annotated[Path | None, typer.Option(help="Serving certificate, PEM.")] = None,
    tls_private_key_file: Annotated[Path | None, typer.Option(help="Its key, PEM.")] = None,
    cert_dir: Annotated[Path | None, typer.Option(help="Directory with tls.crt and tls.key.")] = None,
    api_group: ApiGroupName = DEFAULT_GROUP,
    config: Annotated[  # noqa: ARG001 - its callback has read it
        Path | None, typer.Option(callback=read_config, is_eager=True, help="YAML file with these flags as keys.")
    ] = None,
    shutdown_delay_duration: Annotated[str, typer.Option(help="Time to fail /readyz before ending: 5s.")] = "0s",
    v: Annotated[int, typer.Option("--v", help="Log verbosity: 0 warnings, 2 what goes on, 4 everything.")] = 2,
) -> None:
    """Run the API server."""
    _configure_logging(v)
    options = ServeOptions(
        kubeconfig=kubeconfig,
        bind_address=bind_address or (LOOPBACK if snapshot else "0.0.0.0"),  # noqa: S104 - the cluster calls
        secure_port=(LOCAL_PORT if snapshot else SECURE_PORT) if secure_port is None else secure_port,
        certificate=tls_cert_file,
        key=tls_private_key_file,
        cert_dir=cert_dir,
        api_group=api_group,
        shutdown_delay=parse_duration(shutdown_delay_duration),
        snapshot=snapshot,
    )
    _serve(options)


def _serve(options: ServeOptions) -> None:
    import uvloop

    if options.snapshot is None:
        from kubediscovery.server import serve as serve_cluster

        uvloop.run(serve_cluster(options))
    else:
        from kubediscovery.local import serve_snapshot

        uvloop.run(serve_snapshot(options, typer.echo))


@app.command()
def demo(
    port: Annotated[
        int | None,
        typer.Option(help=f"Port on {LOOPBACK}.", show_default=f"{LOCAL_PORT}, or a free one", min=0, max=65535),
    ] = None,
) -> None:
    """Serve a small embedded cluster, without any Kubernetes: see what compositions are."""
    import uvloop

    from kubediscovery.demo import run_demo

    uvloop.run(run_demo(LOCAL_PORT if port is None else port, may_move=port is None))


def _configure_logging(verbosity: int) -> None:
    level = logging.DEBUG if verbosity >= 4 else logging.INFO if verbosity >= 1 else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)


@app.command()
def install(
    apply: Annotated[
        bool, typer.Option("--apply", help="Send the manifests; otherwise they are printed as YAML.")
    ] = False,
    namespace: Annotated[str, typer.Option(help="Namespace to install into.")] = "kubediscovery",
    image: Annotated[str | None, typer.Option(help="Image of the server.")] = None,
    api_group: ApiGroupName = DEFAULT_GROUP,
    external_name: Annotated[
        str | None, typer.Option(help="Host of a server outside the cluster, as kube-apiserver resolves it.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port of the server outside the cluster.")] = None,
    cert_dir: Annotated[Path | None, typer.Option(help="Where ca.crt, tls.crt and tls.key of that server go.")] = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Install into a cluster: namespace, rights, certificate, server and APIService."""
    from kubediscovery import install as command
    from kubediscovery.workload import IMAGE

    options = command.InstallOptions(
        namespace=namespace,
        image=image or IMAGE,
        api_group=api_group,
        external_name=external_name,
        port=port,
        cert_dir=cert_dir,
        kubeconfig=kubeconfig,
    )
    if apply:
        asyncio.run(_with_client(kubeconfig, lambda client: command.install(options, client, typer.echo)))
    else:
        typer.echo(command.render(options), nl=False)


@app.command()
def uninstall(
    cert_dir: Annotated[Path | None, typer.Option(help="Remove the certificate's files there too.")] = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Take away all that install made, the APIService first."""
    from kubediscovery.uninstall import uninstall as run_uninstall

    asyncio.run(_with_client(kubeconfig, lambda client: run_uninstall(client, typer.echo, cert_dir=cert_dir)))


async def _with_client(kubeconfig: str | None, work: "Callable[[Client], Awaitable[None]]") -> None:
    from kubediscovery.client import Client

    client = await Client.connect(kubeconfig)
    try:
        await work(client)
    finally:
        await client.close()
