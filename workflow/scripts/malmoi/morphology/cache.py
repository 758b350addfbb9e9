"""What is known of blocks by the hash of their content: from this run, and from the last one on disk.

The file holds the contents one after the other, an index sorted by hash, the identity of the analyzer that
made them, and sizes and checksums, so that a torn, foreign or outdated file is told from a good one. Contents
stay on disk: memory is 40 bytes an entry. A run reads the old file and writes a new one in its place, which
holds what that run has asked for or put in, and nothing else.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import numpy as np

from malmoi.atomic import replacing
from malmoi.fingerprint import canonical
from malmoi.progress import LOG

#: Bytes of a hash: with 2**32 different blocks, two with one hash have a chance of 3e-20.
KEY_BYTES = 16

_ENTRY = np.dtype(
    [("high", "<u8"), ("low", "<u8"), ("offset", "<u8"), ("length", "<u4"), ("checksum", "<u4")]
)
_MAGIC = b"malmoi blocks 1\n"
#: Number of entries, bytes of the identity, checksum of both, and the magic bytes again.
_FOOTER = struct.Struct("<QQI16s")


def key(content: str, purpose: bytes = b"") -> bytes:
    """Return the hash that ``content`` is known by, apart for each ``purpose`` of up to 16 bytes."""
    return blake2b(content.encode("utf-8"), digest_size=KEY_BYTES, person=purpose).digest()


class Cache:
    """Contents by key, of this run and of the file the last run left; made by :func:`opened`.

    ``reused`` counts those taken over from the latter.
    """

    def __init__(self, file: BinaryIO, old: _File | None) -> None:
        self._file = file
        self._end = len(_MAGIC)
        self._index = _Index()
        self._old = old
        self.reused = 0

    def get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return what is known by each of the distinct ``keys``, None where nothing is."""
        wanted = _numbers(keys)
        found = [
            None if entry is None else _read(self._file, entry)
            for entry in self._index.find(wanted)
        ]
        if self._old is None:
            return found
        missing = [place for place, content in enumerate(found) if content is None]
        if missing:
            kept = {
                place: content
                for place, entry in zip(missing, self._old.index.find(wanted[missing]), strict=True)
                if entry is not None and (content := self._old.read(entry)) is not None
            }
            self.put([keys[place] for place in kept], list(kept.values()))
            self.reused += len(kept)
            for place, content in kept.items():
                found[place] = content
        return found

    def put(self, keys: Sequence[bytes], contents: Sequence[bytes]) -> None:
        """Make each of ``contents`` known by its key."""
        if not keys:
            return
        entries = np.empty(len(keys), dtype=_ENTRY)
        numbers = _numbers(keys)
        entries["high"], entries["low"] = numbers[:, 0], numbers[:, 1]
        entries["length"] = [len(content) for content in contents]
        entries["checksum"] = [zlib.crc32(content) for content in contents]
        ends = self._end + np.cumsum(entries["length"], dtype=np.uint64)
        entries["offset"] = ends - entries["length"]
        self._file.write(b"".join(contents))
        self._file.flush()
        self._end = int(ends[-1])
        self._index.add(entries)

    def finish(self, identity: bytes) -> None:
        """Write index, identity and footer behind the contents."""
        entries = self._index.entries()
        index = entries.tobytes()
        self._file.write(index)
        self._file.write(identity)
        checksum = zlib.crc32(identity, zlib.crc32(index))
        self._file.write(_FOOTER.pack(len(entries), len(identity), checksum, _MAGIC))


@contextmanager
def opened(path: str | Path, identity: object) -> Iterator[Cache]:
    """Yield the cache in ``path``, which is replaced when the block succeeds.

    A file whose analyzer is not the one of ``identity`` (a JSON-like value), or that is not whole, is passed
    over with a line in the log. The file belongs to one process at a time.
    """
    name = canonical(identity).encode("utf-8")
    old = _File.open(Path(path), name)
    try:
        with replacing(path) as temporary, temporary.open("w+b") as file:
            file.write(_MAGIC)
            cache = Cache(file, old)
            yield cache
            cache.finish(name)
    finally:
        if old is not None:
            old.file.close()


