"""The manifest of a phase: what its shards hold, and their balance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from malmoi.atomic import write_json
from malmoi.errors import InputError

_SUMS = ("instances", "random", "tokens", "masked", "unknown", "positions", "documents")


def write_manifest(
    phase: str,
    shards: Mapping[str, Sequence[tuple[str, str | Path]]],
    output_path: str | Path,
) -> None:
    """Write one phase's manifest from its shards' statistics.

    ``shards`` gives, per split, pairs of (instance file as the manifest names it, statistics file).

    Raises:
        InputError: the training split has no instance.
    """
    splits = {}
    for split, files in shards.items():
        parts = [
            {"path": name, **json.loads(Path(path).read_text(encoding="utf-8"))}
            for name, path in files
        ]
        total = {name: sum(part[name] for part in parts) for name in _SUMS}
        corpus = sum(part["corpus_tokens"] * part["passes"] for part in parts)
        splits[split] = {
            "shards": parts,
            **total,
            "coverage": total["tokens"] / max(1, corpus),
            "masked_share": total["masked"] / max(1, total["tokens"]),
            "random_share": total["random"] / max(1, total["instances"]),
            "unknown_share": total["unknown"] / max(1, total["tokens"]),
        }
    if not splits["train"]["instances"]:
        raise InputError(
            f"instances of phase {phase}: the training split is empty; add documents or lower "
            "curate.split.validation and curate.split.test"
        )
    first = splits["train"]["shards"][0]
    write_json(
        output_path,
        {
            "phase": phase,
            "max_seq_length": first["max_seq_length"],
            "vocabulary_size": first["vocabulary_size"],
            "splits": splits,
        },
    )
