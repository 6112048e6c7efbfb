"""Explain and man: the cluster's schema, what is known here, and what an author wrote, each for who may read it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from kubediscovery.app import create_app
from kubediscovery.errors import UpstreamError, UpstreamNotFound
from kubediscovery.explanation import Usage, usage_of
from kubediscovery.kinds import Kind
from tests.objects import DEPLOYMENT, make
from tests.relating import SECRET
from tests.serving import KINDS, PREFIX, Serving

KAFKA = Kind("example.org", "v1", "kafkas", "Kafka", "kafka", workload=True, custom=True)
EXPLAIN, MAN = f"{PREFIX}/kafkas.example.org/*/explain", f"{PREFIX}/kafkas.example.org/*/man"
PATH = "/openapi/v3/apis/example.org/v1"


def schemas() -> Mapping[str, Any]:
    """A kind with all that schemas have: references, lists, maps, and a type within itself."""
    reference = "#/components/schemas/org.example.v1."
    return {
        "org.example.v1.Kafka": {
            "description": "A Kafka.\nWith more to say.",
            "type": "object",
            "required": ["spec"],
            "properties": {
                "spec": {
                    "description": "What is wanted.",
                    "type": "object",
                    "properties": {
                        "replicas": {"type": "integer", "default": 3},
                        "mode": {"type": "string", "enum": ["zk", "kraft"]},
                        "port": {"x-kubernetes-int-or-string": True},
                        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                        "listeners": {"type": "array", "items": {"$ref": f"{reference}Listener"}},
                        "first": {"description": "One.", "allOf": [{"$ref": f"{reference}Listener"}]},
                        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                    },
                }
            },
            "x-kubernetes-group-version-kind": [{"group": "example.org", "version": "v1", "kind": "Kafka"}],
        },
        "org.example.v1.Listener": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string"}, "inner": {"$ref": f"{reference}Listener"}},
        },
    }


class Response:
    def __init__(self, content: object) -> None:
        self._content = content

    async def read(self) -> bytes:
        return json.dumps(self._content).encode()


class Cluster:
    """A kube-apiserver's documents, definitions and ConfigMaps."""

    def __init__(self) -> None:
        self.documents: dict[str, Any] = {
            "/openapi/v3": {"paths": {"apis/example.org/v1": {"serverRelativeURL": f"{PATH}?hash=1"}}},
            f"{PATH}?hash=1": {"components": {"schemas": schemas()}},
        }
        self.annotations = {"resource/usage": "docs.kafka-usage.page", "resource/composition": "StatefulSet, Service"}
        self.data = {"page": "Write a Kafka.\nWait.\x1b[31m"}
        self.failure: UpstreamError | None = None
        self.read: list[str] = []

    @asynccontextmanager
    async def open(self, method: str, path: str, **_: object) -> AsyncIterator[Response]:
        self.read.append(path)
        if self.failure is not None:
            raise self.failure
        if path not in self.documents:
            raise UpstreamNotFound(path)
        yield Response(self.documents[path])

    async def request(self, method: str, path: str, *, query: Mapping[str, str], **_: object) -> Any:
        self.read.append(f"{path} {query['fieldSelector']}")
        if self.failure is not None:
            raise self.failure
        if path.startswith("/apis/apiextensions.k8s.io"):
            return {"items": [{"metadata": {"annotations": self.annotations}}]}
        return {"items": [{"metadata": {}, "data": self.data}]}


