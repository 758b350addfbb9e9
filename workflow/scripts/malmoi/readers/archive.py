"""Archives and compressed files, read without trusting their names, sizes or what is in them.

Everything that unpacks counts against one budget of bytes; nothing is unpacked that the budget does not
hold, and no member is written to disk.
"""

from __future__ import annotations

import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import zstandard

from malmoi.readers.record import ReadError

#: An archive may hold archives, and those no further ones. A compressed tar file is one archive.
MAX_DEPTH = 2

#: Most bytes of a zip's directory, which zipfile turns into objects of some ten times its size.
_LONGEST_DIRECTORY = 32_000_000

#: Bytes decompressed in one step: a kilobyte of zstd can stand for 32 MB.
_STEP = 1024
_BUFFER = 1 << 16

_UTF8_NAME = 0x800
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FAILURES = (zipfile.BadZipFile, tarfile.TarError, zlib.error, zstandard.ZstdError)

#: A member's name, and its bytes or why it cannot be had.
Member = tuple[str, bytes | ReadError]


@dataclass
class Budget:
    """Bytes that one file, with all archives in it, may still unpack to."""

    left: int

    def take(self, size: int) -> None:
        """Count ``size`` bytes.

        Raises:
            ReadError: ``too_large``.
        """
        if size > self.left:
            raise ReadError("too_large", "the archive unpacks to more than max_file_mb")
        self.left -= size


class _Unpacked(io.RawIOBase):
    """The decompressed bytes of a gzip or zstd file, all frames of it, counted against a budget.

    Reading raises ReadError: ``too_large``, or ``truncated_or_damaged`` for bytes that do not decompress
    or that end inside a frame.
    """

    def __init__(self, file: BinaryIO, engine: Callable[[], Any], budget: Budget) -> None:
        self._file = file
        self._make = engine
        self._engine = engine()
        self._budget = budget
        self._waiting = b""
        self._ready = memoryview(b"")
        self._inside = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as there are bytes, and return their number."""
        filled = 0
        while filled < len(buffer) and (self._ready or self._unpack()):
            size = min(len(buffer) - filled, len(self._ready))
            buffer[filled : filled + size] = self._ready[:size]
            self._ready = self._ready[size:]
            filled += size
        return filled

    def _unpack(self) -> bool:
        """Make the next bytes ready; tell whether there are any."""
        while not self._ready:
            chunk = self._waiting or self._file.read(_STEP)
            self._waiting = b""
            if not chunk and self._inside:
                raise ReadError("truncated_or_damaged", "the compressed data end too early")
            if not chunk:
                return False
            if not self._inside:
                # Between frames: what pads a file to the size of a tape's block is zeros.
                chunk = chunk.lstrip(b"\0")
                if not chunk:
                    continue
                self._engine, self._inside = self._make(), True
            try:
                content = self._engine.decompress(chunk)
            except (zlib.error, zstandard.ZstdError) as error:
                raise ReadError("truncated_or_damaged", f"{error}") from error
            self._budget.take(len(content))
            self._ready = memoryview(content)
            if self._engine.eof:
                self._waiting, self._inside = self._engine.unused_data, False
        return True


_ENGINES: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
}

#: Kinds of compressed files, which hold one file or a tar archive.
COMPRESSED = tuple(_ENGINES)


def container_of(head: bytes) -> str:
    """Return ``zip``, ``tar``, ``gzip`` or ``zstd`` by a file's first 512 bytes, or nothing."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return "zip"
    if head.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return "zstd"
    return "tar" if head[257:262] == b"ustar" else ""


def decompressed(file: BinaryIO, kind: str, budget: Budget) -> io.BufferedReader:
    """Return the content of a compressed file of that kind, to be read from its start."""
    return io.BufferedReader(_Unpacked(file, _ENGINES[kind], budget), _BUFFER)


def opened(file: BinaryIO, budget: Budget) -> zipfile.ZipFile:
    """Return a zip file whose declared sizes the budget holds.

    Raises:
        ReadError: ``truncated_or_damaged``, or ``too_large``.
    """
    if _directory_size(file) > _LONGEST_DIRECTORY:
        raise ReadError("too_large", "the archive lists too many members")
    try:
        archive = zipfile.ZipFile(file)
    except (*_FAILURES, ValueError, NotImplementedError, struct.error, OSError) as error:
        raise ReadError("truncated_or_damaged", f"{type(error).__name__}: {error}") from error
    if sum(info.file_size for info in archive.infolist()) > budget.left:
        raise ReadError("too_large", "the archive declares more than max_file_mb")
    return archive


def check_size(data: bytes, limit: int) -> None:
    """Check the declared size of a zip that another library will unpack, such as HWPX.

    Raises:
        ReadError: ``truncated_or_damaged``, or ``too_large``.
    """
    if data.startswith(b"PK"):
        opened(io.BytesIO(data), Budget(limit)).close()


