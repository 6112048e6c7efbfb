"""Every form of an answer, through a real kube-apiserver: as kubectl prints it, and as clients ask for it."""

from __future__ import annotations

import gzip
import http.client
import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from kubediscovery.certs import Usage
from kubediscovery.negotiation import PLAIN_YAML, Representation
from kubediscovery.representation import encode
from kubediscovery.testing.controlplane import ControlPlane
from tests.integration.serving import API, GROUP, Server, compositions, eventually

NAMESPACE = "representations"
COMPOSITIONS = f"{API}/namespaces/{NAMESPACE}/compositions"
WEB = f"{API}/namespaces/{NAMESPACE}/deployments/web/compositions"
METADATA_CLIENT = (
    "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,"
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
)
LARGE = 128 * 1024


@dataclass(frozen=True)
class Answer:
    """What kube-apiserver passed on, byte for byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        assert self.headers["content-type"].startswith("application/json"), self.body[:500]
        return json.loads(self.body)


Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def ask(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """A request to kube-apiserver as an administrator, with headers of one's own and nothing undone."""
    pair = cluster.client_ca.issue("representations", organizations=["system:masters"], usages=[Usage.CLIENT])
    path: Path = tmp_path_factory.mktemp("representations") / "client.pem"
    path.write_bytes(pair.certificate + pair.key)
    context = ssl.create_default_context(cadata=cluster.ca.decode())
    context.load_cert_chain(path)
    server = urlsplit(cluster.server)

    def get(target: str, *, method: str = "GET", **headers: str) -> Answer:
        connection = http.client.HTTPSConnection(str(server.hostname), server.port, timeout=30, context=context)
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in given.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    return get


@pytest.fixture(scope="module", autouse=True)
def trees(cluster: ControlPlane, server: Server) -> Iterator[None]:
    kubectl = cluster.kubectl
    kubectl("create", "namespace", NAMESPACE)
    kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={NAMESPACE}")
    for name, replicas in (("web", 1), ("api", 2)):
        kubectl("-n", NAMESPACE, "create", "deployment", name, "--image=nginx:1", f"--replicas={replicas}")
        kubectl("-n", NAMESPACE, "rollout", "status", f"deployment/{name}", "--timeout=110s")

    def ready() -> bool:
        items = compositions(cluster, f"namespaces/{NAMESPACE}/compositions")["items"]
        return [item["root"]["ready"] for item in items] == ["2/2", "1/1"]

    eventually(ready, "the two trees", log=server.log)
    yield
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def test_kubectl_prints_every_format(cluster: ControlPlane) -> None:
    def get(*arguments: str) -> str:
        return cluster.kubectl("-n", NAMESPACE, "get", "comp", *arguments)

    wide = [line.split() for line in get("-o", "wide").splitlines()]
    assert wide[0] == ["NAME", "READY", "HEALTH", "PODS", "AGE", "ROLLOUT", "REVISION", "REASON", "IMAGES"]
    assert [(line[0], line[1], line[-1]) for line in wide[1:]] == [
        ("deployments.apps.api", "2/2", "nginx:1"),
        ("deployments.apps.web", "1/1", "nginx:1"),
    ]
    in_yaml, in_json = yaml.safe_load(get("-o", "yaml")), json.loads(get("-o", "json"))
    assert in_yaml == in_json
    assert [item["kind"] for item in in_yaml["items"]] == ["Composition"] * 2
    assert yaml.safe_load(get("deployments.apps.web", "-o", "yaml"))["root"]["name"] == "web"
    assert get("-o", "name").split() == [f"composition.{GROUP}/deployments.apps.{name}" for name in ("api", "web")]
    assert get("-o", "jsonpath={.items[*].status.health}") == "Healthy Healthy"
    assert get("deployments.apps.web", "-o", "jsonpath={.status.pods.total}") == "1"
    assert get("-o", "go-template={{range .items}}{{.root.name}};{{end}}") == "api;web;"
    columns = get("-o", "custom-columns=KIND:.root.kind,NAME:.root.name,PODS:.status.pods.ready")
    assert [line.split() for line in columns.splitlines()] == [
        ["KIND", "NAME", "PODS"],
        ["Deployment", "api", "2"],
        ["Deployment", "web", "1"],
    ]


