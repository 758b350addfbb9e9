"""Believe a publish only once every file was read back and the model in them loads."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from malmoi import fingerprint
from malmoi.errors import InputError
from malmoi.progress import track
from malmoi.publish import gates
from malmoi.publish.checksums import PackageFile
from malmoi.publish.hub_repository import Repository


def read_back(repository: Repository, files: Sequence[PackageFile], revision: str) -> None:
    """Download a revision into an empty folder, compare every checksum and load the model from there.

    Loading runs in a process of its own, without malmoi and without network; a package without
    ``config.json`` (a tokenizer, a data set) is only compared.

    Raises:
        InputError: a file is not what was uploaded, or the model in the files does not load.
    """
    name = repository.calls.name
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for file in track(files, "reading back", len(files), "files"):
            copy = repository.download(file.path, revision, folder)
            if fingerprint.of_file(copy) != file.sha256:
                raise InputError(
                    f"{file.path} of {name} at {revision} is not what was uploaded; no receipt is "
                    "written. Run again, and if it stays so ask who runs the Hub"
                )
        if any(file.path == "config.json" for file in files):
            loaded = gates.loads(folder)
            if not loaded.passed:
                raise InputError(
                    f"what {name} holds at {revision} does not load: {loaded.problem}; no receipt is "
                    "written. The log of publishing says more"
                )
