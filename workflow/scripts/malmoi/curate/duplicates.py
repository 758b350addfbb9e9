"""Find documents that say the same: exact copies and near-duplicates.

Texts are compared without white space, since copies of Korean documents differ in spacing first of all.
Near-duplicates are found with MinHash and banding (Broder 1997; Indyk and Motwani 1998) over 8-grams of
characters, and each one is then verified on the whole sets of 8-grams.
"""

from __future__ import annotations

import hashlib
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rensa import RMinHash

from malmoi.atomic import write_parquet
from malmoi.progress import LOG, track
from malmoi.sampling import bits, key

#: Characters of a shingle; a text with fewer has exact copies only.
SHINGLE = 8
PERMUTATIONS = 128

#: Largest chance that a pair exactly at the threshold shares no band, and so goes unnoticed.
MISS = 1e-4

SCHEMA = pa.schema(
    [
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("cluster", pa.string(), nullable=False),
        pa.field("relation", pa.string(), nullable=False),
        pa.field("similarity", pa.float64(), nullable=False),
    ]
)

_STREAM = key(0, "shingles")
_WEIGHTS = tuple(np.uint64(key(0, "shingles", half) | 1) for half in range(3))


@dataclass(slots=True)
class _Text:
    """One distinct text: the documents that hold it and its signature (uint32 [PERMUTATIONS])."""

    doc_ids: list[tuple[int, str]] = field(default_factory=list)
    signature: np.ndarray | None = None

    def rank(self) -> tuple[int, str]:
        """Return the best (-characters, doc_id) of its documents: longest first, then smallest id."""
        return min(self.doc_ids)


def squeeze(text: str) -> str:
    """Return ``text`` in NFC without white space."""
    return "".join(unicodedata.normalize("NFC", text).split())


def shingles(squeezed: str) -> np.ndarray:
    """Return a 64-bit hash (uint64) of each 8-gram of characters, in order, repeats included.

    Two of the n different 8-grams of a document share a hash with a chance of about n**2 / 2**65.
    """
    hashes = np.frombuffer(squeezed.encode("utf-32-le"), dtype="<u4").astype(np.uint64)
    for width, weight in zip((1, 2, 4), _WEIGHTS, strict=True):
        hashes = hashes[:-width] * weight + hashes[width:]
    return bits(_STREAM, hashes)


