"""Pages: together they are the list, whatever changes between them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.api import ApiGroup
from kubediscovery.composition import CompositionList
from kubediscovery.compositions import Compositions, Target
from kubediscovery.continuation import LATEST, Continuation, Key, decode_continuation, encode_continuation
from kubediscovery.drawing import Drawing
from kubediscovery.errors import Expired
from kubediscovery.forest import Forest
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.objects import Object
from kubediscovery.options import FIELDS, Options
from kubediscovery.pages import list_version
from kubediscovery.selectors import EVERYTHING, Selector, parse_field_selector, parse_label_selector
from kubediscovery.sight import Sight
from kubediscovery.store import Store
from tests.objects import DEPLOYMENT, FLEET, JOB, KINDS, OTHER_DEPLOYMENT, POD, RUNNING_POD, filled, make, seeing

ALL = frozenset(KINDS)
API = ApiGroup("kubediscovery.cloudark.io", "v1", KINDS)
EVERYWHERE = Target(None, None)
Name = tuple[str, str]


def named(answer: CompositionList) -> list[Name]:
    return [(item.metadata.namespace, item.metadata.name) for item in answer.items]


def paged(
    store: Store,
    limit: int,
    *,
    target: Target = EVERYWHERE,
    labels: Selector = EVERYTHING,
    fields: Selector = EVERYTHING,
    visible: frozenset[Kind] = ALL,
    between: Callable[[], object] = lambda: None,
) -> Iterator[CompositionList]:
    """The pages of a list, each asked of another replica; ``between`` is called between two of them."""
    start: Continuation | None = None
    while True:
        options = Options(labels=labels, fields=fields, limit=limit, start=start)
        page = Compositions(API, store).many(target, options, seeing(visible))
        yield page
        if not page.metadata.continue_:
            return
        start = decode_continuation(page.metadata.continue_)
        between()


def deployments(*names: str, namespace: str = "shop") -> list[Object]:
    return [make(DEPLOYMENT, name, namespace) for name in names]


def test_pages_are_full_but_the_last_and_say_what_remains() -> None:
    pages = list(paged(filled(deployments(*"edcba")), 2))
    assert [[name for _, name in named(page)] for page in pages] == [
        ["deployments.apps.a", "deployments.apps.b"],
        ["deployments.apps.c", "deployments.apps.d"],
        ["deployments.apps.e"],
    ]
    assert [page.metadata.remaining_item_count for page in pages] == [3, 1, None]
    assert [page.metadata.continue_ != "" for page in pages] == [True, True, False]
    assert decode_continuation(pages[0].metadata.continue_) == Continuation(
        900, Key("shop", "deployments.apps.b", "deployments.apps")
    )


@pytest.mark.parametrize("limit", [0, 3, 4, 2**63 - 1])
def test_a_list_that_is_whole_has_no_token(limit: int) -> None:
    (page,) = paged(filled(deployments(*"abc")), limit)
    assert len(page.items) == 3
    assert (page.metadata.continue_, page.metadata.remaining_item_count) == ("", None)


def test_a_page_without_a_limit_is_the_rest() -> None:
    found = Compositions(API, filled(deployments(*"abc")))
    first = found.many(EVERYWHERE, Options(limit=1), seeing(ALL))
    rest = found.many(EVERYWHERE, Options(start=decode_continuation(first.metadata.continue_)), seeing(ALL))
    assert [name for _, name in named(rest)] == ["deployments.apps.b", "deployments.apps.c"]
    assert not rest.metadata.continue_


def test_all_pages_have_the_version_of_the_first() -> None:
    store = filled(deployments(*"abcd"))

    def change() -> None:
        store.put(make(POD, "new", "zoo", resource_version=1000))
        store.advance(POD, store.version + 100)

    assert {page.metadata.resource_version for page in paged(store, 1, between=change)} == {"900"}
    assert store.version > 1000


def test_files_without_versions_are_paged_too() -> None:
    store = filled((structs.replace(item, resource_version=0) for item in deployments(*"abc")), version=0)
    pages = list(paged(store, 2))
    assert [len(page.items) for page in pages] == [2, 1]
    assert {page.metadata.resource_version for page in pages} == {"0"}


def test_the_lists_of_one_kind_are_paged_too() -> None:
    fleets = [make(FLEET, name) for name in "ab"]
    store = filled([*deployments(*"ab", namespace="x"), *deployments("a"), *fleets])
    pages = list(paged(store, 1, target=Target(DEPLOYMENT, None)))
    assert [named(page) for page in pages] == [
        [("shop", "deployments.apps.a")],
        [("x", "deployments.apps.a")],
        [("x", "deployments.apps.b")],
    ]
    assert [named(page)[0][1] for page in paged(store, 1, target=Target(DEPLOYMENT, "x"))] == [
        "deployments.apps.a",
        "deployments.apps.b",
    ]
    assert [named(page) for page in paged(store, 1, target=Target(FLEET, None))] == [
        [("", "fleets.example.com.a")],
        [("", "fleets.example.com.b")],
    ]


@pytest.mark.parametrize(
    ("labels", "fields"),
    [("app=web", ""), ("", "root.kind=Deployment"), ("", "status.health!=Degraded"), ("!x", "metadata.namespace=shop")],
)
def test_with_selectors_nobody_is_told_how_many_remain(labels: str, fields: str) -> None:
    store = filled(make(DEPLOYMENT, name, labels=(("app", "web"),)) for name in "abc")
    pages = list(paged(store, 2, labels=parse_label_selector(labels), fields=parse_field_selector(fields, FIELDS)))
    assert [len(page.items) for page in pages] == [2, 1]
    assert [page.metadata.remaining_item_count for page in pages] == [None, None]


def test_what_cannot_match_fills_no_page_and_asks_for_none() -> None:
    web = [make(DEPLOYMENT, f"web-{number}", labels=(("app", "web"),)) for number in range(2)]
    store = filled([*web, *deployments(*"abcxyz"), make(JOB, "z")])
    (page,) = paged(store, 2, labels=parse_label_selector("app=web"))
    assert len(page.items) == 2
    assert not page.metadata.continue_
    (page,) = paged(store, 2, fields=parse_field_selector("metadata.name=jobs.batch.z", FIELDS))
    assert named(page) == [("shop", "jobs.batch.z")]


class Counting:
    """The roots whose trees were built."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.built: list[str] = []
        build = Forest.tree

        def tree(forest: Forest, root: Object, sight: Sight, drawing: Drawing, *, keep: bool) -> object:
            self.built.append(root.name)
            return build(forest, root, sight, drawing, keep=keep)

        monkeypatch.setattr(Forest, "tree", tree)


