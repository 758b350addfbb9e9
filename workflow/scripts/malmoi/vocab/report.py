"""What a vocabulary does with text left out, beside other vocabularies: tables, plots, a page of sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from malmoi.atomic import write_text
from malmoi.errors import InputError
from malmoi.progress import LOG, track
from malmoi.vocab import plots
from malmoi.vocab.comparison import LIMIT, Candidate, load_candidates, load_folder
from malmoi.vocab.eojeols import Stretches, count_eojeols
from malmoi.vocab.held_out import ALL, HeldOut, prepare
from malmoi.vocab.measures import FIGURES, Measures, measure
from malmoi.vocab.sentences import choose_sentences
from malmoi.vocab.side_by_side import write_page
from malmoi.vocab.terms import read_terms

#: What the run's own vocabulary is called.
OWN = "this vocabulary"

#: Points of a coverage curve.
POINTS = 16


def report_vocabulary(
    inputs: Sequence[str | Path],
    tokenizer_folder: str | Path,
    *,
    terms: Sequence[str | Path],
    compare: Sequence[str],
    sentences: int,
    seed: int,
    measures_csv: str | Path,
    coverage_csv: str | Path,
    boundaries_png: str | Path,
    coverage_png: str | Path,
    page: str | Path,
    split: str = "test",
    limit: float = LIMIT,
) -> None:
    """Measure a tokenizer, and those of ``compare``, on the segments of one split and write what came of it.

    ``terms`` are dictionaries whose words are the domain terms, ``sentences`` is how many of each domain the
    page shows (0: none), ``limit`` the seconds that fetching one tokenizer from the Hub may take. What the
    tables hold is said at ``figures_table`` and ``coverage_table``.

    Raises:
        InputError: no document is in the split, or a name in ``compare`` is neither folder nor Hub id.
    """
    candidates = [Candidate(OWN, load_folder(tokenizer_folder)), *load_candidates(compare, limit)]
    held_out = held_out_text(inputs, split, read_terms(terms))
    measured = _measure_all(candidates, held_out, count_eojeols(inputs, "train"))
    table = figures_table(candidates, measured)
    curves = coverage_table(measured)
    _write_csv(measures_csv, table)
    _write_csv(coverage_csv, curves)
    overall = table[(table["domain"] == ALL) & (table["skipped"] == "")]
    LOG.info(
        "on the %s documents:\n%s", split, readable(overall.drop(columns=["domain", "skipped"]))
    )
    plots.boundaries(overall, boundaries_png)
    plots.coverage(curves, coverage_png)
    tokenizers = {each.name: each.tokenizer for each in candidates if each.tokenizer is not None}
    write_page(page, choose_sentences(inputs, split, sentences, seed), tokenizers)


def held_out_text(inputs: Sequence[str | Path], split: str, terms: Sequence[str] = ()) -> HeldOut:
    """Return the eojeols of one split, prepared for measuring.

    Raises:
        InputError: no document is in the split.
    """
    table = count_eojeols(inputs, split)
    if not len(table):
        raise InputError(
            f"vocabulary: no document is in the {split} split, so there is nothing to measure on; set "
            f"curate.split.{split} higher or add documents"
        )
    return prepare(table, terms)


def figures_table(
    candidates: Sequence[Candidate], measured: Mapping[str, Measures]
) -> pd.DataFrame:
    """Return the figures: a row per tokenizer and domain, and per tokenizer one for ``all`` of them.

    Columns: ``tokenizer``, ``domain``, ``pieces`` (the vocabulary's size), those of ``FIGURES``, and
    ``skipped``: why a tokenizer has no figures, empty for the others.
    """
    rows: list[dict[str, object]] = []
    for each in candidates:
        if each.tokenizer is None:
            rows.append({"tokenizer": each.name, "domain": ALL, "skipped": each.skipped})
            continue
        pieces = len(each.tokenizer.get_vocab())
        for domain, figures in measured[each.name].figures.items():
            first = {"tokenizer": each.name, "domain": domain, "pieces": pieces, "skipped": ""}
            rows.append(first | figures)
    table = pd.DataFrame(rows, columns=["tokenizer", "domain", "pieces", *FIGURES, "skipped"])
    return table.astype({"pieces": "Int64"})


def coverage_table(measured: Mapping[str, Measures]) -> pd.DataFrame:
    """Return how much of the held-out text the pieces most used in training make up, at ``POINTS`` sizes.

    Columns: ``tokenizer``, ``pieces`` and ``token_share``: the share of held-out tokens that are among that
    many pieces. What a curve lacks to 1 at a size is what the other pieces are there for.
    """
    parts = []
    for name, each in measured.items():
        size = len(each.uses)
        sizes = np.unique(np.geomspace(min(32, size), size, POINTS).round().astype(np.int64))
        order = np.argsort(-each.train_uses, kind="stable")
        shares = np.cumsum(each.uses[order]) / max(1, each.uses.sum())
        parts.append(
            pd.DataFrame({"tokenizer": name, "pieces": sizes, "token_share": shares[sizes - 1]})
        )
    return pd.concat(parts, ignore_index=True)


def readable(table: pd.DataFrame) -> str:
    """Return a table as text for a log: shares with four places, one row per line."""
    return table.to_string(index=False, float_format=lambda value: f"{value:.4f}", na_rep="-")


def _measure_all(
    candidates: Sequence[Candidate], held_out: HeldOut, train: Stretches
) -> dict[str, Measures]:
    measured = {}
    for each in track(candidates, "measure", len(candidates), "tokenizers"):
        if each.tokenizer is not None:
            measured[each.name] = measure(each.tokenizer, held_out, train)
    return measured


def _write_csv(path: str | Path, table: pd.DataFrame) -> None:
    write_text(path, table.to_csv(index=False, float_format="%.6f", lineterminator="\n"))
