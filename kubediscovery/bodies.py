"""What requests that act send: the structs of those who registered them, patches, and options."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import msgspec
from msgspec import Struct
from starlette.requests import ClientDisconnect, Request

from kubediscovery.acting import Acting, FieldValidation, is_dry_run, refuse_for_patch
from kubediscovery.contracts import DELETE, PATCH, Contract
from kubediscovery.errors import BadRequest, EntityTooLarge
from kubediscovery.field_validation import duplicate_fields, unknown_fields
from kubediscovery.json_patch import operations_of
from kubediscovery.negotiation import JSON
from kubediscovery.patches import Patch, PatchType, require_type

_NOTHING = (b"", b"{}", b"null")
# What objects have beside the fields of the struct.
_HEAD = frozenset(("kind", "apiVersion", "metadata"))
_ANYTHING = msgspec.json.Decoder()
# Bytes of YAML that are read in about a tenth of a second; clients of Kubernetes write apply patches as JSON.
_LONGEST_YAML = 64 * 1024

Decoded = TypeVar("Decoded")


class _DeleteOptions(Struct, rename="camel"):
    """What of DeleteOptions means anything here: client-go asks for a dry run in them."""

    dry_run: Sequence[str] | None = None


class Sent(NamedTuple):
    """What was sent: a struct, a :class:`Patch` or None, and whether it asks for a dry run itself.

    ``warned`` is what the caller is to be told of it.
    """

    body: object = None
    dry_run: bool = False
    warned: tuple[str, ...] = ()


class Bodies:
    """Reads the bodies of one registration, as JSON of its struct or as patches; None where there is none."""

    def __init__(self, contract: Contract) -> None:
        self._struct = contract.body
        self._patches = contract.patches
        self._decoder = msgspec.json.Decoder(contract.body) if contract.body is not None else None
        self._options = msgspec.json.Decoder(_DeleteOptions)

    async def read(self, request: Request, verb: str, acting: Acting) -> Sent:
        """What a request sends that acts as its query says.

        Raises :class:`BadRequest` that says what is wrong with it, :class:`UnsupportedMediaType` that names what is
        accepted, :class:`Invalid` for options that do not go with it, and :class:`EntityTooLarge`.
        """
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if verb == PATCH:
            require_type(media_type, self._patches)
        try:
            return self._sent(verb, media_type, (await request.body()).strip(), acting)
        except ClientDisconnect:
            raise BadRequest("the connection has ended amid the body") from None
        except RecursionError:
            raise BadRequest("the body cannot be read: it is nested too deep") from None

    def _sent(self, verb: str, media_type: str, content: bytes, acting: Acting) -> Sent:
        if verb == PATCH:
            return self._patch(content, PatchType(media_type), acting)
        # Without a word it counts as JSON, as kubectl's own files do.
        require_type(media_type if content and media_type else JSON, (JSON,))
        if verb == DELETE:
            options = _decoded(self._options, content or b"{}")
            return Sent(dry_run=is_dry_run(options.dry_run or (), verb))
        return self._read(content, verb, acting)

    def _read(self, content: bytes, verb: str, acting: Acting) -> Sent:
        if self._decoder is None or self._struct is None:
            if content not in _NOTHING:
                raise BadRequest(f"no body is read here: send none, or {{}} to {verb}")
            return Sent()
        body, faults = _decoded(self._decoder, content or b"{}"), list[str]()
        if acting.validation is not FieldValidation.IGNORE and content:
            document: dict[str, object] = _decoded(_ANYTHING, content)
            faults = [*unknown_fields(document, self._struct, but=_HEAD), *duplicate_fields(content)]
        return Sent(body, warned=_warned(faults, acting.validation))

    def _patch(self, content: bytes, type_: PatchType, acting: Acting) -> Sent:
        refuse_for_patch(acting, applies=type_ is PatchType.APPLY)
        if type_ is PatchType.APPLY:
            content = _as_json(content)
        document = _decoded(_ANYTHING, content)
        if type_ is PatchType.JSON:
            try:
                operations_of(document)
            except ValueError as error:
                raise BadRequest(f"the patch cannot be read: {error}") from None
        elif not isinstance(document, dict):
            raise BadRequest(f"the patch cannot be read: one of type {type_} is an object")
        faults = [] if acting.validation is FieldValidation.IGNORE else duplicate_fields(content)
        patch = Patch(
            type=type_,
            document=document,
            field_manager=acting.field_manager,
            force=bool(acting.force),
            validation=acting.validation,
        )
        return Sent(patch, warned=_warned(faults, acting.validation))


def _warned(faults: Sequence[str], validation: FieldValidation) -> tuple[str, ...]:
    if faults and validation is FieldValidation.STRICT:
        raise BadRequest(f"strict decoding error: {', '.join(faults)}")
    return tuple(faults)


def _as_json(content: bytes) -> bytes:
    """An apply patch, which is YAML, and mostly JSON."""
    if content[:1] == b"{":
        return content
    if len(content) > _LONGEST_YAML:
        raise EntityTooLarge(f"an apply patch may have {_LONGEST_YAML} bytes of YAML: send a longer one as JSON")
    # Imported when it is first needed: few patches are YAML.
    from kubediscovery.documents import read_documents

    try:
        documents = list(read_documents(content))
    except ValueError as error:
        raise BadRequest(f"the patch cannot be read: {error}") from None
    if len(documents) != 1:
        raise BadRequest(f"the patch cannot be read: it must be one document, not {len(documents)}")
    return documents[0]


def _decoded(decoder: "msgspec.json.Decoder[Decoded]", content: bytes) -> "Decoded":
    try:
        return decoder.decode(content)
    except ValueError as error:
        # Its words name fields and types, and quote nothing of the body.
        raise BadRequest(f"the body cannot be read: {error}") from None
