"""Command lines hold what the rest of the project counts on."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kubediscovery.testing.components import ALL, MANUAL_STATUS, Ports, Setup, kwok_configuration

STAGES = """\
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: node-initialize}
spec:
  resourceRef: {apiGroup: v1, kind: Node}
  selector: {matchExpressions: []}
  next: {statusTemplate: "phase: Running"}
---
kind: Stage
metadata: {name: pod-ready}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
  next: {statusTemplate: "phase: Running"}
---
kind: Stage
metadata: {name: pod-delete}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: .metadata.deletionTimestamp, operator: Exists}
  next: {delete: true}
"""


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path, {name: Path("/bin") / name for name in ALL}, Ports(etcd=1, etcd_peer=2, apiserver=3))


def flags(setup: Setup, name: str) -> dict[str, str]:
    _, *arguments = setup.component(name).command
    return dict(argument.removeprefix("--").partition("=")[::2] for argument in arguments)


def test_ports_differ() -> None:
    ports = Ports.pick()
    assert len({ports.etcd, ports.etcd_peer, ports.apiserver}) == 3


def test_a_component_names_the_folder_so_that_it_is_found_again(setup: Setup) -> None:
    for name in ALL:
        component = setup.component(name)
        assert component.command[0] == f"/bin/{name}"
        assert any(f"{setup.directory}/" in argument for argument in component.command[1:])
        assert component.log == setup.directory / "logs" / f"{name}.log"


def test_only_loopback_is_listened_on(setup: Setup) -> None:
    etcd, apiserver = flags(setup, "etcd"), flags(setup, "kube-apiserver")
    assert etcd["listen-client-urls"] == apiserver["etcd-servers"] == "http://127.0.0.1:1"
    assert etcd["listen-peer-urls"] == "http://127.0.0.1:2"
    assert (apiserver["bind-address"], apiserver["secure-port"]) == ("127.0.0.1", "3")
    assert setup.server == "https://127.0.0.1:3"
    for name in ("kube-controller-manager", "kube-scheduler"):
        assert flags(setup, name)["secure-port"] == "0"
    assert "server-address" not in flags(setup, "kwok")


def test_the_front_proxy_has_an_authority_of_its_own(setup: Setup) -> None:
    apiserver = flags(setup, "kube-apiserver")
    assert apiserver["requestheader-client-ca-file"] != apiserver["client-ca-file"]


def test_kwok_leaves_the_status_of_marked_pods_alone_and_still_deletes_them() -> None:
    documents = {
        each["metadata"]["name"]: each["spec"]["selector"]["matchExpressions"]
        for each in yaml.safe_load_all(kwok_configuration(STAGES))
    }
    label, value = MANUAL_STATUS
    assert documents["pod-ready"][1:] == [
        {"key": f'.metadata.labels["{label}"]', "operator": "NotIn", "values": [value]}
    ]
    assert len(documents["pod-delete"]) == 1
    assert documents["node-initialize"] == []
