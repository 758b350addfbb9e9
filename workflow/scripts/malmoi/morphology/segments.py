"""The segments file: a document's text with its sentences and morphemes as offsets beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from malmoi import ledger
from malmoi.atomic import replacing
from malmoi.fingerprint import canonical
from malmoi.morphology.analyzer import Analysis, analyze, analyzer_identity, load_analyzer
from malmoi.morphology.dictionary import read_dictionaries
from malmoi.morphology.tags import TAGS
from malmoi.progress import track

#: Columns carried over from the curated documents.
CARRIED = ("doc_id", "source", "domain", "kind", "title", "group", "split", "meta", "text")

SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in CARRIED),
        pa.field("sentence_starts", pa.list_(pa.int32()), nullable=False),
        pa.field("sentence_ends", pa.list_(pa.int32()), nullable=False),
        pa.field("morpheme_starts", pa.list_(pa.int32()), nullable=False),
        pa.field("morpheme_ends", pa.list_(pa.int32()), nullable=False),
        pa.field("morpheme_tags", pa.list_(pa.uint8()), nullable=False),
    ]
)

#: Documents analysed together: enough to keep Kiwi's threads busy and to find repeated paragraphs.
BATCH = 256


def segment_documents(
    input_path: str | Path,
    dictionaries: Sequence[str],
    workers: int,
    output_path: str | Path,
    ledger_path: str | Path,
) -> None:
    """Analyse curated documents with Kiwi and write their segments, in the same order.

    Offsets count code points of ``text``, which is stored unchanged. The tag names, the analyzer's
    version and the dictionary's size are in the Parquet file's own metadata. The result does not depend
    on ``workers``.

    Raises:
        InputError: a dictionary cannot be used.
        RuntimeError: offsets do not rebuild a text, which would be a defect of the analyzer.
    """
    words = read_dictionaries(dictionaries)
    kiwi = load_analyzer(workers, words)
    metadata = {
        "malmoi.tags": canonical(TAGS),
        "malmoi.analyzer": canonical(analyzer_identity(words)),
    }
    source = pq.ParquetFile(input_path)
    rows: list[dict[str, str | int]] = []
    with (
        replacing(output_path) as temporary,
        pq.ParquetWriter(temporary, SCHEMA.with_metadata(metadata), compression="zstd") as writer,
    ):
        documents = track(
            (document for batch in source.iter_batches(BATCH) for document in batch.to_pylist()),
            "segment",
            source.metadata.num_rows,
        )
        for group in _groups(documents):
            analyses = analyze(kiwi, [document["text"] for document in group])
            segments = []
            for document, analysis in zip(group, analyses, strict=True):
                check_offsets(document["text"], analysis, document["doc_id"])
                segments.append(_segment(document, analysis))
                length = len(document["text"])
                rows.append(
                    ledger.row(
                        "segment",
                        document["source"],
                        doc_id=document["doc_id"],
                        raw_path=document["raw_path"],
                        chars_in=length,
                        chars_out=length,
                    )
                )
            writer.write_table(pa.Table.from_pylist(segments, schema=SCHEMA))
    ledger.write(ledger_path, rows)


def check_offsets(text: str, analysis: Analysis, doc_id: str) -> None:
    """Check that the morphemes cover all of ``text`` but its white space, in order.

    Raises:
        RuntimeError: a piece overlaps the one before it, or characters lie outside every piece.
    """
    position = 0
    for start, end in analysis.morphemes.tolist():
        if start < position or end <= start or text[position:start].strip():
            raise RuntimeError(f"document {doc_id}: morphemes do not rebuild the text at {start}")
        position = end
    if text[position:].strip():
        raise RuntimeError(f"document {doc_id}: morphemes end at {position}, before the text does")


def _groups(documents: Iterable[dict]) -> Iterator[list[dict]]:
    group: list[dict] = []
    for document in documents:
        group.append(document)
        if len(group) == BATCH:
            yield group
            group = []
    if group:
        yield group


def _segment(document: dict, analysis: Analysis) -> dict:
    return {
        **{name: document[name] for name in CARRIED},
        "sentence_starts": analysis.sentences[:, 0],
        "sentence_ends": analysis.sentences[:, 1],
        "morpheme_starts": analysis.morphemes[:, 0],
        "morpheme_ends": analysis.morphemes[:, 1],
        "morpheme_tags": analysis.tags,
    }
