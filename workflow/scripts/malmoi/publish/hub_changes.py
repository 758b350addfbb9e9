"""What a publish changes in a repository: which files go up, which go, which stay."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from malmoi.publish.checksums import PackageFile


@dataclass(frozen=True)
class HubFile:
    """A file of a revision: ``checksum`` is the sha256 of a file in Git LFS, Git's sha1 of any other."""

    checksum: str
    size: int


@dataclass(frozen=True)
class Changes:
    """The difference between a revision and a package; false where there is none."""

    upload: tuple[PackageFile, ...]
    delete: tuple[str, ...]
    keep: tuple[PackageFile, ...]

    def __bool__(self) -> bool:
        return bool(self.upload or self.delete)


def compare(there: Mapping[str, HubFile], package: Path, files: Sequence[PackageFile]) -> Changes:
    """Return what brings a revision that holds ``there`` to exactly ``files`` of ``package``."""
    keep = [file for file in files if _is_same(there.get(file.path), package, file)]
    kept = {file.path for file in keep}
    return Changes(
        upload=tuple(file for file in files if file.path not in kept),
        delete=tuple(sorted(set(there) - {file.path for file in files})),
        keep=tuple(keep),
    )


def _is_same(found: HubFile | None, package: Path, file: PackageFile) -> bool:
    if found is None or found.size != file.size:
        return False
    if len(found.checksum) == 64:
        return found.checksum == file.sha256
    blob = hashlib.sha1(b"blob %d\0" % file.size)
    with open(package / file.path, "rb") as content:
        while chunk := content.read(1 << 20):
            blob.update(chunk)
    return found.checksum == blob.hexdigest()
