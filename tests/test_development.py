"""`dev` before it has a cluster: how this machine is called, and what is refused."""

from pathlib import Path

import pytest

from kubediscovery.client import Client
from kubediscovery.development import Development, develop, placed
from kubediscovery.errors import ConfigurationError
from kubediscovery.install import InstallOptions
from tests.upstream import kubeconfig, reaching, write

OPTIONS = InstallOptions(
    name="images-dev", namespace="images-dev", api_group="images.example.org", app="images:registry"
)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.9.9.9"])
async def test_a_cluster_on_this_machine_calls_it_localhost(tmp_path: Path, host: str) -> None:
    async with reaching(tmp_path, f"https://{host}:6443") as client:
        options = placed(OPTIONS, client, tmp_path)
    assert options.external_name == "localhost"
    assert options.port is not None
    assert 1 <= options.port <= 65535
    assert options.cert_dir == tmp_path


async def test_a_cluster_elsewhere_needs_a_name(tmp_path: Path) -> None:
    async with reaching(tmp_path, "https://cluster.example.org") as client:
        with pytest.raises(ConfigurationError, match=r"cluster\.example\.org is not on this machine.*--external-name"):
            placed(OPTIONS, client, tmp_path)


async def test_what_is_named_is_kept(tmp_path: Path) -> None:
    from dataclasses import replace

    client = await Client.connect(write(tmp_path, kubeconfig("https://cluster.example.org")))
    try:
        options = placed(replace(OPTIONS, external_name="me.example.org", port=8443), client, tmp_path)
    finally:
        await client.close()
    assert (options.external_name, options.port) == ("me.example.org", 8443)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"external_name": "10.0.0.1"}, "kube-apiserver takes no IP address"),
        ({"port": 0}, "1 to 65535 is accepted"),
        ({"name": "Images"}, "not a DNS label"),
        ({"kinds": ("no pattern",)}, "is no pattern for kinds"),
    ],
)
async def test_bad_flags_are_refused_before_anything_is_asked(changes: dict[str, object], words: str) -> None:
    from dataclasses import replace

    options = replace(OPTIONS, kubeconfig="/nowhere", **changes)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=words):
        await develop(Development(options, Path()), print)
