"""What was measured, kept: a file for each scenario in `results/`, which the documents are written from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from benchmarks.figures import Result
from benchmarks.machine import Setting
from benchmarks.scenarios import SCENARIOS

FOLDER = Path(__file__).parent / "results"


class Record(msgspec.Struct, frozen=True):
    """A scenario's result, where and when it was found, and how many seconds that took."""

    setting: Setting
    seconds: float
    result: Result


def write_record(name: str, record: Record, folder: Path = FOLDER) -> None:
    """Keep it in place of the scenario's former one."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")


def read_records(folder: Path = FOLDER) -> Mapping[str, Record]:
    """All that are kept, by the names of their scenarios and in their order."""
    files = {name: folder / f"{name}.json" for name in SCENARIOS}
    decoder = msgspec.json.Decoder(Record)
    return {name: decoder.decode(file.read_bytes()) for name, file in files.items() if file.exists()}
