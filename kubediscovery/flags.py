"""Flags and their types that several commands have."""

from pathlib import Path

import click

from kubediscovery.config import DEFAULT_GROUP, parse_duration
from kubediscovery.errors import ConfigurationError

PATH = click.Path(path_type=Path)
KUBECONFIG = click.option(
    "--kubeconfig", help="Kubeconfig file; otherwise the pod's service account, otherwise the default kubeconfig."
)
EXTERNAL_NAME = click.option(
    "--external-name", help="Host of a server outside the cluster, as kube-apiserver resolves it."
)
PORT = click.option("--port", type=int, help="Port of the server outside the cluster.")
KINDS = click.option(
    "--kinds",
    multiple=True,
    help="Kinds to read beside the built-in ones, for --app these alone, as *.example.org or secrets; repeatable.",
)
API_GROUP = click.option("--api-group", default=DEFAULT_GROUP, show_default=True, help="API group to serve.")


def seconds(context: click.Context, parameter: click.Parameter, value: str) -> float:
    """Seconds of a flag's duration; fails as click does, naming the flag."""
    try:
        return parse_duration(value)
    except ConfigurationError as error:
        raise click.BadParameter(str(error), context, parameter) from None
