"""Put every kept document into the train, validation or test split."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from malmoi import documents, ledger
from malmoi.atomic import write_parquet
from malmoi.progress import track
from malmoi.sampling import key, uniform

#: A document with ``split``: train, validation or test.
SCHEMA = documents.SCHEMA.append(pa.field("split", pa.string(), nullable=False))


def split_of(group: str, seed: int, validation: float, test: float) -> str:
    """Return ``train``, ``validation`` or ``test`` for all documents of a group.

    The split depends on nothing but the arguments, so it stays the same when documents are added; a larger
    share keeps all that the smaller one had of the test split. ``validation`` and ``test`` are the
    expected shares of the groups.
    """
    draw = uniform(key(seed, "split", group), np.zeros(1))[0]
    if draw < test:
        return "test"
    return "validation" if draw < test + validation else "train"


def split_documents(
    input_path: str | Path,
    clusters_path: str | Path,
    settings: Mapping[str, float],
    seed: int,
    output_path: str | Path,
    ledger_path: str | Path,
) -> None:
    """Write the documents that stand for themselves or their cluster, each with its split.

    ``settings`` holds the shares ``validation`` and ``test``. A document without a group is a group of its
    own. The ledger gets a row for each document read; a dropped one has the reason ``exact`` or ``near``,
    and the clusters say of which document.
    """
    clusters = pq.read_table(clusters_path, columns=["doc_id", "relation"])
    relations = dict(zip(*(column.to_pylist() for column in clusters.columns), strict=True))
    given = pq.read_table(input_path, schema=documents.SCHEMA)
    columns = [given[name].to_pylist() for name in ("doc_id", "source", "raw_path", "group")]
    lengths = [len(text) for text in given["text"].to_pylist()]
    rows, kept, splits = [], [], []
    for doc_id, source, raw_path, group, chars in track(
        zip(*columns, lengths, strict=True), "split", total=len(given)
    ):
        relation = relations.get(doc_id, "kept")
        kept.append(relation == "kept")
        if relation == "kept":
            splits.append(split_of(group or doc_id, seed, settings["validation"], settings["test"]))
        rows.append(
            ledger.row(
                "deduplicate",
                source,
                doc_id=doc_id,
                raw_path=raw_path,
                status="kept" if relation == "kept" else "duplicate",
                reason="" if relation == "kept" else relation,
                chars_in=chars,
                chars_out=chars if relation == "kept" else 0,
            )
        )
    curated = given.filter(pa.array(kept, pa.bool_()))
    write_parquet(
        output_path, curated.append_column(SCHEMA.field("split"), pa.array(splits, pa.string()))
    )
    ledger.write(ledger_path, rows)
