"""Ten mistakes that aggregated API servers make, and the tests that this one does not.

1. Believing X-Remote-* without the front proxy's certificate.
   test_authn.test_headers_without_a_certificate_do_not_count
   test_authn.test_headers_with_a_certificate_that_is_not_the_front_proxys_are_refused
   test_authn.test_an_expired_or_future_front_proxy_certificate_is_refused
   test_authn.test_a_client_certificate_makes_no_front_proxy
   test_listener.test_a_strangers_certificate_ends_the_handshake
   test_listener.test_the_front_proxys_requests_over_a_real_connection
   test_reload.test_before_anybody_is_trusted_certificates_are_not_asked_for
   test_ten_mistakes.test_no_certificate_but_the_front_proxys_makes_an_admin
   integration.test_access.test_a_client_certificate_makes_its_own_user_whatever_the_headers_say
   integration.test_access.test_expired_and_foreign_certificates_are_not_believed
2. One pool of authorities, allowed names that are not enforced, a ConfigMap that is read once.
   test_authn.test_one_authority_for_both_is_told_apart_by_the_allowed_names
   test_authn.test_several_allowed_names
   test_authn.test_an_empty_configmap_believes_nobody
   test_authn.test_before_the_configmap_is_read_nobody_is_believed
   test_reload.test_who_is_believed_changes_at_the_next_request_of_open_connections
   integration.test_access.test_only_allowed_names_are_believed
   integration.test_access.test_the_trust_is_read_again_when_it_changes
   integration.test_reload.test_an_authority_counts_from_when_it_is_in_the_config_map_until_it_is_not
3. Headers that are joined, split, lost, or taken for others.
   test_identity.test_any_list_of_headers_is_read_as_written_down_or_refused_as_not_utf_8
   test_identity.test_other_headers_between_change_nothing_and_no_group_is_lost_or_joined
   test_identity.test_groups_are_never_split_on_commas
   test_identity.test_names_are_utf_8
   test_identity.test_a_similar_header_is_another_header
   test_authn.test_an_unannounced_uid_does_not_count
   test_impersonation.test_nothing_is_acted_as_that_was_not_reviewed
   test_tokens.test_no_token_is_among_the_protocols_and_any_line_is_read
   test_app_access.test_a_user_of_two_thousand_groups
4. Children that the server may see and the caller may not.
   test_visibility.test_kinds_are_asked_for_as_the_caller
   test_app_access.test_a_child_that_may_not_be_seen_shows_nowhere
   test_app_access.test_what_is_left_out_is_the_same_whether_or_not_it_exists
   test_app_access.test_who_may_not_list_a_kind_cannot_tell_what_there_is_of_it
   test_app_access.test_children_of_all_namespaces_need_the_right_in_all_of_them
   test_watch.test_what_may_not_be_seen_makes_no_event
   test_watch.test_the_version_of_an_event_is_silent_about_what_may_not_be_seen
   test_ten_mistakes.test_whatever_is_asked_nobody_sees_more_than_his_rights_say
   integration.test_access.test_who_may_not_list_pods_sees_none
5. Verdicts that are kept for another question, or for too long.
   test_authz.test_another_user_is_asked_for_anew
   test_authz.test_another_question_is_asked_anew
   test_authz.test_other_selectors_are_asked_for_anew
   test_authz.test_only_the_same_question_of_the_same_user_is_answered_from_memory
   test_reviews.test_no_answer_counts_longer_than_ten_seconds_from_when_it_was_asked_for
   test_reviews.test_a_review_that_set_out_too_long_ago_is_not_waited_for
   test_app_access.test_rights_end_within_ten_seconds
   test_app_access.test_callers_in_a_row_see_their_own_answers
   test_watch.test_a_right_that_ends_ends_the_watch
   integration.test_access.test_a_revoked_right_ends_within_ten_seconds
6. Reviews that fail, and are taken for a yes.
   test_authz.test_whatever_is_no_clear_answer_is_an_error_and_never_an_allow
   test_authz.test_a_review_that_never_comes_is_an_error
   test_authz.test_denied_wins_over_allowed
   test_app_access.test_a_review_without_a_usable_answer_gives_no_data
   test_app_access.test_children_that_cannot_be_reviewed_give_no_data
   test_app_access.test_an_impersonation_that_cannot_be_reviewed_gives_no_data
   test_app_access.test_bad_credentials_are_401_and_never_anonymous
   test_app_access.test_without_proof_the_health_paths_answer_and_ask_nobody
   test_tokens.test_an_answer_that_is_not_clear_is_an_error_and_not_kept
7. Serving something else than what was reviewed.
   test_requests.test_what_is_served_is_read_as_kube_apiserver_reads_it
   test_requests.test_paths_that_could_mean_two_things_mean_nothing
   test_requests.test_whatever_the_selectors_serve_was_reviewed
   test_requests.test_label_selectors_are_reviewed_as_kube_apiserver_reviews_them
   test_app_access.test_no_path_leads_to_what_the_caller_may_not_see
   test_app_access.test_what_is_served_is_what_was_reviewed
   test_ten_mistakes.test_what_is_served_is_all_of_what_was_reviewed_and_nothing_else
   test_authz.test_all_namespaces_are_reviewed_without_a_namespace
   integration.test_access.test_a_path_that_could_mean_two_things_means_none
8. Requests to kube-apiserver that are not verified, or made of what a caller wrote.
   test_client.test_a_server_of_another_authority_is_not_believed
   test_client.test_redirects_are_not_followed
   test_ten_mistakes.test_nothing_that_a_caller_writes_decides_where_this_server_asks
   test_ten_mistakes.test_no_line_of_the_package_turns_verification_off
9. Hurting the cluster.
   test_authn.test_a_user_without_groups_becomes_authenticated
   test_discovery.test_no_verb_troubles_the_garbage_collector_the_namespace_controller_or_quotas
   test_discovery.test_no_list_is_null
   test_app.test_until_the_caches_are_filled_compositions_wait_and_the_rest_answers
   test_ten_mistakes.test_no_path_is_answered_with_a_redirect
   test_openapi.test_the_aggregator_may_ask_as_it_does
   test_openapi.test_the_index_names_the_document_by_its_hash
   integration.test_openapi.test_the_cluster_s_document_has_the_paths_and_only_our_definitions
   integration.test_openapi.test_version_2_explains_the_same_and_does_not_break_what_others_say
   integration.test_harmless.test_everybody_else_goes_on
10. Watches that lie, wait or grow.
   test_watch.test_a_watch_begins_with_what_there_is_and_says_where_that_ends
   test_watch.test_a_version_older_than_what_is_kept_is_an_error_in_the_stream
   test_watch.test_a_slow_reader_is_told_so_and_costs_no_memory
   test_watch.test_whatever_happens_an_informer_has_what_a_list_gives
   test_watch.test_whatever_happens_meanwhile_an_informer_goes_on_after_a_restart
   test_streaming.test_over_http_events_are_lines_and_headers_come_at_once
   test_streaming.test_who_takes_nothing_is_cut_off
   integration.test_informers.test_through_all_that_happens_to_objects
   integration.test_informers.test_from_one_replica_to_another
   integration.test_watch.test_a_right_that_is_taken_away_ends_what_is_open
   test_server.test_readiness_fails_first_and_requests_under_way_are_finished
"""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kubediscovery
from kubediscovery.certs import CertificateAuthority, Usage
from kubediscovery.kinds import Kind, Kinds
from tests.reviewing import Answer, der
from tests.serving import GROUP, KINDS, PREFIX, Serving, attributes_of, authorities, documents
from tests.test_app_access import compositions, hostile_path, is_status, uids

