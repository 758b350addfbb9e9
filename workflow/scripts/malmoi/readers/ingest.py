"""Stage 1: read raw files into documents; what cannot be read goes to the ledger with a reason."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from malmoi import documents, fingerprint, ledger
from malmoi.atomic import write_parquet
from malmoi.errors import InputError
from malmoi.progress import LOG, track
from malmoi.readers.files import READERS, records_of
from malmoi.readers.record import NAMED, Record

STAGE = "ingest"

#: Longest reason in the ledger, in characters; the log has it whole.
_REASON_LENGTH = 120


def ingest(
    source: Mapping[str, Any],
    files: Sequence[str | Path],
    root: str | Path,
    documents_path: str | Path,
    ledger_path: str | Path,
) -> None:
    """Read files of one source and write their documents, sorted by id, and a ledger row for each.

    ``source`` is an entry of the config's ``corpus.sources``: ``name``, ``domain``, and optionally
    ``kind``, ``format`` (``auto`` by content), ``fields`` and ``max_file_mb``. The paths in the outputs are
    relative to ``root``, which may also be the one file itself; a file in an archive is
    ``archive.zip!member.txt``.

    Raises:
        InputError: the format is unknown, a file is missing or outside ``root``, or ``fields.text`` names a
            column that no record of a file has.
    """
    root = Path(root)
    root = root.parent if root.is_file() else root
    format_name = source.get("format", "auto")
    if format_name != "auto" and format_name not in READERS:
        known = ", ".join(["auto", *READERS])
        raise InputError(f"source {source['name']}: format {format_name!r} is not one of {known}")
    kept: list[dict[str, str]] = []
    rows: list[dict[str, str | int]] = []
    lost: Counter[str] = Counter()
    for path in track(sorted(Path(file) for file in files), STAGE, len(files), "files"):
        raw_path = _raw_path(path, root)
        seen: Counter[str] = Counter()
        for where, digest, record in records_of(path, raw_path, source):
            where, record = _valid(where), _valid_record(record)
            if record.reason:
                LOG.info("%s %s: %s", where, record.record, record.reason)
                reason = record.reason[:_REASON_LENGTH]
                lost[reason.partition(":")[0]] += 1
                row = {"status": "quarantined", "reason": reason}
            else:
                repeat = (where, record.text)
                document = _document(source, where, digest, record, seen[repeat])
                seen[repeat] += 1
                kept.append(document)
                size = len(record.text)
                row = {"doc_id": document["doc_id"], "chars_in": size, "chars_out": size}
            rows.append(
                ledger.row(STAGE, source["name"], raw_path=where, record=record.record, **row)
            )
    _warn_of_empty_fields(source, kept)
    LOG.info("%s: %d documents", source["name"], len(kept))
    for reason, count in sorted(lost.items()):
        LOG.warning("%s: %d quarantined as %s", source["name"], count, reason)
    write_parquet(documents_path, documents.table(sorted(kept, key=lambda each: each["doc_id"])))
    ledger.write(ledger_path, rows)


def _raw_path(path: Path, root: Path) -> str:
    relative = Path(os.path.relpath(path, root))
    if relative.parts[:1] == ("..",):
        raise InputError(f"{path} is not inside the source's folder {root}")
    return relative.as_posix()


def _document(
    source: Mapping[str, Any], raw_path: str, digest: str, record: Record, occurrence: int
) -> dict[str, str]:
    doc_id = documents.document_id(source["name"], raw_path, record.text, occurrence)
    return {
        "doc_id": doc_id,
        "source": source["name"],
        "domain": source["domain"],
        "kind": record.kind or source.get("kind", ""),
        "title": record.title,
        "date": record.date,
        "group": record.group or doc_id,
        "text": record.text,
        "meta": fingerprint.canonical(record.meta),
        "raw_path": raw_path,
        "raw_sha256": digest,
    }


def _valid(text: str) -> str:
    """Return text that UTF-8 can hold: a surrogate without its partner becomes U+FFFD."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _valid_record(record: Record) -> Record:
    for name in ("text", "record", "reason", *NAMED):
        setattr(record, name, _valid(getattr(record, name)))
    record.meta = {_valid(key): _valid(value) for key, value in record.meta.items()}
    return record


def _warn_of_empty_fields(source: Mapping[str, Any], kept: Sequence[Mapping[str, str]]) -> None:
    """Warn of a mapped field that no document has: a slip of the pen that loses no text but a label."""
    for name, column in (source.get("fields") or {}).items():
        if name == "text" or not kept:
            continue
        if name == "group":
            empty = all(each["group"] == each["doc_id"] for each in kept)
        elif name in NAMED:
            empty = not any(each[name] for each in kept)
        else:
            empty = not any(json.loads(each["meta"])[name] for each in kept)
        if empty:
            LOG.warning(
                "source %s: fields.%s is %r, but no document has a value there",
                source["name"],
                name,
                column,
            )
