"""Declared relations that come and go with their kinds and definitions."""

from kubediscovery.declarations import Declarations
from kubediscovery.declared import DeclaredRelation, Where
from kubediscovery.kinds import Kinds
from kubediscovery.objects import Object, StatusState
from kubediscovery.store import Store
from tests.discovering import DEFINITION, KAFKA
from tests.objects import DEPLOYMENT, POD, make

CONFIGURED = DeclaredRelation("broker", "Pod", "kafkas.example.org", Where.LABEL, "example.org/broker")


def definition(on: str = "Pod", version: int = 7) -> Object:
    """Of Kafkas, with the annotation of the first kubediscovery."""
    words = f"on:{on}, key:example.org/kafka, value:INSTANCE.metadata.name"
    flags = (("group", "example.org"), ("plural", "kafkas"), ("resource/annotation-relationship", words))
    return make(DEFINITION, "kafkas.example.org", state=StatusState(flags=flags), resource_version=version)


def test_a_relation_holds_while_both_kinds_are_tracked() -> None:
    store = Store(Kinds((POD,)))
    declarations = Declarations(store, [CONFIGURED])
    assert declarations.reader_of(POD) is None
    assert "broker" not in store.links.relations.names
    store.follow((POD, KAFKA))
    assert declarations.reader_of(POD) is not None
    assert declarations.reader_of(KAFKA) is None
    assert "broker" in store.links.relations.names
    store.follow((POD,))
    assert declarations.reader_of(POD) is None
    assert "broker" not in store.links.relations.names


def test_definitions_declare_from_the_first_list_on() -> None:
    store = Store(Kinds((POD, KAFKA, DEFINITION, DEPLOYMENT)))
    declarations = Declarations(store)
    assert declarations.reader_of(POD) is None
    store.replace(DEFINITION, [definition()], 7)
    assert declarations.reader_of(POD) is not None
    assert "annotation-relationship" in store.links.relations.names
    store.put(definition(on="Deployment", version=8))
    assert (declarations.reader_of(POD), declarations.reader_of(DEPLOYMENT) is None) == (None, False)
    store.remove(definition(on="Deployment", version=8))
    assert declarations.reader_of(DEPLOYMENT) is None


def test_what_stays_the_same_is_the_same() -> None:
    """A kind is read anew only where something else is to be read."""
    store = Store(Kinds((POD, KAFKA, DEFINITION)))
    declarations = Declarations(store, [CONFIGURED])
    store.replace(DEFINITION, [definition()], 7)
    before = declarations.reader_of(POD)
    store.put(definition(version=9))
    store.put(make(POD, "web"))
    store.follow((POD, KAFKA, DEFINITION, DEPLOYMENT))
    assert declarations.reader_of(POD) == before
