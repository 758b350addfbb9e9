"""The package's own list of what belongs to it: ``SHA256SUMS``, readable by ``sha256sum --check``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from malmoi import fingerprint
from malmoi.atomic import write_text
from malmoi.errors import InputError

NAME = "SHA256SUMS"


@dataclass(frozen=True)
class PackageFile:
    """One file of a package: its path inside the package, sha256 (hexadecimal) and size in bytes."""

    path: str
    sha256: str
    size: int


def write(folder: Path) -> None:
    """Write ``SHA256SUMS`` over every file now in ``folder``, sorted by path."""
    paths = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    lines = [f"{fingerprint.of_file(folder / path)}  {path}\n" for path in paths if path != NAME]
    write_text(folder / NAME, "".join(lines))


def parse(text: str) -> dict[str, str]:
    """Return sha256 by path from the text of a ``SHA256SUMS`` file.

    Raises:
        InputError: a line is not of the form "sha256, two spaces, relative path without dot names".
    """
    sums = {}
    for line in text.splitlines():
        digest, _, path = line.partition("  ")
        parts = PurePosixPath(path).parts
        if len(digest) != 64 or not parts or any(part.startswith((".", "/")) for part in parts):
            raise InputError(f"{NAME}: {line!r} is not a checksum line; build the package again")
        sums[path] = digest
    return sums


def read(folder: str | Path) -> list[PackageFile]:
    """Return the files of a package, ``SHA256SUMS`` last, after hashing each of them again.

    Other files in the folder (a ``.snakemake_timestamp``, say) are no part of the package.

    Raises:
        InputError: a file is missing, a symbolic link, or not what was packaged.
    """
    folder = Path(folder)
    if not (folder / NAME).is_file():
        raise InputError(
            f"{folder} has no {NAME}; it is not a finished package, run the package step"
        )
    files = []
    for path, digest in sorted(parse((folder / NAME).read_text(encoding="utf-8")).items()):
        file = folder / path
        if file.is_symlink() or not file.is_file():
            raise InputError(f"{file} is missing or a link; build the package again")
        if fingerprint.of_file(file) != digest:
            raise InputError(f"{file} was changed after packaging; build the package again")
        files.append(PackageFile(path, digest, file.stat().st_size))
    own = folder / NAME
    files.append(PackageFile(NAME, fingerprint.of_file(own), own.stat().st_size))
    return files
