"""Where one event of a watch ends and the next begins, in either encoding."""

from collections.abc import Iterator

from kubediscovery.errors import UpstreamError

# An object is at most 3 MiB at kube-apiserver's door; a longer frame is garbage.
FRAME_LIMIT = 16 * 2**20


class Frames:
    """Splits at four bytes of big-endian length (k8s.io/apimachinery, pkg/util/framer/framer.go)."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The frames that are complete; raises :class:`UpstreamError` for one that is too long."""
        buffer = self._buffer
        buffer += chunk
        while len(buffer) >= 4:
            length = int.from_bytes(buffer[:4], "big")
            if length > FRAME_LIMIT:
                raise UpstreamError(f"a watch sent a frame of {length} bytes")
            if len(buffer) < 4 + length:
                return
            frame = bytes(buffer[4 : 4 + length])
            del buffer[: 4 + length]
            yield frame


class Lines:
    """Splits at line ends."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that are complete; raises :class:`UpstreamError` for one that is too long."""
        self._buffer += chunk
        *lines, rest = bytes(self._buffer).split(b"\n")
        if len(rest) > FRAME_LIMIT:
            raise UpstreamError(f"a watch sent a line of over {FRAME_LIMIT} bytes")
        self._buffer = bytearray(rest)
        yield from filter(None, lines)
