"""Health paths: which checks count, and how they are written."""

import pytest

from kubediscovery.errors import NotFound
from kubediscovery.readiness import Check, Readiness

NONE: frozenset[str] = frozenset()
WAITING = [Check("authentication", passed=True), Check("cache-pods", passed=False, note="listing")]


def test_ready_means_that_every_check_has_passed() -> None:
    assert Readiness(list).ready("", verbose=False, excluded=NONE).text == "ok"
    report = Readiness(lambda: WAITING).ready("", verbose=False, excluded=NONE)
    assert not report.passed
    assert report.text.splitlines() == [
        "[+]ping ok",
        "[+]authentication ok",
        "[-]cache-pods failed: listing",
        "[+]shutdown ok",
        "readyz check failed",
    ]


def test_checks_are_asked_anew_each_time() -> None:
    checks = list(WAITING)
    readiness = Readiness(lambda: checks)
    assert not readiness.ready("", verbose=False, excluded=NONE).passed
    checks[1] = Check("cache-pods", passed=True)
    assert readiness.ready("", verbose=False, excluded=NONE).passed


def test_verbose_tells_of_what_has_passed_too() -> None:
    report = Readiness(lambda: [Check("cache-pods", passed=True, note="watching")]).ready(
        "", verbose=True, excluded=NONE
    )
    assert report.passed
    assert report.text.splitlines() == [
        "[+]ping ok",
        "[+]cache-pods ok: watching",
        "[+]shutdown ok",
        "readyz check passed",
    ]
    assert report.text.endswith("\n")


def test_shutting_down_fails_readiness_and_not_liveness() -> None:
    readiness = Readiness(list)
    readiness.shutting_down = True
    report = readiness.ready("", verbose=False, excluded=NONE)
    assert not report.passed
    assert "[-]shutdown failed" in report.text
    assert readiness.live("", verbose=False, excluded=NONE).passed


def test_liveness_depends_on_no_check() -> None:
    report = Readiness(lambda: WAITING).live("", verbose=True, excluded=NONE)
    assert report.text == "[+]ping ok\nlivez check passed\n"


def test_an_excluded_check_does_not_count_and_is_named() -> None:
    report = Readiness(lambda: WAITING).ready("", verbose=True, excluded=frozenset({"cache-pods"}))
    assert report.passed
    assert "[+]cache-pods excluded: ok" in report.text
    assert "listing" not in report.text


def test_excluding_what_does_not_exist_is_warned_of() -> None:
    report = Readiness(list).ready("", verbose=True, excluded=frozenset({"b", "a"}))
    assert report.passed
    assert [line for line in report.text.splitlines() if line.startswith("warn")] == [
        'warn: some health checks cannot be excluded: no matches for "a"',
        'warn: some health checks cannot be excluded: no matches for "b"',
    ]


def test_one_check_alone() -> None:
    readiness = Readiness(lambda: WAITING)
    assert readiness.ready("authentication", verbose=False, excluded=NONE).text == "ok"
    assert not readiness.ready("cache-pods", verbose=False, excluded=NONE).passed
    assert readiness.ready("shutdown", verbose=False, excluded=NONE).passed
    assert readiness.live("ping", verbose=False, excluded=NONE).passed


@pytest.mark.parametrize("name", ["cache", "Ping", "ping/ping", "cache-pods "])
def test_a_check_that_does_not_exist_is_not_found(name: str) -> None:
    readiness = Readiness(lambda: WAITING)
    for probe in (readiness.ready, readiness.live):
        with pytest.raises(NotFound):
            probe(name, verbose=False, excluded=NONE)


ALIKE = [
    Check("ping-pong", passed=True),
    *(Check(f"cache-{name}", passed=True, note="watching", among="caches") for name in ("a", "b", "c")),
    Check("cache-d", passed=True, note="omitted", among="others"),
    Check("cache-e", passed=False, note="listing", among="caches"),
]


def test_those_that_are_alike_are_told_of_in_one_line_where_the_first_of_them_is() -> None:
    readiness = Readiness(lambda: ALIKE)
    assert readiness.ready("", verbose=True, excluded=frozenset({"cache-b", "cache-e"})).text.splitlines() == [
        "[+]ping ok",
        "[+]ping-pong ok",
        "[+]caches ok: 2 more, watching",
        "[+]cache-b excluded: ok",
        "[+]others ok: 1 more, omitted",
        "[+]cache-e excluded: ok",
        "[+]shutdown ok",
        "readyz check passed",
    ]
    assert "[-]cache-e failed: listing" in readiness.ready("", verbose=False, excluded=NONE).text
    assert readiness.ready("cache-a", verbose=True, excluded=NONE).text.startswith("[+]cache-a ok: watching\n")
