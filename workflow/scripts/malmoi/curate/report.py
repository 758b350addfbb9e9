"""What curation did to a corpus: sources, drops, lengths, duplicates, repairs and personal data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from malmoi import ledger
from malmoi.atomic import write_text
from malmoi.curate import plots

#: The stages of curation in their order.
STAGES = ("ingest", "normalize", "filter", "deduplicate")

#: What a table of counts is about, by its kind in the files of repairs.
KINDS = {"repair": "repairs", "pii": "personal_data"}

TABLES = ("sources", "drops", "duplicates", *KINDS.values())
FIGURES = ("sources", "drops", "lengths", "duplicates", *KINDS.values())


def write_report(
    ledger_paths: Sequence[str | Path],
    repairs_paths: Sequence[str | Path],
    clusters_path: str | Path,
    table_paths: Mapping[str, str | Path],
    figure_paths: Mapping[str, str | Path],
) -> None:
    """Write the tables (CSV) named by ``TABLES`` and the plots (PNG) named by ``FIGURES``.

    ``ledger_paths`` are the ledgers of all stages of curation, ``repairs_paths`` the counts by rule that
    normalize writes, ``clusters_path`` the duplicates.
    """
    rows = _read_ledgers(ledger_paths)
    repairs = pa.concat_tables([pq.read_table(path) for path in repairs_paths])
    tables = {
        "sources": sources(rows),
        "drops": drops(rows),
        "duplicates": duplicates(pq.read_table(clusters_path, columns=["cluster", "relation"])),
        **{name: counts(repairs, kind) for kind, name in KINDS.items()},
    }
    for name in TABLES:
        text = tables[name].to_csv(index=False, float_format="%.6f", lineterminator="\n")
        write_text(table_paths[name], text)
    plots.sources(tables["sources"], figure_paths["sources"])
    plots.drops(tables["drops"], figure_paths["drops"])
    plots.lengths(lengths(rows), figure_paths["lengths"])
    plots.duplicates(tables["duplicates"], figure_paths["duplicates"])
    for name in KINDS.values():
        plots.counts(tables[name], figure_paths[name])


def _read_ledgers(paths: Sequence[str | Path]) -> pa.Table:
    """Return the columns that are counted, a reason up to its first colon: the rest tells of one document."""
    columns = ["stage", "source", "status", "reason", "chars_in", "chars_out"]
    parts = [pq.read_table(path, columns=columns, schema=ledger.SCHEMA) for path in paths]
    rows = pa.concat_tables(parts)
    reason = pc.utf8_trim_whitespace(
        pc.replace_substring_regex(rows["reason"], pattern="(?s):.*", replacement="")
    )
    return rows.set_column(rows.schema.get_field_index("reason"), "reason", reason)


def sources(rows: pa.Table) -> pd.DataFrame:
    """Return what is left of each source.

    Columns: ``source``, ``documents_read``, ``chars_read``, for each stage the documents it dropped (by
    ``ingest`` those it could not read), ``documents_kept``, ``chars_kept`` and ``documents_share``, the share
    kept of what was read.
    """
    grouped = (
        rows.group_by(["source", "stage", "status"])
        .aggregate([("chars_in", "count"), ("chars_in", "sum"), ("chars_out", "sum")])
        .to_pandas()
    )
    result = []
    for name, part in grouped.groupby("source", sort=True):
        kept = part["status"] == "kept"
        read = part[kept & (part["stage"] == "ingest")]
        last = part[kept & (part["stage"] == STAGES[-1])]
        line = {
            "source": name,
            "documents_read": int(read["chars_in_count"].sum()),
            "chars_read": int(read["chars_out_sum"].sum()),
        }
        for stage in STAGES:
            dropped = part[~kept & (part["stage"] == stage)]
            line[f"{stage}_dropped"] = int(dropped["chars_in_count"].sum())
        line["documents_kept"] = int(last["chars_in_count"].sum())
        line["chars_kept"] = int(last["chars_out_sum"].sum())
        line["documents_share"] = line["documents_kept"] / max(1, line["documents_read"])
        result.append(line)
    return pd.DataFrame(result)


def drops(rows: pa.Table) -> pd.DataFrame:
    """Return the documents and characters that left, by ``stage``, ``status``, ``reason`` and ``source``."""
    keys = ["stage", "status", "reason", "source"]
    left = rows.filter(pc.not_equal(rows["status"], "kept"))
    table = left.group_by(keys).aggregate([("chars_in", "count"), ("chars_in", "sum")]).to_pandas()
    table = table.rename(columns={"chars_in_count": "documents", "chars_in_sum": "chars"})
    table["stage"] = pd.Categorical(table["stage"], categories=STAGES, ordered=True)
    return table.sort_values(keys, ignore_index=True)[[*keys, "documents", "chars"]]


def lengths(rows: pa.Table) -> dict[str, pd.Series]:
    """Return for each source the characters of its documents that curation kept."""
    kept = pc.and_(pc.equal(rows["status"], "kept"), pc.equal(rows["stage"], STAGES[-1]))
    frame = rows.filter(kept).select(["source", "chars_out"]).to_pandas()
    return {str(name): part["chars_out"] for name, part in frame.groupby("source", sort=True)}


def duplicates(clusters: pa.Table) -> pd.DataFrame:
    """Return how many clusters there are of each size.

    Columns: ``documents`` (in one cluster, the kept one included), ``clusters``, and over all of them the
    dropped documents by relation: ``exact``, ``near``.
    """
    frame = clusters.to_pandas()
    by_cluster = pd.DataFrame(
        {
            "documents": frame.groupby("cluster").size(),
            **{
                name: (frame["relation"] == name).groupby(frame["cluster"]).sum()
                for name in ("exact", "near")
            },
        }
    )
    by_cluster["clusters"] = 1
    table = by_cluster.groupby("documents", sort=True).sum().reset_index()
    return table.astype(int)[["documents", "clusters", "exact", "near"]]


def counts(repairs: pa.Table, kind: str) -> pd.DataFrame:
    """Return how often each rule changed something: ``rule``, ``source``, ``documents``, ``count``."""
    keys = ["rule", "source"]
    chosen = repairs.filter(pc.equal(repairs["kind"], kind))
    table = chosen.group_by(keys).aggregate([("count", "count"), ("count", "sum")]).to_pandas()
    table = table.rename(columns={"count_count": "documents", "count_sum": "count"})
    return table.sort_values(keys, ignore_index=True)[[*keys, "documents", "count"]]
