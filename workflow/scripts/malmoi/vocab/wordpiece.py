"""Wordpieces of whole texts with their places, several times as fast as asking the tokenizer for them.

What WordPiece makes of a word depends on that word alone, and a text repeats its words: numpy cuts the text
into words, and the tokenizer is asked only about those it has not been asked about before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from malmoi import sampling
from malmoi.errors import InputError
from malmoi.vocab.words import ALONE, DROPPED, PLAIN, SPACE, character_classes, normalizer

#: What begins a piece that continues a word.
PREFIX = "##"

#: Distinct words that are remembered, about, before all are forgotten: as many as 16 megabytes of text have.
#: They take 8 MB.
REMEMBERED = 200_000

_CODES = 0x110000


@dataclass(frozen=True)
class Wordpieces:
    """The wordpieces of a text.

    ``ids`` uint32 [T]; ``places`` int64 [T]: the character (counted in code points of the text as it was
    given) that each begins at, ascending; ``word_starts`` bool [T]: whether it is its word's first.
    """

    ids: np.ndarray
    places: np.ndarray
    word_starts: np.ndarray


class WordpieceReader:
    """Reads texts with one tokenizer and remembers the words it has met.

    Words are known by 64-bit hashes of their characters: the chance that any two of ten million words are
    taken for each other is below one in a hundred thousand.

    Raises:
        InputError: the tokenizer does not cut words as a cased BERT does.
    """

    def __init__(self, folder: str | Path) -> None:
        path = Path(folder) / "tokenizer.json"
        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_truncation()
        self.size = self._tokenizer.get_vocab_size()
        self._lengths = np.zeros(self.size, dtype=np.int64)
        self._continuing = np.zeros(self.size, dtype=bool)
        for piece, number in self._tokenizer.get_vocab().items():
            self._lengths[number] = len(piece.removeprefix(PREFIX))
            self._continuing[number] = piece.startswith(PREFIX)
        self._special = _special_tokens(path)
        # Random numbers for the characters, and an odd one whose powers stand for their places in a word.
        key = sampling.key(0, "words")
        self._values = sampling.bits(key, np.arange(_CODES))
        self._base = np.uint64(key | 1)
        self._forget()

    def _forget(self) -> None:
        """Forget all words."""
        self._hashes = np.zeros(0, dtype=np.uint64)
        self._numbers = np.zeros(0, dtype=np.int32)
        # Where the wordpieces of each word number begin in the two arrays after it.
        self._firsts = np.zeros(1, dtype=np.int32)
        self._ids = np.zeros(0, dtype=np.uint32)
        self._offsets = np.zeros(0, dtype=np.uint16)

    def read(self, text: str) -> Wordpieces:
        """Return the wordpieces of a text, without special tokens around it.

        A text that spells out a special token, such as ``[MASK]``, has that token there.
        """
        codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
        places, starts = self._characters(text, codes)
        codes = codes[places]
        firsts = np.flatnonzero(starts)
        words = self._words(codes, firsts)
        counts = self._firsts[words + 1] - self._firsts[words]
        ends = np.cumsum(counts)
        total = int(ends[-1]) if len(ends) else 0
        taken = np.arange(total) + np.repeat(self._firsts[words] - ends + counts, counts)
        offsets = self._offsets[taken]
        return Wordpieces(
            ids=self._ids[taken],
            places=places[np.repeat(firsts, counts) + offsets],
            word_starts=offsets == 0,
        )

    def _characters(self, text: str, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where the characters of words are (int64 [C]) and which of them begin one (bool [C])."""
        classes = character_classes(codes)
        cuts = np.zeros(len(codes) + 1, dtype=bool)
        for token in self._special:
            place = text.find(token)
            while place >= 0:
                end = place + len(token)
                classes[place:end] = PLAIN
                cuts[[place, end]] = True
                place = text.find(token, end)
        kept = np.flatnonzero(classes != DROPPED)
        if len(kept) < len(codes):
            classes = classes[kept]
            # What cuts at a dropped character cuts at the next one that is kept.
            moved = np.zeros(len(kept) + 1, dtype=bool)
            moved[np.searchsorted(kept, np.flatnonzero(cuts))] = True
            cuts = moved
        inside = classes == PLAIN
        starts = cuts[:-1]
        starts |= classes == ALONE
        starts[:1] = True
        starts[1:] |= ~inside[:-1]
        spoken = np.flatnonzero(classes != SPACE)
        return kept[spoken], starts[spoken]

    def _words(self, codes: np.ndarray, firsts: np.ndarray) -> np.ndarray:
        """Return the number (int64 [W]) of each word, the new ones learned from the tokenizer."""
        if not len(firsts):
            return np.zeros(0, dtype=np.int64)
        lengths = np.diff(np.append(firsts, len(codes)))
        powers = np.full(int(lengths.max()), self._base, dtype=np.uint64).cumprod(dtype=np.uint64)
        within = np.arange(len(codes)) - np.repeat(firsts, lengths)
        hashes = np.add.reduceat(self._values[codes] * powers[within], firsts)
        distinct, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
        if len(self._hashes) > REMEMBERED:
            self._forget()
        known = self._places(distinct)
        new = np.flatnonzero(known < 0)
        if len(new):
            self._learn(distinct[new], codes, firsts[first[new]], lengths[first[new]])
            known = self._places(distinct)
        return self._numbers[known][inverse]

    def _places(self, hashes: np.ndarray) -> np.ndarray:
        """Return where hashes stand among the known ones (int64, same shape), -1 where they do not."""
        places = np.searchsorted(self._hashes, hashes)
        found = places < len(self._hashes)
        found[found] = self._hashes[places[found]] == hashes[found]
        return np.where(found, places, -1)

    def _learn(
        self, hashes: np.ndarray, codes: np.ndarray, firsts: np.ndarray, lengths: np.ndarray
    ) -> None:
        """Ask the tokenizer about words, given where they are in ``codes``, and remember its answer."""
        starts = np.cumsum(lengths + 1) - lengths - 1
        joined = np.full(int(lengths.sum()) + len(lengths), ord(" "), dtype="<u4")
        within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        joined[np.repeat(starts, lengths) + within] = codes[np.repeat(firsts, lengths) + within]
        text = joined.tobytes().decode("utf-32-le")
        (encoding,) = self._tokenizer.encode_batch_fast([text], add_special_tokens=False)
        ids = np.array(encoding.ids, dtype=np.uint32)
        first = np.flatnonzero(~self._continuing[ids])
        if len(first) != len(hashes):
            raise RuntimeError(f"{len(hashes)} words became {len(first)}: a defect of malmoi's")
        ends = np.cumsum(self._lengths[ids])
        offsets = np.append(0, ends[:-1])
        offsets -= np.repeat(offsets[first], np.diff(np.append(first, len(ids))))
        numbers = np.arange(len(self._hashes), len(self._hashes) + len(hashes), dtype=np.int32)
        firsts = (self._firsts[-1] + np.append(first[1:], len(ids))).astype(np.int32)
        self._firsts = np.append(self._firsts, firsts)
        self._ids = np.append(self._ids, ids)
        self._offsets = np.append(self._offsets, offsets.astype(np.uint16))
        hashes = np.concatenate([self._hashes, hashes])
        order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[order]
        self._numbers = np.concatenate([self._numbers, numbers])[order]


def _special_tokens(path: Path) -> list[str]:
    """Return the special tokens of a ``tokenizer.json`` after checking how it cuts words."""
    saved = json.loads(path.read_text(encoding="utf-8"))
    expected = json.loads(normalizer().__getstate__())
    parts = [saved["normalizer"], saved["pre_tokenizer"], saved["model"]["type"]]
    if parts != [expected, {"type": "BertPreTokenizer"}, "WordPiece"]:
        raise InputError(
            f"{path}: not the tokenizer of a cased BERT (normalizer, pre-tokenizer or model differ); "
            "make the vocabulary with malmoi"
        )
    return [token["content"] for token in saved["added_tokens"]]
