"""What was found lately, so that it need not be found again for every request."""

from collections import OrderedDict
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(OrderedDict[Key, Value]):
    """A dict of at most ``most`` entries: what was kept first goes first.

    Finding is a dict's own: an order by use, as in an LRU cache of cachetools, would cost ten times as much.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def keep(self, key: Key, value: Value) -> None:
        """Put the entry behind all others."""
        self[key] = value
        self.move_to_end(key)
        if len(self) > self._most:
            self.popitem(last=False)
