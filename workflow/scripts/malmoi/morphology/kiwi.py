"""What Kiwi says of blocks of text, in few bytes: surface morphemes and Kiwi's own sentences.

Python's own work per morpheme is kept to reading four numbers of it; all else is done on arrays of many
blocks. Kiwi works ahead of what is asked for by no more than some blocks a thread, so what is done between
two answers must stay short.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from operator import attrgetter

import numpy as np
from kiwipiepy import Kiwi, Token

from malmoi.morphology.packed import pack
from malmoi.morphology.surface import surface_pieces
from malmoi.morphology.tags import tag_number

#: What decides Kiwi's results besides its version and dictionaries, as arguments of its constructor and of
#: ``tokenize``. The multi-word dictionary stays out: its entries hold spaces, and a surface piece must not.
MODEL = {"model_type": "cong", "integrate_allomorph": True, "load_multi_dict": False}
READING = {"oov_handling": "chr", "typos": None, "z_coda": True, "split_complex": False}

#: Morphemes that are turned into arrays together: less than a millisecond of work.
_TOGETHER = 1024


def packed_blocks(kiwi: Kiwi, texts: Iterable[str]) -> Iterator[bytes]:
    """Yield the packed analysis of each block in order, the texts being asked for ahead of the answers.

    Answers come some hundred together; an empty text asks for all that are there.
    """
    asked: deque[str] = deque()

    def feed() -> Iterator[str]:
        for text in texts:
            asked.append(text)
            yield text

    waiting = _Waiting()
    for tokens in kiwi.tokenize(feed(), **READING):
        text = asked.popleft()
        waiting.add(text, tokens)
        if waiting.size >= _TOGETHER or not text:
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
        self.__init__()
        return pack(pieces)


class _TagNumbers(dict[str, int]):
    """The numbers of Kiwi's tags, each looked up once."""

    def __missing__(self, tag: str) -> int:
        self[tag] = number = tag_number(tag)
        return number


_TAGS = _TagNumbers()
_START, _LENGTH, _TAG, _SENTENCE = map(attrgetter, ("start", "len", "tag", "sent_position"))
