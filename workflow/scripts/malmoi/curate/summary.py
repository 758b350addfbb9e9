"""Put the ledgers of all stages together and prove that nothing was lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow.csv

from malmoi import ledger
from malmoi.atomic import replacing, write_parquet, write_text
from malmoi.progress import LOG


def sum_ledger(
    ledger_paths: Sequence[str | Path],
    stages: Sequence[str | Sequence[str]],
    parquet_path: str | Path,
    csv_path: str | Path,
    summary_path: str | Path,
) -> None:
    """Write all ledger rows as Parquet and CSV, in the order of the paths, and the balance as CSV.

    ``stages`` names the stages in the order of the pipeline, as ``ledger.check`` takes them.

    Raises:
        LedgerError: a stage was not given what the one before it kept; nothing is written then.
    """
    rows = ledger.read(ledger_paths)
    ledger.check(rows, stages)
    summary = ledger.summarise(rows, stages)
    write_parquet(parquet_path, rows)
    with replacing(csv_path) as temporary:
        pyarrow.csv.write_csv(rows, temporary)
    write_text(summary_path, summary.to_csv(index=False, float_format="%.6f", lineterminator="\n"))
    LOG.info("%d rows of %d stages balance", len(rows), len(stages))
