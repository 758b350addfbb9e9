"""What a shard's instances amount to: sums for the manifest and rows for the ledger."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from malmoi import ledger
from malmoi.instances.documents import Block
from malmoi.instances.layout import Layout
from malmoi.instances.masking import Masked, Vocabulary
from malmoi.instances.pairs import Sequences
from malmoi.instances.sequences import SAME_DOCUMENT, SAME_KIND, SWAPPED

#: What is counted, each the sum over all passes. ``tokens`` are without special tokens, ``positions`` with
#: them. Every token of the documents is in one of ``used_once``, ``used_again`` (several times in one
#: pass, as partners too), ``single_token`` (all that its document has) or ``cut_off``.
SUMS = (
    *("instances", "tokens", "positions", "unknown"),
    *("random", "hard_same_kind", "hard_same_document", "swapped"),
    *("masked", "masked_as_mask", "masked_as_random", "masked_as_itself"),
    *("corpus_tokens", "used_once", "used_again", "single_token", "cut_off"),
)

#: Lengths are counted in steps of so many tokens.
STEP = 8


class Counts:
    """Sums over the blocks and passes of a shard.

    ``sums`` has the names of ``SUMS``; ``lengths`` int64 [L + 1] counts the instances whose length, rounded up
    to a multiple of ``STEP``, is ``STEP`` times the index.
    """

    def __init__(self, max_seq_length: int) -> None:
        self.sums = dict.fromkeys(SUMS, 0)
        self.lengths = np.zeros(-(-max_seq_length // STEP) + 1, dtype=np.int64)

    def add_sequences(self, block: Block, sequences: Sequences) -> np.ndarray:
        """Count a pass over a block; return how many tokens of each document it used (int64 [D])."""
        offsets = block.documents.offsets
        # Where segments end (0), documents meet (1) and segments begin (2), in this order at each place.
        places = (sequences.segments[:, 1], offsets, sequences.segments[:, 0])
        marks = np.concatenate([place << 2 | kind for kind, place in enumerate(places)])
        marks.sort()
        kinds = marks & 3
        widths = np.diff(marks >> 2)
        uses = np.cumsum(kinds - 1)[:-1]
        document = np.cumsum(kinds == 1)[:-1] - 1
        used = np.bincount(document[uses > 0], widths[uses > 0], len(offsets) - 1).astype(np.int64)
        tokens = np.diff(offsets)
        reached, once = int(used.sum()), int(widths[uses == 1].sum())
        single = int(np.count_nonzero((tokens == 1) & (used == 0)))
        negatives = np.bincount(sequences.negative, minlength=SWAPPED + 1)
        self._add(
            instances=len(sequences),
            tokens=np.diff(sequences.segments).sum(),
            random=np.count_nonzero(sequences.label == 1),
            hard_same_kind=negatives[SAME_KIND],
            hard_same_document=negatives[SAME_DOCUMENT],
            swapped=negatives[SWAPPED],
            corpus_tokens=int(offsets[-1]),
            used_once=once,
            used_again=reached - once,
            single_token=single,
            cut_off=int(offsets[-1]) - reached - single,
        )
        return used

    def add_instances(self, rows: Layout, vocabulary: Vocabulary) -> None:
        """Count instances before they are masked."""
        lengths = np.diff(rows.starts)
        self.lengths += np.bincount(-(-lengths // STEP), minlength=len(self.lengths))
        self._add(
            positions=len(rows.ids),
            unknown=np.count_nonzero(rows.ids == vocabulary.unknown),
        )

    def add_masks(self, masked: Masked, vocabulary: Vocabulary) -> None:
        """Count what stands at the masked places."""
        seen = masked.seen[masked.positions]
        mask = np.count_nonzero(seen == vocabulary.mask)
        same = np.count_nonzero(seen == masked.labels)
        total = len(masked.positions)
        self._add(
            masked=total,
            masked_as_mask=mask,
            masked_as_itself=same,
            masked_as_random=total - mask - same,
        )

    def _add(self, **amounts: int) -> None:
        for name, amount in amounts.items():
            self.sums[name] += int(amount)


def left_out_row(
    doc_id: str, source: str, characters: int, tokens: int, phase: str
) -> dict[str, str | int]:
    """Return the ledger row of a document that ``instances.share`` leaves out."""
    return ledger.row(
        f"instances-{phase}",
        source,
        doc_id=doc_id,
        status="filtered",
        reason="share",
        chars_in=characters,
        tokens_in=tokens,
    )


def ledger_rows(block: Block, used: np.ndarray, phase: str) -> Iterator[dict[str, str | int]]:
    """Yield the ledger row of each document of a block; ``used`` int64 [D] are tokens that a pass used."""
    tokens = np.diff(block.documents.offsets)
    fields = (block.doc_ids, block.sources, block.characters, tokens, used)
    for doc_id, source, characters, given, kept in zip(
        *(field.tolist() for field in fields), strict=True
    ):
        yield ledger.row(
            f"instances-{phase}",
            source,
            doc_id=doc_id,
            status="kept" if kept else "filtered",
            # A document of two tokens or more gives at least a pair.
            reason="" if kept else "single_token",
            chars_in=characters,
            chars_out=characters if kept else 0,
            tokens_in=given,
            tokens_out=kept,
        )