def jaccard(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Jaccard similarity of two sets, given as arrays without repeats."""
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / (len(first) + len(second) - shared)


def find_duplicates(
    inputs: Iterable[str | Path], settings: Mapping[str, Any], clusters_path: str | Path
) -> None:
    """Write which documents of the Parquet files ``inputs`` repeat which.

    The clusters have one row per document of a cluster of two or more: ``doc_id``, ``cluster`` (the
    ``doc_id`` that is kept), ``relation`` (``kept``, ``exact`` or ``near``) and ``similarity`` (Jaccard of
    the sets of 8-grams with the kept document).

    Documents are taken by falling length, equal lengths by ``doc_id``. One is a duplicate when it equals a
    document kept so far, or is at least ``settings["threshold"]`` similar to one; of several it joins
    the most similar. So every dropped document was itself compared with the one that stands for it, no
    two kept ones are at the threshold (up to ``MISS``), and the order of the inputs plays no part.
    With ``settings["near"]`` false only exact copies count.
    """
    paths = sorted(map(str, inputs))
    near, threshold = bool(settings["near"]), float(settings["threshold"])
    texts = sorted(_distinct(paths, near).values(), key=_Text.rank)
    found: dict[int, tuple[int, float]] = {}
    if near:
        folder = Path(clusters_path).parent
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as spill:
            found = _near(texts, threshold, paths, spill)
    rows = []
    for number, text in enumerate(texts):
        kept, similarity = found.get(number, (number, 1.0))
        cluster = texts[kept].rank()[1]
        for _, doc_id in text.doc_ids:
            relation = "near" if number in found else "kept" if doc_id == cluster else "exact"
            rows.append((cluster, relation != "kept", doc_id, relation, similarity))
    repeated = {cluster for cluster, dropped, *_ in rows if dropped}
    rows = sorted(row for row in rows if row[0] in repeated)
    LOG.info("%d clusters, %d duplicates", len(repeated), len(rows) - len(repeated))
    columns = {
        "doc_id": [row[2] for row in rows],
        "cluster": [row[0] for row in rows],
        "relation": [row[3] for row in rows],
        "similarity": [row[4] for row in rows],
    }
    write_parquet(clusters_path, pa.table(columns, schema=SCHEMA))


def _read(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    for path in paths:
        for batch in pq.ParquetFile(path).iter_batches(256, columns=["doc_id", "text"]):
            yield from zip(batch["doc_id"].to_pylist(), batch["text"].to_pylist(), strict=True)


def _digest(squeezed: str) -> bytes:
    return hashlib.blake2b(squeezed.encode(), digest_size=16).digest()


def _distinct(paths: list[str], near: bool) -> dict[bytes, _Text]:
    texts: dict[bytes, _Text] = {}
    for doc_id, text in track(_read(paths), "sign"):
        squeezed = squeeze(text)
        digest = _digest(squeezed)
        if digest not in texts:
            texts[digest] = _Text()
            if near and len(squeezed) >= SHINGLE:
                texts[digest].signature = _signature(shingles(squeezed))
        texts[digest].doc_ids.append((-len(text), doc_id))
    return texts


def _signature(hashes: np.ndarray) -> np.ndarray:
    row = np.array([0, len(hashes)], dtype=np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, row, PERMUTATIONS, 1)
    return np.array(matrix.to_rows()[0], dtype=np.uint32)


def _near(
    texts: list[_Text], threshold: float, paths: list[str], spill: IO[bytes]
) -> dict[int, tuple[int, float]]:
    """Return for the number of each near-duplicate the number of the kept text and the similarity."""
    numbers = [number for number, text in enumerate(texts) if text.signature is not None]
    if not numbers:
        return {}
    signatures = np.stack([texts[number].signature for number in numbers])
    buckets = _shared_buckets(signatures, threshold)
    numbered = {texts[numbers[row]].rank()[1]: row for row in np.flatnonzero((buckets >= 0).any(1))}
    places = _spill(paths, numbered, spill)

    @lru_cache(maxsize=256)
    def shingle_set(row: int) -> np.ndarray:
        start, size = places[row]
        spill.seek(start)
        return np.unique(shingles(spill.read(size).decode()))

    # The estimate of a pair at the threshold is a mean of 128 draws: five deviations below it only
    # one in three million of them is.
    floor = threshold - 5 * (threshold * (1 - threshold) / PERMUTATIONS) ** 0.5
    kept: dict[int, list[int]] = {}
    found: dict[int, tuple[int, float]] = {}
    for row in track(sorted(places), "compare", total=len(places)):
        own = [bucket for bucket in buckets[row].tolist() if bucket >= 0]
        met = {other for bucket in own for other in kept.get(bucket, ())}
        candidates = np.array(sorted(met), dtype=np.int64)
        estimates = (signatures[candidates] == signatures[row]).mean(axis=1)
        verified = [
            (jaccard(shingle_set(row), shingle_set(other)), -other)
            for other in candidates[estimates >= floor].tolist()
        ]
        similarity, other = max(verified, default=(0.0, 0))
        if similarity >= threshold:
            found[numbers[row]] = (numbers[-other], similarity)
            continue
        for bucket in own:
            kept.setdefault(bucket, []).append(row)
    return found


def _shared_buckets(signatures: np.ndarray, threshold: float) -> np.ndarray:
    """Return int64 [texts, bands]: texts with equal numbers agree in that band; -1 agrees with none."""
    width = _band_width(threshold)
    bands = PERMUTATIONS // width
    buckets = np.full((len(signatures), bands), -1)
    first = 0
    for band in range(bands):
        keys = np.zeros(len(signatures), dtype=np.uint64)
        for column in range(band * width, (band + 1) * width):
            keys = bits(_STREAM, keys ^ signatures[:, column])
        _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
        shared = counts[inverse] > 1
        buckets[shared, band] = first + inverse[shared]
        first += len(counts)
    return buckets


def _band_width(threshold: float) -> int:
    widths = range(1, PERMUTATIONS + 1)
    return max(w for w in widths if w == 1 or (1 - threshold**w) ** (PERMUTATIONS // w) <= MISS)


def _spill(
    paths: list[str], numbered: Mapping[str, int], spill: IO[bytes]
) -> dict[int, tuple[int, int]]:
    """Write the squeezed texts to compare, and return the place of each: first byte and bytes."""
    places = {}
    for doc_id, text in _read(paths):
        if doc_id in numbered:
            start = spill.tell()
            size = spill.write(squeeze(text).encode())
            places[numbered[doc_id]] = (start, size)
    return places