INDEX = __doc__ or ""
NAMED = re.compile(r"^   ((?:integration\.)?test_\w+)\.(test_\w+)$", re.MULTILINE)
CLIENT = [Usage.CLIENT]
many = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)


@pytest.fixture
def serving() -> Serving:
    return Serving()


@pytest.mark.parametrize(("module", "test"), NAMED.findall(INDEX))
def test_every_test_that_is_named_here_exists(module: str, test: str) -> None:
    found = getattr(importlib.import_module(f"tests.{module}"), test, None)
    assert inspect.isfunction(found), f"{module}.{test} is named in the index and does not exist"


def test_each_of_the_ten_has_tests_and_every_line_is_one() -> None:
    _, *mistakes = re.split(r"^(?=\d+\. )", INDEX, flags=re.MULTILINE)
    assert [int(each.split(".")[0]) for each in mistakes] == list(range(1, 11))
    for each in mistakes:
        lines = each.strip().splitlines()[1:]
        assert lines
        assert NAMED.findall("\n".join(lines)) == [tuple(line.strip().rsplit(".", 1)) for line in lines]


def strangers() -> Iterator[tuple[str, bytes | None]]:
    """Certificates of everybody but the front proxy."""
    proxies, clients = authorities().proxies, authorities().clients
    starts, lifetime = datetime.now(UTC) - timedelta(days=2), timedelta(days=1)
    foreign = CertificateAuthority.create("front-proxy-ca")
    yield "none", None
    yield "garbage", b"front-proxy-client"
    yield "self-signed", der(CertificateAuthority.create("front-proxy-client"))
    yield "of another authority", der(foreign.issue("front-proxy-client", usages=CLIENT))
    yield "of a client", authorities().client("mallory")
    yield "of a client of that name", authorities().client("front-proxy-client")
    yield "for servers", der(proxies.issue("front-proxy-client", usages=[Usage.SERVER]))
    yield "of another name", der(proxies.issue("mallory", usages=CLIENT))
    yield "of that group", der(proxies.issue("mallory", organizations=["front-proxy-client"], usages=CLIENT))
    yield "expired", der(proxies.issue("front-proxy-client", usages=CLIENT, starts=starts, lifetime=lifetime))
    yield "expired, of a client", der(clients.issue("admin", usages=CLIENT, starts=starts, lifetime=lifetime))
    yield "the authority's own", der(proxies)


