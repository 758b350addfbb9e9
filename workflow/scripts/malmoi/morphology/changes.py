"""What was changed in a text, so that it can be undone and offsets can follow."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from malmoi.fingerprint import canonical
from malmoi.morphology.surface import white_space

#: A row per document and step that changed it, in the order of the steps: ``starts`` and ``ends`` are the
#: changed places in the text as the step left it, ``given`` is what stood there before.
SCHEMA = pa.schema(
    [
        pa.field("doc_id", pa.string(), nullable=False),
        pa.field("step", pa.string(), nullable=False),
        pa.field("starts", pa.list_(pa.int32()), nullable=False),
        pa.field("ends", pa.list_(pa.int32()), nullable=False),
        pa.field("given", pa.list_(pa.string()), nullable=False),
    ]
)


@dataclass(frozen=True)
class Changes:
    """Places of a changed text, ascending and apart, and what stood there before."""

    starts: Sequence[int]
    ends: Sequence[int]
    given: Sequence[str]

    def row(self, doc_id: str, step: str) -> dict[str, object]:
        """Return the changes of one document in one step as a row of ``SCHEMA``."""
        return {
            "doc_id": doc_id,
            "step": step,
            "starts": list(self.starts),
            "ends": list(self.ends),
            "given": list(self.given),
        }


def undo(text: str, changes: Changes) -> str:
    """Return the text as it was before the changes."""
    parts = []
    position = 0
    for start, end, given in zip(changes.starts, changes.ends, changes.given, strict=True):
        parts += [text[position:start], given]
        position = end
    return "".join(parts) + text[position:]


def moved(
    offsets: Sequence[int] | np.ndarray, changes: Changes, given: str, changed: str, starts: bool
) -> np.ndarray:
    """Return where offsets into the ``given`` text lie in the ``changed`` one, int64 of the same length.

    What is inserted at an offset comes after it where it is an end. Where it is a start (``starts``), new
    white space comes before it and all else after it.
    """
    old = np.asarray(offsets, dtype=np.int64)
    places = np.asarray(changes.starts, dtype=np.int64)
    sizes = np.asarray(changes.ends, dtype=np.int64) - places
    lengths = np.fromiter(map(len, changes.given), np.int64, len(places))
    sums = np.append(0, np.cumsum(sizes - lengths))
    origins = places - sums[:-1]
    number = np.searchsorted(origins, old)
    new = old + sums[number]
    if len(places):
        # An offset inside a changed place goes to the end of what is there now, at the latest.
        last = np.maximum(number - 1, 0)
        inside = (number > 0) & (old < origins[last] + lengths[last])
        new = np.where(inside, np.minimum(old - origins[last], sizes[last]) + places[last], new)
    if not starts:
        return new
    content = np.append(np.flatnonzero(~white_space(changed)), len(changed))
    begins = ~np.append(white_space(given), True)[old]
    return np.where(begins, content[np.searchsorted(content, new)], new)


def moved_sections(meta: str, changes: Changes, given: str, changed: str) -> str:
    """Return a document's ``meta`` with the offsets of its sections, if it has any, into the changed text."""
    if '"sections"' not in meta:
        return meta
    values = json.loads(meta)
    sections = values.get("sections")
    if not sections:
        return meta
    names, starts, ends = zip(*sections, strict=True)
    starts = moved(starts, changes, given, changed, starts=True)
    ends = np.maximum(moved(ends, changes, given, changed, starts=False), starts)
    values["sections"] = [
        list(section) for section in zip(names, starts.tolist(), ends.tolist(), strict=True)
    ]
    return canonical(values)
