"""Where users declare relations: in the configuration file, and by annotations of a CustomResourceDefinition.

The annotations are those of the first kubediscovery (cloud-ark/kubeplus, docs: ``resource/annotation-relationship``,
``resource/label-relationship``, ``resource/specproperty-relationship``). A declaration that asks to compare parts of
names is left out.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from kubediscovery.declared import DeclaredRelation, Where, steps_of
from kubediscovery.drawing import ALL, NONE
from kubediscovery.errors import ConfigurationError
from kubediscovery.objects import Object, StatusState
from kubediscovery.relations import OWNER, RULES

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]{0,62}")
_CALLED = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")
_KEY = re.compile(r"\S{1,317}")
_MOST = 100
_FIELDS = ("name", "from", "to", *Where, "attached")
_INSTANCE, _OWN_NAME = "INSTANCE.", "INSTANCE.metadata.name"
_A_KIND = "a kind (Pod), or a plural with its group (deployments.apps),"


# The configuration file


def read_declared(section: object) -> tuple[DeclaredRelation, ...]:
    """The relations of the configuration's section ``relations``.

    Raises :class:`ConfigurationError` that names the place, what is wrong with it and what is accepted.
    """
    if not isinstance(section, list) or len(section) > _MOST:
        raise ConfigurationError(f"relations: a list of at most {_MOST} relations is needed")
    found = tuple(_declared(f"relations[{number}]", entry) for number, entry in enumerate(section))
    selecting: dict[str, int] = {}
    for number, relation in enumerate(found):
        if relation.where is Where.SELECTOR:
            former = selecting.setdefault(relation.source.lower(), number)
            if former != number:
                raise ConfigurationError(
                    f"relations[{number}].selector: {relation.source} has the selector of relations[{former}] already; "
                    "accepted is one of a kind"
                )
    return found


def _declared(place: str, entry: object) -> DeclaredRelation:
    if not isinstance(entry, dict):
        raise ConfigurationError(f"{place}: a mapping with {', '.join(_FIELDS)} is needed")
    if unknown := [str(key) for key in entry if key not in _FIELDS]:
        raise ConfigurationError(f'{place}: "{unknown[0]}" is not known; accepted are {", ".join(_FIELDS)}')
    given = [where for where in Where if where in entry]
    if len(given) != 1:
        raise ConfigurationError(f"{place}: one of {', '.join(Where)} is needed, not {len(given)} of them")
    attached = entry.get("attached", False)
    if not isinstance(attached, bool):
        raise ConfigurationError(f"{place}.attached: true or false is needed")
    return DeclaredRelation(
        name=_new_name(f"{place}.name", entry.get("name")),
        source=_word(f"{place}.from", entry.get("from"), _CALLED, _A_KIND),
        target=_word(f"{place}.to", entry.get("to"), _CALLED, _A_KIND),
        where=given[0],
        place=_place(f"{place}.{given[0]}", entry[given[0]], given[0]),
        attached=attached,
    )


def _new_name(place: str, value: object) -> str:
    name = _word(place, value, _NAME, "letters, digits and dashes that begin with a letter")
    if name in {rule.name for rule in RULES} or name in (ALL, NONE, OWNER):
        raise ConfigurationError(f'{place}: there is a relation "{name}" already')
    return name


def _word(place: str, value: object, pattern: re.Pattern[str], accepted: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        given = f', not "{value}"' if isinstance(value, str) else ""
        raise ConfigurationError(f"{place}: {accepted} is needed{given}")
    return value


def _place(place: str, value: object, where: Where) -> str:
    if where in (Where.LABEL, Where.ANNOTATION):
        return _word(place, value, _KEY, f"the key of the {where}")
    if not isinstance(value, str) or not steps_of(value):
        raise ConfigurationError(f"{place}: a path such as spec.databases[*].name is needed")
    return value


# Annotations of definitions


def declared_by(definition: Object) -> tuple[DeclaredRelation, ...]:
    """What a CustomResourceDefinition declares of its kind; what cannot be understood is left out.

    ``resource/composition`` says what an operator makes: that shows in owner references, so that it is no relation.
    """
    flags = dict(definition.state.flags) if isinstance(definition.state, StatusState) else {}
    own = f"{flags.get('plural', '')}.{flags.get('group', '')}"
    found: list[DeclaredRelation] = []
    for name, read in _ANNOTATIONS.items():
        parts = dict(_parts(flags.get(f"resource/{name}", "")))
        found.extend(read(name, own, parts))
    return tuple(found)


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """``on:Secret;Pod, key:example.com/x, value:INSTANCE.metadata.name`` as pairs."""
    for part in text.strip().strip('"').split(","):
        key, _, value = part.strip().partition(":")
        yield key.strip(), value.strip()


def _by_key(where: Where) -> "_Read":
    def read(name: str, own: str, parts: Mapping[str, str]) -> Iterator[DeclaredRelation]:
        key, value = parts.get("key", ""), parts.get("value", "")
        called = dict.fromkeys(kind.strip() for kind in parts.get("on", "").split(";"))
        kinds = list(islice(filter(_CALLED.fullmatch, called), _MOST))
        if key and value.count(_OWN_NAME) == 1 and "(" not in value:
            before, _, after = value.partition(_OWN_NAME)
            for kind in kinds:
                yield DeclaredRelation(name, kind, own, where, key, before, after, against=True)
        elif not key and value.startswith(_INSTANCE) and len(kinds) == 1 and steps_of(value.removeprefix(_INSTANCE)):
            yield DeclaredRelation(name, own, kinds[0], Where.SELECTOR, value.removeprefix(_INSTANCE))

    return read


def _by_property(name: str, own: str, parts: Mapping[str, str]) -> Iterator[DeclaredRelation]:
    """``on:INSTANCE.spec.service, value:Service.metadata.name``; its own documents have ``.spec.metadata.name``."""
    on, (kind, _, named) = parts.get("on", ""), parts.get("value", "").partition(".")
    path = on.removeprefix(_INSTANCE)
    is_whole = on.startswith(_INSTANCE) and named in ("metadata.name", "spec.metadata.name")
    if is_whole and steps_of(path) and _CALLED.fullmatch(kind):
        yield DeclaredRelation(name, own, kind, Where.PATH, path)


_Read = Callable[[str, str, Mapping[str, str]], Iterator[DeclaredRelation]]
_ANNOTATIONS: Mapping[str, _Read] = {
    "annotation-relationship": _by_key(Where.ANNOTATION),
    "label-relationship": _by_key(Where.LABEL),
    "specproperty-relationship": _by_property,
}
