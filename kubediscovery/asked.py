"""What is looked at of a request to tell what it asks for: its query, and the lines of its head that answers depend on.

Who asks for the same has the same of these, so what was read of a short one is kept for the next who sends it.
"""

from collections.abc import Iterable

from kubediscovery.negotiation import READ_HEADERS

# Requests whose parts are short, and so may be sent by others too, and bytes of what is short.
KEPT, LONGEST_KEPT = 512, 1_024
_SAID = READ_HEADERS | {b"if-none-match"}

Lines = tuple[tuple[bytes, bytes], ...]


def said_in(headers: Iterable[tuple[bytes, bytes]]) -> Lines:
    """The lines of the head that say something of the answer."""
    return tuple([line for line in headers if line[0] in _SAID])


def length_of(said: Lines) -> int:
    """Bytes of what the lines say."""
    return sum([len(value) for _, value in said])