def test_kubectl_sorts_labels_and_selects(cluster: ControlPlane) -> None:
    def get(*arguments: str) -> list[list[str]]:
        printed = cluster.kubectl("-n", NAMESPACE, "get", "comp", *arguments)
        return [line.split() for line in printed.splitlines()]

    def names(*arguments: str) -> list[str]:
        return [line[0] for line in get("--no-headers", *arguments)]

    assert names("--sort-by=.metadata.name") == ["deployments.apps.api", "deployments.apps.web"]
    assert names("--sort-by=.status.pods.total") == ["deployments.apps.web", "deployments.apps.api"]
    assert [line[-1] for line in get("--show-labels")] == ["LABELS", "app=api", "app=web"]
    assert [line[-1] for line in get("-L", "app")] == ["APP", "api", "web"]
    assert names("-l", "app=web") == names("-l", "app in (web)") == ["deployments.apps.web"]
    assert names("--show-kind")[0] == f"composition.{GROUP}/deployments.apps.api"
    everywhere = cluster.kubectl("get", "comp", "-A", "-l", "app=web", "-L", "app").splitlines()
    assert [line.split()[0] for line in everywhere if NAMESPACE in line] == [NAMESPACE]


@pytest.mark.parametrize("target", [WEB, COMPOSITIONS, API])
def test_yaml_says_what_json_does(ask: Ask, target: str) -> None:
    answer = ask(target, Accept="application/yaml")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/yaml")
    assert yaml.safe_load(answer.body) == ask(target, Accept="application/json").json()


