"""The distinct eojeols of a corpus with their morpheme boundaries and counts, and the words inside them.

Learning and measuring a vocabulary need each distinct eojeol once: half a million of them stand for a hundred
megabytes of text. Counting works on arrays of code points, batch by batch. A morpheme boundary is written
into the text as a private-use character, which BERT drops and which therefore stands for nothing else
there, and the standard library counts the marked strings.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from malmoi.progress import track
from malmoi.vocab.words import ALONE, DROPPED, SPACE, character_classes

#: What begins at a character: nothing, a morpheme with meaning of its own, a function morpheme.
INSIDE, LEXICAL, FUNCTIONAL = range(3)

#: A boundary is written as this code point plus its level.
_MARK = 0xE000

#: Documents read together: some megabytes, so that the arrays of a batch stay small.
BATCH = 128


@dataclass(frozen=True)
class Stretches:
    """Distinct stretches of text (eojeols, or the words inside them) with morpheme boundaries and counts.

    Stretches that read the same but divide into morphemes differently are two. They are in order of code
    points, so the same text gives the same table.

    ``characters`` uint32 [C]: the code points of all stretches, one after the other.
    ``levels`` uint8 [C]: ``INSIDE``, ``LEXICAL`` or ``FUNCTIONAL``, what begins at the character. The first
    character of a stretch is always ``INSIDE``: that something begins there needs no vocabulary.
    ``starts`` int64 [N + 1]: where each stretch begins in ``characters``; the last is C.
    ``counts`` int64 [N, D]: how often each occurs in the documents of each domain.
    ``domains``: the names of the D domains, in order.
    """

    characters: np.ndarray
    levels: np.ndarray
    starts: np.ndarray
    counts: np.ndarray
    domains: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.counts)

    @cached_property
    def text(self) -> str:
        """All stretches, one after the other."""
        return _text(self.characters)

    @cached_property
    def texts(self) -> list[str]:
        """The stretches as plain text, in the order of the arrays."""
        text, places = self.text, self.starts.tolist()
        return [text[start:end] for start, end in pairwise(places)]

    @cached_property
    def totals(self) -> np.ndarray:
        """How often each occurs in all domains together (int64 [N])."""
        return self.counts.sum(axis=1)


def count_eojeols(
    inputs: Sequence[str | Path],
    split: str,
    keep: Callable[[Sequence[str], str], np.ndarray] | None = None,
) -> Stretches:
    """Return the distinct eojeols of the documents of one split (``train``, ``validation``, ``test``).

    An eojeol is a stretch without white space of the text as BERT's normalizer leaves it: control,
    invisible and private-use characters are gone, and a boundary at one of them is one at the next
    character. ``keep(doc_ids, domain)`` may say (bool [documents]) which documents of a domain count.
    """
    counters: dict[str, Counter[str]] = {}
    for path in track(inputs, f"eojeols of {split}", len(inputs), "files"):
        functional = functional_tags(path)
        for domain, documents in _batches(path, split, keep):
            counters.setdefault(domain, Counter()).update(_marked_text(documents, functional))
    for counter in counters.values():
        del counter[""]
    domains = tuple(sorted(counters))
    marked = sorted(set().union(*counters.values()))
    counts = np.zeros((len(marked), len(domains)), dtype=np.int64)
    for number, domain in enumerate(domains):
        counter = counters.pop(domain)
        counts[:, number] = [counter[stretch] for stretch in marked]
    return _table(marked, counts, domains)


def words_of(eojeols: Stretches) -> Stretches:
    """Return the distinct words that BERT's pre-tokenizer cuts eojeols into, counted over all of them.

    Punctuation and hanja are words by themselves. A morpheme that begins with a word leaves no mark.
    """
    alone = character_classes(eojeols.characters) == ALONE
    starts = alone.copy()
    starts[1:] |= alone[:-1]
    starts[eojeols.starts[:-1]] = True
    levels = np.where(starts, INSIDE, eojeols.levels)
    words = _with_marks(eojeols.characters, levels, starts).split(" ")[1:]
    places = np.flatnonzero(starts)
    eojeol = np.searchsorted(eojeols.starts, places, side="right") - 1
    marked = sorted(set(words))
    index = {word: number for number, word in enumerate(marked)}
    numbers = np.fromiter(map(index.__getitem__, words), dtype=np.int64, count=len(words))
    counts = np.zeros((len(marked), len(eojeols.domains)), dtype=np.int64)
    np.add.at(counts, numbers, eojeols.counts[eojeol])
    return _table(marked, counts, eojeols.domains)


def functional_tags(path: str | Path) -> np.ndarray:
    """Return which tag numbers of a segments file are function morphemes (bool [tags]).

    They attach to a stem: josa, eomi, the copula 이- and the verb-makers -하/-되.
    """
    tags = json.loads(pq.read_schema(path).metadata[b"malmoi.tags"])
    return np.array([tag[:1] in ("J", "E") or tag in ("VCP", "XSV", "XSA") for tag in tags])


def _batches(
    path: str | Path, split: str, keep: Callable[[Sequence[str], str], np.ndarray] | None
) -> Iterable[tuple[str, pa.RecordBatch]]:
    """Yield the wanted documents of a file, one domain at a time."""
    columns = ["doc_id", "split", "domain", "text", "morpheme_starts", "morpheme_tags"]
    for batch in pq.ParquetFile(path).iter_batches(BATCH, columns=columns):
        splits, domains = (np.array(batch[name].to_pylist()) for name in ("split", "domain"))
        for domain in np.unique(domains[splits == split]).tolist():
            rows = np.flatnonzero((splits == split) & (domains == domain))
            if keep is not None:
                rows = rows[keep(batch["doc_id"].take(pa.array(rows)).to_pylist(), domain)]
            if len(rows):
                yield domain, batch.take(pa.array(rows))


def _marked_text(documents: pa.RecordBatch, functional: np.ndarray) -> list[str]:
    """Return the marked eojeols of documents in order; an empty string stands for white space only."""
    texts = documents["text"].to_pylist()
    begins = np.cumsum([0, *(len(text) + 1 for text in texts)])[:-1]
    codes = _codes("\n".join(texts))
    column = documents["morpheme_starts"]
    lengths = np.diff(column.offsets.to_numpy())
    places = column.flatten().to_numpy() + np.repeat(begins, lengths)
    tags = documents["morpheme_tags"].flatten().to_numpy()
    levels = np.zeros(len(codes) + 1, dtype=np.uint8)
    levels[places] = np.where(functional[tags], FUNCTIONAL, LEXICAL)
    classes = character_classes(codes)
    dropped = classes == DROPPED
    if dropped.any():
        kept = ~dropped
        marks = np.flatnonzero(levels)
        moved = np.zeros(int(kept.sum()) + 1, dtype=np.uint8)
        # A boundary at a dropped character belongs to the next one that is kept.
        before = np.concatenate([[0], np.cumsum(kept)])
        np.maximum.at(moved, before[marks], levels[marks])
        codes, classes, levels = codes[kept], classes[kept], moved
    space = classes == SPACE
    codes = np.where(space, 32, codes)
    levels = levels[:-1]
    levels[space] = INSIDE
    levels[1:][space[:-1]] = INSIDE
    levels[:1] = INSIDE
    return _with_marks(codes, levels, None).split(" ")


def _with_marks(codes: np.ndarray, levels: np.ndarray, spaces: np.ndarray | None) -> str:
    """Return text with a mark before each character that has a level, and a space before ``spaces``."""
    extra = levels > 0 if spaces is None else (levels > 0) | spaces
    places = np.arange(len(codes)) + np.cumsum(extra)
    result = np.empty(len(codes) + int(extra.sum()), dtype=np.uint32)
    result[places] = codes
    marks = np.where(levels[extra] > 0, _MARK + levels[extra].astype(np.uint32), 32)
    result[places[extra] - 1] = marks
    return _text(result)


def _table(marked: list[str], counts: np.ndarray, domains: tuple[str, ...]) -> Stretches:
    codes = _codes(" ".join(marked))
    marks = (codes > _MARK) & (codes <= _MARK + FUNCTIONAL)
    levels = np.zeros(len(codes), dtype=np.uint8)
    levels[1:][marks[:-1]] = codes[:-1][marks[:-1]] - _MARK
    codes, levels = codes[~marks], levels[~marks]
    space = codes == 32
    ends = np.flatnonzero(space) - np.arange(int(space.sum()))
    characters = codes[~space]
    starts = np.concatenate([[0], ends, [len(characters)]] if marked else [[0]])
    return Stretches(characters, levels[~space], starts.astype(np.int64), counts, domains)


def _codes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)


def _text(codes: np.ndarray) -> str:
    return codes.astype("<u4").tobytes().decode("utf-32-le")
