"""What of the benchmarks is arithmetic and text; that they run is seen by running them."""

from __future__ import annotations

import math
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import benchmarks.__main__ as command
import benchmarks.filled as filling
from benchmarks.__main__ import main
from benchmarks.answers import check_counts, check_drawn, check_same, check_uids, members, sample
from benchmarks.context import Context
from benchmarks.costs import costs, costs_section
from benchmarks.figures import AtLeastTimes, AtMostTimes, Below, Figure, Result, WrongAnswerError
from benchmarks.filled import Clusters, Load
from benchmarks.kubediscovery_server import read_samples
from benchmarks.machine import Setting
from benchmarks.pages import renewed, written
from benchmarks.percentiles import percentile
from benchmarks.plot import bars, plot
from benchmarks.program import GITOPS, LINEAGE, REFERENCE
from benchmarks.records import Record, read_records, write_record
from benchmarks.report import number, render_table, section
from benchmarks.scenarios import CONTINUING, SCENARIOS, SETS
from benchmarks.sizes import BUSY, CPU, HIGHEST, IDLE, READY, SETTLED, USED
from kubediscovery.errors import StartupError
from kubediscovery.testing.binaries import Binaries

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


def record(*figures: Figure, title: str = "First sync", seconds: float = 12.3) -> Record:
    setting = Setting(date(2026, 1, 2), (("Python", "3.14.0"), ("kubediscovery", "0.1.0, commit abc")))
    return Record(setting, seconds, Result(title, ("Five runs.",), figures))


def test_a_section_shows_machine_figures_targets_and_notes() -> None:
    figures = (
        Figure("sync", "s", 1.0, "client-go", 2.0, AtMostTimes(1)),
        Figure("memory", "MB", 120.0, "client-go", 240.0, Below(100)),
        Figure("start", "s", 1.5),
    )
    text = section(record(*figures))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    assert rows[0] == ["figure", "kubediscovery", "peer", "its figure", "ratio", "target", "reached"]
    assert rows[2:] == [
        ["sync", "1.00 s", "client-go", "2.00 s", "0.50", "ratio at most 1", "yes"],
        ["memory", "120 MB", "client-go", "240 MB", "0.50", "below 100", "no"],
        ["start", "1.50 s", "", "", "", "", ""],
    ]
    said = "Measured on 2026-01-02 in 12 s: Python 3.14.0; kubediscovery 0.1.0, commit abc."
    for expected in (said, "### First sync", "- Five runs."):
        assert expected in text


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    figures = (
        Figure("sync", "s", 1.0, "client-go", 2.0, AtMostTimes(1)),
        Figure("times", "", 4.0, "client-go", 2.0, AtLeastTimes(1.5)),
        Figure("memory", "MB", 120.0, target=Below(100)),
    )
    write_record("one-tree", record(*figures), tmp_path)
    write_record("first-sync", record(), tmp_path)
    assert read_records(tmp_path) == {"one-tree": record(*figures), "first-sync": record()}
    assert list(read_records(tmp_path)) == ["first-sync", "one-tree"]


def test_one_section_is_renewed_and_the_others_stay() -> None:
    page = "# Page\n\n<!-- begin a -->\nold\n<!-- end a -->\n\n<!-- begin b -->\nother\n<!-- end b -->\n"
    assert renewed(page, "a", "new\n") == page.replace("old", "new")
    assert renewed(renewed(page, "b", "new\n"), "b", "other\n") == page


@pytest.mark.parametrize("page", ["", "<!-- begin a -->\n", "<!-- end a -->\n<!-- begin a -->\n"])
def test_a_section_that_is_not_there_is_named(page: str) -> None:
    with pytest.raises(StartupError, match="no section a"):
        renewed(page, "a", "text\n")


