"""The model: plain ``BertForPreTraining``, with its losses computed on masked positions only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional
from transformers import BertConfig, BertForPreTraining

from malmoi.errors import InputError

#: Layers, hidden size, attention heads: BERT of Devlin et al. 2019 and the small ones of Turc et al. 2019.
SIZES: dict[str, tuple[int, int, int]] = {
    "tiny": (2, 128, 2),
    "mini": (4, 256, 4),
    "small": (4, 512, 8),
    "base": (12, 768, 12),
    "large": (24, 1024, 16),
}


class PretrainingOutputs(NamedTuple):
    """Scalars of one batch: losses are float32 means (0 where nothing counts), the rest int64 sums."""

    loss: torch.Tensor
    mlm_loss: torch.Tensor
    nsp_loss: torch.Tensor
    mlm_correct: torch.Tensor
    mlm_count: torch.Tensor
    nsp_correct: torch.Tensor
    nsp_count: torch.Tensor


def bert_config(
    vocabulary_size: int,
    model: str | Mapping[str, int | float],
    max_position_embeddings: int,
) -> BertConfig:
    """Return the configuration of a named size, or of given dimensions.

    A mapping holds ``layers``, ``hidden_size``, ``heads`` and, optionally, ``intermediate_size`` (four times
    the hidden size) and ``dropout`` (0.1, also of attention).

    Raises:
        InputError: the heads do not divide the hidden size.
    """
    if isinstance(model, str):
        layers, hidden, heads = SIZES[model]
        given: Mapping[str, int | float] = {}
    else:
        given = model
        layers, hidden, heads = (int(given[name]) for name in ("layers", "hidden_size", "heads"))
    if hidden % heads:
        raise InputError(f"pretrain.model: hidden_size {hidden} is not a multiple of heads {heads}")
    dropout = float(given.get("dropout", 0.1))
    return BertConfig(
        vocab_size=vocabulary_size,
        num_hidden_layers=layers,
        hidden_size=hidden,
        num_attention_heads=heads,
        intermediate_size=int(given.get("intermediate_size", 4 * hidden)),
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        max_position_embeddings=max_position_embeddings,
        pad_token_id=0,
    )


def untrained(config: BertConfig, seed: int) -> BertForPreTraining:
    """Return a freshly initialised model whose weights are a function of ``config`` and ``seed``."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return BertForPreTraining(config)


def pretraining_outputs(
    model: BertForPreTraining, batch: Mapping[str, torch.Tensor]
) -> PretrainingOutputs:
    """Return losses and correct predictions of a padded batch as the instance loader gives it.

    The MLM head runs on masked positions only, which gives the loss of the full computation for a
    seventh of the head's arithmetic. Losses are computed in float32 whatever the model's dtype. Rows whose
    ``next_sentence_label`` is negative are no pairs and count for MLM alone.
    """
    hidden = model.bert(
        input_ids=batch["input_ids"],
        token_type_ids=batch["token_type_ids"],
        attention_mask=batch["attention_mask"],
    )
    masked = batch["labels"] >= 0
    labels = batch["labels"][masked]
    following = batch["next_sentence_label"]
    pairs = (following >= 0).sum()
    mlm_logits = model.cls.predictions(hidden.last_hidden_state[masked]).float()
    nsp_logits = model.cls.seq_relationship(hidden.pooler_output).float()
    mlm_loss = functional.cross_entropy(mlm_logits, labels, reduction="sum") / max(1, len(labels))
    nsp_loss = functional.cross_entropy(nsp_logits, following, reduction="sum") / pairs.clamp(min=1)
    return PretrainingOutputs(
        loss=mlm_loss + nsp_loss,
        mlm_loss=mlm_loss,
        nsp_loss=nsp_loss,
        mlm_correct=(mlm_logits.argmax(-1) == labels).sum(),
        mlm_count=masked.sum(),
        nsp_correct=(nsp_logits.argmax(-1) == following).sum(),
        nsp_count=pairs,
    )


class PretrainingModule(nn.Module):
    """``pretraining_outputs`` as a module, which is what DeepSpeed trains."""

    def __init__(self, model: BertForPreTraining) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Mapping[str, torch.Tensor]) -> PretrainingOutputs:
        return pretraining_outputs(self.model, batch)


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict]:
    """Return optimizer groups: weight decay on matrices, none on biases and LayerNorm."""
    matrices = [value for value in module.parameters() if value.ndim >= 2]
    vectors = [value for value in module.parameters() if value.ndim < 2]
    return [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
