"""Candidates for a dictionary, from what the analyzer made of a corpus."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from malmoi import sampling
from malmoi.morphology.tags import TAGS
from malmoi.progress import track

_PIECES = ("morpheme_starts", "morpheme_ends", "morpheme_tags")

#: What a compound is made of: nouns, roots and what attaches to them.
_NOMINAL = np.array([tag in ("NNG", "NNP", "XPN", "XSN", "XR") for tag in TAGS])
_NOUN = np.array([tag in ("NNG", "NNP", "XR") for tag in TAGS])

#: Signs beside a run of nouns that tell of a masked name or a number: ○○병원, 3급, ABC사.
_SIGNS = np.array([tag in ("SW", "SO", "SN", "SL", "SH", "SB", "W_SERIAL", "UN") for tag in TAGS])

_TERM = re.compile("[가-힣]{3,20}")

#: Sentences kept of a candidate, and how long one may be.
_EXAMPLES, _LENGTH = 6, 300


@dataclass
class Candidate:
    """A form that may be a term.

    ``parts`` are the pieces the analyzer first saw in it and ``tags`` theirs; ``count`` and ``documents`` say
    how often and in how many documents a run of nouns was this form, ``masked`` how often one was beside a
    digit, a Latin letter or a sign, and ``spaced`` how often the same syllables stood there with a space
    between two nouns. ``cohesion`` is the normalised pointwise mutual information of the parts, -1 to 1, and
    1 for a single one. ``examples`` are sentences with the form, each of another document.
    """

    form: str
    parts: tuple[str, ...]
    tags: tuple[str, ...]
    count: int
    documents: int
    masked: int
    cohesion: float
    spaced: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def source(self) -> str:
        """``unknown`` (one piece), ``fragments`` (mostly single syllables) or ``compound`` (known nouns)."""
        if len(self.parts) == 1:
            return "unknown"
        single = sum(len(part) == 1 for part in self.parts)
        return "fragments" if single * 2 > len(self.parts) else "compound"

    @property
    def solid(self) -> float:
        """The share of its places where it is written without spaces."""
        return self.count / (self.count + self.spaced)

    @property
    def score(self) -> float:
        """What candidates are ranked by: often, of parts that belong together, long, and not spaced."""
        return math.log(self.count) * max(self.cohesion, 0) * self.solid * len(self.form)


class _Document(NamedTuple):
    text: str
    starts: np.ndarray
    ends: np.ndarray
    tags: np.ndarray
    sentence_starts: np.ndarray
    sentence_ends: np.ndarray


def candidates(
    inputs: Sequence[str | Path], sample_mb: float, min_count: int, min_documents: int, seed: int
) -> list[Candidate]:
    """Return the candidates of a sample of the training documents, the best first.

    A candidate is a run of nouns inside one eojeol, of three to twenty syllables of Hangul, at least
    ``min_count`` times and in ``min_documents`` documents not beside a digit, a Latin letter or a sign (which
    masked names have). Of about ``sample_mb`` megabytes of text each domain gives at most an equal part;
    documents are drawn by hash of the id and ``seed``. The files are read twice. Memory follows the number
    of distinct runs.
    """
    keep = _sample(inputs, sample_mb, seed)
    counts: Counter[str] = Counter()
    documents: Counter[str] = Counter()
    masked: Counter[str] = Counter()
    parts: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for document in track(_documents(inputs, keep), "propose: count"):
        text, starts, ends, tags, *_ = document
        runs: Counter[str] = Counter()
        for first, last, beside in _runs(starts, ends, tags):
            form = text[starts[first] : ends[last]]
            if beside:
                masked[form] += 1
                continue
            runs[form] += 1
            if form not in parts:
                pieces = range(first, last + 1)
                parts[form] = (
                    tuple(text[starts[piece] : ends[piece]] for piece in pieces),
                    tuple(TAGS[tags[piece]] for piece in pieces),
                )
        counts.update(runs)
        documents.update(runs.keys())
    single: Counter[str] = Counter()
    for form, count in counts.items():
        for part in parts[form][0]:
            single[part] += count
    total = single.total()
    found = {
        form: Candidate(
            *(form, *parts[form], count, documents[form], masked[form]),
            _cohesion(count / total, [single[part] / total for part in parts[form][0]]),
        )
        for form, count in counts.items()
        if count >= min_count and documents[form] >= min_documents and _TERM.fullmatch(form)
    }
    for document in track(_documents(inputs, keep), "propose: examples"):
        _look_up(document, found)
    return sorted(found.values(), key=lambda one: (-one.score, one.form))


def _look_up(document: _Document, found: dict[str, Candidate]) -> None:
    """Give the candidates in a document one sentence each, and count where they are written with a space."""
    text, starts, ends, tags, sentences, sentence_ends = document
    seen: set[str] = set()
    before, before_last = "", -2
    for first, last, beside in _runs(starts, ends, tags, shortest=1):
        form = text[starts[first] : ends[last]]
        if first == before_last + 1 and (parted := found.get(before + form)):
            parted.spaced += 1
        before, before_last = form, last
        candidate = found.get(form)
        if candidate is None or beside or form in seen or len(candidate.examples) == _EXAMPLES:
            continue
        number = int(np.searchsorted(sentences, starts[first], "right")) - 1
        if number >= 0 and ends[last] <= sentence_ends[number]:
            sentence = text[sentences[number] : sentence_ends[number]]
            if len(sentence) <= _LENGTH:
                seen.add(form)
                candidate.examples.append(sentence)


def _sample(
    inputs: Sequence[str | Path], sample_mb: float, seed: int
) -> Callable[[str, str], bool]:
    """Return which documents (domain, id) to read."""
    sizes: Counter[str] = Counter()
    for path in inputs:
        for batch in pq.ParquetFile(path).iter_batches(256, columns=["domain", "split", "text"]):
            kept = pa.table(batch.filter(pc.equal(batch["split"], "train")))
            table = pa.table({"domain": kept["domain"], "size": pc.binary_length(kept["text"])})
            for row in table.group_by("domain").aggregate([("size", "sum")]).to_pylist():
                sizes[row["domain"]] += row["size_sum"]
    part = sample_mb * 1e6 / max(len(sizes), 1)
    shares = {domain: part / max(size, 1) for domain, size in sizes.items()}
    stream = sampling.key(seed, "proposals")

    def keep(domain: str, doc_id: str) -> bool:
        number = np.array(int(doc_id[:15], 16))
        return shares[domain] >= 1 or bool(sampling.uniform(stream, number) < shares[domain])

    return keep


def _documents(
    inputs: Sequence[str | Path], keep: Callable[[str, str], bool]
) -> Iterator[_Document]:
    """Yield the training documents that ``keep`` takes."""
    columns = ("text", *_PIECES, "sentence_starts", "sentence_ends")
    for path in inputs:
        for batch in pq.ParquetFile(path).iter_batches(
            64, columns=["domain", "doc_id", "split", *columns]
        ):
            names = [batch[name].to_pylist() for name in ("domain", "doc_id", "split")]
            kept = [
                split == "train" and keep(domain, doc_id)
                for domain, doc_id, split in zip(*names, strict=True)
            ]
            batch = batch.filter(pa.array(kept, pa.bool_()))
            for values in zip(*(_values(batch[name]) for name in columns), strict=True):
                yield _Document(*values)


def _values(column: pa.Array) -> list:
    """Return a column's values; lists become arrays, without a Python object for each number."""
    if not pa.types.is_list(column.type):
        return column.to_pylist()
    values = column.values.to_numpy()
    return [values[begin:end] for begin, end in pairwise(column.offsets.to_pylist())]


