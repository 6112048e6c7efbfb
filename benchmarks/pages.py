"""``python -m benchmarks.pages``: the sections and plots of the documents, written anew from what is in `results/`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.costs import SOURCES, costs_section
from benchmarks.plot import plot
from benchmarks.records import Record, read_records
from benchmarks.report import section
from benchmarks.scenarios import SCENARIOS, SETS
from kubediscovery.errors import StartupError

DOCUMENTS = Path(__file__).parents[1] / "docs"
_BENCHMARKS, _SIZING = "benchmarks.md", "sizing.md"


def sections(records: Mapping[str, Record]) -> Iterator[tuple[str, str, str]]:
    """Page, name and text of each section that is written."""
    for name in SCENARIOS:
        record = records.get(name)
        yield _BENCHMARKS, name, section(record) if record else _not_yet(name)
    if any(name in records for name in SOURCES):
        yield _SIZING, "costs", costs_section(records)


def plots(records: Mapping[str, Record]) -> Iterator[tuple[str, str]]:
    """File and SVG document of each set."""
    for name, scenarios in SETS.items():
        found = [records[each].result for each in scenarios if each in records]
        if found:
            yield f"benchmarks-{name}.svg", plot(found, "kubediscovery over its peer")


def renewed(page: str, name: str, text: str) -> str:
    """A page with another text between the section's marks; `StartupError` where it has no such section."""
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    head, began, rest = page.partition(begin)
    _, ended, tail = rest.partition(end)
    if not (began and ended):
        raise StartupError(f"there is no section {name}: it stands between {begin.strip()} and {end}")
    return f"{head}{begin}{text}{end}{tail}"


def written(records: Mapping[str, Record], documents: Path = DOCUMENTS) -> Mapping[Path, str]:
    """All files as they should be."""
    texts = dict[Path, str]()
    for page, name, text in sections(records):
        file = documents / page
        texts[file] = renewed(texts.get(file) or file.read_text(encoding="utf-8"), name, text)
    return texts | {documents / file: text for file, text in plots(records)}


def write_pages() -> None:
    """Write what has changed."""
    for file, text in written(read_records()).items():
        file.write_text(text, encoding="utf-8")


def _not_yet(name: str) -> str:
    return f"### `{name}`\n\nNot measured yet; `python -m benchmarks {name} --write` does.\n"


if __name__ == "__main__":
    write_pages()
