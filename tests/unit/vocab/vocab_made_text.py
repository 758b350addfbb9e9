"""Text of stems and josa with its morphemes, and the segments files the vocabulary tests learn from."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from malmoi.fingerprint import canonical
from malmoi.morphology.segments import SCHEMA
from malmoi.morphology.tags import TAGS, tag_number

JOSA = (("에게", "JKB"), ("에서", "JKB"), ("은", "JX"), ("을", "JKO"), ("의", "JKG"), ("이", "JKS"))
SYLLABLES = (
    "가거건결계고공관교구권금기나내당대도동등량론리명무문물미민반법병보부사상서선성소손수시신약원위"
)

#: One morpheme: form and tag. A word is a list of them.
Morpheme = tuple[str, str]


def made_sentences(sentences: int, seed: int) -> list[list[list[Morpheme]]]:
    """Return sentences of words; nouns end in the same syllables that other nouns begin with."""
    rng = random.Random(seed)
    nouns = ["".join(rng.choices(SYLLABLES, k=rng.randint(2, 3))) for _ in range(2000)]
    verbs = ["".join(rng.choices(SYLLABLES, k=2)) for _ in range(200)]
    result = []
    for _ in range(sentences):
        words: list[list[Morpheme]] = []
        for _ in range(rng.randint(3, 7)):
            # A few nouns take one josa nearly always: what tempts a trainer to glue them.
            number = min(int(rng.expovariate(0.003)), len(nouns) - 1)
            josa = JOSA[number % len(JOSA)] if rng.random() < 0.7 else rng.choice(JOSA)
            words.append([(nouns[number], "NNG"), josa])
        words.append([(rng.choice(verbs), "NNG"), ("하", "XSV"), ("였다", "EP"), (".", "SF")])
        result.append(words)
    return result


def lay_out(sentences: Sequence[Sequence[Sequence[Morpheme]]]) -> dict:
    """Return the text of sentences with the offsets a segments file holds."""
    text = ""
    columns: dict[str, list[int]] = {name: [] for name in SCHEMA.names[-5:]}
    for words in sentences:
        columns["sentence_starts"].append(len(text))
        for word in words:
            for form, tag in word:
                columns["morpheme_starts"].append(len(text))
                text += form
                columns["morpheme_ends"].append(len(text))
                columns["morpheme_tags"].append(tag_number(tag))
            text += " "
        text = text[:-1]
        columns["sentence_ends"].append(len(text))
        text += "\n"
    return {"text": text[:-1], **columns}


def plain(text: str) -> dict:
    """Return a text of one sentence whose morphemes are its words."""
    starts, ends, place = [], [], 0
    for word in text.split():
        place = text.index(word, place)
        starts.append(place)
        place += len(word)
        ends.append(place)
    return {
        "text": text,
        "sentence_starts": [0] if text else [],
        "sentence_ends": [len(text)] if text else [],
        "morpheme_starts": starts,
        "morpheme_ends": ends,
        "morpheme_tags": [tag_number("NNG")] * len(starts),
    }


def write_segments(path: Path, documents: Sequence[dict], split: str = "train") -> Path:
    """Write a segments file; a document may say its own ``split``."""
    rows = []
    for number, document in enumerate(documents):
        doc_id = hashlib.sha256(f"{number} {document['text']}".encode()).hexdigest()[:32]
        fixed = {"source": "made", "domain": "legal", "kind": "", "title": "", "meta": "{}"}
        rows.append({**fixed, "doc_id": doc_id, "group": doc_id, "split": split, **document})
    schema = SCHEMA.with_metadata({"malmoi.tags": canonical(TAGS)})
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return path


def write_made_segments(path: Path, documents: int = 60, seed: int = 20) -> Path:
    """Write a training corpus of made text."""
    sentences = made_sentences(documents * 12, seed)
    return write_segments(
        path, [lay_out(sentences[start::documents]) for start in range(documents)]
    )


def write_marked_words(path: Path, words: Sequence[str]) -> Path:
    """Write a training document of words with ``|`` before lexical and ``+`` before function morphemes."""
    tags = {"|": "NNG", "+": "JKO"}
    sentence: list[list[Morpheme]] = []
    for word in words:
        parts = re.split(r"([|+])", word)
        forms = [(parts[0], "NNG")]
        forms += [(form, tags[sign]) for sign, form in zip(parts[1::2], parts[2::2], strict=True)]
        sentence.append(forms)
    return write_segments(path, [lay_out([sentence])])