def _runs(
    starts: np.ndarray, ends: np.ndarray, tags: np.ndarray, shortest: int = 2
) -> list[tuple[int, int, bool]]:
    """Return first and last piece of each run of nouns inside an eojeol, and whether a sign is beside it.

    A run holds a noun or root and is at least ``shortest`` characters long.
    """
    if not len(starts):
        return []
    joined = starts[1:] == ends[:-1]
    nominal = _NOMINAL[tags]
    goes_on = joined & nominal[1:] & nominal[:-1]
    firsts = np.flatnonzero(nominal & ~np.append(False, goes_on))
    lasts = np.flatnonzero(nominal & ~np.append(goes_on, False))
    signs = _SIGNS[tags]
    before = np.append(False, joined & signs[:-1])[firsts]
    after = np.append(joined & signs[1:], False)[lasts]
    nouns = np.append(0, np.cumsum(_NOUN[tags]))
    kept = (nouns[lasts + 1] > nouns[firsts]) & (ends[lasts] - starts[firsts] >= shortest)
    columns = (firsts[kept], lasts[kept], (before | after)[kept])
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _cohesion(together: float, apart: Sequence[float]) -> float:
    """Return the normalised pointwise mutual information of parts by their probabilities (Bouma 2009)."""
    if len(apart) == 1:
        return 1.0
    information = math.log(together) - sum(map(math.log, apart))
    return round(min(information / (-math.log(together) * (len(apart) - 1)), 1.0), 4)
