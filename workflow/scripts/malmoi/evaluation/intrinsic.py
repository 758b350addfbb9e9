"""What a model knows before any fine-tuning, in figures that vocabularies of any size share.

Every model is asked for the same eojeols of held-out documents and pays in bits per character: a loss per token
falls with the size of the vocabulary's pieces, whatever the model knows. Beside it stand the same network
untrained and two count models of the same pieces. Pairs of segments and homographs complete the picture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from transformers import AutoTokenizer, BertForPreTraining

from malmoi.atomic import write_json
from malmoi.evaluation.eojeols import Blank, plan, plan_digest, read_documents
from malmoi.evaluation.homographs import probe, read_items
from malmoi.evaluation.intervals import figure, interval, numbered
from malmoi.evaluation.intrinsic_report import draw, write_table
from malmoi.evaluation.likelihood import Encoded, Scores, count_scores, encode, network_scores
from malmoi.evaluation.ngrams import NGrams, read_tokens
from malmoi.evaluation.pairs import evaluate_pairs, segment_pairs
from malmoi.progress import LOG
from malmoi.training.model import load_network, objective_of, untrained
from malmoi.vocab.terms import read_terms

#: What a syllable that became [UNK] costs: it is one of all 11,172, each as likely.
UNKNOWN_BITS = math.log2(11172)

#: Parts of equal size that confidence is compared with accuracy in.
BINS = 15

#: Cells that hold whole eojeols, by themselves or before a colon; the others hold some of their characters.
WHOLE = ("all", "domain", "source", "repeated", "not_repeated")


def evaluate_intrinsic(
    model_dir: str | Path,
    segments: Sequence[str | Path],
    tokens: Sequence[str | Path],
    terms: Sequence[str | Path],
    settings: Mapping[str, int],
    objective: str,
    seed: int,
    output_json: str | Path,
    output_csv: str | Path,
    output_png: str | Path,
    threads: int | None = None,
) -> dict[str, Any]:
    """Measure a pretrained model on eojeols, pairs of segments and homographs; write figures, table and plot.

    Args:
        model_dir: folder of a model that malmoi pretrained, with its tokenizer.
        segments: segments files, whose documents of the test split are asked about.
        tokens: the token stores of the same documents, whose train split the count models count.
        terms: dictionaries of the domain terms that are a class of their own.
        settings: ``evaluate.intrinsic`` of the configuration.
        objective: what the model was pretrained for; one of ``mlm+sop`` is shown swapped pairs alone.
        seed: of documents, eojeols, pairs, the untrained network and the bootstrap.
        output_json: ``plan`` (what was asked; its ``sha256`` is the same for every model that was asked the
            same), ``cells`` (sizes), ``models`` (figures by model and cell), ``gains`` (bits per character
            saved against each baseline), ``pairs`` and ``homographs``. A figure has ``value``, ``low`` and
            ``high``, the ends of the 95 % bootstrap interval over groups of documents, or over words.
        threads: CPU threads of torch; its own choice where None.

    Raises:
        InputError: there are no documents to ask about or to count, or the model is too short for an eojeol.
    """
    if threads:
        torch.set_num_threads(threads)
    transformers.logging.set_verbosity_error()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    trained = load_network(model_dir)
    networks = {
        "trained": trained.to(device),
        "untrained": untrained(trained.config, seed, objective_of(trained)).to(device),
    }
    tokenizer = AutoTokenizer.from_pretrained(model_dir, local_files_only=True)
    documents = read_documents(segments, settings["documents"], seed)
    blanks = plan(documents, settings["eojeols"], settings["context"], seed, read_terms(terms))
    LOG.info("intrinsic: %d eojeols of %d documents", len(blanks), len(documents))
    encoded = encode(tokenizer, blanks, trained.config.max_position_embeddings)
    scores = {
        name: network_scores(network, tokenizer, encoded) for name, network in networks.items()
    }
    counted = read_tokens(tokens, settings["counted_tokens"], seed)
    for name, order in (("unigram", 1), ("five_gram", 5)):
        scores[name] = count_scores(NGrams(counted, trained.config.vocab_size, order), encoded)
    report: dict[str, Any] = {
        "kind": "intrinsic",
        "seed": seed,
        "settings": dict(settings),
        "counted_tokens": sum(map(len, counted)),
        **eojeol_figures(blanks, encoded, scores, tokenizer.unk_token_id, seed),
    }
    LOG.info("intrinsic: gains in bits per character: %s", report["gains"])
    report["pairs"] = {}
    if isinstance(trained, BertForPreTraining):
        pairs = segment_pairs(documents, settings["context"], settings["pairs"], seed)
        if objective == "mlm+sop":
            pairs = {"swapped": pairs["swapped"]}
        report["pairs"] = evaluate_pairs(networks, tokenizer, pairs, seed)
    report["homographs"] = probe(networks, tokenizer, read_items(), seed)
    write_json(output_json, report)
    write_table(report, output_csv)
    draw(report, output_png)
    return report


def eojeol_figures(
    blanks: Sequence[Blank],
    encoded: Encoded,
    scores: Mapping[str, Scores],
    unknown: int,
    seed: int,
) -> dict[str, Any]:
    """Return what models said of the eojeols, by cell, with intervals over groups of documents.

    Each cell has ``bits_per_character`` and ``accuracy``, the share of characters whose piece comes first when
    those before it are known. A piece's bits are shared by its characters. Cells of whole eojeols
    have ``bits_per_eojeol`` and ``exact``, too: the share of eojeols that the model fills in rightly from left
    to right. ``all`` has further ``perplexity_per_token``, which compares models of one vocabulary only, and
    ``calibration_error``, the expected one of the first piece in ``BINS`` bins of equal size.
    """
    groups = [blank.document.group or blank.document.doc_id for blank in blanks]
    group_of_blank, number = numbered(groups)
    owner, at = _characters(blanks, encoded)
    cells = _cells(blanks)
    per_piece = np.bincount(at, minlength=len(encoded.owner))
    is_unknown = encoded.pieces == unknown
    charge = np.where(is_unknown, per_piece * UNKNOWN_BITS, 0.0)

    columns: list[np.ndarray] = []
    places: dict[str, int] = {}

    def add(name: str, group: np.ndarray, values: np.ndarray) -> int:
        places[name] = len(columns)
        columns.append(np.bincount(group, values, minlength=number))
        return places[name]

    group_of_character = group_of_blank[owner]
    group_of_piece = group_of_blank[encoded.owner]
    sizes: dict[str, dict[str, int]] = {}
    for cell, mask in cells.items():
        add(f"{cell}/characters", group_of_character, mask.astype(float))
        sizes[cell] = {"characters": int(mask.sum())}
        if _is_whole(cell):
            inside = np.bincount(owner, mask, minlength=len(blanks)) > 0
            add(f"{cell}/eojeols", group_of_blank, inside.astype(float))
            sizes[cell]["eojeols"] = int(inside.sum())
    add("pieces", group_of_piece, np.ones(len(group_of_piece)))

    wanted: list[tuple[str, str, str, int, int]] = []
    calibrations = {}
    for name, score in scores.items():
        right = score.right * ~is_unknown
        bits = _shared(score.bits + charge, at, per_piece, encoded.owner, owner)
        exact = np.bincount(encoded.owner, 1 - right, minlength=len(blanks)) == 0
        for cell, mask in cells.items():
            top = add(f"{name}/{cell}/bits", group_of_character, bits * mask)
            characters = places[f"{cell}/characters"]
            wanted.append((name, cell, "bits_per_character", top, characters))
            hits = add(f"{name}/{cell}/right", group_of_character, right[at] * mask)
            wanted.append((name, cell, "accuracy", hits, characters))
            if _is_whole(cell):
                eojeols = places[f"{cell}/eojeols"]
                wanted.append((name, cell, "bits_per_eojeol", top, eojeols))
                inside = np.bincount(owner, mask, minlength=len(blanks)) > 0
                whole = add(f"{name}/{cell}/exact", group_of_blank, (exact & inside).astype(float))
                wanted.append((name, cell, "exact", whole, eojeols))
        paid = add(f"{name}/piece_bits", group_of_piece, score.bits)
        wanted.append((name, "all", "log2_perplexity", paid, places["pieces"]))
        calibrations[name] = _Calibration(score.confidence, right, group_of_piece)

    table = np.stack(columns, axis=1)
    tops, bottoms = (np.array([row[part] for row in wanted]) for part in (3, 4))
    main = [at for at, row in enumerate(wanted) if row[1:3] == ("all", "bits_per_character")]

    def statistic(weights: np.ndarray, _runs: np.ndarray | None = None) -> np.ndarray:
        sums = weights @ table
        with np.errstate(divide="ignore", invalid="ignore"):
            values = sums[tops] / sums[bottoms]
        errors = [one.error(weights) for one in calibrations.values()]
        return np.concatenate([values, values[main[1:]] - values[main[0]], errors])

    point = statistic(np.ones(number))
    low, high = interval(number, statistic, seed)

    def measured(place: int, power: bool = False) -> dict[str, float | None]:
        # Resampling spreads confidences, so that all resamples may have more calibration error than the sample.
        ends = (point[place], *(f(e[place], point[place]) for f, e in ((min, low), (max, high))))
        return {
            name: figure(2.0**value if power else value)
            for name, value in zip(("value", "low", "high"), ends, strict=True)
        }

    models: dict[str, Any] = {name: {cell: {} for cell in cells} for name in scores}
    for place, (name, cell, measure, _, _) in enumerate(wanted):
        if measure == "log2_perplexity":
            models[name][cell]["perplexity_per_token"] = measured(place, power=True)
        elif sizes[cell]["characters"]:
            models[name][cell][measure] = measured(place)
    names = list(scores)
    for offset, name in enumerate(names):
        place = len(wanted) + len(names) - 1 + offset
        models[name]["all"]["calibration_error"] = measured(place)
    return {
        "plan": {
            "sha256": plan_digest(blanks),
            "documents": len({blank.document.doc_id for blank in blanks}),
            "groups": number,
            "eojeols": len(blanks),
        },
        "pieces_per_eojeol": figure(len(encoded.owner) / len(blanks)),
        "piece_count_bits": figure(_entropy([len(word) for word in encoded.words])),
        "unknown_characters": int(per_piece[is_unknown].sum()),
        "cells": sizes,
        "models": models,
        "gains": {name: measured(len(wanted) + at) for at, name in enumerate(names[1:])},
    }


def _is_whole(cell: str) -> bool:
    return cell.split(":")[0] in WHOLE


def _characters(blanks: Sequence[Blank], encoded: Encoded) -> tuple[np.ndarray, np.ndarray]:
    """Return the eojeol and the piece (int64 [C] each) of every character that counts.

    A character that the tokenizer passed over, such as a control character, belongs to the piece before it, or
    to the first one.
    """
    firsts = np.searchsorted(encoded.owner, np.arange(len(blanks)))
    owners, pieces = [], []
    for number, blank in enumerate(blanks):
        starts = encoded.starts[firsts[number] : firsts[number] + len(encoded.words[number])]
        within = np.searchsorted(starts, np.flatnonzero(blank.counted), side="right") - 1
        owners.append(np.full(len(within), number))
        pieces.append(firsts[number] + np.maximum(within, 0))
    return np.concatenate(owners), np.concatenate(pieces)


def _shared(
    bits: np.ndarray,
    at: np.ndarray,
    per_piece: np.ndarray,
    piece_owner: np.ndarray,
    owner: np.ndarray,
) -> np.ndarray:
    """Return the bits of each character (float64 [C]).

    A piece without a character that counts, such as a mark alone, is paid for by all of its eojeol's.
    """
    own = (bits / np.maximum(per_piece, 1))[at]
    without = np.where(per_piece == 0, bits, 0.0)
    rest = np.bincount(piece_owner, without, minlength=owner.max() + 1)
    return own + (rest / np.bincount(owner))[owner]


def _cells(blanks: Sequence[Blank]) -> dict[str, np.ndarray]:
    """Return by cell which of all characters that count are in it (bool [C])."""
    lengths = [int(blank.counted.sum()) for blank in blanks]
    cells = {"all": np.ones(sum(lengths), dtype=bool)}
    for name in blanks[0].classes:
        cells[name] = np.concatenate([blank.classes[name][blank.counted] for blank in blanks])
    for column in ("domain", "source"):
        values = np.repeat([getattr(blank.document, column) for blank in blanks], lengths)
        cells |= {f"{column}:{value}": values == value for value in sorted(set(values.tolist()))}
    return cells


def _entropy(counts: Sequence[int]) -> float:
    """Return the entropy in bits of how many pieces eojeols have: what the number of masks may tell."""
    shares = np.unique(counts, return_counts=True)[1] / len(counts)
    return float(-(shares * np.log2(shares)).sum())


class _Calibration:
    """Pieces in the order of confidence, for weighted expected calibration errors (Naeini et al. 2015)."""

    def __init__(self, confidence: np.ndarray, right: np.ndarray, group: np.ndarray) -> None:
        # Rounded, so that the order of equal ones does not hang on their last bits.
        order = np.argsort(np.round(confidence, 6), kind="stable")
        self.gap = (confidence - right)[order]
        self.group = group[order]

    def error(self, weights: np.ndarray) -> float:
        """Return the mean distance of confidence and accuracy over ``BINS`` bins of equal weight."""
        each = weights[self.group].astype(float)
        total = each.sum()
        part = np.minimum((np.cumsum(each) - each) * BINS / total, BINS - 1).astype(np.int64)
        return float(np.abs(np.bincount(part, each * self.gap, minlength=BINS)).sum() / total)
