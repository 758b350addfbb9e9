"""Where all models of a run come from, in one file of digests, settings and versions."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import malmoi
from malmoi import fingerprint
from malmoi.atomic import write_json
from malmoi.errors import InputError
from malmoi.publish import checksums
from malmoi.publish.measures import read_json

#: Files of a package that are not what the model is: they tell of it, and of how long things took.
TELLING = ("README.md", "gates.json", "loss.png", "provenance.json")


def write_provenance(
    path: str | Path,
    *,
    sources: Mapping[str, Sequence[str | Path]],
    comparison: str | Path,
    packages: Mapping[str, str | Path],
) -> None:
    """Write the provenance of a run as JSON; two runs to the same models write the same.

    ``sources`` names for each source the files with the digests of the documents that were read from it, in a
    fixed order; ``comparison`` is the table of all evaluations; ``packages`` are folders that
    ``build_package`` wrote, by experiment. What is large was hashed when it was packaged, and is read from
    there: a package that was changed since is found when it is published.

    Keys: ``malmoi`` (version), ``commit`` (see ``commit``), ``sources`` (sha256 of the digests), ``comparison``
    (sha256), and for each of ``experiments``: ``config`` with ``config_fingerprint``, ``training_fingerprint``,
    ``code`` by room, ``libraries``, ``python``, ``shards`` of instances, ``inputs`` (the ledger's summary,
    manifests, evaluations) and ``files`` of the model, each with its sha256.

    Raises:
        InputError: a package lacks its provenance or its checksums.
    """
    write_json(
        path,
        {
            "malmoi": malmoi.__version__,
            "commit": commit(fingerprint.LIBRARY.parents[1]),
            "sources": {
                name: fingerprint.of_value(
                    [Path(each).read_text("ascii").strip() for each in files]
                )
                for name, files in sources.items()
            },
            "comparison": fingerprint.of_file(comparison),
            "experiments": {name: _experiment(Path(each)) for name, each in packages.items()},
        },
    )


def _experiment(package: Path) -> dict[str, Any]:
    for name in ("provenance.json", checksums.NAME):
        if not (package / name).is_file():
            raise InputError(f"{package} has no {name}; build the package again")
    origin = read_json(package / "provenance.json")
    training = origin.pop("training")
    sums = checksums.parse((package / checksums.NAME).read_text(encoding="utf-8"))
    return {
        **origin,
        "training_fingerprint": training.get("fingerprint", ""),
        "files": {name: digest for name, digest in sums.items() if name not in TELLING},
    }


def commit(folder: Path) -> str | None:
    """Return the last commit that changed the code in a clone of malmoi.

    None where there is no clone or no git, or where the code is not what was committed: ``code`` of each
    experiment tells it apart even then.
    """
    code = ("Snakefile", "workflow", "envs")
    try:
        changes = _git(folder, "status", "--porcelain", "--", *code)
        return None if changes else _git(folder, "log", "-1", "--format=%H", "--", *code) or None
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
