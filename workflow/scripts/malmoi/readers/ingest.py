"""Stage 1: read raw files into documents; what cannot be read goes to the ledger with a reason."""

from __future__ import annotations

import hashlib
import os
import pickle
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from malmoi import documents, fingerprint, ledger
from malmoi.atomic import write_text
from malmoi.errors import InputError
from malmoi.fingerprint import shard_of
from malmoi.progress import LOG, track
from malmoi.readers.record import NAMED, Record
from malmoi.readers.worker import Worker

STAGE = "ingest"

#: The key of ``meta`` under which a document has the sections of its text.
SECTIONS = "sections"

#: Longest reason in the ledger, in characters; the log has it whole.
_REASON_LENGTH = 120

#: Documents between two lines of the log, since one file may be an archive of a million.
_TOLD_EVERY = 10_000


def ingest(
    source: Mapping[str, Any],
    files: Sequence[str | Path],
    root: str | Path,
    takedown: Collection[str],
    documents_paths: Sequence[str | Path],
    digest_paths: Sequence[str | Path],
    ledger_path: str | Path,
) -> None:
    """Read files of one source; write their documents by shard, sorted by id, and a ledger row for each.

    ``source`` is an entry of the config's ``corpus.sources``: ``name``, ``domain``, and optionally
    ``kind``, ``format`` (``auto`` by content), ``fields``, ``max_file_mb``, ``max_file_seconds`` and
    ``max_file_memory_mb``. The paths in the outputs are relative to ``root``; a file in an archive is
    ``archive.zip!member.txt``. What ``takedown`` lists by these paths is left out with all that it holds
    and gets one ledger row; a raw file that is listed is not opened.

    Each shard has a documents path and a path for the sha256 of that file. Documents wait on disk until
    they can be sorted, so that memory holds the text of one record and some hundred bytes a document.

    Raises:
        InputError: the format is unknown, a file is missing or outside ``root``, no file has the column that
            ``fields.text`` names, or ``fields`` names ``sections``, which is malmoi's own.
    """
    listed = _Takedown(takedown)
    fields = source.get("fields") or {}
    unseen = {name: column for name, column in fields.items() if name != "text"}
    if SECTIONS in fields:
        raise InputError(f"source {source['name']}: fields.{SECTIONS}: malmoi sets it itself")
    lost: Counter[str] = Counter()
    told = ""
    with (
        ledger.writing(ledger_path) as write_row,
        _Spill(Path(ledger_path).parent, len(documents_paths)) as spill,
        Worker(source) as worker,
    ):
        for path in track(sorted(Path(file) for file in files), STAGE, len(files), "files"):
            seen: Counter[bytes] = Counter()
            for where, digest, record in _found(worker, path, Path(root), listed):
                row: dict[str, Any] = {"raw_path": where}
                if record is None:
                    row |= {"status": "takedown", "reason": "listed"}
                elif record.reason:
                    LOG.info("%s %s: %s", where, record.record, record.reason)
                    reason = record.reason[:_REASON_LENGTH]
                    row |= {"record": record.record, "status": "quarantined", "reason": reason}
                    lost[reason.partition(":")[0]] += 1
                    told = told or f"{where}: {record.reason.partition(':')[2].strip()}"
                else:
                    document = _document(source, where, digest, record, seen)
                    spill.add(document)
                    if spill.count % _TOLD_EVERY == 0:
                        LOG.info("%s: %d documents so far", source["name"], spill.count)
                    _tick_off(unseen, record)
                    size = len(record.text)
                    row |= {"record": record.record, "doc_id": document["doc_id"]}
                    row |= {"chars_in": size, "chars_out": size}
                write_row(ledger.row(STAGE, source["name"], **row))
        # One stray table is a row of the ledger; where no file has the column, the config is wrong.
        if fields.get("text") and not spill.count and set(lost) == {"no_column"}:
            raise InputError(f"source {source['name']}: {told}")
        for shard, (path, digest_path) in enumerate(
            zip(documents_paths, digest_paths, strict=True)
        ):
            with documents.writing(path) as write_document:
                for document in spill.sorted(shard):
                    write_document(document)
            write_text(digest_path, fingerprint.of_file(path) + "\n")
        LOG.info("%s: %d documents", source["name"], spill.count)
        # A slip of the pen that loses no text but a label.
        for name, column in unseen.items() if spill.count else ():
            LOG.warning(
                "source %s: fields.%s is %r, but no document has a value there",
                *(source["name"], name, column),
            )
    for reason, count in sorted(lost.items()):
        LOG.warning("%s: %d quarantined as %s", source["name"], count, reason)
    for entry in listed.unmatched():
        LOG.warning("%s: the takedown of %s matches no file", source["name"], entry)