def test_trees_are_built_for_the_page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(monkeypatch)
    store = filled(deployments(*"abcdefgh"))
    pages = paged(store, 2)
    next(pages)
    next(pages)
    assert counting.built == ["a", "b", "c", "d"]


def test_with_a_selector_for_health_trees_are_built_until_the_page_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = structs.replace(RUNNING_POD, phase="Failed")
    pods = [make(POD, name, state=broken if name in "cdg" else RUNNING_POD) for name in "abcdefgh"]
    counting = Counting(monkeypatch)
    fields = parse_field_selector("status.health=Degraded,metadata.name!=pods.b", FIELDS)
    pages = list(paged(filled(pods), 2, fields=fields))
    assert [[item.root.name for item in page.items] for page in pages] == [["c", "d"], ["g"]]
    # Where the name alone decides there is no need for a tree.
    assert counting.built == ["a", "c", "d", "e", "f", "g", "h"]


@dataclass
class Versions:
    """Changes are known from ``oldest`` on."""

    oldest: int = 0

    def issue(self) -> int:
        return 900


def test_a_list_that_was_begun_too_long_ago_has_expired() -> None:
    versions = Versions()
    found = Compositions(API, filled(deployments(*"abc")), versions)
    token = found.many(EVERYWHERE, Options(limit=1), seeing(ALL)).metadata.continue_
    start = decode_continuation(token)
    versions.oldest = 900
    assert len(found.many(EVERYWHERE, Options(limit=1, start=start), seeing(ALL)).items) == 1
    versions.oldest = 901
    with pytest.raises(Expired, match="The provided continue parameter is too old to display a consistent") as caught:
        found.many(EVERYWHERE, Options(limit=1, start=start), seeing(ALL))
    # As in Kubernetes the rest can be had all the same, as a list of its own version.
    again = decode_continuation(caught.value.continue_token)
    assert again == Continuation(LATEST, start.key)
    rest = found.many(EVERYWHERE, Options(limit=1, start=again), seeing(ALL))
    assert named(rest) == [("shop", "deployments.apps.b")]
    assert rest.metadata.resource_version == "900"
    assert decode_continuation(rest.metadata.continue_).version == 900


def test_a_new_list_never_expires() -> None:
    assert list_version(None, newest=5, oldest=9) == 5
    assert list_version(Continuation(9, Key("", "a", "")), newest=20, oldest=9) == 9


def test_objects_that_share_a_name_are_neither_lost_nor_repeated() -> None:
    measured = Kind("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", "pod", workload=True)
    kinds = Kinds((POD, measured))
    store = filled([make(POD, "metrics.k8s.io.web"), make(measured, "web")], kinds)
    found = Compositions(ApiGroup("example.io", "v1", kinds), store)
    visible = frozenset(kinds)
    first = found.many(EVERYWHERE, Options(limit=1), seeing(visible))
    second = found.many(
        EVERYWHERE, Options(limit=1, start=decode_continuation(first.metadata.continue_)), seeing(visible)
    )
    assert named(first) == named(second) == [("shop", "pods.metrics.k8s.io.web")]
    assert [page.items[0].root.kind for page in (first, second)] == ["Pod", "PodMetrics"]
    assert not second.metadata.continue_


texts = st.text(max_size=8) | st.sampled_from(("shop", "a", "deployments.apps.web", "pods."))
WEB, HIDDEN = make(DEPLOYMENT, "web"), make(POD, "hidden", "vault")


