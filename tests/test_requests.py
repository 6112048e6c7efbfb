"""What paths mean: the same as to kube-apiserver, and nothing for those that could mean two things."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kubediscovery.authz import ResourceAttributes, SelectorRequirement
from kubediscovery.errors import NotFound
from kubediscovery.options import parse_options
from kubediscovery.requests import parse_resource_path, split_path

GROUP, VERSION = "g.io", "v1"
# Words that the reading of a path turns on, beside those that it does not care about.
WORDS = ("namespaces", "watch", "compositions", "deployments", "status", "finalize", "*", "web", "shop")


def parsed(path: str, method: str = "GET") -> ResourceAttributes:
    raw_path, _, query = path.partition("?")
    return parse_resource_path(split_path(raw_path.encode()), method, query.encode(), GROUP, VERSION)


def asked(verb: str, resource: str, subresource: str = "", namespace: str = "", name: str = "") -> ResourceAttributes:
    return ResourceAttributes(verb, GROUP, VERSION, resource, subresource, namespace, name)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/namespaces/ns/deployments/web/compositions", asked("get", "deployments", "compositions", "ns", "web")),
        ("/namespaces/ns/deployments/*/compositions", asked("get", "deployments", "compositions", "ns", "*")),
        ("/namespaces/ns/deployments/%2A/compositions", asked("get", "deployments", "compositions", "ns", "*")),
        ("/namespaces/ns/deployments/%2a/compositions", asked("get", "deployments", "compositions", "ns", "*")),
        ("/deployments/*/compositions", asked("get", "deployments", "compositions", "", "*")),
        ("/deployments.apps/*/compositions", asked("get", "deployments.apps", "compositions", "", "*")),
        ("/compositions", asked("list", "compositions")),
        ("/compositions/x", asked("get", "compositions", name="x")),
        ("/namespaces/ns/compositions", asked("list", "compositions", namespace="ns")),
        ("/namespaces/ns/compositions/x", asked("get", "compositions", namespace="ns", name="x")),
        ("/watch/compositions", asked("watch", "compositions")),
        ("/watch/namespaces/ns/compositions", asked("watch", "compositions", namespace="ns")),
        ("/watch/namespaces/ns/deployments/*/compositions", asked("watch", "deployments", "compositions", "ns", "*")),
    ],
)
def test_every_documented_path(path: str, expected: ResourceAttributes) -> None:
    assert parsed(path) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/namespaces", asked("list", "namespaces")),
        ("/namespaces/ns", asked("get", "namespaces", namespace="ns", name="ns")),
        ("/namespaces/ns/status", asked("get", "namespaces", "status", "ns", "ns")),
        ("/namespaces/ns/finalize", asked("get", "namespaces", "finalize", "ns", "ns")),
        ("/namespaces/namespaces/namespaces", asked("list", "namespaces", namespace="namespaces")),
        ("/namespaces/watch/watch/watch/compositions", asked("get", "watch", "compositions", "watch", "watch")),
        ("/watch/watch", asked("watch", "watch")),
        ("/watch/namespaces", asked("watch", "namespaces")),
        ("/namespaces/*/deployments/*/compositions", asked("get", "deployments", "compositions", "*", "*")),
        ("/Namespaces/ns/compositions", asked("get", "Namespaces", "compositions", name="ns")),
        ("/deployments/a;b=c/compositions", asked("get", "deployments", "compositions", name="a;b=c")),
        ("/deployments/a+b%20c/compositions", asked("get", "deployments", "compositions", name="a+b c")),
        ("/deployments/%252F/compositions", asked("get", "deployments", "compositions", name="%2F")),
        ("/deployments/caf%C3%A9/compositions", asked("get", "deployments", "compositions", name="café")),
    ],
)
def test_paths_that_a_simpler_reader_gets_wrong(path: str, expected: ResourceAttributes) -> None:
    """What kube-apiserver v1.36.3 (NewRequestInfo) makes of them was read off by running it."""
    assert parsed(path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "//",
        "//compositions",
        "/compositions/",
        "/namespaces//compositions",
        "/namespaces/ns//deployments/web/compositions",
        "/./compositions",
        "/../compositions",
        "/namespaces/a/../b/compositions",
        "/namespaces/a/%2e%2e/b/compositions",
        "/namespaces/a/%2E./b/compositions",
        "/namespaces/a%2Fdeployments/web/compositions",
        "/namespaces/a%2fdeployments/web/compositions",
        "/namespaces/a%5Cb/compositions",
        "/namespaces/a\\b/compositions",
        "/namespaces/a%00/compositions",
        "/namespaces/a%0a/compositions",
        "/namespaces/a%0D%0AX-Remote-User:%20admin/compositions",
        "/namespaces/a%7f/compositions",
        "/namespaces/%ff/compositions",
        "/namespaces/%C0%AE%C0%AE/compositions",
        "/namespaces/%ED%A0%80/compositions",
        "/namespaces/a%/compositions",
        "/namespaces/a%zz/compositions",
        "/namespaces/a%2/compositions",
        "/deployments/web/compositions/more",
        "/namespaces/ns/deployments/web/compositions/more",
        "/watch",
        "/proxy",
        "/proxy/deployments/web",
        "/proxy/namespaces/ns/compositions",
    ],
)
def test_paths_that_could_mean_two_things_mean_nothing(path: str) -> None:
    with pytest.raises(NotFound) as caught:
        parsed(path)
    assert "ns" not in str(caught.value).split()


def test_the_root_has_no_segments() -> None:
    assert split_path(b"/") == split_path(b"") == ()


@pytest.mark.parametrize(
    ("method", "of_all", "of_one"),
    [
        ("GET", "list", "get"),
        ("HEAD", "list", "get"),
        ("POST", "create", "create"),
        ("PUT", "update", "update"),
        ("PATCH", "patch", "patch"),
        ("DELETE", "deletecollection", "delete"),
        ("OPTIONS", "", ""),
        ("get", "", ""),
    ],
)
def test_methods_are_the_verbs_that_rights_are_given_for(method: str, of_all: str, of_one: str) -> None:
    assert parsed("/compositions", method).verb == of_all
    assert parsed("/namespaces/ns/compositions/x", method).verb == of_one


@pytest.mark.parametrize(
    ("query", "verb", "name"),
    [
        ("", "list", ""),
        ("watch=true", "watch", ""),
        ("watch=1", "watch", ""),
        ("watch", "watch", ""),
        ("watch=", "watch", ""),
        ("watch=yes", "watch", ""),
        ("watch=0", "list", ""),
        ("watch=false", "list", ""),
        ("watch=FALSE", "list", ""),
        ("watch=0&watch=1", "list", ""),
        ("watch=1&watch=0", "watch", ""),
        ("fieldSelector=metadata.name%3Dx", "list", "x"),
        ("fieldSelector=metadata.name=x&watch=1", "watch", "x"),
        ("fieldSelector=metadata.name%3D%3Dx,root.kind%3DPod", "list", "x"),
        ("fieldSelector=metadata.name%3Db,metadata.name%3Da", "list", "a"),
        ("fieldSelector=metadata.name!%3Dx", "list", ""),
        ("fieldSelector=metadata.name%3D", "list", ""),
        ("fieldSelector=metadata.name%3Da%2Fb", "list", ""),
        ("fieldSelector=metadata.name%3D..", "list", ""),
        ("fieldSelector=metadata.name%3Da%2525", "list", ""),
        ("fieldSelector=%3D%3D%3D", "list", ""),
        ("fieldSelector=%ff&watch=1", "list", ""),
    ],
)
def test_a_list_is_what_its_query_makes_of_it(query: str, verb: str, name: str) -> None:
    found = parsed(f"/compositions?{query}")
    assert (found.verb, found.name) == (verb, name)


@pytest.mark.parametrize("query", ["watch=1", "fieldSelector=metadata.name%3Dother"])
def test_no_query_changes_what_a_path_with_a_name_means(query: str) -> None:
    path = "/namespaces/ns/deployments/*/compositions"
    assert parsed(f"{path}?{query}") == parsed(path)


def requirements(found: Iterable[SelectorRequirement]) -> list[str]:
    return [" ".join((each.key, each.operator, *map(repr, each.values))) for each in found]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("app", ["app Exists"]),
        ("!app", ["app DoesNotExist"]),
        ("a==1,b!=2,c notin (y,x),d", ["a In '1'", "b NotIn '2'", "c NotIn 'x' 'y'", "d Exists"]),
        ("x.y/z in (a,,b)", ["x.y/z In '' 'a' 'b'"]),
        ("x in ()", ["x In ''"]),
        ("x=", ["x In ''"]),
        ("f>1,g", ["g Exists"]),
        ("f>1", []),
        ("a,a,a=1,a=1", ["a Exists", "a In '1'"]),
        (",", []),
        ("a b", []),
        ("a,b c", []),
        ("A/b", []),
        ("", []),
    ],
)
def test_label_selectors_are_reviewed_as_kube_apiserver_reviews_them(selector: str, expected: list[str]) -> None:
    """What k8s.io/apiserver v0.36.3 sends was read off by running it, as for field selectors."""
    found = parsed(f"/compositions?labelSelector={quote(selector)}")
    assert (requirements(found.label_selector), found.field_selector) == (expected, ())


@pytest.mark.parametrize(
    ("selector", "name", "expected"),
    [
        ("metadata.name=b,metadata.name!=a", "b", ["metadata.name In 'b'", "metadata.name NotIn 'a'"]),
        ("spec.x=1,metadata.name=x", "x", ["metadata.name In 'x'", "spec.x In '1'"]),
        ("metadata.name=a/b", "", ["metadata.name In 'a/b'"]),
        (r"x=a\,b\=c\\", "", [r"x In 'a,b=c\\'"]),
        ("a!b=c", "", ["a!b In 'c'"]),
        ("x=", "", ["x In ''"]),
        ("=", "", []),
        ("x===y", "", []),
        (r"x=a\b", "", []),
        ("x=1,nonsense", "", []),
        # Of the next two kube-apiserver would refuse the review, or leave the name out of it.
        ("=x,y=z", "", ["y In 'z'"]),
        ("metadata.name=x&limit=x", "x", ["metadata.name In 'x'"]),
    ],
)
def test_field_selectors_are_reviewed_as_kube_apiserver_reviews_them(
    selector: str, name: str, expected: list[str]
) -> None:
    found = parsed(f"/compositions?fieldSelector={quote(selector, safe='&=')}")
    assert (found.name, requirements(found.field_selector), found.label_selector) == (name, expected, ())


@pytest.mark.parametrize(
    ("path", "method", "reviewed"),
    [
        ("/compositions", "GET", True),
        ("/compositions", "HEAD", True),
        ("/namespaces/ns/compositions", "GET", True),
        ("/compositions", "DELETE", True),
        ("/compositions", "POST", False),
        ("/compositions/x", "GET", False),
        ("/compositions/x", "DELETE", False),
        ("/watch/compositions", "GET", False),
        ("/namespaces/ns/deployments/*/compositions", "GET", False),
        ("/watch/namespaces/ns/deployments/*/compositions", "GET", False),
    ],
)
def test_selectors_are_reviewed_of_lists_watches_and_deletions_of_many(path: str, method: str, reviewed: bool) -> None:
    for more in ("", "&watch=1"):
        found = parsed(f"{path}?labelSelector=b&labelSelector=a&fieldSelector=metadata.name=x{more}", method)
        narrowed = (requirements(found.label_selector), requirements(found.field_selector))
        assert narrowed == ((["b Exists"], ["metadata.name In 'x'"]) if reviewed else ([], []))
    assert found.name == ("x" if reviewed and method != "DELETE" else parsed(path, method).name)


LABEL_TERMS = ("a", "!a", "a=1", "a!=1", "a in (1,2)", "a notin (1,)", "b=1", "b", "!b", "a>0", "b<2")
FIELD_TERMS = ("metadata.name=x", "metadata.name!=x", "metadata.namespace=n", "root.kind!=Pod", "status.health=Healthy")
label = st.sampled_from(("", "1", "2"))
fields = st.fixed_dictionaries(
    {
        "metadata.name": st.sampled_from(("x", "y")),
        "metadata.namespace": st.sampled_from(("n", "m")),
        "root.kind": st.sampled_from(("Pod", "Job")),
        "status.health": st.sampled_from(("Healthy", "Degraded")),
    }
)


def lets_through(found: SelectorRequirement, values: Mapping[str, str]) -> bool:
    """What the API reference says of the operators of a review's selectors."""
    value = values.get(found.key)
    return {
        "In": value in found.values,
        "NotIn": value not in found.values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }[found.operator]


