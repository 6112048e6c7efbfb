"""The commands. Each reads its flags into frozen options and hands them on; errors end as one line and a status."""

import asyncio
import dataclasses
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
import yaml

from kubediscovery import __version__, logs
from kubediscovery.check_command import check
from kubediscovery.config import (
    DEFAULT_NAMESPACE,
    MAX_REQUESTS,
    MAX_WATCHES,
    SECURE_PORT,
    LoadOptions,
    ServeOptions,
    parse_duration,
)
from kubediscovery.errors import ConfigurationError, KubediscoveryError
from kubediscovery.flags import API_GROUP, EXTERNAL_NAME, KINDS, KUBECONFIG, PATH, PORT, seconds
from kubediscovery.project_commands import app_options, dev, new, separated
from kubediscovery.startup import imported_for_good

if TYPE_CHECKING:
    from kubediscovery.client import Client
    from kubediscovery.registry import Registry
    from kubediscovery.settings import Settings

# Where kubectl proxy listens; without a cluster's certificate everything stays on this machine.
LOOPBACK, LOCAL_PORT = "127.0.0.1", 8001

_LOAD_OPTIONS = (
    click.option(
        "--max-requests-inflight",
        default=MAX_REQUESTS,
        show_default=True,
        help="Requests answered at once, watches left out; 0 for any number.",
    ),
    click.option("--max-watches", default=MAX_WATCHES, show_default=True, help="Watches at once; 0 for any number."),
    click.option(
        "--request-timeout", default="60s", show_default=True, callback=seconds, help="Time for what is no watch."
    ),
    click.option("--audit-log-path", default="", help="File for audit events, - for standard output."),
    click.option("--audit-log-maxsize", default=100, show_default=True, help="Megabytes of it; 0 for any number."),
    click.option("--audit-log-maxbackup", default=100, show_default=True, help="Older files to keep; 0 for all."),
    click.option("--audit-log-maxage", default=366, show_default=True, help="Days to keep them; 0 for ever."),
    click.option(
        "--logging-format",
        type=click.Choice(logs.FORMATS),
        default=logs.TEXT,
        show_default=True,
        help="Form of the log.",
    ),
)