def _directory_size(file: BinaryIO) -> int:
    """Return the bytes of a zip's directory as its last record tells, 0 where there is none."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 66_000))
    tail = file.read()
    wide, end = tail.rfind(b"PK\x06\x06"), tail.rfind(b"PK\x05\x06")
    told = 0
    if end >= 0 and len(tail) >= end + 16:
        told = int.from_bytes(tail[end + 12 : end + 16], "little")
    if wide >= 0 and told == 0xFFFFFFFF:
        told = int.from_bytes(tail[wide + 40 : wide + 48], "little")
    return min(told, size)


def zip_members(file: BinaryIO, budget: Budget) -> Iterator[Member]:
    """Yield name and bytes of each file in a zip archive by name, or why a file cannot be had.

    Both the declared and the actual size count against the budget.

    Raises:
        ReadError: ``truncated_or_damaged``, or ``too_large`` by the declared sizes.
    """
    with opened(file, budget) as archive:
        files = sorted(
            ((_zip_name(info), info) for info in archive.infolist() if not info.is_dir()),
            key=lambda pair: pair[0],
        )
        for name, info in files:
            try:
                yield name, zip_content(archive, name, info, budget)
            except ReadError as error:
                yield name, error


def zip_content(
    archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo, budget: Budget
) -> bytes:
    """Return the bytes of a zip's member, counted against the budget; ``name`` is the member's as it is told.

    Raises:
        ReadError: ``unsafe_member``, ``locked``, ``unsupported_format``, ``truncated_or_damaged`` or
            ``too_large``.
    """
    _check_name(name)
    if stat.S_ISLNK(info.external_attr >> 16):
        raise ReadError("unsafe_member", "a link")
    if info.flag_bits & _ENCRYPTED:
        raise ReadError("locked", "the member is encrypted")
    if info.compress_type not in _METHODS:
        # zipfile's bz2 and LZMA unpack without a limit; later methods it does not know.
        raise ReadError("unsupported_format", f"zip compression method {info.compress_type}")
    try:
        with archive.open(info) as file:
            # No more than is declared, or a member that lies would unpack far beyond it.
            content = file.read(min(info.file_size, budget.left) + 1)
    except (*_FAILURES, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise ReadError("truncated_or_damaged", f"{type(error).__name__}: {error}") from error
    budget.take(len(content))
    return content


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Return a member's name; one not marked as UTF-8 is CP949, as Korean Windows writes it."""
    name = info.orig_filename
    if not info.flag_bits & _UTF8_NAME and not name.isascii():
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("cp949")
    return name.replace("\\", "/")


def tar_members(file: BinaryIO) -> Iterator[Member]:
    """Yield name and bytes of each file in a tar archive in its order, or why a file cannot be had.

    The archive is read from front to back, one member in memory at a time. What it unpacks to is what the
    file itself holds, so that only the caller's file need be within the budget.

    Raises:
        ReadError: ``truncated_or_damaged``, also where the archive ends without its end mark.
    """
    try:
        # A stream is never sought backwards, so that an offset in a header cannot make a loop.
        with tarfile.open(
            fileobj=file, mode="r|", tarinfo=_TarHeader, errors="surrogateescape"
        ) as archive:
            while (info := archive.next()) is not None:
                # The list of members would grow with the archive.
                archive.members.clear()
                if info.isdir():
                    continue
                name = _tar_name(info.name)
                try:
                    yield name, _tar_content(archive, name, info)
                except ReadError as error:
                    if error.reason != "unsafe_member":
                        raise
                    yield name, error
    except (*_FAILURES, EOFError, OSError, ValueError, OverflowError) as error:
        raise ReadError("truncated_or_damaged", f"{type(error).__name__}: {error}") from error
    if not getattr(archive, "has_ended", False):
        raise ReadError("truncated_or_damaged", "a header is damaged or there is no end mark")
    while rest := file.read(_BUFFER):
        if rest.strip(b"\0"):
            raise ReadError("truncated_or_damaged", "there is more after the archive's end mark")


class _TarHeader(tarfile.TarInfo):
    """A header that notes the end mark: tarfile itself takes a damaged header for the end."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> _TarHeader:
        """Return the next header of an archive."""
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:
            archive.has_ended = True
            raise


def _tar_content(archive: tarfile.TarFile, name: str, info: tarfile.TarInfo) -> bytes:
    _check_name(name)
    if info.issparse() or not info.isreg():
        raise ReadError("unsafe_member", "a link, a device or a file with holes")
    file = archive.extractfile(info)
    content = file.read() if file else b""
    if len(content) != info.size:
        raise ReadError("truncated_or_damaged", f"{name} ends too early")
    return content


def _tar_name(name: str) -> str:
    """Return a member's name; one that is not UTF-8 is CP949, as old Korean systems write it."""
    with suppress(UnicodeError):
        raw = name.encode("utf-8", "surrogateescape")
        with suppress(UnicodeError):
            return raw.decode("utf-8")
        return raw.decode("cp949")
    return name


def _check_name(name: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or name[1:2] == ":":
        raise ReadError("unsafe_member", "the name leads out of the archive")