class _File:
    """A finished file, its index in memory."""

    def __init__(self, file: BinaryIO, entries: np.ndarray) -> None:
        self.file = file
        self.index = _Index()
        self.index.add(entries)

    @classmethod
    def open(cls, path: Path, identity: bytes) -> _File | None:
        """Return the file of ``path``, or None where there is none that is whole and of ``identity``."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return None
        entries, trouble = _entries(file, identity)
        if entries is None:
            LOG.info("%s: %s; it is replaced", path, trouble)
            file.close()
            return None
        return cls(file, entries)

    def read(self, entry: tuple[int, int, int]) -> bytes | None:
        """Return an entry's content, or None where it is not what was written."""
        content = _read(self.file, entry)
        return content if zlib.crc32(content) == entry[2] else None


def _entries(file: BinaryIO, identity: bytes) -> tuple[np.ndarray | None, str]:
    """Return a file's index, or None and what is wrong with the file."""
    size = os.fstat(file.fileno()).st_size
    foreign = "is no cache of this version, or not whole"
    if size < len(_MAGIC) + _FOOTER.size or file.read(len(_MAGIC)) != _MAGIC:
        return None, foreign
    file.seek(size - _FOOTER.size)
    count, length, checksum, magic = _FOOTER.unpack(file.read(_FOOTER.size))
    start = size - _FOOTER.size - length - count * _ENTRY.itemsize
    if magic != _MAGIC or start < len(_MAGIC):
        return None, foreign
    file.seek(start)
    index = file.read(count * _ENTRY.itemsize)
    name = file.read(length)
    if zlib.crc32(name, zlib.crc32(index)) != checksum:
        return None, foreign
    if name != identity:
        return None, "was made by another analyzer or dictionary"
    return np.frombuffer(index, dtype=_ENTRY), ""


def _read(file: BinaryIO, entry: tuple[int, int, int]) -> bytes:
    offset, length, _ = entry
    return os.pread(file.fileno(), length, offset)


def _numbers(keys: Sequence[bytes]) -> np.ndarray:
    """Return keys as uint64 [K, 2]."""
    return np.frombuffer(b"".join(keys), dtype="<u8").reshape(-1, 2)


class _Index:
    """Entries in runs that are each sorted, every run less than half as long as the one before it."""

    def __init__(self) -> None:
        # The first halves of the keys lie apart: numpy searches a column of records by copying it.
        self._runs: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, entries: np.ndarray) -> None:
        """Add entries with keys that are not there yet."""
        while self._runs and 2 * len(entries) >= len(self._runs[-1][1]):
            entries = np.concatenate([self._runs.pop()[1], entries])
        entries = entries[np.argsort(entries["high"], kind="stable")]
        self._runs.append((entries["high"].copy(), entries))

    def find(self, keys: np.ndarray) -> list[tuple[int, int, int] | None]:
        """Return offset, length and checksum of each key, uint64 [K, 2], None where it is not there.

        Of keys that are alike in their first half only one is found.
        """
        found: list[tuple[int, int, int] | None] = [None] * len(keys)
        high, low = keys[:, 0].copy(), keys[:, 1]
        for highs, entries in self._runs:
            if not len(highs):
                continue
            places = np.minimum(np.searchsorted(highs, high), len(highs) - 1)
            same = np.flatnonzero((highs[places] == high) & (entries["low"][places] == low))
            if len(same):
                values = entries[["offset", "length", "checksum"]][places[same]].tolist()
                for place, value in zip(same.tolist(), values, strict=True):
                    found[place] = value
        return found

    def entries(self) -> np.ndarray:
        """Return all entries, sorted by the first half of their keys."""
        if not self._runs:
            return np.zeros(0, dtype=_ENTRY)
        entries = np.concatenate([entries for _, entries in self._runs])
        return entries[np.argsort(entries["high"], kind="stable")]
