"""Kiwi as malmoi uses it: one call per block gives sentences and surface morphemes.

Python's own work per morpheme is kept to reading four numbers of it; all else is done on arrays of many
blocks. Kiwi works ahead of what is asked for by no more than some blocks a thread, so what is done between
two answers must stay short.
"""

from __future__ import annotations

import os
import platform
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from operator import attrgetter

import kiwipiepy
import numpy as np
from kiwipiepy import Kiwi, Token

from malmoi.errors import InputError
from malmoi.morphology.blocks import blocks
from malmoi.morphology.dictionary import Dictionary
from malmoi.morphology.packed import Offsets, pack, unpack
from malmoi.morphology.sentences import sentence_spans
from malmoi.morphology.surface import surface_pieces
from malmoi.morphology.tags import tag_number
from malmoi.progress import LOG

#: What decides Kiwi's results besides its version and dictionaries, as arguments of its constructor and of
#: ``tokenize``. The multi-word dictionary stays out: its entries hold spaces, and a surface piece must not.
MODEL = {"model_type": "cong", "integrate_allomorph": True, "load_multi_dict": False}
READING = {"oov_handling": "chr", "typos": None, "z_coda": True, "split_complex": False}

#: Morphemes that are turned into arrays together: some milliseconds of work.
_TOGETHER = 4096


@dataclass(frozen=True)
class Analysis:
    """Sentences and surface morphemes of one text, as offsets in code points.

    ``sentences`` int32 [S, 2] and ``morphemes`` int32 [M, 2] hold start and end; ``tags`` uint8 [M] is the
    tag number of each piece's first morpheme. Spans are in order and do not overlap; whatever lies
    outside every morpheme is white space.
    """

    sentences: np.ndarray
    morphemes: np.ndarray
    tags: np.ndarray


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


def analyze(kiwi: Kiwi, texts: Iterable[str]) -> Iterator[Analysis]:
    """Yield the analysis of each text in order; Kiwi spreads the blocks of all texts over its threads."""
    texts = list(texts)
    spans = [blocks(text) for text in texts]
    parts = [
        text[start:end] for text, places in zip(texts, spans, strict=True) for start, end in places
    ]
    numbers: dict[str, int] = {}
    places = [numbers.setdefault(part, len(numbers)) for part in parts]
    packed = list(packed_blocks(kiwi, numbers))
    bases = np.array([start for places in spans for start, _ in places], dtype=np.int64)
    offsets = unpack([packed[number] for number in places], bases)
    yield from split(offsets, [len(places) for places in spans])


def split(offsets: Offsets, block_counts: Sequence[int]) -> Iterator[Analysis]:
    """Yield the analysis of each text, given the offsets of all its blocks and how many it has."""
    limits = np.cumsum(block_counts, dtype=np.int64)
    pieces = np.append(0, np.cumsum(offsets.counts))[limits]
    sentences = np.append(0, np.cumsum(offsets.sentence_counts))[limits]
    morphemes = np.stack([offsets.starts, offsets.ends], axis=1)
    spans = np.stack(sentence_ends(offsets), axis=1)
    first_piece = first_sentence = 0
    for last_piece, last_sentence in zip(pieces.tolist(), sentences.tolist(), strict=True):
        yield Analysis(
            spans[first_sentence:last_sentence],
            morphemes[first_piece:last_piece],
            offsets.tags[first_piece:last_piece],
        )
        first_piece, first_sentence = last_piece, last_sentence


def sentence_ends(offsets: Offsets) -> tuple[np.ndarray, np.ndarray]:
    """Return where the sentences start and end, int32 [S] each."""
    lasts = np.append(offsets.sentences[1:], len(offsets.ends)) - 1
    lasts = lasts[: len(offsets.sentences)]
    return offsets.starts[offsets.sentences], offsets.ends[lasts]


def packed_blocks(kiwi: Kiwi, texts: Iterable[str]) -> Iterator[bytes]:
    """Yield the packed analysis of each block in order, the texts being asked for ahead of the answers."""
    asked: deque[str] = deque()

    def feed() -> Iterator[str]:
        for text in texts:
            asked.append(text)
            yield text

    waiting = _Waiting()
    for tokens in kiwi.tokenize(feed(), **READING):
        waiting.add(asked.popleft(), tokens)
        if waiting.size >= _TOGETHER:
            yield from waiting.packed()
    yield from waiting.packed()


class _Waiting:
    """Blocks Kiwi has answered for, to be packed together."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._tokens: list[Token] = []
        self._counts: list[int] = []

    @property
    def size(self) -> int:
        return len(self._tokens)

    def add(self, text: str, tokens: list[Token]) -> None:
        self._texts.append(text)
        self._tokens += tokens
        self._counts.append(len(tokens))

    def packed(self) -> list[bytes]:
        """Return the packed analyses of all blocks and forget these."""
        tokens = self._tokens
        pieces = surface_pieces(
            self._texts,
            np.array(self._counts, dtype=np.int64),
            np.fromiter(map(_START, tokens), np.int64, len(tokens)),
            np.fromiter(map(_LENGTH, tokens), np.int64, len(tokens)),
            np.fromiter(map(_TAGS.__getitem__, map(_TAG, tokens)), np.uint8, len(tokens)),
            np.fromiter(map(_SENTENCE, tokens), np.int32, len(tokens)),
        )
        firsts = np.zeros(len(pieces.starts), dtype=bool)
        begin = 0
        for text, count in zip(self._texts, pieces.counts.tolist(), strict=True):
            end = begin + count
            starts = pieces.starts[begin:end]
            spans = sentence_spans(
                text,
                starts,
                pieces.ends[begin:end],
                pieces.tags[begin:end],
                pieces.numbers[begin:end],
            )
            if len(spans) > 1:
                firsts[begin + np.searchsorted(starts, spans[:, 0])] = True
            elif count:
                firsts[begin] = True
            begin = end
        packed = pack(pieces.starts, pieces.ends, pieces.tags, firsts, pieces.counts)
        self.__init__()
        return packed


class _TagNumbers(dict[str, int]):
    """The numbers of Kiwi's tags, each looked up once."""

    def __missing__(self, tag: str) -> int:
        self[tag] = number = tag_number(tag)
        return number


_TAGS = _TagNumbers()
_START, _LENGTH, _TAG, _SENTENCE = map(attrgetter, ("start", "len", "tag", "sent_position"))
