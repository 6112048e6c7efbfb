"""A project of your own, from `kubediscovery new` to an answer through kube-apiserver, and the tutorial's words."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.kubectl import KubectlError
from tests.integration.serving import COMMAND, Server, eventually

TUTORIAL = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
TESTING = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
API = "/apis/images.example.org/v1"
WEB = f"{API}/namespaces/default/deployments/web/images"
API_SERVICE = "v1.images.example.org"
FOUND = "the cluster has found it"


@pytest.fixture(scope="module", autouse=True)
def web(cluster: ControlPlane) -> Iterator[None]:
    """Something to ask about, in place of what others have left of it."""
    cluster.kubectl("delete", "deployment", "web", "--ignore-not-found", "--cascade=foreground")
    cluster.kubectl("create", "deployment", "web", "--image=nginx:1.27", "--replicas=2")
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=110s")
    yield
    cluster.kubectl("delete", "deployment", "web")


def environment(cluster: ControlPlane) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    return kept | {"KUBECONFIG": str(cluster.kubeconfig), "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}


class Project:
    """The folder of a new project, and commands in it."""

    def __init__(self, cluster: ControlPlane, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder
        self.sources = folder / "images" / "subresources.py"

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=self.folder, env=environment(self.cluster), capture_output=True, text=True, timeout=120
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    @contextmanager
    def running(self, *command: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
        """A command that goes on, with what it says; ended by SIGINT as by Ctrl-C."""
        log = self.folder / "said.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=self.folder, env=environment(self.cluster), stdout=output, stderr=output
            )
        try:
            yield process, log
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=60)
            finally:
                process.kill()

    def ask(self, path: str = WEB, **options: Any) -> Any:
        return json.loads(self.cluster.kubectl("get", "--raw", path, **options))


@pytest.fixture
def project(cluster: ControlPlane, tmp_path: Path) -> Project:
    subprocess.run([*COMMAND, "new", "images"], cwd=tmp_path, check=True, capture_output=True)
    return Project(cluster, tmp_path / "images")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def test_its_own_tests_pass(project: Project) -> None:
    """Those that it was made with, and the one that docs/testing.md shows."""
    (shown, *_) = re.findall(r"^```python\n(.*?)^```$", TESTING, re.MULTILINE | re.DOTALL)
    (project.folder / "tests" / "test_shown.py").write_text(shown)
    assert "6 passed" in project.run(sys.executable, "-m", "pytest", "-q").stdout


def test_a_folder_that_holds_something_is_refused(project: Project) -> None:
    done = project.run(*COMMAND, "new", "images", "--directory", ".", check=False)
    assert done.returncode == 2
    assert done.stderr == "error: . is not empty: name another folder with --directory\n"


def test_it_is_installed_beside_kubediscovery_and_answers(
    project: Project, server: Server, tmp_path: Path, namespace: str
) -> None:
    cluster, kubectl = project.cluster, project.cluster.kubectl
    port, certificates = str(free_port()), str(tmp_path / "certificates")
    where = ("--external-name", "localhost", "--port", port, "--cert-dir", certificates)
    project.run(*COMMAND, "install", "--apply", "--app", "images:registry", *where)
    try:
        token = kubectl("create", "token", "images", "--namespace=images").strip()
        account = cluster.kubeconfig_with_token(token)
        flags = ("--kubeconfig", str(account), "--bind-address", "127.0.0.1", "--secure-port", port)
        serve = (*COMMAND, "serve", "--app", "images:registry", *flags, "--cert-dir", certificates)
        with project.running(*serve) as (_, log):
            eventually(lambda: project.ask()["pods"] == 2, "an answer", log=log)
            answer = project.ask()
            assert (answer["kind"], answer["images"], answer["metadata"]["name"]) == ("Images", ["nginx:1.27"], "web")
            everything = project.ask(f"{API}/namespaces/default/deployments/*/images")
            assert [item["metadata"]["name"] for item in everything["items"]] == ["web"]
            assert "web" in kubectl(
                "get", "--raw", f"{server_path(server)}/namespaces/default/deployments/web/compositions"
            )
            viewer = cluster.kubeconfig_for("viewer")
            with pytest.raises(KubectlError, match="forbidden"):
                project.ask(kubeconfig=viewer)
            kubectl("create", "rolebinding", "viewer", "--clusterrole=view", "--user=viewer", "--namespace=default")
            eventually(lambda: project.ask(kubeconfig=viewer)["pods"] == 2, "the right of who may view", log=log)
            # Least privilege: what the code says is read, and nothing else.
            can = ("auth", "can-i", "list")
            assert kubectl(*can, "pods", "--all-namespaces", kubeconfig=account, check=False).strip() == "yes"
            for other in ("configmaps", "secrets", "services"):
                assert "no" in kubectl(*can, other, "--all-namespaces", kubeconfig=account, check=False)
    finally:
        kubectl("delete", "rolebinding", "viewer", "--ignore-not-found")
        project.run(*COMMAND, "uninstall", "--name", "images", "--cert-dir", certificates)
    assert kubectl("get", "apiservice", API_SERVICE, "--ignore-not-found") == ""
    assert kubectl("get", "clusterrole", "--output=name").count("images:") == 0
    assert "v1.kubediscovery.cloudark.io" in kubectl("get", "apiservices")


def server_path(server: Server) -> str:
    assert server.port
    return "/apis/kubediscovery.cloudark.io/v1"


def test_dev_reloads_on_a_change_and_cleans_up(project: Project) -> None:
    kubectl = project.cluster.kubectl
    with project.running(*COMMAND, "dev", "--app", "images:registry") as (process, log):
        eventually(lambda: FOUND in log.read_text(), "the cluster to find it", seconds=60, log=log)
        eventually(lambda: project.ask()["pods"] == 2, "an answer", log=log)
        assert "images-dev" in kubectl("get", "namespaces", "--output=name")
        second = project.run(*COMMAND, "dev", "--app", "images:registry", "--name", "other", check=False)
        assert second.returncode == 1
        assert f"APIService {API_SERVICE} is there already and is not other's" in second.stderr
        content = project.sources.read_text()
        project.sources.write_text(content.replace("len(pods))", "len(pods) + 40)"))
        eventually(lambda: project.ask()["pods"] == 42, "the change", log=log)
        project.sources.write_text("this is no Python")
        eventually(lambda: "the server goes on with the former code" in log.read_text(), "the mistake", log=log)
        assert f"SyntaxError: invalid syntax ({project.sources}:1)" in log.read_text()
        assert "Traceback" not in log.read_text()
        assert project.ask()["pods"] == 42
        project.sources.write_text(content)
        eventually(lambda: project.ask()["pods"] == 2, "the change back", log=log)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0, log.read_text()
    assert "the cluster is as it was before" in log.read_text()
    for kind in ("namespace", "apiservice", "clusterrole", "clusterrolebinding"):
        assert "images" not in kubectl("get", kind, "--output=name")


MORE = """

