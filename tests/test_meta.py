"""The shapes of meta.k8s.io/v1, as clients decode them."""

import msgspec
from msgspec import UNSET

from kubediscovery.errors import BadRequest, Cause, Expired, Invalid, NotFound, ServiceUnavailable, Subject
from kubediscovery.meta import (
    ListMeta,
    ObjectMeta,
    PartialObjectMetadata,
    PartialObjectMetadataList,
    StatusDetails,
    Table,
    status_of,
)


def encoded(value: object) -> object:
    return msgspec.json.decode(msgspec.json.encode(value))


def test_metadata_leaves_out_what_it_does_not_have() -> None:
    assert encoded(ObjectMeta(name="a")) == {"name": "a"}
    assert encoded(ListMeta()) == {}
    assert encoded(ObjectMeta("a", "b", "c", "1", "2024-01-01T00:00:00Z", {"k": "v"})) == {
        "name": "a",
        "namespace": "b",
        "uid": "c",
        "resourceVersion": "1",
        "creationTimestamp": "2024-01-01T00:00:00Z",
        "labels": {"k": "v"},
    }


def test_a_rows_object_says_what_it_is() -> None:
    assert encoded(PartialObjectMetadata(metadata=ObjectMeta(name="a"))) == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"name": "a"},
    }


def test_a_list_says_where_it_goes_on() -> None:
    metadata = ListMeta(resource_version="7", continue_="token", remaining_item_count=0)
    assert encoded(metadata) == {"resourceVersion": "7", "continue": "token", "remainingItemCount": 0}


def test_what_an_object_is_comes_first() -> None:
    partial = PartialObjectMetadata(metadata=ObjectMeta(name="a"))
    listed = PartialObjectMetadataList(api_version="meta.k8s.io/v1", metadata=ListMeta(), items=[partial])
    table = Table(api_version="meta.k8s.io/v1", metadata=ListMeta(), column_definitions=None, rows=[])
    for value in (partial, listed, table, status_of(BadRequest("no"))):
        assert list(msgspec.to_builtins(value))[:3] == ["kind", "apiVersion", "metadata"]


def test_a_status_without_a_subject_has_no_details() -> None:
    assert status_of(BadRequest("no")).details is UNSET


def test_details_name_what_an_error_is_about() -> None:
    status = status_of(NotFound("no", subject=Subject("apps", "deployments", "web")))
    assert status.details == StatusDetails(name="web", group="apps", kind="deployments")
    assert encoded(status.details) == {"name": "web", "group": "apps", "kind": "deployments"}


def test_details_tell_when_to_try_again_and_why() -> None:
    assert encoded(status_of(ServiceUnavailable("no", retry_after=1)).details) == {"retryAfterSeconds": 1}
    details = encoded(status_of(Expired("old", cause="Gone")).details)
    assert details == {"causes": [{"reason": "Gone", "message": "old"}]}


def test_each_cause_names_its_field() -> None:
    causes = [Cause("FieldValueForbidden", "Forbidden: no", "limit"), Cause("FieldValueInvalid", "Invalid", "watch")]
    status = status_of(Invalid(Subject("meta.k8s.io", "ListOptions"), causes))
    assert (status.code, status.reason) == (422, "Invalid")
    assert status.message == 'ListOptions.meta.k8s.io "" is invalid: [limit: Forbidden: no, watch: Invalid]'
    assert encoded(status.details) == {
        "group": "meta.k8s.io",
        "kind": "ListOptions",
        "causes": [
            {"reason": "FieldValueForbidden", "message": "Forbidden: no", "field": "limit"},
            {"reason": "FieldValueInvalid", "message": "Invalid", "field": "watch"},
        ],
    }


def test_an_expired_list_has_a_token_to_go_on_with() -> None:
    assert encoded(status_of(Expired("old", continue_token="abc")).metadata) == {"continue": "abc"}
    assert encoded(status_of(Expired("old")).metadata) == {}
    assert encoded(ListMeta(resource_version="7", continue_="abc", remaining_item_count=2)) == {
        "resourceVersion": "7",
        "continue": "abc",
        "remainingItemCount": 2,
    }


def test_one_error_does_not_show_in_the_next() -> None:
    status_of(Expired("old", cause="Gone", subject=Subject("a", "b", "c")))
    assert status_of(BadRequest("no")).details is UNSET
