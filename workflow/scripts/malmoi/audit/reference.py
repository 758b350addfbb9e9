"""A small model of documents the audited one never saw, which says how hard a text is for anybody."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM

from malmoi.progress import track
from malmoi.sampling import bits, key, uniform

#: Chunks of a step.
BATCH = 32

#: Passes over the chunks at most: beyond that it would learn them by heart.
PASSES = 8

_RATE = 1e-3
_WARM_UP = 0.1
_MASKED = 0.15


def train_reference(
    chunks: Sequence[np.ndarray],
    tokenizer: AutoTokenizer,
    vocabulary_size: int,
    steps: int,
    seed: int,
) -> BertForMaskedLM:
    """Return a BERT of two layers of width 128, trained to fill masks in ``chunks`` (ids, int64).

    ``steps`` are taken, or fewer where ``PASSES`` passes have fewer.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    longest = max(map(len, chunks)) + 2
    with torch.random.fork_rng():
        torch.manual_seed(key(seed, "audit", "reference") % 2**63)
        model = BertForMaskedLM(
            BertConfig(
                vocab_size=vocabulary_size,
                hidden_size=128,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=512,
                max_position_embeddings=longest,
                # Dropout would draw from a state that others draw from, too.
                hidden_dropout_prob=0.0,
                attention_probs_dropout_prob=0.0,
            )
        ).to(device)
    steps = min(steps, max(1, PASSES * len(chunks) // BATCH))
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=0.01)
    warm_up = max(1, int(_WARM_UP * steps))
    model.train()
    for step in track(range(steps), "reference model", steps, "steps"):
        pace = min((step + 1) / warm_up, (steps - step) / max(1, steps - warm_up))
        for group in optimizer.param_groups:
            group["lr"] = _RATE * pace
        ids, seen, masked = _batch(chunks, tokenizer, longest, seed, step)
        inside = torch.from_numpy(ids != tokenizer.pad_token_id).to(device)
        hidden = model.bert(
            input_ids=torch.from_numpy(seen).to(device), attention_mask=inside.long()
        ).last_hidden_state
        chosen = torch.from_numpy(masked).to(device)
        target = torch.from_numpy(ids).to(device)[chosen]
        loss = cross_entropy(model.cls(hidden[chosen]), target)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model.eval()


def _batch(
    chunks: Sequence[np.ndarray], tokenizer: AutoTokenizer, longest: int, seed: int, step: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the ids of a step, those the model sees, and which are masked (int64, int64, bool [B, L])."""
    each = key(seed, "audit", "reference", step)
    numbers = bits(each, np.arange(BATCH)) % np.uint64(len(chunks))
    ids = np.full((BATCH, longest), tokenizer.pad_token_id, dtype=np.int64)
    for row, number in enumerate(numbers.tolist()):
        chunk = chunks[number]
        ids[row, : len(chunk) + 2] = [tokenizer.cls_token_id, *chunk, tokenizer.sep_token_id]
    draws = uniform(key(each, "masks"), np.arange(ids.size).reshape(ids.shape))
    special = (tokenizer.pad_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id)
    masked = (draws < _MASKED) & ~np.isin(ids, special)
    # A step without a mask has no loss.
    masked[0, 1] = True
    seen = np.where(masked, tokenizer.mask_token_id, ids)
    width = int((ids != tokenizer.pad_token_id).sum(1).max())
    return ids[:, :width], seen[:, :width], masked[:, :width]