@pytest.mark.parametrize("certificate", [pytest.param(found, id=name) for name, found in strangers()])
async def test_no_certificate_but_the_front_proxys_makes_an_admin(serving: Serving, certificate: bytes | None) -> None:
    forged = [("X-Remote-User", "admin"), ("X-Remote-Group", "system:masters"), ("X-Remote-Extra-Scopes", "all")]
    for target in (*TARGETS, "/metrics", "/version"):
        answer = await serving.send(target, headers=forged, certificate=certificate)
        assert answer.status_code in (401, 403)
        assert is_status(answer, answer.status_code)
    reviewed = {(spec["user"], *spec["groups"]) for spec in serving.reviewer.specs}
    assert reviewed <= {(name, "system:authenticated") for name in ("mallory", "front-proxy-client")}
    assert (await serving.send(TARGETS[0], headers=forged, certificate=authorities().proxy)).status_code == 200


TARGETS = (f"{PREFIX}/compositions", f"{PREFIX}/namespaces/shop/deployments/web/compositions")
FORMS = (
    "/namespaces/{0}/{1}/{2}/compositions",
    "/namespaces/{0}/{1}/{2}/compositions",
    "/namespaces/{0}/{1}/*/compositions",
    "/namespaces/{0}/compositions",
    "/namespaces/{0}/compositions/{3}",
    "/{1}/{2}/compositions",
    "/{1}/*/compositions",
    "/compositions",
    "/watch/namespaces/{0}/compositions",
    "/watch/namespaces/{0}/{1}/{2}/compositions",
)
namespaces = st.sampled_from(("shop", "shop", "shop", "vault", "kube-system", "namespaces", "watch", "sh%6fp", "*"))
resources = st.sampled_from(
    ("deployments", "deployments", "deployments.apps", "deployments.example.com", "pods", "replicasets", "fleets")
)
names = st.sampled_from(("web", "web", "%2A", "w%65b", "web-1", "web-1-a", "north", "hidden-pod", "WEB", "web,db"))
composition_names = st.sampled_from(
    ("deployments.apps.web", "deployments.example.com.web", "pods.lonely", "pods.web-1-a", "fleets.example.com.north")
)
SELECTING = (
    "labelSelector=tier%3Dfront",
    "labelSelector=tier",
    "labelSelector=!tier",
    "labelSelector=app+in+(web,db)",
    "labelSelector=app+notin+(hidden)&labelSelector=tier",
    "fieldSelector=metadata.name%3Ddeployments.apps.web",
    "fieldSelector=metadata.name!%3Ddeployments.apps.web",
    "fieldSelector=metadata.namespace%3Dvault",
    "fieldSelector=root.kind%3DDeployment,metadata.namespace%3Dshop",
    "fieldSelector=status.health!%3DHealthy",
)
# What reviews do not know of, what is no selector, and what makes an answer a part or an error.
OTHERS = ("labelSelector=app%3E1", "labelSelector=a+b", "fieldSelector=spec.x%3D1", "limit=1", "watch=1", "x=1", "%ff")
paths = st.builds(str.format, st.sampled_from(FORMS), namespaces, resources, names, composition_names)
queries = st.lists(st.sampled_from(SELECTING) | st.sampled_from(SELECTING + OTHERS), max_size=2)


