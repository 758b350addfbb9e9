"""The tokenized store: each document's ids once, with what pairs and masks need beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from malmoi import ledger
from malmoi.atomic import replacing
from malmoi.errors import InputError
from malmoi.progress import track
from malmoi.vocab.wordpiece import WordpieceReader

#: Bits of ``unit_starts``: the token opens a word of the basic tokenizer, or a morpheme; it begins in a
#: function morpheme (josa, eomi, copula, verb-maker) or in punctuation.
WORD_START, MORPHEME_START, FUNCTIONAL = 1, 2, 4

#: Characters that are tokenized together: a megabyte of Korean, so that the arrays stay small.
CHARACTERS = 500_000

#: Documents that are read together.
DOCUMENTS = 32

_CARRIED = ("doc_id", "source", "domain", "kind", "group", "split")
_OFFSETS = ("sentence_ends", "morpheme_starts", "morpheme_ends", "morpheme_tags")


def schema(vocabulary_size: int) -> pa.Schema:
    """Return the columns of a tokens file; ids are uint16 where they fit.

    ``characters`` is the length of the text in code points; ``sentence_ends`` counts tokens, and the last
    one is the document's length; ``unit_starts`` has one byte per token, see ``WORD_START``,
    ``MORPHEME_START`` and ``FUNCTIONAL``.
    """
    ids = pa.uint16() if vocabulary_size <= 1 << 16 else pa.uint32()
    return pa.schema(
        [
            *(pa.field(name, pa.string(), nullable=False) for name in _CARRIED),
            pa.field("characters", pa.int64(), nullable=False),
            pa.field("input_ids", pa.list_(ids), nullable=False),
            pa.field("sentence_ends", pa.list_(pa.int32()), nullable=False),
            pa.field("unit_starts", pa.list_(pa.uint8()), nullable=False),
        ]
    )


def tokenize_documents(
    input_path: str | Path,
    tokenizer_folder: str | Path,
    output_path: str | Path,
    ledger_path: str | Path,
) -> None:
    """Tokenize segmented documents whole, without special tokens, and write the store.

    A document without any token (nothing but control characters, say) is dropped as ``no_tokens``. Memory does
    not grow with the file, only with its largest document.

    Raises:
        InputError: the segments file does not name its tags, or the tokenizer is no cased BERT's.
    """
    reader = WordpieceReader(tokenizer_folder)
    columns = schema(reader.size)
    functional = _functional_tags(input_path)
    total = pq.read_metadata(input_path).num_rows
    with (
        replacing(output_path) as temporary,
        pa.OSFile(str(temporary), "wb") as file,
        pa.ipc.new_file(file, columns) as writer,
        ledger.writing(ledger_path) as add_row,
    ):

        def done() -> Iterator[None]:
            for given in _parts(input_path):
                tokens = _tokens(given, reader, functional, columns)
                counts = pc.list_value_length(tokens["input_ids"]).to_numpy()
                names = zip(
                    *(given[name].to_pylist() for name in ("doc_id", "source")), strict=True
                )
                lengths = tokens["characters"].to_pylist()
                for name, length, count in zip(names, lengths, counts.tolist(), strict=True):
                    add_row(_ledger_row(*name, length, count))
                    yield
                kept = tokens if counts.all() else tokens.filter(pa.array(counts > 0))
                if len(kept):
                    writer.write_batch(kept)

        for _ in track(done(), "tokenize", total):
            pass


def read_tokens(path: str | Path) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a tokens file, memory-mapped."""
    with pa.memory_map(str(path)) as file:
        reader = pa.ipc.open_file(file)
        for number in range(reader.num_record_batches):
            yield reader.get_batch(number)


def _functional_tags(path: str | Path) -> np.ndarray:
    """Return which tag numbers of a segments file are function morphemes or punctuation (bool [tags])."""
    metadata = pq.read_schema(path).metadata or {}
    if b"malmoi.tags" not in metadata:
        raise InputError(f"{path}: names no morpheme tags (malmoi.tags); segment again")
    tags = json.loads(metadata[b"malmoi.tags"])
    others = {"VCP", "XSV", "XSA", "SF", "SP", "SS", "SSO", "SSC", "SE", "SO"}
    return np.array([tag[:1] in ("J", "E") or tag in others for tag in tags])


