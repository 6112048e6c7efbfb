"""What ``kubectl get -o yaml`` or a support bundle wrote to files, as a filled store."""

import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import msgspec

from kubediscovery.built_in import KUBERNETES_KINDS
from kubediscovery.compact import Compactor
from kubediscovery.decoding import Decoder
from kubediscovery.documents import read_documents
from kubediscovery.errors import ConfigurationError, UpstreamError
from kubediscovery.guessing import DEFINITION, Definitions, Guess, built_in_kind, guessed
from kubediscovery.heads import Head, opened
from kubediscovery.kinds import BUILT_IN_KINDS, Kind
from kubediscovery.objects import Object
from kubediscovery.printable import printable
from kubediscovery.ripening import ripened
from kubediscovery.selection import Selection
from kubediscovery.store import Store

SUFFIXES = (".yaml", ".yml", ".json")
# Bytes of one file and of all in a directory, and how many files that may be; 10,000 pods are 70 MB of JSON.
FILE_LIMIT = 2**28
TOTAL_LIMIT = 2**31
FILES_LIMIT = 100_000
# Files that are named in the summary; of the others it gives the number.
_NAMED = 5

DecoderOf = Callable[[Kind, Compactor], Decoder]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that nothing was taken from, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What was loaded: objects by kind; what was not: kinds that are not tracked, older duplicates, and files."""

    objects: Mapping[Kind, int]
    untracked: Mapping[str, int]
    duplicates: int
    skipped: tuple[Skipped, ...]

    def lines(self) -> Iterator[str]:
        """For people, fit for a terminal."""
        yield f"loaded: {_counts(self.objects)}"
        if self.untracked:
            yield f"not tracked: {_counts(self.untracked)}"
        if self.duplicates:
            yield f"older duplicates left out: {self.duplicates}"
        if self.skipped:
            yield f"files left out: {len(self.skipped)}"
            yield from (printable(f"  {found.path}: {found.reason}") for found in self.skipped[:_NAMED])


def load_snapshot(
    path: Path, store: Store, selection: Selection | None = None, decoder_of: DecoderOf = Decoder
) -> Summary:
    """Fill the store from a file, or from all YAML and JSON files below a directory; every kind is complete then.

    The store follows the kinds that are found and selected, beside those that every cluster has. In a directory, what
    cannot be read or is not from Kubernetes is left out, and named in the summary. ``decoder_of`` is asked for a kind
    once the store follows the kinds of all files, and holds their definitions. Raises :class:`ConfigurationError` for a
    file that would be left out, and where there is no object of a tracked kind at all.
    """
    takes = (selection or Selection(exclude=())).takes
    files, skipped = _read(path)
    contents = _Contents(takes, files.kinds(), Manifests(decoder_of=decoder_of))
    store.follow(contents.followed(files.found))
    store.replace(DEFINITION, contents.definitions(files.found), 0)
    for file in files.found:
        try:
            contents.add(file)
        except ValueError as error:
            if not path.is_dir():
                raise _unusable(path, _reason(error)) from error
            skipped.append(Skipped(file.path.relative_to(path), _reason(error)))
    if not contents.objects:
        said = f"; not tracked: {_counts(contents.untracked)}" if contents.untracked else ""
        said += f"; files left out: {len(skipped)}" if skipped else ""
        raise _unusable(path, f"holds no object of a tracked kind{said}")
    store.follow(contents.taken())
    kept = fill(store, contents.objects)
    return Summary(
        objects={kind: store.count(kind) for kind in store.kinds if store.count(kind)},
        untracked=dict(sorted(contents.untracked.items())),
        duplicates=len(contents.objects) - kept,
        skipped=tuple(skipped),
    )


def _read(path: Path) -> tuple["_Files", list[Skipped]]:
    files = _Files()
    if path.is_dir():
        return files, list(files.read_directory(path))
    try:
        files.read(path)
    except (OSError, ValueError) as error:
        raise _unusable(path, _reason(error)) from error
    return files, []


def fill(store: Store, objects: Iterable[Object]) -> int:
    """Make the store hold exactly these objects, and give how many that are.

    Of those with the same name or the same UID it is the one with the highest resource version.
    """
    by_name = {(item.kind, item.namespace, item.name): item for item in sorted(objects, key=_version)}
    now = time.time()
    kept = {item.uid: ripened(item, now) for item in sorted(by_name.values(), key=_version)}
    for kind in store.kinds:
        of_kind = [item for item in kept.values() if item.kind == kind]
        store.replace(kind, of_kind, max(map(_version, of_kind), default=0))
    return len(kept)


class Manifests:
    """Decodes manifests as the caches decode kube-apiserver's answers; those of ``kinds`` without delay."""

    def __init__(self, kinds: Iterable[Kind] = (), decoder_of: DecoderOf = Decoder) -> None:
        self._compactor = Compactor()
        self._decoder_of = decoder_of
        self._decoders = {kind: decoder_of(kind, self._compactor) for kind in kinds}

    def decode(self, kind: Kind, document: bytes) -> Object:
        """The object of a JSON document; what kube-apiserver would have added to one written by hand is added.

        Raises ``ValueError`` for what is not an object of the kind.
        """
        decoder = self._decoders.get(kind)
        if decoder is None:
            decoder = self._decoders[kind] = self._decoder_of(kind, self._compactor)
        try:
            item = decoder.object(document)
        except UpstreamError as error:
            raise ValueError(f"a {kind.kind} cannot be decoded: {error.__cause__ or error}") from None
        if not item.name:
            raise ValueError(f"a {kind.kind} has no metadata.name")
        namespace = (item.namespace or "default") if kind.namespaced else ""
        uid = item.uid or str(uuid5(NAMESPACE_URL, f"kubediscovery:{kind}/{namespace}/{item.name}"))
        return msgspec.structs.replace(item, namespace=namespace, uid=uid)


