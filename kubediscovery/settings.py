"""The sections of the configuration file beside the flags: what is said in more than a word."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kubediscovery.built_in import KUBERNETES_KINDS
from kubediscovery.compact import Compactor
from kubediscovery.declared import DeclaredRelation, Reader, Where, kind_called
from kubediscovery.declaring import read_declared
from kubediscovery.decoding import Decoder
from kubediscovery.errors import ConfigurationError
from kubediscovery.history_settings import HistorySettings, read_history
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.overrides import Overrides, read_overrides
from kubediscovery.selection import KindPattern, Selection
from kubediscovery.shapes import shape_of

SECTIONS = _KINDS, _RELATIONS, _HEALTH, _HISTORY = ("kinds", "relations", "health", "history")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the sections say.

    Which kinds are followed, None for the default; how objects lead to others; how objects of some are judged; and of
    which kinds former versions are kept.
    """

    kinds: Selection | None = None
    relations: tuple[DeclaredRelation, ...] = ()
    health: Overrides = field(default_factory=Overrides)
    history: HistorySettings = field(default_factory=HistorySettings)

    def decoder(self, kind: Kind, compactor: Compactor, reader: Reader | None = None) -> Decoder:
        """What decodes a kind, with the verdicts of these settings, and with what the reader reads of it."""
        return Decoder(kind, compactor, judge=self.health.judge_for(kind), reader=reader)


def read_settings(content: Mapping[str, object]) -> Settings:
    """The settings of some sections; raises :class:`ConfigurationError` that names the field and what is accepted."""
    return Settings(
        kinds=_selection(content[_KINDS]) if _KINDS in content else None,
        relations=_relations(content[_RELATIONS]) if _RELATIONS in content else (),
        health=read_overrides(content[_HEALTH]) if _HEALTH in content else Overrides(),
        history=read_history(content[_HISTORY]) if _HISTORY in content else HistorySettings(),
    )


def _relations(section: object) -> tuple[DeclaredRelation, ...]:
    """Of kinds that select by a field of their own no other selector is read: an object has one."""
    relations, built_in = read_declared(section), Kinds(KUBERNETES_KINDS)
    for number, relation in enumerate(relations):
        kind = kind_called(relation.source, built_in) if relation.where is Where.SELECTOR else None
        if kind is not None and shape_of(kind).selects:
            raise ConfigurationError(
                f"{_RELATIONS}[{number}].selector: {kind} have a selector of their own already;"
                f" accepted for them are {Where.PATH}, {Where.LABEL}, {Where.ANNOTATION}"
            )
    return relations


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
