"""What the process says of itself: one line a record, as text or as JSON.

The flags are those of ``k8s.io/component-base, logs``; so are the names ``ts`` (milliseconds since 1970), ``msg`` and
``logger`` of the JSON form.
"""

import logging
import re
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TextIO

import msgspec

TEXT, JSON = "text", "json"
FORMATS = (TEXT, JSON)
# What a record has of itself: everything else in it was given as ``extra``.
_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# A credential has no business in a record; should a library put one there, it stops here.
_CREDENTIAL = re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]{4,}|\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?")


def configure(log_format: str, verbosity: int, stream: TextIO | None = None) -> None:
    """Write the records of all loggers to ``stream``, without one to standard error.

    Verbosity 0 gives warnings, 1 what goes on, 4 and more everything of this project.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == JSON else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    everything = verbosity >= 4
    root.setLevel(logging.INFO if verbosity >= 1 else logging.WARNING)
    logging.getLogger("kubediscovery").setLevel(logging.DEBUG if everything else logging.NOTSET)
    # It says of every request that it cannot parse that it could not, and what this project says in its own words.
    logging.getLogger("uvicorn").setLevel(logging.INFO if everything else logging.ERROR)


class TextFormatter(logging.Formatter):
    """``<time> <level> <logger>: <message> key=value``; control characters are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        text = " ".join([record.getMessage(), *(f"{key}={value!r}" for key, value in _fields(record).items())])
        if trace := _trace(record):
            text += f"\n{trace}"
        line = f"{when} {record.levelname} {record.name}: {_without_credentials(text)}"
        return _CONTROL.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), line)


class JsonFormatter(logging.Formatter):
    """One JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        found: dict[str, object] = {
            "ts": record.created * 1000,
            "level": record.levelname.lower(),
            "msg": record.getMessage(),
            "logger": record.name,
        }
        found |= {key: value for key, value in _fields(record).items() if key not in found}
        if trace := _trace(record):
            found["stacktrace"] = trace
        line = msgspec.json.encode({key: _cleared(value) for key, value in found.items()}, enc_hook=str)
        return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", line.decode())


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _OWN}


def _trace(record: logging.LogRecord) -> str:
    if record.exc_info and record.exc_info[1] is not None:
        return "".join(traceback.format_exception(record.exc_info[1])).rstrip()
    return ""


def _cleared(value: object) -> object:
    return _without_credentials(value).encode(errors="replace").decode() if isinstance(value, str) else value


def _without_credentials(text: str) -> str:
    return _CREDENTIAL.sub(lambda found: f"{found[1] or ''}<redacted>", text)