@dataclass(frozen=True)
class Universe:
    """All that an administrator can be told: the compositions of each kind, and those of the roots."""

    of_kinds: Mapping[Kind, Sequence[Any]]
    roots: Sequence[Any]

    def of(self, reviewed: Mapping[str, Any]) -> Sequence[Any]:
        """What the resource of a review holds."""
        if reviewed.get("subresource"):
            kind = Kinds(KINDS).by_resource(reviewed["resource"])
            return self.of_kinds[kind] if kind is not None else ()
        everything = [item for items in self.of_kinds.values() for item in items]
        return self.roots if reviewed["verb"] in ("list", "watch") else everything


@pytest.fixture
async def universe(serving: Serving) -> Universe:
    of_kinds = {
        kind: compositions(
            await serving.get(f"{PREFIX}/{kind.resource}.{kind.group}/*/compositions".replace("./", "/"))
        )
        for kind in KINDS
    }
    return Universe(of_kinds, compositions(await serving.get(f"{PREFIX}/compositions")))


def lies_within(item: Mapping[str, Any], reviewed: Mapping[str, Any]) -> bool:
    """Whether a composition is what a review asked for, by the words of the API reference."""
    root, metadata = item["root"], item["metadata"]
    if reviewed.get("namespace", "") not in ("", root.get("namespace", "")):
        return False
    name, own = reviewed.get("name", ""), root["name"] if reviewed.get("subresource") else metadata["name"]
    if name not in ("", own) and not (name == "*" and reviewed.get("subresource")):
        return False
    fields = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata.get("namespace", ""),
        "root.kind": root["kind"],
        "status.health": item["status"]["health"],
    }
    return meets(metadata.get("labels", {}), reviewed.get("labelSelector")) and meets(
        fields, reviewed.get("fieldSelector")
    )


def meets(values: Mapping[str, str], selector: Mapping[str, Any] | None) -> bool:
    for each in (selector or {}).get("requirements", ()):
        value, wanted = values.get(each["key"]), each.get("values", ())
        holds = {
            "In": value in wanted,
            "NotIn": value not in wanted,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }
        if not holds[each["operator"]]:
            return False
    return True


def roots_of(items: Sequence[Any]) -> list[str]:
    return sorted(item["root"]["uid"] for item in items)


