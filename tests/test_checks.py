"""What must hold before requests are sent here, and how it is told of many kinds."""

from dataclasses import dataclass

from kubediscovery.authn import Authenticator
from kubediscovery.checks import checks
from kubediscovery.following import Following
from kubediscovery.kinds import BUILT_IN_KINDS, Kind, Kinds
from kubediscovery.readiness import Check, Readiness
from kubediscovery.reflector import Phase, Progress
from kubediscovery.store import Coverage, Store
from tests.discovering import KAFKA, SECRET, FakeSources
from tests.objects import POD
from tests.reviewing import FakeReviewer
from tests.serving import config_map

MANY = tuple(
    Kind("example.org", "v1", f"things{number}", f"Thing{number}", "thing", custom=True) for number in range(200)
)


@dataclass
class Looks:
    found: bool = True
    is_settled: bool = True


class Waits(Following):
    """Follows without reading anything; whatever is not known is waited for."""

    def __init__(self, store: Store) -> None:
        async def probe() -> None: ...

        super().__init__(store, FakeSources(), probe)
        self.progress.update({kind: Progress(phase=Phase.WATCHING) for kind in store.kinds})

    def awaits(self, kind: Kind) -> bool:
        return kind not in MANY and self._store.coverage(kind) is Coverage.PENDING


def known(*kinds: Kind) -> Store:
    store = Store(Kinds((*BUILT_IN_KINDS, *kinds)))
    for kind in store.kinds:
        store.replace(kind, [], 1)
    return store


def found(store: Store, looks: Looks | None = None, *, configured: bool = True) -> list[Check]:
    authenticator = Authenticator(FakeReviewer(lambda _: {}))
    if configured:
        authenticator.configure(config_map())
    return list(checks(authenticator, Progress(), store, Waits(store), looks or Looks()))


def verbose(store: Store, name: str = "", *, excluded: frozenset[str] = frozenset()) -> list[str]:
    return Readiness(lambda: found(store)).ready(name, verbose=True, excluded=excluded).text.splitlines()


def test_the_checks_name_what_is_waited_for() -> None:
    store = Store(Kinds())
    names = [check.name for check in found(store, Looks(found=False, is_settled=False), configured=False)]
    assert names == ["authentication", "discovery", *(f"cache-{kind.group_resource}" for kind in BUILT_IN_KINDS)]
    assert not any(check.passed for check in found(store, Looks(found=False, is_settled=False), configured=False))
    assert all(check.passed for check in found(known()))


def test_without_discovery_it_is_ready_after_a_while_and_says_so() -> None:
    notes = {
        (looks.found, looks.is_settled): next(check for check in found(known(), looks) if check.name == "discovery")
        for looks in (Looks(False, False), Looks(False, True), Looks(True, True))
    }
    assert [(check.passed, check.note) for check in notes.values()] == [
        (False, "not known yet"),
        (True, "cannot be read, built-in kinds only"),
        (True, ""),
    ]


def test_hundreds_of_kinds_that_are_well_take_one_line() -> None:
    lines = verbose(known(SECRET, *MANY))
    assert "[+]caches ok: 201 more, watching" in lines
    assert [line for line in lines if "things" in line] == []
    assert "[+]cache-pods ok: watching" in lines
    assert len(lines) == len(BUILT_IN_KINDS) + 6
    assert lines.index("[+]caches ok: 201 more, watching") < lines.index("[+]shutdown ok")
    # By name it is there all the same.
    assert verbose(known(*MANY), "cache-things7.example.org") == [
        "[+]cache-things7.example.org ok: watching",
        "readyz check passed",
    ]


def test_whatever_is_left_out_is_named_with_the_role_that_would_add_it() -> None:
    store = known(SECRET, KAFKA, *MANY)
    store.omit(SECRET, Coverage.FORBIDDEN)
    store.omit(KAFKA, Coverage.UNAVAILABLE)
    store.omit(MANY[7], Coverage.NOT_FOUND)
    lines = {line.partition(" ")[0]: line for line in verbose(store)}
    assert lines["[+]cache-kafkas.example.org"].endswith(" ok: omitted (Unavailable), watching")
    assert lines["[+]cache-things7.example.org"].endswith(" ok: omitted (NotFound), watching")
    assert lines["[+]cache-secrets"] == (
        "[+]cache-secrets ok: omitted (Forbidden), watching; a ClusterRole with the label"
        ' kubediscovery.cloudark.io/aggregate-to-server: "true" that lets it list and watch secrets would add it,'
        " and so would kubediscovery install --kinds secrets"
    )
    assert lines["[+]caches"] == "[+]caches ok: 199 more, watching"


def test_a_kind_that_is_waited_for_is_named() -> None:
    store = Store(Kinds((*BUILT_IN_KINDS, KAFKA)))
    for kind in BUILT_IN_KINDS:
        store.replace(kind, [], 1)
    assert [check.name for check in found(store) if not check.passed] == ["cache-kafkas.example.org"]
    assert "[-]cache-kafkas.example.org failed: watching" in verbose(store)


def test_a_kind_that_came_later_holds_nothing_up() -> None:
    store = known()
    store.follow((*BUILT_IN_KINDS, MANY[0]))
    assert all(check.passed for check in found(store))


def test_one_that_is_excluded_is_told_of_alone() -> None:
    lines = verbose(known(*MANY), excluded=frozenset({"cache-things7.example.org"}))
    assert "[+]cache-things7.example.org excluded: ok" in lines
    assert "[+]caches ok: 199 more, watching" in lines


def test_checks_carry_nothing_of_the_config_map_but_the_names_of_its_keys() -> None:
    authenticator, secret, store = Authenticator(FakeReviewer(lambda _: {})), "c2VjcmV0", known(POD)
    authenticator.configure(dict.fromkeys(config_map(), secret))
    notes = [check.note for check in checks(authenticator, Progress(), store, Waits(store), Looks())]
    assert not [note for note in notes if secret in note]
    assert "requestheader-client-ca-file" in notes[0]
