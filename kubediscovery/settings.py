"""The sections of the configuration file beside the flags: what is said in more than a word."""

from collections.abc import Mapping
from dataclasses import dataclass

from kubediscovery.errors import ConfigurationError
from kubediscovery.selection import KindPattern, Selection

_KINDS = "kinds"
SECTIONS = (_KINDS,)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the sections say; None for a section that is not there."""

    kinds: Selection | None = None


def read_settings(content: Mapping[str, object]) -> Settings:
    """The settings of some sections; raises :class:`ConfigurationError` that names the field and what is accepted."""
    return Settings(kinds=_selection(content[_KINDS]) if _KINDS in content else None)


def _selection(section: object) -> Selection:
    fields = ("include", "exclude")
    if not isinstance(section, dict) or (unknown := [str(key) for key in section if key not in fields]):
        given = f'"{unknown[0]}" is not known' if isinstance(section, dict) else "a mapping is needed"
        raise ConfigurationError(f"{_KINDS}: {given}; accepted are {', '.join(fields)}")
    return Selection(**{name: _patterns(name, patterns) for name, patterns in section.items()})


def _patterns(name: str, patterns: object) -> tuple[KindPattern, ...]:
    if not isinstance(patterns, list):
        raise ConfigurationError(f"{_KINDS}.{name}: a list of patterns such as *.example.org is needed")
    try:
        return tuple(map(KindPattern.parse, patterns))
    except ConfigurationError as error:
        raise ConfigurationError(f"{_KINDS}.{name}: {error}") from None