def test_the_documents_are_what_the_records_say() -> None:
    """Each scenario has its section, and nobody edits one by hand."""
    for file, text in written(read_records()).items():
        assert file.read_text(encoding="utf-8") == text, f"{file.name}: run `python -m benchmarks.pages`"


def test_writing_needs_a_whole_measurement() -> None:
    with pytest.raises(SystemExit):
        main(["first-sync", "--quick", "--write"])


@pytest.fixture
def command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """``main`` without a program, and with the signals that whoever runs the tests has."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(command, "find_binaries", lambda: Binaries(()))
    monkeypatch.setattr(command, "find_reference", lambda: Path("reference"))


@pytest.mark.usefixtures("command_line")
def test_what_was_measured_is_kept_though_a_later_scenario_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(context: Context) -> Result:
        raise WrongAnswerError(f"{context.folder.name} has other objects")

    kept, pages = list[str](), list[bool]()
    result = record(title="Found").result
    monkeypatch.setattr(command, "SCENARIOS", {"one-tree": lambda _: result, "trees": fails})
    monkeypatch.setattr(command, "SETS", {"standard": ("one-tree", "trees")})
    monkeypatch.setattr(command, "write_record", lambda name, _: kept.append(name))
    monkeypatch.setattr(command, "write_pages", lambda: pages.append(True))
    assert main(["--write"]) == 1
    assert (kept, pages) == (["one-tree"], [True])
    captured = capsys.readouterr()
    assert "### Found" in captured.out
    assert "has other objects" in captured.err
    assert main(["one-tree"]) == 0
    assert kept == ["one-tree"]


@pytest.fixture
def control_planes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would be started and ended, in order, and what is asked of it."""
    events = list[str]()

    @contextmanager
    def filled(load: Load, *_: object) -> Iterator[SimpleNamespace]:
        events.append(f"start {load.deployments}")
        try:
            yield SimpleNamespace(check=lambda: events.append("check"))
            events.append("tidy")
        finally:
            events.append("end")

    monkeypatch.setattr(filling, "filled_cluster", filled)
    return events


def test_a_control_plane_is_lent_until_there_is_need_of_another(control_planes: list[str]) -> None:
    with Clusters(Binaries(()), Path("reference")) as clusters:
        for load in (LOAD, LOAD, replace(LOAD, deployments=9)):
            with clusters.lend(load):
                control_planes.append("used")
        clusters.close()
        clusters.close()
        control_planes.append("closed")
        with clusters.lend(LOAD):
            pass
    assert control_planes == [
        *("start 1000", "check", "used", "check", "used", "tidy", "end"),
        *("start 9", "check", "used", "tidy", "end", "closed"),
        *("start 1000", "check", "tidy", "end"),
    ]


def test_whoever_interrupts_does_not_wait_for_it_to_be_tidied(control_planes: list[str]) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        Clusters(Binaries(()), Path("reference")) as clusters,
        clusters.lend(LOAD),
    ):
        raise KeyboardInterrupt
    assert control_planes == ["start 1000", "check", "end"]


@pytest.mark.usefixtures("command_line")
def test_only_scenarios_that_go_on_with_it_find_a_control_plane_running(
    monkeypatch: pytest.MonkeyPatch, control_planes: list[str]
) -> None:
    result = record().result

    def reads(context: Context) -> Result:
        with context.clusters.lend(LOAD):
            return result

    def alone(_: Context) -> Result:
        control_planes.append("alone")
        return result

    monkeypatch.setattr(command, "SCENARIOS", {"first-sync": reads, "trees": reads, "sizes": alone})
    assert main(["first-sync", "trees", "sizes", "trees", "first-sync"]) == 0
    shared, own = ("start 1000", "check", "check", "tidy", "end"), ("start 1000", "check", "tidy", "end")
    assert control_planes == [*shared, "alone", *own, *own]


def test_what_goes_on_with_a_control_plane_stands_behind_what_starts_it() -> None:
    for each in SETS.values():
        names = list(each)
        assert all(names[names.index(name) - 1] in {*CONTINUING, names[0]} for name in CONTINUING.intersection(names))


