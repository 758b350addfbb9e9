"""Fine-tune an encoder with a linear head on single texts, as BERT's paper does for GLUE.

AdamW with bias correction, warm-up over the first tenth of the steps, linear decay to zero, dropout
0.1 before the head (Devlin et al. 2019, section 4.1 and appendix A.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import accuracy_score, f1_score
from torch.nn.functional import cross_entropy
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    get_linear_schedule_with_warmup,
)

from malmoi.errors import InputError
from malmoi.sampling import Permutation, key

WARMUP_SHARE = 0.1
WEIGHT_DECAY = 0.01
CLIP = 1.0
HEAD_DROPOUT = 0.1
#: How many batches are sorted by length together.
SORTED_BATCHES = 8


@dataclass
class Encoded:
    """Token ids per text, special tokens included, and how many texts were cut to fit."""

    ids: list[list[int]]
    truncated: int


@dataclass
class Run:
    """One fine-tuning: the epoch (from 1) that validation chose, its scores, test predictions."""

    seed: int
    learning_rate: float
    epoch: int
    validation_accuracy: float
    validation_macro_f1: float
    validation_loss: float
    train_loss: float
    predictions: np.ndarray


def encode(model_dir: str | Path, texts: Sequence[str], max_seq_length: int) -> Encoded:
    """Return the ids of ``[CLS] text [SEP]``, cut to ``max_seq_length`` tokens."""
    tokenizer = AutoTokenizer.from_pretrained(model_dir, local_files_only=True)
    encodings = tokenizer(list(texts), truncation=True, max_length=max_seq_length).encodings
    truncated = sum(bool(encoding.overflowing) for encoding in encodings)
    return Encoded([encoding.ids for encoding in encodings], truncated)


def check_length(model_dir: str | Path, max_seq_length: int, task: str) -> None:
    """Check that the model has a position for every token.

    Raises:
        InputError: it has fewer positions than ``max_seq_length``.
    """
    positions = AutoConfig.from_pretrained(model_dir, local_files_only=True).max_position_embeddings
    if not 3 <= max_seq_length <= positions:
        raise InputError(
            f"task {task}: max_seq_length {max_seq_length} does not fit {model_dir}, which has "
            f"{positions} positions; set it between 3 and {positions}"
        )


def classifier(model_dir: str | Path, classes: int, seed: int, pretrained: bool) -> PreTrainedModel:
    """Return the encoder with a new linear head; all fresh weights are a function of ``seed``."""
    config = AutoConfig.from_pretrained(model_dir, local_files_only=True)
    config.num_labels = classes
    config.classifier_dropout = HEAD_DROPOUT
    torch.manual_seed(seed)
    if not pretrained:
        return AutoModelForSequenceClassification.from_config(config)
    return AutoModelForSequenceClassification.from_pretrained(
        model_dir, config=config, local_files_only=True
    )


def fine_tune(
    model_dir: str | Path,
    encoded: dict[str, Encoded],
    targets: dict[str, np.ndarray],
    classes: int,
    *,
    pretrained: bool,
    seed: int,
    learning_rate: float,
    epochs: int,
    batch_size: int,
) -> Run:
    """Fine-tune on ``train``, keep the epoch that is best on ``validation``, then predict ``test``.

    Best is the highest macro-F1, then the lowest loss. ``encoded`` and ``targets`` (int64) are
    keyed by split. ``seed`` decides the head, dropout and the order of the documents.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        model = classifier(model_dir, classes, seed, pretrained).to(device)
        steps = epochs * -(-len(targets["train"]) // batch_size)
        optimizer = torch.optim.AdamW(_decay_groups(model), lr=learning_rate, fused=True)
        schedule = get_linear_schedule_with_warmup(optimizer, round(WARMUP_SHARE * steps), steps)
        best: tuple[float, float] | None = None
        for epoch in range(1, epochs + 1):
            order = training_order(
                [len(row) for row in encoded["train"].ids], batch_size, seed, epoch
            )
            model.train()
            losses = []
            for rows, batch in _batches(encoded["train"].ids, order, batch_size, model, device):
                target = torch.from_numpy(targets["train"][rows]).to(device)
                loss = cross_entropy(model(**batch).logits, target)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
                losses.append(loss.detach())
            predicted, validation_loss = predict(
                model, encoded["validation"].ids, targets["validation"], batch_size
            )
            macro_f1 = _macro_f1(targets["validation"], predicted, classes)
            if best is None or (macro_f1, -validation_loss) > best:
                best = (macro_f1, -validation_loss)
                weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
                run = Run(
                    seed,
                    learning_rate,
                    epoch,
                    float(accuracy_score(targets["validation"], predicted)),
                    macro_f1,
                    validation_loss,
                    float(torch.stack(losses).mean()),
                    predicted,
                )
        model.load_state_dict(weights)
        run.predictions, _ = predict(model, encoded["test"].ids, targets["test"], batch_size)
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
    model: PreTrainedModel, ids: Sequence[list[int]], targets: np.ndarray, batch_size: int
) -> tuple[np.ndarray, float]:
    """Return the most likely class of each text (int64 [N]) and the mean loss in nats."""
    model.eval()
    predicted = np.zeros(len(ids), dtype=np.int64)
    losses = np.zeros(len(ids))
    # Texts of like length share a batch, so little of it is padding.
    order = np.argsort([len(row) for row in ids], kind="stable")
    for rows, batch in _batches(ids, order, batch_size, model, model.device):
        logits = model(**batch).logits.float()
        target = torch.from_numpy(targets[rows]).to(model.device)
        predicted[rows] = logits.argmax(-1).cpu().numpy()
        losses[rows] = cross_entropy(logits, target, reduction="none").cpu().numpy()
    return predicted, float(losses.mean())


def _batches(
    ids: Sequence[list[int]],
    order: np.ndarray,
    batch_size: int,
    model: PreTrainedModel,
    device: torch.device,
) -> Iterator[tuple[np.ndarray, dict[str, torch.Tensor]]]:
    padding = model.config.pad_token_id or 0
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        longest = max(len(ids[row]) for row in rows)
        input_ids = torch.full((len(rows), longest), padding)
        attention_mask = torch.zeros((len(rows), longest), dtype=torch.long)
        for place, row in enumerate(rows):
            input_ids[place, : len(ids[row])] = torch.tensor(ids[row])
            attention_mask[place, : len(ids[row])] = 1
        yield (
            rows,
            {"input_ids": input_ids.to(device), "attention_mask": attention_mask.to(device)},
        )


def _decay_groups(model: PreTrainedModel) -> list[dict]:
    """Return parameter groups: biases and layer norms, the vectors, are not decayed."""
    matrices = [weight for weight in model.parameters() if weight.ndim > 1]
    vectors = [weight for weight in model.parameters() if weight.ndim <= 1]
    return [
        {"params": matrices, "weight_decay": WEIGHT_DECAY},
        {"params": vectors, "weight_decay": 0.0},
    ]


def _macro_f1(targets: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    labels = np.arange(classes)
    return float(f1_score(targets, predicted, labels=labels, average="macro", zero_division=0))
