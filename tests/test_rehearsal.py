"""A dry run of a handler is one at kube-apiserver: nothing that would change anything is sent without saying so."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from kubediscovery.client import Client
from kubediscovery.rehearsal import Rehearsal


class Response:
    async def read(self) -> bytes:
        return b"{}"


class Asked(Client):
    """Notes what it is asked, and answers with nothing."""

    def __init__(self) -> None:
        self.namespace = "shop"
        self.asked: list[tuple[str, str, Mapping[str, str] | None]] = []

    @property
    def host(self) -> str:
        return "https://cluster"

    @asynccontextmanager
    async def open(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, **others: Any
    ) -> AsyncIterator[Any]:
        self.asked.append((method, path, query))
        yield Response()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "patch"])
async def test_what_would_change_something_is_a_dry_run(method: str) -> None:
    asked = Asked()
    await Rehearsal(asked).request(method, "/x", query={"fieldManager": "me"}, body={})
    await Rehearsal(asked).request(method, "/x", query={"dryRun": ""}, body={})
    assert [query for _, _, query in asked.asked] == [{"fieldManager": "me", "dryRun": "All"}, {"dryRun": "All"}]


async def test_what_reads_is_as_ever() -> None:
    asked = Asked()
    rehearsal = Rehearsal(asked)
    await rehearsal.request("GET", "/x", query={"limit": "1"})
    assert asked.asked == [("GET", "/x", {"limit": "1"})]
    assert (rehearsal.host, rehearsal.namespace) == ("https://cluster", "shop")
    await rehearsal.close()


async def test_reviews_are_asked_as_ever_but_for_the_word() -> None:
    asked = Asked()
    await Rehearsal(asked).create("/reviews", {})
    assert asked.asked == [("POST", "/reviews", {"dryRun": "All"})]
