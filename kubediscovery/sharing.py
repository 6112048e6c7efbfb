"""What equal values have in common is kept once: the labels, owners, states and references of siblings."""

from collections.abc import Callable, Hashable, Mapping
from hashlib import blake2b
from itertools import islice
from typing import Any, Protocol, TypeVar

import msgspec
from google.protobuf.message import Message

# Siblings come one after another: what has not come for so long will hardly come again.
SHARED_LIMIT = 8_192
# What others of another kind will have too, whose list ends long before theirs or begins long after: the labels of
# ReplicaSets, which are those of their pods.
KEPT_LIMIT = 65_536
# Parts of messages whose reading is remembered, and the longest of them in bytes. Changes come of one workload after
# another: who forgets one before its turn comes again reads all of a spec for each restart of a container.
READ_LIMIT, LONGEST_READ = 2_048, 8_192
# Bytes of the digests that stand for parts: nobody finds two parts of one digest.
_DIGEST = 16

# Entries of a full dict that are forgotten together: to forget all would keep requests waiting.
_FORGOTTEN = 64

H = TypeVar("H", bound=Hashable)


class _Share(Protocol):
    def __call__(self, value: H, /) -> H: ...


class _Shared(dict[Hashable, Any]):
    """Values by themselves; who asks for one that is not here puts it here, unless it is kept elsewhere."""

    def __init__(self, kept: Mapping[Hashable, Any]) -> None:
        super().__init__()
        self._elsewhere = kept

    def __missing__(self, value: Hashable) -> Any:
        make_room(self, SHARED_LIMIT)
        found = self._elsewhere.get(value, value)
        # Equal to the value, which need not stay.
        self[found] = found
        return found


class Sharing:
    """Gives for equal values the same one, and for equal parts of messages what was read of the first.

    Forgetting costs some sharing of what comes later; a cache that only grows would cost the process.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, Any] = {}
        self._shared = _Shared(self._kept)
        self._read: dict[bytes, Any] = {}
        #: The first of the values that are equal to this one; for those that are known nothing of Python's is called.
        self.share: _Share = self._shared.__getitem__

    def keep(self, value: H) -> H:
        """The same, and it is remembered for longer."""
        make_room(self._kept, KEPT_LIMIT)
        found: H = self._kept.setdefault(value, value)
        return found

    def read_once(self, part: Any, read: Callable[[Any], H]) -> H:
        """What ``read`` makes of a part of a message; all parts must be of one class of the schema.

        It is asked once for parts that say the same in the fields of the schema. Unknown fields of protobuf are
        dropped: what siblings differ in (the names of mounted volumes) stands mostly there.
        """
        if isinstance(part, Message):
            part.DiscardUnknownFields()
            content = part.SerializePartialToString(deterministic=True)
        else:
            # The classes of the schema that are no structs are their attributes.
            content = msgspec.json.encode(part, enc_hook=vars)
        digest = blake2b(content, digest_size=_DIGEST).digest()
        found: H | None = self._read.get(digest)
        if found is None:
            found = self.share(read(part))
            if len(content) <= LONGEST_READ:
                make_room(self._read, READ_LIMIT)
                self._read[digest] = found
        return found


def make_room(known: dict[Any, Any], most: int) -> None:
    """Forget what came first where there is as much as that."""
    if len(known) >= most:
        for key in list(islice(known, _FORGOTTEN)):
            del known[key]
