"""Find documents that say the same: exact copies and near-duplicates.

Texts are compared without white space, since copies of Korean documents differ in spacing first of all.
Near-duplicates are guessed from signatures (see ``shingles`` and ``buckets``), and each one is then verified
on the sets of 8-grams. Texts are read once; those to verify come back from a temporary file, so that memory
holds about 800 bytes for each document and no text.
"""

from __future__ import annotations

import os
import tempfile
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from malmoi import documents, fingerprint
from malmoi.atomic import write_parquet, write_text
from malmoi.curate.buckets import Buckets, band_keys, band_width
from malmoi.curate.shingles import (
    PERMUTATIONS,
    SHINGLE,
    ShingleSet,
    shingle_set,
    signatures,
    similarity,
    squeeze,
)
from malmoi.fingerprint import shard_of
from malmoi.progress import LOG, track

SCHEMA = pa.schema(
    [
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("cluster", pa.string(), nullable=False),
        pa.field("relation", pa.string(), nullable=False),
        pa.field("similarity", pa.float64(), nullable=False),
    ]
)

#: What one shard has to drop.
DROPS = pa.schema([SCHEMA.field("doc_id"), SCHEMA.field("relation")])

#: Most texts that one text is verified against, those of the most similar signatures first.
CHECKS = 16

# Characters signed at a time, and bytes of sets of 8-grams kept for the next comparison.
_BATCH = 1 << 20
_CACHE = 1 << 26


def find_duplicates(
    inputs: Iterable[str | Path],
    settings: Mapping[str, Any],
    clusters_path: str | Path,
    drops_paths: Sequence[str | Path],
    digest_paths: Sequence[str | Path],
) -> None:
    """Write which documents of the Parquet files ``inputs`` repeat which.

    The clusters have one row per document of a cluster of two or more: ``doc_id``, ``cluster`` (the
    ``doc_id`` that is kept), ``relation`` (``kept``, ``exact`` or ``near``) and ``similarity`` (Jaccard of
    the sets of 8-grams with the kept document). Each shard has a file of its documents to drop, sorted by
    id, and one with the sha256 of that file, so that a cluster elsewhere changes neither.

    Documents are taken by falling length, equal lengths by ``doc_id``. One is a duplicate when it equals a
    document kept so far, or is at least ``settings["threshold"]`` similar to one; it then joins the one whose
    signature is the most similar. So every dropped document was itself compared with the one that stands
    for it, and neither the order of the inputs nor their number plays a part.

    Of two documents at the threshold both stay with a chance of 1e-4 at most, unless the later one meets a
    crowd: more than ``CHECKS`` kept documents whose signatures are more similar and that are themselves
    below the threshold, or more than fit the buckets. That bounds the time of any number of similar documents.

    A text of fewer than 8 characters has exact copies only, and the threshold is the same for all others: a
    change of one word lowers the similarity of a short text more, and there it is more likely to matter.
    With ``settings["near"]`` false only exact copies count.
    """
    paths = sorted(map(str, inputs))
    near, threshold = bool(settings["near"]), float(settings["threshold"])
    folder = Path(clusters_path).parent
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as spill:
        corpus = _sign(paths, band_width(threshold) if near else 0, spill)
        distinct, numbers = _distinct(corpus)
        kept, similarities = np.arange(len(distinct)), np.ones(len(distinct))
        if near:
            _join_near(corpus, distinct, threshold, spill, kept, similarities)
    clusters = _clusters(corpus, distinct, numbers, kept, similarities)
    write_parquet(clusters_path, clusters)
    _write_drops(clusters, drops_paths, digest_paths)


@dataclass(slots=True)
class _Corpus:
    """What is known of each document, in the order read.

    ``digests`` is uint64 [documents, 2]; ``starts`` int64 [documents + 1], where its squeezed text is in the
    temporary file; ``shingled`` (bool) tells which are long enough for an 8-gram. ``keys`` (uint32 [documents,
    bands]) and ``sketches`` (uint8 [documents, PERMUTATIONS]) are those of ``Buckets``, without rows where only
    exact copies are wanted.
    """

    doc_ids: pa.Array
    lengths: np.ndarray
    digests: np.ndarray
    starts: np.ndarray
    shingled: np.ndarray
    keys: np.ndarray
    sketches: np.ndarray


