"""What of the benchmarks is arithmetic and text; that they run is seen by running them."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.answers import check_counts, check_same, members, sample
from benchmarks.figures import AtMostTimes, Below, Figure, Result, WrongAnswerError
from benchmarks.filled import Load
from benchmarks.kubediscovery_server import read_samples
from benchmarks.machine import Setting
from benchmarks.percentiles import percentile
from benchmarks.plot import bars, plot
from benchmarks.program import GITOPS, LINEAGE, REFERENCE
from benchmarks.report import number, page, render_table, report
from benchmarks.scenarios import SCENARIOS, SETS

LOAD = Load(deployments=1000, pods=10, namespaces=20)
VALUES = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50)


@given(VALUES, st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed(values: list[float], percent: int) -> None:
    found = percentile(values, percent)
    needed = math.ceil(len(values) * percent / 100)
    assert found in values
    assert sum(value <= found for value in values) >= needed
    assert sum(value < found for value in values) < needed


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1.0], 0), ([1.0], 101)])
def test_a_percentile_of_nothing_or_beyond_all_is_refused(values: list[float], percent: float) -> None:
    with pytest.raises(ValueError, match="no percentile"):
        percentile(values, percent)


def test_a_ratio_target_compares_with_the_peer() -> None:
    assert AtMostTimes(0.5).is_met(1.0, 2.0)
    assert not AtMostTimes(0.5).is_met(1.01, 2.0)
    assert not AtMostTimes(0.5).is_met(1.0, None)


def test_a_size_target_needs_no_peer() -> None:
    assert Below(100).is_met(99.9, None)
    assert not Below(100).is_met(100, 1000)


def test_a_figure_without_a_peer_has_no_ratio_and_without_a_target_no_verdict() -> None:
    assert Figure("time", "s", 1.0).ratio is None
    assert Figure("time", "s", 1.0).verdict == ""
    assert Figure("time", "s", 1.0, "other", 4.0).ratio == 0.25


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.01234, "0.0123"), (1.234, "1.23"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12,346")],
)
def test_numbers_show_three_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text


def test_a_table_lines_up_and_puts_figures_to_the_right() -> None:
    assert render_table(("name", "n"), [("a", "1"), ("long name", "22")]).splitlines() == [
        "| name      |  n |",
        "| --------- | -: |",
        "| a         |  1 |",
        "| long name | 22 |",
    ]


def test_the_report_shows_machine_figures_targets_and_notes() -> None:
    setting = Setting(date(2026, 1, 2), (("Python", "3.14.0"),))
    figures = (
        Figure("sync", "s", 1.0, "client-go", 2.0, AtMostTimes(1)),
        Figure("memory", "MB", 120.0, "client-go", 240.0, Below(100)),
        Figure("start", "s", 1.5),
    )
    text = report(setting, [Result("First sync", ("Five runs.",), figures)])
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    assert rows[0] == ["figure", "kubediscovery", "peer", "its figure", "ratio", "target", "reached"]
    assert rows[2:] == [
        ["sync", "1.00 s", "client-go", "2.00 s", "0.50", "ratio at most 1", "yes"],
        ["memory", "120 MB", "client-go", "240 MB", "0.50", "below 100", "no"],
        ["start", "1.50 s", "", "", "", "", ""],
    ]
    for expected in ("Measured on 2026-01-02", "- Python: 3.14.0", "## First sync", "- Five runs."):
        assert expected in text
    assert text in page(text, "standard", "")


def test_a_page_keeps_the_parts_that_were_not_measured_again() -> None:
    first = page("small\n", "standard", "")
    both = page("large\n", "large", first)
    again = page("smaller\n", "standard", both)
    assert "small\n" in both
    assert "large\n" in both
    assert "smaller\n" in again
    assert "large\n" in again
    assert "small\n" not in again.replace("smaller\n", "")
    assert page("smaller\n", "standard", again) == again


def test_a_plot_has_a_bar_for_each_figure_with_a_target_beside_a_peer() -> None:
    figures = (
        Figure("sync", "s", 1.0, "client-go", 2.0, AtMostTimes(1)),
        Figure("<memory>", "MB", 120.0, "client-go", 60.0, AtMostTimes(0.5)),
        Figure("size", "MB", 120.0, target=Below(100)),
        Figure("other", "MB", 120.0, "client-go", 60.0),
    )
    found = [(bar.name, bar.ratio, bar.is_met) for bar in bars([Result("First sync", (), figures)])]
    assert found == [("sync / client-go", 0.5, True), ("<memory> / client-go", 2.0, False)]
    drawn = ElementTree.fromstring(plot([Result("First sync", (), figures)], "a & b"))  # noqa: S314 - our own
    words = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"a & b", "<memory> / client-go"} <= set(words)


@pytest.mark.parametrize("ratio", [1e-9, 0.05, 1.0, 20.0, 1e9])
def test_a_bar_stays_inside_the_plot(ratio: float) -> None:
    figure = Figure("sync", "s", ratio, "client-go", 1.0, AtMostTimes(1))
    drawn = ElementTree.fromstring(plot([Result("", (), (figure,))], ""))  # noqa: S314 - our own
    for bar in drawn.findall("{http://www.w3.org/2000/svg}rect"):
        assert float(bar.get("x", "0")) >= 0
        assert float(bar.get("x", "0")) + float(bar.get("width", "0")) <= 1000


def test_every_scenario_is_in_one_set() -> None:
    assert sum(map(len, SETS.values())) == len(SCENARIOS)


def test_a_filled_folder_is_kept_for_the_same_load_only() -> None:
    others = [replace(LOAD, deployments=999), replace(LOAD, pods=9), replace(LOAD, namespaces=19)]
    names = {load.folder_name for load in (LOAD, *others)}
    assert len(names) == 4
    assert LOAD.folder_name == replace(LOAD).folder_name
    assert LOAD.folder_name.startswith("1000x10-")


def test_the_program_is_locked_like_the_control_plane() -> None:
    assert REFERENCE.version.startswith("v0.")
    assert REFERENCE.go_version >= (1, 26)
    assert all(module.version.startswith("v0.") for module in (GITOPS, LINEAGE))


def test_a_sample_is_the_same_each_time_and_of_deployments_that_exist() -> None:
    chosen = sample(LOAD, 100)
    assert chosen == sample(LOAD, 100)
    assert len(set(chosen)) == 100
    assert set(chosen) <= {LOAD.deployment(number) for number in range(LOAD.deployments)}


def test_metrics_are_read_by_name_and_labels() -> None:
    text = '# HELP a b\n# TYPE a gauge\na{resource="pods"} 10.0\nb 1e-3\n'
    assert read_samples(text) == {'a{resource="pods"}': 10.0, "b": 0.001}


def tree(*pods: str) -> dict[str, Any]:
    children = [{"kind": "Pod", "namespace": "team", "name": name, "uid": f"uid-{name}"} for name in pods]
    return {"root": {"kind": "ReplicaSet", "namespace": "team", "name": "web", "uid": "uid-web", "children": children}}


def test_members_tell_objects_and_who_stands_above_them() -> None:
    found = {(member.kind, member.name, member.parent) for member in members(tree("a", "b"))}
    assert found == {("ReplicaSet", "web", ""), ("Pod", "a", "uid-web"), ("Pod", "b", "uid-web")}


def test_the_same_trees_pass_whatever_the_order() -> None:
    check_same(lambda *_: tree("a", "b"), lambda *_: tree("b", "a"), [("team", "web")], size=3)


@pytest.mark.parametrize(
    ("own", "peer", "size"), [(("a",), ("a", "b"), 3), (("a", "b"), ("a",), 3), (("a",), ("a",), 3)]
)
def test_another_set_of_objects_is_a_wrong_answer(own: tuple[str, ...], peer: tuple[str, ...], size: int) -> None:
    with pytest.raises(WrongAnswerError, match="team/web"):
        check_same(lambda *_: tree(*own), lambda *_: tree(*peer), [("team", "web")], size=size)


def test_a_server_that_lacks_objects_gives_a_wrong_answer() -> None:
    check_counts("it", {**LOAD.counts, "configmaps": 2}, LOAD.counts)
    with pytest.raises(WrongAnswerError, match="it holds"):
        check_counts("it", {**LOAD.counts, "pods": 9_999}, LOAD.counts)