@dataclass(slots=True)
class _File:
    """A file that was read: documents of built-in kinds, those that may be of custom ones, and kinds of neither."""

    path: Path
    built_in: list[tuple[Kind, bytes]] = field(default_factory=list)
    guesses: list[tuple[Guess, bytes]] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)


class _Files:
    """Reads files; a file counts whole or not at all."""

    def __init__(self) -> None:
        self._definitions = Definitions()
        self.found: list[_File] = []

    def kinds(self) -> Mapping[tuple[str, str], Kind]:
        """The custom kinds that are in the files, by group and kind."""
        guesses = (guess for file in self.found for guess, _ in file.guesses)
        return {(kind.group, kind.kind): kind for kind in self._definitions.kinds_of(guesses)}

    def read(self, path: Path) -> None:
        """Raises ``OSError`` and ``ValueError``."""
        file = _File(path)
        for document in read_documents(_content(path)):
            for head, manifest in opened(document):
                self._take(file, head, bytes(manifest))
        if not (file.built_in or file.guesses or file.unknown):
            raise ValueError("holds no Kubernetes object")
        self.found.append(file)

    def _take(self, file: _File, head: Head, manifest: bytes) -> None:
        kind = built_in_kind(head.api_version, head.kind)
        if kind is not None:
            file.built_in.append((kind, manifest))
            self._definitions.learn(kind, manifest)
        elif guess := guessed(head.api_version, head.kind, bytes(head.metadata)):
            file.guesses.append((guess, manifest))
        else:
            file.unknown[head.kind] += 1

    def read_directory(self, directory: Path) -> Iterator[Skipped]:
        """Read the files below, in the order of their names, and give what could not be read."""
        unread: list[OSError] = []
        files, total = 0, 0
        for path in _files(directory, unread):
            try:
                files, total = files + 1, total + _size(path)
                if files > FILES_LIMIT or total > TOTAL_LIMIT:
                    limit = f"{FILES_LIMIT} files or {TOTAL_LIMIT >> 20} MB"
                    raise _unusable(directory, f"holds more than {limit} of YAML and JSON")
                self.read(path)
            except (OSError, ValueError) as error:
                yield Skipped(path.relative_to(directory), _reason(error))
        yield from (Skipped(Path(error.filename).relative_to(directory), _reason(error)) for error in unread)


class _Contents:
    """What files hold, once it is known what the kinds are."""

    def __init__(
        self, takes: Callable[[Kind], bool], custom: Mapping[tuple[str, str], Kind], manifests: Manifests
    ) -> None:
        self._takes = takes
        self._custom = custom
        self._manifests = manifests
        self.objects: list[Object] = []
        self.untracked: Counter[str] = Counter()

    def definitions(self, files: Iterable[_File]) -> list[Object]:
        """The CustomResourceDefinitions in files, as far as they can be read."""
        found: list[Object] = []
        for kind, manifest in (entry for file in files for entry in file.built_in):
            if kind == DEFINITION:
                with suppress(ValueError):
                    found.append(self._manifests.decode(kind, manifest))
        return found

    def add(self, file: _File) -> None:
        """Take what is in a file; raises ``ValueError``, and then takes nothing."""
        objects = [self._manifests.decode(kind, manifest) for kind, manifest in self._documents(file)]
        # The documents of all files together may be larger than what is made of them.
        file.built_in.clear()
        file.guesses.clear()
        taken = [item for item in objects if self._takes(item.kind)]
        self.objects += taken
        self.untracked += file.unknown + Counter(item.kind.kind for item in objects if not self._takes(item.kind))

    def _documents(self, file: _File) -> Iterator[tuple[Kind, bytes]]:
        yield from file.built_in
        yield from ((self._custom[guess.group, guess.kind], manifest) for guess, manifest in file.guesses)

    def followed(self, files: Iterable[_File]) -> list[Kind]:
        """The kinds of all documents in files and those that every cluster has, in the order of the tables."""
        return self._in_order({kind for file in files for kind, _ in self._documents(file)})

    def taken(self) -> list[Kind]:
        """The same of what was taken."""
        return self._in_order({item.kind for item in self.objects})

    def _in_order(self, found: Container[Kind]) -> list[Kind]:
        wanted = (*BUILT_IN_KINDS, *(kind for kind in (*KUBERNETES_KINDS, *self._custom.values()) if kind in found))
        return [kind for kind in dict.fromkeys(wanted) if self._takes(kind)]


def _files(directory: Path, unread: list[OSError]) -> Iterator[Path]:
    """YAML and JSON files below, never through a link to another directory."""
    for folder, folders, names in os.walk(directory, onerror=unread.append):
        folders.sort()
        yield from (Path(folder, name) for name in sorted(names) if name.lower().endswith(SUFFIXES))


def _size(path: Path) -> int:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        # What a link in the directory points to is found by itself, and one out of it is none of the bundle's.
        raise ValueError("is a link or no file")
    return status.st_size


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(FILE_LIMIT + 1)
    if len(data) > FILE_LIMIT:
        raise ValueError(f"is larger than {FILE_LIMIT >> 20} MB")
    return data


def _version(item: Object) -> int:
    return item.resource_version


def _counts(numbers: Mapping[str, int] | Mapping[Kind, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in numbers.items())


def _reason(error: OSError | ValueError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _unusable(path: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(printable(f"snapshot {path}: {reason}"))