def _load_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the flags of :class:`LoadOptions`, and how the log is written."""
    for option in reversed(_LOAD_OPTIONS):
        command = option(command)
    return command


def main() -> None:
    """Run the command line; exit status 2 for what cannot be used, 1 for what cannot be done."""
    try:
        sys.exit(commands(prog_name="kubediscovery", standalone_mode=False))
    except KubediscoveryError as error:
        _fail(str(error), 2 if isinstance(error, ConfigurationError) else 1)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _fail(error.format_message(), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)


def _fail(message: str, status: int) -> NoReturn:
    for line in message.splitlines():
        print(f"error: {line}", file=sys.stderr)  # noqa: T201
    sys.exit(status)


@click.group(no_args_is_help=True)
@click.version_option(__version__, message="%(prog)s %(version)s")
def commands() -> None:
    """What is this made of, and is it all right? An aggregated Kubernetes API server."""


for _command in (check, new, dev):
    commands.add_command(_command)


def _read_config(context: click.Context, parameter: click.Parameter, path: Path | None) -> "Settings | None":
    """Take the flags' defaults from a YAML file whose keys are the flags' names, and give what its sections say.

    Raises :class:`ConfigurationError`.
    """
    if path is None:
        return None
    from kubediscovery.settings import SECTIONS, read_settings

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"config {path}: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"config {path}: a mapping of flags to values is needed")
    flags = {
        option.lstrip("-"): flag for flag in context.command.params if flag is not parameter for option in flag.opts
    }
    if unknown := [str(key) for key in content if key not in flags and key not in SECTIONS]:
        accepted = ", ".join((*sorted(flags), *SECTIONS))
        raise ConfigurationError(f'config {path}: "{unknown[0]}" is not known; accepted are {accepted}')
    sections = {key: content.pop(key) for key in SECTIONS if key in content}
    # Of a flag that may be given several times one value is enough.
    content = {
        key: [value] if flags[key].multiple and isinstance(value, str) else value for key, value in content.items()
    }
    for key, value in content.items():
        try:
            flags[key].type_cast_value(context, value)
        except click.BadParameter as error:
            raise ConfigurationError(f"config {path}: {key}: {error.message}") from error
    context.default_map = {str(flags[key].name): value for key, value in content.items()}
    try:
        return read_settings(sections)
    except ConfigurationError as error:
        raise ConfigurationError(f"config {path}: {error}") from None


@commands.command()
@KUBECONFIG
@click.option("--snapshot", type=PATH, help="Serve what kubectl get -o yaml or a support bundle wrote instead.")
@click.option("--bind-address", help=f"IP address to listen on; 0.0.0.0, or {LOOPBACK} with --snapshot.")
@click.option("--secure-port", type=int, help=f"Port to listen on; {SECURE_PORT}, or {LOCAL_PORT} with --snapshot.")
@click.option("--tls-cert-file", "certificate", type=PATH, help="Serving certificate, PEM.")
@click.option("--tls-private-key-file", "key", type=PATH, help="Its key, PEM.")
@click.option("--cert-dir", type=PATH, help="Directory with tls.crt and tls.key.")
@API_GROUP
@click.option("--app", "apps", multiple=True, help="Serve your own subresources too: module:registry; repeatable.")
@click.option("--history-path", type=PATH, help="SQLite file for what objects were like, kept over restarts.")
@click.option("--audit-log", type=PATH, help="kube-apiserver's audit log, to read what objects were like.")
@click.option("--shutdown-delay-duration", default="0s", help="How long /readyz fails before the end, such as 5s.")
@click.option("--manage-apiservice", is_flag=True, help="Take the APIServices away while no replica is ready.")
@click.option("--name", default="", help=f"What the installation is called; {DEFAULT_NAMESPACE}, or as --app.")
@click.option("--namespace", default="", help="Namespace of the installation; the one of its name.")
@_load_options
@click.option("--v", "verbosity", default=2, help="Log verbosity: 0 warnings, 2 what goes on, 4 everything.")
@click.option(
    "--config",
    "settings",
    type=PATH,
    callback=_read_config,
    is_eager=True,
    help="YAML of these flags, and of sections that say more.",
)
def serve(
    snapshot: Path | None,
    bind_address: str | None,
    secure_port: int | None,
    shutdown_delay_duration: str,
    logging_format: str,
    verbosity: int,
    settings: "Settings | None",
    **flags: Any,
) -> None:
    """Run the API server."""
    logs.configure(logging_format, verbosity)
    load = LoadOptions(**{field.name: flags.pop(field.name) for field in dataclasses.fields(LoadOptions)})
    address, port = (LOOPBACK, LOCAL_PORT) if snapshot else ("0.0.0.0", SECURE_PORT)  # noqa: S104 - the cluster calls
    options = ServeOptions(
        snapshot=snapshot,
        bind_address=address if bind_address is None else bind_address,
        secure_port=port if secure_port is None else secure_port,
        shutdown_delay=parse_duration(shutdown_delay_duration),
        load=load,
        **flags,
    )
    _serve(options, settings)


def _serve(options: ServeOptions, settings: "Settings | None") -> None:
    with imported_for_good():
        import uvloop

        if options.snapshot is None:
            from kubediscovery.server import serve as serve_cluster

            serving = serve_cluster(options, settings, registries=_registries(options.apps))
        else:
            from kubediscovery.local import serve_snapshot

            serving = serve_snapshot(options, click.echo, settings, registries=_registries(options.apps))
    uvloop.run(serving)


def _registries(apps: tuple[str, ...]) -> "list[Registry]":
    """What the apps register; raises :class:`ConfigurationError`."""
    if not apps:
        return []
    from kubediscovery.loading import load_registries

    return [registry for app in apps for registry in load_registries(app)]


@commands.command()
@click.option("--port", type=click.IntRange(0, 65535), help=f"Port on {LOOPBACK}; {LOCAL_PORT}, or a free one.")
def demo(port: int | None) -> None:
    """Serve a small embedded cluster, without any Kubernetes: see what compositions are."""
    import uvloop

    from kubediscovery.demo import run_demo

    uvloop.run(run_demo(LOCAL_PORT if port is None else port, may_move=port is None))


@commands.command()
@click.option("--apply", is_flag=True, help="Send the manifests; otherwise they are printed as YAML.")
@click.option("--namespace", help=f"Namespace to install into; {DEFAULT_NAMESPACE}, or the name of what is installed.")
@click.option("--image", help="Image of the server.")
@click.option("--app", help="Install a server of your own subresources instead, as module:registry.")
@click.option("--name", default="", help="What that is called; the first label of its group.")
@API_GROUP
@EXTERNAL_NAME
@PORT
@click.option("--cert-dir", type=PATH, help="Where ca.crt, tls.crt and tls.key of that server go.")
@click.option("--manage-apiservice", is_flag=True, help="Let the last replica that stops take the APIService away.")
@click.option("--cpu-request", help="Processor that each pod asks its node for, such as 100m.")
@click.option("--memory-request", help="Memory that each pod asks its node for, such as 192Mi.")
@click.option("--memory-limit", help="Memory that each pod may take at most, such as 1Gi.")
@KINDS
@KUBECONFIG
def install(
    apply: bool,
    app: str | None,
    name: str,
    namespace: str | None,
    image: str | None,
    api_group: str,
    kubeconfig: str | None,
    kinds: tuple[str, ...],
    **flags: Any,
) -> None:
    """Install into a cluster: namespace, rights, certificate, server and APIService."""
    from kubediscovery import install as command
    from kubediscovery.size import Size
    from kubediscovery.workload import IMAGE

    sizes = {name: flags.pop(name) for name in ("cpu_request", "memory_request", "memory_limit")}
    size = Size(**{name: value for name, value in sizes.items() if value is not None})
    flags |= {"kubeconfig": kubeconfig, "kinds": separated(kinds), "size": size}
    if app:
        if not image and not flags["external_name"]:
            raise ConfigurationError("--app needs --image, one with the app in it, or --external-name")
        options = app_options(app, name, namespace=namespace, image=image or app, **flags)
    elif name:
        raise ConfigurationError("--name needs --app: kubediscovery has a name")
    else:
        options = command.InstallOptions(
            namespace=namespace or DEFAULT_NAMESPACE, image=image or IMAGE, api_group=api_group, **flags
        )
    if apply:
        asyncio.run(_with_client(kubeconfig, lambda client: command.install(options, client, click.echo)))
    else:
        click.echo(command.render(options), nl=False)


@commands.command()
@click.option("--cert-dir", type=PATH, help="Remove the certificate's files there too.")
@click.option("--name", default="kubediscovery", show_default=True, help="What to take away, as install called it.")
@KUBECONFIG
def uninstall(cert_dir: Path | None, name: str, kubeconfig: str | None) -> None:
    """Take away all that install made, the APIService first."""
    from kubediscovery.uninstall import uninstall as run_uninstall

    asyncio.run(
        _with_client(kubeconfig, lambda client: run_uninstall(client, click.echo, cert_dir=cert_dir, product=name))
    )


async def _with_client(kubeconfig: str | None, work: "Callable[[Client], Awaitable[None]]") -> None:
    from kubediscovery.client import Client

    client = await Client.connect(kubeconfig)
    try:
        await work(client)
    finally:
        await client.close()
