"""Windows of long texts, and where the characters of each stand among its tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerBase

from malmoi.evaluation.finetuning import PLACES


@dataclass
class Window:
    """A stretch of a text with the tokens the encoder reads it as.

    ``first`` and ``end`` bound the characters that are this window's to predict: each character is one
    window's alone, that in which it has more around it.
    """

    ids: list[int]
    types: list[int]
    starts: np.ndarray
    tokens: np.ndarray
    last: int
    first: int
    end: int

    def points(self, characters: np.ndarray) -> np.ndarray:
        """Return the token and the place in it (int64 [P, 2]) of characters of the text.

        A character outside of all tokens, such as a space, belongs to the token before it.
        """
        if not len(self.tokens):
            return np.zeros((len(characters), 2), dtype=np.int64)
        at = np.maximum(np.searchsorted(self.starts, characters, side="right") - 1, 0)
        places = np.clip(characters - self.starts[at], 0, PLACES - 1)
        return np.column_stack([self.tokens[at], places])


def windows(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], limit: int
) -> Iterator[Window]:
    """Yield the windows of the last of one or two texts, each of at most ``limit`` tokens.

    Neighbours share a quarter of ``limit``. Of two texts the first is in every window.
    """
    stride = limit // 4
    found = tokenizer(
        *([text] for text in texts),
        truncation="only_first" if len(texts) == 1 else "only_second",
        max_length=limit,
        stride=stride,
        return_overflowing_tokens=True,
    ).encodings
    part = len(texts) - 1
    placed = []
    for encoding in found:
        tokens = np.array(
            [at for at, of in enumerate(encoding.sequence_ids) if of == part], dtype=np.int64
        )
        spans = np.array([encoding.offsets[at] for at in tokens], dtype=np.int64).reshape(-1, 2)
        placed.append((encoding, tokens, spans))
    firsts = [0]
    firsts += [int(spans[min(stride // 2, len(spans) - 1), 0]) for _, _, spans in placed[1:]]
    for (encoding, tokens, spans), first, end in zip(
        placed, firsts, [*firsts[1:], len(texts[-1])], strict=True
    ):
        last = int(spans[-1, 1]) if len(spans) else 0
        yield Window(encoding.ids, encoding.type_ids, spans[:, 0], tokens, last, first, end)
