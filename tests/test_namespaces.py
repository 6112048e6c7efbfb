"""Several namespaces in one request: how they are named, and what is answered about them."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.errors import BadRequest
from kubediscovery.namespaces import MOST_NAMESPACES, parse_namespaces, spread
from kubediscovery.options import parse_options
from tests.objects import POD, REPLICA_SET
from tests.objects import make as make_object
from tests.relating import ACCOUNT as SERVICE_ACCOUNT
from tests.relating import BINDING, refers, stored
from tests.serving import PREFIX, Serving, cluster

KUBECTL = ("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
SHOP = f"{PREFIX}/namespaces/shop"


@pytest.mark.parametrize(
    ("text", "named"),
    [("", ()), (" ", ()), ("shop", ("shop",)), ("vault, shop,vault", ("shop", "vault")), ("a" * 63, ("a" * 63,))],
)
def test_names_are_read_once_and_in_order(text: str, named: tuple[str, ...]) -> None:
    assert parse_namespaces(text) == named


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shop,", "a name is empty"),
        ("Shop", '"Shop"'),
        ("*", r'"\*"'),
        ("a/b", '"a/b"'),
        ("-a", '"-a"'),
        ("a" * 64, "a" * 63),
        (",".join(f"n{number}" for number in range(MOST_NAMESPACES + 1)), "too many names"),
    ],
)
def test_what_is_no_name_is_quoted(text: str, said: str) -> None:
    with pytest.raises(BadRequest, match=f"namespaces.*{said}.*accepted are"):
        parse_namespaces(text)


@given(st.text(max_size=200))
def test_whatever_is_named_is_read_or_refused(text: str) -> None:
    try:
        named = parse_namespaces(text)
    except BadRequest:
        return
    assert parse_namespaces(",".join(named)) == named
    assert all(name and "/" not in name for name in named)


def test_the_namespace_of_the_path_comes_first() -> None:
    assert spread(None, ()) == ()
    assert spread(None, ("a", "b")) == ("a", "b")
    assert spread("b", ("a", "b")) == ("b", "a")


def test_a_watch_has_none() -> None:
    with pytest.raises(BadRequest, match="namespaces: a watch is of one namespace or of all"):
        parse_options(b"namespaces=shop", watch=True)
    assert parse_options(b"namespaces=", watch=True).namespaces == ()


@pytest.fixture
def serving() -> Serving:
    return Serving()


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in answer.json()["items"]]


IN_SHOP = [
    "shop/cronjobs.batch.tick",
    "shop/deployments.apps.web",
    "shop/deployments.example.com.web",
    "shop/pods.lonely",
    "shop/statefulsets.apps.db",
]
IN_VAULT = ["vault/deployments.apps.web"]


async def test_a_list_of_all_is_narrowed_and_one_of_a_namespace_widened(serving: Serving) -> None:
    both = IN_SHOP + IN_VAULT
    assert names(await serving.get(f"{PREFIX}/compositions?namespaces=vault,shop")) == both
    assert names(await serving.get(f"{SHOP}/compositions?namespaces=vault,shop")) == both
    assert names(await serving.get(f"{SHOP}/compositions?namespaces=vault")) == both
    assert names(await serving.get(f"{PREFIX}/compositions?namespaces=vault")) == IN_VAULT
    assert names(await serving.get(f"{PREFIX}/compositions?namespaces=no-such")) == []
    webs = ["shop/deployments.apps.web", "vault/deployments.apps.web"]
    assert names(await serving.get(f"{PREFIX}/deployments.apps/*/compositions?namespaces=vault,shop")) == webs
    assert names(await serving.get(f"{SHOP}/deployments.apps/*/compositions?namespaces=vault")) == webs


async def test_pages_and_other_forms_are_of_the_same(serving: Serving) -> None:
    path, found, token = f"{PREFIX}/compositions?namespaces=vault,shop&limit=2", list[str](), ""
    while True:
        page = await serving.get(f"{path}&continue={token}")
        found += names(page)
        token = page.json()["metadata"].get("continue", "")
        if not token:
            break
    assert found == IN_SHOP + IN_VAULT
    table = (await serving.get(f"{PREFIX}/compositions?namespaces=vault,kube-system", headers=[KUBECTL])).json()
    assert [row["cells"][0] for row in table["rows"]] == ["daemonsets.apps.agent", "deployments.apps.web"]
    text = (await serving.get(f"{SHOP}/deployments/*/compositions?namespaces=vault&output=text")).text
    assert [line.split()[0] for line in text.splitlines() if "Deployment/" in line] == ["shop", "vault"]


async def test_each_namespace_that_is_named_beside_is_reviewed(serving: Serving) -> None:
    for namespace in ("shop", "vault"):
        serving.rights.grant("alice", verb="list", resource="compositions", namespace=namespace)
        serving.rights.grant("alice", verb="list", resource="deployments", group="apps", namespace=namespace)
    serving.rights.grant("alice", verb="list", resource="pods", namespace="vault")
    answer = await serving.get(f"{SHOP}/compositions?namespaces=vault", user="alice")
    assert names(answer) == ["shop/deployments.apps.web", "vault/deployments.apps.web"]
    assert "web-1-a" not in answer.text
    assert "hidden-pod" in answer.text
    omitted = {each["resource"]: each["message"] for each in answer.json()["omitted"]}
    assert omitted["pods"] == "you may not list this resource (in shop)"
    assert omitted["statefulsets"] == "you may not list this resource"
    refused = await serving.get(f"{SHOP}/compositions?namespaces=vault,kube-system", user="alice")
    assert refused.status_code == 403
    assert 'cannot list resource "compositions"' in refused.json()["message"]
    assert 'in the namespace "kube-system"' in refused.json()["message"]
    # kube-apiserver reviews the path of all namespaces as what it is: so is it here.
    everywhere = await serving.get(f"{PREFIX}/compositions?namespaces=shop,vault", user="alice")
    assert (everywhere.status_code, everywhere.json()["reason"]) == (403, "Forbidden")


@pytest.mark.parametrize("query", ["namespaces=vault", "%6eamespaces=vault", "a=1&namespaces=vault&namespaces=shop"])
@pytest.mark.parametrize("path", ["compositions", "deployments/*/compositions", "deployments.apps/*/compositions"])
async def test_no_way_of_writing_it_goes_round_the_review(serving: Serving, path: str, query: str) -> None:
    for resource in ("compositions", "deployments/compositions", "deployments.apps/compositions"):
        for verb in ("list", "get"):
            serving.rights.grant("alice", verb=verb, resource=resource, namespace="shop")
    serving.rights.grant("alice", verb="list", resource="deployments")
    serving.rights.grant("alice", verb="list", resource="deployments", namespace="vault")
    assert (await serving.get(f"{SHOP}/{path}", user="alice")).status_code == 200
    answer = await serving.get(f"{SHOP}/{path}?{query}", user="alice")
    assert (answer.status_code, "vault" in answer.json()["message"]) == (403, True)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("fleets/*/compositions?namespaces=shop", "fleets.example.com is not namespaced"),
        ("compositions?namespaces=Shop", '"Shop" is no name of a namespace'),
        ("compositions?namespaces=shop&watch=true", "a watch is of one namespace or of all"),
        ("watch/namespaces/shop/deployments/*/compositions?namespaces=vault", "a watch is of one namespace or of all"),
    ],
)
async def test_what_cannot_be_is_a_bad_request(serving: Serving, path: str, said: str) -> None:
    answer = await serving.get(f"{PREFIX}/{path}")
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")
    assert said in answer.json()["message"]


async def test_what_a_cluster_scoped_object_owns_is_shown_where_it_was_asked_for(serving: Serving) -> None:
    path = f"{PREFIX}/fleets/north/compositions"
    assert [child["name"] for child in (await serving.get(path)).json()["root"]["children"]] == ["on-north"]
    for named, shown in (("shop", []), ("vault", ["on-north"]), ("shop,vault", ["on-north"])):
        root = (await serving.get(f"{path}?namespaces={named}")).json()["root"]
        assert [child["name"] for child in root.get("children", [])] == shown


async def test_relations_are_followed_into_what_is_named() -> None:
    account = make_object(SERVICE_ACCOUNT, "robot", "vault")
    binding = make_object(BINDING, "robots", "shop", references=(refers("subject", account, "vault"),))
    serving = Serving(store=stored([account, binding]))
    for namespace in ("shop", "vault"):
        serving.rights.grant("alice", verb="list", resource="serviceaccounts", namespace=namespace)
    serving.rights.grant("alice", verb="get", resource="rolebindings/compositions", namespace="shop")
    path = f"{SHOP}/rolebindings/robots/compositions?relations=subject"
    assert "related" not in (await serving.get(path, user="alice")).json()["root"]
    root = (await serving.get(f"{path}&namespaces=vault", user="alice")).json()["root"]
    assert [(node["namespace"], node["name"]) for node in root["related"]] == [("vault", "robot")]


async def test_lint_looks_into_several() -> None:
    left = make_object(REPLICA_SET, "left", "shop", owners=[make_object(POD, "gone", "shop")])
    lost = make_object(POD, "lost", "vault", owners=[make_object(REPLICA_SET, "gone", "vault")])
    serving = Serving([*cluster(), left, lost])
    here, there = "shop/replicasets.apps.left.ownernotfound", "vault/pods.lost.ownernotfound"
    assert names(await serving.get(f"{SHOP}/lint?namespaces=vault")) == [here, there]
    assert names(await serving.get(f"{PREFIX}/lint?namespaces=vault,kube-system")) == [there]
    serving.rights.grant("alice", verb="list", resource="lint", namespace="shop")
    refused = await serving.get(f"{SHOP}/lint?namespaces=vault", user="alice")
    assert (refused.status_code, 'in the namespace "vault"' in refused.json()["message"]) == (403, True)
