"""The ledger: for every stage a row per document, so that what goes in is what comes out or was dropped.

A stage writes one row for each document it was given. ``status`` is ``kept`` or says how the document
left: ``quarantined`` (unreadable), ``filtered``, ``duplicate``, ``contaminated``, ``takedown``.
Characters are Unicode code points of the text; tokens are wordpieces without special tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from malmoi.atomic import write_parquet, writing_rows

STATUSES = ("kept", "quarantined", "filtered", "duplicate", "contaminated", "takedown")

SCHEMA = pa.schema(
    [
        pa.field("stage", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("raw_path", pa.string(), nullable=False),
        pa.field("record", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("chars_in", pa.int64(), nullable=False),
        pa.field("chars_out", pa.int64(), nullable=False),
        pa.field("tokens_in", pa.int64(), nullable=False),
        pa.field("tokens_out", pa.int64(), nullable=False),
    ]
)


class LedgerError(RuntimeError):
    """Documents, characters or tokens went missing between or within stages."""


def row(
    stage: str,
    source: str,
    *,
    doc_id: str = "",
    raw_path: str = "",
    record: str = "",
    status: str = "kept",
    reason: str = "",
    chars_in: int = 0,
    chars_out: int = 0,
    tokens_in: int = 0,
    tokens_out: int = 0,
) -> dict[str, str | int]:
    """Return one ledger row; a dropped document needs a reason and leaves nothing behind.

    Raises:
        ValueError: the status is unknown, a drop has no reason, or a drop has an output.
    """
    if status not in STATUSES:
        raise ValueError(f"ledger status {status!r} is not one of {', '.join(STATUSES)}")
    if status != "kept" and (not reason or chars_out or tokens_out):
        raise ValueError(f"a {status} document needs a reason and no output: {doc_id or raw_path}")
    return {
        "stage": stage,
        "source": source,
        "doc_id": doc_id,
        "raw_path": raw_path,
        "record": record,
        "status": status,
        "reason": reason,
        "chars_in": chars_in,
        "chars_out": chars_out,
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
    }


def write(path: str | Path, rows: Iterable[dict[str, str | int]]) -> None:
    """Write one stage's rows as Parquet in the order given."""
    write_parquet(path, pa.Table.from_pylist(list(rows), schema=SCHEMA))


def writing(path: str | Path) -> AbstractContextManager[Callable[[Mapping[str, Any]], None]]:
    """Return a context that yields a function to add one row to a stage's file.

    Few rows wait to be written at a time: a row in memory takes about a kilobyte.
    """
    return writing_rows(path, SCHEMA, rows_per_group=4096)


def read(paths: Sequence[str | Path]) -> pa.Table:
    """Return the rows of several ledger files as one table, in the order of the paths."""
    return pa.concat_tables([pq.read_table(path, schema=SCHEMA) for path in paths])


def summarise(rows: pa.Table, stages: Sequence[str | Sequence[str]]) -> pd.DataFrame:
    """Return the balance per stage and outcome, in pipeline order; ``stages`` as for ``check``.

    Columns: ``stage``, ``status``, ``reason``, ``documents``, ``documents_share``, ``chars_in``,
    ``chars_share``, ``chars_out``, ``chars_repaired`` (removed from, or with a minus sign added to, kept
    documents), ``tokens_in``, ``tokens_out``. The shares of one stage sum to 1: each is a part of what
    the stage was given. A ``reason`` counts up to its first colon; after that it tells of one document.
    """
    frame = rows.to_pandas()
    frame["reason"] = frame["reason"].str.replace(r"(?s)\s*:.*", "", regex=True)
    frame["stage"] = pd.Categorical(frame["stage"], categories=_names(stages), ordered=True)
    frame["outcome"] = (frame["status"] != "kept").astype(int)
    grouped = frame.groupby(["stage", "outcome", "status", "reason"], observed=True, sort=True)
    summary = grouped.agg(
        documents=("status", "size"),
        chars_in=("chars_in", "sum"),
        chars_out=("chars_out", "sum"),
        tokens_in=("tokens_in", "sum"),
        tokens_out=("tokens_out", "sum"),
    ).reset_index()
    totals = summary.groupby("stage", observed=True)[["documents", "chars_in"]].transform("sum")
    summary["documents_share"] = summary["documents"] / totals["documents"]
    summary["chars_share"] = summary["chars_in"] / totals["chars_in"].clip(lower=1)
    kept = summary["status"] == "kept"
    summary["chars_repaired"] = (summary["chars_in"] - summary["chars_out"]).where(kept, 0)
    summary["stage"] = summary["stage"].astype(str)
    return summary[
        [
            "stage",
            "status",
            "reason",
            "documents",
            "documents_share",
            "chars_in",
            "chars_share",
            "chars_out",
            "chars_repaired",
            "tokens_in",
            "tokens_out",
        ]
    ]


