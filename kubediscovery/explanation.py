"""What there is to say of a kind: its schema, what it is composed of, its relations, and what its author wrote.

The last are annotations of a CustomResourceDefinition that the first kubediscovery read (cloud-ark/kubediscovery,
``pkg/discovery/operatordocs.go``): ``resource/usage`` names a ConfigMap and a key in it, ``resource/composition`` the
kinds that its operator makes.
"""

from itertools import islice
from typing import Annotated

from msgspec import Meta, Struct

from kubediscovery.kind_schemas import Field
from kubediscovery.kinds import Kind
from kubediscovery.meta import ObjectMeta
from kubediscovery.relations import ANY, GroupKind, Rule
from kubediscovery.sight import Sight
from kubediscovery.store import Store

# Objects that are looked at for what they own.
_LOOKED_AT = 1_000


class RelationOfKind(Struct, frozen=True, rename={"source": "from", "target": "to"}):
    """A relation that objects of the kind may be in."""

    name: Annotated[str, Meta(description="Name of the relation, as relations= takes it.")]
    source: Annotated[str, Meta(description="Kind that it leads from, with its group; * for any.")]
    target: Annotated[str, Meta(description="Kind that it leads to, with its group; * for any.")]
    rule: Annotated[str, Meta(description="From where to where it leads, and by what fact.")]


class CompositionsOfKind(Struct, omit_defaults=True, rename="camel"):
    """What objects of the kind are made of, and are parts of, of those that you may list."""

    root: Annotated[bool, Meta(description="Whether objects that nothing owns are in the list of all compositions.")]
    owns: Annotated[list[str], Meta(description="Kinds of which there are objects that they own.")]
    owned_by: Annotated[list[str], Meta(description="Kinds of which there are objects that own them.")]
    path: Annotated[str, Meta(description="Where their compositions are.")]
    declared: Annotated[
        str | None, Meta(description="Kinds that its author says it is composed of, by resource/composition.")
    ] = None


class Explanation(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """What there is to say of a kind."""

    kind: Annotated[str, Meta(description="Kind of this object: Explanation.")]
    api_version: Annotated[str, Meta(description="Group and version of this object.")]
    metadata: Annotated[ObjectMeta, Meta(description="Metadata; the name is that of the resource, with its group.")]
    explains: Annotated[str, Meta(description="Kind that is explained, with its group and version.")]
    namespaced: Annotated[bool, Meta(description="Whether its objects are in namespaces.")] = False
    field: Annotated[str, Meta(description="Field that is explained; left out for the whole kind.")] = ""
    type: Annotated[str, Meta(description="Type of the field; of the whole its kind.")] = ""
    description: Annotated[str, Meta(description="What it is, in the words of its author.")] = ""
    fields: Annotated[list[Field] | None, Meta(description="Its fields, in the order of their names.")] = None
    compositions: Annotated[CompositionsOfKind, Meta(description="What its objects are made of.")]
    relations: Annotated[list[RelationOfKind], Meta(description="The relations that its objects may be in.")]
    usage: Annotated[str | None, Meta(description="How to use it, in the words of its author, by resource/usage.")] = (
        None
    )
    missing: Annotated[list[str] | None, Meta(description="What could not be told, and why.")] = None


def relations_of(store: Store, kind: Kind) -> list[RelationOfKind]:
    """The relations that lead from or to objects of the kind, those of any kind but Events and releases among them."""
    ends = (kind.group, kind.kind)
    rules = [rule for rule in store.links.relations.rules if _concerns(rule, ends)]
    return [RelationOfKind(rule.name, _called(rule.source), _called(rule.target), rule.sentence) for rule in rules]


def compositions_of(store: Store, sight: Sight, kind: Kind, api_version: str) -> CompositionsOfKind:
    """What some of the objects that may be seen own, and are owned by."""
    owns: set[str] = set()
    owned: set[str] = set()
    for item in islice(filter(sight.sees, store.objects(kind, sight.namespace)), _LOOKED_AT):
        owns.update(child.kind.group_resource for child in store.children(item) if sight.sees(child))
        owned.update(owner.kind.group_resource for owner in store.owners(item) if sight.sees(owner))
    resource = kind.group_resource
    path = f"/apis/{api_version}/{resource}/*/compositions"
    return CompositionsOfKind(kind.workload, sorted(owns), sorted(owned), path)


class Usage(Struct, frozen=True):
    """Where a definition's author wrote how to use it: a key of a ConfigMap."""

    namespace: str
    name: str
    key: str


def usage_of(annotation: str) -> Usage | None:
    """What ``name.key`` or ``namespace.name.key`` means; without a namespace it is default. None for anything else."""
    parts = [part.strip() for part in annotation.split(".", 2)]
    if len(parts) == 2:
        parts.insert(0, "default")
    is_whole = len(parts) == 3 and all(parts) and "/" not in "".join(parts)
    return Usage(*parts) if is_whole else None


def _concerns(rule: Rule, ends: GroupKind) -> bool:
    return ends in (rule.source, rule.target) or ANY in (rule.source, rule.target)


def _called(ends: GroupKind) -> str:
    group, kind = ends
    return "*" if ends == ANY else f"{kind}.{group}".rstrip(".")
