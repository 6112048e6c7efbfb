"""Relations that users declare: what they say, what is read for them, and how it is drawn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.declared import DeclaredRelation, Reader, Where, kind_called, readers, rules, steps_of
from kubediscovery.declaring import declared_by, read_declared
from kubediscovery.drawing import Drawing
from kubediscovery.errors import ConfigurationError
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.objects import Object, Reference, StatusState
from kubediscovery.relations import How, Relations
from kubediscovery.tree import build_tree
from tests.objects import DEPLOYMENT, OTHER_DEPLOYMENT, POD, make
from tests.relating import CLAIM, EVERYBODY, RELATED_KINDS, SECRET, SERVICE, stored

SITE = Kind("example.org", "v1", "sites", "Site", "site", custom=True)
TRACKED = Kinds((*RELATED_KINDS, SITE))


def reader(where: Where, place: str, target: str = "Service", **fields: str) -> Reader:
    return readers([DeclaredRelation("uses", "Site", target, where, place, **fields)], TRACKED)[SITE]  # type: ignore[arg-type]


def service(name: str, namespace: str | None = None) -> Reference:
    return Reference("uses", "", "Service", name, namespace)


# What is read


@pytest.mark.parametrize(
    ("path", "document", "found"),
    [
        ("spec.service", {"spec": {"service": "a"}}, [service("a")]),
        ("spec.service", {"spec": {"service": {"name": "a", "namespace": "b"}}}, [service("a", "b")]),
        ("spec.service", {"spec": {"service": {"name": "a"}}}, [service("a")]),
        ("spec.service.name", {"spec": {"service": {"name": "a", "namespace": "b"}}}, [service("a")]),
        (
            "spec.all[*].ref",
            {"spec": {"all": [{"ref": "a"}, {"ref": {"name": "b"}}, {}]}},
            [service("a"), service("b")],
        ),
        ("spec.all[*]", {"spec": {"all": ["a", "a", "b"]}}, [service("a"), service("b")]),
        ("metadata.annotations['x.org/y']", {"metadata": {"annotations": {"x.org/y": "a"}}}, [service("a")]),
        ("spec.service", {"spec": {"service": "a/b"}}, [service("a/b")]),
    ],
)
def test_a_path_leads_to_names(path: str, document: dict[str, object], found: list[Reference]) -> None:
    assert list(reader(Where.PATH, path).references_of(document)) == found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.sampled_from(["a", "name"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["spec", "name", "a", "metadata"]), inner)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["spec", "metadata"]), JSON), st.sampled_from(Where))
def test_no_document_is_an_error(document: dict[str, object], where: Where) -> None:
    found = reader(where, "spec.a[*].name" if where is Where.PATH else "spec")
    assert all(reference.name for reference in found.references_of(document))
    found.selector_of(document)


@pytest.mark.parametrize(
    ("value", "found"),
    [("a", [service("a")]), ("b/a", [service("a", "b")]), ("", []), (7, []), (["a"], [])],
)
def test_an_annotation_names_one_object(value: object, found: list[Reference]) -> None:
    document = {"metadata": {"annotations": {"x.org/y": value}}}
    assert list(reader(Where.ANNOTATION, "x.org/y").references_of(document)) == found
    assert not reader(Where.LABEL, "x.org/y").references_of(document)


def test_what_stands_around_a_name_must_be_there_as_a_whole() -> None:
    found = reader(Where.LABEL, "k", before="site-", after="-x")
    for value, names in (("site-a-x", ["a"]), ("site--x", []), ("a-x", []), ("site-a", []), ("xsite-a-x", [])):
        document = {"metadata": {"labels": {"k": value}}}
        assert [reference.name for reference in found.references_of(document)] == names


@pytest.mark.parametrize(
    ("value", "matching", "other"),
    [
        ({"app": "a"}, {"app": "a"}, {"app": "b"}),
        ({"matchLabels": {"app": "a"}}, {"app": "a"}, {}),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]}, {"app": "b"}, {"app": "c"}),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, {}, {"app": "c"}),
    ],
)
def test_a_selector_is_read(value: object, matching: dict[str, str], other: dict[str, str]) -> None:
    found = reader(Where.SELECTOR, "spec.selector", "Pod").selector_of({"spec": {"selector": value}})
    assert found is not None
    assert found.matches(matching)
    assert not found.matches(other)


@pytest.mark.parametrize("value", [None, {}, "a", {"app": 7}, {"matchExpressions": [{"key": "a", "operator": "Like"}]}])
def test_what_is_no_selector_selects_nothing(value: object) -> None:
    assert reader(Where.SELECTOR, "spec.selector", "Pod").selector_of({"spec": {"selector": value}}) is None


def test_labels_and_annotations_are_metadata() -> None:
    assert reader(Where.LABEL, "k").metadata_only
    assert not reader(Where.PATH, "spec.a").metadata_only


# Kinds


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Pod", POD),
        ("pods", POD),
        ("deployments.apps", DEPLOYMENT),
        ("Deployment.apps", DEPLOYMENT),
        ("deployment", DEPLOYMENT),
        ("deployments.example.com", OTHER_DEPLOYMENT),
        ("sites.example.org", SITE),
        ("site", SITE),
        ("sit", None),
    ],
)
def test_kinds_are_found_by_what_they_are_called(text: str, kind: Kind | None) -> None:
    assert kind_called(text, Kinds((*TRACKED, OTHER_DEPLOYMENT))) == kind


def test_what_is_not_tracked_is_not_read() -> None:
    assert not readers([DeclaredRelation("x", "Site", "Nothing", Where.PATH, "a")], TRACKED)
    assert not readers([DeclaredRelation("x", "Nothing", "Site", Where.PATH, "a")], TRACKED)


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
    ],
)
def test_what_cannot_be_used_is_named(section: object, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_declared(section)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("spec.a-b", ("spec", "a-b")),
        (".spec.a[*].b", ("spec", "a", None, "b")),
        ("metadata.labels['x.org/y']", ("metadata", "labels", "x.org/y")),
        ("", ()),
        ("spec.", ()),
        ("spec[0]", ()),
        ("$.spec", ()),
    ],
)
def test_paths_have_steps(path: str, steps: tuple[str | None, ...]) -> None:
    assert steps_of(path) == steps


# Annotations of definitions


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


# How it is drawn


def test_declared_relations_are_drawn_as_any_other() -> None:
    declared = [
        DeclaredRelation("database", "Site", "Service", Where.PATH, "spec.db", attached=True),
        DeclaredRelation("guarded", "Secret", "Site", Where.ANNOTATION, "site", against=True),
        DeclaredRelation("keeps", "Site", "PersistentVolumeClaim", Where.SELECTOR, "spec.selector"),
    ]
    assert [rule.how for rule in rules(declared, TRACKED)] == [How.REFERENCE, How.SELECTOR, How.REVERSED]
    read = readers(declared, TRACKED)
    document = {"spec": {"db": "mysql", "selector": {"app": "x"}}}
    site = make(SITE, "blog", references=read[SITE].references_of(document), selector=read[SITE].selector_of(document))
    money = make(SECRET, "s", references=read[SECRET].references_of({"metadata": {"annotations": {"site": "blog"}}}))
    mysql, kept = make(SERVICE, "mysql"), make(CLAIM, "c", labels=(("app", "x"),))
    store = stored([money, mysql, kept, make(SERVICE, "mysql-2")])
    store.follow(TRACKED)
    store.replace(SITE, [site], 9)
    store.links.relations = Relations(rules(declared, TRACKED))
    drawing = Drawing(relations=store.links.relations.names)
    sight = EVERYBODY.__class__(None, frozenset(TRACKED))
    found = build_tree(store, site, sight, drawing).root.related
    assert [(node.relation, node.name, node.incoming) for node in found] == [
        ("database", "mysql", None),
        ("guarded", "s", None),
        ("keeps", "c", None),
    ]
    (user,) = build_tree(store, mysql, sight, drawing).root.related
    assert (user.relation, user.name, user.incoming) == ("database", "blog", True)