def _parts(path: str | Path) -> Iterator[pa.RecordBatch]:
    """Yield the documents of a segments file, in order, about ``CHARACTERS`` of text at a time."""
    # Pages are decoded a few documents at a time: a row group of long ones is large.
    file = pq.ParquetFile(path, pre_buffer=False)
    for number in range(file.num_row_groups):
        batches = file.iter_batches(
            DOCUMENTS, [number], [*_CARRIED, "text", *_OFFSETS], use_threads=False
        )
        for batch in batches:
            before = np.cumsum(pc.utf8_length(batch["text"]).to_numpy()) // CHARACTERS
            cuts = np.flatnonzero(np.diff(before, prepend=-1)).tolist()
            for start, end in zip(cuts, [*cuts[1:], len(batch)], strict=True):
                yield batch.slice(start, end - start)


def _tokens(
    given: pa.RecordBatch, reader: WordpieceReader, functional: np.ndarray, columns: pa.Schema
) -> pa.RecordBatch:
    """Return the rows of a tokens file for documents, those without tokens among them."""
    lengths = pc.utf8_length(given["text"]).to_numpy().astype(np.int64)
    # The line break between two documents ends the last word of the first.
    begins = np.cumsum(lengths + 1) - lengths - 1
    pieces = reader.read("\n".join(given["text"].to_pylist()))
    offsets = np.append(np.searchsorted(pieces.places, begins), len(pieces.ids))

    morphemes = _absolute(given["morpheme_starts"], begins)
    morpheme_ends = _absolute(given["morpheme_ends"], begins)
    tags = functional[given["morpheme_tags"].flatten().to_numpy()]
    opened = np.zeros(int((lengths + 1).sum()) + 1, dtype=bool)
    opened[morphemes] = True
    inside = _between(morphemes, morpheme_ends, len(opened))[pieces.places]
    attached = _between(morphemes[tags], morpheme_ends[tags], len(opened))[pieces.places]
    # Which morpheme began last: the same as at the token before where one holds several words.
    number = np.cumsum(opened, dtype=np.int32)[pieces.places]
    inside[:1] = False
    inside[1:] &= number[1:] == number[:-1]
    # A morpheme that begins in the middle of a token opens no unit: the vocabulary runs across it. A word
    # that goes on with a morpheme, as in 1,000 or 2016. 12. 27., opens no unit of morphemes either.
    units = (
        pieces.word_starts * np.uint8(WORD_START)
        | (opened[pieces.places] | (pieces.word_starts & ~inside)) * np.uint8(MORPHEME_START)
        | attached * np.uint8(FUNCTIONAL)
    )

    ends = np.searchsorted(pieces.places, _absolute(given["sentence_ends"], begins))
    ends = np.unique(np.concatenate([ends, offsets[1:]]))
    ends = ends[ends > 0]
    counts = np.searchsorted(ends, offsets, side="right")
    relative = ends - np.repeat(offsets[:-1], np.diff(counts))
    id_type = columns.field("input_ids").type.value_type
    return pa.record_batch(
        [
            *(given[name] for name in _CARRIED),
            pa.array(lengths),
            _lists(pieces.ids.astype(id_type.to_pandas_dtype()), offsets),
            _lists(relative.astype(np.int32), counts),
            _lists(units, offsets),
        ],
        schema=columns,
    )


def _between(starts: np.ndarray, ends: np.ndarray, length: int) -> np.ndarray:
    """Return which of ``length`` characters lie in a span (bool); spans do not overlap."""
    level = np.zeros(length, dtype=np.int8)
    level[starts] += 1
    level[ends] -= 1
    return np.cumsum(level, dtype=np.int8) > 0


def _absolute(column: pa.ListArray, begins: np.ndarray) -> np.ndarray:
    """Return offsets within each document as offsets in all of them laid end to end (int64)."""
    counts = pc.list_value_length(column).to_numpy()
    return column.flatten().to_numpy() + np.repeat(begins, counts)


def _lists(values: np.ndarray, offsets: np.ndarray) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(values))


def _ledger_row(doc_id: str, source: str, length: int, tokens: int) -> dict[str, str | int]:
    return ledger.row(
        "tokenize",
        source,
        doc_id=doc_id,
        status="kept" if tokens else "filtered",
        reason="" if tokens else "no_tokens",
        chars_in=length,
        chars_out=length if tokens else 0,
        tokens_in=0,
        tokens_out=tokens,
    )
