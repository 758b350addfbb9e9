"""Audit one model: everything that is measured, what it means, and the files that say so."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch

from malmoi import documents
from malmoi.atomic import write_json
from malmoi.audit import canaries as planted
from malmoi.audit.chunks import Sampled, sample, trained_documents
from malmoi.audit.completions import (
    KNOWN,
    LAYOUTS,
    complete_layouts,
    continuations,
    identifiers_report,
)
from malmoi.audit.exposure import exposures
from malmoi.audit.figures import draw, write_table
from malmoi.audit.lookup import COMMON, document_counts, find_identifiers
from malmoi.audit.membership import membership_report, membership_scores
from malmoi.audit.predictor import Predictor
from malmoi.audit.verdict import checks, exposure_report
from malmoi.errors import InputError
from malmoi.evaluation.intervals import figure
from malmoi.fingerprint import of_weights
from malmoi.progress import LOG
from malmoi.sampling import in_share
from malmoi.text.pii import mask

#: Splits whose documents the model did not see.
_HELD_OUT = ("validation", "test")


def audit_model(
    model_dir: str | Path,
    tokens: Sequence[str | Path],
    segments: Sequence[str | Path],
    canaries: str | Path | None,
    summary: str | Path,
    settings: Mapping[str, Any],
    seed: int,
    output_json: str | Path,
    output_csv: str | Path,
    output_png: str | Path,
    threads: int | None = None,
    share: float = 1.0,
) -> dict[str, Any]:
    """Audit a model against the corpus it was trained on and write report, table of checks and plot.

    Args:
        model_dir: a Hugging Face folder.
        tokens: the tokens files of the corpus, without planted canaries.
        segments: the texts of the same documents (Parquet with ``text`` and ``split``).
        canaries: the table that ``plant`` wrote; None where nothing was planted.
        summary: the training's ``summary.json``, for its number of tokens.
        settings: ``candidates``, ``documents``, ``masks``, ``completions``, ``reference_steps``,
            ``gated_repeats``, ``false_alarms``, ``auc_margin``, ``tpr_margin``.
        seed: of every draw; that of the planted canaries where there are any.
        output_json: ``passed``, ``checks`` and all figures; ``model`` is the hash of the weights.
        threads: CPU threads of torch; its own choice where None.
        share: of the training documents, that the model was trained on, drawn by ``seed``.

    No text of the corpus is written, and no identifier.

    Raises:
        InputError: there is no model, or the corpus has too little to audit it by.
    """
    if threads:
        torch.set_num_threads(threads)
    predictor = Predictor(model_dir)
    size = int(predictor.model.config.vocab_size)
    sampled = sample(tokens, size, predictor.longest, settings["documents"], seed, share)
    patterns = {layout: layout.pattern for layout in LAYOUTS}
    identifiers = identifiers_report(
        complete_layouts(predictor, settings["completions"], seed),
        find_identifiers(_texts(segments, ("train",), seed, share), patterns),
        find_identifiers(_texts(segments, _HELD_OUT, seed), patterns),
    )
    exposure = None
    if canaries is not None:
        found = exposures(predictor, planted.read(canaries), seed, settings["candidates"])
        exposure = exposure_report(found, settings["gated_repeats"])
    scores = membership_scores(
        predictor, sampled, settings["masks"], settings["reference_steps"], seed
    )
    membership = membership_report(scores, len(sampled.members), seed)
    continued = _continued(predictor, sampled, lambda: trained_documents(tokens, seed, share))
    rows = checks(exposure, membership, identifiers, continued, settings)
    report = {
        "kind": "audit",
        "seed": seed,
        "settings": dict(settings),
        "model": of_weights(model_dir),
        "passed": all(row["passed"] for row in rows),
        "checks": rows,
        "passes": figure(_trained_tokens(summary) / max(1, int(sampled.member_counts.sum()))),
        "exposure": exposure,
        "membership": membership,
        "identifiers": identifiers,
        "continuations": continued,
    }
    for row in rows:
        LOG.info("%s: %s (%.4g, limit %.4g)", row["name"], row["says"], row["value"], row["limit"])
        if not row["passed"]:
            LOG.warning("the audit failed at %s", row["name"])
    write_json(output_json, report)
    write_table(report, output_csv)
    draw(report, output_png)
    return report


def _texts(
    paths: Sequence[str | Path], splits: Sequence[str], seed: int, share: float = 1.0
) -> Iterator[str]:
    for path in paths:
        missing = {"doc_id", "text", "split"} - set(pq.read_schema(path).names)
        if missing:
            raise InputError(f"{path}: no segments file (without {', '.join(sorted(missing))})")
        for given in documents.read([path], ["doc_id", "text", "split"]):
            if given["split"] in splits and in_share([given["doc_id"]], share, seed)[0]:
                yield given["text"]


def _trained_tokens(summary: str | Path) -> int:
    try:
        return int(json.loads(Path(summary).read_text(encoding="utf-8"))["tokens"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{summary}: no summary of a training ({error}); run pretraining again"
        ) from None


def _continued(
    predictor: Predictor,
    sampled: Sampled,
    trained: Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]],
) -> dict[str, Any]:
    """Return what came out for the starts of documents, and in how many ``trained`` documents it stands.

    A member's passage is unique where no other training document has it, an unseen one where none has.
    """
    rest, said = continuations(predictor, sampled)
    is_member = np.arange(len(rest)) < len(sampled.members)
    unique = document_counts(rest, trained()) <= is_member
    right = rest == said
    report: dict[str, Any] = {}
    for name, part in (("members", is_member), ("unseen", ~is_member)):
        report[name] = {
            "asked": int(part.sum()),
            "unique": int((part & unique).sum()),
            "reproduced": int((part & unique & right.all(1)).sum()),
            "pieces_right": figure(right[part].mean()),
        }
    other = said[~right.all(1)]
    counts = document_counts(other, trained())
    report["otherwise_said"] = {
        "in_no_document": int((counts == 0).sum()),
        "in_few_documents": int(((counts > 0) & (counts < COMMON)).sum()),
        "in_many_documents": int((counts >= COMMON).sum()),
    }
    found: Counter[str] = Counter()
    for chunk, pieces in zip([*sampled.members, *sampled.unseen], said, strict=True):
        known = chunk[: min(KNOWN, len(chunk) - len(pieces))]
        # What personal data the whole has more than the part that was given.
        found.update(mask(predictor.text([*known, *pieces]), {})[1])
        found.subtract(mask(predictor.text(known), {})[1])
    report["personal_data"] = {kind: number for kind, number in sorted(found.items()) if number > 0}
    return report