def _read(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    for path in paths:
        for batch in documents.batches(path, ["doc_id", "text"]):
            yield from zip(batch["doc_id"].to_pylist(), batch["text"].to_pylist(), strict=True)


def _sign(paths: list[str], width: int, spill: IO[bytes]) -> _Corpus:
    """Read all documents; their signatures are made where the bands have a ``width``."""
    total = sum(pq.ParquetFile(path).metadata.num_rows for path in paths)
    signed = total if width else 0
    corpus = _Corpus(
        doc_ids=pa.array([], pa.string()),
        lengths=np.empty(total, dtype=np.int64),
        digests=np.empty((total, 2), dtype=np.uint64),
        starts=np.zeros(total + 1, dtype=np.int64),
        shingled=np.empty(total, dtype=bool),
        keys=np.empty((signed, PERMUTATIONS // max(1, width)), dtype=np.uint32),
        sketches=np.empty((signed, PERMUTATIONS), dtype=np.uint8),
    )
    doc_ids: list[pa.Array] = []
    for first, batch in _batches(track(_read(paths), "sign", total=total)):
        doc_ids.append(pa.array([doc_id for doc_id, _, _ in batch], pa.string()))
        squeezed = [text for _, _, text in batch]
        for row, text in enumerate(squeezed, start=first):
            encoded = text.encode()
            digest = xxhash.xxh3_128_digest(encoded)
            corpus.digests[row] = np.frombuffer(digest, dtype="<u8")
            corpus.starts[row + 1] = corpus.starts[row] + len(encoded)
            if width:
                spill.write(encoded)
        rows = slice(first, first + len(batch))
        corpus.lengths[rows] = [length for _, length, _ in batch]
        corpus.shingled[rows] = [len(text) >= SHINGLE for text in squeezed]
        if width:
            signature = signatures(squeezed)
            corpus.keys[rows] = band_keys(signature, width)
            corpus.sketches[rows] = signature.astype(np.uint8)
    spill.flush()
    corpus.doc_ids = pa.concat_arrays(doc_ids) if doc_ids else corpus.doc_ids
    return corpus


def _batches(
    read: Iterable[tuple[str, str]],
) -> Iterator[tuple[int, list[tuple[str, int, str]]]]:
    """Yield the number of the first document and, of some documents, ids, lengths and squeezed texts."""
    first, size = 0, 0
    batch: list[tuple[str, int, str]] = []
    for doc_id, text in read:
        batch.append((doc_id, len(text), squeeze(text)))
        size += len(text)
        if size >= _BATCH:
            yield first, batch
            first, size, batch = first + len(batch), 0, []
    if batch:
        yield first, batch


def _distinct(corpus: _Corpus) -> tuple[np.ndarray, np.ndarray]:
    """Return the first document of each different text, by falling length, and each document's text."""
    table = pa.table({"length": corpus.lengths, "doc_id": corpus.doc_ids})
    by = [("length", "descending"), ("doc_id", "ascending")]
    ranked = pc.sort_indices(table, sort_keys=by).to_numpy()
    digests = corpus.digests[ranked]
    order = np.lexsort((digests[:, 1], digests[:, 0]))  # stable: equal texts stay by rank
    new = np.ones(len(order), dtype=bool)
    new[1:] = (digests[order][1:] != digests[order][:-1]).any(axis=1)
    heads = order[new]
    by_rank = np.argsort(heads)
    number = np.empty(len(heads), dtype=np.int64)
    number[by_rank] = np.arange(len(heads))
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[ranked[order]] = number[np.cumsum(new) - 1]
    return ranked[heads[by_rank]].astype(np.int64), numbers


class _Sets:
    """The sets of 8-grams of texts in the temporary file, those used last held ready."""

    def __init__(self, corpus: _Corpus, distinct: np.ndarray, spill: IO[bytes]) -> None:
        self._starts, self._distinct, self._file = corpus.starts, distinct, spill.fileno()
        self._ready: OrderedDict[int, ShingleSet] = OrderedDict()
        self._size = 0

    def __getitem__(self, number: int) -> ShingleSet:
        if number in self._ready:
            self._ready.move_to_end(number)
            return self._ready[number]
        start, end = self._starts[self._distinct[number] :][:2].tolist()
        made = shingle_set(os.pread(self._file, end - start, start).decode())
        self._ready[number] = made
        self._size += made.hashes.nbytes
        while self._size > _CACHE and len(self._ready) > 2:
            self._size -= self._ready.popitem(last=False)[1].hashes.nbytes
        return made


def _join_near(
    corpus: _Corpus,
    distinct: np.ndarray,
    threshold: float,
    spill: IO[bytes],
    kept: np.ndarray,
    similarities: np.ndarray,
) -> None:
    """Set in ``kept`` the text that stands for each near-duplicate, and how similar the two are."""
    numbers = np.flatnonzero(corpus.shingled[distinct])
    sketches = corpus.sketches = corpus.sketches[distinct[numbers]]
    keys = corpus.keys = corpus.keys[distinct[numbers]]
    buckets = Buckets(keys, sketches, band_width(threshold))
    sets = _Sets(corpus, distinct, spill)
    # Places agree with this chance at the threshold; four deviations fewer are rarer than a miss is.
    chance = threshold + (1 - threshold) / 256
    floor = PERMUTATIONS * chance - 4 * (PERMUTATIONS * chance * (1 - chance)) ** 0.5
    sharing = buckets.sharing()
    for text in track(sharing.tolist(), "compare", total=len(sharing)):
        places = buckets.of(text)
        others = buckets.met(places)
        if not len(others):
            buckets.add(places, text)
            continue
        agreeing = np.count_nonzero(sketches[others] == sketches[text], axis=1)
        nearest = np.argsort(-agreeing, kind="stable")[:CHECKS]
        number = numbers[text]
        for other in numbers[others[nearest[agreeing[nearest] >= floor]]].tolist():
            found = similarity(sets[number], sets[other])
            if found >= threshold:
                kept[number], similarities[number] = other, found
                break
        else:
            buckets.add(places, text)


def _clusters(
    corpus: _Corpus,
    distinct: np.ndarray,
    numbers: np.ndarray,
    kept: np.ndarray,
    similarities: np.ndarray,
) -> pa.Table:
    """Return the rows of ``SCHEMA``, by cluster, the kept document first, the others by id."""
    standing = kept[numbers]
    rows = np.flatnonzero(np.bincount(standing, minlength=len(distinct))[standing] > 1)
    heads = distinct[standing[rows]]
    near = standing[rows] != numbers[rows]
    relation = np.where(near, "near", np.where(heads == rows, "kept", "exact"))
    table = pa.table(
        {
            "doc_id": corpus.doc_ids.take(pa.array(rows)),
            "cluster": corpus.doc_ids.take(pa.array(heads)),
            "relation": pa.array(relation, pa.string()),
            "similarity": similarities[numbers[rows]],
        },
        schema=SCHEMA,
    )
    dropped = pa.array(heads != rows)
    LOG.info("%d clusters, %d duplicates", len(np.unique(heads)), int((heads != rows).sum()))
    by = [("cluster", "ascending"), ("dropped", "ascending"), ("doc_id", "ascending")]
    order = pc.sort_indices(table.append_column("dropped", dropped), sort_keys=by)
    return table.take(order)


def _write_drops(
    clusters: pa.Table, drops_paths: Sequence[str | Path], digest_paths: Sequence[str | Path]
) -> None:
    """Write the documents of each shard that are to be dropped, and the sha256 of each file."""
    drops = clusters.filter(pc.not_equal(clusters["relation"], "kept")).select(DROPS.names)
    drops = drops.sort_by("doc_id")
    shards = [shard_of(doc_id, len(drops_paths)) for doc_id in drops["doc_id"].to_pylist()]
    numbered = np.array(shards, dtype=np.int64)
    for shard, (path, digest_path) in enumerate(zip(drops_paths, digest_paths, strict=True)):
        write_parquet(path, drops.filter(pa.array(numbered == shard)).combine_chunks())
        write_text(digest_path, fingerprint.of_file(path) + "\n")
