"""New projects: what is written, and which names and folders are refused. That one runs is for integration tests."""

import ast
import tomllib
from pathlib import Path

import pytest
import yaml

from kubediscovery.errors import ConfigurationError, StartupError
from kubediscovery.project import Project, make_project


def made(directory: Path, name: str = "pod-images", group: str = "") -> Project:
    project = Project(name, group, directory / "new")
    make_project(project)
    return project


def test_a_project_has_all_that_it_needs(tmp_path: Path) -> None:
    files = {str(path) for path in make_project(Project("pod-images", "", tmp_path / "new"))}
    assert files == {
        ".dockerignore",
        ".gitignore",
        "Dockerfile",
        "Makefile",
        "README.md",
        "pyproject.toml",
        "pod_images/__init__.py",
        "pod_images/subresources.py",
        "tests/conftest.py",
        "tests/test_subresources.py",
        *(
            f"manifests/{name}.yaml"
            for name in ("apiservice", "certificate", "kustomization", "namespace", "rbac", "service", "workload")
        ),
        *(f"manifests/manage-apiservice/{name}.yaml" for name in ("kustomization", "management")),
    }


def test_every_file_is_whole(tmp_path: Path) -> None:
    project = made(tmp_path)
    for path in project.folder.rglob("*"):
        if path.is_file():
            content = path.read_text()
            assert "{{" not in content, path
            assert "}}" not in content, path
            if path.suffix == ".py":
                ast.parse(content)
    described = tomllib.loads((project.folder / "pyproject.toml").read_text())
    assert described["project"]["name"] == "pod-images"
    assert described["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["pod_images"]


def test_the_manifests_are_of_the_project_alone(tmp_path: Path) -> None:
    project = made(tmp_path, "images", "images.acme.org")
    found = {
        (item["kind"], item["metadata"]["name"]): item
        for path in (project.folder / "manifests").glob("*.yaml")
        if path.name != "kustomization.yaml"
        for item in yaml.safe_load_all(path.read_text())
    }
    api_service = found["APIService", "v1.images.acme.org"]["spec"]
    assert (api_service["service"]["namespace"], api_service["service"]["name"]) == ("images", "images")
    container = found["Deployment", "images"]["spec"]["template"]["spec"]["containers"][0]
    assert "--app=images:registry" in container["args"]
    rules = found["ClusterRole", "images:server"]["rules"]
    assert all(rule["verbs"] == ["list", "watch"] and "*" not in rule["resources"] for rule in rules)
    assert not [name for _, name in found if "kubediscovery" in name]
    listed = yaml.safe_load((project.folder / "manifests" / "kustomization.yaml").read_text())["resources"]
    written = {path.name for path in (project.folder / "manifests").iterdir()}
    assert written == {*listed, "kustomization.yaml", "manage-apiservice"}


def test_the_component_has_rights_to_the_projects_own_lease_and_api_service_alone(tmp_path: Path) -> None:
    folder = made(tmp_path, "images", "images.acme.org").folder / "manifests" / "manage-apiservice"
    component = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert component["patches"][0]["target"] == {"kind": "Deployment", "name": "images"}
    values = [operation["value"] for operation in yaml.safe_load(component["patches"][0]["patch"])]
    assert values == ["--manage-apiservice", "--namespace=images"]
    rules = [
        (rule["resources"], rule.get("resourceNames"), rule["verbs"])
        for item in yaml.safe_load_all((folder / "management.yaml").read_text())
        for rule in item.get("rules", ())
    ]
    assert rules == [
        (["apiservices"], ["v1.images.acme.org"], ["get", "patch", "delete"]),
        (["apiservices"], None, ["create"]),
        (["leases"], ["images-replicas"], ["get", "update"]),
    ]


@pytest.mark.parametrize(
    "name", ["", "Images", "pod_images", "1image", "-x", "x-", "a" * 41, "bild.er", "../up", "bild\n", "ü"]
)
def test_what_cannot_be_a_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be the name of a subresource; accepted are"):
        make_project(Project(name, "x.example.org", tmp_path / "new"))
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["json", "class", "kubediscovery", "tests", "asyncio"])
def test_what_would_hide_a_module_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="would hide the Python module"):
        make_project(Project(name, "", tmp_path / "new"))


@pytest.mark.parametrize("group", ["example", "Example.org", "example..org", "-.org", "a" * 250 + ".org"])
def test_a_bad_group_is_refused(tmp_path: Path, group: str) -> None:
    with pytest.raises(ConfigurationError, match="--group must be a DNS name with a dot"):
        make_project(Project("images", group, tmp_path / "new"))


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="is not empty: name another folder with --directory"):
        make_project(Project("images", "", tmp_path))
    with pytest.raises(ConfigurationError, match="is a file"):
        make_project(Project("images", "", tmp_path / "mine.txt"))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigurationError) as caught:
        make_project(Project("Images", "x", tmp_path))
    assert len(str(caught.value).splitlines()) == 3


def test_an_empty_folder_may_be_there(tmp_path: Path) -> None:
    make_project(Project("images", "", tmp_path))
    assert (tmp_path / "images" / "__init__.py").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartupError, match="cannot write"):
        make_project(Project("images", "", tmp_path / "file" / "new"))


def test_a_name_of_the_framework_is_no_kind(tmp_path: Path) -> None:
    project = made(tmp_path, "column")
    assert "class ColumnAnswer(Struct" in (project.folder / "column" / "subresources.py").read_text()