@given(
    st.lists(st.sampled_from(LABEL_TERMS), max_size=3),
    st.lists(st.sampled_from(FIELD_TERMS), max_size=3),
    st.dictionaries(st.sampled_from("ab"), label),
    fields,
)
def test_whatever_the_selectors_serve_was_reviewed(
    label_terms: list[str], field_terms: list[str], labels: dict[str, str], values: dict[str, str]
) -> None:
    query = f"labelSelector={quote(','.join(label_terms))}&fieldSelector={quote(','.join(field_terms))}"
    options, reviewed = parse_options(query.encode()), parsed(f"/compositions?{query}")
    for selector, review, found, terms in (
        (options.labels, reviewed.label_selector, labels, label_terms),
        (options.fields, reviewed.field_selector, values, field_terms),
    ):
        allowed = all(lets_through(each, found) for each in review)
        assert allowed or not selector.matches(found)
        # But for comparisons, of which reviews know nothing, both say the same.
        assert allowed == selector.matches(found) or any(set(term) & set("<>") for term in terms)
    assert reviewed.name in ("", values["metadata.name"]) or not options.fields.matches(values)


@dataclass(frozen=True)
class Reading:
    """The rules of NewRequestInfo in the order in which it has them, for GET without a query."""

    segments: list[str]

    def attributes(self) -> ResourceAttributes:
        left = list(self.segments)
        verb = left.pop(0) if left[0] == "watch" else "get"
        namespace = left[1] if left[0] == "namespaces" and len(left) > 1 else ""
        if namespace and len(left) > 2 and left[2] not in ("status", "finalize"):
            left = left[2:]
        resource, name, subresource, *_ = [*left, "", "", ""]
        return asked("list" if verb == "get" and not name else verb, resource, subresource, namespace, name)


