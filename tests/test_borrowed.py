"""A kubeconfig for the same cluster with another credential: what is taken of the user's own, and what is not."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubediscovery.borrowed import borrowed_kubeconfig
from kubediscovery.errors import ConfigurationError
from tests.upstream import kubeconfig


def written(path: Path, content: object) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(content))
    return str(path)


def cluster_of(document: dict[str, Any]) -> Any:
    (found,) = document["clusters"]
    return found["cluster"]


def test_the_cluster_is_kept_and_the_user_is_not(tmp_path: Path) -> None:
    own = kubeconfig("https://example.org", cluster={"tls-server-name": "x"}, user={"password": "secret"})
    made = borrowed_kubeconfig(written(tmp_path / "config", own), "token")
    assert cluster_of(made) == {"server": "https://example.org", "tls-server-name": "x"}
    assert [user["user"] for user in made["users"]] == [{"token": "token"}]
    assert "secret" not in str(made)


def test_an_authority_in_a_file_is_found_beside_the_kubeconfig(tmp_path: Path) -> None:
    own = kubeconfig(cluster={"certificate-authority": "ca.crt"})
    path = written(tmp_path / "kube" / "config", own)
    (tmp_path / "kube" / "ca.crt").write_bytes(b"PEM")
    found = cluster_of(borrowed_kubeconfig(path, "token"))
    assert found["certificate-authority-data"] == base64.b64encode(b"PEM").decode()
    assert "certificate-authority" not in found


def test_of_several_files_the_first_that_says_something_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = written(tmp_path / "first", {"current-context": "main"})
    second = written(tmp_path / "second", {**kubeconfig("https://two"), "current-context": "other"})
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join((first, str(tmp_path / "missing"), second)))
    assert cluster_of(borrowed_kubeconfig(None, "token"))["server"] == "https://two"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, 'there is no "" among its contexts'),
        ({"current-context": "gone"}, 'there is no "gone" among its contexts'),
        ({**kubeconfig(), "clusters": []}, 'there is no "here" among its clusters'),
        ([], 'there is no "" among its contexts'),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, content: object, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        borrowed_kubeconfig(written(tmp_path / "config", content), "token")


def test_what_is_no_yaml_is_told(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("{")
    with pytest.raises(ConfigurationError, match="kubeconfig"):
        borrowed_kubeconfig(str(path), "token")
