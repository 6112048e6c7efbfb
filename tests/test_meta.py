"""The shapes of meta.k8s.io/v1, as clients decode them."""

import msgspec
from msgspec import UNSET

from kubediscovery.errors import BadRequest, Expired, NotFound, ServiceUnavailable, Subject
from kubediscovery.meta import ListMeta, ObjectMeta, PartialObjectMetadata, StatusDetails, status_of


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
    assert encoded(PartialObjectMetadata(ObjectMeta(name="a"))) == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"name": "a"},
    }


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


def test_one_error_does_not_show_in_the_next() -> None:
    status_of(Expired("old", cause="Gone", subject=Subject("a", "b", "c")))
    assert status_of(BadRequest("no")).details is UNSET
