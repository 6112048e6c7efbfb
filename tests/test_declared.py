"""Relations that users declare: what they say, what is read for them, and how it is drawn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.declared import DeclaredRelation, Reader, Where, kind_called, readers, rules, steps_of
from kubediscovery.drawing import Drawing
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.objects import Reference
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


def test_of_several_selectors_of_a_kind_the_first_counts() -> None:
    declared = [
        DeclaredRelation(name, kind, "Pod", Where.SELECTOR, name) for name, kind in (("a", "Site"), ("b", "sites"))
    ]
    found = readers([*declared, DeclaredRelation("c", "Site", "Pod", Where.PATH, "c")], TRACKED)[SITE]
    assert [relation.name for relation, _ in found.relations] == ["a", "c"]


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
