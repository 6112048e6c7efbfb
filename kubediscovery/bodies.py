"""What requests that act send, and whether they only want to know what would happen."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct
from starlette.requests import ClientDisconnect, Request

from kubediscovery.contracts import DELETE
from kubediscovery.errors import BadRequest, Cause, Invalid, Subject, UnsupportedMediaType
from kubediscovery.negotiation import JSON

DRY_RUN, _ALL = "dryRun", "All"
_LONGEST_SHOWN = 100
_NOTHING = (b"", b"{}", b"null")

Decoded = TypeVar("Decoded")


class _DeleteOptions(Struct, rename="camel"):
    """What of DeleteOptions means anything here: client-go asks for a dry run in them."""

    dry_run: Sequence[str] | None = None


class Bodies:
    """Reads the bodies of one registration, as JSON of its struct; None where there is none."""

    def __init__(self, struct: type[Struct] | None) -> None:
        self._struct = struct
        self._decoder = msgspec.json.Decoder(struct) if struct is not None else None
        self._options = msgspec.json.Decoder(_DeleteOptions)

    async def read(self, request: Request, verb: str) -> tuple[object, bool]:
        """The body, and whether it asks for a dry run.

        Raises :class:`BadRequest` that says what is wrong with it, and :class:`UnsupportedMediaType`.
        """
        try:
            content = (await request.body()).strip()
        except ClientDisconnect:
            raise BadRequest("the connection has ended amid the body") from None
        if content:
            _require_json(request.headers.get("content-type", ""))
        if verb == DELETE:
            options = self._decoded(self._options, content or b"{}")
            return None, is_dry_run(options.dry_run or ())
        if self._decoder is None:
            if content not in _NOTHING:
                raise BadRequest(f"no body is read here: send none, or {{}} to {verb}")
            return None, False
        return self._decoded(self._decoder, content or b"{}"), False

    def _decoded(self, decoder: "msgspec.json.Decoder[Decoded]", content: bytes) -> "Decoded":
        try:
            return decoder.decode(content)
        except RecursionError:
            raise BadRequest("the body cannot be read: it is nested too deep") from None
        except ValueError as error:
            # Its words name fields and types, and quote nothing of the body.
            raise BadRequest(f"the body cannot be read: {error}") from None


def is_dry_run(given: Sequence[str]) -> bool:
    """Whether nothing may be changed; raises :class:`Invalid` for another value than ``All``.

    It is that of k8s.io/apimachinery (``pkg/apis/meta/v1/validation/validation.go``, ValidateDryRun).
    """
    for value in given:
        if value != _ALL:
            shown = value[:_LONGEST_SHOWN]
            cause = f'Unsupported value: "{shown}": supported values: "{_ALL}"'
            raise Invalid(Subject("meta.k8s.io", "CreateOptions"), (Cause("FieldValueNotSupported", cause, DRY_RUN),))
    return bool(given)


def _require_json(content_type: str) -> None:
    """Without a word it counts as JSON, as kubectl's own files do."""
    given = content_type.partition(";")[0].strip().lower()
    if given not in ("", JSON):
        raise UnsupportedMediaType(
            f"the body of the request was in an unknown format - accepted media types include: {JSON}"
        )
