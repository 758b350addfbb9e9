"""The manifest of a phase: what its shards hold and came from, and what became of every token."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from malmoi.atomic import write_json
from malmoi.errors import InputError
from malmoi.instances.counts import STEP, SUMS

#: What the shards of a phase have in common; ``masking`` is that of the training split.
COMMON = (*("max_seq_length", "pairs", "masking", "vocabulary_size", "vocabulary_sha256", "seed"),)

#: Instances in the batches for which padding is told.
PADDED_BATCH = 32

_COVERAGE = {
    "used_once": "used once in a pass",
    "used_again": "used several times in a pass",
    "single_token": "left out: all that their document has",
    "cut_off": "left out: cut off",
}


def write_manifest(
    phase: str,
    shards: Mapping[str, Sequence[tuple[str, str | Path]]],
    output_path: str | Path,
) -> None:
    """Write one phase's manifest from its shards' statistics.

    ``shards`` gives, per split, pairs of (instance file as the manifest names it, statistics file). The
    manifest has what ``COMMON`` names, and for each of ``splits``:

    * ``shards``: ``path``, ``sha256``, the sums and ``inputs``, the sha256 of the tokens files it came from;
    * the sums of ``malmoi.instances.counts.SUMS``, and ``documents``;
    * ``coverage``: what became of the documents' tokens, over all passes; its ``percent`` add up to 100;
    * ``padding``: shares of positions that are padding, see ``padding``;
    * ``unknown_share`` and ``masked_share`` of the tokens, ``random_share`` of the instances, and
      ``replaced``, the shares of masked tokens seen as [MASK], as a random piece and as themselves;
    * ``lengths``: instances by length, special tokens included, rounded up to a multiple of eight.

    A share of nothing is null.

    Raises:
        InputError: the training split has no instance, or shards were made with different settings.
    """
    statistics = {
        split: [
            {"path": name, **json.loads(Path(path).read_text(encoding="utf-8"))}
            for name, path in files
        ]
        for split, files in shards.items()
    }
    first = statistics["train"][0]
    for parts in statistics.values():
        for part in parts:
            # Masks of held-out splits are static whatever those of the training are.
            like = {name: parts[0] if name == "masking" else first for name in COMMON}
            differing = [name for name in COMMON if part[name] != like[name][name]]
            if differing:
                other = like[differing[0]]["path"]
                raise InputError(
                    f"instances of phase {phase}: {part['path']} and {other} were made with different "
                    f"{', '.join(differing)}; delete them and run again"
                )
    splits = {split: _split(parts) for split, parts in statistics.items()}
    if not splits["train"]["instances"]:
        raise InputError(
            f"instances of phase {phase}: the training split is empty; add documents, raise instances.share or "
            "lower curate.split.validation and curate.split.test"
        )
    common = {name: first[name] for name in COMMON}
    write_json(output_path, {"phase": phase, **common, "splits": splits})


def padding(lengths: np.ndarray, positions: int) -> dict[str, float | None]:
    """Return the shares of positions that are padding, by how batches are made.

    ``to_longest``: ``PADDED_BATCH`` instances drawn at random and padded to a multiple of ``STEP`` that holds
    the longest, as expected over all draws. ``packed``: as many laid end to end and filled up to a
    multiple of ``STEP``, at the most. ``lengths`` int64 [L + 1] counts instances by their length, rounded
    up, in steps; ``positions`` is the sum of their lengths as they are.
    """
    number = int(lengths.sum())
    if not number:
        return {"to_longest": None, "packed": None}
    mean = positions / number
    # The longest of a batch is at most so long if all of its instances are.
    at_most = (np.cumsum(lengths) / number) ** PADDED_BATCH
    longest = STEP * float(np.arange(len(lengths)) @ np.diff(at_most, prepend=0.0))
    filled = PADDED_BATCH * mean
    return {"to_longest": 1 - mean / longest, "packed": (STEP - 1) / (filled + STEP - 1)}


def _split(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    total = {name: sum(part[name] for part in parts) for name in (*SUMS, "documents")}
    lengths = np.sum([part["lengths"] for part in parts], axis=0)
    kept = ("path", "sha256", "inputs", "passes", "documents", *SUMS)
    return {
        "shards": [{name: part[name] for name in kept} for part in parts],
        **total,
        "coverage": [
            {
                "tokens": total[name],
                "percent": _share(100 * total[name], total["corpus_tokens"]),
                "what": what,
            }
            for name, what in _COVERAGE.items()
        ],
        "padding": padding(lengths, total["positions"]),
        "unknown_share": _share(total["unknown"], total["tokens"]),
        "random_share": _share(total["random"], total["instances"]),
        "masked_share": _share(total["masked"], total["tokens"]),
        "replaced": {
            name: _share(total[f"masked_as_{name}"], total["masked"])
            for name in ("mask", "random", "itself")
        },
        "lengths": {str(STEP * n): int(count) for n, count in enumerate(lengths) if count},
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
