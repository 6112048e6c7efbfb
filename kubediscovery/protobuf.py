"""Protobuf messages derived from the classes of :mod:`kubediscovery.schema`, decoded by upb.

Deriving them at start saves generated code and a compiler; it takes about 5 ms.
"""

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin, get_type_hints

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "kubediscovery"
# On the wire int32, int64 and bool are all varints.
_SCALARS = {str: _Field.TYPE_STRING, int: _Field.TYPE_INT64, bool: _Field.TYPE_BOOL, bytes: _Field.TYPE_BYTES}


class Messages:
    """The messages of some schema classes and of all that these hold; what several hold is there once."""

    def __init__(self, *schemas: type) -> None:
        self._pool = descriptor_pool.DescriptorPool()
        self._files: list[str] = []
        self._seen: set[type] = set()
        self.add(*schemas)

    def add(self, *schemas: type) -> None:
        """Derive more of them; their names must be other ones."""
        name = f"kubediscovery_{len(self._files)}.proto"
        file = descriptor_pb2.FileDescriptorProto(name=name, package=_PACKAGE, syntax="proto3", dependency=self._files)
        for schema in schemas:
            self._add(file, schema)
        self._pool.Add(file)
        self._files.append(name)

    def message_class(self, schema: type) -> type[Message]:
        """The message that decodes what ``schema`` describes."""
        return message_factory.GetMessageClass(self._pool.FindMessageTypeByName(f"{_PACKAGE}.{schema.__name__}"))

    def _add(self, file: descriptor_pb2.FileDescriptorProto, schema: type) -> None:
        if schema in self._seen:
            return
        self._seen.add(schema)
        message = descriptor_pb2.DescriptorProto(name=schema.__name__)
        for name, number, declared in numbered_fields(schema):
            self._add_field(file, message, name, number, _without_none(declared))
        file.message_type.append(message)

    def _add_field(
        self,
        file: descriptor_pb2.FileDescriptorProto,
        message: descriptor_pb2.DescriptorProto,
        name: str,
        number: int,
        declared: Any,
    ) -> None:
        field = message.field.add(name=name, number=number, label=_Field.LABEL_OPTIONAL)
        origin = get_origin(declared)
        if origin is list:
            field.label = _Field.LABEL_REPEATED
            (declared,) = get_args(declared)
        elif origin is dict:
            field.label = _Field.LABEL_REPEATED
            field.type = _Field.TYPE_MESSAGE
            field.type_name = f".{_PACKAGE}.{message.name}.{self._add_map(file, message, name, declared)}"
            return
        self._set_type(file, field, declared)

    def _add_map(
        self,
        file: descriptor_pb2.FileDescriptorProto,
        message: descriptor_pb2.DescriptorProto,
        field: str,
        declared: Any,
    ) -> str:
        entry = message.nested_type.add(name="".join(part.capitalize() for part in field.split("_")) + "Entry")
        entry.options.map_entry = True
        for number, (name, held) in enumerate(zip(("key", "value"), get_args(declared), strict=True), start=1):
            self._set_type(file, entry.field.add(name=name, number=number, label=_Field.LABEL_OPTIONAL), held)
        return entry.name

    def _set_type(self, file: descriptor_pb2.FileDescriptorProto, field: _Field, declared: Any) -> None:
        if declared in _SCALARS:
            field.type = _SCALARS[declared]
        else:
            self._add(file, declared)
            field.type = _Field.TYPE_MESSAGE
            field.type_name = f".{_PACKAGE}.{declared.__name__}"


def numbered_fields(schema: type) -> Iterator[tuple[str, int, Any]]:
    """Name, number and declared type of each field that protobuf has.

    Of what :func:`kubediscovery.schema.inlined` stands for it has the message, not the fields that are inherited of it.
    """
    hints = get_type_hints(schema, include_extras=True)
    nested = {name: get_args(hint)[0] for name, hint in hints.items() if get_origin(hint) is ClassVar}
    inherited = {name for hint in nested.values() for name in get_type_hints(get_args(hint)[0])}
    for name, hint in hints.items():
        found = nested.get(name, hint)
        if get_origin(found) is Annotated and name not in inherited:
            declared, number = get_args(found)
            yield name, number, declared


def _without_none(declared: Any) -> Any:
    """``Time`` of ``Time | None``: JSON has null where protobuf has nothing."""
    if get_origin(declared) in (Union, UnionType):
        (declared,) = (choice for choice in get_args(declared) if choice is not NoneType)
    return declared
