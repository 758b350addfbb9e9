"""Zip archives of documents, read without trusting their names or sizes."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from malmoi.readers.record import ReadError

#: An archive may hold archives, and those no further ones.
MAX_DEPTH = 2

_UTF8_NAME = 0x800
_ENCRYPTED = 0x1


@dataclass
class Budget:
    """Bytes that one archive, with all archives in it, may still unpack to."""

    left: int

    def take(self, size: int) -> None:
        """Count ``size`` bytes.

        Raises:
            ReadError: ``too_large``.
        """
        if size > self.left:
            raise ReadError("too_large", "the archive unpacks to more than max_file_mb")
        self.left -= size


def check_size(data: bytes, budget: Budget) -> None:
    """Check the declared size of a zip that another library will unpack, such as HWPX.

    Raises:
        ReadError: ``truncated_or_damaged``, or ``too_large``.
    """
    _opened(data, budget).close()


def _opened(data: bytes, budget: Budget) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ReadError("truncated_or_damaged", f"{type(error).__name__}: {error}") from error
    if sum(info.file_size for info in archive.infolist()) > budget.left:
        raise ReadError("too_large", "the archive declares more than max_file_mb")
    return archive


def members(data: bytes, budget: Budget) -> Iterator[tuple[str, bytes | ReadError]]:
    """Yield name and bytes of each file in an archive by name, or why a file cannot be had.

    Names that are absolute or climb with ``..`` are not read. Both the declared and the actual size count
    against the budget.

    Raises:
        ReadError: ``truncated_or_damaged``, or ``too_large`` by the declared sizes.
    """
    with _opened(data, budget) as archive:
        files = sorted(
            ((_name(info), info) for info in archive.infolist() if not info.is_dir()),
            key=lambda pair: pair[0],
        )
        for name, info in files:
            try:
                yield name, _content(archive, name, info, budget)
            except ReadError as error:
                yield name, error


def _content(archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo, budget: Budget) -> bytes:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or name[1:2] == ":":
        raise ReadError("unsafe_member", "the name leads out of the archive")
    if info.flag_bits & _ENCRYPTED:
        raise ReadError("locked", "the member is encrypted")
    try:
        with archive.open(info) as file:
            content = file.read(budget.left + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise ReadError("truncated_or_damaged", f"{type(error).__name__}: {error}") from error
    budget.take(len(content))
    return content


def _name(info: zipfile.ZipInfo) -> str:
    """Return a member's name; one not marked as UTF-8 is CP949, as Korean Windows writes it."""
    name = info.orig_filename
    if not info.flag_bits & _UTF8_NAME and not name.isascii():
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("cp949")
    return name.replace("\\", "/")
