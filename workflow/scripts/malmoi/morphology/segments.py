"""The segments file: a document's text with its sentences and morphemes as offsets beside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from kiwipiepy import Kiwi

from malmoi import documents, ledger
from malmoi.atomic import replacing, writing_rows
from malmoi.errors import InputError
from malmoi.fingerprint import canonical, of_code
from malmoi.morphology import analyzer, changes, kiwi, spacing
from malmoi.morphology.cache import Cache, key, opened
from malmoi.morphology.dictionary import built_in, read_dictionaries
from malmoi.morphology.group import Group
from malmoi.morphology.stream import Counts, analysed
from malmoi.morphology.tags import TAGS
from malmoi.progress import LOG, track

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

#: Documents in a row group, at most.
_GROUP = 256


def segment_documents(
    input_path: str | Path,
    settings: Mapping[str, Any],
    dictionaries: Sequence[str],
    cache_path: str | Path,
    workers: int,
    output_path: str | Path,
    changes_path: str | Path,
    ledger_path: str | Path,
) -> Counts:
    """Analyse curated documents with Kiwi and write their segments, in the same order.

    ``settings``: ``terms`` (names of malmoi's own term lists), ``patterns`` (whether its patterns count),
    ``spacing`` (``none`` or ``repair``) and ``input`` (``raw`` or ``segmented``). ``dictionaries`` are paths
    of the user's own lists. Offsets count code points of ``text``, which is stored as it was given unless
    ``spacing`` or ``input`` change it; what they change goes to ``changes_path``, in the form of
    ``malmoi.morphology.changes``. The tag names and what decides Kiwi's results are in the Parquet file's own
    metadata. Blocks are taken from ``cache_path`` where that file knows them; it is replaced by what this
    run has used. No other file depends on ``workers`` or on what the cache held. Returns how many blocks
    were analysed.

    Raises:
        InputError: a dictionary or a setting cannot be used, or a text holds a NUL character.
        RuntimeError: offsets do not rebuild a text, which would be a defect of the analyzer.
    """
    _check_settings(settings)
    dictionary = built_in(settings["terms"], settings["patterns"]).joined(
        read_dictionaries(dictionaries)
    )
    identity = analyzer.analyzer_identity(dictionary)
    metadata = {"malmoi.tags": canonical(TAGS), "malmoi.analyzer": canonical(identity)}
    schema = SCHEMA.with_metadata(metadata)
    loaded = analyzer.load_analyzer(workers, dictionary)
    counts = Counts()
    with ExitStack() as stack:
        cache = stack.enter_context(
            opened(cache_path, {"analyzer": identity, "code": of_code(kiwi.__file__)})
        )
        temporary = stack.enter_context(replacing(output_path))
        writer = stack.enter_context(pq.ParquetWriter(temporary, schema, compression="zstd"))
        add_change = stack.enter_context(writing_rows(changes_path, changes.SCHEMA, _GROUP))
        add_row = stack.enter_context(ledger.writing(ledger_path))
        thread = stack.enter_context(ThreadPoolExecutor(1))
        repair = _Repair(loaded, cache) if settings["spacing"] == "repair" else None
        written: Future[None] | None = None

        def finished() -> Iterator[str]:
            nonlocal written
            for group in _analysed(input_path, loaded, cache, counts, repair):
                if settings["input"] == "segmented":
                    group.part()
                for row in _ledger_rows(group):
                    add_row(row)
                for place, step, made in group.changes:
                    add_change(made.row(group.ids[place], step))
                if written is not None:
                    written.result()
                # Compression holds no lock of Python's, so the analyzer goes on beside it.
                written = thread.submit(writer.write_table, group.table(schema))
                yield from group.ids

        total = pq.read_metadata(input_path).num_rows
        for _ in track(finished(), "segment", total):
            pass
        if written is not None:
            written.result()
    LOG.info(
        "segment: %d documents, %d blocks, %d analysed, %d from the cache, the rest repeat another",
        total,
        counts.blocks,
        counts.analysed,
        counts.cached,
    )
    return counts


def _check_settings(settings: Mapping[str, Any]) -> None:
    for name, values in (("spacing", ("none", "repair")), ("input", ("raw", "segmented"))):
        if settings[name] not in values:
            raise InputError(
                f"segment.{name}: {settings[name]!r}; write {' or '.join(map(repr, values))}"
            )


class _Repair:
    """The repair of spacing, by a cache that knows blocks repaired before."""

    def __init__(self, kiwi: Kiwi, cache: Cache) -> None:
        self._kiwi = kiwi
        self._cache = cache
        # A block's repaired form, too, is out of date when the code is.
        self._purpose = of_code(spacing.__file__)[:16].encode()

    def __call__(self, group: Group) -> None:
        """Repair the texts of a group."""
        for place, text in enumerate(group.texts):
            if spans := spacing.broken_blocks(text):
                repaired = self._blocks([text[start:end] for start, end in spans])
                new, made = spacing.with_blocks(text, spans, repaired)
                if new != text:
                    group.change(place, "spacing", new, made)

    def _blocks(self, blocks: list[str]) -> list[str]:
        names = {block: key(block, self._purpose) for block in blocks}
        known = dict(zip(names, self._cache.get(list(names.values())), strict=True))
        unknown = [block for block, repaired in known.items() if repaired is None]
        if unknown:
            repaired = spacing.repaired_blocks(self._kiwi, unknown)
            contents = [block.encode("utf-8") for block in repaired]
            self._cache.put([names[block] for block in unknown], contents)
            known.update(zip(unknown, contents, strict=True))
        return [known[block].decode("utf-8") for block in blocks]


def _analysed(
    input_path: str | Path, kiwi: Kiwi, cache: Cache, counts: Counts, repair: _Repair | None
) -> Iterator[Group]:
    """Yield groups of documents with their offsets, in order."""
    waiting: deque[Group] = deque()

    def batches() -> Iterator[list[str]]:
        for table in documents.batches(input_path):
            for start in range(0, len(table), _GROUP):
                group = Group(table.slice(start, _GROUP))
                if repair is not None:
                    repair(group)
                waiting.append(group)
                yield from group.batches()

    for analysis in analysed(kiwi, batches(), cache, counts):
        waiting[0].add(analysis)
        if waiting[0].complete:
            yield waiting.popleft()


def _ledger_rows(group: Group) -> Iterator[dict[str, str | int]]:
    names = zip(group.rows["source"].to_pylist(), group.rows["raw_path"].to_pylist(), strict=True)
    for place, (source, raw_path) in enumerate(names):
        yield ledger.row(
            "segment",
            source,
            doc_id=group.ids[place],
            raw_path=raw_path,
            chars_in=len(group.given[place]),
            chars_out=len(group.texts[place]),
        )
