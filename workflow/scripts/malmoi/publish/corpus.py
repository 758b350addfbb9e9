"""What a card says of the corpus: sources with what is left of them, what was left out and why, and how."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from malmoi.errors import InputError
from malmoi.progress import track
from malmoi.publish.measures import settings

#: Figures of the vocabulary that a card shows, as ``results/vocabulary/measures.csv`` names them.
VOCABULARY_MEASURES = (
    "unk_share",
    "tokens_per_eojeol",
    "characters_per_token",
    "precision",
    "recall",
    "f1",
    "functional_f1",
    "terms_single",
)

#: Settings of how text was made ready; the rest of these sections is for other readers, or names files.
_PREPROCESSING = {
    "normalize": ("pii", "repeated_lines", "join_broken_lines"),
    "curate": ("filters", "dedup", "split"),
    "segment": ("terms", "patterns", "spacing", "input"),
    "vocabulary": ("size", "boundaries", "learner", "prune", "min_frequency", "tokenizer"),
    "instances": ("duplicates", "share", "pairs", "masking"),
}


def source_rows(
    counts: Mapping[str, Mapping[str, int]], sources: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return a row per source, in config order and then those in the data alone: what it is and its counts.

    ``counts`` is what :func:`count_tokens` gives; a source without a count has zeros.
    """
    stated = {str(source["name"]): source for source in sources}
    names = sorted({name for count in counts.values() for name in count})
    return [
        {
            "name": source,
            "domain": stated.get(source, {}).get("domain") or "",
            "license": stated.get(source, {}).get("license") or "",
            **(dict.fromkeys(names, 0) | dict(counts.get(source, {}))),
        }
        for source in [*stated, *sorted(set(counts) - set(stated))]
    ]


def count_tokens(shards: Sequence[Path]) -> dict[str, dict[str, int]]:
    """Return documents, characters (code points) and tokens by source, from the token shards (Arrow IPC)."""
    counts: dict[str, dict[str, int]] = {}
    for batch in _batches(shards):
        frame = pd.DataFrame(
            {
                "source": batch["source"].to_pylist(),
                "characters": batch["characters"].to_numpy(),
                "tokens": pc.list_value_length(batch["input_ids"]).to_numpy(),
            }
        )
        for source, part in frame.groupby("source"):
            count = counts.setdefault(str(source), {"documents": 0, "characters": 0, "tokens": 0})
            count["documents"] += len(part)
            count["characters"] += int(part["characters"].sum())
            count["tokens"] += int(part["tokens"].sum())
    return counts


def token_documents(shards: Sequence[Path]) -> Iterator[str]:
    """Yield the ids of all documents in the token shards (Arrow IPC)."""
    for batch in _batches(shards):
        yield from batch["doc_id"].to_pylist()


def balance(summary: Path, ledger: Path) -> dict[str, Any]:
    """Return what the first stage was ``given``, and ``drops`` by stage, reason and source in pipeline order.

    ``summary`` (CSV) and ``ledger`` (Parquet) are those of the whole run.
    """
    frame = pd.read_csv(summary, keep_default_na=False)
    stages = list(dict.fromkeys(frame["stage"]))
    first = frame[frame["stage"].isin(stages[:1])]
    columns = ["stage", "status", "reason", "source"]
    rows = pq.read_table(
        ledger, columns=[*columns, "chars_in"], filters=[("status", "!=", "kept")]
    ).to_pandas()
    # What follows a colon tells of one document.
    rows["reason"] = rows["reason"].str.replace(r"(?s)\s*:.*", "", regex=True)
    rows["stage"] = pd.Categorical(rows["stage"], categories=stages, ordered=True)
    drops = rows.groupby(columns, observed=True)["chars_in"].agg(["size", "sum"]).reset_index()
    return {
        "given": {
            "documents": int(first["documents"].sum()),
            "characters": int(first["chars_in"].sum()),
        },
        "drops": [
            {
                **{name: str(getattr(row, name)) for name in columns},
                "documents": int(row.size),
                "characters": int(row.sum),
            }
            for row in drops.itertuples(index=False)
        ],
    }


def preprocessing(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the settings that decide how text was made ready, as rows of a table; no paths among them."""
    chosen: dict[str, dict[str, Any]] = {}
    for section, names in _PREPROCESSING.items():
        given = config.get(section) or {}
        chosen[section] = {name: given[name] for name in names if name in given}
    sets = ((config.get("curate") or {}).get("decontaminate") or {}).get("sets") or []
    if sets:
        chosen["curate"]["decontaminate"] = [item["name"] for item in sets]
    return list(settings(chosen))


def vocabulary_measures(path: Path) -> list[dict[str, Any]]:
    """Return the measures of the run's own vocabulary on held-out text, a row per domain and one of all.

    Raises:
        InputError: ``path`` (CSV) measures other tokenizers only.
    """
    frame = pd.read_csv(path)
    own = frame[frame["tokenizer"] == "this vocabulary"]
    if own.empty:
        raise InputError(f"{path} has no row of this vocabulary; run the vocabulary report again")
    shown = own[["domain", *(name for name in VOCABULARY_MEASURES if name in own)]]
    return [
        {key: value for key, value in row.items() if pd.notna(value)}
        for row in shown.to_dict("records")
    ]


def _batches(shards: Sequence[Path]) -> Iterable[pa.RecordBatch]:
    for shard in track(sorted(shards), "corpus table", len(shards), "shards"):
        with pa.memory_map(str(shard)) as file:
            reader = pa.ipc.open_file(file)
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number)
