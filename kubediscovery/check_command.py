"""``kubediscovery check``: its flags."""

import sys
from typing import Any

import click

from kubediscovery.config import DEFAULT_GROUP
from kubediscovery.errors import KubediscoveryError
from kubediscovery.flags import PATH, seconds
from kubediscovery.printable import printable

OUTPUTS = ("auto", "tree", "plain", "json")


@click.command()
@click.argument("targets", nargs=-1, metavar="[TYPE/NAME]...")
@click.option("--namespace", "-n", help="Namespace of the targets; otherwise the kubeconfig's.")
@click.option("--all-namespaces", "-A", is_flag=True, help="All roots of all namespaces that the selectors match.")
@click.option("--selector", "-l", default="", help="Label selector of the roots to check instead of targets.")
@click.option("--field-selector", default="", help="Field selector of the roots, such as root.kind=Deployment.")
@click.option("--kubeconfig", help="Kubeconfig file; otherwise the default one, otherwise the pod's service account.")
@click.option("--context", help="Context of the kubeconfig; otherwise its current one.")
@click.option("--snapshot", type=PATH, help="Check what kubectl get -o yaml wrote instead of a cluster; no waiting.")
@click.option("--timeout", default="5m", show_default=True, callback=seconds, help="How long to wait.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait, or judge what there is now.")
@click.option(
    "--settle",
    default="10s",
    show_default=True,
    callback=seconds,
    help="How long an expectation may not hold where all else is right.",
)
@click.option("--expect", multiple=True, help="CEL expression that must be true, such as 'pods.ready >= 3'.")
@click.option("--lint", is_flag=True, help="Nothing may be wrong with the owners in the namespaces either.")
@click.option("--junit", type=PATH, help="File for the results as JUnit XML.")
@click.option("--github/--no-github", default=None, help="Annotations for GitHub; otherwise where GITHUB_ACTIONS=true.")
@click.option("--output", "-o", type=click.Choice(OUTPUTS), default="auto", show_default=True, help="What is printed.")
@click.option("--api-group", default=DEFAULT_GROUP, show_default=True, help="API group of kubediscovery.")
def check(**flags: Any) -> int:
    """Wait until targets are right, and say why they are not.

    Ends with 0 if all are right, 1 if one is wrong, 2 if it was called wrongly, 3 if the time was over before, 4 if
    there is nobody to ask.
    """
    try:
        from kubediscovery.checker import CheckOptions, run_check

        return run_check(CheckOptions(**flags), sys.stdout, sys.stderr)
    except (KubediscoveryError, click.ClickException):
        raise
    except Exception as error:  # noqa: BLE001 - a fault of this program must not look like one of the targets
        from kubediscovery.verdicts import CANNOT_ASK

        click.echo(f"error: {type(error).__name__}: {printable(str(error))}", err=True)
        return CANNOT_ASK
