"""The analyzer: blocks of a text go to Kiwi one by one and come back as sentences and surface morphemes."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version

import kiwipiepy
import numpy as np
from kiwipiepy import Kiwi

from malmoi.errors import InputError
from malmoi.morphology.blocks import blocks
from malmoi.morphology.dictionary import Dictionary
from malmoi.morphology.kiwi import MODEL, READING, packed_blocks
from malmoi.morphology.packed import unpack
from malmoi.morphology.sentences import sentence_spans
from malmoi.progress import LOG


@dataclass(frozen=True)
class Analysis:
    """Sentences and surface morphemes of texts, one text after the other, as offsets in code points.

    ``starts``, ``ends`` int32 [M] and ``tags`` uint8 [M] are the morphemes, a tag being the number of the
    first one in a surface piece; ``sentence_starts`` and ``sentence_ends`` int32 [S] are the sentences;
    ``counts`` and ``sentence_counts`` int64 [T] say how many of both each text has. Spans are in order and do
    not overlap; whatever lies outside every morpheme is white space.
    """

    starts: np.ndarray
    ends: np.ndarray
    tags: np.ndarray
    counts: np.ndarray
    sentence_starts: np.ndarray
    sentence_ends: np.ndarray
    sentence_counts: np.ndarray

    @property
    def morphemes(self) -> np.ndarray:
        """Start and end of the morphemes, int32 [M, 2]."""
        return np.stack([self.starts, self.ends], axis=1)

    @property
    def sentences(self) -> np.ndarray:
        """Start and end of the sentences, int32 [S, 2]."""
        return np.stack([self.sentence_starts, self.sentence_ends], axis=1)

    def split(self) -> Iterator[Analysis]:
        """Yield the analysis of each text by itself."""
        piece = sentence = 0
        for count, sentences in zip(self.counts, self.sentence_counts, strict=True):
            pieces = slice(piece, piece + count)
            spans = slice(sentence, sentence + sentences)
            yield Analysis(
                self.starts[pieces],
                self.ends[pieces],
                self.tags[pieces],
                np.array([count]),
                self.sentence_starts[spans],
                self.sentence_ends[spans],
                np.array([sentences]),
            )
            piece, sentence = piece + count, sentence + sentences


def joined(parts: Sequence[Analysis]) -> Analysis:
    """Return several analyses, at least one, as one of all their texts."""
    return Analysis(
        *(
            np.concatenate([getattr(part, column.name) for part in parts])
            for column in fields(Analysis)
        )
    )


def load_analyzer(workers: int, dictionary: Dictionary | None = None) -> Kiwi:
    """Return a Kiwi analyzer with ``workers`` threads that knows the words and patterns of ``dictionary``.

    Raises:
        InputError: Kiwi does not take a word, or ``KIWI_ARCH_TYPE=none`` is set, which gives other results
            than every other setting.
    """
    arch = os.environ.get("KIWI_ARCH_TYPE", "")
    if arch.strip().lower() == "none":
        raise InputError("KIWI_ARCH_TYPE=none changes Kiwi's results: unset it")
    kiwi = Kiwi(num_workers=workers, **MODEL)
    if dictionary is not None:
        dictionary.add_to(kiwi)
    LOG.info(
        "Kiwi %s, %d threads, instruction set %s on %s",
        kiwipiepy.__version__,
        workers,
        arch or "of its own choice",
        platform.machine(),
    )
    return kiwi


def analyzer_identity(dictionary: Dictionary | None = None) -> dict[str, object]:
    """Return what decides Kiwi's results, for the manifest.

    The instruction sets Kiwi may choose among give the same results, so the one at work is in the log only:
    here it would make the bytes of a file depend on the machine.
    """
    dictionary = dictionary or Dictionary()
    return {
        "kiwipiepy": kiwipiepy.__version__,
        "kiwipiepy_model": version("kiwipiepy_model"),
        "architecture": "any but none",
        **MODEL,
        **READING,
        "config": asdict(kiwipiepy.KiwiConfig()),
        "dictionary": dictionary.digest(),
        "words": len(dictionary.words),
        "patterns": len(dictionary.patterns),
    }


class Blocks:
    """The blocks of some texts: the text each is in, where it begins there, and what it says."""

    def __init__(self, texts: Sequence[str]) -> None:
        spans = [blocks(text) for text in texts]
        self.counts = [len(places) for places in spans]
        self.starts = np.array([start for places in spans for start, _ in places], dtype=np.int64)
        self.texts = [
            text[start:end]
            for text, places in zip(texts, spans, strict=True)
            for start, end in places
        ]

    def analysis(self, packed: Sequence[bytes]) -> Analysis:
        """Return the analysis of the texts, given the packed one of each block."""
        pieces = unpack(packed)
        found = []
        begin = 0
        for text, count in zip(self.texts, pieces.counts.tolist(), strict=True):
            part = slice(begin, begin + count)
            begin += count
            found.append(
                sentence_spans(
                    text,
                    pieces.starts[part],
                    pieces.ends[part],
                    pieces.tags[part],
                    pieces.numbers[part],
                )
            )
        spans = np.concatenate([np.zeros((0, 2), dtype=np.int32), *found])
        sentence_counts = np.fromiter(map(len, found), np.int64, len(found))
        starts = self.starts.astype(np.int32)
        shifts = np.repeat(starts, pieces.counts)
        spans = spans + np.repeat(starts, sentence_counts)[:, None]
        return Analysis(
            pieces.starts + shifts,
            pieces.ends + shifts,
            pieces.tags,
            self._by_text(pieces.counts),
            spans[:, 0],
            spans[:, 1],
            self._by_text(sentence_counts),
        )

    def _by_text(self, counts: np.ndarray) -> np.ndarray:
        sums = np.append(0, np.cumsum(counts))
        return np.diff(sums[np.cumsum(self.counts, dtype=np.int64)], prepend=0)


def analyze(kiwi: Kiwi, texts: Iterable[str]) -> list[Analysis]:
    """Return the analysis of each text; Kiwi spreads the blocks of all of them over its threads."""
    parts = Blocks(list(texts))
    distinct = list(dict.fromkeys(parts.texts))
    packed = dict(zip(distinct, packed_blocks(kiwi, distinct), strict=True))
    return list(parts.analysis([packed[text] for text in parts.texts]).split())
