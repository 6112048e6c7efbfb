"""In which version a field got its value."""

from collections.abc import Sequence
from dataclasses import dataclass

from kubediscovery.field_paths import Path, scalar_text, values_at, values_below
from kubediscovery.versions import TEMPLATE, Version


@dataclass(frozen=True, slots=True)
class Bisection:
    """Places of versions: the ``first`` that holds, the one ``before`` it, and what is so now.

    ``since`` is where it began to hold without a break up to the newest, None where it does not hold now.
    """

    first: int | None = None
    before: int | None = None
    since: int | None = None


def bisect(versions: Sequence[Version], field: Path, value: str | None) -> Bisection:
    """The first version in which the field holds the value, or, for None, in which there is such a field.

    A number and the text of it are the same value. A field may stand anywhere, ``image``, unless its path begins as
    the documents do. Nothing says that what held once holds ever after: all versions are looked at. One that is known
    in part is passed over where it cannot know the field.
    """
    is_rooted = any(field[0] in version.document for version in versions)
    read = values_at if is_rooted else values_below
    is_of_template = any(_is_of_template(version, field, is_rooted=is_rooted) for version in versions)
    first = before = since = former = None
    for place, version in enumerate(versions):
        if version.partial and not is_of_template:
            continue
        held = read(version.document, field)
        if not (held if value is None else any(_is_value(found, value) for found in held)):
            since = None
        else:
            if first is None:
                first, before = place, former
            since = place if since is None else since
        former = place
    return Bisection(first, before, since)


def _is_of_template(version: Version, field: Path, *, is_rooted: bool) -> bool:
    return field[: len(TEMPLATE)] == TEMPLATE if is_rooted else bool(values_below(version.template, field))


def _is_value(found: object, value: str) -> bool:
    return value == "null" if found is None else scalar_text(found) == value