class Age(Struct, frozen=True):
    ages: int


@registry.subresource("ages", on="services", returns=Age)
async def ages(request: SubresourceRequest) -> Age:
    return Age(len([*request.seen.objects(request.kind)]))


audits = Registry(group="audits.example.org", version="v1beta1", follows="")
audits.subresource("ages", on="deployments.apps", returns=Age)(ages)
"""


def test_dev_installs_again_what_a_change_adds(project: Project) -> None:
    """A subresource, a kind and a group: RBAC and APIServices follow, and go again with them."""
    kubectl = project.cluster.kubectl
    package = project.folder / "images" / "__init__.py"
    package.write_text("from images import subresources\n\nregistries = [subresources.registry]\n")
    with project.running(*COMMAND, "dev", "--app", "images:registries") as (process, log):
        eventually(lambda: FOUND in log.read_text(), "the cluster to find it", seconds=60, log=log)
        account = "--as=system:serviceaccount:images-dev:images-dev"
        can = ("auth", "can-i", "list", "services", "--all-namespaces", account)
        assert "no" in kubectl(*can, check=False).split()
        content = project.sources.read_text()
        project.sources.write_text(content + MORE)
        package.write_text(package.read_text().replace("registry]", "registry, subresources.audits]"))
        found = f"{FOUND}: kubectl get --raw /apis/audits.example.org/v1beta1"
        eventually(lambda: found in log.read_text(), "the group to be found", log=log)
        for news in ("new group audits.example.org/v1beta1", "new kind to read services."):
            assert news in log.read_text()
        services = f"{API}/namespaces/default/services/*/ages"
        eventually(lambda: project.ask(services)["kind"] == "AgeList", "the new subresource", log=log)
        path = "/apis/audits.example.org/v1beta1/namespaces/default/deployments/web/ages"
        eventually(lambda: project.ask(path)["ages"] >= 1, "the new group", log=log)
        assert "yes" in kubectl(*can).split()
        kubectl("create", "rolebinding", "auditor", "--clusterrole=view", "--user=auditor", "--namespace=default")
        auditor = project.cluster.kubeconfig_for("auditor")
        eventually(lambda: project.ask(path, kubeconfig=auditor)["ages"] >= 1, "the right of who may view", log=log)
        package.write_text(package.read_text().replace(", subresources.audits]", "]"))
        eventually(lambda: "no group audits.example.org/v1beta1 any more" in log.read_text(), "it to go", log=log)
        assert kubectl("get", "apiservice", "v1beta1.audits.example.org", "--ignore-not-found") == ""
        process.send_signal(signal.SIGHUP)
        assert process.wait(timeout=60) == 0, log.read_text()
    kubectl("delete", "rolebinding", "auditor", "--namespace=default")
    for kind in ("namespace", "apiservice", "clusterrole", "clusterrolebinding"):
        assert "images" not in kubectl("get", kind, "--output=name")


def test_dev_says_where_the_cluster_cannot_reach_this_machine(project: Project) -> None:
    """Nobody listens under that name, and the APIService must not stay to hold back namespaces."""
    kubectl = project.cluster.kubectl
    where = ("--external-name", "unreachable.invalid", "--port", str(free_port()))
    with project.running(*COMMAND, "dev", "--app", "images:registry", *where) as (_, log):
        eventually(lambda: "cannot reach this machine" in log.read_text(), "to be told", seconds=90, log=log)
        assert "--external-name" in log.read_text()
        assert kubectl("get", "apiservice", API_SERVICE, "--ignore-not-found") == ""


def test_dev_of_what_is_not_there_says_so(project: Project) -> None:
    done = project.run(*COMMAND, "dev", "--app", "pictures:registry", check=False)
    assert done.returncode == 2
    assert done.stderr.startswith('error: --app pictures:registry: there is no module "pictures" in ')


class Reader:
    """Somebody who types what the tutorial says, in order."""

    def __init__(self, cluster: ControlPlane, folder: Path, stack: ExitStack) -> None:
        self._cluster = cluster
        self._project = Project(cluster, folder)
        self._stack = stack
        self.answers: list[Any] = []

    def type(self, command: str) -> None:
        words = shlex.split(command)
        if words[0] == "cd":
            self._project = Project(self._cluster, self._project.folder / words[1])
        elif words[:2] == ["kubediscovery", "dev"]:
            _, log = self._stack.enter_context(self._project.running(*COMMAND, *words[1:]))
            eventually(lambda: FOUND in log.read_text(), "the cluster to find it", seconds=60, log=log)
        elif words[0] == "kubectl":
            kubectl = self._cluster.kubectl
            told = kubectl(*words[1:])
            self.answers += [json.loads(told)] if "--raw" in words else []
        else:
            program = {"kubediscovery": COMMAND, "python": (sys.executable,)}[words[0]]
            self._project.run(*program, *words[1:])

    def change(self, fields: str, ending: str) -> None:
        """Put both pieces of code where the tutorial says."""
        content = self._project.sources.read_text()
        struct = re.search(r"^class Images\(.*?pods: int\n", content, re.MULTILINE | re.DOTALL)
        assert struct is not None
        content = content.replace(struct[0], fields)
        self._project.sources.write_text(re.sub(r"^    return .*\n\Z", ending, content, flags=re.MULTILINE))
        log = self._project.folder / "said.log"
        eventually(lambda: "registries" in self._project.ask(), "the change", log=log)


def test_the_tutorial_is_true_word_for_word(cluster: ControlPlane, tmp_path: Path) -> None:
    cluster.kubectl("delete", "deployment", "web")
    blocks = re.findall(r"^```(sh|python|json)\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL)
    fields, ending = (content for language, content in blocks if language == "python")
    (told,) = (content for language, content in blocks if language == "json")
    typed = [line for language, content in blocks if language == "sh" for line in content.splitlines()]
    with ExitStack() as stack:
        reader = Reader(cluster, tmp_path, stack)
        for line in typed[:-1]:
            reader.type(line)
            if line.startswith("kubectl create deployment"):
                cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
        one, everything = reader.answers
        assert {key: one[key] for key in ("apiVersion", "kind", "images", "pods")} == {
            key: json.loads(told)[key] for key in ("apiVersion", "kind", "images", "pods")
        }
        assert [item["metadata"]["name"] for item in everything["items"]] == ["web"]
        reader.change(fields, ending)
        reader.type(typed[-1])
        assert reader.answers[-1]["registries"] == ["docker.io"]
