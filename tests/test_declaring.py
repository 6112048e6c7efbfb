"""Where relations are declared: the configuration file, and annotations of definitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.declared import DeclaredRelation, Where
from kubediscovery.declaring import declared_by, read_declared
from kubediscovery.errors import ConfigurationError
from kubediscovery.objects import Object, StatusState
from tests.objects import make
from tests.relating import SERVICE

# The configuration


def test_the_configuration_is_read() -> None:
    section = [
        {"name": "database", "from": "sites.example.org", "to": "Service", "path": "spec.db[*].name", "attached": True},
        {"name": "watched", "from": "Secret", "to": "Site", "annotation": "example.org/site"},
        {"name": "dc", "from": "secrets", "to": "Site", "label": "example.org/site"},
        {"name": "backed-up", "from": "Site", "to": "Pod", "selector": "spec.selector"},
    ]
    assert read_declared(section) == (
        DeclaredRelation("database", "sites.example.org", "Service", Where.PATH, "spec.db[*].name", attached=True),
        DeclaredRelation("watched", "Secret", "Site", Where.ANNOTATION, "example.org/site"),
        DeclaredRelation("dc", "secrets", "Site", Where.LABEL, "example.org/site"),
        DeclaredRelation("backed-up", "Site", "Pod", Where.SELECTOR, "spec.selector"),
    )


RIGHT = {"name": "x", "from": "Site", "to": "Pod", "path": "spec.a"}
SELECTS = {"name": "y", "from": "Site", "to": "Pod", "selector": "spec.a"}


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("x", "relations: a list"),
        ([RIGHT] * 101, "relations: a list of at most 100"),
        (["x"], "relations[0]: a mapping with name, from, to, path, label, annotation, selector, attached"),
        ([RIGHT, {**RIGHT, "depth": 1}], 'relations[1]: "depth" is not known'),
        ([{**RIGHT, "label": "k"}], "relations[0]: one of path, label, annotation, selector is needed, not 2 of them"),
        ([{key: RIGHT[key] for key in ("name", "from", "to")}], "one of path, label, annotation, selector is needed"),
        ([{**RIGHT, "name": "secret"}], 'relations[0].name: there is a relation "secret" already'),
        ([{**RIGHT, "name": "all"}], "already"),
        ([{**RIGHT, "name": "owner"}], "already"),
        ([{**RIGHT, "name": "a,b"}], "relations[0].name: letters, digits and dashes that begin with a letter"),
        ([{**RIGHT, "from": "a b"}], "relations[0].from: a kind (Pod), or a plural with its group"),
        ([{**RIGHT, "to": None}], "relations[0].to: a kind"),
        ([{**RIGHT, "path": "spec..a"}], "relations[0].path: a path such as"),
        ([{**RIGHT, "path": ""}], "relations[0].path: a path such as"),
        ([{**RIGHT, "attached": "yes"}], "relations[0].attached: true or false"),
        ([{"name": "x", "from": "Site", "to": "Pod", "label": "a b"}], "relations[0].label: the key of the label"),
        (
            [RIGHT, SELECTS, {**SELECTS, "name": "z", "from": "site"}],
            "relations[2].selector: site has the selector of relations[1] already; accepted is one of a kind",
        ),
    ],
)
def test_what_cannot_be_used_is_named(section: object, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_declared(section)
    assert said in str(raised.value)


# Annotations of definitions


def test_an_annotation_is_read_to_a_bound() -> None:
    """Whoever may write definitions must not make the server look through a hundred thousand relations."""
    kinds = ";".join(f"Kind{number}" for number in range(1_000))
    found = declared_by(definition(label=f"on:{kinds};Kind0, key:x/site, value:INSTANCE.metadata.name"))
    assert [relation.source for relation in found] == [f"Kind{number}" for number in range(100)]
    repeated = declared_by(definition(label="on:Pod;Pod, key:x/site, value:INSTANCE.metadata.name"))
    assert [relation.source for relation in repeated] == ["Pod"]
    assert declared_by(definition(specproperty=f"on:INSTANCE.{'a.' * 100}a, value:Pod.metadata.name")) == ()


def definition(**annotations: str) -> Object:
    flags = {f"resource/{name.replace('_', '-')}-relationship": value for name, value in annotations.items()}
    every = {"group": "example.org", "kind": "Site", "plural": "sites", **flags}
    return make(SERVICE, "crd", state=StatusState(flags=tuple(sorted(every.items()))))


@pytest.mark.parametrize(
    ("annotations", "found"),
    [
        (
            {"annotation": "on:Secret;Pod, key:x/site, value:INSTANCE.metadata.name"},
            [
                DeclaredRelation(
                    "annotation-relationship", kind, "sites.example.org", Where.ANNOTATION, "x/site", against=True
                )
                for kind in ("Secret", "Pod")
            ],
        ),
        (
            {"label": "on:PersistentVolumeClaim, key:k, value:site-INSTANCE.metadata.name"},
            [
                DeclaredRelation(
                    "label-relationship", "PersistentVolumeClaim", "sites.example.org", Where.LABEL, "k", "site-",
                    against=True,
                )
            ],
        ),
        (
            {"label": "on:Pod, value:INSTANCE.spec.selector"},
            [DeclaredRelation("label-relationship", "sites.example.org", "Pod", Where.SELECTOR, "spec.selector")],
        ),
        (
            {"specproperty": '"on:INSTANCE.spec.mySQLServiceName, value:Service.spec.metadata.name"'},
            [
                DeclaredRelation(
                    "specproperty-relationship", "sites.example.org", "Service", Where.PATH, "spec.mySQLServiceName"
                )
            ],
        ),
        ({"annotation": "on:Secret, key:k, value:contains(INSTANCE.metadata.name)"}, []),
        ({"specproperty": "on:INSTANCE.spec.volumeMounts, value:Pod.spec.containers.volumemounts.mountpath"}, []),
        ({"annotation": "on:, key:k, value:INSTANCE.metadata.name"}, []),
        ({"label": "nonsense"}, []),
        ({}, []),
    ],
)  # fmt: skip
def test_annotations_of_the_first_kubediscovery_are_read(
    annotations: dict[str, str], found: list[DeclaredRelation]
) -> None:
    assert list(declared_by(definition(**annotations))) == found


@given(st.text(max_size=60), st.sampled_from(["annotation", "label", "specproperty"]))
def test_no_annotation_is_an_error(text: str, name: str) -> None:
    declared_by(definition(**{name: text}))
