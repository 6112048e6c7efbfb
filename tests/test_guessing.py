"""The kinds of objects in files."""

import json
from typing import Any

import pytest

from kubediscovery.built_in import KUBERNETES_KINDS
from kubediscovery.guessing import Definitions, Guess, built_in_kind, guessed, plural_of
from kubediscovery.kinds import Kind
from tests.discovering import DEFINITION, KAFKA
from tests.objects import DEPLOYMENT, POD


@pytest.mark.parametrize(
    ("kind", "plural"),
    [
        ("Kafka", "kafkas"),
        ("Ingress", "ingresses"),
        ("Policy", "policies"),
        ("Gateway", "gatewaies"),
        ("Endpoints", "endpoints"),
        ("CiliumEndpoints", "ciliumendpoints"),
    ],
)
def test_plurals_are_guessed_as_kubernetes_s_clients_guess_them(kind: str, plural: str) -> None:
    assert plural_of(kind) == plural


def test_the_guess_holds_for_all_of_kubernetes_s_own_kinds() -> None:
    assert [kind for kind in KUBERNETES_KINDS if plural_of(kind.kind) != kind.resource] == []


def test_a_built_in_kind_is_known_in_whatever_version() -> None:
    assert built_in_kind("apps/v1", "Deployment") == built_in_kind("apps/v1beta2", "Deployment") == DEPLOYMENT
    assert built_in_kind("v1", "Pod") == POD
    assert built_in_kind("example.org/v1", "Pod") is None


@pytest.mark.parametrize(
    ("api_version", "kind", "metadata", "found"),
    [
        ("example.org/v1", "Kafka", {"name": "a"}, Guess("example.org", "v1", "Kafka", is_in_namespace=False)),
        ("example.org/v1", "Kafka", {"name": "a", "namespace": "n"}, Guess("example.org", "v1", "Kafka", True)),
        ("example.org/v1", "Kafka", {}, None),
        ("example.org/v1", "Kafka", {"name": 5}, None),
        ("example.org/v1", "Kafka", None, None),
        ("example.org/v1", "Kafka", "name", None),
        # Of other tools, of Kubernetes's own but no kind that is tracked, and a kubeconfig.
        ("skaffold/v4", "Config", {"name": "a"}, None),
        ("kustomize.config.k8s.io/v1beta1", "Kustomization", {}, None),
        ("authentication.k8s.io/v1", "TokenReview", {"name": "a"}, None),
        ("v1", "Config", {"name": "a"}, None),
    ],
)
def test_what_may_be_a_custom_resource(api_version: str, kind: str, metadata: Any, found: Guess | None) -> None:
    assert guessed(api_version, kind, json.dumps(metadata).encode()) == found


def definition(**spec: Any) -> bytes:
    names = {"kind": "Kafka", "plural": "kafkae", "singular": "kafkum"}
    return json.dumps({"spec": {"group": "example.org", "names": names, **spec}}).encode()


def test_a_definition_says_the_plural_and_the_scope() -> None:
    definitions = Definitions()
    definitions.learn(DEFINITION, definition(scope="Cluster"))
    guesses = [Guess("example.org", "v1", "Kafka", True), Guess("example.org", "v2", "Kafka", False)]
    assert list(definitions.kinds_of(guesses)) == [
        Kind("example.org", "v1", "kafkae", "Kafka", "kafkum", namespaced=False, workload=True, custom=True)
    ]


@pytest.mark.parametrize("document", [b"{}", b'{"spec": 5}', definition(names={"kind": "Kafka"}), b"["])
def test_a_definition_that_is_not_whole_is_none(document: bytes) -> None:
    definitions = Definitions()
    definitions.learn(DEFINITION, document)
    definitions.learn(POD, definition())
    assert list(definitions.kinds_of([Guess("example.org", "v1", "Kafka", True)])) == [KAFKA]


def test_without_a_definition_a_kind_is_of_namespaces_if_one_of_its_objects_is_in_one() -> None:
    guesses = [Guess("example.org", "v1", kind, inside) for kind, inside in [("A", False), ("B", False), ("A", True)]]
    assert [(kind.kind, kind.namespaced) for kind in Definitions().kinds_of(guesses)] == [("A", True), ("B", False)]
