"""The log: one line a record, in either form, and no credential in it."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.logs import FORMATS, JSON, TEXT, JsonFormatter, TextFormatter, configure

NAMES = ("", "kubediscovery", "uvicorn")
Start = Callable[[str, int], io.StringIO]


@pytest.fixture
def start() -> Iterator[Start]:
    """Configures logging into a text of its own, and undoes it."""
    loggers = [logging.getLogger(name) for name in NAMES]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]

    def begin(log_format: str, verbosity: int) -> io.StringIO:
        stream = io.StringIO()
        configure(log_format, verbosity, stream)
        return stream

    yield begin
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


def record(message: str, *arguments: object, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("kubediscovery.x", logging.INFO, "f.py", 1, message, arguments, None)
    made.created = 1_700_000_000.25
    vars(made).update(fields)
    return made


def parsed(made: logging.LogRecord) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(JsonFormatter().format(made))
    return found


def test_text_tells_when_what_and_the_fields() -> None:
    line = TextFormatter().format(record("hello %s", "you", code=200, path="/x y"))
    assert line == "2023-11-14T22:13:20.250Z INFO kubediscovery.x: hello you code=200 path='/x y'"


def test_json_has_kubernetes_names() -> None:
    assert parsed(record("hello %s", "you", code=200, path="/x")) == {
        "ts": 1_700_000_000_250.0,
        "level": "info",
        "msg": "hello you",
        "logger": "kubediscovery.x",
        "code": 200,
        "path": "/x",
    }


def test_a_field_takes_no_name_that_is_in_use() -> None:
    assert parsed(record("hello", ts="now", level="all"))["ts"] == 1_700_000_000_250.0


def failed() -> logging.LogRecord:
    made = record("failed")
    try:
        int("x\ny")
    except ValueError as error:
        made.exc_info = (type(error), error, error.__traceback__)
    return made


def test_a_traceback_is_part_of_the_line() -> None:
    line = TextFormatter().format(failed())
    assert "failed\\nTraceback (most recent call last):\\n" in line
    assert "ValueError" in line
    assert "Traceback" in parsed(failed())["stacktrace"]


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abc.def-ghi",
        "bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl was refused",
    ],
)
def test_no_credential_is_written(text: str) -> None:
    for line in (
        TextFormatter().format(record("%s", text)),
        TextFormatter().format(record("x", header=text)),
        json.dumps(parsed(record(text))),
        json.dumps(parsed(record("x", header=text))),
    ):
        assert "<redacted>" in line
        assert not [word for word in ("abc.def", "QWxh", "eyJ") if word in line]


@given(st.text(), st.text())
def test_whatever_is_said_is_one_line(message: str, value: str) -> None:
    made = record("%s", message, field=value)
    assert len(TextFormatter().format(made).splitlines()) == 1
    (line,) = JsonFormatter().format(made).splitlines()
    assert json.loads(line)["logger"] == "kubediscovery.x"
    assert "\x1b" not in line


def test_what_has_no_form_in_json_is_told_in_words() -> None:
    assert parsed(record("x", path=ValueError("odd"), many=[1, {2: "b"}]))["path"] == "odd"


@pytest.mark.parametrize(
    ("verbosity", "told"),
    [
        (0, ["WARNING kubediscovery.a", "WARNING other", "ERROR uvicorn.error"]),
        (2, ["INFO kubediscovery.a", "WARNING kubediscovery.a", "INFO other", "WARNING other", "ERROR uvicorn.error"]),
        (
            4,
            [
                *("DEBUG kubediscovery.a", "INFO kubediscovery.a", "WARNING kubediscovery.a"),
                *("INFO other", "WARNING other"),
                *("INFO uvicorn.error", "WARNING uvicorn.error", "ERROR uvicorn.error"),
            ],
        ),
    ],
)
def test_verbosity_decides_who_is_heard(start: Start, verbosity: int, told: list[str]) -> None:
    stream = start(TEXT, verbosity)
    for name in ("kubediscovery.a", "other"):
        for level in (logging.DEBUG, logging.INFO, logging.WARNING):
            logging.getLogger(name).log(level, "said")
    for level in (logging.INFO, logging.WARNING, logging.ERROR):
        logging.getLogger("uvicorn.error").log(level, "said")
    assert [line.split(" ", 1)[1].removesuffix(": said") for line in stream.getvalue().splitlines()] == told


@pytest.mark.parametrize("log_format", FORMATS)
def test_configuring_twice_says_nothing_twice(start: Start, log_format: str) -> None:
    start(log_format, 2)
    stream = start(log_format, 2)
    logging.getLogger("x").info("said")
    (line,) = stream.getvalue().splitlines()
    assert (json.loads(line)["msg"] if log_format == JSON else line.rsplit(" ", 1)[1]) == "said"
