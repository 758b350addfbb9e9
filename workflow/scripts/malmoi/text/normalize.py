"""Stage 2: repair the text of one shard of documents and mask or drop personal data."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from malmoi import documents, fingerprint, ledger
from malmoi.atomic import writing_rows
from malmoi.errors import InputError
from malmoi.progress import LOG, track
from malmoi.text import sections
from malmoi.text.pii import PLACEHOLDERS, mask
from malmoi.text.repair import normalize_text

STAGE = "normalize"

#: One row for each rule that changed a document, also one that left: ``kind`` is ``repair`` or ``pii``.
REPAIRS_SCHEMA = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("count", pa.int64(), nullable=False),
    ]
)

#: A document is dropped as mojibake when more than this share of its characters is lost. A character lost
#: by itself makes its word unreadable.
_LOST = 0.05
_WORD = 3
_LASTING = ("replacement_character", "mojibake_trace")
_POLICIES = ("mask", "keep", "drop")


def normalize_documents(
    inputs: Iterable[str | Path],
    settings: Mapping[str, Any],
    takedown: Collection[str],
    output_path: str | Path,
    ledger_path: str | Path,
    repairs_path: str | Path,
) -> None:
    """Write one shard's documents with repaired text, sorted by id, and a ledger row for each.

    ``inputs`` are the shard's files from ingest, each sorted by id; ``settings`` is the config's ``normalize``;
    ``takedown`` holds the ids of documents to leave out. Besides by takedown a document leaves as ``mojibake``,
    as ``empty`` when no character of text is left, or as ``pii_<type>`` where the policy for that type is
    ``drop``. The offsets of ``sections`` in its meta are rewritten; all other fields go on unchanged. The file
    at ``repairs_path`` says which rule changed what how often.

    Raises:
        InputError: a PII type or policy is unknown.
        ValueError: a document's sections do not fit its text.
    """
    settings = {**settings, "pii": _policy(settings)}
    listed = frozenset(takedown)
    totals: Counter[tuple[str, str]] = Counter()
    kept = given = 0
    with (
        documents.writing(output_path) as write_document,
        ledger.writing(ledger_path) as write_row,
        writing_rows(repairs_path, REPAIRS_SCHEMA, rows_per_group=65_536) as write_repair,
    ):
        for document in track(documents.merged(inputs), STAGE):
            given += 1
            outcome: dict[str, Any] = {"status": "takedown", "reason": "listed"}
            if document["doc_id"] not in listed:
                cleaned, counts = clean(document, settings)
                totals.update(counts)
                for (kind, rule), count in sorted(counts.items()):
                    repair = {"kind": kind, "rule": rule, "count": count}
                    write_repair(
                        {"source": document["source"], "doc_id": document["doc_id"], **repair}
                    )
                if reason := _reason(cleaned["text"], counts, settings["pii"]):
                    outcome = {"status": "filtered", "reason": reason}
                else:
                    kept += 1
                    write_document(cleaned)
                    outcome = {"chars_out": len(cleaned["text"])}
            write_row(
                ledger.row(
                    STAGE,
                    document["source"],
                    doc_id=document["doc_id"],
                    raw_path=document["raw_path"],
                    chars_in=len(document["text"]),
                    **outcome,
                )
            )
    for (kind, rule), count in sorted(totals.items()):
        LOG.info("%s %s: %d", kind, rule, count)
    LOG.info("%d of %d documents kept", kept, given)


def clean(
    document: Mapping[str, str], settings: Mapping[str, Any]
) -> tuple[dict[str, str], dict[tuple[str, str], int]]:
    """Return a document with its text repaired and masked, and the counts by kind and rule, none of them 0.

    Each section that the document's meta names is cleaned by itself. Cleaning twice changes nothing.
    """
    counts: Counter[tuple[str, str]] = Counter()

    def cleaned(text: str) -> str:
        text, found = _clean_text(text, settings)
        counts.update(found)
        return text

    text = document["text"]
    meta = json.loads(document["meta"]) if '"sections"' in document["meta"] else {}
    if "sections" not in meta:
        return {**document, "text": cleaned(text)}, dict(counts)
    parts = sections.check(text, meta.pop("sections"))
    text, parts = sections.rewrite(text, parts, cleaned)
    if parts:
        meta["sections"] = [list(part) for part in parts]
    return {**document, "text": text, "meta": fingerprint.canonical(meta)}, dict(counts)


def _clean_text(text: str, settings: Mapping[str, Any]) -> tuple[str, Counter[tuple[str, str]]]:
    counts: Counter[tuple[str, str]] = Counter()
    while True:
        text, changes = normalize_text(
            text,
            repeated_lines=settings.get("repeated_lines", 0),
            join_broken_lines=settings.get("join_broken_lines", False),
        )
        masked, found = mask(text, settings.get("pii", {}))
        # No changes, so what the last look at the text finds counts, not the sum of all.
        for rule in _LASTING:
            del counts["repair", rule]
        counts.update({("repair", rule): count for rule, count in changes.items()})
        counts.update({("pii", name): count for name, count in found.items()})
        # A placeholder may give lines another width, or make them equal: the layout's rules look at both.
        if masked == text:
            return masked, counts
        text = masked


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


def _reason(text: str, counts: Mapping[tuple[str, str], int], policy: Mapping[str, str]) -> str:
    lost = counts.get(("repair", "lost_character"), 0)
    unread = lost + _WORD * sum(counts.get(("repair", rule), 0) for rule in _LASTING)
    if unread > _LOST * (len(text) + lost):
        return "mojibake"
    if not text:
        return "empty"
    found = sorted(rule for kind, rule in counts if kind == "pii")
    return next((f"pii_{name}" for name in found if policy.get(name) == "drop"), "")
