"""Find documents that hold items of an evaluation set: by their text, whatever its spacing, or by number."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from malmoi.curate.evaluation_sets import read_items
from malmoi.curate.shingles import SHINGLE, shingles
from malmoi.errors import InputError
from malmoi.progress import LOG

#: N-grams an item needs to be looked for: with 10 characters each, 17 letters and digits.
FEWEST = 8

#: N-grams a document must share with a longer item at least, whatever the share: 25 letters in a row.
#: Legal set phrases and the names of statutes are shorter as a rule.
ENOUGH = 16

#: Longest name of an item in the ledger, in characters.
_NAME = 120

_WEIGHTS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))


class Contamination:
    """The n-grams and numbers of evaluation sets, to ask which item of theirs a document holds.

    ``sets`` are entries of the config: ``name``, ``path`` and optionally ``fields``, as ``read_items`` takes
    them, and ``identifiers``. A document holds an item when it has ``share`` of the item's different n-grams,
    and at least ``ENOUGH`` or all of them. N-grams are ``ngram`` (8 to 16) letters and digits. Items
    of fewer than ``FEWEST`` n-grams are left out, with their number in the log. ``identifiers`` says which
    key of the items holds what stands in a document's column or ``meta`` entry, such as a case number: a
    document of the same number holds the item, too, whatever its text.

    Raises:
        InputError: a set cannot be read, has no item to look for, or ``ngram`` is out of range.
    """

    def __init__(self, sets: Sequence[Mapping[str, Any]], ngram: int, share: float) -> None:
        if not SHINGLE <= ngram <= 2 * SHINGLE:
            raise InputError(f"ngram {ngram}: choose {SHINGLE} to {2 * SHINGLE}")
        self._ngram = ngram
        self._names: list[str] = []
        self._numbers: dict[str, dict[str, str]] = {}
        grams: list[np.ndarray] = []
        for entry in sets:
            short = 0
            first = len(grams)
            numbers = self._read_numbers(entry)
            for name, text in read_items(entry["path"], entry.get("fields")):
                found = np.unique(self._ngrams(text))
                if len(found) < FEWEST:
                    short += 1
                    continue
                grams.append(found)
                self._names.append(f"{entry['name']}: {' '.join(name.split())}"[:_NAME])
            LOG.info(
                "%s: %d texts and %d numbers to look for, %d texts too short",
                entry["name"],
                len(grams) - first,
                numbers,
                short,
            )
            if len(grams) == first and not numbers:
                raise InputError(f"{entry['path']}: all {short} texts are too short to look for")
        sizes = np.array([len(found) for found in grams], dtype=np.int64)
        self._needed = np.maximum(np.ceil(share * sizes), np.minimum(sizes, ENOUGH))
        self._sizes = sizes
        hashes = np.concatenate([np.empty(0, np.uint64), *grams])
        order = np.argsort(hashes, kind="stable")
        self._owners = np.repeat(np.arange(len(grams), dtype=np.int32), sizes)[order]
        self._hashes, self._starts = np.unique(hashes[order], return_index=True)
        self._counts = np.diff(np.append(self._starts, len(hashes)))
        # Most n-grams of most documents are in no item: a table of their leading bits says so without a search.
        bits = min(max(len(hashes).bit_length() + 4, 16), 27)
        self._shift = np.uint64(64 - bits)
        self._known = np.zeros(1 << bits, dtype=bool)
        self._known[self._hashes >> self._shift] = True

    def _read_numbers(self, entry: Mapping[str, Any]) -> int:
        """Note the numbers of a set's items by the documents' column or entry; return how many there are."""
        found = 0
        for column, key in (entry.get("identifiers") or {}).items():
            known = self._numbers.setdefault(column, {})
            for _, value in read_items(entry["path"], [key]):
                if number := value.strip():
                    found += 1
                    known.setdefault(number, f"{entry['name']}: {column} {number}"[:_NAME])
        return found

    def item_of(self, document: Mapping[str, str]) -> str | None:
        """Return set and number of the item that a document is by its number, else ``item_in`` of its text."""
        if self._numbers:
            meta = json.loads(document["meta"])
            for column, known in self._numbers.items():
                value = str(meta.get(column) or document.get(column) or "").strip()
                if value in known:
                    return known[value]
        return self.item_in(document["text"])

    def item_in(self, text: str) -> str | None:
        """Return set and name of the item that a text holds most of, the first of equals, or None."""
        grams = self._ngrams(text)
        grams = np.unique(grams[self._known[grams >> self._shift]])
        places = np.searchsorted(self._hashes, grams)
        places = places[self._hashes[np.minimum(places, len(self._hashes) - 1)] == grams]
        if len(places) < FEWEST:
            return None
        counts = self._counts[places]
        steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        owners = self._owners[np.repeat(self._starts[places], counts) + steps]
        items, shared = np.unique(owners, return_counts=True)
        held = shared >= self._needed[items]
        if not held.any():
            return None
        items, shared = items[held], shared[held]
        return self._names[items[np.argmax(shared / self._sizes[items])]]

    def _ngrams(self, text: str) -> np.ndarray:
        """Return the hashes (uint64) of all n-grams, each made of the 8-grams at its two ends."""
        eights = shingles(plain(text))
        apart = self._ngram - SHINGLE
        if not apart:
            return eights
        return eights[:-apart] * _WEIGHTS[0] ^ eights[apart:] * _WEIGHTS[1]


def plain(text: str) -> str:
    """Return the letters and digits of ``text`` in NFC, without those above U+FFFF."""
    # A JSON file may hold half a surrogate pair.
    encoded = unicodedata.normalize("NFC", text).encode("utf-32-le", "replace")
    codes = np.frombuffer(encoded, dtype="<u4")
    return codes[_alphanumeric()[np.minimum(codes, 0xFFFF)]].tobytes().decode("utf-32-le")


@lru_cache(maxsize=1)
def _alphanumeric() -> np.ndarray:
    """Return which code points of the basic plane are letters or digits (bool)."""
    return np.array([chr(code).isalnum() for code in range(0x10000)])
