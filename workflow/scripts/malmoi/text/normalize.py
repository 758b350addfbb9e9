"""Stage 2: repair the text of one shard of documents and mask or drop personal data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from malmoi import documents, ledger
from malmoi.atomic import write_parquet
from malmoi.errors import InputError
from malmoi.progress import LOG, track
from malmoi.text.mojibake import lost_share
from malmoi.text.pii import PLACEHOLDERS, mask
from malmoi.text.repair import normalize_text

STAGE = "normalize"

#: A document is dropped as mojibake when more than this share of it is beyond repair.
_LOST = 0.05
_POLICIES = ("mask", "keep", "drop")


def normalize_documents(
    inputs: Iterable[str | Path],
    shard: int,
    shards: int,
    settings: Mapping[str, Any],
    output_path: str | Path,
    ledger_path: str | Path,
) -> None:
    """Write one shard's documents with repaired text, sorted by id, and a ledger row for each.

    ``inputs`` are documents of ingest, of which those of ``shard`` (0 to ``shards`` - 1) are taken;
    ``settings`` is the config's ``normalize``. A document leaves as ``mojibake``, as ``empty`` when no
    character of text is left, or as ``pii_<type>`` where the policy for that type is ``drop``. All
    other fields go on unchanged.

    Raises:
        InputError: a PII type or policy is unknown.
    """
    policy = _policy(settings)
    kept: list[dict[str, str]] = []
    rows: list[dict[str, str | int]] = []
    counts: Counter[str] = Counter()
    for document in track(documents.read(inputs, shard, shards), STAGE):
        before = len(document["text"])
        text, changes = normalize_text(document["text"])
        text, found = mask(text, policy)
        counts.update(changes)
        counts.update({f"pii_{name}": count for name, count in found.items()})
        reason = _reason(text, found, policy)
        if reason:
            outcome: dict[str, Any] = {"status": "filtered", "reason": reason}
        else:
            kept.append({**document, "text": text})
            outcome = {"chars_out": len(text)}
        rows.append(
            ledger.row(
                STAGE,
                document["source"],
                doc_id=document["doc_id"],
                raw_path=document["raw_path"],
                chars_in=before,
                **outcome,
            )
        )
    for rule, count in sorted(counts.items()):
        LOG.info("%s: %d", rule, count)
    LOG.info("shard %d: %d of %d documents kept", shard, len(kept), len(rows))
    write_parquet(output_path, documents.table(sorted(kept, key=lambda each: each["doc_id"])))
    ledger.write(ledger_path, sorted(rows, key=lambda row: row["doc_id"]))


def _policy(settings: Mapping[str, Any]) -> dict[str, str]:
    policy = dict(settings.get("pii") or {})
    for name, choice in policy.items():
        if name not in PLACEHOLDERS:
            known = ", ".join(PLACEHOLDERS)
            raise InputError(f"normalize.pii: {name!r} is not one of {known}")
        if choice not in _POLICIES:
            known = ", ".join(_POLICIES)
            raise InputError(f"normalize.pii.{name}: {choice!r} is not one of {known}")
    return policy


def _reason(text: str, found: Mapping[str, int], policy: Mapping[str, str]) -> str:
    if not text:
        return "empty"
    if lost_share(text) > _LOST:
        return "mojibake"
    return next((f"pii_{name}" for name in sorted(found) if policy.get(name) == "drop"), "")
