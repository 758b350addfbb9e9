"""The ways to learn pieces from words whose morphemes are known, all for the same plain WordPiece vocabulary.

A word is cut at its boundaries first, and the parts are learned from apart, those inside a word as ``##``
pieces: ``피고에게`` gives ``피고`` and ``##에게``. So pieces know their position and never cross a boundary.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from malmoi.vocab.eojeols import Stretches
from malmoi.vocab.merges import PREFIX, Merges
from malmoi.vocab.unigram import unigram_pieces

#: A learner takes words, the lowest level of a boundary (None: words stay whole), how many pieces at most and
#: how often a pair must be seen, and returns pieces of two characters or more, the best first.
Learner = Callable[[Stretches, "int | None", int, int], list[str]]


def parts_of(words: Stretches, required: int | None) -> dict[str, int]:
    """Return how often each part of words occurs, those inside words with ``##`` before them.

    Words are cut before every boundary of level ``required`` or above.
    """
    begins = np.zeros(len(words.characters), dtype=bool)
    begins[words.starts[:-1]] = True
    cuts = begins.copy()
    if required is not None:
        cuts |= words.levels >= required
    extra = np.where(begins, 1, np.where(cuts, 1 + len(PREFIX), 0))
    places = np.arange(len(cuts)) + np.cumsum(extra)
    codes = np.full(len(cuts) + int(extra.sum()), ord(PREFIX[0]), dtype="<u4")
    codes[places] = words.characters
    codes[(places - extra)[cuts]] = ord(" ")
    parts = codes.tobytes().decode("utf-32-le").split(" ")[1:]
    index: dict[str, int] = {}
    numbers = [index.setdefault(part, len(index)) for part in parts]
    word = np.searchsorted(words.starts, np.flatnonzero(cuts), side="right") - 1
    counts = np.zeros(len(index), dtype=np.int64)
    np.add.at(counts, numbers, words.totals[word])
    return dict(zip(index, counts.tolist(), strict=True))


def _frequency(words: Stretches, required: int | None, count: int, min_frequency: int) -> list[str]:
    """Merge the most frequent pair: what the WordPiece trainer of the tokenizers library does."""
    parts = parts_of(words, required)
    return Merges(parts, min_frequency=min_frequency, likelihood=False).run(count)


def _likelihood(
    words: Stretches, required: int | None, count: int, min_frequency: int
) -> list[str]:
    """Merge the pair that raises the likelihood of the text most, as the first WordPiece did."""
    parts = parts_of(words, required)
    return Merges(parts, min_frequency=min_frequency, likelihood=True).run(count)


def _bpe(words: Stretches, required: int | None, count: int, min_frequency: int) -> list[str]:
    """Merge by frequency, and take the pieces that byte pair encoding uses most when it is done.

    WordPiece applies no merges, so a piece that only led to longer ones (``손해배`` on the way to
    ``손해배상``) is dead weight there. The frequency learner keeps such pieces; this one makes half as many
    merges again and ranks all pieces by their use.
    """
    merges = Merges(parts_of(words, required), min_frequency=min_frequency, likelihood=False)
    pieces = merges.run(count + count // 2)
    uses = merges.uses()
    return sorted(pieces, key=lambda piece: (-uses[piece], piece))[:count]


LEARNERS: dict[str, Learner] = {
    "frequency": _frequency,
    "likelihood": _likelihood,
    "bpe": _bpe,
    "unigram": unigram_pieces,
}
