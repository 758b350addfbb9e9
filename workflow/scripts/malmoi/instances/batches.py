"""Batches: which instances a step takes, how ranks share them, and what the model reads of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from malmoi import sampling

#: The label of positions that are not masked, as ``torch.nn.CrossEntropyLoss`` ignores it.
IGNORED = -100


@dataclass(frozen=True)
class Rows:
    """Instances end to end, without padding: T tokens, B instances, M masked positions.

    ``input_ids`` (uint16 or uint32 [T]) has masks applied, ``token_type_ids`` is uint8 [T]. Instance b lies at
    ``cu_seqlens[b]`` to ``cu_seqlens[b + 1]`` (int32 [B + 1]), its masks at ``mlm_offsets[b]`` to
    ``mlm_offsets[b + 1]`` (int64 [B + 1]) of ``mlm_positions`` (int64 [M], positions of T) and ``mlm_labels``
    (like ids [M]). ``next_sentence_label`` (int64 [B]) is 0, 1 or ``IGNORED``.
    """

    input_ids: np.ndarray
    token_type_ids: np.ndarray
    cu_seqlens: np.ndarray
    mlm_positions: np.ndarray
    mlm_labels: np.ndarray
    mlm_offsets: np.ndarray
    next_sentence_label: np.ndarray

    def __len__(self) -> int:
        return len(self.next_sentence_label)

    @property
    def lengths(self) -> np.ndarray:
        """Return the tokens of each instance (int64 [B])."""
        return np.diff(self.cu_seqlens).astype(np.int64)

    def part(self, start: int, stop: int) -> Rows:
        """Return instances ``start`` to ``stop``, as views of the arrays here."""
        tokens = slice(int(self.cu_seqlens[start]), int(self.cu_seqlens[stop]))
        masks = slice(int(self.mlm_offsets[start]), int(self.mlm_offsets[stop]))
        return Rows(
            input_ids=self.input_ids[tokens],
            token_type_ids=self.token_type_ids[tokens],
            cu_seqlens=self.cu_seqlens[start : stop + 1] - self.cu_seqlens[start],
            mlm_positions=self.mlm_positions[masks] - tokens.start,
            mlm_labels=self.mlm_labels[masks],
            mlm_offsets=self.mlm_offsets[start : stop + 1] - self.mlm_offsets[start],
            next_sentence_label=self.next_sentence_label[start:stop],
        )


def ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return start, start + 1, … (``count`` of them) of every range, one after the other (int64)."""
    ends = np.cumsum(counts)
    if not len(ends):
        return np.zeros(0, dtype=np.int64)
    places = np.repeat(starts - ends + counts, counts)
    places += np.arange(len(places))
    return places


def step_indices(size: int, step: int, batch_size: int, seed: int, phase: str) -> np.ndarray:
    """Return the instances (int64 [batch_size]) of one global step of a phase.

    Each epoch is another random order of all ``size`` instances; a step may take the end of one epoch and
    the beginning of the next. Nothing depends on earlier steps or on the number of ranks.
    """
    positions = step * batch_size + np.arange(batch_size, dtype=np.int64)
    epochs, places = positions // size, positions % size
    result = np.empty(batch_size, dtype=np.int64)
    for epoch in np.unique(epochs).tolist():
        order = sampling.Permutation(size, sampling.key(seed, "order", phase, epoch))
        result[epochs == epoch] = order(places[epochs == epoch])
    return result


def step_epochs(size: int, step: int, batch_size: int) -> np.ndarray:
    """Return the epoch (int64 [batch_size], from 0) of each instance of ``step_indices``."""
    return (step * batch_size + np.arange(batch_size, dtype=np.int64)) // size


def rank_share(lengths: np.ndarray, rank: int, ranks: int) -> np.ndarray:
    """Return which instances of a global batch a rank takes (int64 positions, longest first).

    Instances are dealt by falling length, forwards and backwards in turn, so that ranks differ by one
    instance at most and have near-equal tokens. ``lengths`` are those of the whole global batch, so every
    rank finds the same division without asking the others.
    """
    order = np.argsort(-lengths, kind="stable")
    return order[_seats(len(lengths), ranks) == rank]


