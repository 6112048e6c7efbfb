"""The sections of the configuration file."""

from typing import Any

import pytest

from kubediscovery.compact import Compactor
from kubediscovery.declared import readers
from kubediscovery.errors import ConfigurationError
from kubediscovery.kinds import Kinds
from kubediscovery.selection import Selection
from kubediscovery.settings import SECTIONS, Settings, read_settings
from tests.discovering import KAFKA
from tests.objects import DEPLOYMENT, POD


def test_without_a_section_all_is_as_it_is_by_default() -> None:
    assert read_settings({}) == Settings()
    assert Settings().kinds is None
    assert SECTIONS == ("kinds", "relations", "health", "history")


def test_include_and_exclude_each_replace_their_default() -> None:
    included = read_settings({"kinds": {"include": ["*.apps", "events"]}}).kinds
    assert included is not None
    assert [pattern.text for pattern in included.include] == ["*.apps", "events"]
    assert included.exclude == Selection().exclude
    excluded = read_settings({"kinds": {"exclude": []}}).kinds
    assert excluded == Selection(exclude=())


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"includes": []}, 'kinds: "includes" is not known; accepted are include, exclude'),
        ({5: []}, 'kinds: "5" is not known; accepted are include, exclude'),
        (["pods"], "kinds: a mapping is needed; accepted are include, exclude"),
        (None, "kinds: a mapping is needed; accepted are include, exclude"),
        ({"include": "pods"}, "kinds.include: a list of patterns such as *.example.org is needed"),
        ({"exclude": None}, "kinds.exclude: a list of patterns such as *.example.org is needed"),
        ({"exclude": ["Pods"]}, 'kinds.exclude: "Pods" is no pattern for kinds: accepted are a plural (pods)'),
        ({"include": ["pods", 5]}, 'kinds.include: "5" is no pattern for kinds'),
    ],
)
def test_what_cannot_be_used_is_named_with_what_is_accepted(section: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_settings({"kinds": section})
    assert str(raised.value).startswith(said)


def test_relations_are_read_by_whoever_reads_the_kind() -> None:
    entry = {"name": "broker", "from": "Pod", "to": "kafkas.example.org", "label": "example.org/broker"}
    settings, compactor = read_settings({"relations": [entry]}), Compactor()
    reader = readers(settings.relations, Kinds((POD, KAFKA)))[POD]
    document = b'{"metadata": {"name": "web", "labels": {"example.org/broker": "a"}}}'
    (reference,) = settings.decoder(POD, compactor, reader).object(document).references
    assert (reference.relation, reference.kind, reference.name) == ("broker", "Kafka", "a")
    with pytest.raises(ConfigurationError, match="relations: a list of at most"):
        read_settings({"relations": 5})


@pytest.mark.parametrize("kind", ["services", "Deployment", "poddisruptionbudgets.policy", "ClusterRole"])
def test_a_kind_with_a_selector_of_its_own_gets_no_other(kind: str) -> None:
    path = {"name": "one", "from": kind, "to": "Pod", "path": "spec.pod"}
    selecting = {"name": "two", "from": kind, "to": "Pod", "selector": "spec.selector"}
    said = r"relations\[1\].selector: .* have a selector of their own already; accepted for them are path, label, annot"
    with pytest.raises(ConfigurationError, match=said):
        read_settings({"relations": [path, selecting]})
    for free in ("ConfigMap", f"{kind.partition('.')[0]}.example.org"):
        assert read_settings({"relations": [path, {**selecting, "from": free}]}).relations[1].source == free


def test_what_is_judged_by_the_configuration_is_read_whole() -> None:
    entry = {"kind": "kafkas.example.org", "health": "'Degraded'"}
    settings, compactor = read_settings({"health": [entry]}), Compactor()
    document = b'{"metadata": {"name": "broker", "namespace": "shop", "uid": "u"}}'
    item = settings.decoder(KAFKA, compactor).object(document)
    assert item.judgement is not None
    assert item.judgement.health == "Degraded"
    assert settings.decoder(POD, compactor).object(document).judgement is None
    assert Settings().decoder(DEPLOYMENT, compactor).kind == DEPLOYMENT