class Bench(Serving):
    """The application with a cluster behind it, which has Kafkas."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = Cluster()
        self.services = replace(self.services, client=self.cluster)  # type: ignore[arg-type]
        self.app = create_app(self.services)
        self.store.follow((*KINDS, KAFKA, SECRET))
        self.store.replace(KAFKA, [], 901)
        main = make(KAFKA, "main", resource_version=901)
        self.store.put(main)
        self.store.put(make(DEPLOYMENT, "broker", owners=[main], resource_version=902))

    async def fields(self, query: str = "") -> dict[str, str]:
        answer = (await self.get(f"{EXPLAIN}?{query}")).json()
        return {field["path"]: field["type"] for field in answer["fields"]}


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_kind_is_explained_without_any_of_its_objects(bench: Bench) -> None:
    found = (await bench.get(EXPLAIN)).json()
    assert (found["kind"], found["metadata"]["name"]) == ("Explanation", "kafkas.example.org")
    assert (found["explains"], found["type"]) == ("example.org/v1 Kafka", "Kafka")
    assert found["description"] == "A Kafka.\nWith more to say."
    assert found["fields"] == [{"path": "spec", "type": "Object", "description": "What is wanted.", "required": True}]
    assert found["compositions"] == {
        "root": True,
        "owns": ["deployments.apps"],
        "ownedBy": [],
        "path": "/apis/kubediscovery.cloudark.io/v1/kafkas.example.org/*/compositions",
        "declared": "StatefulSet, Service",
    }
    assert found["usage"].startswith("Write a Kafka.")
    assert "scale" in {each["name"] for each in found["relations"]}
    assert "missing" not in found
    one = await bench.get(f"{PREFIX}/namespaces/shop/kafkas/main/explain")
    assert one.json() == found
    assert (await bench.get(f"{PREFIX}/namespaces/default/kafkas/no/explain")).status_code == 404


async def test_fields_are_named_as_kubectl_explain_names_them(bench: Bench) -> None:
    assert await bench.fields("field=spec") == {
        "spec.first": "Listener",
        "spec.free": "Object",
        "spec.labels": "map[string]string",
        "spec.listeners": "[]Listener",
        "spec.mode": "string",
        "spec.port": "IntOrString",
        "spec.replicas": "integer",
    }
    below = await bench.fields("field=spec.listeners&depth=16")
    # A type is not shown within itself again.
    assert below == {"spec.listeners.inner": "Listener", "spec.listeners.name": "string"}
    spec = (await bench.get(f"{EXPLAIN}?field=spec&depth=2")).json()
    by_path = {field["path"]: field for field in spec["fields"]}
    assert by_path["spec.mode"]["enum"] == ["zk", "kraft"]
    assert by_path["spec.replicas"]["default"] == "3"
    assert by_path["spec.listeners.name"]["required"] is True
    assert (spec["field"], spec["type"], spec["description"]) == ("spec", "Object", "What is wanted.")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("field=spec.no", 'Kafka.spec has no field "no"; accepted are replicas, mode'),
        ("field=spec..", 'Kafka.spec has no field ""'),
        ("depth=0", "depth must be a whole number of at least 1"),
        ("depth=17", "at most 16"),
    ],
)
async def test_what_is_no_field_is_named(bench: Bench, query: str, said: str) -> None:
    answer = await bench.get(f"{EXPLAIN}?{query}")
    assert answer.status_code == 400
    assert said in answer.json()["message"]


async def test_a_document_is_read_again_when_it_has_changed(bench: Bench) -> None:
    for _ in range(2):
        await bench.fields()
    assert bench.cluster.read.count(f"{PATH}?hash=1") == 1
    bench.cluster.documents["/openapi/v3"]["paths"]["apis/example.org/v1"]["serverRelativeURL"] = f"{PATH}?hash=2"
    bench.cluster.documents[f"{PATH}?hash=2"] = {"components": {"schemas": {}}}
    assert (await bench.get(EXPLAIN)).json()["missing"] == [
        "schema: the cluster does not tell that of kafkas.example.org at the moment"
    ]


async def test_nothing_is_told_that_the_caller_may_not_read(bench: Bench) -> None:
    bench.rights.grant("alice", verb="get", resource="kafkas.example.org/explain")
    found = (await bench.get(EXPLAIN, user="alice")).json()
    assert found["missing"] == [
        f'schema: you may not get "{PATH}"',
        "usage: you may not get customresourcedefinitions.apiextensions.k8s.io",
    ]
    assert (found["compositions"]["owns"], bench.cluster.read) == ([], [])
    assert "fields" not in found
    definition = {"resource": "customresourcedefinitions", "group": "apiextensions.k8s.io"}
    bench.rights.grant("alice", verb="get", path=PATH)
    bench.rights.grant("alice", verb="get", name="kafkas.example.org", **definition)
    bench.time.now += 20
    found = (await bench.get(EXPLAIN, user="alice")).json()
    assert found["missing"] == ["usage: you may not get the ConfigMap docs/kafka-usage that has it"]
    assert ("usage" in found, len(found["fields"])) == (False, 1)
    bench.rights.grant("alice", verb="get", resource="configmaps", namespace="docs", name="kafka-usage")
    bench.time.now += 20
    assert "Write a Kafka" in (await bench.get(EXPLAIN, user="alice")).json()["usage"]


async def test_what_fails_is_missing_and_the_rest_is_told(bench: Bench) -> None:
    bench.cluster.failure = UpstreamError("secret words", code=503)
    answer = await bench.get(EXPLAIN)
    assert [text.partition(":")[0] for text in answer.json()["missing"]] == ["schema", "usage"]
    assert "secret words" not in answer.text
    bench.cluster.failure = None
    bench.cluster.annotations = {"resource/usage": "nothing"}
    assert (await bench.get(EXPLAIN)).json()["missing"] == [
        "usage: the annotation resource/usage must be namespace.configmap.key"
    ]
    bench.cluster.annotations, bench.cluster.data = {"resource/usage": "a.b"}, {}
    assert (await bench.get(EXPLAIN)).json()["missing"] == ["usage: there is no key b in a ConfigMap default/a"]
    bench.cluster.annotations = {}
    assert "missing" not in (await bench.get(EXPLAIN)).json()


async def test_a_page_is_text_that_moves_no_terminal(bench: Bench) -> None:
    answer = await bench.get(MAN, headers=[("Accept", "application/json, */*")])
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    lines = answer.text.splitlines()
    headings = [line for line in lines if line and not line.startswith(" ")]
    assert headings == ["NAME", "DESCRIPTION", "USAGE", "COMPOSITION", "RELATIONS", "FIELDS"]
    assert "    kafkas.example.org - Kafka, namespaced" in lines
    assert "    is composed of StatefulSet, Service, as its author says" in lines
    assert "    spec <Object> -required-" in lines
    assert "      mode <string>" in lines
    assert "        one of zk, kraft" in lines
    assert "\x1b" not in answer.text
    assert (await bench.get(MAN, headers=[("Accept", "application/json")])).status_code == 406


async def test_it_is_only_read(bench: Bench) -> None:
    assert (await bench.get(EXPLAIN, method="POST")).status_code == 405
    assert (await bench.get(f"{EXPLAIN}?watch=true")).status_code == 405
    assert "other" in (await bench.get(f"{EXPLAIN}?other=1")).headers["warning"]
    assert (await bench.get(EXPLAIN, user="alice")).status_code == 403


@pytest.mark.parametrize(
    ("annotation", "usage"),
    [
        ("name.key", Usage("default", "name", "key")),
        ("docs.name.key", Usage("docs", "name", "key")),
        ("docs.name.key.md", Usage("docs", "name", "key.md")),
        ("name", None),
        ("a..b", None),
        ("../secrets.name.key", None),
        ("", None),
    ],
)
def test_where_usage_is_written(annotation: str, usage: Usage | None) -> None:
    assert usage_of(annotation) == usage
