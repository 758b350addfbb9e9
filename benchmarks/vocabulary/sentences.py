"""How well sentences are found: on labelled legal and medical text, and on general text, beside Kiwi and kss.

A sentence counts as found if its start and its end are both right, white space aside. Kiwi and kss are given
each text whole and line by line, and the better of both counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kiwipiepy import Kiwi, Token
from malmoi import documents
from malmoi.morphology.analyzer import load_analyzer
from malmoi.morphology.blocks import blocks
from malmoi.morphology.segments import segment_documents
from malmoi.morphology.sentences import sentence_spans
from malmoi.morphology.surface import surface_pieces
from malmoi.morphology.tags import tag_number

LABELLED = Path(__file__).with_name("sentences")
BOUNDARY = "‖"
KSS = "kss==6.0.6"
#: Megabytes of real text on which speed is measured.
SPEED_MB = 2.0


class Labelled(NamedTuple):
    """A text and its sentences, as offsets into the text without its white space."""

    text: str
    sentences: list[tuple[int, int]]


Splitter = Callable[[Sequence[str]], list[list[tuple[int, int]]]]
"""Gives the sentences of each text, as offsets into the text without its white space."""


def labelled(path: Path) -> list[Labelled]:
    """Return the texts of a file in the notation that ``sentences/README.md`` gives."""
    return [
        Labelled(
            paragraph.replace(BOUNDARY, ""),
            squeezed(paragraph.replace(BOUNDARY, "\n").split("\n")),
        )
        for paragraph in path.read_text(encoding="utf-8").strip("\n").split("\n\n")
    ]


def general(folder: Path) -> list[Labelled]:
    """Return the texts of Kiwi's own test sets, which have one sentence on each line, joined as there."""
    texts = []
    for path in sorted(folder.rglob("testset/*.txt")):
        for paragraph in path.read_text(encoding="utf-8").split("\n\n"):
            if lines := [line for line in paragraph.split("\n") if line.strip()]:
                texts.append(Labelled("".join(lines), squeezed(lines)))
    return texts


def squeezed(sentences: Iterable[str]) -> list[tuple[int, int]]:
    """Return the offsets of sentences that follow each other, white space not counted."""
    spans, position = [], 0
    for sentence in sentences:
        if length := len("".join(sentence.split())):
            spans.append((position, position + length))
            position += length
    return spans


def located(text: str, sentences: Iterable[str]) -> list[tuple[int, int]]:
    """Return the offsets of sentences in a text, white space not counted; those not in it are left out."""
    whole = "".join(text.split())
    spans, position = [], 0
    for sentence in sentences:
        wanted = "".join(sentence.split())
        start = whole.find(wanted, position)
        if wanted and start >= 0:
            position = start + len(wanted)
            spans.append((start, position))
    return spans


def score(texts: Sequence[Labelled], found: Sequence[Sequence[tuple[int, int]]]) -> float:
    """Return F1 of the sentences found, both ends right."""
    right = sum(len({*text.sentences} & {*spans}) for text, spans in zip(texts, found, strict=True))
    return (
        2
        * right
        / sum(len(text.sentences) + len(spans) for text, spans in zip(texts, found, strict=True))
    )


def ours(work: Path) -> Splitter:
    """Return the workflow's own stage, with the dictionaries it has by default."""
    settings = {"terms": ["legal", "medical"], "patterns": True, "spacing": "none", "input": "raw"}
    work.mkdir(parents=True, exist_ok=True)

    def split(texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        empty = dict.fromkeys((*documents.FIELDS, "split"), "") | {"meta": "{}"}
        rows = [empty | {"doc_id": f"{n:032x}", "text": text} for n, text in enumerate(texts)]
        schema = documents.SCHEMA.append(pa.field("split", pa.string(), nullable=False))
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), work / "documents.parquet")
        output = work / "segments.parquet"
        (work / "cache").unlink(missing_ok=True)
        segment_documents(
            work / "documents.parquet",
            settings,
            [],
            work / "cache",
            1,
            output,
            work / "changes.parquet",
            work / "ledger.parquet",
        )
        found = pq.read_table(output, columns=["sentence_starts", "sentence_ends"])
        return [
            squeezed(text[start:end] for start, end in zip(*spans.values(), strict=True))
            for text, spans in zip(texts, found.to_pylist(), strict=True)
        ]

    return split


def kiwi_alone(texts: Sequence[str]) -> list[list[tuple[int, int]]]:
    """Find sentences by Kiwi as it comes."""
    return [
        located(text, [sentence.text for sentence in sentences])
        for text, sentences in zip(texts, Kiwi().split_into_sents(texts), strict=True)
    ]