def size(pods: int, used: float, busy: float) -> Iterator[Figure]:
    found = {SETTLED: 90.0, USED: used, HIGHEST: 130.0, READY: 1.5, CPU: 1.2, IDLE: 0.0, BUSY: busy}
    return (Figure(f"{pods:,} Pods: {what}", "", value) for what, value in found.items())


def test_requests_and_limits_follow_from_what_was_measured() -> None:
    (cost,) = costs({"sizes": record(*size(10_000, 101.0, 0.12))})
    assert (cost.pods, cost.cpu_request, cost.memory_request, cost.memory_limit) == (10_000, 150, 160, 832)


def test_costs_are_of_each_size_once() -> None:
    records = {
        "sizes": record(*size(1000, 80.0, 0.01)),
        "sizes-large": record(*size(100_000, 300.0, 0.01), *size(1000, 99.0, 0.01)),
    }
    assert [(cost.pods, cost.figures[USED]) for cost in costs(records)] == [(1000, 80.0), (100_000, 300.0)]
    rows = [line for line in costs_section(records).splitlines() if line.startswith("|")]
    assert [row.split("|")[1].strip() for row in rows[2:]] == ["1,000", "100,000"]


def test_a_plot_has_a_bar_for_each_figure_with_a_target_beside_a_peer() -> None:
    figures = (
        Figure("sync", "s", 1.0, "client-go", 2.0, AtMostTimes(1)),
        Figure("<memory>", "MB", 120.0, "client-go", 60.0, AtMostTimes(0.5)),
        Figure("size", "MB", 120.0, target=Below(100)),
        Figure("other", "MB", 120.0, "client-go", 60.0),
    )
    result, without = Result("First sync", (), figures), Result("Nothing", (), figures[2:])
    found = [(bar.name, bar.ratio, bar.is_met) for bar in bars(result)]
    assert found == [("sync / client-go", 0.5, True), ("<memory> / client-go", 2.0, False)]
    drawn = ElementTree.fromstring(plot([without, result], "a & b"))  # noqa: S314 - our own
    words = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"a & b", "First sync", "<memory> / client-go"} <= set(words)
    assert "Nothing" not in words


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


def test_a_drawing_has_to_be_of_the_same_objects() -> None:
    lines = "NAMESPACE  NAME\nteam       ReplicaSet/web\nteam       ├── Pod/a\nteam       └── Pod/b"
    check_drawn("it", lines, tree("a", "b"))
    for other in (tree("a"), tree("a", "b", "c"), tree("a", "d")):
        with pytest.raises(WrongAnswerError, match="it draws other objects"):
            check_drawn("it", lines, other)


def test_a_program_that_knows_other_objects_gives_a_wrong_answer() -> None:
    check_uids("it", ["a", "b"], frozenset("ab"))
    for found in (["a"], ["a", "b", "c"], ["a", "c"]):
        with pytest.raises(WrongAnswerError, match="it differs"):
            check_uids("it", found, frozenset("ab"))


def test_a_server_that_lacks_objects_gives_a_wrong_answer() -> None:
    check_counts("it", {**LOAD.counts, "configmaps": 2}, LOAD.counts)
    with pytest.raises(WrongAnswerError, match="it holds"):
        check_counts("it", {**LOAD.counts, "pods": 9_999}, LOAD.counts)


def test_who_fills_a_cluster_writes_in_the_order_of_names_by_which_kube_apiserver_sorts_them() -> None:
    code = (Path(filling.__file__).parent / "reference" / "fill.go").read_text(encoding="utf-8")
    names = dict(re.findall(r'(\w+) += metav1\.\w+Options\{FieldManager: "([\w-]+)"\}', code))
    assert names["asUser"] < names["byController"] == names["asController"] < names["byKubelet"]
