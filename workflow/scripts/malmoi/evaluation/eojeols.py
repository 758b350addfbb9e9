"""Which eojeols of held-out documents every model is asked for: drawn in characters, before any tokenizer.

Two vocabularies are asked the same questions only where these are put to the text, not to its pieces. An eojeol
is what stands between white space. Text of ``segment.input: segmented`` has a space and a mark at morpheme
boundaries inside eojeols, which part none here, so that both forms of a text get one plan.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from malmoi.errors import InputError
from malmoi.sampling import Permutation, key

#: The mark of a morpheme boundary inside an eojeol, in text that was segmented.
MARK = "\u2581"

_EOJEOL = re.compile(rf"\S+(?: {MARK}\S*)*")
_JOINT = re.compile(f" ?{MARK}")

#: Characters of an eojeol that is asked for, at most: longer ones are addresses of the web and rows of tables.
LONGEST = 24

#: Morphemes that a domain term is at most made of.
_TERM_MORPHEMES = 8

#: Kiwi's tags of each class of characters; particles and endings go by the first letter of theirs.
_CONTENT = {
    *("NNG", "NNP", "NNB", "NR", "NP", "VV", "VA", "MM", "MAG", "MAJ"),
    *("IC", "XR", "UN", "SL", "SH"),
}
_COLUMNS = ("doc_id", "source", "domain", "title", "group", "text")
_OFFSETS = ("morpheme_starts", "morpheme_ends", "morpheme_tags")


@dataclass(frozen=True)
class Document:
    """A held-out document: where its eojeols stand (int64 [W, 2]), and Kiwi's morphemes (tags by name)."""

    doc_id: str
    source: str
    domain: str
    title: str
    group: str
    text: str
    eojeols: np.ndarray
    morpheme_starts: np.ndarray
    morpheme_ends: np.ndarray
    morpheme_tags: list[str]

    def stretch(self, first: int, end: int) -> str:
        """Return the text from one eojeol to before another."""
        if first >= end:
            return ""
        return self.text[self.eojeols[first, 0] : self.eojeols[end - 1, 1]]


@dataclass(frozen=True)
class Blank:
    """An eojeol to ask for, between what is known before and behind it.

    ``counted`` bool [len(word)]: the characters that count, all but white space and marks. ``classes`` holds,
    by name, which characters (bool [len(word)]) are of a class.
    """

    document: Document
    number: int
    left: str
    word: str
    right: str
    counted: np.ndarray
    classes: Mapping[str, np.ndarray] = field(repr=False)


def read_documents(
    inputs: Sequence[str | Path], number: int, seed: int, split: str = "test"
) -> list[Document]:
    """Return at most ``number`` documents of a split of segments files, drawn by ``seed``, sorted by id.

    Raises:
        InputError: the split has no document.
    """
    found: list[tuple[int, str]] = []
    for path in inputs:
        table = pq.read_table(path, columns=["doc_id"], filters=[("split", "=", split)])
        found += [
            (key(seed, "intrinsic", name), name) for name in map(str, table["doc_id"].to_pylist())
        ]
    if not found:
        raise InputError(
            f"{', '.join(map(str, inputs))}: no document of the {split} split to evaluate on; give it more "
            f"documents (curate.split.{split} in the config)"
        )
    chosen = [name for _, name in sorted(found)[:number]]
    documents: list[Document] = []
    for path in inputs:
        names = pq.read_schema(path).metadata or {}
        if b"malmoi.tags" not in names:
            raise InputError(f"{path}: the file does not name its tags; run segment again")
        tags = json.loads(names[b"malmoi.tags"])
        table = pq.read_table(
            path, columns=[*_COLUMNS, *_OFFSETS], filters=[("doc_id", "in", chosen)]
        )
        documents += [_document(row, tags) for row in table.to_pylist()]
    return sorted(documents, key=lambda document: document.doc_id)


