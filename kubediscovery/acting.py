"""The options of requests that act, as their query has them (k8s.io/apimachinery, pkg/apis/meta/v1/types.go)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kubediscovery.errors import Cause, Invalid, Subject

DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION, FORCE = "dryRun", "fieldManager", "fieldValidation", "force"
_ALL = "All"
_LONGEST_MANAGER = 128
_LONGEST_SHOWN = 100
_KINDS = {"update": "UpdateOptions", "patch": "PatchOptions", "delete": "DeleteOptions"}
_GROUP = "meta.k8s.io"
_FALSE = ("0", "f", "false")


class FieldValidation(StrEnum):
    """What is done about fields that nobody knows, or that are there twice."""

    IGNORE = "Ignore"
    WARN = "Warn"
    STRICT = "Strict"


@dataclass(frozen=True, slots=True)
class Acting:
    """How somebody acts. ``force`` is None where nothing is said of it."""

    dry_run: bool = False
    field_manager: str = ""
    validation: FieldValidation = FieldValidation.WARN
    force: bool | None = None


NOT_ACTING = Acting()


def acting_options(values: Mapping[str, str], verb: str) -> Acting:
    """What the query of a request says that is to create, update, patch or delete.

    Raises :class:`Invalid` that names every option that cannot be used, by the rules of k8s.io/apimachinery
    (``pkg/apis/meta/v1/validation/validation.go``, ValidatePatchOptions and those beside it).
    """
    manager, validation = values.get(FIELD_MANAGER, ""), values.get(FIELD_VALIDATION, "")
    dry_run = [values[DRY_RUN]] if DRY_RUN in values else []
    _refuse(verb, (*_manager_faults(manager), *_dry_run_faults(dry_run), *_validation_faults(validation)))
    return Acting(
        dry_run=bool(dry_run),
        field_manager=manager,
        validation=FieldValidation(validation) if validation else FieldValidation.WARN,
        force=values[FORCE].lower() not in _FALSE if FORCE in values and verb == "patch" else None,
    )


def is_dry_run(given: Sequence[str], verb: str) -> bool:
    """Whether nothing may be changed; raises :class:`Invalid` for another value than ``All``."""
    _refuse(verb, _dry_run_faults(given))
    return bool(given)


def refuse_for_patch(acting: Acting, *, applies: bool) -> None:
    """Raise :class:`Invalid` for options that do not go with a patch, which is an apply patch or another."""
    if applies and not acting.field_manager:
        _refuse("patch", [Cause("FieldValueRequired", "Required value: is required for apply patch", FIELD_MANAGER)])
    if not applies and acting.force is not None:
        said = "Forbidden: may not be specified for non-apply patch"
        _refuse("patch", [Cause("FieldValueForbidden", said, FORCE)])


def _refuse(verb: str, causes: Iterable[Cause]) -> None:
    if found := tuple(causes):
        raise Invalid(Subject(_GROUP, _KINDS.get(verb, "CreateOptions")), found)


def _dry_run_faults(given: Sequence[str]) -> Iterator[Cause]:
    yield from (_not_supported(DRY_RUN, value, (_ALL,)) for value in given if value != _ALL)


def _validation_faults(given: str) -> Iterator[Cause]:
    if given and given not in [*FieldValidation]:
        yield _not_supported(FIELD_VALIDATION, given, tuple(FieldValidation))


def _manager_faults(given: str) -> Iterator[Cause]:
    if len(given.encode()) > _LONGEST_MANAGER:
        yield Cause("FieldValueTooLong", f"Too long: may not be more than {_LONGEST_MANAGER} bytes", FIELD_MANAGER)
    place = next((number for number, letter in enumerate(given) if not letter.isprintable()), None)
    if place is not None:
        said = f"Invalid value: the character at position {place} cannot be printed"
        yield Cause("FieldValueInvalid", said, FIELD_MANAGER)


def _not_supported(name: str, value: str, accepted: Sequence[str]) -> Cause:
    words = ", ".join(f'"{word}"' for word in accepted)
    said = f'Unsupported value: "{value[:_LONGEST_SHOWN]}": supported values: {words}'
    return Cause("FieldValueNotSupported", said, name)
