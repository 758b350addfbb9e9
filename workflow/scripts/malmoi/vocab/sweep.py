"""Which vocabulary to choose: many are learned from a sample, and those that no other one beats are marked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from malmoi.atomic import write_text
from malmoi.errors import InputError
from malmoi.progress import LOG, track
from malmoi.vocab import plots
from malmoi.vocab.held_out import ALL
from malmoi.vocab.learn import bert_tokenizer, learn, sampled_eojeols
from malmoi.vocab.measures import measure
from malmoi.vocab.report import held_out_text, readable

#: What is weighed against each other, and whether more of it is better. A vocabulary that makes fewer tokens
#: has the larger share of [UNK] among them, so shares that do not matter count as equal.
GOALS = {"tokens_per_eojeol": False, "f1": True, "unk_share": False}

#: Below one token in two thousand [UNK] is no reason to choose a vocabulary.
NEGLIGIBLE = 0.0005

#: The figures of a row, those that are weighed first.
SHOWN = (*GOALS, "precision", "recall", "functional_recall", "tokens_per_word", "renyi_efficiency")


def sweep(
    inputs: Sequence[str | Path],
    sizes: Sequence[int],
    boundaries: Sequence[str],
    learners: Sequence[str],
    *,
    sample_mb: float,
    min_frequency: int,
    reserved: int,
    prune: bool,
    seed: int,
    output_csv: str | Path,
    output_png: str | Path,
    split: str = "validation",
) -> None:
    """Learn a vocabulary for every combination, measure it, and write the table and its plot.

    All are learned from the same sample of the training documents and measured on the documents of
    ``split``, by default not the ones that the report is about. Columns of the table: ``size``,
    ``boundaries``, ``learner``, ``frontier``, those of ``SHOWN`` and ``skipped``: why a combination gives no
    vocabulary, empty for the others. ``frontier`` is true where no other row is at least as good in all of
    ``GOALS`` and better in one.

    Raises:
        InputError: a split has no document, or no combination gives a vocabulary.
    """
    held_out = held_out_text(inputs, split)
    sample = sampled_eojeols(inputs, sample_mb, seed)
    rows: list[dict[str, object]] = []
    combinations = list(product(boundaries, learners, sizes))
    for boundary, learner, size in track(combinations, "sweep", len(combinations), "vocabularies"):
        row: dict[str, object] = {"size": size, "boundaries": boundary, "learner": learner}
        try:
            pieces = learn(
                sample,
                size=size,
                boundaries=boundary,
                learner=learner,
                min_frequency=min_frequency,
                reserved=reserved,
                prune=prune,
            )
        except InputError as error:
            LOG.warning("%s, %s, %d pieces: skipped: %s", boundary, learner, size, error)
            rows.append({**row, "skipped": str(error)})
            continue
        figures = measure(bert_tokenizer(pieces).backend_tokenizer, held_out).figures[ALL]
        rows.append({**row, "skipped": ""} | {name: figures[name] for name in SHOWN})
    table = pd.DataFrame(rows, columns=["size", "boundaries", "learner", *SHOWN, "skipped"])
    if (table["skipped"] != "").all():
        raise InputError(f"vocabulary: no combination can be learned; {table['skipped'].iloc[-1]}")
    table.insert(3, "frontier", on_frontier(table))
    LOG.info("on the %s documents:\n%s", split, readable(table.drop(columns="skipped")))
    write_text(output_csv, table.to_csv(index=False, float_format="%.6f", lineterminator="\n"))
    plots.frontier(table[table["skipped"] == ""], output_png)


def on_frontier(table: pd.DataFrame) -> np.ndarray:
    """Return which rows no other row beats in ``GOALS`` (bool [rows]); a row without figures is none."""
    values = table[list(GOALS)].astype(np.float64)
    values["unk_share"] = values["unk_share"].clip(lower=NEGLIGIBLE)
    costs = values.to_numpy() * np.where(list(GOALS.values()), -1.0, 1.0)
    known = ~np.isnan(costs).any(axis=1)
    beaten = [
        bool((known & (costs <= cost).all(axis=1) & (costs < cost).any(axis=1)).any())
        for cost in costs
    ]
    return known & ~np.array(beaten, dtype=bool)