def micro_batches(
    lengths: np.ndarray,
    rank: int,
    ranks: int,
    *,
    micro_batch_size: int | None = None,
    micro_batch_tokens: int | None = None,
) -> list[np.ndarray]:
    """Return the micro-batches of a rank as positions in the global batch (int64 each), the same number on
    every rank, so that none ever waits for a collective that the others do not join.

    With ``micro_batch_size`` each has that many instances of like length, which leaves little to pad; the
    last one has fewer where the share is no multiple of it, and ranks have equal numbers where their shares
    are equal. With ``micro_batch_tokens`` the batch is dealt like ``rank_share`` into as few micro-batches
    per rank as keep all of them within that many tokens.

    Raises:
        ValueError: neither or both sizes are given, or an instance is longer than ``micro_batch_tokens``.
    """
    if (micro_batch_size is None) == (micro_batch_tokens is None):
        raise ValueError("give micro_batch_size or micro_batch_tokens")
    if micro_batch_size is not None:
        own = rank_share(lengths, rank, ranks)
        return [own[at : at + micro_batch_size] for at in range(0, len(own), micro_batch_size)]
    assert micro_batch_tokens is not None
    if not len(lengths):
        return []
    if int(lengths.max()) > micro_batch_tokens:
        raise ValueError(
            f"an instance has {int(lengths.max())} tokens, more than a micro-batch of {micro_batch_tokens}"
        )
    falling = -np.sort(-lengths)
    count = max(1, -(-int(lengths.sum()) // (ranks * micro_batch_tokens)))
    while True:
        tokens = np.bincount(_seats(len(lengths), ranks * count), weights=falling)
        if tokens.max() <= micro_batch_tokens:
            break
        count += 1
    return [rank_share(lengths, rank * count + part, ranks * count) for part in range(count)]


def _seats(count: int, seats: int) -> np.ndarray:
    """Return who gets each of ``count`` cards dealt 0, 1, …, n, n, …, 1, 0, 0, 1, … (int64)."""
    rounds, place = np.divmod(np.arange(count), seats)
    return np.where(rounds % 2, seats - 1 - place, place)


def padded(rows: Rows, multiple: int = 8, limit: int | None = None) -> dict[str, np.ndarray]:
    """Return instances as rectangles for ``BertForPreTraining``, int32 throughout.

    ``input_ids``, ``token_type_ids``, ``attention_mask`` and ``labels`` are [B, S], where S is the longest
    length rounded up to a ``multiple``, but not beyond ``limit`` (the positions of the model, say);
    ``labels`` is ``IGNORED`` where nothing is masked. ``next_sentence_label`` is [B].
    """
    lengths = rows.lengths
    longest = int(lengths.max(initial=0))
    width = -(-longest // multiple) * multiple
    width = max(longest, min(width, limit or width))
    inside = np.arange(width) < lengths[:, None]
    shape = inside.shape
    ids, types = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32)
    ids[inside] = rows.input_ids
    types[inside] = rows.token_type_ids
    labels = np.full(shape, IGNORED, dtype=np.int32)
    # A position of T moves by the padding of the rows above its own.
    shift = np.arange(len(rows)) * width - rows.cu_seqlens[:-1]
    places = rows.mlm_positions + np.repeat(shift, np.diff(rows.mlm_offsets))
    labels.reshape(-1)[places] = rows.mlm_labels
    return {
        "input_ids": ids,
        "token_type_ids": types,
        "attention_mask": inside.astype(np.int32),
        "labels": labels,
        "next_sentence_label": rows.next_sentence_label.astype(np.int32),
    }


def left_to_right(rows: Rows) -> Rows:
    """Return instances as a left-to-right model reads them: unmasked, every token but the first to predict.

    The label of a position is the token after it; the last position of an instance has none.
    """
    ids = rows.input_ids.copy()
    ids[rows.mlm_positions] = rows.mlm_labels
    lasts = rows.cu_seqlens[1:][rows.lengths > 0] - 1
    positions = np.delete(np.arange(len(ids), dtype=np.int64), lasts)
    counts = np.maximum(rows.lengths - 1, 0)
    return Rows(
        input_ids=ids,
        token_type_ids=rows.token_type_ids,
        cu_seqlens=rows.cu_seqlens,
        mlm_positions=positions,
        mlm_labels=ids[positions + 1],
        mlm_offsets=np.concatenate([[0], np.cumsum(counts)]),
        next_sentence_label=rows.next_sentence_label,
    )


def packed(rows: Rows, tokens: int | None = None, multiple: int = 1) -> dict[str, np.ndarray | int]:
    """Return instances end to end for attention over ``cu_seqlens``, without a padded position.

    ``input_ids``, ``token_type_ids`` and ``position_ids`` (from 0 in every instance) are int32 [T],
    ``cu_seqlens`` is int32 [B + 1] and ``max_seqlen`` the longest length; ``masked_positions`` int64 [M] and
    ``masked_labels`` int32 [M] say what to predict, ``next_sentence_label`` is int32 [B].

    Compiled models want few shapes: ``tokens`` fills T up to that many with zeros, which are sequences of
    their own at the end of ``cu_seqlens``, none longer than ``max_seqlen``; no label stands there. ``multiple``
    rounds the number of sequences up to a multiple of it with empty ones, and that of masked positions to a
    multiple of eight times it; what is added has the label ``IGNORED``.

    Raises:
        ValueError: the instances have more than ``tokens`` tokens.
    """
    cu_seqlens, longest = rows.cu_seqlens, int(rows.lengths.max(initial=0))
    total = int(cu_seqlens[-1])
    fill = 0 if tokens is None else tokens - total
    if fill < 0:
        raise ValueError(f"{total} tokens do not fit into a micro-batch of {tokens}")
    if fill:
        longest = longest or fill
        ends = np.append(np.arange(total + longest, total + fill, longest), total + fill)
        cu_seqlens = np.concatenate([cu_seqlens, ends.astype(np.int32)])
    cu_seqlens = np.pad(cu_seqlens, (0, -(len(cu_seqlens) - 1) % multiple), mode="edge")
    lengths = np.diff(cu_seqlens).astype(np.int64)
    unmasked = -len(rows.mlm_positions) % (8 * multiple) if multiple > 1 else 0
    unpaired = -len(rows) % multiple
    labels = rows.mlm_labels.astype(np.int32)
    pairs = rows.next_sentence_label.astype(np.int32)
    return {
        "input_ids": np.pad(rows.input_ids.astype(np.int32), (0, fill)),
        "token_type_ids": np.pad(rows.token_type_ids.astype(np.int32), (0, fill)),
        "position_ids": ranges(np.zeros_like(lengths), lengths).astype(np.int32),
        "cu_seqlens": cu_seqlens,
        "max_seqlen": longest,
        "masked_positions": np.pad(rows.mlm_positions, (0, unmasked)),
        "masked_labels": np.pad(labels, (0, unmasked), constant_values=IGNORED),
        "next_sentence_label": np.pad(pairs, (0, unpaired), constant_values=IGNORED),
    }
