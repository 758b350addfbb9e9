"""The networks: plain transformers models for each objective, with their losses where they count."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional
from transformers import (
    AutoConfig,
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    BertLMHeadModel,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PreTrainedConfig,
    PreTrainedModel,
)

from malmoi.errors import InputError
from malmoi.instances.loader import IGNORED
from malmoi.training.attention import PACKED, packing

#: Layers, hidden size, attention heads: BERT of Devlin et al. 2019 and the small ones of Turc et al. 2019.
SIZES: dict[str, tuple[int, int, int]] = {
    "tiny": (2, 128, 2),
    "mini": (4, 256, 4),
    "small": (4, 512, 8),
    "base": (12, 768, 12),
    "large": (24, 1024, 16),
}

#: What a model learns: masked tokens with or without a label of the pair, or the next token (``ltr``).
OBJECTIVES = ("mlm+nsp", "mlm+sop", "mlm", "ltr")


class PretrainingOutputs(NamedTuple):
    """Sums of one micro-batch (float32 scalars): losses in nats, what was counted and what was right.

    ``z_loss`` is the sum of the squared logarithm of the softmax's denominator over masked positions.
    """

    mlm_loss: torch.Tensor
    mlm_count: torch.Tensor
    mlm_correct: torch.Tensor
    nsp_loss: torch.Tensor
    nsp_count: torch.Tensor
    nsp_correct: torch.Tensor
    z_loss: torch.Tensor


def model_config(
    vocabulary_size: int,
    model: str | Mapping[str, Any],
    max_position_embeddings: int,
    objective: str = "mlm+nsp",
    attention_dropout: float | None = None,
) -> PreTrainedConfig:
    """Return the configuration of a named size, or of given dimensions.

    A mapping holds ``layers``, ``hidden_size``, ``heads`` and, optionally, ``intermediate_size`` (four times
    the hidden size), ``dropout`` (0.1) and ``architecture`` (``bert``, or ``modernbert`` of Warner et al. 2024,
    whose feed-forward layers are 1.5 times as wide as it and which has no dropout of its own).
    ``attention_dropout`` is that of ``dropout`` where None. With the objective ``ltr`` tokens see those before
    them only.

    Raises:
        InputError: the heads do not divide the hidden size, or the architecture lacks the objective.
    """
    given: Mapping[str, Any] = {}
    if isinstance(model, str):
        layers, hidden, heads = SIZES[model]
    else:
        given = model
        layers, hidden, heads = (int(given[name]) for name in ("layers", "hidden_size", "heads"))
    if hidden % heads:
        raise InputError(f"pretrain.model: hidden_size {hidden} is not a multiple of heads {heads}")
    common = {
        "vocab_size": vocabulary_size,
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "max_position_embeddings": max_position_embeddings,
        "pad_token_id": 0,
    }
    if given.get("architecture", "bert") == "modernbert":
        if objective != "mlm":
            raise InputError(
                f"pretrain.model: modernbert has no head for {objective!r}: set pretrain.objective to mlm"
            )
        return ModernBertConfig(
            **common,
            intermediate_size=int(given.get("intermediate_size", hidden * 3 // 2)),
            **{"cls_token_id": 2, "bos_token_id": 2, "sep_token_id": 3, "eos_token_id": 3},
            embedding_dropout=float(given.get("dropout", 0.0)),
            mlp_dropout=float(given.get("dropout", 0.0)),
            attention_dropout=float(attention_dropout or 0.0),
        )
    dropout = float(given.get("dropout", 0.1))
    return BertConfig(
        **common,
        intermediate_size=int(given.get("intermediate_size", 4 * hidden)),
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout if attention_dropout is None else attention_dropout,
        is_decoder=objective == "ltr",
    )


def network(config: PreTrainedConfig, objective: str) -> PreTrainedModel:
    """Return an uninitialised-by-us model of the class that an objective is exported as."""
    if isinstance(config, ModernBertConfig):
        return ModernBertForMaskedLM(config)
    if objective == "ltr":
        return BertLMHeadModel(config)
    return BertForMaskedLM(config) if objective == "mlm" else BertForPreTraining(config)


def untrained(config: PreTrainedConfig, seed: int, objective: str = "mlm+nsp") -> PreTrainedModel:
    """Return a freshly initialised model whose weights are a function of its arguments."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return network(config, objective)


def objective_of(model: PreTrainedModel) -> str:
    """Return an objective that ``network`` gives a model's class for."""
    if isinstance(model, BertForPreTraining):
        return "mlm+nsp"
    return "ltr" if isinstance(model, BertLMHeadModel) else "mlm"