def check(rows: pa.Table, stages: Sequence[str | Sequence[str]]) -> None:
    """Check that each stage was given exactly what the one before it kept.

    ``stages`` is the order of the pipeline. The last entry may be several stages side by side, each given
    what the one before them kept, as the phases of the instances are. Documents are compared by id,
    characters and tokens by document, so a loss cannot hide behind a gain. Only a dropped document may be
    without an id.

    Raises:
        LedgerError: names the stage, how many documents differ and the first of them.
        ValueError: something comes after stages side by side.
    """
    frame = rows.to_pandas()
    unknown = sorted(set(frame["stage"]) - set(_names(stages)))
    if unknown:
        raise LedgerError(f"ledger rows of unknown stages: {', '.join(unknown)}")
    if not all(isinstance(entry, str) for entry in stages[:-1]):
        raise ValueError(f"only the last of the stages may stand side by side: {stages}")
    before: pd.DataFrame | None = None
    for entry in stages:
        for stage in _names([entry]):
            given = frame[frame["stage"] == stage]
            _check_rows(given, stage)
            if before is not None:
                _compare(before, given.set_index("doc_id"), stage)
        before = given[given["status"] == "kept"].set_index("doc_id")


def _names(stages: Sequence[str | Sequence[str]]) -> list[str]:
    return [name for entry in stages for name in ([entry] if isinstance(entry, str) else entry)]


def _check_rows(given: pd.DataFrame, stage: str) -> None:
    identified = given[given["doc_id"] != ""]
    repeated = identified[identified["doc_id"].duplicated()]
    if len(repeated):
        raise LedgerError(f"{stage}: document {repeated.iloc[0]['doc_id']} has several rows")
    kept = given["status"] == "kept"
    nameless = given[kept & (given["doc_id"] == "")]
    if len(nameless):
        raise LedgerError(
            f"{stage}: {len(nameless)} kept documents have no id; "
            f"the first is from {nameless.iloc[0]['raw_path']!r}"
        )
    leaking = given[~kept & ((given["chars_out"] != 0) | (given["tokens_out"] != 0))]
    if len(leaking):
        raise LedgerError(
            f"{stage}: {len(leaking)} dropped documents have an output; "
            f"the first is {leaking.iloc[0]['doc_id']}"
        )


def _compare(before: pd.DataFrame, given: pd.DataFrame, stage: str) -> None:
    lost, found = before.index.difference(given.index), given.index.difference(before.index)
    if len(lost) or len(found):
        first = (list(lost) + list(found))[0]
        raise LedgerError(
            f"{stage}: {len(lost)} documents never arrived and {len(found)} came from nowhere; "
            f"the first is {first}"
        )
    for out, into in (("chars_out", "chars_in"), ("tokens_out", "tokens_in")):
        differing = before.index[before[out].to_numpy() != given.loc[before.index, into].to_numpy()]
        if len(differing):
            raise LedgerError(
                f"{stage}: {into} differs from the {out} of the stage before for "
                f"{len(differing)} documents; the first is {differing[0]}"
            )
