"""Patches: what a PATCH sends, and what becomes of an answer by it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from kubediscovery.acting import FieldValidation
from kubediscovery.errors import Cause, Conflict, Invalid, Subject, UnsupportedMediaType
from kubediscovery.field_validation import field_names, unknown_fields
from kubediscovery.json_patch import carried_out, operations_of

Changed = TypeVar("Changed", bound=Struct)
Shown = Callable[[Struct], bytes]


class PatchType(StrEnum):
    """The media types of patches (k8s.io/apimachinery, pkg/types/patch.go)."""

    JSON = "application/json-patch+json"
    MERGE = "application/merge-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    APPLY = "application/apply-patch+yaml"


#: Those that :meth:`Patch.apply` carries out: those of custom resources, without the one that is about storage.
CARRIED_OUT = (PatchType.JSON, PatchType.MERGE)
# Of an object's metadata all else is the parent's.
_IMMUTABLE, _PRECONDITIONS = ("name", "namespace"), ("uid", "resourceVersion")


_NOTHING = Subject()


def _say_nothing(_: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A patch: its media type and its JSON, a list of operations of a JSON patch, an object of any other.

    ``field_manager`` and ``force`` are those of the query. The rest is of :meth:`apply`: ``shown`` writes an answer as
    its readers see it, ``warn`` tells the caller of what was ignored.
    """

    type: PatchType
    document: Any
    field_manager: str = ""
    force: bool = False
    validation: FieldValidation = FieldValidation.WARN
    subject: Subject = _NOTHING
    shown: Shown = msgspec.json.encode
    warn: Callable[[str], None] = _say_nothing

    def apply(self, current: Changed) -> Changed:
        """What the patch makes of an answer: a merge patch (RFC 7396) or a JSON patch (RFC 6902).

        The patch is of the answer as it is read, with its kind, apiVersion and metadata. Raises what is the caller's
        fault: :class:`UnsupportedMediaType` for any other patch, :class:`Conflict` where it is of another
        resourceVersion or uid, and :class:`Invalid` that says why it cannot be carried out, or its outcome not be.
        """
        require_type(self.type, CARRIED_OUT)
        before = msgspec.json.decode(self.shown(current))
        try:
            after = self._carried_out(before)
            rest = self._without_head(before, after, field_names(type(current)))
            changed = msgspec.json.decode(msgspec.json.encode(rest), type=type(current))
            self._tell(unknown_fields(rest, type(current)))
        except RecursionError:
            raise self._invalid("it is nested too deep") from None
        except ValueError as error:
            raise self._invalid(str(error)) from None
        return changed

    def _carried_out(self, before: object) -> object:
        if self.type is PatchType.JSON:
            # What it changes is not what it was compared with.
            return carried_out(operations_of(self.document), msgspec.json.decode(msgspec.json.encode(before)))
        return merged(before, self.document)

    def _without_head(self, before: dict[str, Any], after: object, own: frozenset[str]) -> dict[str, Any]:
        """What is left without what was added to the struct, which a patch may test and repeat but not change."""
        if not isinstance(after, dict):
            raise ValueError("nothing but an object can be the outcome")  # noqa: TRY004 - the caller's
        added = {name: value for name, value in before.items() if name not in own}
        for name in added.keys() - {"metadata"}:
            if after.get(name, added[name]) != added[name]:
                raise ValueError(f"{name} cannot be changed")
        if "metadata" in added:
            self._compare(added["metadata"], after.get("metadata") or {})
        return {name: value for name, value in after.items() if name not in added}

    def _compare(self, before: Mapping[str, object], after: object) -> None:
        if not isinstance(after, Mapping):
            raise ValueError("metadata must be an object")  # noqa: TRY004 - the caller's
        changed = {
            name for name in before.keys() | after.keys() if after.get(name, before.get(name)) != before.get(name)
        }
        for name in _IMMUTABLE:
            if name in changed:
                raise ValueError(f"metadata.{name} cannot be changed")
        if changed.intersection(_PRECONDITIONS):
            raise Conflict(
                f'Operation cannot be fulfilled on {self.subject.kind} "{self.subject.name}": the object has been '
                "modified; please apply your changes to the latest version and try again",
                subject=self.subject,
            )
        for name in sorted(changed):
            self.warn(f"metadata.{name} is not changed by this subresource")

    def _tell(self, faults: Sequence[str]) -> None:
        if faults and self.validation is FieldValidation.STRICT:
            raise ValueError(f"strict decoding error: {', '.join(faults)}")
        for fault in faults if self.validation is FieldValidation.WARN else ():
            self.warn(fault)

    def _invalid(self, why: str) -> Invalid:
        return Invalid(self.subject, (Cause("FieldValueInvalid", f"Invalid value: {why}", "patch"),))


def require_type(given: str, accepted: Sequence[str]) -> None:
    """Raise :class:`UnsupportedMediaType` in the words of k8s.io/apiserver (``handlers/negotiation/errors.go``)."""
    if given not in accepted:
        raise UnsupportedMediaType(
            f"the body of the request was in an unknown format - accepted media types include: {', '.join(accepted)}"
        )


def merged(before: object, patch: object) -> object:
    """What a merge patch makes of a document (RFC 7396), which stays as it is."""
    if not isinstance(patch, dict):
        return patch
    after = {**before} if isinstance(before, dict) else {}
    for name, value in patch.items():
        if value is None:
            after.pop(name, None)
        else:
            after[name] = merged(after.get(name), value)
    return after
