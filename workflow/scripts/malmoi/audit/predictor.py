"""What a model expects of the next piece and of masked pieces, for masked and for left-to-right models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import transformers
from torch.nn.functional import cross_entropy
from transformers import AutoConfig, AutoTokenizer, PreTrainedModel

from malmoi.errors import InputError

#: Tokens of a forward pass, padding included.
BATCH_TOKENS = 8192


class Row(NamedTuple):
    """A place in a text: ``blanks`` unknown pieces, the first of which is asked for, between known ones."""

    left: Sequence[int]
    blanks: int
    right: Sequence[int]


class Predictor:
    """A model folder that plain transformers loads, with its tokenizer.

    ``causal`` models see only what is left of a place; ``longest`` is their longest input in tokens, special
    tokens included. Runs on a GPU where there is one.

    Raises:
        InputError: the folder holds no model or no tokenizer.
    """

    def __init__(self, folder: str | Path) -> None:
        try:
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            # The class that was exported, so that no weight is missing or left over.
            loader = getattr(transformers, config.architectures[0])
            self.model = loader.from_pretrained(folder, local_files_only=True)
            self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (AttributeError, OSError, TypeError, ValueError) as error:
            raise InputError(
                f"{folder}: no model to audit ({error}); export the model again"
            ) from None
        self.causal = bool(getattr(config, "is_decoder", False))
        self.longest = int(config.max_position_embeddings)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model.to(self.device).eval()

    @property
    def mask(self) -> int:
        """Return the id of [MASK]."""
        return int(self.tokenizer.mask_token_id)

    def ids(self, text: str) -> list[int]:
        """Return the ids of a text without special tokens."""
        return self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]

    def text(self, ids: Sequence[int]) -> str:
        """Return the text that pieces spell."""
        return self.tokenizer.decode(ids, clean_up_tokenization_spaces=False)

    @torch.inference_mode()
    def next_pieces(self, rows: Sequence[Row]) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        """Yield, batch by batch, numbers of rows (int64 [B]) and log-probabilities in nats (float32 [B, V]).

        All blanks of a row are masked. A left-to-right model sees what is left of them alone.
        """
        first, last = int(self.tokenizer.cls_token_id), int(self.tokenizer.sep_token_id)
        sequences = [
            [first, *row.left]
            if self.causal
            else [first, *row.left, *[self.mask] * row.blanks, *row.right, last]
            for row in rows
        ]
        # A left-to-right model says at a token what comes after it.
        places = np.array([len(row.left) + (not self.causal) for row in rows])
        for numbers, hidden in self._hidden(sequences):
            at = torch.from_numpy(places[numbers]).to(self.device)
            logits = _head(self.model, hidden[torch.arange(len(numbers)), at])
            yield numbers, logits.float().log_softmax(-1)

    def losses(self, chunks: Sequence[np.ndarray], positions: Sequence[np.ndarray]) -> np.ndarray:
        """Return the mean loss in nats (float64 [N]) of the pieces at some positions (int64) of each chunk.

        Those pieces are masked, but for a left-to-right model, which reads them afterwards.
        """
        return losses(self.model, self.tokenizer, chunks, positions, self.causal)

    def _hidden(
        self, sequences: Sequence[Sequence[int]]
    ) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        return hidden_states(self.model, sequences, int(self.tokenizer.pad_token_id))


@torch.inference_mode()
def losses(
    model: PreTrainedModel,
    tokenizer: AutoTokenizer,
    chunks: Sequence[np.ndarray],
    positions: Sequence[np.ndarray],
    causal: bool = False,
) -> np.ndarray:
    """Return the mean loss of the pieces at some positions of each chunk, see ``Predictor.losses``."""
    sequences = []
    for chunk, chosen in zip(chunks, positions, strict=True):
        seen = np.array(chunk, dtype=np.int64)
        if not causal:
            seen[chosen] = tokenizer.mask_token_id
        sequences.append([tokenizer.cls_token_id, *seen.tolist(), tokenizer.sep_token_id])
    result = np.zeros(len(chunks))
    for numbers, hidden in hidden_states(model, sequences, int(tokenizer.pad_token_id)):
        owner = np.repeat(np.arange(len(numbers)), [len(positions[n]) for n in numbers])
        at = np.concatenate([positions[n] for n in numbers])
        target = np.concatenate([np.asarray(chunks[n])[positions[n]] for n in numbers])
        rows = torch.from_numpy(owner).to(hidden.device)
        columns = torch.from_numpy(at + (not causal)).to(hidden.device)
        logits = _head(model, hidden[rows, columns]).float()
        labels = torch.from_numpy(target.astype(np.int64)).to(hidden.device)
        each = cross_entropy(logits, labels, reduction="none").cpu().numpy()
        result[numbers] = np.bincount(owner, each) / np.bincount(owner)
    return result


def hidden_states(
    model: PreTrainedModel, sequences: Sequence[Sequence[int]], padding: int
) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
    """Yield numbers of sequences of like length (int64 [B]) and their last hidden states ([B, L, hidden])."""
    device = next(model.parameters()).device
    lengths = np.array([len(sequence) for sequence in sequences])
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        # As many as fit when padded to the longest of them.
        ends = np.arange(1, len(order) - start + 1) * lengths[order[start:]]
        size = max(1, int(np.searchsorted(ends, BATCH_TOKENS, side="right")))
        numbers = order[start : start + size]
        start += size
        ids = np.full((size, lengths[numbers].max()), padding, dtype=np.int64)
        for row, number in enumerate(numbers):
            ids[row, : lengths[number]] = sequences[number]
        inside = np.arange(ids.shape[1]) < lengths[numbers][:, None]
        output = model.base_model(
            input_ids=torch.from_numpy(ids).to(device),
            attention_mask=torch.from_numpy(inside.astype(np.int64)).to(device),
        )
        yield numbers, output.last_hidden_state


def _head(model: PreTrainedModel, hidden: torch.Tensor) -> torch.Tensor:
    if hasattr(model, "cls"):
        return model.cls.predictions(hidden)
    # ModernBERT's.
    return model.decoder(model.head(hidden))
