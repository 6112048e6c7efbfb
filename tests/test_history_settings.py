from __future__ import annotations

import pytest

from kubediscovery.built_in import KUBERNETES_KINDS
from kubediscovery.errors import ConfigurationError
from kubediscovery.history_settings import DEFAULT_KINDS, HistorySettings, read_history
from kubediscovery.kinds import Kind


def test_by_default_the_kinds_are_those_that_people_write() -> None:
    settings = HistorySettings()
    assert sorted(str(kind) for kind in KUBERNETES_KINDS if settings.takes(kind)) == sorted(DEFAULT_KINDS)
    assert read_history({}) == settings


def test_everything_can_be_said() -> None:
    found = read_history(
        {
            "kinds": ["*.example.org"],
            "memory": "16Mi",
            "versions": 3,
            "largest": 1024,
            "maxAge": "24h",
            "maxSize": "1Gi",
        }
    )
    assert (found.memory, found.versions, found.largest, found.max_age, found.max_size) == (
        16 << 20, 3, 1024, 86_400.0, 1 << 30
    )  # fmt: skip
    assert found.takes(Kind("example.org", "v1", "fleets", "Fleet", "fleet"))
    assert not any(map(read_history({"kinds": []}).takes, KUBERNETES_KINDS))


def test_secrets_are_never_taken() -> None:
    settings = read_history({"kinds": ["*"]})
    left_out = [str(kind) for kind in KUBERNETES_KINDS if not settings.takes(kind)]
    assert left_out == ["secrets"]


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ([], "history: a mapping is needed; accepted are kinds, memory"),
        ({"kind": []}, 'history: "kind" is not known; accepted are kinds, memory'),
        ({"kinds": "pods"}, "history.kinds: a list of patterns"),
        ({"kinds": ["a b"]}, 'history.kinds: "a b" is no pattern'),
        ({"kinds": ["secrets."]}, 'history.kinds: "secrets." is not accepted'),
        ({"memory": "much"}, 'history.memory: a number of bytes such as 8Mi is needed, not "much"'),
        ({"memory": 0}, "history.memory: a number of bytes"),
        ({"largest": True}, "history.largest: a number of bytes"),
        ({"maxSize": "-1Mi"}, "history.maxSize: a number of bytes"),
        ({"versions": 0}, "history.versions: a whole number from 1 to 10000"),
        ({"versions": "many"}, 'history.versions: .*not "many"'),
        ({"versions": True}, "history.versions: "),
        ({"maxAge": "30d"}, 'history.maxAge: a duration such as 720h is needed, not "30d"'),
        ({"maxAge": 5}, "history.maxAge: "),
        ({"maxAge": "0"}, "history.maxAge: "),
    ],
)
def test_what_cannot_be_used_is_named(section: object, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_history(section)
