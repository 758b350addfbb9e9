"""Real documents as the tokens files that the instances are made from, with a vocabulary of their own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from malmoi.vocab.learn import learn_vocabulary
from malmoi.vocab.tokens import tokenize_documents

from benchmarks.vocabulary import corpus
from benchmarks.vocabulary.plain_ids import settings

#: Megabytes of training documents from each of the four segments files.
SAMPLE_MB = 8

SEED = 20


def tokens(data: Path, work: Path) -> tuple[list[Path], Path]:
    """Return tokens files of a sample of all sources, every seventh or so, and the tokenizer's folder.

    Made anew where the segments files have changed.
    """
    segments = corpus.segments(data, work)
    folder = work / "tokens"
    state = json.dumps([[str(path), path.stat().st_mtime_ns, SAMPLE_MB] for path in segments])
    complete = folder / "complete"
    files = [folder / f"{path.stem}.arrow" for path in segments]
    if not complete.is_file() or complete.read_text() != state:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        samples = [_sample(path, folder / path.name) for path in segments]
        learn_vocabulary(samples, **settings(), seed=SEED, output=folder / "tokenizer")
        for path, output in zip(samples, files, strict=True):
            tokenize_documents(path, folder / "tokenizer", output, folder / "ledger.parquet")
        complete.write_text(state)
    return files, folder / "tokenizer"


def _sample(source: Path, output: Path) -> Path:
    """Write training documents from all over a segments file, about ``SAMPLE_MB`` of text."""
    table = pq.read_table(source)
    table = table.filter(pc.equal(table["split"], "train"))
    sizes = pc.binary_length(table["text"].cast(pa.binary())).to_numpy()
    step = max(1, round(sizes.sum() / (SAMPLE_MB * 1e6)))
    pq.write_table(table.take(pa.array(range(0, len(table), step))), output)
    return output
