"""The pretraining objectives on held-out instances: trained, untrained and unigram side by side.

A loss means something only beside what needs no training. The same network with fresh weights shows
what the architecture gives; the unigram distribution of the training labels shows what counting
words gives (a model whose loss stays near it has learned no context).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import AutoTokenizer, BertConfig, BertForPreTraining, PreTrainedModel

from malmoi.atomic import write_json
from malmoi.errors import InputError
from malmoi.evaluation.intervals import figure, interval, numbered
from malmoi.instances.loader import InstanceStore, left_to_right, padded
from malmoi.progress import LOG, track
from malmoi.training.model import load_network, objective_of, untrained, vocabulary_logits

#: Instances whose labels are read at a time.
BLOCK = 8192

#: What is summed over each instance, in the order of the columns of ``instance_sums``.
SUMS = ("mlm_loss", "mlm_correct", "mlm_count", "nsp_loss", "nsp_correct", "nsp_count")


def evaluate_pretraining(
    model_dir: str | Path,
    instance_paths: Mapping[str, Sequence[str | Path]],
    train_paths: Sequence[str | Path],
    seed: int,
    batch_size: int,
    output_json: str | Path,
    threads: int | None = None,
) -> dict[str, Any]:
    """Measure MLM and NSP on held-out instances and write the figures as JSON.

    Args:
        model_dir: folder of a model that malmoi pretrained, with its tokenizer.
        instance_paths: the Arrow files of instances of each held-out split.
        train_paths: the training instances, for the unigram baseline.
        seed: of the untrained network and the bootstrap.
        batch_size: instances per forward pass.
        output_json: one object per split with ``trained``, ``untrained`` and ``unigram``. Losses are
            in nats per masked token (MLM) or per pair (NSP); ``mlm_bits_per_character`` divides by
            the characters of the masked pieces, which makes vocabularies of different sizes roughly
            comparable. ``intervals`` are 95 % bootstrap intervals over documents (that of an
            instance's first segment). Without sentence pairs, or a head for them, there are no measures of
            NSP. Of a left-to-right model, MLM means the next token at every place.
        threads: CPU threads of torch; its own choice where None.

    Dynamic masks are those of ``malmoi.instances.loader.HELD_OUT``, at the rate training ends with.

    Raises:
        InputError: a split holds no instances or no masked tokens, or an instance's ids do not fit
            the model's vocabulary.
    """
    if threads:
        torch.set_num_threads(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    trained_model = load_network(model_dir)
    config, objective = trained_model.config, objective_of(trained_model)
    networks = {"trained": trained_model, "untrained": untrained(config, seed, objective)}
    characters = piece_characters(model_dir, config.vocab_size)
    vocabulary = Path(model_dir) / "vocab.txt"
    causal = objective == "ltr"
    counts = label_counts(InstanceStore(train_paths, vocabulary), config.vocab_size, causal)
    unigram = unigram_losses(counts)
    report: dict[str, Any] = {
        "kind": "pretraining",
        "seed": seed,
        "parameters": sum(weight.numel() for weight in trained_model.parameters()),
        "vocabulary_size": config.vocab_size,
    }
    for split, paths in instance_paths.items():
        store = InstanceStore(paths, vocabulary)
        labels = masked_labels(store, config.vocab_size, causal)
        if not sum(map(len, labels)):
            raise InputError(
                f"{', '.join(map(str, paths))}: the {split} split holds no masked tokens to "
                f"evaluate on; give it more documents (curate.split.{split} in the config)"
            )
        sums = {
            name: instance_sums(network, store, batch_size, device, f"{split}, {name}")
            for name, network in networks.items()
        }
        sums["unigram"] = unigram_sums(labels, unigram)
        lengths = np.array([characters[ids].sum() for ids in labels], dtype=np.float64)
        doc_ids = store.document_ids(np.arange(len(store)))
        report[split] = split_report(sums, lengths, doc_ids, seed)
        LOG.info("%s: %s", split, {name: report[split][name]["mlm_loss"] for name in sums})
    write_json(output_json, report)
    return report


@torch.inference_mode()
def instance_sums(
    model: PreTrainedModel,
    store: InstanceStore,
    batch_size: int,
    device: torch.device,
    label: str = "evaluate",
) -> np.ndarray:
    """Return the sums named in ``SUMS`` for each instance (float64 [len(store), 6]).

    The model runs in evaluation mode, that is without dropout; the MLM head sees masked positions
    only. An instance without a pair label has zeros for NSP.
    """
    model = model.to(device).eval()
    bert, causal = isinstance(model.config, BertConfig), objective_of(model) == "ltr"
    result = np.zeros((len(store), len(SUMS)))
    starts = range(0, len(store), batch_size)
    for start in track(starts, label, total=len(starts), unit="batches"):
        rows = np.arange(start, min(start + batch_size, len(store)))
        taken = store.rows(rows)
        if causal:
            taken = left_to_right(taken)
        arrays = padded(taken, limit=model.config.max_position_embeddings)
        batch = {name: torch.from_numpy(v).to(device).long() for name, v in arrays.items()}
        read = ("input_ids", "attention_mask", "token_type_ids")
        encoded = model.base_model(
            **{name: batch[name] for name in read[: 3 if bert else 2]},
        )
        instance, position = torch.nonzero(batch["labels"] != -100, as_tuple=True)
        target = batch["labels"][instance, position]
        logits = vocabulary_logits(model, encoded.last_hidden_state[instance, position]).float()

        owner = instance.cpu().numpy()
        for column, values in (
            (0, cross_entropy(logits, target, reduction="none")),
            (1, logits.argmax(-1) == target),
            (2, torch.ones_like(target)),
        ):
            result[rows, column] = np.bincount(
                owner, weights=values.cpu().numpy().astype(np.float64), minlength=len(rows)
            )
        if not isinstance(model, BertForPreTraining):
            continue
        pairs = batch["next_sentence_label"]
        pair_logits = model.cls.seq_relationship(encoded.pooler_output).float()
        result[rows, 3] = cross_entropy(pair_logits, pairs, reduction="none").cpu().numpy()
        result[rows, 4] = (pair_logits.argmax(-1) == pairs).cpu().numpy()
        result[rows, 5] = (pairs >= 0).cpu().numpy()
    return result


def masked_labels(
    store: InstanceStore, vocabulary_size: int, causal: bool = False
) -> list[np.ndarray]:
    """Return the original ids (int64) at each instance's masked positions.

    Of a ``causal`` model, which predicts every token but the first, these are all of them.

    Raises:
        InputError: an id is not in the vocabulary.
    """
    labels: list[np.ndarray] = []
    for flat, counts in _labels(store, vocabulary_size, causal, "labels"):
        labels.extend(np.split(flat, np.cumsum(counts)[:-1]))
    return labels


def label_counts(store: InstanceStore, vocabulary_size: int, causal: bool = False) -> np.ndarray:
    """Return how often each id is among the ``masked_labels`` of the instances (int64 [V]).

    Raises:
        InputError: an id is not in the vocabulary.
    """
    result = np.zeros(vocabulary_size, dtype=np.int64)
    for flat, _ in _labels(store, vocabulary_size, causal, "unigram"):
        result += np.bincount(flat, minlength=vocabulary_size)
    return result


def _labels(
    store: InstanceStore, vocabulary_size: int, causal: bool, label: str
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the labels of a block of instances one after another, and how many each has (int64)."""
    for start in track(range(0, len(store), BLOCK), label, unit="blocks"):
        indices = np.arange(start, min(start + BLOCK, len(store)))
        if causal:
            rows = left_to_right(store.rows(indices))
            flat, counts = rows.mlm_labels.astype(np.int64), np.diff(rows.mlm_offsets)
        else:
            flat, counts = store.labels(indices)
        if len(flat) and int(flat.max()) >= vocabulary_size:
            raise InputError(
                f"{store.paths[0]} and what is with it: token id {int(flat.max())} is outside the model's "
                f"vocabulary of {vocabulary_size}; evaluate with instances made by the model's own tokenizer"
            )
        yield flat, counts


def unigram_losses(counts: np.ndarray) -> np.ndarray:
    """Return the loss in nats (float64 [V]) of each id under the add-one smoothed counts."""
    return math.log(counts.sum() + len(counts)) - np.log(counts + 1.0)


def unigram_sums(labels: Sequence[np.ndarray], losses: np.ndarray) -> np.ndarray:
    """Return the MLM columns of ``SUMS`` for predicting each masked token by frequency alone."""
    best = int(losses.argmin())
    rows = [(losses[ids].sum(), np.count_nonzero(ids == best), len(ids)) for ids in labels]
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


def piece_characters(model_dir: str | Path, vocabulary_size: int) -> np.ndarray:
    """Return the characters each wordpiece stands for (int64 [V]), without its ``##``.

    Special tokens stand for none: a masked [UNK] costs its loss and gains no characters.
    """
    tokenizer = AutoTokenizer.from_pretrained(model_dir, local_files_only=True)
    special = set(tokenizer.all_special_ids)
    lengths = np.zeros(vocabulary_size, dtype=np.int64)
    for piece, number in tokenizer.get_vocab().items():
        if number < vocabulary_size and number not in special:
            lengths[number] = len(piece.removeprefix("##"))
    return lengths


def split_report(
    sums: Mapping[str, np.ndarray], lengths: np.ndarray, doc_ids: Sequence[str], seed: int
) -> dict[str, Any]:
    """Return the figures of one split from per-instance sums, with intervals over documents.

    ``sums`` maps ``trained``, ``untrained`` (columns ``SUMS``) and ``unigram`` (the first three) to
    per-instance sums; ``lengths`` holds the characters of each instance's masked pieces.
    """
    sums = {name: values if values[:, 3:].any() else values[:, :3] for name, values in sums.items()}
    numbers, documents = numbered(list(doc_ids))
    by_document = {}
    for name, values in sums.items():
        columns = np.column_stack([values, lengths])
        by_document[name] = np.zeros((documents, columns.shape[1]))
        np.add.at(by_document[name], numbers, columns)

    keys: list[tuple[str, str]] = []
    for name in sums:
        keys += [(name, measure) for measure in _measures(by_document[name].sum(0))]
    falls = [("mlm_loss_fall", "untrained"), ("mlm_loss_fall_from_unigram", "unigram")]

    def statistic(weights: np.ndarray, _runs: np.ndarray | None = None) -> np.ndarray:
        by_name = {name: _measures(weights @ table) for name, table in by_document.items()}
        values = [by_name[name][measure] for name, measure in keys]
        trained = by_name["trained"]["mlm_loss"]
        return np.array(values + [1 - trained / by_name[base]["mlm_loss"] for _, base in falls])

    point = statistic(np.ones(documents))
    low, high = interval(documents, statistic, seed)
    report: dict[str, Any] = {"documents": documents, "instances": len(doc_ids)}
    for name, values in sums.items():
        report[name] = {"intervals": {}, "masked_tokens": int(values[:, 2].sum())}
        if values.shape[1] == len(SUMS):
            report[name]["pairs"] = int(values[:, 5].sum())
    for place, (name, measure) in enumerate(keys):
        report[name][measure] = figure(point[place])
        report[name]["intervals"][measure] = [figure(low[place]), figure(high[place])]
    for place, (fall, _) in enumerate(falls, start=len(keys)):
        report[fall] = figure(point[place])
        report[f"{fall}_interval"] = [figure(low[place]), figure(high[place])]
    return report


def _measures(total: np.ndarray) -> dict[str, float]:
    """Return the measures of summed columns (``SUMS`` or its MLM part, then characters)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        measures = {
            "mlm_loss": total[0] / total[2],
            "mlm_accuracy": total[1] / total[2],
            "mlm_bits_per_character": total[0] / (total[-1] * math.log(2)),
        }
        if len(total) > len(SUMS):
            measures["nsp_loss"] = total[3] / total[5]
            measures["nsp_accuracy"] = total[4] / total[5]
    return measures