def kss_fast(folder: Path) -> Splitter:
    """Return kss with its ``fast`` backend, installed into a folder of its own."""
    if not (folder / "kss").is_dir():
        pip = [sys.executable, "-m", "pip", "install", "-qq", "--target", str(folder), KSS]
        subprocess.run(pip, check=True)
    program = (
        "import json, sys, kss\n"
        "texts = json.load(sys.stdin)\n"
        "found = [kss.split_sentences(text, backend='fast', num_workers=1) if text.strip() else []"
        " for text in texts]\n"
        "json.dump(found, sys.stdout)"
    )

    def split(texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        result = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            input=json.dumps(list(texts)),
            env={**os.environ, "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=True,
        )
        return [
            located(text, found)
            for text, found in zip(texts, json.loads(result.stdout), strict=True)
        ]

    return split


def better(texts: Sequence[Labelled], splitter: Splitter) -> list[list[tuple[int, int]]]:
    """Return what a splitter finds in whole texts or in single lines, whichever scores more."""
    whole = splitter([text.text for text in texts])
    lines = [text.text.split("\n") for text in texts]
    found = iter(splitter([line for text in lines for line in text]))
    by_line = []
    for text in lines:
        spans, shift = [], 0
        for line in text:
            spans += [(start + shift, end + shift) for start, end in next(found)]
            shift += len("".join(line.split()))
        by_line.append(spans)
    return max(whole, by_line, key=lambda spans: score(texts, spans))


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return F1 of the sentences found by the workflow, by Kiwi and by kss, and what it costs."""
    development = {name: labelled(LABELLED / f"{name}.txt") for name in ("legal", "medical")}
    held_out = {name: labelled(LABELLED / f"{name}_held_out.txt") for name in ("legal", "medical")}
    texts = [text for half in (development, held_out) for part in half.values() for text in part]
    unseen = [text for part in held_out.values() for text in part]
    everyday = general(data / "gold" / "kiwi_benchmark")
    mine = ours(work / "sentences")
    found = mine([text.text for text in texts])

    def part(*wanted: Sequence[Labelled]) -> float:
        chosen = [text for group in wanted for text in group]
        return score(chosen, [found[texts.index(text)] for text in chosen])

    return {
        "sentences_labelled": sum(len(text.sentences) for text in texts),
        "sentence_f1": score(texts, found),
        "sentence_f1_legal": part(development["legal"], held_out["legal"]),
        "sentence_f1_medical": part(development["medical"], held_out["medical"]),
        "sentence_f1_held_out": part(*held_out.values()),
        "sentence_f1_held_out_kiwi": score(unseen, better(unseen, kiwi_alone)),
        "sentence_f1_kiwi": score(texts, better(texts, kiwi_alone)),
        "sentence_f1_kss_fast": score(texts, better(texts, kss_fast(work / "kss"))),
        "sentence_general_f1": score(everyday, mine([text.text for text in everyday])),
        "sentence_general_f1_kiwi": score(everyday, better(everyday, kiwi_alone)),
        **_speed(data),
    }


def _speed(data: Path) -> dict[str, float]:
    """Return megabytes cut into blocks in a CPU-second and the CPU time of sentences over that of Kiwi."""
    texts, size = [], 0.0
    decisions = sorted((data / "legal" / "precedents_md").rglob("*.md"))
    notices = sorted((data / "medical").rglob("*.txt"))
    for path in (path for pair in zip(decisions, notices, strict=False) for path in pair):
        texts.append("\n".join(line.strip() for line in path.read_text("utf-8").split("\n")))
        size += len(texts[-1].encode()) / 1e6
        if size > SPEED_MB:
            break
    kiwi = load_analyzer(1)
    best: dict[str, float] = {}

    def timed(name: str, run: Callable[[], object]) -> object:
        started = process_time()
        result = run()
        best[name] = min(best.get(name, float("inf")), process_time() - started)
        return result

    for _ in range(3):
        spans = timed("blocks", lambda: [blocks(text) for text in texts])
        parts = [
            text[start:end] for text, own in zip(texts, spans, strict=True) for start, end in own
        ]
        tokens = timed("kiwi", lambda parts=parts: list(kiwi.tokenize(parts)))
        analysed = [_arrays(part, own) for part, own in zip(parts, tokens, strict=True)]
        timed("sentences", lambda analysed=analysed: [sentence_spans(*one) for one in analysed])
    return {
        "blocks_mb_per_cpu_s": size / best["blocks"],
        "sentence_spans_share_of_kiwi": best["sentences"] / best["kiwi"],
    }


def _arrays(block: str, tokens: Sequence[Token]) -> tuple[str, np.ndarray, ...]:
    pieces = surface_pieces(
        [block],
        np.array([len(tokens)]),
        np.array([token.start for token in tokens], dtype=np.int64),
        np.array([token.len for token in tokens], dtype=np.int64),
        np.array([tag_number(token.tag) for token in tokens], dtype=np.uint8),
        np.array([token.sent_position for token in tokens], dtype=np.int32),
    )
    return block, pieces.starts, pieces.ends, pieces.tags, pieces.numbers
