"""Show one training instance as the model sees it, and where each of its segments comes from.

    python -m malmoi.instances.show results/instances/l128/train/0000.arrow 17

Tells the documents, tokens and sentences of the segments, the label, and what stood at the masked places.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from malmoi.errors import InputError
from malmoi.fingerprint import of_file
from malmoi.instances import shards
from malmoi.instances.loader import HELD_OUT, InstanceStore, Rows

#: Columns of a line; Hangul counts once.
WIDTH = 100

_LABELS = {
    ("nsp", 0): "the second segment follows the first",
    ("nsp", 1): "the second segment does not follow the first",
    ("sop", 0): "the segments are in order",
    ("sop", 1): "the segments are swapped",
}


@dataclass(frozen=True)
class _Origin:
    """Where a segment comes from: its document's row of the tokens file, and its first token there."""

    doc_id: str
    start: int
    row: dict[str, Any] | None


def describe(
    path: str | Path,
    number: int,
    tokenizer: str | Path,
    tokens: Sequence[str | Path] = (),
    epoch: int | None = None,
    progress: float = 0.0,
) -> str:
    """Return instance ``number`` (from 0) of a file as text.

    ``tokenizer`` is the folder with the ``vocab.txt`` that the file was made with, ``tokens`` the tokens files
    that may hold its documents. Of dynamic masks those of an ``epoch`` are shown, at the rate that
    ``progress`` (0 to 1) of the training has; those of held-out instances never change.

    Raises:
        InputError: a file is missing or does not fit the others, there is no such instance, or dynamic masks
            need an epoch.
    """
    path = Path(path)
    settings = shards.read_settings(path)
    vocabulary = _vocabulary(path, settings, Path(tokenizer))
    pieces = np.array(vocabulary.read_text(encoding="utf-8").split("\n"), dtype=object)
    store, index = _store(path, number, settings, vocabulary, epoch)
    drawn = HELD_OUT if epoch is None else np.array([epoch])
    rows = store.rows(np.array([index]), drawn, progress)
    doc_ids, starts, total = _origin(path, number)
    seen = pieces[rows.input_ids]
    masked = pieces[rows.mlm_labels]
    for place, piece in zip(rows.mlm_positions.tolist(), masked.tolist(), strict=True):
        seen[place] = f"{seen[place]}<{piece}>"
    label = int(rows.next_sentence_label[0])
    kind = settings["pairs"]["kind"]
    tokens_in = len(seen) - len(doc_ids) - 1
    lines = [
        f"{path}: instance {number} of {total:,}, phase {settings['phase']}, split {settings['split']}",
        f"label {label}: {_LABELS.get((kind, label), 'there is no such task')}",
        f"{len(masked)} of {tokens_in} tokens are to be predicted, shown as seen<original>",
    ]
    known = _documents(tokens, set(doc_ids))
    ends = [known[doc_id]["sentence_ends"][-1] if doc_id in known else None for doc_id in doc_ids]
    bounds = _bounds(rows, pieces, starts, ends)
    for segment, (doc_id, start) in enumerate(zip(doc_ids, starts, strict=True)):
        first, last = bounds[segment], bounds[segment + 1]
        length = last - first - (2 if segment == 0 else 1)
        lines += ["", f"segment {segment + 1}"]
        lines += _source(_Origin(doc_id, start, known.get(doc_id)), length)
        lines += textwrap.wrap(
            " ".join(seen[first:last]),
            WIDTH,
            initial_indent="  ",
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def _vocabulary(path: Path, settings: dict[str, Any], tokenizer: Path) -> Path:
    vocabulary = tokenizer / "vocab.txt"
    if not vocabulary.is_file():
        raise InputError(f"{vocabulary} does not exist; name the tokenizer's folder (--tokenizer)")
    if of_file(vocabulary) != settings["vocabulary_sha256"]:
        raise InputError(
            f"{path}: made with another vocabulary than {vocabulary}; name its own (--tokenizer)"
        )
    return vocabulary


def _store(
    path: Path, number: int, settings: dict[str, Any], vocabulary: Path, epoch: int | None
) -> tuple[InstanceStore, int]:
    """Return a store and the number that an instance of a file has in it.

    Dynamic masks depend on the number among all instances of the split, so the shards before it are opened.
    """
    paths = [path]
    if settings["masking"]["when"] == "dynamic":
        if epoch is None and settings["split"] == "train":
            raise InputError(f"{path}: masks are drawn anew in each epoch; name one (--epoch)")
        paths = [*_earlier(path, settings["split"]), path]
    store = InstanceStore(paths, vocabulary)
    before = len(InstanceStore(paths[:-1]))
    if not 0 <= number < len(store) - before:
        raise InputError(
            f"{path}: has {len(store) - before} instances, numbered from 0; there is no {number}"
        )
    return store, before + number


def _earlier(path: Path, split: str) -> list[Path]:
    """Return the shards that come before one in its phase's manifest."""
    folder = path.parent.parent
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        raise InputError(
            f"{manifest} does not exist, which gives instances with dynamic masks their numbers"
        )
    content = json.loads(manifest.read_text(encoding="utf-8"))
    paths = [folder / shard["path"] for shard in content["splits"][split]["shards"]]
    places = [other.resolve() for other in paths]
    if path.resolve() not in places:
        raise InputError(f"{path}: not among the shards of {manifest}")
    return paths[: places.index(path.resolve())]


def _origin(path: Path, number: int) -> tuple[list[str], list[int], int]:
    """Return the documents of an instance's segments, their first tokens there, and all rows' number."""
    with pa.memory_map(str(path)) as file:
        reader = pa.ipc.open_file(file)
        total = 0
        for place in range(reader.num_record_batches):
            batch = reader.get_batch(place)
            if 0 <= number - total < len(batch):
                row = batch.slice(number - total, 1).select(["doc_ids", "segment_starts"])
                (found,) = row.to_pylist()
            total += len(batch)
    return found["doc_ids"], found["segment_starts"], total


def _documents(paths: Sequence[str | Path], wanted: set[str]) -> dict[str, dict[str, Any]]:
    """Return the rows of documents in tokens files, without their ids and units."""
    names = ["doc_id", "source", "kind", "group", "sentence_ends"]
    found = {}
    for path in paths:
        for batch in _batches(path):
            rows = batch.select(names).filter(pc.is_in(batch["doc_id"], pa.array(sorted(wanted))))
            found |= {row["doc_id"]: row for row in rows.to_pylist()}
    return found


def _batches(path: str | Path) -> Iterator[pa.RecordBatch]:
    try:
        with pa.memory_map(str(path)) as file:
            reader = pa.ipc.open_file(file)
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: not a readable tokens file ({error})") from error


def _bounds(
    rows: Rows, pieces: np.ndarray, starts: Sequence[int], ends: Sequence[int | None]
) -> list[int]:
    """Return where segments begin and end, the first with its [CLS] and each with its [SEP].

    ``starts`` are the segments' first tokens in their documents and ``ends`` the documents' lengths, where
    known: of several documents all but the last are in the instance to their end.
    """
    length = len(rows.input_ids)
    if rows.token_type_ids.any():
        return [0, int(np.argmax(rows.token_type_ids)), length]
    separators = np.flatnonzero(pieces[rows.input_ids] == "[SEP]").tolist()
    bounds = [0]
    for start, end in list(zip(starts, ends, strict=True))[:-1]:
        opens = max(1, bounds[-1])
        # A text may spell out [SEP], so the next one need not be the segment's.
        closes = (
            next(place for place in separators if place >= opens)
            if end is None
            else opens + end - start
        )
        bounds.append(closes + 1)
    return [*bounds, length]


def _source(origin: _Origin, length: int) -> list[str]:
    last = origin.start + length
    if origin.row is None:
        return [f"  document {origin.doc_id}, tokens {origin.start + 1} to {last}"]
    row = origin.row
    ends = np.array(row["sentence_ends"])
    first_sentence = int(np.searchsorted(ends, origin.start, side="right")) + 1
    last_sentence = int(np.searchsorted(ends, last - 1, side="right")) + 1
    return [
        f"  document {origin.doc_id}: source {row['source']}, kind {row['kind']}, "
        f"group {row['group'] or '(none)'}",
        f"  tokens {origin.start + 1:,} to {last:,} of {ends[-1]:,}, "
        f"sentences {first_sentence:,} to {last_sentence:,} of {len(ends):,}",
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the instance that the command line names, or say what is wrong and exit with 1."""
    parser = argparse.ArgumentParser(
        prog="python -m malmoi.instances.show", description="Show one training instance."
    )
    parser.add_argument("file", type=Path, help="an instance file (.arrow)")
    parser.add_argument("number", type=int, help="which row of it, from 0")
    parser.add_argument(
        "--tokenizer", type=Path, help="default: results/tokenizer of the file's run"
    )
    parser.add_argument(
        "--tokens", type=Path, nargs="*", help="tokens files; default: those of the file's run"
    )
    parser.add_argument("--epoch", type=int, help="whose masks to show, where they are dynamic")
    parser.add_argument(
        "--progress", type=float, default=0.0, help="share of the training, where the rate changes"
    )
    given = parser.parse_args(arguments)
    # results/instances/{phase}/{split}/{shard}.arrow
    results = given.file.resolve().parents[min(3, len(given.file.resolve().parents) - 1)]
    tokenizer = given.tokenizer or results / "tokenizer"
    tokens = given.tokens
    if tokens is None:
        own = results / "tokens" / given.file.name
        tokens = [own] if own.is_file() else sorted((results / "tokens").glob("*.arrow"))
    try:
        text = describe(given.file, given.number, tokenizer, tokens, given.epoch, given.progress)
    except InputError as error:
        sys.exit(f"malmoi: {error}")
    print(text)


if __name__ == "__main__":
    main()
