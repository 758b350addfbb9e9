"""Some documents on their way through the stage: as they were given, as they are now, and their offsets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from malmoi.errors import InputError
from malmoi.morphology.analyzer import Analysis, joined
from malmoi.morphology.changes import Changes, moved_sections
from malmoi.morphology.segmented import moved_analysis, parted
from malmoi.morphology.surface import white_space

#: Characters from which documents go to Kiwi: few, so that it need not wait while a batch is finished.
BATCH_CHARACTERS = 4_096


class Group:
    """Documents that make one row group of the segments file.

    ``given`` are their texts as they came and ``texts`` as they are now; ``changes`` are (place of the
    document, name of the step, what it changed).

    Raises:
        InputError: a text holds a NUL character.
    """

    def __init__(self, table: pa.Table) -> None:
        self.rows = table
        self.ids: list[str] = table["doc_id"].to_pylist()
        self.given: list[str] = table["text"].to_pylist()
        self.texts = list(self.given)
        self.metas: list[str] | None = None
        self.changes: list[tuple[int, str, Changes]] = []
        self._parts: list[Analysis] = []
        self._analysed = 0
        for place, text in enumerate(self.given):
            if (offset := text.find("\0")) >= 0:
                raise InputError(
                    f"document {self.ids[place]} ({table['raw_path'][place]}): NUL character (U+0000) at"
                    f" offset {offset} of the text; the normalize stage removes it, so give its output"
                )

    @property
    def complete(self) -> bool:
        """Whether all documents are analysed."""
        return self._analysed == len(self.texts)

    def change(self, place: int, step: str, text: str, changes: Changes) -> None:
        """Put ``text`` in the place of a document's, its sections following."""
        if self.metas is None:
            self.metas = self.rows["meta"].to_pylist()
        self.metas[place] = moved_sections(self.metas[place], changes, self.texts[place], text)
        self.texts[place] = text
        self.changes.append((place, step, changes))

    def batches(self) -> Iterator[list[str]]:
        """Yield the texts in order, as many together as Kiwi is to be given."""
        batch: list[str] = []
        size = 0
        for text in self.texts:
            batch.append(text)
            size += len(text)
            if size >= BATCH_CHARACTERS:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def add(self, analysis: Analysis) -> None:
        """Take the analysis of the next batch."""
        last = self._analysed + len(analysis.counts)
        part = slice(self._analysed, last)
        check_offsets(self.texts[part], self.ids[part], analysis)
        self._analysed = last
        self._parts.append(analysis)

    def part(self) -> None:
        """Part the morphemes of each document's text by a space and a mark, the offsets following."""
        parts = []
        for place, analysis in enumerate(joined(self._parts).split()):
            given = self.texts[place]
            text, changes = parted(given, analysis)
            if text != given:
                analysis = moved_analysis(analysis, changes, given, text)
                self.change(place, "segmented", text, changes)
            parts.append(analysis)
        self._parts = [joined(parts)]
        check_offsets(self.texts, self.ids, self._parts[0])

    def table(self, schema: pa.Schema) -> pa.Table:
        """Return the group as rows of the segments file."""
        analysis = joined(self._parts)
        lists = {
            "sentence_starts": _lists(analysis.sentence_starts, analysis.sentence_counts),
            "sentence_ends": _lists(analysis.sentence_ends, analysis.sentence_counts),
            "morpheme_starts": _lists(analysis.starts, analysis.counts),
            "morpheme_ends": _lists(analysis.ends, analysis.counts),
            "morpheme_tags": _lists(analysis.tags, analysis.counts),
        }
        changed = {} if self.metas is None else {"text": self.texts, "meta": self.metas}
        columns = [
            lists[name]
            if name in lists
            else pa.array(changed[name], pa.string())
            if name in changed
            else self.rows[name]
            for name in schema.names
        ]
        return pa.Table.from_arrays(columns, schema=schema)


def _lists(values: np.ndarray, counts: np.ndarray) -> pa.ListArray:
    limits = np.append(0, np.cumsum(counts)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(limits), pa.array(np.ascontiguousarray(values)))


def check_offsets(texts: Sequence[str], doc_ids: Sequence[str], analysis: Analysis) -> None:
    """Check that the morphemes cover all of each text but its white space, in order.

    Raises:
        RuntimeError: a piece overlaps the one before it, holds white space or leaves its text, or
            characters lie outside every piece.
    """
    starts, ends, counts = analysis.starts, analysis.ends, analysis.counts
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    bases = np.cumsum(sizes) - sizes
    shifts = np.repeat(bases, counts)
    begins, stops = starts + shifts, ends + shifts
    content = ~white_space("".join(texts))
    before = np.append(0, stops)[:-1]
    wrong = (begins < np.maximum(before, shifts)) | (stops <= begins)
    wrong |= stops > shifts + np.repeat(sizes, counts)
    if wrong.any():
        piece = int(np.flatnonzero(wrong)[0])
        number = int(np.searchsorted(np.cumsum(counts), piece, side="right"))
        place = int(starts[piece])
    else:
        covered = np.zeros(len(content) + 1, dtype=np.int8)
        covered[begins] += 1
        covered[stops] -= 1
        outside = np.flatnonzero(np.cumsum(covered[:-1], dtype=np.int8).view(bool) != content)
        if not len(outside):
            return
        number = int(np.searchsorted(bases + sizes, outside[0], side="right"))
        place = int(outside[0] - bases[number])
    raise RuntimeError(f"document {doc_ids[number]}: morphemes do not rebuild the text at {place}")
