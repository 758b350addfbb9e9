"""What a user needs to part text as the corpus of a `segmented` model was: modules and dictionaries."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from malmoi import fingerprint
from malmoi.atomic import write_text

FOLDER = "segmentation"
_ROOM = fingerprint.LIBRARY / "malmoi" / "morphology"


def copy_segmentation(
    folder: Path, settings: Mapping[str, Any], segments: Sequence[Path]
) -> dict[str, Any] | None:
    """Copy what parts text into morphemes to ``folder``/segmentation and return what the card says of it.

    ``settings`` is the configuration's ``segment``; nothing is copied, and None returned, where its ``input``
    is ``raw``. The modules are those that :mod:`malmoi.morphology.segmented` imports. The analyzer's version
    is the one that ``segments`` (the shards) were made by.
    """
    if settings.get("input", "raw") == "raw":
        return None
    target = folder / FOLDER
    files = fingerprint.with_imports(_ROOM / "segmented.py") | set((_ROOM / "terms").iterdir())
    for path in sorted(files):
        place = target / path.relative_to(fingerprint.LIBRARY)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    dictionaries = []
    for number, path in enumerate(settings.get("dictionaries", ())):
        # Of the user's file names only the kind is kept.
        name = f"{FOLDER}/dictionaries/{number:02d}{Path(path).suffix}"
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(path, folder / name)
        dictionaries.append(name)
    made_by = json.loads(pq.read_schema(segments[0]).metadata[b"malmoi.analyzer"])
    packages = [f"{name}=={made_by[name]}" for name in ("kiwipiepy", "kiwipiepy_model")]
    write_text(target / "requirements.txt", "\n".join([*packages, "numpy", "pyarrow", "tqdm", ""]))
    return {
        "dictionaries": dictionaries,
        "terms": list(settings["terms"]),
        "patterns": settings["patterns"],
    }
