"""Registering: what is kept of it, and what is refused with the places of it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import Struct

from kubediscovery.drawing import EVERY_KIND
from kubediscovery.errors import ConfigurationError, RegistrationError
from kubediscovery.framework import Column, Registry, SubresourceRequest
from tests.registering import Done, Raw

HERE = re.escape(str(Path(__file__)))


class Query(Struct, frozen=True):
    depth: int = 1


class Forced(Struct, frozen=True):
    force: bool = False


class Thawed(Struct):
    depth: int = 1


class Listed(Struct, frozen=True, array_like=True):
    depth: int = 1


async def handler(request: SubresourceRequest) -> Done:
    return Done(request.name)


async def two(request: SubresourceRequest, other: int) -> Done:
    return Done(f"{request.name} {other}")


def plain(request: SubresourceRequest) -> Done:
    return Done(request.name)


class Empty:
    pass


@pytest.fixture
def registry() -> Registry:
    return Registry(group="images.example.org", version="v1")


def test_a_function_gets_one_name_and_verb(registry: Registry) -> None:
    assert registry.subresource("images", returns=Done)(handler) is handler
    (found,) = registry
    assert (found.name, found.kind, found.verbs, found.on) == ("images", "Done", ("get",), EVERY_KIND)
    assert found.api_version == registry.api_version == "images.example.org/v1"
    assert re.fullmatch(rf"{HERE}:\d+", found.place)
    assert str(found) == 'subresource "images" of images.example.org/v1'


def test_a_class_has_the_verbs_of_its_methods(registry: Registry) -> None:
    @registry.subresource("restart", on="deployments.apps", returns=Done, watch=True)
    class Restart:
        async def get(self, request: SubresourceRequest) -> Done:
            return Done(request.name)

        async def create(self, request: SubresourceRequest) -> Done:
            return Done(request.name)

    (found,) = registry
    assert found.verbs == ("get", "create", "watch")
    assert Restart.__name__ == "Restart"


def test_who_gets_and_updates_the_same_can_be_patched(registry: Registry) -> None:
    registry.subresource("size", returns=Query, body=Query, verbs=("get", "update", "delete"))(handler)
    registry.subresource("other", returns=Done, body=Query, verbs=("get", "update"))(handler)
    registry.subresource("halves", returns=Query, body=Query, verbs=("get", "create"))(handler)
    registry.subresource("own", verbs=("patch",))(handler)
    assert [each.verbs for each in registry] == [
        ("get", "update", "patch", "delete"),
        ("get", "update"),
        ("get", "create"),
        ("patch",),
    ]
    contracts = [each.contract for each in registry]
    assert [len(each.patches) for each in contracts if each is not None] == [2, 0, 0, 4]


def test_a_connection_is_no_verb_of_discovery(registry: Registry) -> None:
    registry.subresource("shell", on="pods", verbs=("connect",))(handler)
    assert [each.verbs for each in registry] == [("get", "create")]


@pytest.mark.parametrize(
    ("group", "version", "words"),
    [
        ("images", "v1", 'group must be a DNS name with a dot, as images.example.org, not "images"'),
        ("Images.example.org", "v1", "group must be a DNS name"),
        ("images.example.org\n", "v1", "group must be a DNS name"),
        ("images.example.org", "1", 'version must be one as v1 or v1alpha1, not "1"'),
        ("images.example.org", "v1/..", "version must be one"),
    ],
)
def test_groups_and_versions_that_cannot_be(group: str, version: str, words: str) -> None:
    with pytest.raises(RegistrationError, match=rf"^{HERE}:\d+: {re.escape(words)}"):
        Registry(group=group, version=version)


WRONG: dict[str, tuple[Callable[[Registry], object], str]] = {
    "name": (lambda r: r.subresource("Images", returns=Done)(handler), "a name must be a DNS label"),
    "slash": (lambda r: r.subresource("a/b", returns=Done)(handler), "a name must be a DNS label"),
    "on": (lambda r: r.subresource("x", on="a b", returns=Done)(handler), 'on: "a b" is not understood'),
    "nothing": (lambda r: r.subresource("x", on="", returns=Done)(handler), "on: name the kinds, or give *"),
    "returns": (lambda r: r.subresource("x")(handler), "returns= is missing"),
    "answer": (lambda r: r.subresource("x", returns=int)(handler), "returns= must be a msgspec.Struct"),  # type: ignore[arg-type]
    "array": (lambda r: r.subresource("x", returns=Listed)(handler), "returns= must not be array_like"),
    "query": (lambda r: r.subresource("x", returns=Done, query=Thawed)(handler), "query= must be a frozen struct"),
    "body": (lambda r: r.subresource("x", returns=Done, body=Query)(handler), "body= is of create and update"),
    "verb": (lambda r: r.subresource("x", returns=Done, verbs=("list",))(handler), '"list" is no verb'),
    "force": (
        lambda r: r.subresource("x", returns=Done, query=Forced, verbs=("patch",))(handler),
        'the parameter "force" is one that every patch has',
    ),
    "watch": (lambda r: r.subresource("x", verbs=("create",), watch=True)(handler), "watch shows what get gives"),
    "plain": (lambda r: r.subresource("x", returns=Done)(plain), "the handler plain must be an async function"),
    "two": (lambda r: r.subresource("x", returns=Done)(two), "the handler two must take one argument"),
    "empty": (lambda r: r.subresource("x", returns=Done)(Empty), "there is no handler"),
    "both": (lambda r: r.subresource("x", returns=Done, verbs=("get",))(Empty), "give none"),
    "timeout": (lambda r: r.subresource("x", returns=Done, timeout=0)(handler), "timeout must be more than 0"),
    "column": (
        lambda r: r.subresource("x", returns=Done, columns=[Column("A", "text", str)])(handler),
        "column A: type must be one of",
    ),
    "kind": (lambda r: r.respond("x", kind="raw", by=Raw), "a kind must be one CamelCase word"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_registered_is_refused_with_its_place(registry: Registry, name: str) -> None:
    register, words = WRONG[name]
    with pytest.raises(RegistrationError, match=rf"^{HERE}:\d+: .*{re.escape(words)}"):
        register(registry)
    assert list(registry) == []


def test_it_is_a_fault_of_configuration() -> None:
    assert issubclass(RegistrationError, ConfigurationError)


def test_a_conflict_names_both_places(registry: Registry) -> None:
    registry.subresource("images", on="deployments.apps", returns=Done)(handler)
    registry.subresource("images", on="statefulsets.apps", returns=Done)(handler)
    with pytest.raises(RegistrationError) as refused:
        registry.subresource("images", on="*.apps", returns=Done)(handler)
    places = re.findall(rf"{HERE}:(\d+)", str(refused.value))
    assert len(set(places)) == 2
    assert "is in conflict with the subresource" in str(refused.value)
    registry.subresource("sizes", on="*.apps", returns=Done)(handler)


def test_a_resource_s_name_is_taken_for_others_but_not_for_who_answers_for_it(registry: Registry) -> None:
    registry.resource("raws", kind="Raw", by=Raw)
    registry.respond("raws", kind="Raw", by=Raw)
    with pytest.raises(RegistrationError, match="of the same name"):
        registry.resource("raws", kind="Raw", by=Raw)
    other = Registry(group="images.example.org")
    other.resource("images", kind="Raw", by=Raw)
    with pytest.raises(RegistrationError, match="whose name it has"):
        other.subresource("images", returns=Done)(handler)


def test_what_goes_on_beside_the_server(registry: Registry) -> None:
    async def work(services: object) -> None:
        del services

    assert registry.background(work) is work
    assert registry.beside == (work,)
