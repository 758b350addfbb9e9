"""Look for evaluated items in the training text by other means than malmoi's own, which left them out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from benchmarks.evaluation.items import CASES

#: Characters of an n-gram, white space aside; those in more documents are set phrases and tell nothing.
NGRAM, COMMON = 30, 10

#: Share of an item's n-grams from which a document holds it.
SHARE = 0.2

#: Sets by task, as files of `items.write_items` have their texts.
TEXTS = {**dict.fromkeys(CASES, ("text",)), "klue_sts": ("sentence1", "sentence2")}

#: Odd, so that it has an inverse modulo 2**64 and sums of powers make rolling hashes.
_BASE = 0x9E3779B97F4A7C15
_SPREAD = np.uint64(0x2545F4914F6CDD1D)


def overlaps(items: Path, results: Path, numbers: Mapping[str, str]) -> pd.DataFrame:
    """Return the training documents that share anything telling with an evaluated item, the nearest first.

    ``numbers`` are case numbers by serial number. A document is ``contaminated`` when it has an item's serial
    or case number, or ``SHARE`` of the ``NGRAM``-grams of one, those in more than ``COMMON`` training
    documents aside. Rows have ``doc_id, raw_path, number, item, share, ngrams, contaminated``.
    """
    texts = list(_texts(items))
    known = _case_ids(items, numbers)
    grams = [_ngrams(text) for _, text in texts]
    table = np.unique(np.concatenate(grams))
    documents, documents_with = [], np.zeros(len(table), np.int64)
    for document in _training(results):
        places = np.flatnonzero(np.isin(table, _ngrams(document["text"]), assume_unique=True))
        documents_with[places] += 1
        number = next((known[name] for name in _numbers(document) if name in known), "")
        if len(places) or number:
            documents.append((document["doc_id"], document["raw_path"], number, places))
    telling = documents_with <= COMMON
    owners = np.repeat(np.arange(len(grams)), [len(found) for found in grams])
    places_of = np.searchsorted(table, np.concatenate(grams))
    order = np.argsort(places_of, kind="stable")
    owners, starts = owners[order], np.searchsorted(places_of[order], np.arange(len(table) + 1))
    rows = []
    for name, path, number, places in documents:
        held = [owners[starts[at] : starts[at + 1]] for at in places[telling[places]]]
        found, counts = np.unique(np.concatenate([[], *held]).astype(int), return_counts=True)
        shares = counts / [len(grams[at]) for at in found]
        best = int(np.argmax(shares)) if len(found) else None
        share = 0.0 if best is None else float(shares[best])
        if number or share:
            item = "" if best is None else texts[found[best]][0]
            held_by = 0 if best is None else int(counts[best])
            contaminated = bool(number) or share >= SHARE
            rows.append((name, path, number, item, share, held_by, contaminated))
    columns = ["doc_id", "raw_path", "number", "item", "share", "ngrams", "contaminated"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values(["contaminated", "share", "doc_id"], ascending=[False, False, True])


def _texts(items: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each evaluated item that has an n-gram."""
    found = []
    for name, columns in TEXTS.items():
        path = next(items.glob(f"{name}_test.json*"))
        content = path.read_text("utf-8")
        rows = (
            json.loads(content) if path.suffix == ".json" else map(json.loads, content.splitlines())
        )
        for row in rows:
            found += [(f"{name}: {row.get('id', row.get('guid'))}", row[each]) for each in columns]
    sentences = (items / "klue_ner_test.tsv").read_text("utf-8").split("\n\n")
    for number, lines in enumerate(sentences):
        tagged = [line for line in lines.split("\n") if line and not line.startswith("##")]
        found.append((f"klue_ner: {number}", "".join(line[0] for line in tagged)))
    yield from ((name, text) for name, text in found if len("".join(text.split())) >= NGRAM)


def _case_ids(items: Path, numbers: Mapping[str, str]) -> dict[str, str]:
    """Return what a document may be numbered by, with the item's name: serial and case numbers."""
    known = {}
    for name in CASES:
        for line in (items / f"{name}_test.jsonl").read_text("utf-8").splitlines():
            serial = json.loads(line)["id"]
            known |= {key: f"{name}: {serial}" for key in (serial, numbers.get(serial)) if key}
    return known


def _training(results: Path) -> Iterator[dict[str, str]]:
    columns = ["doc_id", "raw_path", "group", "meta", "split", "text"]
    for path in sorted((results / "curated").glob("*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(256, columns=columns):
            yield from (row for row in batch.to_pylist() if row["split"] == "train")


def _numbers(document: Mapping[str, str]) -> tuple[str, str]:
    return str(json.loads(document["meta"]).get("serial", "")), document["group"]


def _ngrams(text: str) -> np.ndarray:
    """Return the different hashes (uint64) of a text's n-grams."""
    letters = "".join(text.split()).encode("utf-32-le", "replace")
    codes = np.frombuffer(letters, "<u4").astype(np.uint64)
    size = len(codes)
    if size < NGRAM:
        return np.empty(0, np.uint64)
    sums = np.concatenate(
        [np.zeros(1, np.uint64), np.cumsum(codes * _SPREAD * _powers(_INVERSE, size))]
    )
    return np.unique((sums[NGRAM:] - sums[:-NGRAM]) * _powers(_BASE, size)[: size - NGRAM + 1])


_INVERSE = pow(_BASE, -1, 1 << 64)
_KNOWN_POWERS: dict[int, np.ndarray] = {}


def _powers(base: int, size: int) -> np.ndarray:
    known = _KNOWN_POWERS.get(base, np.empty(0, np.uint64))
    if len(known) < size:
        factors = np.full(max(size, 2 * len(known)), base, np.uint64)
        factors[0] = 1
        known = _KNOWN_POWERS[base] = np.cumprod(factors)
    return known[:size]
