"""Fine-tune an encoder with a small head: one loop for all kinds of task.

AdamW with bias correction, warm-up over the first tenth of the steps, linear decay to zero, dropout
0.1 before the head (Devlin et al. 2019, section 4.1 and appendix A.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.nn.functional import gelu
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    get_linear_schedule_with_warmup,
)

from malmoi.errors import InputError
from malmoi.evaluation.tasks import Part
from malmoi.sampling import Permutation, key

WARMUP_SHARE = 0.1
WEIGHT_DECAY = 0.01
CLIP = 1.0
HEAD_DROPOUT = 0.1
#: How many batches are sorted by length together.
SORTED_BATCHES = 8
#: Places of characters in their wordpiece that are told apart; those further on count as the last.
PLACES = 16


@dataclass
class Row:
    """What the encoder reads at once: a text, or a window of one.

    ``points`` (int64 [P, 2]) are, for heads over characters, the token and the place in it of each
    character; ``characters`` (int64 [P]) says where these stand in the text.
    """

    item: int
    ids: list[int]
    types: list[int]
    target: Any
    points: np.ndarray | None = None
    characters: np.ndarray | None = None


@dataclass
class Encoded:
    """Rows that belong together in units (several rows only where they compete); texts that were cut."""

    units: list[list[Row]]
    truncated: int


class Kind(Protocol):
    """What one kind of task is: what is read, learned, predicted and measured.

    ``measures`` names the figures, of which ``main`` chooses epochs and learning rates; ``width`` is the
    size of the head's output, which is one per row or, with ``by_character``, one per point.
    """

    measures: tuple[str, ...]
    main: str
    width: int
    by_character: bool

    def encode(self, tokenizer: PreTrainedTokenizerBase, part: Part, limit: int) -> Encoded:
        """Return the part's items as rows of at most ``limit`` tokens."""

    def loss(self, outputs: torch.Tensor, rows: Sequence[Row]) -> tuple[torch.Tensor, int]:
        """Return a loss summed over what is predicted, and how much that is."""

    def predictions(self, part: Part, rows: Sequence[Row], outputs: Sequence[np.ndarray]) -> list:
        """Return a prediction per item from the outputs (float32) of each row."""

    def columns(self, targets: Sequence[Any], predictions: Sequence[Any]) -> np.ndarray:
        """Return what the figures are made of, per item (float64 [N, K]); it adds up."""

    def figures(self, sums: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """Return the measures (float64 [..., M]) of columns (float64 [..., K]) summed over items.

        ``whole`` are the sums over all items where ``sums`` are those of a sample of them.
        """

    def shown(self, value: Any, texts: tuple[str, ...]) -> str:
        """Return a target or a prediction as text."""


@dataclass
class Run:
    """One fine-tuning: the epoch (from 1) that validation chose, its figures, test predictions."""

    seed: int
    learning_rate: float
    epoch: int
    validation: np.ndarray
    validation_loss: float
    train_loss: float
    predictions: list[Any] = field(default_factory=list)


class Network(nn.Module):
    """An encoder and a head that reads one vector per row, or one per character.

    Per row that is the vector of [CLS], or of the last token where the encoder reads from left to right
    and its first token therefore sees nothing, through a dense layer and tanh: the encoder's own pooler
    where it has one, else a fresh layer. Per character it is the vector of its wordpiece and an embedding
    of its place in that, through a dense layer, GELU and a layer norm as in the head of BERT's masked
    tokens, so that characters of one wordpiece get labels of their own.
    """

    def __init__(self, encoder: PreTrainedModel, width: int, by_character: bool) -> None:
        super().__init__()
        config = encoder.config
        size, spread = config.hidden_size, getattr(config, "initializer_range", 0.02)
        self.encoder, self.by_character = encoder, by_character
        pooler = getattr(encoder, "pooler", None)
        if pooler is not None:
            # The head has it, or has no use for it.
            encoder.pooler = None
        if not by_character and isinstance(getattr(pooler, "dense", None), nn.Linear):
            self.dense = pooler.dense
        else:
            self.dense = _linear(size, size, spread)
        if by_character:
            self.places = nn.Embedding(PLACES, size)
            nn.init.normal_(self.places.weight, std=spread)
            self.norm = nn.LayerNorm(size)
        self.dropout = nn.Dropout(HEAD_DROPOUT)
        self.out = _linear(size, width, spread)

    def forward(self, inputs: dict[str, torch.Tensor], points: torch.Tensor | None) -> torch.Tensor:
        """Return the outputs (float [R, width], or [P, width] for points (int64 [P, 3]: row, token, place))."""
        hidden = self.encoder(**inputs).last_hidden_state
        if self.by_character:
            row, token, place = points.unbind(1)
            read = gelu(self.dense(hidden[row, token]) + self.places(place))
            return self.out(self.dropout(self.norm(read)))
        if getattr(self.encoder.config, "is_decoder", False):
            last = inputs["attention_mask"].sum(1) - 1
            read = hidden[torch.arange(len(hidden), device=hidden.device), last]
        else:
            read = hidden[:, 0]
        return self.out(self.dropout(torch.tanh(self.dense(read))))


def _linear(size: int, width: int, spread: float) -> nn.Linear:
    layer = nn.Linear(size, width)
    nn.init.normal_(layer.weight, std=spread)
    nn.init.zeros_(layer.bias)
    return layer


def tokenizer_of(model_dir: str | Path) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a model's folder.

    Raises:
        InputError: it is not one of the tokenizers library, which alone says where tokens stand in a text.
    """
    tokenizer = AutoTokenizer.from_pretrained(model_dir, local_files_only=True)
    if not tokenizer.is_fast:
        raise InputError(
            f"{model_dir}: its tokenizer has no tokenizer.json; save a fast one with it"
        )
    return tokenizer


def check_length(model_dir: str | Path, max_seq_length: int, task: str) -> None:
    """Check that the model has a position for every token.

    Raises:
        InputError: it has fewer positions than ``max_seq_length``.
    """
    config = AutoConfig.from_pretrained(model_dir, local_files_only=True)
    # Positions of RoBERTa begin after that of the padding.
    offset = config.pad_token_id + 1 if config.model_type in ("roberta", "xlm-roberta") else 0
    positions = config.max_position_embeddings - offset
    if not 16 <= max_seq_length <= positions:
        raise InputError(
            f"task {task}: max_seq_length {max_seq_length} does not fit {model_dir}, which has "
            f"{positions} positions; set it between 16 and {positions}"
        )


def network(model_dir: str | Path, kind: Kind, seed: int, pretrained: bool) -> Network:
    """Return the encoder with a new head; all fresh weights are a function of ``seed``."""
    torch.manual_seed(seed)
    if pretrained:
        encoder = AutoModel.from_pretrained(model_dir, local_files_only=True, dtype=torch.float32)
    else:
        config = AutoConfig.from_pretrained(model_dir, local_files_only=True)
        encoder = AutoModel.from_config(config, dtype=torch.float32)
    return Network(encoder, kind.width, kind.by_character)


def fine_tune(
    model_dir: str | Path,
    kind: Kind,
    encoded: dict[str, Encoded],
    parts: dict[str, Part],
    *,
    pretrained: bool,
    seed: int,
    learning_rate: float,
    epochs: int,
    batch_size: int,
) -> Run:
    """Fine-tune on ``train``, keep the epoch that is best on ``validation``, then predict ``test``.

    Best is the highest main measure, then the lowest loss. ``encoded`` and ``parts`` are keyed by split.
    ``seed`` decides the head, dropout and the order of the items.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    main = kind.measures.index(kind.main)
    train = encoded["train"].units
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        model = network(model_dir, kind, seed, pretrained).to(device)
        steps = epochs * -(-len(train) // batch_size)
        optimizer = torch.optim.AdamW(_decay_groups(model), lr=learning_rate, fused=True)
        schedule = get_linear_schedule_with_warmup(optimizer, round(WARMUP_SHARE * steps), steps)
        best: tuple[float, float] | None = None
        for epoch in range(1, epochs + 1):
            model.train()
            losses = []
            for batch in _batches(
                train, training_order(_lengths(train), batch_size, seed, epoch), batch_size
            ):
                rows = [row for unit in batch for row in train[unit]]
                total, count = kind.loss(model(*_inputs(rows, model)), rows)
                loss = total / count
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
                losses.append(loss.detach())
            predicted, validation_loss = predict(
                model, kind, encoded["validation"], parts["validation"], batch_size
            )
            sums = kind.columns(parts["validation"].targets, predicted).sum(0)
            figures = kind.figures(sums, sums)
            score = (float(figures[main]), -np.nan_to_num(validation_loss, nan=np.inf))
            if best is None or score > best:
                best = score
                weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
                train_loss = float(torch.stack(losses).mean())
                run = Run(seed, learning_rate, epoch, figures, validation_loss, train_loss)
        model.load_state_dict(weights)
        run.predictions, _ = predict(model, kind, encoded["test"], parts["test"], batch_size)
    return run


def training_order(lengths: Sequence[int], batch_size: int, seed: int, epoch: int) -> np.ndarray:
    """Return a random order (int64 [N]) in which the texts of a batch have similar lengths.

    Texts are shuffled, sorted by length within each stretch of ``SORTED_BATCHES`` batches, and those
    batches are shuffled again: most padding goes, and which texts meet stays random.
    """
    size = len(lengths)
    order = Permutation(size, key(seed, "fine-tuning texts", epoch))(np.arange(size))
    stretch = SORTED_BATCHES * batch_size
    by_length = [
        part[np.argsort(np.take(lengths, part), kind="stable")]
        for part in np.split(order, range(stretch, size, stretch))
    ]
    batches = np.split(np.concatenate(by_length), range(batch_size, size, batch_size))
    full = len(batches) - (size % batch_size > 0)
    shuffled = Permutation(max(full, 1), key(seed, "fine-tuning batches", epoch))
    # A short batch stays last, since batches are cut from the order by counting.
    places = [*shuffled(np.arange(full)).tolist(), *range(full, len(batches))]
    return np.concatenate([batches[place] for place in places])


@torch.inference_mode()
def predict(
    model: Network, kind: Kind, encoded: Encoded, part: Part, batch_size: int
) -> tuple[list[Any], float]:
    """Return a prediction per item and the mean loss in nats (squares for numbers)."""
    model.eval()
    units = encoded.units
    rows: list[Row] = []
    outputs: list[np.ndarray] = []
    loss, predicted = 0.0, 0
    # Texts of like length share a batch, so little of it is padding.
    for batch in _batches(units, np.argsort(_lengths(units), kind="stable"), batch_size):
        found = [row for unit in batch for row in units[unit]]
        output = model(*_inputs(found, model)).float()
        total, count = kind.loss(output, found)
        loss, predicted = loss + float(total), predicted + count
        sizes = [1 if row.points is None else len(row.points) for row in found]
        rows += found
        outputs += [tensor.cpu().numpy() for tensor in output.split(sizes)]
    return kind.predictions(part, rows, outputs), loss / max(predicted, 1)


def _lengths(units: Sequence[Sequence[Row]]) -> list[int]:
    return [max(len(row.ids) for row in unit) for unit in units]


def _batches(
    units: Sequence[Sequence[Row]], order: np.ndarray, batch_size: int
) -> Iterator[np.ndarray]:
    for start in range(0, len(units), batch_size):
        yield order[start : start + batch_size]


def _inputs(
    rows: Sequence[Row], model: Network
) -> tuple[dict[str, torch.Tensor], torch.Tensor | None]:
    """Return rows padded to the longest, and all points with the number of their row before them."""
    config = model.encoder.config
    device = next(model.parameters()).device
    shape = (len(rows), max(len(row.ids) for row in rows))
    inputs = {
        "input_ids": torch.full(shape, config.pad_token_id or 0),
        "attention_mask": torch.zeros(shape, dtype=torch.long),
    }
    if getattr(config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = torch.zeros(shape, dtype=torch.long)
    for place, row in enumerate(rows):
        size = len(row.ids)
        inputs["input_ids"][place, :size] = torch.tensor(row.ids)
        inputs["attention_mask"][place, :size] = 1
        if "token_type_ids" in inputs:
            inputs["token_type_ids"][place, :size] = torch.tensor(row.types)
    points = None
    if model.by_character:
        numbered = [np.insert(row.points, 0, at, axis=1) for at, row in enumerate(rows)]
        points = torch.from_numpy(np.concatenate(numbered)).to(device)
    return {name: tensor.to(device) for name, tensor in inputs.items()}, points


def _decay_groups(model: nn.Module) -> list[dict]:
    """Return parameter groups: biases and layer norms, the vectors, are not decayed."""
    matrices = [weight for weight in model.parameters() if weight.ndim > 1]
    vectors = [weight for weight in model.parameters() if weight.ndim <= 1]
    return [
        {"params": matrices, "weight_decay": WEIGHT_DECAY},
        {"params": vectors, "weight_decay": 0.0},
    ]