@given(st.integers(LATEST, 2**63 - 1), st.builds(Key, texts, texts, texts), st.integers(0, 3))
def test_no_token_shows_what_may_not_be_seen(version: int, key: Key, limit: int) -> None:
    found = Compositions(API, filled([WEB, make(POD, "web-0", owners=[WEB]), HIDDEN]))
    page = found.many(EVERYWHERE, Options(limit=limit, start=Continuation(version, key)), seeing(ALL - {POD}))
    assert set(named(page)) <= {("shop", "deployments.apps.web")}
    assert not page.metadata.continue_
    assert page.metadata.remaining_item_count is None
    elsewhere = found.many(Target(None, "vault"), Options(start=Continuation(version, key)), seeing(ALL))
    assert set(named(elsewhere)) <= {("vault", "pods.hidden")}


def test_what_may_be_seen_is_decided_anew_for_each_page() -> None:
    found = Compositions(API, filled([make(DEPLOYMENT, "a"), make(JOB, "b"), make(POD, "c")]))
    token = found.many(EVERYWHERE, Options(limit=1), seeing(ALL)).metadata.continue_
    rest = found.many(EVERYWHERE, Options(start=decode_continuation(token)), seeing(ALL - {JOB}))
    assert [name for _, name in named(rest)] == ["pods.c"]


kind = st.sampled_from((DEPLOYMENT, JOB, POD, OTHER_DEPLOYMENT))
place = st.tuples(kind, st.sampled_from(("a", "b", "a-b")), st.sampled_from(("x", "y", "x.y", "x-y", "z")))
changes = st.lists(st.tuples(st.sampled_from(("put", "remove", "break", "adopt")), place), max_size=4)
selectors = st.sampled_from(("", "status.health=Degraded", "status.health!=Degraded", "root.kind=Pod"))


def item_at(where: tuple[Kind, str, str], *, version: int = 100, owners: Iterable[Object] = ()) -> Object:
    found, namespace, name = where
    return make(found, name, namespace, owners=owners, resource_version=version)


def change(store: Store, what: str, where: tuple[Kind, str, str]) -> None:
    """One change of the cluster, with a version of its own."""
    found = store.find(where[0], where[1], where[2])
    version = store.version + 1
    if what == "remove" and found is not None:
        store.remove(found)
    elif what == "put":
        store.put(item_at(where, version=version))
    elif what == "break" and found is not None and found.kind == POD:
        store.put(structs.replace(found, resource_version=version, state=structs.replace(RUNNING_POD, phase="Failed")))
    elif what == "adopt":
        owner = make(DEPLOYMENT, "owner", where[1])
        store.put(owner)
        store.put(item_at(where, owners=[owner], version=version))
    store.advance(where[0], version)


@given(st.sets(place, max_size=12), st.lists(changes, max_size=12), st.integers(1, 5), selectors, st.booleans())
def test_what_is_there_all_the_time_is_in_exactly_one_page(
    begun: set[tuple[Kind, str, str]],
    script: list[list[tuple[str, tuple[Kind, str, str]]]],
    limit: int,
    text: str,
    everywhere: bool,
) -> None:
    store = filled(map(item_at, begun))
    fields = parse_field_selector(text, FIELDS)
    target = EVERYWHERE if everywhere else Target(POD, "a")
    still = iter(script)

    def whole() -> set[tuple[str, str]]:
        answer = Compositions(API, store).many(target, Options(fields=fields), seeing(ALL))
        return {(item.metadata.uid, item.metadata.name) for item in answer.items}

    all_the_time, ever = whole(), whole()

    def play() -> None:
        for what, where in next(still, []):
            change(store, what, where)
            present = whole()
            all_the_time.intersection_update(present)
            ever.update(present)

    pages = list(paged(store, limit, target=target, fields=fields, between=play))
    items = [item.metadata for page in pages for item in page.items]
    keys = [(item.namespace, item.name) for item in items]
    assert keys == sorted(set(keys))
    found = {(item.uid, item.name) for item in items}
    assert all_the_time <= found <= ever
    assert all(len(page.items) <= limit for page in pages)
    assert {page.metadata.resource_version for page in pages} == {"900"}


@given(st.sets(place), st.integers(1, 5), selectors)
def test_pages_between_which_nothing_changes_are_the_list(
    begun: set[tuple[Kind, str, str]], limit: int, text: str
) -> None:
    store = filled(map(item_at, begun))
    fields = parse_field_selector(text, FIELDS)
    whole = Compositions(API, store).many(EVERYWHERE, Options(fields=fields), seeing(ALL))
    pages = list(paged(store, limit, fields=fields))
    assert [item for page in pages for item in page.items] == whole.items
    if not text:
        assert [len(page.items) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        left = [page.metadata.remaining_item_count for page in pages[:-1]]
        assert left == [len(whole.items) - limit * number for number in range(1, len(pages))]


def test_an_expired_token_comes_back_as_it_was_encoded() -> None:
    start = Continuation(3, Key("é", "\0", ""))
    with pytest.raises(Expired) as caught:
        list_version(start, newest=9, oldest=4)
    assert caught.value.continue_token == encode_continuation(Continuation(LATEST, start.key))
