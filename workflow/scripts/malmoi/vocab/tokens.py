"""The tokenized store: each document's ids once, with what pairs and masks need beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Encoding, Tokenizer

from malmoi import ledger
from malmoi.atomic import replacing
from malmoi.progress import track

#: Bits of ``unit_starts``: the token opens a word of the basic tokenizer, or a morpheme; it begins in a josa,
#: an eomi or punctuation.
WORD_START, MORPHEME_START, FUNCTIONAL = 1, 2, 4

BATCH = 256


def schema(vocabulary_size: int) -> pa.Schema:
    """Return the columns of a tokens file; ids are uint16 where they fit.

    ``sentence_ends`` counts tokens, and the last one is the document's length; ``unit_starts`` has one
    byte per token, see ``WORD_START`` and ``MORPHEME_START``.
    """
    ids = pa.uint16() if vocabulary_size <= 1 << 16 else pa.uint32()
    return pa.schema(
        [
            *(
                pa.field(name, pa.string(), nullable=False)
                for name in ("doc_id", "source", "domain", "group", "split")
            ),
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

    A document without any token (nothing but control characters, say) is dropped as ``no_tokens``.
    """
    tokenizer = Tokenizer.from_file(str(Path(tokenizer_folder) / "tokenizer.json"))
    tokenizer.no_truncation()
    columns = schema(tokenizer.get_vocab_size())
    continuing = np.zeros(tokenizer.get_vocab_size(), dtype=bool)
    for piece, number in tokenizer.get_vocab().items():
        continuing[number] = piece.startswith("##")
    source = pq.ParquetFile(input_path)
    rows: list[dict[str, str | int]] = []
    with (
        replacing(output_path) as temporary,
        pa.OSFile(str(temporary), "wb") as file,
        pa.ipc.new_file(file, columns) as writer,
    ):
        progress = track(source.iter_batches(BATCH), "tokenize", unit="batches")
        for documents in (batch.to_pylist() for batch in progress):
            kept = []
            texts = [document["text"] for document in documents]
            encodings = tokenizer.encode_batch(texts, add_special_tokens=False)
            for document, encoding in zip(documents, encodings, strict=True):
                record = _record(document, encoding, continuing)
                tokens = len(record["input_ids"])
                if tokens:
                    kept.append(record)
                rows.append(_ledger_row(document, tokens))
            writer.write_table(pa.Table.from_pylist(kept, schema=columns))
    ledger.write(ledger_path, rows)


def read_tokens(path: str | Path) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a tokens file, memory-mapped."""
    with pa.memory_map(str(path)) as file:
        reader = pa.ipc.open_file(file)
        for number in range(reader.num_record_batches):
            yield reader.get_batch(number)


def _record(document: dict, encoding: Encoding, continuing: np.ndarray) -> dict:
    ids = np.array(encoding.ids, dtype=np.int64)
    starts = np.array([start for start, _ in encoding.offsets], dtype=np.int64)
    word_starts = ~continuing[ids]
    # A morpheme that begins in the middle of a token opens no unit: the vocabulary runs across it.
    morphemes = np.array(document["morpheme_starts"], dtype=np.int64)
    units = word_starts * WORD_START + (word_starts | np.isin(starts, morphemes)) * MORPHEME_START
    ends = np.searchsorted(starts, np.array(document["sentence_ends"], dtype=np.int64))
    ends = np.unique(np.append(ends, len(ids)))
    return {
        **{name: document[name] for name in ("doc_id", "source", "domain", "group", "split")},
        "characters": len(document["text"]),
        "input_ids": ids,
        "sentence_ends": ends[ends > 0],
        "unit_starts": units.astype(np.uint8),
    }


def _ledger_row(document: dict, tokens: int) -> dict[str, str | int]:
    length = len(document["text"])
    return ledger.row(
        "tokenize",
        document["source"],
        doc_id=document["doc_id"],
        status="kept" if tokens else "filtered",
        reason="" if tokens else "no_tokens",
        chars_in=length,
        chars_out=length if tokens else 0,
        tokens_in=0,
        tokens_out=tokens,
    )