@many
@given(paths, queries)
async def test_what_is_served_is_all_of_what_was_reviewed_and_nothing_else(
    serving: Serving, universe: Universe, path: str, query: list[str]
) -> None:
    serving.reviewer.specs.clear()
    serving.time.now += 11
    answer = await serving.get(f"{PREFIX}{path}?{'&'.join(query)}")
    if answer.status_code != 200:
        assert is_status(answer, answer.status_code)
        return
    reviewed: Mapping[str, Any] = serving.reviewed[0]
    served, allowed = (
        roots_of(compositions(answer)),
        [item for item in universe.of(reviewed) if lies_within(item, reviewed)],
    )
    assert set(served) <= set(roots_of(allowed))
    selects = any("Selector" in clause for clause in query)
    if not set(query) & set(OTHERS) and (not selects or "fieldSelector" in reviewed or "labelSelector" in reviewed):
        assert served == roots_of(allowed)


@dataclass(frozen=True)
class Right:
    """A right as an administrator words it; what is empty is any, and a selector is one requirement ``key=value``."""

    resource: str
    group: str = GROUP
    verb: str = ""
    namespace: str = ""
    name: str = ""
    label: tuple[str, str] | None = None
    field: tuple[str, str] | None = None

    def allows(self, asked: Mapping[str, Any]) -> bool:
        """The verdict of an authorizer that knows selectors."""
        resource = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
        return (
            (resource, asked.get("group", "")) == (self.resource, self.group)
            and self.verb in ("", asked["verb"])
            and self.namespace in ("", asked.get("namespace"))
            and self.name in ("", asked.get("name"))
            and self._narrows(self.label, asked.get("labelSelector"))
            and self._narrows(self.field, asked.get("fieldSelector"))
        )

    @staticmethod
    def _narrows(wanted: tuple[str, str] | None, selector: Mapping[str, Any] | None) -> bool:
        if wanted is None:
            return True
        key, value = wanted
        return {"key": key, "operator": "In", "values": [value]} in (selector or {}).get("requirements", ())

    def covers(self, item: Mapping[str, Any]) -> bool:
        """Whether it is meant for this composition."""
        root, metadata = item["root"], item["metadata"]
        kind = Kinds(KINDS).by_api_version(root["apiVersion"], root["kind"])
        assert kind is not None
        named = {
            "compositions": metadata["name"],
            f"{kind.resource}/compositions": root["name"],
            f"{kind.resource}.{kind.group}/compositions": root["name"],
        }
        return (
            self.resource in named
            and self.namespace in ("", root.get("namespace"))
            and self.name in ("", named[self.resource], "*")
            and (self.label is None or metadata.get("labels", {}).get(self.label[0]) == self.label[1])
            and (self.field is None or {"status.health": item["status"]["health"]}[self.field[0]] == self.field[1])
        )


def kind_right(kind: Kind, namespace: str) -> Right:
    return Right(kind.resource, kind.group, "list", namespace)


# Most of them wide, or hardly anything would be allowed.
wide = st.sampled_from(("", "", "", "shop", "vault"))
tree_rights = st.builds(
    Right,
    st.sampled_from(("deployments", "deployments", "deployments.apps", "pods", "fleets")).map("{}/compositions".format),
    verb=st.sampled_from(("", "", "", "get", "watch")),
    namespace=wide,
    name=st.sampled_from(("", "", "", "web", "*")),
)
top_rights = st.builds(
    Right,
    st.just("compositions"),
    verb=st.sampled_from(("", "", "", "get", "list")),
    namespace=wide,
    name=st.sampled_from(("", "", "", "deployments.apps.web")),
    label=st.sampled_from((None, None, None, ("tier", "front"))),
    field=st.sampled_from((None, None, None, ("status.health", "Healthy"))),
)
kind_rights = st.sets(st.builds(kind_right, st.sampled_from(KINDS), wide), min_size=2, max_size=12)
all_rights = st.builds(
    lambda *found: [right for some in found for right in some],
    st.lists(tree_rights, min_size=1, max_size=4),
    st.lists(top_rights, min_size=1, max_size=3),
    kind_rights,
)
FOUND = (
    "/namespaces/shop/deployments/web/compositions",
    "/namespaces/shop/deployments/*/compositions",
    "/deployments/*/compositions",
    "/deployments.apps/*/compositions",
    "/namespaces/vault/deployments/web/compositions",
    "/fleets/north/compositions",
    "/namespaces/shop/compositions",
    "/namespaces/shop/compositions/deployments.apps.web",
    "/namespaces/shop/compositions/pods.web-1-a",
    "/compositions",
    "/watch/namespaces/shop/deployments/web/compositions",
    "/watch/namespaces/shop/compositions",
)


def nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("children", ()):
        yield from nodes(child)


def may_list(granted: Sequence[Right], node: Mapping[str, Any]) -> bool:
    kind = Kinds(KINDS).by_api_version(node["apiVersion"], node["kind"])
    assert kind is not None
    return any(
        (each.resource, each.group, each.verb) == (kind.resource, kind.group, "list")
        and each.namespace in ("", node.get("namespace"))
        for each in granted
    )


@many
@given(st.sampled_from(FOUND) | st.sampled_from(FOUND) | paths, queries, all_rights)
async def test_whatever_is_asked_nobody_sees_more_than_his_rights_say(
    serving: Serving, path: str, query: list[str], granted: list[Right]
) -> None:
    serving.time.now += 11
    serving.reviewer.status = lambda spec: review(spec, granted)
    answer = await serving.get(f"{PREFIX}{path}?{'&'.join(query)}".encode("latin-1"), user="mallory")
    assert answer.status_code < 500
    items = compositions(answer)
    for item in items:
        by_subresource = [each for each in granted if each.resource != "compositions" and each.covers(item)]
        assert by_subresource or any(each.covers(item) for each in granted)
        root, *children = nodes(item["root"])
        assert by_subresource or may_list(granted, root)
        assert all(may_list(granted, child) for child in children)
    shown = {node["uid"] for item in items for node in nodes(item["root"])}
    assert set(uids(documents(answer))) <= shown


def review(spec: dict[str, Any], granted: Sequence[Right]) -> Answer:
    assert spec["user"] == "mallory"
    asked = attributes_of(spec)
    return {"allowed": "resource" in asked and any(each.allows(asked) for each in granted)}


ROUTING = ("Host", "X-Forwarded-Host", "X-Forwarded-Uri", "X-Forwarded-For", "X-Original-Url", "Impersonate-User")
routing = st.tuples(st.sampled_from(ROUTING), st.sampled_from(("evil.example", "/api/v1/secrets", "../secrets", "a b")))


@many
@given(hostile_path, st.lists(routing, max_size=3))
async def test_nothing_that_a_caller_writes_decides_where_this_server_asks(
    serving: Serving, path: bytes, headers: list[tuple[str, str]]
) -> None:
    serving.time.now += 11
    await serving.get(path, headers=headers)
    await serving.send(path, headers=[*headers, ("Authorization", "Bearer ../../api/v1/secrets")])
    assert set(serving.reviewer.paths) <= {
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        "/apis/authentication.k8s.io/v1/tokenreviews",
    }


@many
@given(hostile_path)
async def test_no_path_is_answered_with_a_redirect(serving: Serving, path: bytes) -> None:
    for slash in (b"", b"/"):
        answer = await serving.get(path + slash)
        assert not 300 <= answer.status_code < 400
        assert "location" not in answer.headers


SOURCES = sorted(Path(kubediscovery.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_line_of_the_package_turns_verification_off(path: Path) -> None:
    off = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg in ("verify", "verify_ssl", "ssl", "check_hostname"):
            off += [node.arg] if isinstance(node.value, ast.Constant) and not node.value.value else []
        elif isinstance(node, ast.Assign) and any(isinstance(each, ast.Attribute) for each in node.targets):
            names = {each.attr for each in node.targets if isinstance(each, ast.Attribute)}
            value = ast.unparse(node.value)
            off += [value] if names & {"verify_mode", "check_hostname", "verify_ssl"} and OFF.search(value) else []
        elif isinstance(node, ast.Name | ast.Attribute):
            off += [name for name in ["_create_unverified_context"] if name in ast.unparse(node)]
        elif isinstance(node, ast.Constant) and node.value == "insecureSkipTLSVerify":
            off.append(node.value)
    assert off == []


OFF = re.compile(r"CERT_NONE|False")
