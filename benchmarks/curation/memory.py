"""Peak memory of each stage of curation on one shard of 50 MB and of 1 GB: it should hardly grow."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from malmoi import documents
from malmoi.curate.filters import ENDINGS

from benchmarks.curation.corpus_text import body, large_archive, markdown_files
from benchmarks.peak import peak_of

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"50mb": 50_000_000, "1gb": 1_000_000_000}


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return the peak of each stage at both sizes in megabytes, and the largest of all as ``peak_mb``."""
    values: dict[str, float] = {}
    for name, size in SIZES.items():
        folder = work / f"memory-{name}"
        folder.mkdir(exist_ok=True)
        write_shard(folder / "read.parquet", large_archive(data, work), size)
        for stage, function, arguments in stages(folder):
            values[f"{stage}_peak_mb_{name}"] = peak_of(
                folder / "arguments.json", function, arguments
            )
    values["peak_mb"] = max(values.values())
    return values


def stages(folder: Path) -> Iterator[tuple[str, str, dict]]:
    """Yield each stage's name, its function and what it is called with, from raw documents to splits."""
    curate = defaults("curate")
    yield (
        "normalize",
        "malmoi.text.normalize:normalize_documents",
        {
            "inputs": [folder / "read.parquet"],
            "settings": defaults("normalize"),
            "takedown": [],
            "output_path": folder / "normalized.parquet",
            "ledger_path": folder / "normalize.parquet",
            "repairs_path": folder / "repairs.parquet",
        },
    )
    yield (
        "filter",
        "malmoi.curate.filters:filter_documents",
        {
            "input_path": folder / "normalized.parquet",
            "settings": curate["filters"],
            "evaluation_sets": [],
            "output_path": folder / "filtered.parquet",
            "ledger_path": folder / "filter.parquet",
        },
    )
    yield (
        "find_duplicates",
        "malmoi.curate.duplicates:find_duplicates",
        {
            "inputs": [folder / "normalized.parquet"],
            "settings": curate["dedup"],
            "clusters_path": folder / "clusters.parquet",
            "drops_paths": [folder / "drops.parquet"],
            "digest_paths": [folder / "drops.sha256"],
        },
    )
    yield (
        "split",
        "malmoi.curate.splits:split_documents",
        {
            "input_path": folder / "normalized.parquet",
            "drops_path": folder / "drops.parquet",
            "settings": curate["split"] | curate["dedup"],
            "seed": 20,
            "output_path": folder / "curated.parquet",
            "ledger_path": folder / "deduplicate.parquet",
        },
    )


def defaults(*path: str) -> dict[str, Any]:
    """Return the settings of a section as the schema gives them."""
    text = (ROOT / "workflow" / "schemas" / "config.schema.yaml").read_text(encoding="utf-8")
    section = yaml.safe_load(text)
    for name in path:
        section = section["properties"][name]
    return {
        name: defaults(*path, name) if "properties" in value else value["default"]
        for name, value in section["properties"].items()
    }


def write_shard(path: Path, folder: Path, size: int) -> None:
    """Write documents of ``size`` bytes of text: decisions and statutes, then the same in other syllables.

    Each further copy exchanges Hangul syllables among each other, so that no copy is a duplicate.
    """
    files = markdown_files(folder)
    found = []
    written = copy = 0
    while written < size:
        syllables = exchanged(copy)
        for file in files:
            text = body(file).translate(syllables)
            found.append((documents.document_id("memory", f"{copy}/{file.name}", text), copy, file))
            written += len(text.encode())
            if written >= size:
                break
        copy += 1
    tables = [exchanged(number) for number in range(copy)]
    with documents.writing(path) as add:
        for doc_id, number, file in sorted(found):
            record = dict.fromkeys(documents.FIELDS, "")
            text = body(file).translate(tables[number])
            add(record | {"doc_id": doc_id, "group": doc_id, "text": text, "meta": "{}"})


def exchanged(copy: int) -> dict[int, str]:
    """Return which syllable stands for which in a copy; in the first each for itself."""
    if not copy:
        return {}
    common = [chr(code) for code in range(0xAC00, 0xD7A4) if chr(code) not in ENDINGS]
    common = [each for each in common if len(each.encode("euc-kr", "ignore")) == 2]
    shuffled = common.copy()
    random.Random(copy).shuffle(shuffled)
    return {ord(old): new for old, new in zip(common, shuffled, strict=True)}
