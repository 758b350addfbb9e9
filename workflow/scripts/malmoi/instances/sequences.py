"""What pairs are made from and what they become: documents laid end to end, and sequences of segments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from malmoi.errors import InputError

#: What ``Sequences.negative`` says of a sequence.
NO_NEGATIVE, RANDOM, SAME_KIND, SAME_DOCUMENT, SWAPPED = range(5)

#: The label of a sequence without a next-sentence task; the loss leaves it out.
NO_LABEL = -100

#: ``[CLS] A [SEP] B [SEP]``.
SPECIAL_TOKENS = 3

#: Below this there is no room for two segments.
SHORTEST = 16


@dataclass(frozen=True)
class Documents:
    """The documents of a block, laid end to end.

    ``offsets`` int64 [D + 1] are token positions where documents begin and end. ``sentence_ends`` int64 [S] are
    the ascending token positions where sentences end, each document's last at its end; ``sentence_offsets``
    int64 [D + 1] say which of them are whose. ``groups`` int64 [D] are codes of what a random segment must not
    share with its partner; ``kinds`` int64 [D] are codes of source and kind, for hard negatives.
    """

    offsets: np.ndarray
    sentence_ends: np.ndarray
    sentence_offsets: np.ndarray
    groups: np.ndarray
    kinds: np.ndarray

    def __len__(self) -> int:
        return len(self.groups)


@dataclass(frozen=True)
class Sequences:
    """Sequences of segments, each written ``[CLS] s0 [SEP] s1 [SEP] …``.

    ``segments`` int64 [N, 2] are token positions (start, end) within one document each, ``documents`` int64 [N]
    says which; ``offsets`` int64 [P + 1] is the first segment of each sequence. ``label`` int8 [P] is 0 where
    the second segment follows the first, 1 where it is another or the two are swapped, -100 where there is no
    such task. ``negative`` int8 [P] says how a label 1 came about: ``NO_NEGATIVE``, ``RANDOM`` (a passage of
    another document), ``SAME_KIND`` (of another document of the same source and kind), ``SAME_DOCUMENT`` (a
    later passage of the same document) or ``SWAPPED``.
    """

    segments: np.ndarray
    documents: np.ndarray
    offsets: np.ndarray
    label: np.ndarray
    negative: np.ndarray

    def __len__(self) -> int:
        return len(self.label)


def of_pairs(
    first: np.ndarray,
    second: np.ndarray,
    first_document: np.ndarray,
    second_document: np.ndarray,
    negative: np.ndarray,
) -> Sequences:
    """Return pairs as sequences: token positions int64 [P, 2] of both segments, and their documents [P]."""
    return Sequences(
        segments=np.stack([first, second], axis=1).reshape(-1, 2),
        documents=np.stack([first_document, second_document], axis=1).reshape(-1),
        offsets=np.arange(0, 2 * len(negative) + 1, 2),
        label=(negative != NO_NEGATIVE).astype(np.int8),
        negative=negative,
    )


@dataclass(frozen=True)
class PairSettings:
    """How sequences are made.

    ``kind`` is ``nsp`` (next-sentence pairs), ``sop`` (pairs in order or swapped) or ``none`` (whole sentences
    to the full length, no label). ``mode`` is how ``nsp`` pairs are made: ``balanced`` or ``google``.
    ``hard_share`` is the share of the negatives of ``balanced`` that are hard; ``short_share`` the share of
    pairs, in ``google`` of documents, that are given a random smaller length. Raises InputError for what
    contradicts itself.
    """

    kind: str = "nsp"
    mode: str = "balanced"
    hard_share: float = 0.0
    short_share: float = 0.1

    def __post_init__(self) -> None:
        if self.kind not in ("nsp", "sop", "none"):
            raise InputError(f"pairs.kind is {self.kind!r}: choose nsp, sop or none")
        if self.mode not in ("balanced", "google"):
            raise InputError(f"pairs.mode is {self.mode!r}: choose balanced or google")
        for name, share in (("hard_share", self.hard_share), ("short_share", self.short_share)):
            if not 0 <= share <= 1:
                raise InputError(f"pairs.{name} is {share}: choose a share from 0 to 1")
        if self.hard_share and (self.kind, self.mode) != ("nsp", "balanced"):
            raise InputError(
                f"pairs.hard_share is {self.hard_share}, but only pairs.kind nsp in mode balanced has hard"
                " negatives: set it to 0, or kind to nsp and mode to balanced"
            )