def _document(row: Mapping[str, Any], tags: Sequence[str]) -> Document:
    spans = [match.span() for match in _EOJEOL.finditer(row["text"])]
    return Document(
        **{name: row[name] for name in _COLUMNS},
        eojeols=np.array(spans, dtype=np.int64).reshape(-1, 2),
        morpheme_starts=np.array(row["morpheme_starts"], dtype=np.int64),
        morpheme_ends=np.array(row["morpheme_ends"], dtype=np.int64),
        morpheme_tags=[tags[number] for number in row["morpheme_tags"]],
    )


def plan(
    documents: Sequence[Document],
    eojeols: int,
    context: int,
    seed: int,
    terms: Collection[str] = (),
) -> list[Blank]:
    """Return about ``eojeols`` eojeols to ask for, as many of each document as it has, in text order.

    An eojeol has a letter or a digit and at most ``LONGEST`` characters. ``context`` eojeols on each side are
    known. ``terms`` are the domain terms; one counts where it begins and ends with a morpheme of the eojeol.

    Raises:
        InputError: no document has such an eojeol.
    """
    share = -(-eojeols // max(1, len(documents)))
    forms = frozenset(terms)
    blanks: list[Blank] = []
    for document in documents:
        words = [document.text[start:end] for start, end in document.eojeols]
        places = [at for at, word in enumerate(words) if _asked_for(word)]
        if not places:
            continue
        order = Permutation(len(places), key(seed, "intrinsic", "eojeols", document.doc_id))
        taken = order(np.arange(min(share, len(places))))
        blanks += [
            _blank(document, words, places[at], context, forms) for at in sorted(taken.tolist())
        ]
    if not blanks:
        raise InputError(
            f"none of {len(documents)} documents has an eojeol of letters to ask for; give the test split more "
            "documents (curate.split.test in the config)"
        )
    return blanks


def plan_digest(blanks: Sequence[Blank]) -> str:
    """Return the sha256 of which eojeols are asked for, equal for all tokenizers of one corpus."""
    digest = hashlib.sha256()
    for blank in blanks:
        word = _JOINT.sub("", blank.word)
        digest.update(f"{blank.document.doc_id}\t{blank.number}\t{word}\n".encode())
    return digest.hexdigest()


def _asked_for(word: str) -> bool:
    return len(_JOINT.sub("", word)) <= LONGEST and any(map(str.isalnum, word))


def _blank(
    document: Document, words: Sequence[str], at: int, context: int, terms: frozenset[str]
) -> Blank:
    first, end = max(0, at - context), min(len(words), at + 1 + context)
    start, stop = document.eojeols[at].tolist()
    word = words[at]
    tags = np.full(len(word), "", dtype="U12")
    low = int(np.searchsorted(document.morpheme_ends, start, side="right"))
    high = int(np.searchsorted(document.morpheme_starts, stop, side="left"))
    cuts = [
        (int(document.morpheme_starts[m]) - start, int(document.morpheme_ends[m]) - start)
        for m in range(low, high)
    ]
    for (begins, ends), tag in zip(cuts, document.morpheme_tags[low:high], strict=True):
        tags[max(0, begins) : max(0, ends)] = tag
    repeated = word in words[first:at] or word in words[at + 1 : end]
    whole = np.ones(len(word), dtype=bool)
    return Blank(
        document=document,
        number=at,
        left=document.stretch(first, at),
        word=word,
        right=document.stretch(at + 1, end),
        counted=np.array([not char.isspace() and char != MARK for char in word]),
        classes={
            "content": np.isin(tags, list(_CONTENT)),
            "josa": np.char.startswith(tags, "J"),
            "eomi": np.char.startswith(tags, "E"),
            "numbers": tags == "SN",
            "terms": _terms(word, cuts, terms),
            "repeated": whole & repeated,
            "not_repeated": whole & (not repeated),
        },
    )


def _terms(word: str, cuts: Sequence[tuple[int, int]], terms: frozenset[str]) -> np.ndarray:
    """Return which characters of an eojeol stand in a domain term (bool [len(word)])."""
    found = np.zeros(len(word), dtype=bool)
    if not terms:
        return found
    for first, (begins, _) in enumerate(cuts):
        for _, ends in cuts[first : first + _TERM_MORPHEMES]:
            if _JOINT.sub("", word[max(0, begins) : ends]) in terms:
                found[max(0, begins) : ends] = True
    return found
