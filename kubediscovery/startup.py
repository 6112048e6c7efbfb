"""What makes a start quick and small: while the server is away, its cluster deletes no namespace; and a long run."""

import asyncio
import ctypes
import gc
import importlib
import resource
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import ModuleType

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
# uvloop takes 256 KiB for each connection with TLS, of which a record fills 16 KiB: in the heap each would stay.
# What is free at the heap's end stays for the parts of a list that is written, until all that is free goes back.
_LARGE_BLOCK, _KEPT_AT_THE_END = 1 << 17, 1 << 20
# Objects that are made before the youngest are looked through: what is read of a cluster points at nothing that points
# back, and a list of it should not be looked through a hundred times. Later there are fewer, as requests wait for it.
_GARBAGE_THRESHOLD, _SETTLED_THRESHOLD = 20_000, 5_000
# Seconds between two looks at whether the caches are filled, and later on between two at what is free.
_LOOK_SECONDS, _TIDY_SECONDS = 0.1, 2.0


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
        gc.set_threshold(_GARBAGE_THRESHOLD, *gc.get_threshold()[1:])
        gc.enable()


async def keep_for_good(is_filled: Callable[[], bool]) -> None:
    """Once all is read that a cluster holds, look for no garbage in it: that would keep requests waiting.

    What the heap has free is given back to the system meanwhile, and from then on (malloc_trim(3), a fifth of a
    millisecond): each connection with TLS takes 256 KiB and uses a tenth of it, but all of it stays resident where it
    lies in what a list has used before. Never returns.
    """
    give_back = _trimmer()
    while not is_filled():
        give_back()
        await asyncio.sleep(_LOOK_SECONDS)
    gc.freeze()
    gc.set_threshold(_SETTLED_THRESHOLD, *gc.get_threshold()[1:])
    # What was read first is recorded next, by what is written in JSON.
    seconds = _LOOK_SECONDS
    while True:
        give_back()
        await asyncio.sleep(seconds)
        seconds = min(2 * seconds, _TIDY_SECONDS)


def _trimmer() -> Callable[[], object]:
    """What gives back free memory, which some C libraries do by themselves."""
    try:
        return partial(ctypes.CDLL(None).malloc_trim, 0)
    except (AttributeError, OSError):
        return lambda: None


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


@contextmanager
def put_off(module: str, *called: str) -> Iterator[None]:
    """Whoever imports the module meanwhile gets one that imports it when something in it is first used.

    What is ``called`` can be imported from it by name, and imports it when it is.
    """
    if module in sys.modules:
        yield
        return
    stub = ModuleType(module)
    vars(stub)["__getattr__"] = partial(_get, module)
    for name in called:
        vars(stub)[name] = partial(_call, module, name)
    sys.modules[module] = stub
    try:
        yield
    finally:
        del sys.modules[module]


def _get(module: str, name: str) -> object:
    if name.startswith("__"):
        # The import system itself looks for a path of packages, while the stub is all there is.
        raise AttributeError(name)
    return getattr(importlib.import_module(module), name)


def _call(module: str, name: str, *arguments: object, **named: object) -> object:
    return getattr(importlib.import_module(module), name)(*arguments, **named)


def give_back_large_blocks() -> None:
    """Whatever is freed of 128 KiB and more goes back to the system at once (mallopt(3), M_MMAP_THRESHOLD).

    glibc would soon keep such blocks, of which pages of a list and the buffers of TLS connections are made, among
    smaller ones that stay, and 10 MB with them. It would also keep some for each thread, of which one runs at a time.
    Other C libraries are left as they are.
    """
    with suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
        libc.mallopt(_M_TRIM_THRESHOLD, _KEPT_AT_THE_END)
        libc.mallopt(_M_ARENA_MAX, 1)


def allow_open_files() -> None:
    """As many open files as the process may have, as Go's runtime does (src/os/rlimit.go).

    Each watch is a connection, here and at kube-apiserver, and many a shell allows no more than 1024.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