def load_network(folder: str | Path) -> PreTrainedModel:
    """Return the model that a run exported to a folder.

    Raises:
        InputError: the folder's configuration names a class that no run exports.
    """
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    named = (config.architectures or [None])[0]
    for kind in (BertForPreTraining, BertForMaskedLM, BertLMHeadModel, ModernBertForMaskedLM):
        if kind.__name__ == named:
            return kind.from_pretrained(folder, local_files_only=True)
    raise InputError(f"{folder}: config.json names {named}, which malmoi does not pretrain")


def vocabulary_logits(model: PreTrainedModel, hidden: torch.Tensor) -> torch.Tensor:
    """Return the logits (float [N, V]) that a model has for last hidden states (float [N, hidden])."""
    if isinstance(model, ModernBertForMaskedLM):
        return model.decoder(model.head(hidden))
    return model.cls.predictions(hidden)


class PretrainingModule(nn.Module):
    """A model as DeepSpeed trains it: from a micro-batch end to end to the sums of its losses.

    Tokens lie end to end without padding, and the vocabulary's logits are computed at masked positions
    only, which gives the loss of the padded computation of all of them. Losses are computed in float32
    whatever the model's dtype.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model
        self.modern = isinstance(model.config, ModernBertConfig)
        self.pairs = isinstance(model, BertForPreTraining)
        if not self.modern:
            model.config._attn_implementation = PACKED

    def forward(self, batch: Mapping[str, Any]) -> PretrainingOutputs:
        """Return the sums of a micro-batch as ``malmoi.instances.batches.packed`` describes it.

        Masked positions whose label is ``IGNORED``, and rows without a pair label, count for nothing.
        """
        hidden = self._padded(batch) if self.modern else self._end_to_end(batch)
        labels = batch["masked_labels"]
        logits = vocabulary_logits(self.model, hidden[batch["masked_positions"]]).float()
        counted = labels != IGNORED
        nothing = logits.new_zeros(())
        pair_loss, pairs, pairs_right = nothing, nothing, nothing
        if self.pairs:
            following = batch["next_sentence_label"]
            # Sequences that only fill a shape up are empty and begin behind the last token.
            places = batch["cu_seqlens"][: len(following)].long().clamp(max=len(hidden) - 1)
            firsts = hidden[places]
            pooled = self.model.bert.pooler(firsts.unsqueeze(1))
            pair_logits = self.model.cls.seq_relationship(pooled).float()
            pair_loss = _summed_loss(pair_logits, following)
            pairs = (following != IGNORED).sum().float()
            pairs_right = (pair_logits.argmax(-1) == following).sum().float()
        return PretrainingOutputs(
            mlm_loss=_summed_loss(logits, labels),
            mlm_count=counted.sum().float(),
            mlm_correct=(logits.argmax(-1) == labels).sum().float(),
            nsp_loss=pair_loss,
            nsp_count=pairs,
            nsp_correct=pairs_right,
            z_loss=(logits.logsumexp(-1).square() * counted).sum(),
        )

    def _end_to_end(self, batch: Mapping[str, Any]) -> torch.Tensor:
        """Return BERT's last hidden states (float [T, hidden])."""
        bert = self.model.bert
        embedded = bert.embeddings(
            input_ids=batch["input_ids"][None],
            token_type_ids=batch["token_type_ids"][None],
            position_ids=batch["position_ids"][None],
        )
        dropout = self.model.config.attention_probs_dropout_prob if self.training else 0.0
        kernel = embedded.is_cuda and embedded.dtype != torch.float32 and not dropout
        packed = packing(batch["cu_seqlens"], batch["max_seqlen"], kernel=kernel)
        return bert.encoder(embedded, attention_mask=None, packing=packed).last_hidden_state[0]

    def _padded(self, batch: Mapping[str, Any]) -> torch.Tensor:
        """Return ModernBERT's last hidden states (float [T, hidden]), which wants rectangles."""
        lengths = batch["cu_seqlens"].diff()
        inside = torch.arange(batch["max_seqlen"], device=lengths.device) < lengths[:, None]
        ids = batch["input_ids"].new_zeros(inside.shape)
        ids[inside] = batch["input_ids"]
        return self.model.model(input_ids=ids, attention_mask=inside.long()).last_hidden_state[
            inside
        ]


def _summed_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(logits, labels, reduction="sum", ignore_index=IGNORED)
