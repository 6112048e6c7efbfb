"""The commands for who writes subresources: ``new`` makes a project, ``dev`` runs one in a cluster from here."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kubediscovery.flags import EXTERNAL_NAME, KINDS, KUBECONFIG, PATH, PORT

if TYPE_CHECKING:
    from kubediscovery.install import InstallOptions

_APP = click.option("--app", required=True, help="What to serve, as module:registry.")


@click.command()
@click.argument("name")
@click.option("--group", default="", help="API group of the subresource; NAME.example.org.")
@click.option("--directory", type=PATH, help="Folder to make, empty if it is there; NAME.")
def new(name: str, group: str, directory: Path | None) -> None:
    """Make a project with a subresource of your own: code, tests, manifests, image."""
    from kubediscovery.project import Project, make_project

    project = Project(name, group, directory)
    for path in make_project(project):
        click.echo(project.folder / path)
    click.echo(
        f"\nNow:\n  cd {project.folder}\n  pip install --editable '.[dev]'\n  make test\n  make dev\n"
        f"README.md says what each does; the subresource is in {project.package}/subresources.py."
    )


@click.command()
@_APP
@click.option("--name", default="", help="Name of the installation; the group's first label and -dev.")
@EXTERNAL_NAME
@PORT
@KINDS
@KUBECONFIG
def dev(app: str, name: str, kinds: tuple[str, ...], **flags: Any) -> None:
    """Serve an app from this machine in a cluster, again after each change, until Ctrl-C."""
    import uvloop

    from kubediscovery.development import Development, develop

    given = separated(kinds)
    options = app_options(app, name, suffix="-dev", kinds=given, **flags)
    uvloop.run(develop(Development(options, Path.cwd(), given), click.echo))


def app_options(app: str, name: str, *, suffix: str = "", **flags: Any) -> "InstallOptions":
    """How an app is installed: groups, versions and rights are those of its registries, and all is called by its name.

    ``flags`` are others of :class:`InstallOptions`. Raises :class:`ConfigurationError` for what cannot be loaded.
    """
    from kubediscovery.install import InstallOptions
    from kubediscovery.offers import offer_of
    from kubediscovery.workload import called

    offer = offer_of(app)
    name = name or called(offer.apis[0].group) + suffix
    namespace = flags.pop("namespace", "") or name
    return offer.installed_by(InstallOptions(app=app, name=name, namespace=namespace, **flags))


def separated(given: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a flag that may be repeated and may hold several between commas."""
    return tuple(word for words in given for word in words.split(","))