def test_errors_are_written_as_kubernetes_writes_its_own(ask: Ask) -> None:
    """Side by side with an error of kube-apiserver itself."""
    for accept in ("application/yaml", "application/json", "text/html", "application/json;as=Table;g=meta.k8s.io;v=v1"):
        own = ask(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/none", Accept=accept)
        ours = ask(f"{API}/namespaces/{NAMESPACE}/deployments/none/compositions", Accept=accept)
        names = ("content-type", "cache-control")
        assert [ours.headers[name] for name in names] == [own.headers[name] for name in names]
        if accept != "text/html":
            assert (own.status, ours.status) == (404, 404)
            assert yaml.safe_load(own.body).keys() == yaml.safe_load(ours.body).keys()
        else:
            assert (own.status, ours.status) == (406, 406)
        assert (b'{\n  "' in own.body) == (b'{\n  "' in ours.body)


@pytest.mark.parametrize(
    ("resource", "kind", "says"),
    [
        ("", "PartialObjectMetadata", "the requested object is a list"),
        ("/{name}", "PartialObjectMetadataList", "the requested object is not a list"),
    ],
)
def test_what_cannot_be_converted_is_refused_as_kubernetes_does(ask: Ask, resource: str, kind: str, says: str) -> None:
    accept = f"application/json;as={kind};g=meta.k8s.io;v=v1"
    own = ask(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments{resource.format(name='web')}", Accept=accept)
    ours = ask(COMPOSITIONS + resource.format(name="deployments.apps.web"), Accept=accept)
    assert (own.status, ours.status) == (406, 406)
    for answer in (own, ours):
        assert answer.json()["reason"] == "NotAcceptable"
        assert says in answer.json()["message"]


def test_the_metadata_client_gets_lists_of_metadata(ask: Ask) -> None:
    found = ask(COMPOSITIONS, Accept=METADATA_CLIENT).json()
    own = ask(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments", Accept=METADATA_CLIENT.partition(",")[2]).json()
    assert {name: found[name] for name in ("kind", "apiVersion")} == {
        name: own[name] for name in ("kind", "apiVersion")
    }
    assert [item["kind"] for item in found["items"]] == [item["kind"] for item in own["items"]]
    assert [item["metadata"]["name"] for item in found["items"]] == ["deployments.apps.api", "deployments.apps.web"]
    assert found["items"][0].keys() == own["items"][0].keys()
    assert found["metadata"]["resourceVersion"]


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_tables_have_the_shape_of_kubernetes_own(ask: Ask, version: str) -> None:
    accept = f"application/json;as=Table;g=meta.k8s.io;v={version}"
    for include in ("", "None", "Metadata", "Object"):
        own = ask(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments?includeObject={include}", Accept=accept).json()
        ours = ask(f"{COMPOSITIONS}?includeObject={include}", Accept=accept).json()
        assert ours.keys() == own.keys()
        assert (ours["kind"], ours["apiVersion"]) == (own["kind"], own["apiVersion"])
        assert ours["columnDefinitions"][0].keys() == own["columnDefinitions"][0].keys()
        assert ours["rows"][0].keys() == own["rows"][0].keys()
        kinds = [(row["object"] or {}).get("apiVersion") for row in (*own["rows"][:1], *ours["rows"][:1])]
        assert kinds[0] == kinds[1] or include == "Object"
    wrong = "?includeObject=All"
    own = ask(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments{wrong}", Accept=accept)
    ours = ask(COMPOSITIONS + wrong, Accept=accept)
    assert (own.status, own.json()["message"]) == (ours.status, ours.json()["message"])


def test_json_is_indented_for_people_as_kubernetes_does(ask: Ask) -> None:
    for headers in (
        {},
        {"User_Agent": "curl/8"},
        {"User_Agent": "kubectl/v1"},
        {"Accept": "application/json;pretty=1"},
    ):
        for query in ("", "?pretty=true", "?pretty=false"):
            own = ask(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/web{query}", **headers)
            ours = ask(WEB + query, **headers)
            assert own.body.startswith(b"{\n  ") == ours.body.startswith(b"{\n  "), (headers, query)


def test_who_has_the_answer_gets_304(ask: Ask, cluster: ControlPlane) -> None:
    target = f"{COMPOSITIONS}/deployments.apps.api"
    first = ask(target)
    again = ask(target, If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert ask(target, If_None_Match=first.headers["etag"], Accept="application/yaml").status == 200
    cluster.kubectl("-n", NAMESPACE, "label", "deployment", "api", "changed=yes")

    def changed() -> bool:
        return ask(target, If_None_Match=first.headers["etag"]).status == 200

    eventually(changed, "the label to show")
    cluster.kubectl("-n", NAMESPACE, "label", "deployment", "api", "changed-")


def test_head_has_headers_and_no_body(ask: Ask) -> None:
    get, head = ask(WEB), ask(WEB, method="HEAD")
    assert (head.status, head.body) == (200, b"")
    names = ("content-type", "content-length", "etag", "vary", "cache-control")
    assert [head.headers[name] for name in names] == [get.headers[name] for name in names]


def replica_sets(count: int) -> str:
    """Roots without pods, but with much to say."""
    labels = {f"label-{number}": "x" * 63 for number in range(20)}
    items = [
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {"name": f"large-{number}", "labels": labels | {"large": "true"}},
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": {"app": f"large-{number}"}},
                "template": {
                    "metadata": {"labels": {"app": f"large-{number}"}},
                    "spec": {"containers": [{"name": "c", "image": "nginx:1"}]},
                },
            },
        }
        for number in range(count)
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def test_a_large_list_is_compressed_for_who_takes_it(
    ask: Ask, cluster: ControlPlane, server: Server, namespace: str
) -> None:
    cluster.kubectl("-n", namespace, "create", "-f", "-", stdin=replica_sets(100))
    target = f"{API}/namespaces/{namespace}/compositions"

    def all_there() -> bool:
        items = ask(target).json()["items"]
        return len(items) == 100 and all(item["status"]["health"] == "Healthy" for item in items)

    eventually(all_there, "the roots", log=server.log)

    def same() -> bool:
        plain = ask(target, Accept_Encoding="identity")
        packed = ask(target, Accept_Encoding="gzip, deflate, br")
        assert len(plain.body) > LARGE
        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert "Accept-Encoding" in packed.headers["vary"]
        assert len(packed.body) < len(plain.body) / 5
        assert "content-encoding" not in ask(target, Accept_Encoding="gzip;q=0").headers
        known = ask(target, Accept_Encoding="gzip", If_None_Match=packed.headers["etag"])
        return gzip.decompress(packed.body) == plain.body and known.status == 304

    # The list's resource version grows with whatever happens in the cluster.
    eventually(same, "the same list twice")
    assert len(cluster.kubectl("-n", namespace, "get", "comp", "-o", "name").split()) == 100


HOSTILE = [
    *("yes", "No", "on", "y", "n", "null", "~", "1e3", "0x1", "0o7", "012", "1_000", "1:30", "2020-01-01", ".inf", "="),
    *(
        "",
        " ",
        "- a",
        "a: b",
        "a #b",
        "a\nb",
        "\n a\n",
        "\t",
        "\\",
        "'",
        '"',
        "\x7f",
        "\x85",
        "\u2028",
        "é",
        "\U0001f600",
    ),
]


def test_kubectl_reads_our_yaml_as_what_it_is(cluster: ControlPlane) -> None:
    """What Go's library for YAML makes of it, which follows another version of the language than Python's."""
    data = {f"key-{number}": text for number, text in enumerate(HOSTILE)} | dict.fromkeys(("yes", "1e3", "n"), "x")
    content = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": data}
    written = encode(content, Representation(PLAIN_YAML)).decode()
    read = json.loads(cluster.kubectl("create", "--dry-run=client", "-f", "-", "-o", "json", stdin=written))
    assert read["data"] == data
