"""Real documents as phases of instances, with a vocabulary of their own, small enough for CPU-minutes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from malmoi.instances.build import build_instances
from malmoi.instances.manifest import write_manifest
from malmoi.vocab.learn import learn_vocabulary
from malmoi.vocab.tokens import tokenize_documents

from benchmarks.vocabulary.corpus import segments
from benchmarks.vocabulary.plain_ids import settings

#: Megabytes of text of each domain and kind at most, so that court decisions are not nearly all there is.
MOST_MB = 4

#: Pieces of the vocabulary: with 32,000 the head would be most of a small model's work.
PIECES = 8000

#: The documents alternately, so that both have all domains and kinds.
HALVES = ("first", "second")
SEED = 20

PAIRS = {"kind": "nsp", "mode": "balanced", "hard_share": 0.0, "short_share": 0.1}

MASKING = {
    **{"when": "static", "unit": "morpheme", "rate": 0.15, "final_rate": None},
    **{"functional_weight": 1.0, "span_mean": 3.0},
}


def tokens(data: Path, work: Path) -> tuple[dict[str, Path], Path]:
    """Return a tokens file of each half of the documents and the tokenizer's folder; made once.

    Documents held out are those of the splits ``test`` and ``validation``, together as ``validation``.
    """
    folder = work / "documents"
    complete = folder / "complete"
    files = {half: folder / f"{half}.arrow" for half in HALVES}
    if not complete.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        make(segments(data, work), folder)
        complete.touch()
    return files, folder / "tokenizer"


def make(sources: Sequence[Path], folder: Path) -> None:
    """Sample segments files, learn a vocabulary and write the tokens files of ``tokens``."""
    folder.mkdir(parents=True)
    table = pa.concat_tables([pq.read_table(path) for path in sources])
    place = table.schema.get_field_index("split")
    split = pc.if_else(pc.equal(table["split"], "train"), "train", "validation")
    table = table.set_column(place, table.schema.field("split"), split)
    sampled = pa.concat_tables(
        _sample(
            table.filter(pc.and_(pc.equal(table["domain"], domain), pc.equal(table["kind"], kind)))
        )
        for domain, kind in sorted(
            set(zip(table["domain"].to_pylist(), table["kind"].to_pylist(), strict=True))
        )
    )
    paths = [folder / f"{half}.parquet" for half in HALVES]
    for number, path in enumerate(paths):
        pq.write_table(sampled.take(pa.array(range(number, len(sampled), len(paths)))), path)
    learned = {**settings(), "size": PIECES}
    learn_vocabulary(paths, **learned, seed=SEED, output=folder / "tokenizer")
    for path in paths:
        tokenize_documents(
            path, folder / "tokenizer", path.with_suffix(".arrow"), folder / "ledger.parquet"
        )


def phase(
    files: Sequence[Path],
    tokenizer: Path,
    folder: Path,
    *,
    length: int,
    pairs: Mapping[str, Any],
    duplicates: int,
) -> Path:
    """Build the instances of tokens files in a folder and return their manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("train", "validation"):
        build_instances(
            files,
            tokenizer / "vocab.txt",
            **{"split": split, "phase": f"l{length}", "max_seq_length": length, "seed": SEED},
            **{"pairs": pairs, "masking": MASKING, "duplicates": duplicates},
            output_path=folder / f"{split}.arrow",
            ledger_path=folder / "ledger.parquet",
            statistics_path=folder / f"{split}.json",
        )
    shards = {
        split: [(f"{split}.arrow", folder / f"{split}.json")] for split in ("train", "validation")
    }
    write_manifest(f"l{length}", shards, folder / "manifest.json")
    return folder / "manifest.json"


def _sample(table: pa.Table) -> pa.Table:
    """Return documents from all over a table, ``MOST_MB`` of text at most."""
    size = pc.sum(pc.binary_length(table["text"].cast(pa.binary()))).as_py()
    step = max(1, -(-size // int(MOST_MB * 1e6)))
    return table.take(pa.array(range(0, len(table), step)))
