"""What makes a start quick: while the server is away, its cluster deletes no namespace; and what a long run needs."""

import gc
import resource
import ssl
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def imported_for_good() -> Iterator[None]:
    """Look for no garbage while importing, nor among what was imported afterwards: modules stay as long as the process.

    It saves a tenth of the start, and later on every full collection the way through all modules.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def without_authorities() -> Iterator[None]:
    """TLS contexts that are made meanwhile read none of the system's authorities, and so trust nobody.

    For imports that make a context which is never used: reading all authorities takes 30 ms each time.
    """

    def read_none(_: ssl.SSLContext) -> None: ...

    ssl.SSLContext.set_default_verify_paths = read_none  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        # What was there is the method of the class above it.
        del ssl.SSLContext.set_default_verify_paths


def allow_open_files() -> None:
    """As many open files as the process may have, as Go's runtime does (src/os/rlimit.go).

    Each watch is a connection, here and at kube-apiserver, and many a shell allows no more than 1024.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
