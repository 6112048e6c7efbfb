"""kubectl's outputs, errors and files come through."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubediscovery.testing.kubectl import Kubectl, KubectlError

SCRIPT = """#!/bin/sh
echo "$@"
cat
[ "$3" = fail ] && echo "Error from server" >&2 && exit 3
exit 0
"""


@pytest.fixture
def kubectl(tmp_path: Path) -> Kubectl:
    program = tmp_path / "kubectl"
    program.write_text(SCRIPT)
    program.chmod(0o755)
    return Kubectl(program, tmp_path / "admin.kubeconfig", tmp_path / "cache")


def test_output_is_given(kubectl: Kubectl, tmp_path: Path) -> None:
    common = f"--cache-dir={tmp_path}/cache get pods"
    assert kubectl("get", "pods") == f"--kubeconfig={tmp_path}/admin.kubeconfig {common}\n"
    assert kubectl("get", "pods", kubeconfig=tmp_path / "b") == f"--kubeconfig={tmp_path}/b {common}\n"
    assert kubectl("apply", "-f-", stdin="kind: Pod").endswith(" apply -f-\nkind: Pod")


def test_a_failure_shows_what_kubectl_said(kubectl: Kubectl) -> None:
    with pytest.raises(KubectlError, match=r"^kubectl fail now ended with status 3: Error from server$") as caught:
        kubectl("fail", "now")
    assert (caught.value.status, caught.value.stderr) == (3, "Error from server\n")
    assert caught.value.stdout.endswith("fail now\n")


def test_a_failure_can_be_asked_for(kubectl: Kubectl) -> None:
    assert kubectl("fail", check=False).endswith("fail\nError from server\n")
