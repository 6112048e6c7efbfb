"""Who may what: kubediscovery's own roles, and those of a server of somebody's own subresources."""

from typing import Any

from kubediscovery.access import UsersRule, access

USERS = (UsersRule("*/images", ("get", "watch")), UsersRule("*/restart", ("create", "get")))
AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"


def of_app() -> dict[str, Any]:
    made = access("images", "apps", "images.example.org", ([("", "pods"), ("apps", "deployments")], []), USERS)
    return {f"{item['kind']} {item['metadata']['name']}": item for item in made}


def test_the_server_of_an_app_reads_what_it_was_given_and_nothing_else() -> None:
    assert of_app()["ClusterRole images:server"]["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list", "watch"]},
    ]
    assert not [item for item in of_app().values() if "aggregationRule" in item]


def test_who_views_may_read_and_who_edits_may_act() -> None:
    roles = of_app()
    view, edit = roles["ClusterRole images:view"], roles["ClusterRole images:edit"]
    assert view["rules"] == [
        {"apiGroups": ["images.example.org"], "resources": ["*/images"], "verbs": ["get", "watch"]},
        {"apiGroups": ["images.example.org"], "resources": ["*/restart"], "verbs": ["get"]},
    ]
    assert edit["rules"] == [{"apiGroups": ["images.example.org"], "resources": ["*/restart"], "verbs": ["create"]}]
    assert {name.removeprefix(AGGREGATE) for name in view["metadata"]["labels"] if AGGREGATE in name} == {
        "view",
        "edit",
        "admin",
    }
    assert f"{AGGREGATE}view" not in edit["metadata"]["labels"]


def test_everything_is_called_like_the_app_and_bound_to_its_account() -> None:
    for item in of_app().values():
        assert item["metadata"]["name"].startswith("images:")
        assert item["metadata"]["labels"]["app.kubernetes.io/name"] == "images"
        for subject in item.get("subjects", ()):
            assert (subject["name"], subject["namespace"]) == ("images", "apps")


def test_kubediscoverys_own_roles_can_be_added_to() -> None:
    made = access("kubediscovery", "kubediscovery", "kubediscovery.cloudark.io", ([("", "pods")], []), ())
    names = {item["metadata"]["name"]: item for item in made if item["kind"] == "ClusterRole"}
    assert "aggregationRule" in names["kubediscovery:server"]
    assert "kubediscovery:server-built-in" in names
    assert "kubediscovery:server-more" not in names
    granted = {rule["resources"][0]: rule["verbs"] for rule in names["kubediscovery:view"]["rules"]}
    assert (granted["compositions"], granted["*/compositions"]) == (["get", "list", "watch"], ["get", "watch"])
