"""Put every kept document into the train, validation or test split."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from malmoi import documents, ledger
from malmoi.curate.sections import without_repeats
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
    drops_path: str | Path,
    settings: Mapping[str, Any],
    seed: int,
    output_path: str | Path,
    ledger_path: str | Path,
) -> None:
    """Write the documents that stand for themselves or their cluster, each with its split.

    ``drops_path`` names those of this shard that do not. ``settings`` holds the shares ``validation`` and
    ``test`` and, with ``sections`` true, the ``section_containment`` from which a section repeats another of
    its document and is left out. A document without a group is a group of its own. The ledger gets a row
    for each document read: a dropped one has the reason ``exact`` or ``near``, and the clusters say of
    which document; a shortened one is kept with the reason ``repeated_section``.
    """
    drops = pq.read_table(drops_path)
    relations = dict(zip(drops["doc_id"].to_pylist(), drops["relation"].to_pylist(), strict=True))
    total = pq.ParquetFile(input_path).metadata.num_rows
    with documents.writing(output_path, SCHEMA) as add, ledger.writing(ledger_path) as account:
        for given in track(documents.read([input_path]), "split", total=total):
            relation = relations.get(given["doc_id"])
            kept = given
            if relation is None:
                if settings["sections"]:
                    kept = without_repeats(given, settings["section_containment"])
                group = given["group"] or given["doc_id"]
                split = split_of(group, seed, settings["validation"], settings["test"])
                add({**kept, "split": split})
            account(_row(given, relation, len(kept["text"])))


def _row(given: Mapping[str, str], relation: str | None, chars: int) -> dict[str, str | int]:
    chars_in = len(given["text"])
    reason = "repeated_section" if chars < chars_in else ""
    return ledger.row(
        "deduplicate",
        given["source"],
        doc_id=given["doc_id"],
        raw_path=given["raw_path"],
        status="duplicate" if relation else "kept",
        reason=relation or reason,
        chars_in=chars_in,
        chars_out=0 if relation else chars,
    )