def _found(
    worker: Worker, path: Path, root: Path, listed: _Takedown
) -> Iterator[tuple[str, str, Record | None]]:
    """Yield raw path, sha256 of the raw bytes and record of a file's records.

    What is listed is one entry without a record in the place of its records.
    """
    raw_path = _valid(_raw_path(path, root))
    if listed.entry(raw_path, raw_path):
        listed.met.add(raw_path)
        yield raw_path, "", None
        return
    for found, digest, record in worker.records(path, raw_path):
        where = _valid(found)
        entry = listed.entry(where, raw_path)
        if not entry:
            yield where, digest, _valid_record(record)
        elif entry not in listed.met:
            listed.met.add(entry)
            yield entry, "", None


class _Takedown:
    """The raw paths to leave out; ``met`` are those that were there."""

    def __init__(self, paths: Collection[str]) -> None:
        self._paths = frozenset(paths)
        self.met: set[str] = set()

    def entry(self, where: str, raw_path: str) -> str:
        """Return what is listed: ``where`` in the file ``raw_path``, or an archive around it; else nothing.

        A file's own name may hold ``!`` as well.
        """
        if not self._paths:
            return ""
        inner = where[len(raw_path) :].split("!")
        around = (raw_path + "!".join(inner[:end]) for end in range(1, len(inner) + 1))
        return next((path for path in around if path in self._paths), "")

    def unmatched(self) -> list[str]:
        """Return what is listed and was not met, sorted."""
        return sorted(self._paths - self.met)


class _Spill:
    """Documents put aside on disk until they can be read sorted; a context.

    The file has no name, so that nothing of it is left however the process ends.
    """

    def __init__(self, folder: Path, shards: int) -> None:
        self._folder = folder
        #: The number of documents.
        self.count = 0
        # For each shard the id of a document and its place in the file, 24 bytes that sort by id.
        self._places: list[list[bytes]] = [[] for _ in range(shards)]

    def __enter__(self) -> _Spill:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=self._folder, prefix=".ingest-")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, document: dict[str, str]) -> None:
        """Put a document aside."""
        doc_id = document["doc_id"]
        place = bytes.fromhex(doc_id) + self._file.tell().to_bytes(8, "big")
        self._places[shard_of(doc_id, len(self._places))].append(place)
        pickle.dump(document, self._file, protocol=5)
        self.count += 1

    def sorted(self, shard: int) -> Iterator[dict[str, str]]:
        """Yield the documents of a shard by id."""
        for place in sorted(self._places[shard]):
            self._file.seek(int.from_bytes(place[16:], "big"))
            yield pickle.load(self._file)


def _raw_path(path: Path, root: Path) -> str:
    relative = Path(os.path.relpath(path, root))
    if relative.parts[:1] == ("..",):
        raise InputError(f"{path} is not inside the source's folder {root}")
    return relative.as_posix()


def _document(
    source: Mapping[str, Any], raw_path: str, digest: str, record: Record, seen: Counter[bytes]
) -> dict[str, str]:
    """Return the document of a record; ``seen`` counts the file's ids, so that equal texts get several.

    ``digest`` is the file's. One record of many gets that of its own text instead, so that a line added to a
    file leaves the documents of the other lines as they are.
    """
    if record.record:
        digest = hashlib.sha256(record.text.encode("utf-8")).hexdigest()
    doc_id = documents.document_id(source["name"], raw_path, record.text)
    repeat = bytes.fromhex(doc_id)
    if seen[repeat]:
        doc_id = documents.document_id(source["name"], raw_path, record.text, seen[repeat])
    seen[repeat] += 1
    meta: dict[str, Any] = dict(record.meta)
    if record.sections:
        meta[SECTIONS] = [list(section) for section in record.sections]
    return {
        "doc_id": doc_id,
        "source": source["name"],
        "domain": source["domain"],
        "kind": record.kind or source.get("kind", ""),
        "title": record.title,
        "date": record.date,
        "group": record.group or doc_id,
        "text": record.text,
        "meta": fingerprint.canonical(meta),
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
    text = _valid(record.text)
    if record.sections:
        # Two halves of a pair become one character, which moves what follows.
        moved = (
            (lambda end: end)
            if text == record.text
            else (lambda end: len(_valid(record.text[:end])))
        )
        record.sections = [
            (_valid(name), moved(start), moved(end)) for name, start, end in record.sections
        ]
    record.text = text
    for name in ("record", "reason", *NAMED):
        setattr(record, name, _valid(getattr(record, name)))
    record.meta = {_valid(key): _valid(value) for key, value in record.meta.items()}
    return record


def _tick_off(unseen: dict[str, Any], record: Record) -> None:
    """Take out of the mapped fields those that a record has a value for."""
    for name in list(unseen):
        if getattr(record, name) if name in NAMED else record.meta.get(name):
            del unseen[name]