segment = st.sampled_from(WORDS) | st.text(min_size=1, max_size=12)


@given(st.lists(segment, min_size=1, max_size=7))
@example(["namespaces", "namespaces", "status"])
@example(["watch", "namespaces", "ns", "finalize"])
def test_what_is_served_is_read_as_kube_apiserver_reads_it(segments: list[str]) -> None:
    try:
        found = parsed("/" + "/".join(quote(each, safe="") for each in segments))
    except NotFound:
        return
    assert found == Reading(segments).attributes()


@given(st.lists(segment, min_size=1, max_size=7), st.data())
def test_escapes_change_nothing(segments: list[str], data: st.DataObject) -> None:
    """However a client escapes a path, it is the same path."""
    plain = "/" + "/".join(quote(each, safe="") for each in segments)
    escaped = "/" + "/".join("".join(f"%{byte:02x}" for byte in each.encode()) for each in segments)
    outcomes = []
    for path in (plain, escaped):
        try:
            outcomes.append(split_path(path.encode()))
        except NotFound:
            outcomes.append(())
    assert outcomes[0] == outcomes[1]


@given(st.binary(max_size=60))
@example(b"/a%2f..%2fb")
def test_segments_hold_nothing_that_separates(raw: bytes) -> None:
    try:
        segments = split_path(raw)
    except NotFound:
        return
    decoded = unquote_to_bytes(raw).decode()
    assert "/" + "/".join(segments) in (decoded, "/" + decoded)
    assert not {"", ".", ".."} & set(segments)
    assert not any(set(each) & set("/\\\0\r\n") for each in segments)


def test_a_long_path_is_read_at_once() -> None:
    assert parsed("/deployments/" + "%41" * 500_000 + "/compositions").name == "A" * 500_000
    with pytest.raises(NotFound):
        parsed("/a" * 500_000)
