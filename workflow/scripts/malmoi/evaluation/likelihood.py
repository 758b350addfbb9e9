"""How likely models hold eojeols to be, piece by piece from left to right within the eojeol.

A masked model is asked for a piece with it and all later pieces of its eojeol masked, and the earlier ones
known (PLL-word-l2r, Kauf and Ivanova 2023): with its other pieces known, an eojeol of many pieces would give
itself away. A left-to-right model is given what stands before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from transformers import BertConfig, PreTrainedModel, PreTrainedTokenizerBase

from malmoi.errors import InputError
from malmoi.evaluation.eojeols import Blank
from malmoi.evaluation.ngrams import NGrams
from malmoi.training.model import objective_of, vocabulary_logits

#: Tokens of a forward pass, padding included.
BATCH_TOKENS = 8192


@dataclass(frozen=True)
class Encoded:
    """Blanks as a tokenizer has them.

    ``left``, ``words`` and ``right`` hold the ids around and in each blank. The other arrays have a row per
    piece of the words, one word after another: ``owner`` the word, ``starts`` and ``ends`` its characters.
    """

    left: list[list[int]]
    words: list[list[int]]
    right: list[list[int]]
    owner: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    @property
    def pieces(self) -> np.ndarray:
        """Return the ids of the words (int64 [P])."""
        return np.array([piece for word in self.words for piece in word], dtype=np.int64)


class Scores(NamedTuple):
    """What a model said of each piece: bits (float64 [P]), whether it came first, how sure the first was."""

    bits: np.ndarray
    right: np.ndarray
    confidence: np.ndarray


def encode(tokenizer: PreTrainedTokenizerBase, blanks: Sequence[Blank], longest: int) -> Encoded:
    """Return blanks as ids for a model that reads ``longest`` tokens.

    Raises:
        InputError: an eojeol has more pieces than the model reads, or none.
    """

    def ids(texts: list[str]) -> list[list[int]]:
        found = tokenizer(texts, add_special_tokens=False, verbose=False)
        return [encoding.ids for encoding in found.encodings]

    words = tokenizer(
        [blank.word for blank in blanks], add_special_tokens=False, verbose=False
    ).encodings
    for blank, word in zip(blanks, words, strict=True):
        if not 0 < len(word.ids) <= longest - 2:
            raise InputError(
                f"document {blank.document.doc_id}: {blank.word!r} has {len(word.ids)} pieces, and the model "
                f"reads {longest} tokens; evaluate a model of 64 positions or more, with its own tokenizer"
            )
    spans = np.array([span for word in words for span in word.offsets], dtype=np.int64)
    return Encoded(
        left=ids([blank.left for blank in blanks]),
        words=[word.ids for word in words],
        right=ids([blank.right for blank in blanks]),
        owner=np.repeat(np.arange(len(words)), [len(word.ids) for word in words]),
        starts=spans.reshape(-1, 2)[:, 0],
        ends=spans.reshape(-1, 2)[:, 1],
    )


def network_scores(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, encoded: Encoded
) -> Scores:
    """Return what a network says of each piece.

    What does not fit into the model's positions is left out at the ends, furthest from the blank.
    """
    causal = objective_of(model) == "ltr"
    longest = model.config.max_position_embeddings
    first, last, mask = tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.mask_token_id
    sequences: list[list[int]] = []
    places: list[int] = []
    for left, word, right in zip(encoded.left, encoded.words, encoded.right, strict=True):
        if causal:
            known = _last(left, longest - len(word))
            for at in range(len(word)):
                sequences.append([first, *known, *word[:at]])
                places.append(len(known) + at)
            continue
        before, behind = _fitting(left, right, longest - 2 - len(word))
        for at in range(len(word)):
            blanks = [mask] * (len(word) - at)
            sequences.append([first, *before, *word[:at], *blanks, *behind, last])
            places.append(1 + len(before) + at)
    targets = torch.from_numpy(encoded.pieces)
    at = torch.tensor(places)
    result = Scores(*(np.zeros(len(sequences)) for _ in range(3)))
    device = next(model.parameters()).device
    model.eval()
    with torch.inference_mode():
        for numbers, hidden, _ in hidden_states(model, sequences, tokenizer.pad_token_id):
            rows = torch.arange(len(numbers), device=device)
            asked = hidden[-1][rows, at[numbers].to(device)]
            logs = vocabulary_logits(model, asked).float().log_softmax(-1)
            wanted = targets[numbers].to(device)
            best, choice = logs.max(-1)
            bits = -logs[rows, wanted] / np.log(2)
            for values, found in zip(result, (bits, choice == wanted, best.exp()), strict=True):
                values[numbers] = found.cpu().numpy()
    return result


def _last(ids: Sequence[int], number: int) -> list[int]:
    return list(ids[max(0, len(ids) - number) :])


def _fitting(left: Sequence[int], right: Sequence[int], room: int) -> tuple[list[int], list[int]]:
    """Return the ends of both sides next to the blank, so that they have ``room`` together."""
    before = min(len(left), max(room // 2, room - len(right)))
    return _last(left, before), list(right[: room - before])


def hidden_states(
    model: PreTrainedModel,
    sequences: Sequence[Sequence[int]],
    padding: int,
    layers: bool = False,
    types: Sequence[Sequence[int]] | None = None,
) -> Iterator[tuple[np.ndarray, Sequence[torch.Tensor], torch.Tensor | None]]:
    """Yield numbers of sequences of like length (int64 [B]), their hidden states and what is pooled of them.

    Hidden states (float [B, L, hidden]) are the last ones alone, or with ``layers`` those of all layers from
    the embeddings on. ``types`` are the segments' numbers of each token, all 0 where None.
    """
    device = next(model.parameters()).device
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        # As many as fit when padded to the longest of them.
        cost = np.arange(1, len(order) - start + 1) * lengths[order[start:]]
        size = max(1, int(np.searchsorted(cost, BATCH_TOKENS, side="right")))
        numbers = order[start : start + size]
        start += size
        width = int(lengths[numbers].max())
        inputs = {"input_ids": _padded([sequences[at] for at in numbers], width, padding)}
        inputs["attention_mask"] = (np.arange(width) < lengths[numbers][:, None]).astype(np.int64)
        if types is not None and isinstance(model.config, BertConfig):
            inputs["token_type_ids"] = _padded([types[at] for at in numbers], width, 0)
        output = model.base_model(
            **{name: torch.from_numpy(values).to(device) for name, values in inputs.items()},
            output_hidden_states=layers,
        )
        states = output.hidden_states if layers else [output.last_hidden_state]
        yield numbers, states, getattr(output, "pooler_output", None)


def _padded(rows: Sequence[Sequence[int]], width: int, padding: int) -> np.ndarray:
    result = np.full((len(rows), width), padding, dtype=np.int64)
    for number, row in enumerate(rows):
        result[number, : len(row)] = row
    return result


def count_scores(model: NGrams, encoded: Encoded) -> Scores:
    """Return what a count model says of each piece, given the pieces before it."""
    rows = [
        ([*left[-model.order :], *word[:at]], piece)
        for left, word in zip(encoded.left, encoded.words, strict=True)
        for at, piece in enumerate(word)
    ]
    result = Scores(*(np.zeros(len(rows)) for _ in range(3)))
    for number, (history, piece) in enumerate(rows):
        chances = model.distribution(history)
        best = int(chances.argmax())
        result.bits[number] = -np.log2(chances[piece])
        result.right[number] = best == piece
        result.confidence[number] = chances[best]
    return result
